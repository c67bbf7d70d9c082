"""What a file is, by its first bytes: its name can be wrong, and often says nothing.

A packed file is unpacked on the way. For a file that is not a table of text, an error names the
kind and the line of pandas that turns it into one.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma

LONGEST_SIGN = 300  # bytes: a tar archive has its sign at 257

PACKED = {  # sign -> the name of the packing, and the function that opens what is in it
    b"\x1f\x8b": ("gzip", gzip.open),
    b"BZh": ("bzip2", bz2.open),
    b"\xfd7zXZ\0": ("xz", lzma.open),
}
ZIP = b"PK\x03\x04"

# sign -> what it is, and the function of pandas that reads it
READ_BY_PANDAS = {
    b"PAR1": ("a Parquet file", "read_parquet"),
    b"ARROW1": ("a Feather file", "read_feather"),
    b"FEA1": ("a Feather file", "read_feather"),
    b"ORC": ("an ORC file", "read_orc"),
    b"\x89HDF": ("an HDF5 file", "read_hdf"),
    b"\xd0\xcf\x11\xe0": ("an Excel workbook", "read_excel"),
    b"\x80\x02": ("a pickle", "read_pickle"),
    b"\x80\x03": ("a pickle", "read_pickle"),
    b"\x80\x04": ("a pickle", "read_pickle"),
    b"\x80\x05": ("a pickle", "read_pickle"),
    b"[": ("a JSON array", "read_json"),
}
OTHERS = {
    b"\x28\xb5\x2f\xfd": "packed with Zstandard: unpack it with `unzstd` first",
    b"7z\xbc\xaf": "a 7z archive: unpack it first",
    b"Rar!": "a RAR archive: unpack it first",
    b"SQLite format 3\0": "an SQLite database: write its table to a CSV file first, with pandas."
    "read_sql and to_csv",
    b"\x93NUMPY": "a NumPy array: make a DataFrame of it, with columns user and item",
    b"%%MatrixMarket": "a Matrix Market file: scipy.io.mmread reads it, and then "
    "Interactions.from_sparse the matrix",
    b"%PDF": "a PDF document, not a table",
    b"\x89PNG": "an image, not a table",
    b"\xff\xd8\xff": "an image, not a table",
    b"GIF8": "an image, not a table",
    b"version https://git-lfs": "a pointer of Git LFS: `git lfs pull` fetches the file itself",
    b"PK\x05\x06": "a zip file that holds nothing",
    ZIP: "packed twice: unpack it first",
    b"\x1f\x8b": "packed twice: unpack it first",
    b"<": "a web page or XML, not a table: download the file itself",
}
MARKS = {  # of bytes at the beginning -> the encoding that they give away; utf-32 before utf-16
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def packing(head: bytes):
    """(name, opening function) of a packed file by its first bytes, or None."""
    return next((packed for sign, packed in PACKED.items() if head.startswith(sign)), None)


def marked_encoding(head: bytes) -> str | None:
    """The encoding that a byte order mark gives away, or None."""
    return next((encoding for mark, encoding in MARKS.items() if head.startswith(mark)), None)


def check_is_text(path, head: bytes) -> None:
    """Raise ValueError, with the way out, where the first bytes are those of no table of text."""
    if head[257:262] == b"ustar":
        raise ValueError(f"{path} is a tar archive: unpack it, and give the table in it")
    text = head.lstrip()
    for sign, (kind, reader) in READ_BY_PANDAS.items():
        if (text if sign == b"[" else head).startswith(sign):
            raise ValueError(f"{path} is {kind}: {by_pandas(path, reader)}")
    for sign, kind in OTHERS.items():
        if (text if sign == b"<" else head).startswith(sign):
            raise ValueError(f"{path} is {kind}")


def by_pandas(path, reader: str, options: str = "") -> str:
    """The way out for a file that pandas can read: the command that makes a CSV file of it."""
    read = f"pandas.{reader}({str(path)!r}{options})"
    line = f"import pandas; {read}.to_csv({path_of_csv(path)!r}, index=False)"
    return f'convert it to CSV, in a shell by python -c "{line}"'


def path_of_csv(path) -> str:
    """The path of a CSV file beside a file of any name, and not this one."""
    start = str(path).rsplit(".", 1)[0]
    return f"{start}_table.csv" if f"{start}.csv" == str(path) else f"{start}.csv"
