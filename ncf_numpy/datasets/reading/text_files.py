"""A delimited text file, column by column, and the line on which each of its rows stands.

A column whose every field is an integer as Python prints it is read as integers. Any other is read
as text, so "007" stays "007", and kept as its distinct texts and one code per row: 17 million plays
hold few ids, and whatever is done to a text is done to it once. Only when something is wrong is the
file read again, slowly, to name the line.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from .decompression import first_bytes, open_bounded
from .fields import Irregular, grids, integers
from .file_kinds import unmarked_encoding

CHUNK = 2**20  # rows that exist as Python strings at one time
BELOW_LETTERS = "@"  # below it, no byte is part of another character in any encoding of ASCII


class TooManyFields(ValueError):
    """Lines have more fields than there are columns."""


@dataclass(frozen=True)
class TextFile:
    """What must be known to read a file: its columns, in order, and how it was written.

    path      a Path, or a zipfile.Path; a packed file is unpacked
    columns   the names in the header, or given where there is none
    header    whether the first record is a header
    sep       one character, or several, such as "::"
    quotes    whether "a, b" is one field
    encoding  such as "utf-8" or "cp949"
    skipped   numbers of records to leave out, from 0 for the first of the file
    """

    path: Path
    columns: tuple[str, ...]
    header: bool
    sep: str
    quotes: bool
    encoding: str = "utf-8-sig"
    skipped: frozenset[int] = frozenset()

    def read(self, wanted: Sequence[str]) -> pd.DataFrame:
        """The wanted columns, each of int64 or categorical: `cat.codes`, and `cat.categories`.

        A field that is empty, or that a short line lacks, is "".  Raises ValueError with file and
        line for a line with too many fields, and for bytes that are not in this encoding.
        """
        places = {name: self.columns.index(name) for name in wanted}
        numbers = self._integers(places)
        others = {name: place for name, place in places.items() if name not in (numbers or ())}
        if numbers is None or others:
            texts = self._texts(others, check_widths=numbers is None)
        columns = {name: numbers[name] if name not in others else texts[name] for name in wanted}
        return pd.DataFrame(columns, copy=False)

    def _integers(self, places: dict[str, int]) -> dict[str, np.ndarray] | None:
        """Those columns that are integers throughout; None where the lines are irregular."""
        sep = self._one_character()
        is_plain = sep < BELOW_LETTERS or self.encoding.startswith("utf-8")
        if self.skipped or not (is_plain and self.is_ascii_based):
            return None
        blocks = {name: [] for name in places}
        try:
            with self.open() as file:
                header = file.readline() if self.header else b""
                if header.count(b'"') % 2 or b"\r" in header.rstrip(b"\r\n"):
                    return None  # the header has more lines, or less
                for text, starts, ends in grids(file, sep.encode(), self.quotes, len(self.columns)):
                    for name in list(blocks):
                        place = places[name]
                        found = integers(text, starts[:, place], ends[:, place])
                        if found is None:
                            del blocks[name]
                        else:
                            blocks[name].append(found)
        except Irregular:
            return None
        empty = [np.empty(0, np.int64)]
        return {name: np.concatenate(blocks.pop(name) or empty) for name in list(blocks)}

    def _texts(self, places: dict[str, int], *, check_widths: bool) -> dict[str, pd.Categorical]:
        codes = {name: [] for name in places}
        texts = {name: defaultdict(count().__next__) for name in places}  # text -> code
        try:
            with self.open() as file, self._chunks(file, places, check_widths) as chunks:
                for chunk in chunks:
                    if not isinstance(chunk.index, pd.RangeIndex):
                        raise pd.errors.ParserError("every row has more fields than the header")
                    for name, place in places.items():
                        local, distinct = pd.factorize(chunk[place].to_numpy())  # (rows,), (m,)
                        known = map(texts[name].__getitem__, distinct)
                        codes[name].append(np.fromiter(known, np.int32, len(distinct))[local])
        except UnicodeError as error:
            raise self._undecodable(error) from error
        except pd.errors.ParserError as error:
            raise self._unparsable(error) from error
        return {
            name: pd.Categorical.from_codes(
                np.concatenate(codes.pop(name)), pd.Index(list(texts[name]), dtype=object)
            )
            for name in places
        }

    def _chunks(self, file: BinaryIO, places: dict[str, int], check_widths: bool):
        return pd.read_csv(
            file,
            sep=self._one_character(),
            names=range(len(self.columns)),
            header=0 if self.header else None,
            usecols=None if check_widths else sorted(places.values()),  # which turns the check off
            dtype=object,
            quoting=csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE,
            escapechar=self.escape,
            na_filter=False,
            encoding=self.encoding,
            skiprows=sorted(self.skipped) or None,
            chunksize=CHUNK,
            low_memory=False,
        )

    def open(self) -> BinaryIO:
        encoding = self.encoding.removesuffix("-sig")
        file = open_bounded(self.path, encoding if self.is_ascii_based else None)
        if self._one_character() == self.sep:
            return file
        with file:
            return io.BytesIO(self._with_one_character(file.read(), encoding))

    def _with_one_character(self, text: bytes, encoding: str) -> bytes:
        """The text with one character of ASCII for the separator, which must be nowhere in it.

        Two halves of characters can be a separator that is not ASCII, so these are decoded first.
        """
        single = self._one_character().encode()
        place = text.find(single) if self.is_ascii_based else -1
        if place >= 0:
            line = text.count(b"\n", 0, place) + 1
            raise ValueError(f"{self.path}, line {line}: holds the control character {single!r}")
        if self.sep.isascii() and self.is_ascii_based:
            return text.replace(self.sep.encode(encoding), single)
        errors = "surrogateescape" if self.is_ascii_based else "strict"
        decoded = text.decode(encoding, errors).replace(self.sep, self._one_character())
        return decoded.encode(encoding, errors)

    def _one_character(self) -> str:
        is_one_byte = len(self.sep) == 1 and self.sep.isascii()
        return self.sep if is_one_byte else "\x1f"  # ASCII's unit separator

    @property
    def is_ascii_based(self) -> bool:
        """Whether an ASCII character is one byte, as everywhere but in utf-16 and utf-32."""
        return "0".encode(self.encoding.removesuffix("-sig")) == b"0"

    @cached_property
    def escape(self) -> str | None:
        r"""A backslash, where it stands before a quotation mark within a field: "Say \"Cheese\"!".

        In a file without such an escape, what follows a quotation mark ends the field or is
        another. The whole file is searched, so this is asked only where its fields are no grid.
        """
        if not (self.quotes and self.is_ascii_based):
            return None
        within = re.compile(rb'\\"(?!' + re.escape(self._one_character().encode()) + rb')[^"\r\n]')
        with self.open() as file:
            end = b""
            while block := file.read(CHUNK):
                text = end + block
                if b'\\"' in text and within.search(text):
                    return "\\"
                end = text[-2:]
        return None

    def first_record(self) -> list[str] | None:
        """The fields of the first line that is not blank, header or not."""
        return next((fields for _, _, fields in self._records(None)), None)

    def records(self) -> Iterator[tuple[int, int, list[str]]]:
        """(number of the record in the file, from 0; its line, from 1; its fields), no header."""
        header = self.header
        for number, line, fields in self._records(self.escape):
            if not header and number not in self.skipped:
                yield number, line, fields
            header = False

    def _records(self, escape: str | None) -> Iterator[tuple[int, int, list[str]]]:
        """As `records`, with the header."""
        with self.open() as file, io.TextIOWrapper(file, self.encoding, newline="") as text:
            quoting = csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE
            sep = self._one_character()
            reader = csv.reader(text, delimiter=sep, quoting=quoting, escapechar=escape)
            line = 1
            try:
                for number, fields in enumerate(reader):
                    blank = len(fields) <= 1 and not "".join(fields).strip(" \t")
                    if not blank:
                        yield number, line, fields
                    line = reader.line_num + 1
            except UnicodeError as error:
                raise self._undecodable(error) from error
            except csv.Error as error:
                raise ValueError(
                    f"{self.path}, line {line}: {error}; if quotation marks are ordinary "
                    "characters in this file, pass quotes=False"
                ) from error

    def lines(self, rows: Sequence[int]) -> list[int]:
        """The line of the file, from 1, on which each of these rows begins; rows ascending."""
        wanted = iter(rows)
        row, found = next(wanted, None), []
        for index, (_, line, _) in enumerate(self.records()):
            if index == row:
                found.append(line)
                row = next(wanted, None)
            if row is None:
                break
        return found

    def overlong(self) -> list[tuple[int, int, int]]:
        """(number of the record, line, number of fields) where there are too many fields."""
        width = len(self.columns)
        return [
            (number, line, len(fields))
            for number, line, fields in self.records()
            if len(fields) > width
        ]

    def _undecodable(self, error: UnicodeError) -> ValueError:
        encoding = self.encoding.removesuffix("-sig")
        where, line = f"{self.path}", b""
        if not self.is_ascii_based:
            return ValueError(undecodable(where, encoding, error, first_bytes(self.path)))
        with self.open() as file:
            for number, line in enumerate(file, start=1):
                try:
                    line.decode(encoding)
                except UnicodeError:
                    where += f", line {number}"
                    break
        return ValueError(undecodable(where, encoding, error, line))

    def _unparsable(self, error: pd.errors.ParserError) -> ValueError:
        if "EOF inside string" in str(error):
            return ValueError(
                f"{self.path}: a quotation mark is opened and never closed: close it, or if they "
                "are ordinary characters in this file, pass quotes=False"
            )
        wrong = self.overlong()
        if not wrong:
            return ValueError(f"{self.path}: {error}")
        named = "; ".join(f"line {line}: got {n} fields" for _, line, n in wrong[:3])
        columns = ", ".join(self.columns)[:500]
        more = f"; and {len(wrong) - 3:,} more lines" if len(wrong) > 3 else ""
        return TooManyFields(
            f"{self.path}, {named}{more}; expected {len(self.columns)} ({columns})"
        )


def undecodable(where: str, encoding: str, error: UnicodeError, line: bytes) -> str:
    """The sentence for a line that is not in this encoding."""
    return (
        f"{where}: not {encoding.removesuffix('-sig')} ({getattr(error, 'reason', error)}); pass "
        f"the encoding it was saved in, such as {likely_encoding(line)}, or save it as UTF-8"
    )


def likely_encoding(line: bytes) -> str:
    """The advice for a line: UTF-8 or Korean if it can be, else Western European."""
    if unmarked := unmarked_encoding(line):
        return f"encoding={unmarked!r}"
    with contextlib.suppress(UnicodeError):
        line.decode("utf-8")
        return "encoding='utf-8'"
    try:
        line.decode("cp949")
    except UnicodeDecodeError:
        return "encoding='latin-1' (Western Europe)"
    return "encoding='cp949' (Korean Windows)"
