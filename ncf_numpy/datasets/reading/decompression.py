"""The bytes of a data file, unpacked, on their way to a parser that trusts them too much.

pandas may end a field at a NUL byte, so that two ids become one. A damaged gzip file raises what it
likes. And a megabyte of gzip can hold a terabyte of text: text that is written by people packs five
to twenty times, so at a hundred times it is taken for an attack.
"""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from ...data.whole_file import open_regular
from .file_kinds import (
    LONGEST_SIGN,
    ZIP,
    by_pandas,
    in_a_shell,
    packing,
    path_of_csv,
    unmarked_encoding,
)

ALWAYS_UNPACKED = 2**26  # bytes: small enough to be unpacked however well it was packed
MOST_PACKED = 100
LONGEST_LINE = 2**25  # bytes that are held before a parser sees that they make no sense
DAMAGE = EOFError, OSError, RuntimeError, NotImplementedError, ValueError
DAMAGE += zlib.error, lzma.LZMAError, zipfile.BadZipFile


def check_unpacked(what: str | Path, packed: int, unpacked: int) -> None:
    """Raise ValueError if so many bytes out of so few are an attack."""
    if unpacked > max(ALWAYS_UNPACKED, MOST_PACKED * packed):
        raise ValueError(
            f"{what} unpacks to more than {MOST_PACKED} times its {packed:,} bytes, and is not "
            "read further; if it is to be trusted, unpack it yourself"
        )


class LimitedFile(io.RawIOBase):
    """A binary file that raises ValueError, with path and line, where its bytes cannot be text.

    packed: the name of its packing and its length before it is unpacked, None for any other.
    text_of: the name of its encoding; None where a NUL byte is part of characters, as in utf-16.
    """

    def __init__(self, path: Path, text_of: str | None):
        self.path, self.text_of = path, text_of
        self.length, self.line_start = 0, 0
        self.file = self.beneath = io.BytesIO()  # to be closed where the path cannot be opened
        self.file = self.beneath = open_regular(path) if isinstance(path, Path) else path.open("rb")
        self.packed = None
        try:
            self._unpack()
        except BaseException:
            self.close()
            raise

    def _unpack(self) -> None:
        head = self.beneath.read(LONGEST_SIGN)
        size = self.beneath.seek(0, io.SEEK_END)
        self.beneath.seek(0)
        if head.startswith(ZIP):
            self.file, size = open_only_table(self.path, self.beneath)
            self.packed = "zip", size
        elif packed := packing(head):
            self.packed = packed[0], size
            self.file = packed[1](self.beneath)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        try:
            block = self.file.read(len(buffer))
        except DAMAGE as error:
            if self.packed is None:
                raise
            raise ValueError(
                f"{self.path} is an incomplete {self.packed[0]} file ({error}); fetch it again"
            ) from error
        nul = block.find(0) if self.text_of else -1
        if nul >= 0:
            likely = unmarked_encoding(block[:LONGEST_SIGN]) if self.length == 0 else None
            way_out = f"pass encoding={likely!r}" if likely else self._without_nul()
            raise ValueError(
                f"{self.path}, line {self._line(self.length + nul)}: not {self.text_of} (a NUL "
                f"byte is not text); {way_out}"
            )
        newline = block.rfind(b"\n")
        self.line_start = self.line_start if newline < 0 else self.length + newline + 1
        self.length += len(block)
        if self.length - self.line_start > LONGEST_LINE:
            raise ValueError(
                f"{self.path}, line {self._line(self.line_start)}: longer than "
                f"{LONGEST_LINE:,} bytes, so this is not a table"
            )
        if self.packed is not None:
            check_unpacked(self.path, self.packed[1], self.length)
        buffer[: len(block)] = block
        return len(block)

    def _without_nul(self) -> str:
        """What to do about a NUL byte in a file of text."""
        if self.packed is not None:
            return "unpack the file, and delete that byte"
        rest = f"Path({str(self.path)!r}).read_bytes().replace(b'\\0', b'')"
        code = f"from pathlib import Path; Path({path_of_csv(self.path)!r}).write_bytes({rest})"
        return f"delete such bytes, {in_a_shell(code)}"

    def _line(self, place: int) -> int:
        """The line, from 1, in which a byte stands."""
        line = 1
        with LimitedFile(self.path, None) as file:
            while place > 0:
                block = file.read(min(place, 2**20))
                line, place = line + block.count(b"\n"), place - len(block)
        return line

    def close(self) -> None:
        self.file.close()
        self.beneath.close()
        super().close()


def open_bounded(path: Path, text_of: str | None) -> BinaryIO:
    """Open a file, or the one table in a zip, unpacked if its first bytes say that it is packed."""
    return io.BufferedReader(LimitedFile(path, text_of), 2**18)


def is_zip(path: Path) -> bool:
    """Whether a path is that of a zip file."""
    return path.is_file() and zipfile.is_zipfile(path)


def first_bytes(path: Path) -> bytes:
    """The first bytes of a file, unpacked."""
    with open_bounded(path, None) as file:
        return file.read(LONGEST_SIGN)


def open_only_table(path: Path, file: BinaryIO) -> tuple[BinaryIO, int]:
    """The table in a zip that holds just one, and its packed size; else ValueError."""
    try:
        archive = zipfile.ZipFile(file)
        names = [name for name in archive.namelist() if not name.endswith("/")]
        tables = [name for name in names if not name.startswith("__MACOSX/")]
        if len(tables) == 1:
            return archive.open(tables[0]), archive.getinfo(tables[0]).compress_size
    except DAMAGE as error:
        raise ValueError(f"{path} is an incomplete zip file ({error}); fetch it again") from error
    if "xl/workbook.xml" in names:
        raise ValueError(f"{path} is an Excel workbook: {by_pandas(path, 'read_excel')}")
    if tables and all(name.endswith(".npy") for name in tables):
        raise ValueError(
            f"{path} holds arrays of NumPy, not a table: scipy.sparse.load_npz reads a matrix, "
            "and Interactions.from_sparse takes it; `recommend` and `similar` read a saved model"
        )
    if any(name.endswith("/data.pkl") for name in tables):
        raise ValueError(
            f"{path} is a file of PyTorch, not a table: make a DataFrame, with columns user and "
            "item, of what torch.load reads"
        )
    there = ", ".join(tables[:5]) or "nothing"
    raise ValueError(
        f"{path} is a zip file that holds {there}: unpack it, and give the file of the interactions"
    )
