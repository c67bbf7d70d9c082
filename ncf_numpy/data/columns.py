"""What a column of `Interactions` has to be, and the one set of rules by which raw ids are read.

A column that is not that is a TypeError or a ValueError with its name, the first wrong value and
its row: pandas and NumPy would merge True with 1, wrap a late timestamp into an early one, or read
a text as a list of characters, and say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set, Sized
from itertools import islice

import numpy as np

WHOLE = re.compile(r"(0|-?[1-9][0-9]{0,18})(\.0+)?")  # 1.0 is what pandas makes of 1 beside a gap
WAY_OUT = "convert them so that all are integers or all are texts"
EXACT = 2.0**53  # from here on, floats skip integers


def index_ids(where: str, values, *, written: bool = False, whole: bool = False):
    """Raw ids (n,) -> the place (n,) of each among the distinct ids, and these (m,), ascending.

    Ids are integers or texts. A text loses the blanks around it; a float is the integer that it
    equals. A row without an id (None, NaN, or a text that is blank) has the place -1.

    written: the texts were read from a file, whose columns have no type: if all of them are
        integers, written as Python prints them ("7", "-7"; not "007") or as pandas prints a column
        with gaps ("7.0"), then so are the ids.  whole: whatever is no integer is no id.
    Raises TypeError, which begins with `where`, for other kinds of ids and for a mixture.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind == "i":
        return _index_integers(values)
    import pandas as pd

    column = pd.Series(values)
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "i":
        return _index_integers(column.to_numpy())
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.remove_unused_categories()
        codes, distinct = column.cat.codes.to_numpy(), column.cat.categories
        kind = pd.api.types.infer_dtype(distinct)
    else:
        kind = pd.api.types.infer_dtype(column)
        if kind == "unknown-array":  # such as a dictionary of Arrow
            column = column.astype(object)
            kind = pd.api.types.infer_dtype(column)
        if kind not in READERS and whole:
            column = column.map(str)  # pandas would take True for 1
        codes, distinct = pd.factorize(column) if kind in READERS or whole else (None, column)
    distinct = distinct.to_numpy(object)
    if kind not in READERS and not whole:
        raise _not_ids(where, kind, distinct)
    if kind == "string" and written or kind != "integer" and whole:
        ids, known = _read_written(distinct, whole)
    else:
        ids, known = READERS[kind](where, distinct)
    place = np.full(len(distinct) + 1, -1)  # the last is that of a code of -1
    place[np.flatnonzero(known)], ids = pd.factorize(ids[known], sort=True)
    return place[codes], ids


