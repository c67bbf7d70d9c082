"""Who listened to what, as arrays.

Raw ids (Last.fm numbers, or names) stop here: everything downstream sees
indices 0..n-1, the rows of the embedding tables. The pairs are distinct and sorted by user, then
item, so "the items of user u" is a slice and "does u have i" a binary search.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.checks import check_ids, check_pairs
from .columns import (
    amounts,
    check_list,
    column_of,
    floats,
    known_ids,
    raw_ids,
    sort_keys,
    whole_seconds,
)
from .lookup import Lookup, names_of
from .selection import Selection
from .terminal import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..core.types import Array, Column, Ids, Sparse


@dataclass(frozen=True, eq=False)
class Interactions(Lookup, Selection):
    """n distinct (user, item) pairs with contiguous indices, sorted by user, then item.

    An index without a pair is allowed: an item may be known only from a hold-out.

    Parameters
    ----------
    users, items : (n,) integers
        Ascending by user, then by item.
    user_ids, item_ids : (n_users,), (n_items,)
        The raw id of each index, integers or strings.
    counts : (n,) floats
        Plays or ratings, finite and >= 0.
    timestamps : (n,) integers
        Seconds.
    item_names : (n_items,) str
        What to print.
    source : str
        One line for the output: where the data came from.
    notes : tuple of str
        What a loader dropped or merged and why, one sentence each.

    Raises
    ------
    TypeError
        For indices that are not integers.
    IndexError
        For an index out of range.
    ValueError
        For columns of unequal length, unsorted or repeated pairs, and counts that are no amounts.

    Examples
    --------
    >>> plays = Interactions.from_columns(
    ...     ["ann", "ann", "bob"], [70, 50, 50], [3, 9, 1], item_names={50: "Air", 70: "Can"})
    >>> plays
    Interactions(3 pairs, 2 users x 2 items)
    >>> [plays.item_name(i) for i in plays.items_of(0)]
    ['Air', 'Can']
    >>> plays.find_item("can")
    1
    """

    users: NDArray[np.integer]
    items: NDArray[np.integer]
    user_ids: Array
    item_ids: Array
    counts: Array | None = None
    timestamps: Array | None = None
    item_names: Array | None = None
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.users)
        checked = {
            "user_ids": raw_ids("user_ids", self.user_ids),
            "item_ids": raw_ids("item_ids", self.item_ids),
            "users": column_of("users", check_ids(self.users, self.n_users, "users"), n, np.intp),
            "items": column_of("items", check_ids(self.items, self.n_items, "items"), n, np.intp),
        }
        if self.counts is not None:
            checked["counts"] = amounts(column_of("counts", self.counts, n, np.float64))
        if self.timestamps is not None:
            checked["timestamps"] = column_of(
                "timestamps", whole_seconds(self.timestamps), n, np.int64
            )
        if self.item_names is not None:
            size = len(self.item_ids)
            checked["item_names"] = column_of("item_names", self.item_names, size, object)
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        unsorted = np.flatnonzero(np.diff(self.pair_keys) <= 0)
        if unsorted.size:
            raise ValueError(
                f"pairs must be distinct and sorted by user, then item; row {unsorted[0] + 1} "
                "is not after the row before it. Interactions.from_columns sorts and merges"
            )

    @classmethod
    def from_columns(
        cls,
        users: Column,
        items: Column,
        counts: Column | None = None,
        timestamps: Column | None = None,
        *,
        item_names: Mapping[Any, str] | None = None,
        source: str = "",
    ) -> Interactions:
        """Index raw ids (in ascending order of the id), merge repeated pairs and sort.

        Parameters
        ----------
        users, items : (n,) integers or strings
            Raw ids.
        counts : (n,) numbers
            Those of repeated pairs are summed.
        timestamps : (n,) whole numbers
            Seconds; repeated pairs keep the latest.
        item_names : {raw item id: name}
            An item without one is called by its id.
        source : str

        Returns
        -------
        Interactions

        Raises
        ------
        ValueError
            For columns that are empty or differ in length, for missing ids, and for counts or
            timestamps that are NaN, infinite or (counts) negative.
        TypeError
            For any other kind of ids, or a mixture.
        """
        columns = {"users": users, "items": items, "counts": counts, "timestamps": timestamps}
        columns = {name: column for name, column in columns.items() if column is not None}
        for name, column in {"users": users, "items": items, **columns}.items():
            check_list(name, column)
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns differ in length: {lengths}")
        if not len(users):
            raise ValueError("no interactions: the columns are empty")
        users, user_ids = known_ids("users", users)
        items, item_ids = known_ids("items", items)
        names = None if item_names is None else names_of(item_ids, item_names)
        return cls.from_indices(users, items, user_ids, item_ids, counts, timestamps, names, source)

    @classmethod
    def from_indices(
        cls,
        users: Ids,
        items: Ids,
        user_ids: Column,
        item_ids: Column,
        counts: Array | None = None,
        timestamps: Array | None = None,
        item_names: Array | None = None,
        source: str = "",
    ) -> Interactions:
        """Sort pairs that are indices already; merge repeated ones as `from_columns` does.

        Parameters
        ----------
        users, items : (n,) integers
        user_ids, item_ids : (n_users,), (n_items,)
        counts, timestamps : (n,) numbers
        item_names : (n_items,) str
        source : str

        Returns
        -------
        Interactions

        Raises
        ------
        TypeError, IndexError
            For indices that are no rows.
        ValueError
            For columns that are empty or differ in length, and counts that are no amounts.
        """
        check_list("user_ids", user_ids)
        check_list("item_ids", item_ids)
        users = check_ids(users, len(user_ids), "users")
        items = check_ids(items, len(item_ids), "items")
        check_pairs(users, items)
        if not len(users):
            raise ValueError("no interactions: the columns are empty")
        if counts is not None:
            counts = amounts(column_of("counts", floats("counts", counts), len(users), np.float64))
        if timestamps is not None:
            timestamps = column_of("timestamps", whole_seconds(timestamps), len(users), np.int64)
        keys = users * len(item_ids) + items
        if counts is None and timestamps is None:
            keys.sort()
        else:
            keys, rows = sort_keys(keys)
        first = np.r_[True, keys[1:] != keys[:-1]]
        if counts is not None:
            counts = np.add.reduceat(counts[rows], np.flatnonzero(first))
        if timestamps is not None:
            timestamps = np.maximum.reduceat(timestamps[rows], np.flatnonzero(first))
        keys = keys[first]
        per_user = np.diff(np.searchsorted(keys, np.arange(len(user_ids) + 1) * len(item_ids)))
        users = np.repeat(np.arange(len(user_ids)), per_user)
        items = keys - users * len(item_ids)
        return cls(users, items, user_ids, item_ids, counts, timestamps, item_names, source)

    @classmethod
    def from_sparse(
        cls,
        matrix: Sparse,
        user_ids: Column | None = None,
        item_ids: Column | None = None,
        *,
        item_names: Mapping[Any, str] | None = None,
    ) -> Interactions:
        """The pairs of a sparse matrix: one for each value that is not 0.

        Parameters
        ----------
        matrix : scipy sparse matrix or array (n_users, n_items)
            The values are the counts; repeated ones are summed.
        user_ids, item_ids : (n_users,), (n_items,)
            The raw id of each row and column, by default their numbers.
        item_names : {raw item id: name}

        Returns
        -------
        Interactions

        Raises
        ------
        TypeError
            For anything that has no `tocoo`.
        ValueError
            For negative values and for ids that do not fit the shape.
        """
        if not hasattr(matrix, "tocoo"):
            raise TypeError(
                f"expected a scipy sparse matrix, got {type(matrix).__name__}; "
                "scipy.sparse.csr_matrix makes one of an array, load_interactions reads a DataFrame"
            )
        coo = matrix.tocoo()
        if len(coo.shape) != 2:
            raise ValueError(f"the matrix must be users x items, got shape {coo.shape}")
        shape = dict(zip(("user_ids", "item_ids"), coo.shape))
        ids = {"user_ids": user_ids, "item_ids": item_ids}
        for name, n in shape.items():
            if ids[name] is not None:
                check_list(name, ids[name])
            ids[name] = raw_ids(name, np.arange(n) if ids[name] is None else ids[name])
            if len(ids[name]) != n:
                raise ValueError(f"{name} has {len(ids[name])} ids, the matrix has {n} of them")
        counts = amounts(floats("values", coo.data), zip(coo.row, coo.col))
        has = counts > 0
        if not has.any():
            raise ValueError("no interactions: the matrix has no value above 0")
        names = None if item_names is None else names_of(ids["item_ids"], item_names)
        return cls.from_indices(
            coo.row[has], coo.col[has], **ids, counts=counts[has], item_names=names,
            source="a sparse matrix",
        )  # fmt: skip

    @property
    def n_users(self) -> int:
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        return len(self.item_ids)

    @property
    def pair_keys(self) -> Array:
        """(n,) int64, strictly ascending: user * n_items + item, one number for each pair."""
        return self.users * self.n_items + self.items

    @property
    def offsets(self) -> Array:
        """(n_users + 1,): the pairs of user u are rows offsets[u] to offsets[u + 1]."""
        return np.searchsorted(self.users, np.arange(self.n_users + 1))

    def __len__(self) -> int:
        return len(self.users)

    def __repr__(self) -> str:
        source = f", {printable(self.source)}" if self.source else ""
        size = f"{len(self):,} pairs, {self.n_users:,} users x {self.n_items:,} items"
        return f"Interactions({size}{source})"


def check_interactions(data: Interactions) -> None:
    """Raise TypeError for a table or a matrix: its ids are not numbered yet."""
    if not isinstance(data, Interactions):
        raise TypeError(
            "expected Interactions, as load_interactions makes them of a DataFrame or a file and "
            f"Interactions.from_sparse of a matrix, got {type(data).__name__}"
        )
