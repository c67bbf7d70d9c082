"""The k best items of every user, exactly: equal scores in the order of the items' indices.

A block of users is scored at a time, by matrix products where the scorer has them, so that memory
does not grow with users x items. Products round a little differently from the model's own forward,
and not always alike for equal items; so they only say which can be among the first k at all: what
is not below the k-th largest score by more than rounding explains. These few, some more than k, are
scored again by the model itself, and sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import check_count, check_ids
from .catalogue import Catalogue

if TYPE_CHECKING:
    from ..core.types import Array, Ids, Scorer

ROUNDING = 1000  # what it may come to: machine epsilons of a user's largest score


def top_k(
    scorer: Scorer,
    users: Ids,
    k: int,
    n_items: int,
    *,
    excluded: Sequence[Ids] | None = None,
    candidates: Ids | None = None,
    progress: bool = False,
) -> tuple[Array, Array, Array]:
    """The k best items of each user, the best first; equal scores by the items' indices.

    Scores are a neural model's logits, and what `predict` gives for any other scorer.

    Parameters
    ----------
    scorer : object with predict(users (B,), items (B,)) -> scores (B,)
    users : (U,) integers
    k : int
    n_items : int
    excluded : U arrays of integers
        For each user the items to leave out, such as those the user has.
    candidates : (C,) integers
        The only items to choose from; by default all.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    rows, items, scores : (N,) arrays
        The item is that of users[row]. There are fewer than k of a user where fewer items are left.

    Raises
    ------
    ValueError
        For a k below 1, or as many arrays to exclude as there are no users.
    FloatingPointError
        For scores that are not finite, with the user.
    """
    check_count(k, 1, "k")
    users = np.asarray(users, np.intp)
    excluded = [[]] * len(users) if excluded is None else excluded
    if len(excluded) != len(users):
        raise ValueError(f"excluded must be one array a user, got {len(excluded)} of {len(users)}")
    others = np.arange(0)
    if candidates is not None:
        others = np.setdiff1d(np.arange(n_items), check_ids(candidates, n_items, "candidates"))
    catalogue = Catalogue(scorer, n_items)
    found = [(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.float32))]
    for block, scores in catalogue.blocks(users, progress=progress):  # (U, n_items)
        largest_of = np.maximum(scores.max(axis=1), -scores.min(axis=1))  # (U,)
        margin = ROUNDING * np.finfo(scores.dtype).eps * largest_of  # (U,)
        scores[:, others] = -np.inf
        for row, items in zip(scores, excluded[block]):
            row[items] = -np.inf
        row, item = near_the_top(scores, k, margin)  # (M,) each
        row, item, score = first_k(row, item, catalogue.pairs(users[block][row], item), k)
        found.append((block.start + row, item, score))
    return tuple(np.concatenate(column) for column in zip(*found))


def near_the_top(scores, k, margin):
    """scores (U, n), margin (U,) -> row, item (M,): all that may be among a row's first k.

    Ascending by row, then by item. -inf is never among them.
    """
    n = scores.shape[1]
    place = n - min(k, n)
    kth = np.partition(scores, place, axis=1)[:, place]  # (U,)
    least = np.maximum(kth - margin, np.finfo(scores.dtype).min)  # (U,)
    return np.divmod(np.flatnonzero(scores >= least[:, None]), n)


def first_k(row, item, score, k):
    """Of pairs (M,), ascending by row and item, each row's k best: the best first, then by item."""
    order = np.lexsort((-score, row))  # stable
    row, item, score = row[order], item[order], score[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)  # in its row
    return row[place < k], item[place < k], score[place < k]


def largest(values: Array, k: int) -> Array:
    """The indices of the k largest values, the largest first, equal ones by index.

    Parameters
    ----------
    values : (n,) floats
    k : int

    Returns
    -------
    (min(k, n),) integers
    """
    k = min(k, len(values))
    kth = np.partition(values, len(values) - k)[len(values) - k]
    above = np.flatnonzero(values > kth)
    above = above[np.argsort(-values[above], kind="stable")]
    return np.append(above, np.flatnonzero(values == kth)[: k - len(above)])