def _index_integers(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lowest, highest = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    if highest - lowest >= 2**63:
        ids, places = np.unique(values, return_inverse=True)
        return places, ids
    ordered, rows = sort_keys(values.astype(np.int64) - lowest)
    first = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
    places = np.empty(len(values), np.intp)
    places[rows] = np.cumsum(first) - 1
    return places, ordered[first] + lowest


def sort_keys(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """keys (n,) int64, at least 0, which are overwritten -> ascending, and the row of each.

    Equal keys keep the order of their rows. Where 63 bits hold a key and its row, one number of
    both is sorted, which processors do several times as fast as they sort an array of places.
    """
    bits = len(keys).bit_length()
    if int(keys.max(initial=0)).bit_length() + bits > 63:
        rows = np.argsort(keys, kind="stable")
        return keys[rows], rows
    keys <<= bits
    keys |= np.arange(len(keys))
    keys.sort()
    return keys >> bits, keys & (2**bits - 1)


def _not_ids(where: str, kind: str, values, way_out: str = WAY_OUT) -> TypeError:
    return TypeError(
        f"{where}: ids must be integers or texts, got {kind} such as {values[0]!r}; {way_out}"
    )


def _read_integers(where: str, values: np.ndarray):
    large = [value for value in values if not -(2**63) <= value < 2**63]
    if large:
        way_out = "give them as texts, such as those of column.astype(str)"
        raise _not_ids(where, "numbers beyond 64 bits", large, way_out)
    return values.astype(np.int64), np.ones(len(values), bool)


def _read_floats(where: str, values: np.ndarray):
    numbers = values.astype(np.float64)
    known = ~np.isnan(numbers)
    other = known & ~((np.abs(numbers) < EXACT) & (numbers == np.floor(numbers)))
    if other.any():
        raise _not_ids(where, "floats", numbers[other].tolist())
    return np.where(known, numbers, 0).astype(np.int64), known


def _read_texts(where: str, values: np.ndarray):
    ids = np.array([str(text).strip() for text in values], dtype=object)
    return ids, ids != ""


def _read_written(texts: np.ndarray, whole: bool):
    ids, known = _read_texts("", texts)
    numbers = [_written_integer(text) for text in ids]
    if whole:
        known = np.array([number is not None for number in numbers], bool)
    if all(number is not None for number, is_known in zip(numbers, known) if is_known):
        ids = np.array([number or 0 for number in numbers], np.int64)
    return ids, known


def _written_integer(text: str) -> int | None:
    match = WHOLE.fullmatch(text)
    number = int(match[1]) if match else None
    return number if match and -(2**63) <= number < 2**63 else None


READERS = {  # what pandas calls a column -> how its distinct values are read
    "integer": _read_integers,
    "floating": _read_floats,
    "mixed-integer-float": _read_floats,
    "string": _read_texts,
    "empty": _read_texts,
}


def known_ids(name: str, values) -> tuple[np.ndarray, np.ndarray]:
    """As `index_ids`, but every row must have an id."""
    places, ids = index_ids(name, values)
    missing = np.flatnonzero(places < 0)
    if missing.size:
        raise ValueError(f"{name}: the id in row {missing[0]} (counted from 0) is missing")
    return places, ids


def check_list(name: str, values) -> None:
    """Raise unless values are something that has a length and one dimension, and an order."""
    is_list = isinstance(values, Sized) and not isinstance(values, (str, bytes, Set, Mapping))
    if not is_list or getattr(values, "ndim", 1) != 1:
        got = f"a dict{_listed(name, values)}" if isinstance(values, Mapping) else repr(values)
        raise TypeError(f"{name} must be a list or an array (n,), got {got}")


def _listed(name: str, values: Mapping) -> str:
    """The way out for {id: index} or {index: id}."""
    indices = set(range(len(values)))
    if indices == {each for each in values.values() if isinstance(each, (int, np.integer))}:
        return f"; sorted({name}, key={name}.get) is one"
    return f"; [{name}[index] for index in range(n)] is one" if indices == set(values) else ""


def raw_ids(name: str, values) -> np.ndarray:
    """Distinct raw ids, one for each index -> (n_ids,), by the rules of `index_ids`."""
    ids = np.asarray(values)
    if ids.ndim != 1:
        raise ValueError(f"{name} has shape {ids.shape}, expected one raw id for each index")
    listed = values if isinstance(values, (list, tuple)) else ids.tolist()
    are_texts = all(type(raw) is str and "" != raw == raw.strip() for raw in listed)
    if ids.dtype.kind not in "iu" and not are_texts:
        places, distinct = known_ids(name, values)
        ids = distinct[places]
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
    if np.iscomplexobj(values):
        raise ValueError(f"{name} must be real numbers, got {values.dtype}")
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} must be numbers: {error}") from error


def amounts(counts: np.ndarray, cells=None) -> np.ndarray:
    """Return counts (n,) if they are plays or ratings, or raise; cells: n places in a matrix."""
    wrong = np.flatnonzero(~np.isfinite(counts) | (counts < 0))
    if wrong.size:
        first = wrong[0]
        place = f"counts[{first}]"
        if cells is not None:
            place = "matrix[{}, {}]".format(*next(islice(cells, first, None)))
        raise ValueError(f"{place} is {counts[first]}, expected a finite number, 0 or more")
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
