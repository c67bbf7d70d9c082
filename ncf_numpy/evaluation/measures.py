"""Measures of a list at several k, from the ranks of the held-out items in it.

Each function takes ranks (E,), 0 the best, and which list each belongs to, and returns a value per
list; the figure is their mean. A list is a user's ranking of all items, with all their held-out
items in it, or one held-out item among its sampled candidates.

    HR@k         1 if a held-out item is among the first k
    precision@k  held-out items among the first k, divided by k
    recall@k     held-out items among the first k, divided by all n held out of this list
    NDCG@k       sum of 1 / log2(rank + 2) over those, divided by its value where they come first
    MAP@k        sum over those of (held-out items up to this rank) / (rank + 1), by min(n, k)
    MRR          1 / (rank + 1) of the first held-out item, however low
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import check_count

if TYPE_CHECKING:
    from ..core.types import Array


class Lists:
    """ranks (E,) of held-out items and the list each is in (E,), 0, 1, ..., L - 1, none empty."""

    def __init__(self, ranks, lists):
        order = np.lexsort((ranks, lists))
        self.ranks, self.lists = ranks[order], lists[order]  # (E,) by list, then by rank
        self.n = np.bincount(lists)  # (L,) held-out items of each
        first = np.cumsum(self.n) - self.n
        self.place = np.arange(len(ranks)) - first[self.lists]  # (E,) 0, 1, ... within a list

    def total(self, values, k):
        """The sum over a list's held-out items among the first k: values (E,) -> (L,)."""
        return np.bincount(self.lists, np.where(self.ranks < k, values, 0), len(self.n))

    def n_within(self, k):
        """min(n, k) of each list: -> (L,), for a k of any size."""
        return np.minimum(self.n, min(k, self.n.max()))


def hit(lists, k):
    return np.minimum(lists.total(1, k), 1)


def precision(lists, k):
    return lists.total(1, k) / k


def recall(lists, k):
    return lists.total(1, k) / lists.n


def ndcg(lists, k):
    n = lists.n_within(k)
    best = np.cumsum(1 / np.log2(np.arange(n.max()) + 2))
    return lists.total(1 / np.log2(lists.ranks + 2), k) / best[n - 1]


def average_precision(lists, k):
    return lists.total((lists.place + 1) / (lists.ranks + 1), k) / lists.n_within(k)


def reciprocal_rank(lists, k):
    return 1 / (lists.ranks[lists.place == 0] + 1)


MEASURES = {
    "HR": hit,
    "NDCG": ndcg,
    "precision": precision,
    "recall": recall,
    "MAP": average_precision,
    "MRR": reciprocal_rank,
}


def per_list(measure: str, ranks: Array, lists: Array, k: int) -> Array:
    """The values of one measure.

    Parameters
    ----------
    measure : str
        "HR", "NDCG", "precision", "recall", "MAP" or "MRR".
    ranks : (E,) integers
        Of held-out items, 0 the best.
    lists : (E,) integers
        Which list each is in: 0, 1, ..., L - 1.
    k : int

    Returns
    -------
    (L,) floats

    Raises
    ------
    ValueError
        For another measure, no ranks, or a k below 1.
    """
    if measure not in MEASURES:
        raise ValueError(f"the measures are {', '.join(MEASURES)}; got {measure!r}")
    check_ranks(ranks, k)
    return MEASURES[measure](Lists(ranks, lists), k)


def check_ranks(ranks: Array, k: int = 1) -> None:
    """Raise ValueError for no ranks, which have no mean, or a k below 1."""
    check_count(k, 1, "k")
    if len(ranks) == 0:
        raise ValueError("no ranks to average: the hold-out is empty")
