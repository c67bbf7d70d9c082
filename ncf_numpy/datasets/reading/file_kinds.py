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

STATA = ("a Stata file", "read_stata")
# sign -> what it is, the function of pandas that reads it, and options of that
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
    b"$FL2": ("an SPSS file", "read_spss"),
    b"$FL3": ("an SPSS file", "read_spss"),
    bytes(12) + b"\xc2\xea\x81\x60": ("a SAS file", "read_sas", ", encoding='infer'"),
    b"HEADER RECORD*******LIB": ("a SAS file", "read_sas", ", encoding='latin-1'"),
    b"<stata_dta>": STATA,
    **{bytes([version, order, 1, 0]): STATA for version in (113, 114, 115) for order in (1, 2)},
}
BY_R = "in R, write.csv(table, 'table.csv', row.names = FALSE) makes a CSV file of a table"
OTHERS = {
    b"\x28\xb5\x2f\xfd": "packed with Zstandard: unpack it with `unzstd` first",
    b"7z\xbc\xaf": "a 7z archive: unpack it first",
    b"Rar!": "a RAR archive: unpack it first",
    b"SQLite format 3\0": "an SQLite database: write its table to a CSV file first, with pandas."
    "read_sql and to_csv",
    b"\x93NUMPY": "a NumPy array: make a DataFrame of it, with columns user and item",
    b"%%MatrixMarket": "a Matrix Market file: scipy.io.mmread reads it, and then "
    "Interactions.from_sparse the matrix",
    b"MATLAB 5.0 MAT-file": "a MATLAB file: make a DataFrame, with columns user and item, of the "
    "arrays that scipy.io.loadmat reads",
    b"MATLAB 7.3 MAT-file": "a MATLAB file: make a DataFrame, with columns user and item, of the "
    "arrays that h5py.File reads",
    b"RDX2": f"a file of R: {BY_R}",
    b"RDX3": f"a file of R: {BY_R}",
    b"X\n\0\0": f"a file of R: {BY_R}",
    b"Obj\x01": "an Avro file: make a DataFrame of the records that fastavro.reader reads",
    b"\xff\xff\xff\xff": "an Arrow stream: make a DataFrame of it, by pyarrow.ipc.open_stream(path)"
    ".read_pandas()",
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


def unmarked_encoding(head: bytes) -> str | None:
    """The utf-16 of a text without a mark, by which byte of each pair is often NUL; or None."""
    first, second = head[::2].count(0), head[1::2].count(0)
    if max(first, second) <= max(1, len(head) / 8, 3 * min(first, second)):
        return None
    return "utf-16-le" if second > first else "utf-16-be"


def check_is_not_binary(path, head: bytes) -> None:
    """Raise ValueError where a NUL byte and many other control characters are among the first."""
    n_control = sum(0 < byte < 32 and byte not in b"\t\n\r" for byte in head)
    if 0 in head and n_control > max(4, len(head) / 20) and not unmarked_encoding(head):
        line = head.count(b"\n", 0, head.find(0)) + 1
        raise ValueError(
            f"{path}, line {line}: control characters, as in a binary file of another program: "
            "open it there, and save it as CSV"
        )


def check_is_text(path, head: bytes) -> None:
    """Raise ValueError, with the way out, where the first bytes are those of no table of text."""
    if head[257:262] == b"ustar":
        raise ValueError(f"{path} is a tar archive: unpack it, and give the table in it")
    text = head.lstrip()
    for sign, (kind, reader, *options) in READ_BY_PANDAS.items():
        if (text if sign == b"[" else head).startswith(sign):
            raise ValueError(f"{path} is {kind}: {by_pandas(path, reader, *options)}")
    for sign, kind in OTHERS.items():
        if (text if sign == b"<" else head).startswith(sign):
            raise ValueError(f"{path} is {kind}")


def by_pandas(path, reader: str, options: str = "") -> str:
    """The way out for a file that pandas can read: the command that makes a CSV file of it."""
    read = f"pandas.{reader}({str(path)!r}{options})"
    line = f"import pandas; {read}.to_csv({path_of_csv(path)!r}, index=False)"
    return f"convert it to CSV, {in_a_shell(line)}"


def in_a_shell(line: str) -> str:
    """How a line of Python is run, also one with a file's name that a shell would take apart."""
    if set(line) & set('"$`!'):
        return f"by these lines of Python: {line}"
    return f'in a shell by python -c "{line}"'


def path_of_csv(path) -> str:
    """The path of a CSV file beside a file of any name, and not this one."""
    start = str(path).rsplit(".", 1)[0]
    return f"{start}_table.csv" if f"{start}.csv" == str(path) else f"{start}.csv"
