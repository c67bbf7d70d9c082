"""Is one model better than another, or only luckier with these users? Intervals and a test.

Models that ranked the same held-out items of the same users are compared user by user. What varies
from user to user for all models alike, such as how hard an item is to guess, drops out.

    bootstrap      draw as many users as there are, with replacement, many times; the middle 95% of
                   the resulting figures is the interval (Efron & Tibshirani 1993, chapter 13)
    permutation    if two models were equally good, it would be chance which of a user's two values
                   belongs to which; exchange them at random, many times, and count how often the
                   difference comes out at least as large as it is (Smucker et al. 2007, CIKM)

Both take the users as drawn independently from the people one wants to know about, and the split
and each trained model as given: what another seed or another split would change is not in them.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import check_count

if TYPE_CHECKING:
    import pandas as pd

    from .metrics import Evaluation

BLOCK_NUMBERS = 2**22  # random numbers at a time


def compare(
    evaluations: dict[str, Evaluation],
    measure: str = "NDCG",
    k: int | None = None,
    *,
    draws: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare every pair of evaluations on one measure at k.

    A user drawn for the bootstrap brings all their lists.

    Parameters
    ----------
    evaluations : {name: Evaluation}
        Two or more, of one hold-out.
    measure : str
    k : int
        As for `Evaluation.values`.
    draws : int
        Bootstrap samples, and random exchanges of the permutation test.
    confidence : float
        Of the interval, between 0 and 1.
    seed : int

    Returns
    -------
    DataFrame
        A row for each pair: a and b, the names, a with the higher figure; difference, a's figure
        minus b's; low and high, its bootstrap interval; p of the two-sided permutation test, never
        below 1 / (draws + 1); p_holm, corrected for the number of pairs (Holm 1979); better, a
        where the interval excludes 0, else "".

    Raises
    ------
    ValueError
        For fewer than two, and unless all have ranked the same items of the same users in the same
        way.
    """
    import pandas as pd

    is_table = isinstance(evaluations, dict) and len(evaluations) > 1
    if not is_table or not all(hasattr(each, "ranks") for each in evaluations.values()):
        raise ValueError(
            f"compare needs two evaluations or more, {{name: Evaluation}}; got {evaluations!r}"
        )
    names = list(evaluations)
    sums, n = per_user(evaluations, measure, k)  # (U, M), (U,)
    figures = sums.sum(axis=0) / n.sum()  # (M,)
    best_first = np.argsort(-figures, kind="stable")
    pairs = np.array(list(itertools.combinations(best_first, 2)))  # (P, 2)
    rng = np.random.default_rng(seed)
    drawn = bootstrap(sums, n, draws, rng)  # (draws, M)
    low, high = interval(drawn[:, pairs[:, 0]] - drawn[:, pairs[:, 1]], confidence)  # (P,) each
    p = permutation_test(sums[:, pairs[:, 0]] - sums[:, pairs[:, 1]], draws, rng)  # (P,)
    a, b = (np.array(names, object)[pairs[:, side]] for side in (0, 1))
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "difference": figures[pairs[:, 0]] - figures[pairs[:, 1]],
            "low": low,
            "high": high,
            "p": p,
            "p_holm": holm(p),
            "better": np.where(low > 0, a, ""),
        }
    )


def confidence_interval(
    evaluation: Evaluation,
    measure: str = "NDCG",
    k: int | None = None,
    *,
    draws: int = 10_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """The bootstrap interval of one figure.

    Parameters
    ----------
    evaluation : Evaluation
    measure : str
    k : int
        As for `Evaluation.values`.
    draws : int
    confidence : float
        Between 0 and 1.
    seed : int

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        For a measure, k, draws or confidence that cannot be.
    """
    sums, n = per_user({"": evaluation}, measure, k)
    low, high = interval(bootstrap(sums, n, draws, np.random.default_rng(seed)), confidence)
    return float(low[0]), float(high[0])


def per_user(evaluations, measure, k):
    """Each user's sum over their lists of each model's values, and their number: (U, M), (U,)."""
    first_name, first = next(iter(evaluations.items()))
    k = first.k if k is None else k
    user_of = np.zeros(first.lists.max(initial=-1) + 1, np.intp)  # (L,)
    user_of[first.lists] = np.unique(first.users, return_inverse=True)[1]
    columns = []
    for name, each in evaluations.items():
        for what in ("users", "items", "lists"):
            if not np.array_equal(getattr(each, what), getattr(first, what)):
                raise ValueError(
                    f"{name} and {first_name} were not measured on the same held-out {what}: "
                    "evaluate both on one hold-out"
                )
        if each.against != first.against:
            raise ValueError(
                f"{name} was ranked against {each.against} items, {first_name} against "
                f"{first.against}: compare figures of one ranking"
            )
        columns.append(np.bincount(user_of, each.values(measure, k)))  # (U,)
    return np.stack(columns, axis=1), np.bincount(user_of)


def bootstrap(sums, n, draws, rng):
    """Figures of `draws` samples of users: sums (U, M), n (U,) lists of each -> (draws, M)."""
    check_count(draws, 1, "draws")
    U = len(n)
    figures = []
    for block in blocks(draws, U):
        drawn = rng.integers(U, size=(block, U)) + U * np.arange(block)[:, None]
        times = np.bincount(drawn.ravel(), minlength=block * U).reshape(block, U).astype(float)
        figures.append((times @ sums) / (times @ n)[:, None])  # how often each user was drawn
    return np.concatenate(figures)


def permutation_test(differences, draws, rng):
    """How often a random exchange gives at least this difference: (U, P) -> p (P,)."""
    check_count(draws, 1, "draws")
    observed = np.abs(differences.sum(axis=0))  # (P,)
    rounding = 1e-9 * np.abs(differences).sum(axis=0)
    as_large = np.zeros(len(observed), np.intp)
    for block in blocks(draws, len(differences)):
        signs = 2.0 * rng.integers(2, size=(block, len(differences)), dtype=np.int8) - 1
        as_large += (np.abs(signs @ differences) >= observed - rounding).sum(axis=0)
    return (as_large + 1) / (draws + 1)  # the difference itself is one of the exchanges


def blocks(draws, n_users):
    """Cut `draws` into numbers of draws that fit into memory together."""
    step = max(1, BLOCK_NUMBERS // max(1, n_users))
    return [min(step, draws - start) for start in range(0, draws, step)]


def interval(figures, confidence):
    """The middle share `confidence` of figures (draws, P): -> low (P,), high (P,)."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence!r}")
    tail = (1 - confidence) / 2
    return np.quantile(figures, [tail, 1 - tail], axis=0)


def holm(p):
    """p-values (P,) corrected so that one wrong rejection among all has its stated probability."""
    order = np.argsort(p, kind="stable")
    corrected = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    result = np.empty(len(p))
    result[order] = np.minimum(corrected, 1)
    return result
