"""Where the fields of a delimited file begin and end, and which are integers: no loop over rows.

A block of whole lines is an array of bytes. Its separators and line ends, those between quotation
marks left out, are a grid with a row for each line; a column of integers is read digit by digit,
one place of all rows at a time. What does not fit the grid is `Irregular`, and left to a slower
parser that can say what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

BLOCK = 2**19  # bytes: small enough for a processor's cache
LONGEST_LINE = 2**24
NEWLINE, QUOTE, MINUS, ZERO = b'\n"-0'
MOST_DIGITS = 19  # as many as 2**63 - 1 has


class Irregular(Exception):
    """The lines are no grid of fields: too short or too long, or quotation marks within a field."""


def grids(
    file: BinaryIO, sep: bytes, quotes: bool, width: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Blocks of whole lines: bytes (n,), and where each field starts and ends, (lines, width) each.

    Raises Irregular.
    """
    rest, more = b"", True
    while more:
        read = file.read(BLOCK)
        more = len(read) > 0
        text = rest + read
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n")
        if not more and text and not text.endswith(b"\n"):
            text += b"\n"
        bytes_ = np.frombuffer(text, np.uint8)
        ends = _ends(bytes_, sep[0], quotes and b'"' in text)
        lines = np.flatnonzero(bytes_[ends] == NEWLINE)
        n_fields = lines[-1] + 1 if len(lines) else 0
        n_bytes = ends[n_fields - 1] + 1 if len(lines) else 0
        rest = text[n_bytes:]
        whole_lines = np.array_equal(lines, np.arange(width - 1, n_fields, width))
        too_long = len(rest) > (LONGEST_LINE if more else 0)
        if not whole_lines or too_long or text.find(b"\r", 0, n_bytes) >= 0:
            raise Irregular
        if len(lines):
            ends = ends[:n_fields].reshape(-1, width)
            starts = np.concatenate([[0], ends.ravel()[:-1] + 1]).reshape(-1, width)
            yield bytes_[:n_bytes], starts, ends


def _ends(text: np.ndarray, sep: int, quoted: bool) -> np.ndarray:
    """The places of the separators and line ends that are not between quotation marks."""
    is_end = (text == sep) | (text == NEWLINE)
    if quoted:
        is_quote = text == QUOTE
        is_end &= np.cumsum(is_quote, dtype=np.uint8) % 2 == 0
        quotes = np.flatnonzero(is_quote)
        edge = is_quote | (text == sep) | (text == NEWLINE)
        opening, closing = quotes[::2], quotes[1::2]
        before = edge[opening[opening > 0] - 1]
        after = edge[closing[closing < len(text) - 1] + 1]
        if not (before.all() and after.all()):
            raise Irregular
    return np.flatnonzero(is_end)


def integers(text: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray | None:
    """Fields from starts (n,) to ends (n,) -> (n,) int64; None unless Python would print each so.

    "7" and "-7" are integers; "", "+7", "007", " 7", "7.0" and what exceeds 64 bits are not.
    Quotation marks around a field do not count.
    """
    is_quoted = text[starts] == QUOTE
    if is_quoted.any():
        starts, ends = starts + is_quoted, ends - is_quoted
    is_negative = text[starts] == MINUS
    starts = starts + is_negative
    length = ends - starts
    shortest, longest = length.min(), length.max()
    if shortest < 1 or longest > MOST_DIGITS:
        return None
    if ((text[starts] == ZERO) & ((length > 1) | is_negative)).any():
        return None
    value = np.zeros(len(starts), np.int64)
    for place in range(longest):
        digit = text[ends - 1 - place] - np.uint8(ZERO)
        if place >= shortest:
            digit[length <= place] = 0
        if digit.max() > 9:
            return None
        value += digit * np.int64(10**place)
    np.negative(value, out=value, where=is_negative)
    has_wrapped = longest == MOST_DIGITS and ((value != 0) & ((value < 0) != is_negative)).any()
    return None if has_wrapped else value
