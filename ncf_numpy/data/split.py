"""Leave-one-out: hide one item of each user and see how high a model ranks it.

The hidden item is ranked against items the user does not have. A second hidden item, the
validation item, chooses the epoch, so the test item is looked at once. Nothing that helps to
train or to choose may know the test item: it can be drawn as a negative like any unseen item.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import check_count, check_generator, check_ids
from .interactions import Interactions, check_interactions
from .sampling import NegativeSampler

if TYPE_CHECKING:
    from ..core.types import Array

BLOCK = 8192  # users for which candidates are drawn at once: (99, BLOCK) stays small


@dataclass(frozen=True, eq=False)
class Holdout:
    """One held-out positive per evaluated user and the negatives it is ranked against.

    Parameters
    ----------
    users : (E,) integers
        Ascending.
    items : (E,) integers
        The held-out positives.
    candidates : (E, C) integers
        Negatives; -1 pads a user with fewer than C unseen items.
    counts : (E,) floats
        Plays or ratings of the positive, where known.
    timestamps : (E,) integers
        Seconds, where known.

    Raises
    ------
    TypeError
        For indices that are not integers.
    ValueError
        For columns of unequal length.
    """

    users: Array
    items: Array
    candidates: Array
    counts: Array | None = None
    timestamps: Array | None = None

    def __post_init__(self) -> None:
        for name in ("users", "items", "candidates"):
            array = np.asarray(getattr(self, name))
            if array.dtype.kind not in "iu":
                raise TypeError(f"{name} must be integer indices, got {array.dtype}")
            object.__setattr__(self, name, np.ascontiguousarray(array, dtype=np.intp))
        for name in ("counts", "timestamps"):
            column = getattr(self, name)
            if column is not None and np.shape(column) != self.users.shape:
                raise ValueError(f"{name}: expected (E,), one for each user, got {column!r}")
        shapes = self.users.shape, self.items.shape, self.candidates.shape
        n = len(self.users)
        if shapes != ((n,), (n,), (n, self.candidates.shape[-1])):
            raise ValueError(f"users, items, candidates: expected (E,), (E,), (E, C), got {shapes}")

    def __len__(self) -> int:
        return len(self.users)


def check_holdout(holdout: Holdout) -> None:
    """Raise TypeError for a whole Split, or for data from which nothing has been held out."""
    if not hasattr(holdout, "candidates"):
        got = type(holdout).__name__
        raise TypeError(f"expected a Holdout, such as split.test or split.validation, got {got}")


@dataclass(frozen=True, eq=False)
class Split:
    """Training pairs and the hold-outs taken from the same users.

    Parameters
    ----------
    train : Interactions
        What the neural models train on.
    validation : Holdout or None
        For choosing the epoch; None where none was asked for.
    test : Holdout
        For reporting, once.
    protocol : str
        One sentence: how the hold-out was made.
    notes : tuple of str
        Oddities found in the data, one sentence each.
    """

    train: Interactions
    validation: Holdout | None
    test: Holdout
    protocol: str
    notes: tuple[str, ...] = ()

    def train_and_validation(self) -> Interactions:
        """Train plus the validation positives, with their counts and timestamps.

        A closed-form baseline has no epoch to choose, so it may be fitted on all but the test.

        Returns
        -------
        Interactions

        Raises
        ------
        ValueError
            If train has counts or timestamps and the validation hold-out has none.
        """
        train, extra = self.train, self.validation
        if extra is None:
            return train
        rows = np.searchsorted(train.pair_keys, extra.users * train.n_items + extra.items)
        merged = {}
        for name in ("users", "items", "counts", "timestamps"):
            column, added = getattr(train, name), getattr(extra, name)
            if column is not None and added is None:
                raise ValueError(f"train has {name}, the validation hold-out has none")
            merged[name] = None if column is None else np.insert(column, rows, added)
        return replace(train, **merged)


def leave_one_out(
    interactions: Interactions,
    rng: np.random.Generator,
    *,
    n_candidates: int = 99,
    validation: bool = True,
) -> Split:
    """Hold out one item of each user for test and, unless told otherwise, one for validation.

    With timestamps the latest interaction is the test item and the one before it the validation
    item (ties are broken by the rng); without, both are drawn at random. A user with fewer than 3
    interactions (2 without validation), or with every item there is, keeps all in training and is
    not evaluated. Sizes stay: an item held out by its only user is still an index, without a
    training row.

    Test candidates: items the user does not have at all. Validation candidates: items outside the
    user's train and validation; the test item may be among them, since excluding it would leak.
    Both are distinct and uniform.

    Parameters
    ----------
    interactions : Interactions
    rng : Generator
    n_candidates : int
        Negatives for each held-out item.
    validation : bool
        False holds out the test items alone.

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        When no user can be evaluated, or n_candidates is below 1.
    TypeError
        For data that are not Interactions, or an rng that is a seed.

    Examples
    --------
    >>> data = Interactions.from_columns([1] * 4 + [2], [5, 6, 7, 8, 9], timestamps=[4, 3, 1, 2, 0])
    >>> split = leave_one_out(data, np.random.default_rng(0), n_candidates=1)
    >>> [int(split.test.items[0]), int(split.validation.items[0]), split.test.candidates.tolist()]
    [0, 1, [[4]]]
    >>> split.notes[0]
    'Users with fewer than 3 interactions, trained on, not evaluated: 1.'
    """
    check_interactions(interactions)
    check_generator(rng)
    check_count(n_candidates, 1, "n_candidates")
    need = 3 if validation else 2
    per_user = np.diff(interactions.offsets)
    has_all = (per_user >= need) & (per_user == interactions.n_items)
    users = np.flatnonzero((per_user >= need) & ~has_all)
    if not len(users):
        raise ValueError(
            f"no user can be evaluated: none has at least {need} interactions and one item "
            f"unseen (largest: {per_user.max(initial=0)} of {interactions.n_items} items)"
        )
    test_rows, validation_rows, n_ties = last_two(interactions, users, rng)
    candidates = draw_candidates(interactions, users, n_candidates, rng)
    test = hold_out(interactions, test_rows, candidates)
    train, held_out = without(interactions, test_rows), None
    if validation:
        candidates = draw_candidates(train, users, n_candidates, rng)
        held_out = hold_out(interactions, validation_rows, candidates)
        train = without(interactions, np.r_[test_rows, validation_rows])

    light, short = per_user < need, test.candidates[:, -1] < 0
    unseen = f"fewer than {n_candidates} unseen items, ranked against those there are"
    notes = (
        counted(f"Users with fewer than {need} interactions, trained on, not evaluated", light),
        counted("Users with every item there is, trained on, not evaluated", has_all),
        counted("Users with ties at their latest timestamp, broken at random", n_ties),
        counted(f"Users with {unseen}", short),
        counted("Items without a training row", cold_items(train)),
    )
    protocol = _protocol(interactions.timestamps is not None, validation, n_candidates)
    return Split(train, held_out, test, protocol, tuple(filter(None, notes)))


def _protocol(timed: bool, validation: bool, n_candidates: int) -> str:
    if timed:
        how = "each user's latest interaction is the test item"
        how += ", the one before it the validation item" if validation else ""
    else:
        how = "without timestamps, each user's test "
        how += "and validation items are drawn at random" if validation else "item is random"
    return f"Leave-one-out: {how}; ranked against {n_candidates} unseen items, drawn uniformly."


def last_two(
    interactions: Interactions, users: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, int]:
    """Rows of each user's latest and second latest pair (two random ones without timestamps).

    users (E,), each with two pairs or more -> rows (E,), rows (E,), number of users whose latest
    timestamp is shared.
    """
    offsets = interactions.offsets
    start, stop = offsets[users], offsets[users + 1]  # (E,)
    if interactions.timestamps is None:
        last = rng.integers(start, stop)
        before = rng.integers(start, stop - 1)
        return last, before + (before >= last), 0
    noise = rng.random(len(interactions))
    order = np.lexsort((noise, interactions.timestamps, interactions.users))  # (n,)
    last, before = order[stop - 1], order[stop - 2]
    ties = interactions.timestamps[last] == interactions.timestamps[before]
    return last, before, int(ties.sum())


def draw_candidates(
    seen: Interactions, users: np.ndarray, n: int, rng: np.random.Generator
) -> np.ndarray:
    """users (E,) -> (E, n) items: distinct, uniform among those the user does not have in `seen`.

    -1 pads at the end where there are fewer than n. Distinct ranks among the user's unseen items
    are drawn and turned into items the way `NegativeSampler` does: no sample is rejected.
    """
    users = check_ids(users, seen.n_users, "users")
    check_count(n, 1, "n")
    check_generator(rng)
    sampler = NegativeSampler(seen)
    candidates = np.empty((len(users), n), dtype=np.intp)
    for low in range(0, len(users), BLOCK):
        block = users[low : low + BLOCK, None]  # (B, 1)
        ranks = _distinct_ranks(sampler.n_unseen[block[:, 0]], n, rng)  # (B, n)
        upto = np.searchsorted(sampler.keys, block * seen.n_items + ranks, side="right")  # (B, n)
        # A rank of -1 finds just the pairs of earlier users, and so stays -1.
        candidates[low : low + BLOCK] = ranks + upto - sampler.first[block]
    return candidates


def _distinct_ranks(sizes: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """sizes (B,) -> (B, n): n distinct numbers below sizes[b], every subset equally likely.

    -1 at the end where sizes[b] < n. Robert Floyd's algorithm for all rows at once: the k-th draw
    is from 0..top, and a number that is taken gives way to top, which cannot be taken yet.
    Source: Bentley, Programming Pearls, CACM 30(9), 1987.
    """
    picked = np.empty((n, len(sizes)), dtype=np.intp)
    for k in range(n):
        top = sizes - n + k  # (B,) grows to sizes - 1
        draw = rng.integers(0, np.maximum(top, 0) + 1)  # (B,) from 0..top
        taken = (picked[:k] == draw).any(axis=0)  # (B,)
        picked[k] = np.where(top < 0, -1, np.where(taken, top, draw))
    return picked[::-1].T


def hold_out(interactions: Interactions, rows: np.ndarray, candidates: np.ndarray) -> Holdout:
    """The pairs in these rows, with their candidates."""
    taken = [
        None if column is None else column[rows]
        for column in (interactions.counts, interactions.timestamps)
    ]
    return Holdout(interactions.users[rows], interactions.items[rows], candidates, *taken)


def without(interactions: Interactions, rows: np.ndarray) -> Interactions:
    """All pairs but these rows."""
    keep = np.ones(len(interactions), dtype=bool)
    keep[rows] = False
    return interactions.take(keep)


def cold_items(train: Interactions) -> np.ndarray:
    """(n_items,) True where an item has no training row."""
    return np.bincount(train.items, minlength=train.n_items) == 0


def counted(what: str, which: np.ndarray | int) -> str:
    """A note such as 'Users with ...: 3.', empty when there are none."""
    n = int(np.sum(which))
    return f"{what}: {n:,}." if n else ""
