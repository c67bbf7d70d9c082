"""The lines of a file that can be rows: not those with too many fields, nor the header once more.

Either is an error that names the lines, or they are left out and noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from .converting import several_blanks
from .json_lines import JsonLines
from .text_files import TextFile, TooManyFields

NAMED = 3  # places that an error or a note names
FETCH = "The file is not as it was published: fetch it again"


def read_usable(
    file: TextFile | JsonLines, wanted: Sequence[str], bad_rows: str | None
) -> tuple[TextFile | JsonLines, pd.DataFrame, list[str]]:
    """The file without other lines, its wanted columns, and a note for each reason.

    Raises ValueError where a line has to be left out, unless bad_rows is "drop".
    """
    notes = []
    try:
        frame = file.read(wanted)
    except TooManyFields as error:
        file, note = _without_overlong(file, bad_rows, error)
        frame, notes = file.read(wanted), [note]
    repeated = _repeated_headers(file, frame) if isinstance(file, TextFile) else []
    if len(repeated):
        file, note = _without_headers(file, repeated, bad_rows)
        frame, notes = file.read(wanted), [*notes, note]
    return file, frame, notes


def _without_overlong(
    file: TextFile, bad_rows: str | None, error: TooManyFields
) -> tuple[TextFile, str]:
    overlong = file.overlong()
    every = len(overlong) == sum(1 for _ in file.records())
    if bad_rows != "drop" or every:
        way_out = FETCH if bad_rows is None else _way_out(file, every)
        raise ValueError(f"{error}. {way_out}") from error
    lines = listed([f"line {line}" for _, line, _ in overlong[:NAMED]], len(overlong))
    note = f"Lines with too many fields, dropped: {len(overlong):,} ({lines})."
    return replace(file, skipped=frozenset(number for number, _, _ in overlong)), note


def _way_out(file: TextFile, every: bool) -> str:
    """What to do about lines with too many fields; every: all lines have too many."""
    if every and file.sep == " ":
        return several_blanks(file.path, file.columns, None if file.header else file.columns)
    if every:
        return "No line can be used: name all columns in the first line, one for each field"
    quotes = 'Put a text that holds the separator in quotes ("a, b")'
    return f"{quotes}, or leave such lines out with bad_rows='drop'"


def _repeated_headers(file: TextFile, frame: pd.DataFrame) -> np.ndarray:
    """Rows that hold the header in every wanted column, perhaps after a byte order mark."""
    has_texts = all(isinstance(dtype, pd.CategoricalDtype) for dtype in frame.dtypes)
    if not (file.header and has_texts):
        return np.empty(0, np.intp)
    header = dict(zip(file.columns, file.first_record()))
    is_header = np.ones(len(frame), bool)
    for name in frame:
        texts = [header[name], f"\ufeff{header[name]}"]
        codes = frame[name].cat.categories.get_indexer(texts)
        if codes.max() < 0:
            return np.empty(0, np.intp)
        is_header &= frame[name].cat.codes.isin(codes[codes >= 0]).to_numpy()
    return np.flatnonzero(is_header)


def _without_headers(
    file: TextFile, rows: np.ndarray, bad_rows: str | None
) -> tuple[TextFile, str]:
    lines = listed([f"line {line}" for line in file.lines(rows[:NAMED])], len(rows))
    if bad_rows != "drop":
        way_out = "Delete such lines, or leave them out with bad_rows='drop'"
        raise ValueError(
            f"{file.path}, {lines}: the header once more, as where files are put together. "
            f"{FETCH if bad_rows is None else way_out}"
        )
    numbers = np.array([number for number, _, _ in file.records()])
    note = f"Lines that repeat the header, dropped: {len(rows):,} ({lines})."
    return replace(file, skipped=file.skipped | set(numbers[rows].tolist())), note


def listed(places: list[str], n: int) -> str:
    """The places that are named, of n."""
    return ", ".join(places) + (", ..." if n > len(places) else "")
