"""The data sets that are known, collected from the files that own them, and where they lie here.

None is part of this package: their licences do not allow it. MD5 and sizes of MovieLens are those
that GroupLens publishes, ids of Git blobs those of the authors' repository. Checksums of other
archives are quoted by several projects that agree; those of single files were computed on the
original bytes.
"""

from __future__ import annotations

import difflib
import os
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import numpy as np

from ..data.split import Split, leave_one_out
from . import published
from .dataset import Dataset
from .reading.decompression import is_zip
from .reading.folders import contents, path_of

KNOWN: dict[str, Dataset] = {
    dataset.name: dataset
    for module in iter_modules(published.__path__)
    for dataset in import_module(f"{published.__name__}.{module.name}").DATASETS
}
"""What can be recognised and loaded: {name: `Dataset`}."""

DATASETS: dict[str, Dataset] = {name: dataset for name, dataset in KNOWN.items() if dataset.parts}
"""What can be downloaded: {name: `Dataset`}."""


def dataset_called(name: str) -> Dataset:
    """Raises ValueError that lists the names there are."""
    if name not in DATASETS:
        close = difflib.get_close_matches(name, DATASETS, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"no data set is called {name!r}; {hint}there are {', '.join(DATASETS)}")
    return DATASETS[name]


def dataset_at(path: str | Path) -> Dataset | None:
    """What lies at a path, by the names of its files; None for a single table.

    path: a folder, a zip, or the prefix or one of the files of a split in the NCF paper's format.
    Raises FileNotFoundError where nothing is there, ValueError with the names in a folder that is
    not recognised.
    """
    path = path_of(path)
    in_folder = path.is_dir()
    names = list(contents(path, "data")) if in_folder or is_zip(path) else []
    if known := _known_at(path, names):
        return known
    if not path.exists():
        raise FileNotFoundError(f"no file or folder {path}")
    if not in_folder:
        return None
    folders = sorted(each for each in path.iterdir() if each.is_dir())
    found = ", ".join([*names, *(f"the folder {each.name}" for each in folders)][:5]) or "nothing"
    inner = [each for each in folders if _known_at(each, list(contents(each, "data")))]
    tables = [each for each in names if each.lower().endswith((".csv", ".tsv", ".txt", ".jsonl"))]
    way_out = "give the file of the pairs, or the folder or zip of a published data set"
    if inner:
        way_out = f"give {inner[0]}"
    elif tables:
        way_out = f"if the pairs are in {tables[0]}, give {path / tables[0]}"
    raise ValueError(f"cannot recognise the data in {path} (contains {found}); {way_out}")


def _known_at(path: Path, names: list[str]) -> Dataset | None:
    """What a path with these files is; of releases with the same files, that of the path's name."""
    found = [dataset for dataset in KNOWN.values() if dataset.is_at(path, names)]
    called = [each for each in found if path.stem in (each.name, *each.folders)]
    return next(iter(called or found), None)


def load_split(path: str | Path, rng: np.random.Generator) -> Split:
    """A known data set at a path: its published split, or else a leave-one-out split of its pairs.

    Parameters
    ----------
    path : str or Path
        A folder, a zip, or the prefix or one of the files of a split in the NCF paper's format.
    rng : Generator
        Draws what is held out.

    Returns
    -------
    Split

    Raises
    ------
    FileNotFoundError
        Where nothing is there.
    ValueError
        For a folder that is not recognised, with what it holds; for a single table.
    """
    dataset = dataset_at(path)
    if dataset is None:
        raise ValueError(f"{path} is a single table: read it with load_interactions")
    if dataset.split is not None:
        return dataset.split(Path(path), rng)
    return leave_one_out(dataset.load(Path(path)), rng)


def cache_folder() -> Path:
    """Where this platform wants files that can be fetched again; ours is its folder ncf_numpy."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or ""
        base = base if os.path.isabs(base) else Path.home() / ".cache"
    return Path(base) / "ncf_numpy"


def find_dataset(name: str) -> Path | None:
    """The folder that holds all files of a data set, in NCF_NUMPY_DATA or in the cache.

    NCF_NUMPY_DATA is a folder of your own with one folder per data set; it is only ever read.

    Parameters
    ----------
    name : str
        One of DATASETS.

    Returns
    -------
    Path or None
        None where no folder holds all of them.

    Raises
    ------
    ValueError
        For an unknown name, with those there are.
    """
    dataset = dataset_called(name)
    own = os.environ.get("NCF_NUMPY_DATA")
    candidates = [Path(own) / each for each in (name, *dataset.folders)] if own else []
    for folder in (*candidates, cache_folder() / name):
        if holds_all(folder, dataset):
            return folder
    return None


def holds_all(folder: Path, dataset: Dataset) -> bool:
    return all(os.path.isfile(folder / file) for file in dataset.files)
