"""Read columns of a text file at pandas' speed, and say which line is wrong when one is.

The good case is one pandas call and a few vectorised checks. Only when those fail is the file
read again, line by line, to name the line, the column and the value.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

EXPECTED = {
    int: "a whole number, 0 or more",
    float: "a finite number, 0 or more",
    str: "some text",
}


def read_columns(
    path: Path,
    columns: Mapping[str, type],
    *,
    header: bool = True,
    n_required: int | None = None,
    sep: str = "\t",
) -> pd.DataFrame:
    """The named columns of a UTF-8 file: int (64-bit, >= 0), float (finite, >= 0) or str.

    With a header, columns are found by name and others are left out. Without one they are taken in
    the order given, and those after the first `n_required` (default: all) may be absent from the
    file. Quotes are ordinary characters. Raises FileNotFoundError, or ValueError with file and
    line.
    """
    with path.open("rb") as file:
        first = _fields(path, 1, file.readline(), sep)
    if first == [""]:
        raise ValueError(f"{path} is empty, expected the columns {', '.join(columns)}")
    names = first if header else list(columns)[: len(first)]
    missing = [name for name in list(columns)[:n_required] if name not in names]
    if missing or len(names) != len(first):
        layout = "a header with" if header else "fields for"
        raise ValueError(
            f"{path}, line 1: expected {layout} {', '.join(columns)}; got {', '.join(first)}"
        )
    wanted = {name: kind for name, kind in columns.items() if name in names}
    dtypes = {name: {int: np.int64, float: np.float64}.get(wanted.get(name), str) for name in names}
    try:
        with path.open("rb") as file:
            table = pd.read_csv(
                file,
                sep=sep,
                header=0 if header else None,
                names=names,
                dtype=dtypes,
                quoting=csv.QUOTE_NONE,
                na_filter=False,
                encoding="utf-8",
            )
    except (ValueError, OverflowError) as error:
        _raise_for_bad_line(path, names, wanted, header, sep)
        raise ValueError(f"{path}: {error}") from error
    if table.empty:
        raise ValueError(f"{path} has a header and no rows")
    # pandas turns surplus leading fields into an index, in silence.
    shifted = not isinstance(table.index, pd.RangeIndex)
    if shifted or any(_has_bad_value(table[name], kind) for name, kind in wanted.items()):
        _raise_for_bad_line(path, names, wanted, header, sep)
    return table[list(wanted)]


def _has_bad_value(column: pd.Series, kind: type) -> bool:
    if kind is str:
        return bool((column == "").any())
    if kind is int and column.dtype != np.int64:  # pandas 2 takes 2**63 for a uint64, unasked
        return True
    return not bool((np.isfinite(column) & (column >= 0)).all())


def _raise_for_bad_line(
    path: Path, names: list[str], wanted: Mapping[str, type], header: bool, sep: str
) -> None:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if (header and number == 1) or not line.strip():
                continue
            fields = _fields(path, number, line, sep)
            where = f"{path}, line {number}"
            if len(fields) != len(names):
                layout = f"{len(names)} fields ({', '.join(names)})"
                raise ValueError(f"{where}: expected {layout}, got {len(fields)}")
            for name, text in zip(names, fields):
                if name in wanted and not _readable(text, wanted[name]):
                    kind = EXPECTED[wanted[name]]
                    raise ValueError(f"{where}: {name} is {text!r}, expected {kind}")


def _readable(text: str, kind: type) -> bool:
    if kind is str:
        return text != ""
    try:
        return 0 <= kind(text) < (2**63 if kind is int else math.inf)
    except ValueError:
        return False


def _fields(path: Path, number: int, line: bytes, sep: str) -> list[str]:
    try:
        return line.decode("utf-8").rstrip("\r\n").split(sep)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}, line {number}: not UTF-8 ({error.reason})") from error
