"""Fetch a data set once, and trust nothing about it: not the network, the server or the archive.

A file is received under a temporary name beside its place, compared with its checksum, and only
then renamed. Of an archive, the named members are copied one by one. Whatever goes wrong leaves
nothing behind, and the message says how to get the file by hand.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import shutil
import ssl
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tqdm import tqdm

from ..temporary_files import remove_leftovers
from .catalogue import Dataset, Part, cache_folder, dataset_called, find_dataset, holds_all
from .reading.decompression import check_unpacked
from .reading.folders import is_unsafe

BLOCK = 2**16  # bytes received or hashed at a time
LONGEST = 2**32  # bytes of a file whose size is not known; no data set has half of it
RETRIED = 408, 429  # request timeout, too many requests; and 500 and above
PASSING = (
    urllib.error.URLError,
    TimeoutError,
    ConnectionError,
    http.client.HTTPException,
    ssl.SSLError,
)


@dataclass(frozen=True)
class Connection:
    """How to fetch.

    base_url  a mirror, such as "http://localhost:8000", that takes the place of scheme and host
    timeout   seconds without a byte after which the server counts as hanging
    attempts  how often a file is tried when the network is at fault
    pause     seconds before the second attempt, doubled for each further one
    progress  whether a terminal shows a progress bar (on stderr)
    """

    base_url: str | None = None
    timeout: float = 30.0
    attempts: int = 4
    pause: float = 1.0
    progress: bool = True

    def __post_init__(self) -> None:
        if self.base_url is not None and not self.base_url.startswith(("http://", "https://")):
            raise ValueError(f"base_url must start with http:// or https://, got {self.base_url!r}")
        if self.attempts < 1:
            raise ValueError(f"attempts must be at least 1, got {self.attempts}")

    def url(self, part: Part) -> str:
        if self.base_url is None:
            return part.path
        return self.base_url.rstrip("/") + urlsplit(part.path).path


def download(
    name: str,
    folder: str | Path | None = None,
    *,
    connection: Connection | None = None,
) -> Path:
    """The folder that holds the data set's files, fetched unless they are there already.

    name: one of DATASETS.  folder: where to look and to put them; by default it is looked for in
    NCF_NUMPY_DATA (only read) and in the cache, and put into the cache. An archive that lies in
    the folder already, saved by hand, is used instead of the network.

    Raises ValueError for an unknown name, OSError for everything else that goes wrong.
    """
    dataset = dataset_called(name)
    if folder is None:
        found = find_dataset(name)
        if found is not None:
            return found
        folder = cache_folder() / name
    return fetch(dataset, Path(folder), connection or Connection())


def fetch(dataset: Dataset, folder: Path, connection: Connection) -> Path:
    """Put the files of a data set into a folder: all of them, or none."""
    remove_leftovers(folder, r"\.download-(\d+)-\w+")
    if holds_all(folder, dataset):
        return folder
    made = [path for path in (folder, *folder.parents) if not os.path.exists(path)]
    part = dataset.parts[0]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        prefix = f".download-{os.getpid()}-"
        with tempfile.TemporaryDirectory(prefix=prefix, dir=folder) as scratch:
            ready = []
            for part in dataset.parts:
                ready += _obtain(part, folder, Path(scratch), connection)
            for path in ready:
                os.replace(path, folder / path.name)
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


def _obtain(part: Part, folder: Path, scratch: Path, connection: Connection) -> list[Path]:
    """Files of one part in the scratch folder, checked; none if the folder has them already."""
    names = [file.name for file in part.members or (part,)]
    if all((folder / name).is_file() for name in names):
        return []
    by_hand = folder / part.name
    if by_hand.is_file():
        check(by_hand, part)
        return _extract(by_hand, part, scratch)
    received = scratch / part.name
    _receive_patiently(part, received, connection)
    check(received, part)
    return _extract(received, part, scratch) if part.members else [received]


def _receive_patiently(part: Part, target: Path, connection: Connection) -> None:
    for attempt in range(1, connection.attempts + 1):
        try:
            return _receive(part, target, connection)
        except PASSING as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
                if error.code not in RETRIED and error.code < 500:
                    raise
            if attempt == connection.attempts:
                raise
            time.sleep(connection.pause * 2 ** (attempt - 1))


def _receive(part: Part, target: Path, connection: Connection) -> None:
    request = urllib.request.Request(connection.url(part), headers={"User-Agent": "ncf_numpy"})
    with (
        urllib.request.urlopen(request, timeout=connection.timeout) as response,
        open(target, "wb") as file,
    ):
        expected = part.size if response.length is None else response.length
        longest = LONGEST if part.size is None else part.size
        received = 0
        with tqdm(
            total=expected,
            desc=part.name,
            unit="B",
            unit_scale=True,
            file=sys.stderr,
            disable=None if connection.progress else True,
        ) as bar:
            while block := response.read(BLOCK):
                page = response.headers.get_content_type() == "text/html"
                if received == 0 and (page or block.lstrip()[:1] == b"<"):
                    raise OSError("the server sent a web page instead of the file")
                file.write(block)
                received += len(block)
                if received > longest:
                    raise OSError(
                        f"{part.name} has {received:,} bytes, expected {longest:,} at most"
                    )
                bar.update(len(block))
    if expected is not None and received < expected:
        raise ConnectionError(f"the file broke off after {received:,} of {expected:,} bytes")
    if received == 0:
        raise ConnectionError("the server sent an empty file")


def check(path: Path, part: Part) -> None:
    """Raise OSError where a file is not what its Part says; what is not known is not compared."""
    size = path.stat().st_size
    if part.size is not None and size != part.size:
        raise OSError(f"{part.name} has {size:,} bytes, expected {part.size:,}")
    if part.checksum:
        algorithm, expected = part.checksum.split(":")
        found = digest(path, algorithm)
        if found != expected:
            raise OSError(f"{part.name} has {algorithm} {found}, expected {expected}")


def digest(path: Path, algorithm: str = "sha256") -> str:
    """The checksum of a file as hexadecimal text."""
    state = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            state.update(block)
    return state.hexdigest()


def _extract(archive: Path, part: Part, scratch: Path) -> list[Path]:
    """Copy the members of a part out of its archive: each by its name, and no other."""
    try:
        return _extract_all(archive, part, scratch)
    except OSError:
        raise
    except Exception as error:  # damage can make the zip and tar readers raise anything
        raise OSError(f"{part.name} is damaged ({str(error) or type(error).__name__})") from error


def _extract_all(archive: Path, part: Part, scratch: Path) -> list[Path]:
    is_zip = part.name.endswith(".zip")
    with zipfile.ZipFile(archive) if is_zip else tarfile.open(archive) as opened:
        names = opened.namelist() if is_zip else opened.getnames()
        _check_names(part, names)
        extracted = []
        for member in part.members:
            if is_zip:
                size = opened.getinfo(member.path).file_size
            else:
                entry = opened.getmember(member.path)
                size = entry.size
                if not entry.isreg():
                    raise OSError(f"{member.path} in {part.name} is no regular file")
            check_unpacked(member.path, archive.stat().st_size, size)
            target = scratch / member.name
            source = opened.open(member.path) if is_zip else opened.extractfile(member.path)
            with source as entry, open(target, "wb") as file:
                shutil.copyfileobj(entry, file, BLOCK)
            check(target, member)
            extracted.append(target)
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
    problem = str(error) or type(error).__name__
    if isinstance(error, urllib.error.HTTPError):
        problem = f"the server answered {error.code} {error.reason}"
    elif isinstance(error, TimeoutError) or isinstance(
        getattr(error, "reason", None), TimeoutError
    ):
        problem = f"no byte came within {connection.timeout:g} seconds"
    elif isinstance(error, urllib.error.URLError):
        problem = f"no connection to {urlsplit(connection.url(part)).netloc} ({error.reason})"
    return (
        f"{dataset.name} could not be downloaded: {problem}. By hand: save {part} as "
        f"{folder / part.name} and run this again, or choose another folder (--folder)"
    )
