"""What a column of `Interactions` has to be, checked where it comes in.

A column that is not that is a TypeError or a ValueError with its name, the first wrong value and
its row: pandas and NumPy would merge True with 1, wrap a late timestamp into an early one, or read
a text as a list of characters, and say nothing.
"""

from __future__ import annotations

from collections.abc import Set, Sized

import numpy as np


def factorize(name: str, values) -> tuple[np.ndarray, np.ndarray]:
    """Raw ids (n,) -> indices (n,), and the distinct ids in ascending order."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu":
        ordered = np.sort(values)
        ids = ordered[np.append(True, ordered[1:] != ordered[:-1])]
        return np.searchsorted(ids, values), ids
    import pandas as pd

    column = pd.Series(values)
    missing = np.flatnonzero(column.isna())
    if missing.size:
        raise ValueError(f"{name}: the id in row {missing[0]} (counted from 0) is missing")
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    kind = pd.api.types.infer_dtype(column)
    if kind == "integer" and column.dtype == object:
        fits = all(-(2**63) <= raw < 2**63 for raw in column)
        column, kind = (column.astype(np.int64), kind) if fits else (column, "beyond 64 bits")
    if kind not in ("integer", "string"):
        kind = "floats" if kind == "floating" else kind
        raise TypeError(
            f"{name}: ids are {kind} such as {column.tolist()[0]!r}; convert them, so that all are "
            "integers or all are strings"
        )
    indices, ids = pd.factorize(column, sort=True)
    return indices, ids.to_numpy()


def check_list(name: str, values) -> None:
    """Raise unless values are something that has a length and one dimension, and an order."""
    is_list = isinstance(values, Sized) and not isinstance(values, (str, bytes, Set))
    if not is_list or getattr(values, "ndim", 1) != 1:
        raise TypeError(f"{name} must be a list or an array (n,), got {values!r}")


def raw_ids(name: str, values) -> np.ndarray:
    """Distinct raw ids, one for each index -> (n_ids,)."""
    ids = np.asarray(values)
    if ids.ndim != 1:
        raise ValueError(f"{name} has shape {ids.shape}, expected one raw id for each index")
    seen = set()
    for raw in ids.tolist() if len(set(ids.tolist())) < len(ids) else []:
        if raw in seen:
            raise ValueError(f"{name} holds {raw!r} more than once")
        seen.add(raw)
    return ids


def column_of(name: str, values, n: int, dtype) -> np.ndarray:
    """values, of length n -> (n,) of this dtype."""
    column = np.ascontiguousarray(values, dtype=dtype)
    if column.shape != (n,):
        raise ValueError(f"{name} has shape {column.shape}, expected ({n},)")
    return column


def floats(name: str, values) -> np.ndarray:
    """values -> float64 of their shape."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be numbers: {error}") from error


def amounts(counts: np.ndarray) -> np.ndarray:
    """Return counts (n,) if they are plays or ratings, or raise."""
    wrong = np.flatnonzero(~np.isfinite(counts) | (counts < 0))
    if wrong.size:
        raise ValueError(
            f"counts[{wrong[0]}] is {counts[wrong[0]]}, expected a finite number, 0 or more"
        )
    return counts


def whole_seconds(timestamps) -> np.ndarray:
    """timestamps (n,), integers or floats -> (n,) int64 of the same value."""
    numbers = np.asarray(timestamps)
    if numbers.dtype.kind not in "iuf":
        raise TypeError(f"timestamps must be seconds as numbers, got {numbers.dtype}")
    if numbers.dtype.kind == "f":
        in_range = (numbers >= -(2.0**63)) & (numbers < 2.0**63)
        fits = in_range & (numbers == np.floor(numbers))
    else:
        fits = numbers <= np.iinfo(np.int64).max  # of unsigned integers, not all do
    wrong = np.flatnonzero(~fits)
    if wrong.size:
        raise ValueError(
            f"timestamps[{wrong[0]}] is {numbers[wrong[0]]}, expected whole seconds in 64 bits"
        )
    return numbers.astype(np.int64)
