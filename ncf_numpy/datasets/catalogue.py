"""The data sets that can be had: where from, what they must look like, and where they lie here.

None is part of this package: their licences do not allow it. Checksums of archives are quoted by
several projects that agree; those of single files were computed on the original bytes.
"""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Part:
    """One file: a URL, or the path of a member of an archive.

    size      bytes, None where not known
    checksum  "sha256:..." or "md5:...", empty where none is known
    members   what is taken out of it, if it is an archive
    """

    path: str
    size: int | None = None
    checksum: str = ""
    members: tuple[Part, ...] = ()

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    def __str__(self) -> str:
        size = "size not known" if self.size is None else f"{self.size:,} bytes"
        checksum = self.checksum.replace(":", " ") or "no checksum known"
        return f"{self.path} ({size}, {checksum})"


@dataclass(frozen=True)
class Dataset:
    """title and licence: one line each.  folders: what its folder in NCF_NUMPY_DATA may be called,
    besides its name."""

    name: str
    title: str
    licence: str
    parts: tuple[Part, ...]
    folders: tuple[str, ...] = ()

    @property
    def files(self) -> list[str]:
        """The names of the files that its folder holds."""
        return [file.name for part in self.parts for file in part.members or (part,)]


MOVIELENS = "research use, no redistribution without permission (GroupLens)"
LASTFM = "non-commercial use (Last.fm)"
GROUPLENS = "https://files.grouplens.org/datasets"
NCF = "https://raw.githubusercontent.com/hexiangnan/neural_collaborative_filtering/master/Data"
TUTORIAL = "https://craftsangjae.s3.ap-northeast-2.amazonaws.com/data"

DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "lastfm-2k",
            "Last.fm 2K (HetRec 2011): 92,834 plays of 1,892 listeners",
            LASTFM,
            (
                Part(
                    f"{GROUPLENS}/hetrec2011/hetrec2011-lastfm-2k.zip",
                    None,
                    "sha256:6738f48195667ff03caaab4d32ca9a3133d8cc026b7c3cdaf6ce1010e913c59c",
                    (
                        Part(
                            "user_artists.dat",
                            1_296_455,
                            "sha256:"
                            "001400dc3c7d2667fca6e4ea6dc6acc31a9dd28ad5cd0f74cea988c019934d3b",
                        ),
                        Part(
                            "artists.dat",
                            1_925_879,
                            "sha256:"
                            "c173881362c6b28551368fecb3c0be5a6a30a6cd859e1f5775413dfe46d48648",
                        ),
                    ),
                ),
            ),
            ("hetrec2011-lastfm-2k",),
        ),
        Dataset(
            "ml-100k",
            "MovieLens 100K: 100,000 ratings of 943 users, with times",
            MOVIELENS,
            (
                Part(
                    f"{GROUPLENS}/movielens/ml-100k.zip",
                    None,
                    "sha256:50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
                    (
                        Part(
                            "ml-100k/u.data",
                            1_979_173,
                            "sha256:"
                            "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
                        ),
                        Part(
                            "ml-100k/u.item",
                            236_344,
                            "sha256:"
                            "553841ebc7de3a0fd0d6b62a204ea30c1e651aacfb2814c7a6584ac52f2c5701",
                        ),
                    ),
                ),
            ),
        ),
        Dataset(
            "ml-1m",
            "MovieLens 1M: 1,000,209 ratings of 6,040 users, with times",
            MOVIELENS,
            (
                Part(
                    f"{GROUPLENS}/movielens/ml-1m.zip",
                    5_917_549,
                    "sha256:a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
                    (Part("ml-1m/ratings.dat"), Part("ml-1m/movies.dat")),
                ),
            ),
        ),
        Dataset(
            "ncf-ml-1m",
            "MovieLens 1M in the NCF paper's split",
            MOVIELENS,
            (
                Part(f"{NCF}/ml-1m.train.rating"),
                Part(
                    f"{NCF}/ml-1m.test.rating",
                    128_039,
                    "sha256:231ae11eb060b643a8c58c063cd17ffc743b54f569afb073d1abb6cf126b88b5",
                ),
                Part(
                    f"{NCF}/ml-1m.test.negative",
                    2_891_424,
                    "sha256:127853228a76b7d21c0481e8ef8d00dd009cd5c88670dbdd9e9debfdb9f93de4",
                ),
            ),
            ("ml-1m",),
        ),
        Dataset(
            "ncf-pinterest-20",
            "Pinterest (users with at least 20 pins) in the NCF paper's split",
            "as the NCF authors' repository says",
            (
                Part(f"{NCF}/pinterest-20.train.rating"),
                Part(f"{NCF}/pinterest-20.test.rating"),
                Part(f"{NCF}/pinterest-20.test.negative"),
            ),
            ("pinterest-20",),
        ),
        Dataset(
            "lastfm-notebook",
            "Last.fm 360K as three CSVs: 17,302,623 plays",
            LASTFM,
            (
                Part(f"{TUTORIAL}/lastfm_play.csv", 260_058_028),
                Part(f"{TUTORIAL}/lastfm_artist.csv", 3_234_827),
                Part(f"{TUTORIAL}/lastfm_user.csv", 8_033_280),
            ),
        ),
        Dataset(
            "lastfm-360k",
            "Last.fm 360K (Celma 2010): the original table of plays",
            LASTFM,
            (
                Part(
                    "https://zenodo.org/records/6090214/files/lastfm-dataset-360K.tar.gz",
                    None,
                    "md5:635e6ed3fc873aa4ba33aba0ebce02b1",
                    (
                        Part(
                            "lastfm-dataset-360K/usersha1-artmbid-artname-plays.tsv",
                            None,
                            "md5:be672526eb7c69495c27ad27803148f1",
                        ),
                    ),
                ),
            ),
        ),
    )
}
"""What can be downloaded: {name: `Dataset`}."""


def dataset_called(name: str) -> Dataset:
    """Raises ValueError that lists the names there are."""
    if name not in DATASETS:
        close = difflib.get_close_matches(name, DATASETS, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise ValueError(f"no data set is called {name!r}; {hint}there are {', '.join(DATASETS)}")
    return DATASETS[name]


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
    """The folder that holds all files of a data set, in NCF_NUMPY_DATA or in the cache, or None.

    NCF_NUMPY_DATA is a folder of your own with one folder per data set; it is only ever read.
    Raises ValueError for a name that is not in DATASETS.
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
