"""A delimited text file, column by column, and the line on which each of its rows stands.

Everything is read as text, so "007" stays "007". A column is kept as its distinct texts and one
code per row: 17 million plays hold few ids, and whatever is done to a text is done to it once.
pandas reads; only when something is wrong is the file read again, slowly, to name the line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from .decompression import open_bounded
from .numerals import shown

CHUNK = 2**18  # rows that exist as Python strings at one time


@dataclass(frozen=True)
class TextFile:
    """What must be known to read a file: its columns, in order, and how it was written.

    path      a Path, or a zipfile.Path; a name that ends in .gz is unpacked
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
    encoding: str
    skipped: frozenset[int] = frozenset()

    @classmethod
    def sniff(
        cls,
        path: Path,
        wanted: Sequence[str],
        *,
        columns: Sequence[str] | None = None,
        sep: str | None = None,
        quotes: bool | None = None,
        encoding: str = "utf-8",
    ) -> TextFile:
        """Look at the first record: the separator is the one that shows the wanted columns.

        columns: the names of a file without a header.
        quotes: by default, yes where a comma, a semicolon or a bar separates.
        Raises ValueError that lists the columns there are where a wanted one is missing.
        """
        if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
            encoding = "utf-8-sig"  # the same, with or without a byte order mark
        attempts = []
        for each in _separators(path.name) if sep is None else [sep]:
            quoted = len(each) == 1 and each != "\t" if quotes is None else quotes
            file = cls(path, (), False, each, quoted, encoding)
            first = next((fields for _, _, fields in file.records()), None)
            if first is None:
                raise ValueError(f"{path} is empty, expected the columns {', '.join(wanted)}")
            names = tuple(first if columns is None else columns)
            attempts.append(replace(file, columns=names, header=columns is None))
            if set(wanted) <= set(names) and len(names) == len(first):
                break
        else:
            _raise_for_columns(attempts[0], wanted, len(first))
        repeated = [name for name in wanted if names.count(name) > 1]
        if repeated:
            raise ValueError(f"{path} has more than one column {repeated[0]!r}")
        return attempts[-1]

    def read(self, wanted: Sequence[str]) -> pd.DataFrame:
        """The wanted columns, each categorical: `cat.codes`, and texts in `cat.categories`.

        A field that is empty, or that a short line lacks, is "".  Raises ValueError with file and
        line for a line with too many fields, and for bytes that are not in this encoding.
        """
        places = {name: self.columns.index(name) for name in wanted}
        codes = {name: [] for name in wanted}
        texts = {name: {} for name in wanted}  # text -> code
        try:
            with self.open() as file, self._chunks(file) as chunks:
                for chunk in chunks:
                    if not isinstance(chunk.index, pd.RangeIndex):
                        raise pd.errors.ParserError("every row has more fields than the header")
                    for name, place in places.items():
                        local, distinct = pd.factorize(chunk[place].to_numpy())  # (rows,), (m,)
                        known = texts[name]
                        merged = [known.setdefault(text, len(known)) for text in distinct]
                        codes[name].append(np.array(merged, dtype=np.int32)[local])
        except UnicodeDecodeError as error:
            raise self._undecodable(error) from error
        except pd.errors.ParserError as error:
            raise self._unparsable(error) from error
        return pd.DataFrame(
            {
                name: pd.Categorical.from_codes(
                    np.concatenate(codes[name]), pd.Index(list(texts[name]), dtype=object)
                )
                for name in wanted
            }
        )

    def _chunks(self, file: BinaryIO):
        return pd.read_csv(
            file,
            sep=self._one_character(),
            names=range(len(self.columns)),
            header=0 if self.header else None,
            dtype=object,
            quoting=csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE,
            na_filter=False,
            encoding=self.encoding,
            skiprows=sorted(self.skipped) or None,
            chunksize=CHUNK,
            low_memory=False,
        )

    def open(self) -> BinaryIO:
        encoding = self.encoding.removesuffix("-sig")
        is_one_byte = len("a".encode(encoding)) == 1
        file = open_bounded(self.path, encoding if is_one_byte else None)
        if len(self.sep) == 1:
            return file
        with file:
            text, single = file.read(), self._one_character().encode()
        place = text.find(single)
        if place >= 0:
            line = text.count(b"\n", 0, place) + 1
            raise ValueError(f"{self.path}, line {line}: holds the control character {single!r}")
        return io.BytesIO(text.replace(self.sep.encode(encoding), single))

    def _one_character(self) -> str:
        return self.sep if len(self.sep) == 1 else "\x1f"  # ASCII's unit separator

    def records(self) -> Iterator[tuple[int, int, list[str]]]:
        """(number of the record in the file, from 0; its line, from 1; its fields), no header."""
        with self.open() as file, io.TextIOWrapper(file, self.encoding, newline="") as text:
            quoting = csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE
            reader = csv.reader(text, delimiter=self._one_character(), quoting=quoting)
            line, header = 1, self.header
            try:
                for number, fields in enumerate(reader):
                    blank = len(fields) <= 1 and not "".join(fields).strip(" \t")
                    if not blank and not header and number not in self.skipped:
                        yield number, line, fields
                    header = header and blank
                    line = reader.line_num + 1
            except UnicodeDecodeError as error:
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

    def _undecodable(self, error: UnicodeDecodeError) -> ValueError:
        encoding = self.encoding.removesuffix("-sig")
        where = f"{self.path}"
        with self.open() as file:
            for number, line in enumerate(file, start=1):
                try:
                    line.decode(encoding)
                except UnicodeDecodeError:
                    where += f", line {number}"
                    break
        return ValueError(
            f"{where}: not {encoding} ({error.reason}); pass the encoding it was saved in, "
            "such as encoding='cp949' (Korean Windows) or 'latin-1', or save it as UTF-8"
        )

    def _unparsable(self, error: pd.errors.ParserError) -> ValueError:
        if "EOF inside string" in str(error):
            return ValueError(
                f"{self.path}: a quotation mark is opened and never closed ({error}); if they are "
                "ordinary characters in this file, pass quotes=False"
            )
        wrong = self.overlong()
        if not wrong:
            return ValueError(f"{self.path}: {error}")
        named = "; ".join(f"line {line}: got {n} fields" for _, line, n in wrong[:3])
        columns = ", ".join(self.columns)[:500]
        more = f"; and {len(wrong) - 3:,} more lines" if len(wrong) > 3 else ""
        return ValueError(
            f"{self.path}, {named}{more}; expected {len(self.columns)} ({columns}). "
            'Put a text that holds the separator in quotes ("a, b"), or leave such lines out '
            "with bad_rows='drop'"
        )


def _separators(name: str) -> str:
    """The likeliest first, by the file's extension."""
    return ",;\t|" if name.lower().removesuffix(".gz").endswith(".csv") else "\t,;|"


def _raise_for_columns(file: TextFile, wanted: Sequence[str], n_fields: int) -> None:
    missing = [repr(name) for name in wanted if name not in file.columns]
    there = shown(file.columns, 500)
    if missing:
        raise ValueError(
            f"{file.path} has no column {', '.join(missing)}; it has {there}. Say what yours are "
            'called, such as user="who", item="what", or pass names=(...) if there is no header'
        )
    raise ValueError(
        f"{file.path}, line 1: expected {len(file.columns)} fields ({there}), got {n_fields}"
    )
