"""The files of a data set, in a folder or still in the zip it came in."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from .decompression import check_unpacked
from .numerals import shown

ADDRESS = re.compile(r"[a-z][a-z0-9+]*://", re.IGNORECASE)


def path_of(data: str | Path | zipfile.Path) -> Path | zipfile.Path:
    """The path of a file or folder; ValueError for a text that is something else."""
    if isinstance(data, str) and ADDRESS.match(data):
        raise ValueError(f"{data} is an address: download the file, and give its path")
    if isinstance(data, str) and "\n" in data:
        raise ValueError(f"{shown(data)} has several lines: write it to a file, and give its path")
    return Path(data) if isinstance(data, str) else data


def contents(source: str | Path, expected: str) -> dict[str, list[Path | zipfile.Path]]:
    """File name -> where it is: directly in a folder, or anywhere in a zip.

    Raises FileNotFoundError where there is no such folder or zip, ValueError for a damaged zip.
    """
    source = Path(source)
    if source.is_dir():
        return {path.name: [path] for path in sorted(source.iterdir()) if path.is_file()}
    if not source.is_file():
        raise FileNotFoundError(f"no folder {source}; expected one with {expected}, or a zip")
    found: dict[str, list] = {}
    try:
        archive = zipfile.ZipFile(source)
    except Exception as error:  # damage can make the zip reader raise anything
        raise ValueError(f"{source} is neither a folder nor a whole zip ({error})") from error
    for entry in archive.namelist():
        if is_unsafe(entry):
            raise ValueError(f"{source} holds the unsafe path {entry!r} and is not read")
        if not entry.endswith("/"):
            found.setdefault(entry.split("/")[-1], []).append(zipfile.Path(archive, entry))
    return found


def is_unsafe(name: str) -> bool:
    """Whether a name in an archive is no plain relative path; "//" can hang zipfile.Path as well.

    Source: CVE-2024-8088.
    """
    steps = name.replace("\\", "/").removesuffix("/").split("/")
    return ".." in steps or "" in steps or ":" in steps[0]


def find_file(source: str | Path, name: str) -> Path | zipfile.Path:
    """The one file of this name; the result has `open("rb")` and prints as its path.

    Raises FileNotFoundError that says what there is instead, ValueError for a zip that holds it
    twice or damaged.
    """
    found = contents(source, name)
    if name not in found:
        there = ", ".join(list(found)[:10]) or "nothing"
        raise FileNotFoundError(f"no {name} in {source}; found: {there}")
    if len(found[name]) > 1:
        raise ValueError(
            f"{source} holds {name} more than once: {', '.join(map(str, found[name]))}"
        )
    path = found[name][0]
    if isinstance(path, zipfile.Path):
        _check_member(source, path)
    return path


def _check_member(source: str | Path, path: zipfile.Path) -> None:
    member = path.root.getinfo(path.at)
    check_unpacked(f"{path.name} in {source}", member.compress_size, member.file_size)
    try:
        with path.open("rb") as file:
            while file.read(2**20):
                pass
    except Exception as error:  # a broken checksum, an unknown method, a password, ...
        raise ValueError(f"{path.name} in {source} is damaged ({error}); fetch it again") from error
