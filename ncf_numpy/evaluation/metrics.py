"""How high does a scorer rank the one item it was not shown? Leave-one-out evaluation.

Each user's held-out item, the positive, is ranked among items the user does not have. Rank 0 is the
best; HR@k, NDCG@k and MRR are means over users of a function of that rank. Ties are ranked
pessimistically, so that a scorer which cannot tell items apart scores 0 and not 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import check_can
from ..data.split import Holdout, check_holdout
from .measures import check_ranks, per_list
from .progress import progress_bar

if TYPE_CHECKING:
    import pandas as pd

    from ..core.types import Array, Scorer

BLOCK_PAIRS = 2**12  # pairs scored per call of predict: a wide tower's activations stay in cache


@dataclass(frozen=True)
class Evaluation:
    """What one scorer reached on one hold-out: its figures at k, and the ranks they come from.

    Attributes
    ----------
    hr, ndcg, mrr : float
        HR@k, NDCG@k and MRR, means over the lists.
    k : int
        Where a list ends for hr and ndcg.
    ranks : (E,) integers
        The rank of each held-out item, 0 the best.
    users, items : (E,) integers
        Whose item each is, and which.
    lists : (E,) integers
        The ranking each stands in: 0, 1, ..., L - 1.
    against : str
        What they were ranked against, for `compare`.
    """

    hr: float
    ndcg: float
    mrr: float
    k: int
    ranks: Array = field(repr=False, compare=False)
    users: Array = field(repr=False, compare=False)
    items: Array = field(repr=False, compare=False)
    lists: Array = field(repr=False, compare=False)
    against: str = field(repr=False, compare=False)

    @classmethod
    def of(cls, ranks: Array, holdout: Holdout, lists: Array, k: int, against: str) -> Evaluation:
        """From the ranks of held-out pairs.

        Parameters
        ----------
        ranks : (E,) integers
        holdout : Holdout
            Whose users and items the ranks belong to.
        lists : (E,) integers
            The list 0, 1, ... that each stands in.
        k : int
        against : str

        Returns
        -------
        Evaluation

        Raises
        ------
        ValueError
            For no ranks, or a k below 1.
        """
        values = (float(per_list(name, ranks, lists, k).mean()) for name in ("HR", "NDCG", "MRR"))
        return cls(*values, k, ranks, holdout.users, holdout.items, lists, against)

    def values(self, measure: str, k: int | None = None) -> Array:
        """One measure of every list.

        Parameters
        ----------
        measure : str
            "HR", "NDCG", "precision", "recall", "MAP" or "MRR".
        k : int
            By default the evaluation's own.

        Returns
        -------
        (L,) floats

        Raises
        ------
        ValueError
            For another measure, or a k below 1.
        """
        return per_list(measure, self.ranks, self.lists, self.k if k is None else k)

    def mean(self, measure: str, k: int | None = None) -> float:
        """The mean of `values`, the figure that is usually reported.

        Parameters
        ----------
        measure : str
        k : int
            As for `values`.

        Returns
        -------
        float
        """
        return float(self.values(measure, k).mean())

    @property
    def recall(self) -> float:
        """recall@k: in lists with one held-out item each it is HR@k."""
        return self.mean("recall")

    def table(
        self,
        k: int | Sequence[int] = (5, 10, 20),
        measures: str | Sequence[str] = ("HR", "NDCG", "precision", "recall", "MAP"),
    ) -> pd.DataFrame:
        """The means of several measures at several k.

        Parameters
        ----------
        k : int or sequence of int
        measures : str or sequence of str

        Returns
        -------
        DataFrame
            A row for each k, a column for each measure.
        """
        import pandas as pd

        ks = k if np.iterable(k) else [k]
        names = [measures] if isinstance(measures, str) else measures
        rows = [{name: self.mean(name, each) for name in names} for each in ks]
        return pd.DataFrame(rows, index=pd.Index(ks, name="k"))


def evaluate(
    scorer: Scorer, holdout: Holdout, k: int = 10, *, progress: bool = False
) -> Evaluation:
    """Rank every positive of a hold-out among its candidates, and average.

    Each has a list of its own: several held-out items of one user do not compete with each other.

    Parameters
    ----------
    scorer : object with predict(users (B,), items (B,)) -> scores (B,)
        A model, a baseline, or your own.
    holdout : Holdout
    k : int
        Of HR@k and NDCG@k.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        Unless predict returns one score for each pair.
    FloatingPointError
        For a score that is not finite, with its user and item.
    """
    ranks = rank_positives(scorer, holdout, progress=progress)
    against = f"{holdout.candidates.shape[1]} sampled"
    return Evaluation.of(ranks, holdout, np.arange(len(ranks)), k, against)


def rank_positives(
    scorer: Scorer, holdout: Holdout, *, block: int = BLOCK_PAIRS, progress: bool = False
) -> Array:
    """How many negatives score at least as high as the positive.

    A candidate list is a set, as in the authors' evaluate.py: a negative that repeats counts once,
    and one that is the positive itself does not count. -1 in `holdout.candidates` is padding.

    Parameters
    ----------
    scorer : object with predict(users (B,), items (B,)) -> scores (B,)
    holdout : Holdout
    block : int
        About how many pairs predict is called on; a user's pairs stay together.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    (E,) integers
        Ranks, 0 the best.

    Raises
    ------
    ValueError, FloatingPointError
        As `evaluate`.
    """
    check_can("scorer", scorer)
    check_holdout(holdout)
    n_users, n_negatives = holdout.candidates.shape
    step = max(1, block // (1 + n_negatives))
    ranks = np.empty(n_users, np.intp)
    for start in progress_bar(range(0, n_users, step), "evaluating", show=progress):
        rows = slice(start, start + step)
        positives = holdout.items[rows, None]  # (U, 1)
        negatives = np.sort(holdout.candidates[rows], axis=1)  # (U, C): repeats are adjacent
        ignored = (negatives == -1) | (negatives == positives)  # (U, C)
        ignored[:, 1:] |= negatives[:, 1:] == negatives[:, :-1]
        # Where a negative is ignored the positive stands in: predict sees valid items only.
        items = np.hstack([positives, np.where(ignored, positives, negatives)])  # (U, 1 + C)
        users = np.broadcast_to(holdout.users[rows, None], items.shape)  # (U, 1 + C)
        scores = _scores(scorer, users.ravel(), items.ravel()).reshape(items.shape)  # (U, 1 + C)
        above = (scores[:, 1:] >= scores[:, :1]) & ~ignored  # (U, C)
        ranks[rows] = above.sum(axis=1)
    return ranks


def hit_ratio(ranks: Array, k: int) -> float:
    """HR@k = mean of [rank < k]: the share of users whose positive is among the first k.

    Parameters
    ----------
    ranks : (E,) integers
    k : int

    Returns
    -------
    float
    """
    check_ranks(ranks, k)
    return float(np.mean(ranks < k))


def ndcg(ranks: Array, k: int) -> float:
    """NDCG@k = mean of 1 / log2(rank + 2) where rank < k, else 0: a hit counts more near the top.

    The best DCG with one relevant item is 1 / log2(0 + 2) = 1. Source: He et al. 2017, section 4.1.

    Parameters
    ----------
    ranks : (E,) integers
    k : int

    Returns
    -------
    float
    """
    check_ranks(ranks, k)
    return float(np.mean(np.where(ranks < k, 1 / np.log2(ranks + 2), 0)))


def mrr(ranks: Array) -> float:
    """MRR = mean of 1 / (rank + 1), the mean reciprocal rank, over the whole list.

    Parameters
    ----------
    ranks : (E,) integers

    Returns
    -------
    float
    """
    check_ranks(ranks)
    return float(np.mean(1 / (ranks + 1)))


def _scores(scorer, users, items):
    """predict, refusing what would rank without meaning: users (B,), items (B,) -> scores (B,)."""
    name = type(scorer).__name__
    scores = np.asarray(scorer.predict(users, items))
    if scores.shape != users.shape:  # (B, 1) would broadcast to B x B later on
        raise ValueError(
            f"{name}.predict must return one score per pair, {users.shape}; got {scores.shape}"
        )
    finite = np.isfinite(scores)
    if not finite.all():
        b = np.argmin(finite)
        raise FloatingPointError(
            f"{name}.predict gave {scores[b]} for user {users[b]}, item {items[b]}: "
            "a diverged model cannot be ranked; a lower learning rate may keep it finite"
        )
    return scores
