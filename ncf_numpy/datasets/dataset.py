"""What has to be known about a data set: where it can be had, and how it is recognised and read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path


@dataclass(frozen=True)
class Part:
    """One file: a URL, or the path of a member of an archive.

    size      bytes, None where not known
    checksum  "sha256:...", "md5:..." or "git:...", the id of a Git blob; empty where none is known
    members   what is taken out of it, if it is an archive
    begins    a regular expression for its first line; of files without a checksum
    lines     how many it has, None where not known
    """

    path: str
    size: int | None = None
    checksum: str = ""
    members: tuple[Part, ...] = ()
    begins: str = ""
    lines: int | None = None

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    def __str__(self) -> str:
        size = "size not known" if self.size is None else f"{self.size:,} bytes"
        checksum = self.checksum.replace(":", " ") or "no checksum known"
        lines = "" if self.lines is None else f"{self.lines:,} lines, "
        return f"{self.path} ({size}, {lines}{checksum})"


@dataclass(frozen=True)
class Dataset:
    """A data set that can be downloaded, recognised, or both.

    title, licence  one line each
    parts     what is downloaded; none if it can only be recognised
    folders   what its folder in NCF_NUMPY_DATA may be called, besides its name
    sign      the files (patterns) by which a folder or a zip is recognised, all of them
    load      (path, **options) -> Interactions
    options   the options that load takes, as the command line calls them: --min-rating
    split     (path, rng, **options) -> Split, where the test items are published, too
    """

    name: str
    title: str
    licence: str
    parts: tuple[Part, ...] = ()
    folders: tuple[str, ...] = ()
    sign: tuple[str, ...] = ()
    load: Callable | None = None
    options: tuple[str, ...] = ()
    split: Callable | None = None

    @property
    def files(self) -> list[str]:
        """The names of the files that its folder holds."""
        return [file.name for part in self.parts for file in part.members or (part,)]

    def is_at(self, path: Path, names: list[str]) -> bool:
        """Whether a path is this: a folder or zip that holds these names, or a prefix."""
        held = all(any(fnmatch(name, each) for name in names) for each in self.sign)
        return bool(self.sign) and (held or self._has_prefix(path))

    def _has_prefix(self, path: Path) -> bool:
        """Whether a path is a file like "*.train.rating", or what stands before the dot."""
        endings = [each[1:] for each in self.sign if each.startswith("*")]
        start = path.name
        for each in endings:
            start = start.removesuffix(each)
        return bool(endings) and all((path.parent / (start + each)).is_file() for each in endings)
