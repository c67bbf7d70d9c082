"""Rank the whole catalogue for every user: no sampled negatives, and memory for a few users only.

A held-out item that beats 99 sampled items may be far from the first ten of thousands, and the
order of two models can reverse (Krichene & Rendle 2020, KDD). Items of a user's training data are
left out of the ranking: no user is recommended what they have, and a model scores those highest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import check_count, check_ids
from .catalogue import Catalogue
from .metrics import Evaluation

if TYPE_CHECKING:
    from ..core.types import Array, Ids, Scorer
    from ..data.interactions import Interactions
    from ..data.split import Holdout


def evaluate_catalogue(
    scorer: Scorer,
    holdout: Holdout,
    train: Interactions,
    k: int = 10,
    *,
    mask_train: bool = True,
    progress: bool = False,
) -> Evaluation:
    """Rank the held-out pairs among all items, and average over users.

    A user's held-out items stand in one list; where two of them tie they take places one after the
    other.

    Parameters
    ----------
    scorer : object with predict(users (B,), items (B,)) -> scores (B,)
    holdout : Holdout
        Or anything else with users and items (E,).
    train : Interactions
        Whose items compete, but for those the user has there.
    k : int
    mask_train : bool
        False lets the user's own items compete as well.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    Evaluation

    Raises
    ------
    ValueError
        For no pairs, or a k below 1.
    FloatingPointError
        For a score that is not finite.
    """
    check_count(k, 1, "k")
    options = {"mask_train": mask_train, "one_list": True, "progress": progress}
    ranks = rank_in_catalogue(scorer, holdout.users, holdout.items, train, **options)
    lists = np.unique(holdout.users, return_inverse=True)[1]  # (E,)
    return Evaluation.of(ranks, holdout, lists, k, f"all {train.n_items:,}")


def rank_in_catalogue(
    scorer: Scorer,
    users: Ids,
    items: Ids,
    train: Interactions,
    *,
    mask_train: bool = True,
    one_list: bool = False,
    progress: bool = False,
) -> Array:
    """How many items score at least as high as the pair's. Ties count against the pair.

    Parameters
    ----------
    scorer : object with predict(users (B,), items (B,)) -> scores (B,)
    users, items : (E,) integers
        The pairs to rank.
    train : Interactions
        All its items compete but those the user has there.
    mask_train : bool
        False lets those compete as well.
    one_list : bool
        The pairs of a user stand in one list, so that of two that tie one comes after the other; by
        default each would be counted before the other.
    progress : bool
        Show a bar on stderr.

    Returns
    -------
    (E,) integers
        Ranks, 0 the best.

    Raises
    ------
    ValueError
        For no pairs, or columns of unequal length.
    IndexError
        For a user or an item that is not in train.
    FloatingPointError
        For a score that is not finite.
    """
    users = check_ids(users, train.n_users, "users")
    items = check_ids(items, train.n_items, "items")
    if len(users) != len(items) or not len(users):
        raise ValueError(f"expected pairs to rank, got {len(users)} users and {len(items)} items")
    order = np.argsort(users, kind="stable")  # (E,) the pairs of a user side by side
    distinct, starts = np.unique(users[order], return_index=True)
    pairs_of = np.split(order, starts[1:])  # of each distinct user
    catalogue, offsets = Catalogue(scorer, train.n_items), train.offsets
    ranks = np.empty(len(users), np.intp)
    for block, scores_of in catalogue.blocks(distinct, progress=progress):
        for user, scores, pairs in zip(distinct[block], scores_of, pairs_of[block]):
            held_out = scores[items[pairs]]  # (P,)
            if mask_train:
                scores[train.items[offsets[user] : offsets[user + 1]]] = -np.inf
            at_least = [np.count_nonzero(scores >= score) for score in held_out]  # (P,)
            competes = scores[items[pairs]] > -np.inf  # (P,)
            ranks[pairs] = at_least - competes
            if one_list:
                ranks[pairs] -= equal_later(held_out, items[pairs], competes)
    return ranks


def equal_later(scores, items, competes):
    """How many of a user's competing pairs after this one have its score: (P,) each -> (P,)."""
    equal = (scores[:, None] == scores) & (items[:, None] != items) & competes  # (P, P)
    return np.triu(equal, 1).sum(axis=1)
