"""One safe file: a header and named arrays in an .npz that is either whole or not there at all.

A crash, a full disk or kill -9 leaves the old file as it was (`data.whole_file`). Reading unpickles
nothing, so it never runs what is in a file, and unpacks nothing, so it never needs more memory than
a small multiple of the file. A sha256 over all it holds tells a damaged file from a good one.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import threading
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .data.terminal import printable
from .data.whole_file import check_path, open_regular, write_whole

if TYPE_CHECKING:
    from .core.types import Array

FORMAT = "ncf_numpy"
# Goes up when older code could not make sense of a file. Code reads its own version and all older
# ones, and raises an error for newer ones.
VERSION = 1
# NumPy writes 118 bytes for an array of one or two dimensions; Python's parser reads them.
LONGEST_NPY_HEADER = 256
PARSING = threading.Lock()  # the parser of Python 3.11 fails where threads take turns (gh-106905)


def write_file(
    path: str | Path, kind: str, header: dict[str, Any], arrays: dict[str, Array]
) -> None:
    """Write a header and arrays to exactly this path.

    Parameters
    ----------
    path : str or Path
    kind : str
        What the file is, such as "recommender"; `read_file` must be told the same.
    header : dict
        Anything JSON can hold.
    arrays : {name: array}

    Raises
    ------
    OSError
        If it cannot be written, with the path; a file that was there is then still there.
    TypeError
        For a path that is no name.
    """
    header = {"format": FORMAT, "version": VERSION, "kind": kind, **header}
    members = {"header": pack(header), **arrays}
    members["sha256"] = np.frombuffer(digest(members), np.uint8)
    write_whole(path, npz_of(members))


def npz_of(members):
    """The bytes of the .npz that np.savez writes; in memory, so that no disk can cut it off."""
    stream = io.BytesIO()
    archive = zipfile.ZipFile(stream, "w")
    try:
        for name, array in members.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
        archive.close()
    finally:
        archive.fp = None  # one that Ctrl-C has torn apart would raise ValueError when closed
    return stream.getvalue()


def read_file(path: str | Path, kind: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """The header and the arrays that `write_file` wrote.

    Parameters
    ----------
    path : str or Path
    kind : str

    Returns
    -------
    header : dict
    arrays : {name: array}

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is damaged, of another kind, written by a newer version, or not of this project. It
        names the path.
    """
    check_path(path)
    with naming(path, "is damaged, or not a file that ncf_numpy saved"):
        members = _read_members(path)
        expected = members.pop("sha256").tobytes()
        header = unpack(members["header"])
        is_ours = header["format"] == FORMAT
        version, its_kind = int(header["version"]), header["kind"]
        found = digest(members)
    if not is_ours or found != expected:
        raise ValueError(
            f"{path} is damaged: its content does not have the sha256 it was saved with"
        )
    if version > VERSION:
        raise ValueError(
            f"{path} has format version {version}, and this ncf_numpy reads up to "
            f"{VERSION}: a newer ncf_numpy is needed"
        )
    if its_kind != kind:
        raise ValueError(f"{path} holds a {printable(its_kind)}, expected a {kind}")
    del members["header"]
    return header, members


def read_arrays(path):
    """{name: array} of an .npz of numbers that np.savez wrote, from wherever it comes.

    Raises OSError if it cannot be opened, ValueError naming the path if it is anything else.
    """
    with naming(path, "is damaged, or no .npz of numbers as np.savez writes it"):
        return _read_members(path)


@contextlib.contextmanager
def naming(path, problem):
    """Content that was not checked yet may raise anything: make it a ValueError naming the path."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:  # the file could not be opened
            raise
        raise ValueError(f"{path} {problem} ({printable(error)})") from error
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} {problem} ({printable(error)})") from error
    except Exception as error:
        raise ValueError(
            f"{path} {problem} ({type(error).__name__}: {printable(error)})"
        ) from error


def _read_members(path):
    """{name: array}; before anything is read it is known to fit into the file's own length."""
    with open_regular(path) as file, zipfile.ZipFile(file) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        if len(members) < len(archive.infolist()):
            raise ValueError("a member is there twice")
        for name, member in members.items():
            stored = member.compress_type == zipfile.ZIP_STORED
            if not stored or member.compress_size != member.file_size:
                raise ValueError(f"{name} is compressed")
        if sum(member.file_size for member in members.values()) > os.fstat(file.fileno()).st_size:
            raise ValueError("the members are longer than the file")
        return {name: _array(archive.read(member)) for name, member in members.items()}


def _array(content):
    """The bytes of an .npy file -> its array; only plain numbers, and exactly as many as it says.

    np.load would believe the shape, and allocate it, before it looks for the numbers.
    """
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"an array of .npy version {version}, expected (1, 0)")
    with PARSING:
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream, LONGEST_NPY_HEADER)
    if dtype.kind not in "biuf":
        raise ValueError(f"an array of {dtype}, expected numbers (allow_pickle=False)")
    start = stream.tell()
    n_bytes = len(content) - start
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != n_bytes:
        raise ValueError(f"an array of {dtype} and shape {shape} in {n_bytes:,} bytes")
    order = "F" if by_columns else "C"
    return np.ndarray(shape, dtype, content, start, order=order).copy("K")


def pack(content):
    """Anything JSON can hold -> (n,) uint8: text in any script, without NumPy's pickled objects."""
    return np.frombuffer(json.dumps(content).encode("ascii"), np.uint8)


def unpack(packed):
    """What `pack` was given; ValueError, or what json raises, if that is not what it is."""
    if packed.dtype != np.uint8 or packed.ndim != 1:
        raise ValueError(f"text is {packed.dtype} of shape {packed.shape}, expected (n,) uint8")
    return json.loads(packed.tobytes().decode("ascii"))


def digest(arrays):
    """The sha256 of the arrays' names, dtypes, shapes and bytes."""
    hasher = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        hasher.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        hasher.update(array.reshape(-1).view(np.uint8))
    return hasher.digest()


def check_arrays(arrays, expected):
    """Raise ValueError unless arrays are {name: (shape, dtype)} as expected, and all finite."""
    for name in {**expected, **arrays}:
        if name not in arrays:
            raise ValueError(f"{name} is missing")
        if name not in expected:
            raise ValueError(f"{name} does not belong there")
        array, (shape, dtype) = arrays[name], expected[name]
        if array.shape != shape or array.dtype != dtype:
            raise ValueError(
                f"{name} is {array.dtype} of shape {array.shape}, expected {np.dtype(dtype)} of "
                f"shape {shape}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinite numbers")


def check_history(rows):
    """Raise ValueError unless rows are a history, a list of dicts with the same names each."""
    numbers = (bool, int, float)
    if not isinstance(rows, list) or not all(
        isinstance(row, dict)
        and row.keys() == rows[0].keys()
        and all(isinstance(value, numbers) for value in row.values())
        for row in rows
    ):
        raise ValueError("the history is not a list of rows of numbers")
