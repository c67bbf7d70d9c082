"""Data that is neither a file nor a DataFrame, and the line that makes a DataFrame of it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .sniffing import ITEMS, USERS

CONVERTING = "to_pandas()", "toPandas()", "collect().to_pandas()"  # Arrow, Polars; Spark; lazy
REST = (
    "reset_index() one of a Series, and scipy.sparse.csr_matrix a matrix of an array of users x "
    "items"
)


def way_in(data) -> str:
    """How data that is no DataFrame can be given."""
    if isinstance(data, (str, Path, zipfile.Path)):
        return "load_interactions reads a file"
    if hasattr(data, "read") or isinstance(data, bytes):
        return "load_interactions reads a file: give its path"
    if hasattr(data, "tocoo"):
        return "Interactions.from_sparse reads a matrix of users x items"
    for call in CONVERTING:
        if hasattr(data, call.partition("(")[0]):
            kind = f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}"
            return f"{kind} is none of pandas: give table.{call}"
    return _of_a_mapping(data) if isinstance(data, Mapping) else _of_rows(data)


def _of_a_mapping(data: Mapping) -> str:
    """Columns by name, or the items of each user."""
    keys, first = list(map(str, data)), next(iter(data.values()), None)
    if any(map(USERS.search, keys)) and any(map(ITEMS.search, keys)):
        return "pd.DataFrame(data) makes a DataFrame of columns by their names"
    if isinstance(first, Mapping):
        rows = "[(u, i, n) for u, items in data.items() for i, n in items.items()]"
        return (
            f"pd.DataFrame({rows}, columns=['user', 'item', 'count']) makes a DataFrame of users "
            "with their items, with 'rating' for 'count' where those are the values"
        )
    if isinstance(first, (list, tuple, set, frozenset)):
        rows = "[(u, i) for u, items in data.items() for i in items]"
        return (
            f"pd.DataFrame({rows}, columns=['user', 'item']) makes a DataFrame of users with "
            "their items"
        )
    return _of_rows(None)


def _of_rows(rows) -> str:
    """Rows of a list or an array, with the user first and the item second, or with names."""
    are_rows = isinstance(rows, (list, tuple, np.ndarray)) and getattr(rows, "ndim", 1)
    first = next(iter(rows), None) if are_rows else None
    if isinstance(first, (Mapping, np.void)):
        return "pd.DataFrame(rows) makes a DataFrame of rows with names"
    width = len(first) if isinstance(first, (list, tuple, np.ndarray)) else 2
    if isinstance(first, np.ndarray) and width > 4:  # rather users x items
        width = 2
    more = ["count"] if width == 3 else [f"column{place}" for place in range(3, width + 1)]
    kind = "pairs" if width == 2 else "rows"
    if width == 3:
        kind += ", with 'rating' for 'count' where the third is one"
    return (
        f"pd.DataFrame(rows, columns={['user', 'item', *more]}) makes a DataFrame of {kind}, {REST}"
    )
