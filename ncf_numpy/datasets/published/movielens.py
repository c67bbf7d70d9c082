"""MovieLens: who rated which film when, as GroupLens publishes it.

    100K                   u.data       user TAB item TAB rating TAB seconds  u.item      id|title
    1M, 10M                ratings.dat  user::item::rating::seconds           movies.dat  id::title
    20M, 25M, 32M, latest  ratings.csv  userId,movieId,rating,timestamp       movies.csv

Titles are latin-1 in 100K and 1M, and UTF-8 in later releases. Timestamps are kept, so "leave the
latest out" is defined.
"""

from __future__ import annotations

import codecs
import zipfile
from dataclasses import dataclass
from pathlib import Path

from ...data.interactions import Interactions
from ..dataset import Dataset, Part
from ..reading.decompression import open_bounded
from ..reading.folders import contents, find_file
from ..reading.names import named, read_names
from ..reading.numerals import shown
from ..reading.text_files import TextFile
from ..tabular import load_interactions

EVERY_RATING = "Every rating, low ones included, counts as an interaction, as in the NCF paper."


@dataclass(frozen=True)
class Format:
    """The two files of a release, and how they are written; what is not given has a header."""

    ratings: str
    titles: str
    sep: str
    titles_sep: str
    has_header: bool = False


FORMATS = (
    Format("u.data", "u.item", "\t", "|"),
    Format("ratings.dat", "movies.dat", "::", "::"),
    Format("ratings.csv", "movies.csv", ",", ",", has_header=True),
)


def load_movielens(source: str | Path, *, min_rating: float | str | None = None) -> Interactions:
    """Read any release from its folder or zip; counts are the ratings, up to 5.

    Source: Harper & Konstan 2015, https://grouplens.org/datasets/movielens/

    Parameters
    ----------
    source : str or Path
        The folder or the zip.
    min_rating : float or "all"
        Keep ratings of at least that; by default every rating counts, as in the NCF paper.

    Returns
    -------
    Interactions

    Raises
    ------
    FileNotFoundError
        With what there is instead.
    ValueError
        With file and line.
    """
    expected = ", ".join(each.ratings for each in FORMATS)
    there = contents(source, expected)
    form = next((each for each in FORMATS if each.ratings in there), None)
    if form is None:
        found = ", ".join(list(there)[:10]) or "nothing"
        raise FileNotFoundError(f"{source} holds none of {expected}, but {found}")
    ratings, titles = find_file(source, form.ratings), find_file(source, form.titles)
    if form.has_header:
        _check_header(ratings)
    encoding = encoding_of(titles)
    columns, title_columns, layout = ("userId", "movieId"), ("movieId", "title"), {}
    if not form.has_header:
        columns = "user", "item"
        layout = {"names": (*columns, "rating", "timestamp"), "quotes": False}
    rated = load_interactions(
        ratings,
        *columns,
        rating="rating",
        timestamp="timestamp",
        min_rating="all" if min_rating is None else min_rating,
        whole_ids=True,
        bad_rows=None,
        sep=form.sep,
        source=release(source, form, there, encoding),
        **layout,
    )
    layout = {} if form.has_header else {"columns": (*title_columns, ...), "quotes": False}
    names = read_names(titles, *title_columns, sep=form.titles_sep, encoding=encoding, **layout)
    notes = rated.notes if min_rating is not None else (EVERY_RATING, *rated.notes)
    return named(rated, names).with_notes(notes)


def _check_header(ratings: Path | zipfile.Path) -> None:
    """Raise ValueError, with the way out, for a ratings.csv that is of other data."""
    header = TextFile(ratings, (), False, ",", True).first_record() or []
    if not {"userId", "movieId"} & set(header):
        raise ValueError(
            f"{ratings} is not of MovieLens: its columns are {shown(header, 200)}, and not userId, "
            "movieId, rating, timestamp. For a table of your own, give the file and not its folder"
        )


def encoding_of(path: Path | zipfile.Path) -> str:
    """'utf-8', or 'latin-1' where the bytes are not that."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open_bounded(path, None) as file:
        try:
            while block := file.read(2**20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8"


def release(source: str | Path, form: Format, there, encoding: str) -> str:
    """The name of a release: 10M differs from 1M in its tags, and has UTF-8 titles."""
    if form.ratings == "u.data":
        return "MovieLens 100K"
    if form.has_header:
        return f"MovieLens ({Path(source).stem})"
    is_10m = "tags.dat" in there or ("users.dat" not in there and encoding == "utf-8")
    return "MovieLens 10M" if is_10m else "MovieLens 1M"


def _release(name: str, title: str, form: Format, size=None, checksum="", members=("", "")):
    """A release, whose zip holds one folder of its name (10M: ml-10M100K)."""
    folder = {"ml-10m": "ml-10M100K"}.get(name, name)
    files = (form.ratings, form.titles)
    known = members if members[0] else ((None, ""), (None, ""))
    parts = tuple(Part(f"{folder}/{file}", *facts) for file, facts in zip(files, known))
    return Dataset(
        name,
        title,
        "research use, no redistribution without permission (GroupLens); cite Harper & Konstan "
        "2015",
        (
            Part(
                f"https://files.grouplens.org/datasets/movielens/{name}.zip", size, checksum, parts
            ),
        ),
        folders=(folder,) if folder != name else (),
        sign=files if form.has_header else files[:1],
        load=load_movielens,
        options=("min_rating",),
    )


DAT, CSV = FORMATS[1:]
DATASETS = (
    _release(
        "ml-100k",
        "MovieLens 100K: 100,000 ratings of 943 users, with times",
        FORMATS[0],
        None,
        "sha256:50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
        (
            (1_979_173, "sha256:06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490"),
            (236_344, "sha256:553841ebc7de3a0fd0d6b62a204ea30c1e651aacfb2814c7a6584ac52f2c5701"),
        ),
    ),
    _release(
        "ml-1m",
        "MovieLens 1M: 1,000,209 ratings of 6,040 users, with times",
        DAT,
        5_917_549,
        "sha256:a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
    ),
    _release(
        "ml-10m",
        "MovieLens 10M: 10,000,054 ratings of 69,878 users, with times",
        DAT,
        65_566_137,
        "md5:ce571fd55effeba0271552578f2648bd",
    ),
    _release(
        "ml-20m",
        "MovieLens 20M: 20,000,263 ratings of 138,493 users, with times",
        CSV,
        198_702_078,
        "md5:cd245b17a1ae2cc31bb14903e1204af3",
    ),
    _release(
        "ml-25m",
        "MovieLens 25M: 25,000,095 ratings of 162,541 users, with times",
        CSV,
        261_978_986,
        "md5:6b51fb2759a8657d3bfcbfc42b592ada",
    ),
    _release(
        "ml-32m",
        "MovieLens 32M: 32,000,204 ratings of 200,948 users, with times",
        CSV,
        238_950_008,
        "md5:d472be332d4daa821edc399621853b57",
    ),
    _release("ml-latest-small", "MovieLens latest, small: about 100,000 ratings, with times", CSV),
    _release("ml-latest", "MovieLens latest: about 33 million ratings, with times", CSV),
)
