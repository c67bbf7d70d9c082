"""What all baselines share, and how they look at the interactions."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import check_ids, check_pairs
from ..data.interactions import Interactions, check_interactions

if TYPE_CHECKING:
    from ..core.types import Array, Ids


class Baseline:
    """What all share: fit(train) -> self, then predict(users (B,), items (B,)) -> scores (B,).

    `learned` names the arrays that `fit` makes; `shapes` says what they are, before there are any.
    Before `fit` they are None.
    """

    learned: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.n_users: int | None = None
        self.n_items: int | None = None
        self.items_of: list[Array] | None = None  # for each user, the array of its items

    def fit(self, train: Interactions) -> Baseline:
        """Learn from training pairs.

        Parameters
        ----------
        train : Interactions

        Returns
        -------
        Baseline
            Itself.

        Raises
        ------
        ValueError
            With use_counts, for data without counts.
        MemoryError
            Where it needs more than there is (EASE).
        """
        raise NotImplementedError

    def predict(self, users: Ids, items: Ids) -> Array:
        """The score of each pair.

        Parameters
        ----------
        users, items : (B,) integers

        Returns
        -------
        (B,) floats

        Raises
        ------
        RuntimeError
            Before `fit`.
        TypeError, IndexError
            For ids that are no rows.
        ValueError
            For columns of unequal length.
        """
        raise NotImplementedError

    def know(self, data: Interactions) -> None:
        """Keep the interactions.

        Parameters
        ----------
        data : Interactions
        """
        check_interactions(data)
        self.n_users, self.n_items = data.n_users, data.n_items
        self.items_of = np.split(data.items, data.offsets[1:-1])

    def restore(self, data: Interactions, arrays: dict[str, Array]) -> None:
        """Make this baseline what a fitted one was.

        Parameters
        ----------
        data : Interactions
            What it was fitted on.
        arrays : {name: array}
            Of all its `learned`.

        Raises
        ------
        ValueError
            For arrays that cannot be of this data.
        """
        self.know(data)
        for name in self.learned:
            setattr(self, name, arrays[name])

    def with_one_user(self, items: Array) -> Baseline:
        """A copy that knows a single user, number 0; it shares the rest.

        Parameters
        ----------
        items : (P,) integers
            What this user has.

        Returns
        -------
        Baseline
        """
        one = copy.copy(self)
        one.n_users, one.items_of = 1, [items]
        return one

    def similarities_to(self, item: int) -> Array:
        """How alike each item is to one item.

        Parameters
        ----------
        item : int

        Returns
        -------
        (n_items,) floats

        Raises
        ------
        ValueError
            For a baseline that does not compare items.
        """
        raise ValueError(
            f"{type(self).__name__.lower()} does not compare items with each other: fit another "
            "model, such as itemknn or neumf"
        )

    def similarities_to_user(self, user: int) -> Array:
        """How alike each user is to one user: the cosine of their rows of 0 and 1, by default.

        |I_u & I_v| / sqrt(n_u n_v), for users u and v with n_u and n_v items.

        Parameters
        ----------
        user : int

        Returns
        -------
        (n_users,) floats

        Raises
        ------
        ValueError
            For a baseline that does not compare users.
        """
        n = np.array([len(items) for items in self.items_of])  # (n_users,)
        (has,) = has_items(self, [user])  # (n_items,)
        row = np.repeat(np.arange(self.n_users), n)
        shared = np.bincount(row, has[np.concatenate(self.items_of)], self.n_users)
        return shared / np.sqrt(n[user].clip(1) * n.clip(1))

    def vectors(self, side: str) -> Array:
        """The vectors of all users or of all items.

        Parameters
        ----------
        side : str
            "user" or "item".

        Returns
        -------
        (n, K) floats

        Raises
        ------
        ValueError
            For a baseline without vectors.
        """
        raise ValueError(
            f"{type(self).__name__.lower()} has no {side} vectors: fit another model, such as ials "
            "or neumf"
        )

    def _check_fitted(self):
        if self.n_items is None:
            raise RuntimeError(f"{type(self).__name__} is not fitted: call fit(train)")

    def _check_pairs(self, users, items):
        self._check_fitted()
        users = check_ids(users, self.n_users, "users")
        items = check_ids(items, self.n_items, "items")
        check_pairs(users, items)
        return users, items


def users_by_item(train):
    """-> users (n,) sorted by item, offsets (n_items + 1,): item i's begin at offsets[i]."""
    order = np.argsort(train.items, kind="stable")
    return train.users[order], np.searchsorted(train.items[order], np.arange(train.n_items + 1))


def has_items(baseline, users, values_of=None):
    """Which items each of U users has: -> bool (U, n_items); or their values, float32."""
    has = np.zeros((len(users), baseline.n_items), bool if values_of is None else np.float32)
    for row, user in enumerate(users):
        has[row, baseline.items_of[user]] = True if values_of is None else values_of[user]
    return has


def counts_of(data):
    """The counts (n,) of data; ValueError if it has none."""
    if data.counts is None:
        raise ValueError(
            f"use_counts needs counts, and {data.source or 'the data'} has none: name their column "
            "as the data is loaded, such as count='plays', or leave out use_counts=True"
        )
    return data.counts


def cosines(vectors, row):
    """The cosine of every row of vectors (n, K) with one of them: -> (n,), 0 for a zero vector."""
    norms = np.linalg.norm(vectors, axis=1)  # (n,)
    return vectors @ vectors[row] / np.maximum(norms * norms[row], 1e-30)
