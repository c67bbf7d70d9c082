"""A file of JSON lines: one object a line, whose keys are the columns."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from .decompression import open_bounded
from .json_shapes import table_of, way_out
from .numerals import shown
from .text_files import undecodable

BEGINNING = re.compile(r"\ufeff?\s*\{\s*(\Z|[\"'}])")


def is_json_lines(head: bytes, encoding: str) -> bool:
    """Whether these first bytes of a file begin an object of JSON, or of Python."""
    return BEGINNING.match(head.decode(encoding, "ignore")) is not None


@dataclass(frozen=True)
class JsonLines:
    """path: a Path; a packed file is unpacked.  columns: the keys of all objects."""

    path: Path
    columns: tuple[str, ...]
    encoding: str = "utf-8-sig"

    @classmethod
    def sniff(cls, path: Path, encoding: str = "utf-8-sig") -> JsonLines:
        objects = cls(path, (), encoding).records()
        return cls(path, tuple(dict.fromkeys(key for _, each in objects for key in each)), encoding)

    def records(self) -> Iterator[tuple[int, dict]]:
        """(line, from 1; the object on it), without the blank lines."""
        for line, content in enumerate(self._lines(), start=1):
            if not content.isspace():
                yield line, self._object(line, content)

    @property
    def has_nul(self) -> bool:
        """Whether ASCII characters have NUL bytes, as in utf-16 and utf-32."""
        return 0 in "0".encode(self.encoding)

    def _lines(self) -> Iterator[bytes]:
        """The lines as they are; those of utf-16 and utf-32, where a NUL is text, as UTF-8."""
        with open_bounded(self.path, None if self.has_nul else "UTF-8") as file:
            if not self.has_nul:
                yield from file
                return
            try:
                for line in io.TextIOWrapper(file, self.encoding, newline="\n"):
                    yield line.encode()
            except UnicodeError as error:
                raise ValueError(undecodable(str(self.path), self.encoding, error, b"")) from error

    def _object(self, line: int, content: bytes) -> dict:
        encoding = "utf-8" if self.has_nul else self.encoding
        try:
            found = json.loads(content.decode(encoding).removeprefix("\ufeff"))
        except UnicodeDecodeError as error:
            where = f"{self.path}, line {line}"
            raise ValueError(undecodable(where, self.encoding, error, content)) from error
        except (ValueError, RecursionError) as error:
            if line == 1 and (advice := way_out(self.path, self.encoding)):
                raise ValueError(advice) from error
            is_python = content.startswith(b"{'")
            hint = "; JSON has double quotes: ast.literal_eval reads Python's" if is_python else ""
            raise ValueError(f"{self._place(line, content)} ({error}{hint})") from error
        if not isinstance(found, dict):
            raise ValueError(self._place(line, content))
        return found

    def _place(self, line: int, content: bytes) -> str:
        text = shown(content.decode("utf-8", "replace").strip())
        return f"{self.path}, line {line}: expected a JSON object on every line, got {text}"

    def read(self, wanted: Sequence[str]) -> pd.DataFrame:
        """The wanted columns; a key that an object lacks is None. Equal texts are kept once."""
        columns: dict[str, list] = {name: [] for name in wanted}
        known: dict[str, str] = {}
        for line, found in self.records():
            for name, column in columns.items():
                value = found.get(name)
                if isinstance(value, str):
                    value = known.setdefault(value, value)
                elif isinstance(value, (list, dict)):
                    if advice := self.another_shape():
                        raise ValueError(advice)
                    text = json.dumps(value)[:60]
                    raise ValueError(
                        f"{self.path}, line {line}: {name} is {text}, expected a number or a text"
                    )
                column.append(value)
        return pd.DataFrame(columns, dtype=object)

    def another_shape(self) -> str:
        """The way out for one object that holds a whole table, or ""."""
        objects = [found for _, found in islice(self.records(), 2)]
        is_table = len(objects) == 1 and table_of(objects[0])
        return way_out(self.path, self.encoding) if is_table else ""

    def lines(self, rows: Sequence[int]) -> list[int]:
        """The line of the file, from 1, of each of these rows."""
        numbers = np.fromiter((line for line, _ in self.records()), np.intp)
        return numbers[rows].tolist()
