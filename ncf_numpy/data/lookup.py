"""What is looked up in interactions: the items of a user, an item's name, an item by its name."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..core.types import Array


class Lookup:
    """The part of `Interactions` that answers about one user or one item."""

    def items_of(self, user: int) -> Array:
        """The item indices of one user index, most played first (by index without counts).

        Parameters
        ----------
        user : int

        Returns
        -------
        (P,) integers

        Raises
        ------
        IndexError
            For a user out of range.
        """
        if not 0 <= user < self.n_users:
            raise IndexError(f"user index {user} is outside 0..{self.n_users - 1}")
        rows = slice(*np.searchsorted(self.users, [user, user + 1]))
        if self.counts is None:
            return self.items[rows]
        return self.items[rows][np.argsort(-self.counts[rows], kind="stable")]

    def item_name(self, index: int) -> str:
        """The name of an item index, or its raw id where no names are known.

        Parameters
        ----------
        index : int

        Returns
        -------
        str

        Raises
        ------
        IndexError
            For an item out of range.
        """
        if not 0 <= index < self.n_items:
            raise IndexError(f"item index {index} is outside 0..{self.n_items - 1}")
        return str((self.item_ids if self.item_names is None else self.item_names)[index])

    def find_item(self, name: str) -> int:
        """The index of the item with this name, whatever the case and the Unicode form.

        Of several, the exact spelling wins, then most users.

        Parameters
        ----------
        name : str

        Returns
        -------
        int

        Raises
        ------
        KeyError
            For a name that no item has, with the closest ones.
        TypeError
            For a name that is not text.
        """
        if not isinstance(name, str):
            raise TypeError(f"an item's name is a text, got {name!r}")
        names = [self.item_name(i) for i in range(self.n_items)]
        folded, wanted = list(map(_folded, names)), _folded(name)
        matches = [i for i, each in enumerate(folded) if each == wanted]
        if not matches:
            close = difflib.get_close_matches(wanted, folded, n=5)
            hint = ", ".join(repr(names[folded.index(each)]) for each in close)
            raise KeyError(f"no item is called {name!r}{hint and f'; close: {hint}'}")
        users_per_item = np.bincount(self.items, minlength=self.n_items)
        return max(matches, key=lambda i: (names[i] == name, users_per_item[i]))


def _folded(name: str) -> str:
    """A name in small letters, each of one character: macOS writes 가 as two, others as one."""
    return unicodedata.normalize("NFC", name.strip().casefold())


def names_of(item_ids: Array, names: Mapping[Any, str]) -> Array:
    """(n_items,) raw ids -> (n_items,) names; an item without one is called by its id.

    ValueError where names has none of the ids, such as "7" for 7: all of them would be unused.
    """
    if not hasattr(names, "keys"):
        raise TypeError(f"item_names must be {{raw item id: name}}, got a {type(names).__name__}")
    ids = item_ids.tolist()
    if len(names) and not any(raw in names for raw in ids):
        raise ValueError(
            f"item_names has none of the items: their ids are such as {ids[0]!r}, those of the "
            f"names such as {next(iter(names.keys()))!r}"
        )
    found = zip(ids, map(names.get, ids))
    named = [str(raw if name is None or name != name else name) for raw, name in found]
    return np.array(named, dtype=object)
