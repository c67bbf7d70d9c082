"""The bytes of a data file on their way to a parser that trusts them too much.

pandas may end a field at a NUL byte, so that two ids become one. A damaged gzip file raises what it
likes. And a megabyte of gzip can hold a terabyte of text: text that is written by people packs five
to twenty times, so at a hundred times it is taken for an attack.
"""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO

ALWAYS_UNPACKED = 2**26  # bytes: small enough to be unpacked however well it was packed
MOST_PACKED = 100


def check_unpacked(what: str | Path, packed: int, unpacked: int) -> None:
    """Raise ValueError if so many bytes out of so few are an attack."""
    if unpacked > max(ALWAYS_UNPACKED, MOST_PACKED * packed):
        raise ValueError(
            f"{what} unpacks to more than {MOST_PACKED} times its {packed:,} bytes, and is not "
            "read further; if it is to be trusted, unpack it yourself"
        )


class Screened(io.RawIOBase):
    """A binary file that raises ValueError, with path and line, where its bytes cannot be text.

    packed: the length of a gzip file before it is unpacked, None for any other.
    text_of: the name of its encoding; None where a NUL byte is part of characters, as in utf-16.
    """

    def __init__(self, path: Path, file: BinaryIO, packed: int | None, text_of: str | None):
        self.path, self.file, self.packed, self.text_of = path, file, packed, text_of
        self.length, self.lines = 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        try:
            block = self.file.read(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{self.path} is no complete gzip file ({error})") from error
        self.length += len(block)
        if self.packed is not None:
            check_unpacked(self.path, self.packed, self.length)
        nul = block.find(0) if self.text_of else -1
        if nul >= 0:
            line = self.lines + block.count(b"\n", 0, nul) + 1
            raise ValueError(
                f"{self.path}, line {line}: not {self.text_of} (a NUL byte is no text); pass the "
                "encoding it was saved in, such as encoding='utf-16'"
            )
        self.lines += block.count(b"\n")
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self.file.close()
        super().close()


def open_bounded(path: Path, text_of: str | None) -> BinaryIO:
    packed = path.stat().st_size if path.name.endswith(".gz") else None
    file = path.open("rb") if packed is None else gzip.GzipFile(path, "rb")
    return io.BufferedReader(Screened(path, file, packed, text_of), 2**18)
