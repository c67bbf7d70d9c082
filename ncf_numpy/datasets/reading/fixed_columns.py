"""Columns of numbers and texts, and the line that is wrong when one is.

The good case is one pass of pandas, and a verdict on each distinct text. Only when one is bad is
the file read again, line by line, to name the line, the column and the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from .numerals import number, shown, whole
from .text_files import TextFile

EXPECTED = {
    int: "a whole number, 0 or more",
    float: "a finite number, 0 or more",
    str: "some text",
}
READ = {int: whole, float: number, str: str}
DTYPES = {int: np.int64, float: np.float64, str: object}


def read_columns(
    path: Path,
    columns: Mapping[str, type],
    *,
    header: bool = True,
    n_required: int | None = None,
) -> pd.DataFrame:
    """The named columns of a UTF-8 file with tabs: int (64-bit, >= 0), float (finite, >= 0) or str.

    With a header, columns are found by name and others are left out. Without one they are taken in
    the order given, and those after the first `n_required` (default: all) may be absent from the
    file. Quotes are ordinary characters. Raises FileNotFoundError, or ValueError with file and
    line.
    """
    file = TextFile(path, (), False, "\t", False, "UTF-8-sig")
    first = next((fields for _, _, fields in file.records()), None)
    if first is None:
        raise ValueError(f"{path} is empty, expected the columns {', '.join(columns)}")
    names = tuple(first if header else list(columns)[: len(first)])
    missing = [name for name in list(columns)[:n_required] if name not in names]
    if missing or len(names) != len(first):
        layout = "a header with" if header else "fields for"
        got = ", ".join(first)[:200]
        raise ValueError(f"{path}, line 1: expected {layout} {', '.join(columns)}; got {got}")
    repeated = [name for name in columns if names.count(name) > 1]
    if repeated:
        raise ValueError(f"{path}, line 1: more than one column {repeated[0]!r}")
    wanted = {name: kind for name, kind in columns.items() if name in names}
    file = TextFile(path, names, header, "\t", False, "UTF-8-sig")
    try:
        texts = file.read(list(wanted))
        table = pd.DataFrame({name: _values(texts[name].cat, wanted[name]) for name in wanted})
    except ValueError:
        _raise_for_bad_line(file, wanted)
        raise
    if table.empty:
        raise ValueError(f"{path} has a header and no rows")
    return table


def _values(column, kind: type) -> np.ndarray:
    """A categorical column of texts (n,) -> its values (n,), or ValueError."""
    values = np.array([READ[kind](text) for text in column.categories], DTYPES[kind])
    if not all(_is_good(value) for value in values):
        raise ValueError(f"a value is not {EXPECTED[kind]}")
    return values[column.codes]


def _is_good(value) -> bool:
    return value != "" if isinstance(value, str) else bool(value >= 0)  # NaN is not


def _raise_for_bad_line(file: TextFile, wanted: Mapping[str, type]) -> None:
    for _, line, fields in file.records():
        where = f"{file.path}, line {line}"
        if len(fields) != len(file.columns):
            layout = f"{len(file.columns)} fields ({', '.join(file.columns)})"
            raise ValueError(f"{where}: expected {layout}, got {len(fields)}")
        for name, text in zip(file.columns, fields):
            if name in wanted and not _is_good(READ[wanted[name]](text)):
                expected = EXPECTED[wanted[name]]
                raise ValueError(f"{where}: {name} is {shown(text)}, expected {expected}")
