"""Other interactions of one: some of the pairs, the users and items with enough, other notes."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import check_count

if TYPE_CHECKING:
    from ..core.types import Array
    from .interactions import Interactions


class Selection:
    """The part of `Interactions` that makes others of them, mostly fewer."""

    def take(self, rows: Array) -> Interactions:
        """Only some rows; users and items keep their indices.

        Parameters
        ----------
        rows : (n,) booleans, or ascending integers

        Returns
        -------
        Interactions
        """
        return replace(
            self,
            users=self.users[rows],
            items=self.items[rows],
            counts=None if self.counts is None else self.counts[rows],
            timestamps=None if self.timestamps is None else self.timestamps[rows],
        )

    def filter(self, min_per_user: int = 20, min_per_item: int = 5) -> Interactions:
        """Drop rare items and light users until all that remain reach both thresholds.

        Dropping an item may push a user below the threshold and the other way round, so the two
        rules are repeated until nothing changes. Indices are then made contiguous again.

        Parameters
        ----------
        min_per_user, min_per_item : int
            0 or 1 switches a side off.

        Returns
        -------
        Interactions

        Raises
        ------
        ValueError
            When nothing is left.
        """
        check_count(min_per_user, 0, "min_per_user")
        check_count(min_per_item, 0, "min_per_item")
        rows = np.arange(len(self))
        while True:
            users, items = self.users[rows], self.items[rows]
            keep = np.bincount(users)[users] >= min_per_user
            keep &= np.bincount(items)[items] >= min_per_item
            if keep.all():
                break
            rows = rows[keep]
        if not len(rows):
            raise ValueError(
                f"nothing is left of {len(self):,} pairs with min_per_user={min_per_user} and "
                f"min_per_item={min_per_item}; choose lower thresholds"
            )
        users, kept_users = np.unique(users, return_inverse=True)[::-1]
        items, kept_items = np.unique(items, return_inverse=True)[::-1]
        rules = [self.source] if self.source else []
        rules += [f"users with >= {min_per_user} items"] if min_per_user > 1 else []
        rules += [f"items with >= {min_per_item} users"] if min_per_item > 1 else []
        return replace(
            self.take(rows),
            users=users,
            items=items,
            user_ids=self.user_ids[kept_users],
            item_ids=self.item_ids[kept_items],
            item_names=None if self.item_names is None else self.item_names[kept_items],
            source=", ".join(rules),
        )

    def with_notes(self, notes: Sequence[str]) -> Interactions:
        """The same arrays, which are not checked again, with other notes.

        Parameters
        ----------
        notes : sequence of str

        Returns
        -------
        Interactions
        """
        noted = copy.copy(self)
        object.__setattr__(noted, "notes", tuple(notes))
        return noted
