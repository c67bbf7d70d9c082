"""Fetch a data set once, and trust nothing about it: not the network, the server or the archive.

A file is received under a temporary name beside its place, compared with what is known of it, and
only then moved. Of an archive, the named members are copied one by one. Whatever goes wrong leaves
nothing behind, and the message says how to get the file by hand.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import shutil
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from ..data.terminal import printable
from ..data.whole_file import move, part_file, remove_stale
from .catalogue import cache_folder, dataset_called, find_dataset, holds_all
from .dataset import Dataset, Part
from .network import Connection
from .reading.decompression import check_unpacked
from .reading.folders import is_unsafe

LONGEST_FIRST = 2**16  # bytes of a first line
BLOCK = 2**16  # bytes copied or counted at a time


def download(
    name: str,
    folder: str | Path | None = None,
    *,
    connection: Connection | None = None,
) -> Path:
    """Fetch a data set, unless its files are there already.

    An archive that lies in the folder already, saved by hand, is used instead of the network.

    Parameters
    ----------
    name : str
        One of DATASETS.
    folder : str or Path
        Where to look and to put the files. By default they are looked for in NCF_NUMPY_DATA (only
        read) and in the cache, and put into the cache.
    connection : Connection
        With what to fetch them; by default a new one.

    Returns
    -------
    Path
        The folder that holds the files.

    Raises
    ------
    ValueError
        For an unknown name, with those there are.
    OSError
        For everything else that goes wrong, with how to get the file by hand.
    """
    dataset = dataset_called(name)
    if folder is None:
        found = find_dataset(name)
        if found is not None:
            return found
        folder = cache_folder() / name
    return fetch(dataset, Path(folder), connection or Connection())


def fetch(dataset: Dataset, folder: Path, connection: Connection) -> Path:
    """Put the files of a data set into a folder: all of them, or none. What is there stays."""
    if os.path.isfile(folder):
        raise NotADirectoryError(f"cannot download into {folder}: it is a file, not a folder")
    remove_stale(folder)
    if holds_all(folder, dataset):
        return folder
    made = [path for path in (folder, *folder.parents) if not os.path.exists(path)]
    part = dataset.parts[0]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as scratch:
            ready = {}
            for part in dataset.parts:
                ready |= _obtain(part, folder, scratch, connection)
            for name, file in ready.items():
                move(file, folder / name)
    except (OSError, http.client.HTTPException) as error:
        _remove(made)
        raise OSError(_message(dataset, part, folder, connection, error)) from error
    except BaseException:
        _remove(made)
        raise
    return folder


def _remove(folders: Sequence[Path]) -> None:
    for path in folders:
        with contextlib.suppress(OSError):
            path.rmdir()


def _obtain(
    part: Part, folder: Path, scratch: contextlib.ExitStack, connection: Connection
) -> dict[str, BinaryIO]:
    """{name: file} of what the folder lacks of one part, checked; to be moved there."""
    missing = [file for file in part.members or (part,) if not (folder / file.name).is_file()]
    if not missing:
        return {}
    by_hand = folder / part.name
    if by_hand.is_file():
        check(by_hand, part)
        return _extract(by_hand, part, missing, scratch)
    received = scratch.enter_context(part_file(folder))
    connection.receive(part, received)
    received.flush()
    check(received.name, part)
    if part.members:
        return _extract(received.name, part, missing, scratch)
    return {part.name: received}


def check(path: str | Path, part: Part) -> None:
    """Raise OSError where a file is not what its Part says; what is not known is not compared."""
    size = os.path.getsize(path)
    if part.size is not None and size != part.size:
        raise OSError(f"{part.name} has {size:,} bytes, expected {part.size:,}")
    if part.checksum:
        algorithm, expected = part.checksum.split(":")
        found = digest(path, algorithm)
        if found != expected:
            raise OSError(f"{part.name} has {algorithm} {found}, expected {expected}")
    if part.begins or part.lines is not None:
        _check_text(path, part)


def _check_text(path: str | Path, part: Part) -> None:
    """The same of a file without a checksum: its first line, and how many there are."""
    n_lines, end = 0, b"\n"
    with open(path, "rb") as file:
        first = file.readline(LONGEST_FIRST)
        file.seek(0)
        while block := file.read(BLOCK):
            n_lines, end = n_lines + block.count(b"\n"), block[-1:]
    n_lines += end != b"\n"
    if not re.fullmatch(part.begins or ".*", first.decode("utf-8-sig", "replace").rstrip("\r\n")):
        raise OSError(f"{part.name} begins with {first[:60]!r}, expected {part.begins}")
    if part.lines is not None and n_lines != part.lines:
        raise OSError(f"{part.name} has {n_lines:,} lines, expected {part.lines:,}")


def digest(path: str | Path, algorithm: str = "sha256") -> str:
    """The checksum of a file as hexadecimal text; "git" is the id of a Git blob, which is SHA-1."""
    found = hashlib.new("sha1" if algorithm == "git" else algorithm, usedforsecurity=False)
    if algorithm == "git":
        found.update(b"blob %d\0" % os.path.getsize(path))
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: found).hexdigest()


def _extract(
    archive: str | Path, part: Part, members: Sequence[Part], scratch: contextlib.ExitStack
) -> dict[str, BinaryIO]:
    """Copy members out of the archive of a part: each by its name, and no other."""
    try:
        return _extract_all(archive, part, members, scratch)
    except OSError:
        raise
    except Exception as error:  # damage can make the zip and tar readers raise anything
        raise OSError(f"{part.name} is damaged ({str(error) or type(error).__name__})") from error


def _extract_all(archive, part, members, scratch) -> dict[str, BinaryIO]:
    is_zip = part.name.endswith(".zip")
    with zipfile.ZipFile(archive) if is_zip else tarfile.open(archive) as opened:
        names = opened.namelist() if is_zip else opened.getnames()
        _check_names(part, names)
        extracted = {}
        for member in members:
            if is_zip:
                size = opened.getinfo(member.path).file_size
            else:
                entry = opened.getmember(member.path)
                size = entry.size
                if not entry.isreg():
                    raise OSError(f"{member.path} in {part.name} is not a regular file")
            check_unpacked(member.path, os.path.getsize(archive), size)
            file = scratch.enter_context(part_file(Path(archive).parent))
            source = opened.open(member.path) if is_zip else opened.extractfile(member.path)
            with source as entry:
                shutil.copyfileobj(entry, file, BLOCK)
            file.flush()
            check(file.name, member)
            extracted[member.name] = file
    return extracted


def _check_names(part: Part, names: Sequence[str]) -> None:
    for name in names:
        if is_unsafe(name):
            raise OSError(f"{part.name} holds the unsafe path {name!r} and is not unpacked")
    for member in part.members:
        times = list(names).count(member.path)
        if times != 1:
            there = f"; it holds {', '.join(names[:5])}" if times == 0 else ""
            raise OSError(f"{part.name} holds {member.path} {times} times, expected once{there}")


def _message(
    dataset: Dataset, part: Part, folder: Path, connection: Connection, error: Exception
) -> str:
    problem = printable(connection.explain(part, error))
    return (
        f"{dataset.name} could not be downloaded: {problem}. By hand: save {part} as "
        f"{folder / part.name} and run this again. Or fetch it into a folder of your choice: "
        f"python -m ncf_numpy download {dataset.name} --folder PATH"
    )
