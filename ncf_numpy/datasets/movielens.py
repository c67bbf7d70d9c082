"""MovieLens 100K and 1M: who rated which film when, as GroupLens publishes them.

    100K  u.data       user TAB item TAB rating TAB seconds          u.item      id|title|...
    1M    ratings.dat  user::item::rating::seconds                   movies.dat  id::title::genres

All are latin-1 without a header. Timestamps are kept, so "leave the latest out" is defined.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

from ..data.interactions import Interactions, names_of
from .reading.folders import contents, find_file
from .reading.numerals import shown, whole
from .tabular import load_interactions

ENCODING = "latin-1"
COLUMNS = "user", "item", "rating", "timestamp"
RELEASES = {  # the file of ratings -> (name, separator, the file of titles, its separator)
    "u.data": ("MovieLens 100K", "\t", "u.item", "|"),
    "ratings.dat": ("MovieLens 1M", "::", "movies.dat", "::"),
}


def load_movielens(source: str | Path, *, min_rating: float | None = None) -> Interactions:
    """Read MovieLens 100K or 1M from its folder or zip; counts are the ratings, 1 to 5.

    min_rating: keep ratings of at least that; by default every rating counts, as in the NCF paper.
    Raises FileNotFoundError that says what there is instead, ValueError with file and line.

    Source: Harper & Konstan 2015, https://grouplens.org/datasets/movielens/
    """
    there = contents(source, " or ".join(RELEASES))
    ratings = next((name for name in RELEASES if name in there), None)
    if ratings is None:
        raise FileNotFoundError(
            f"{source} holds neither {' nor '.join(RELEASES)} but {', '.join(list(there)[:10])}; "
            "load_ncf_files reads the NCF paper's files, load_interactions a ratings.csv"
        )
    release, sep, titles, titles_sep = RELEASES[ratings]
    rated = load_interactions(
        find_file(source, ratings),
        rating="rating",
        timestamp="timestamp",
        min_rating=min_rating,
        whole_ids=True,
        names=COLUMNS,
        sep=sep,
        quotes=False,
        encoding=ENCODING,
        source=release,
    )
    names = _titles(find_file(source, titles), titles_sep)
    return replace(rated, item_names=names_of(rated.item_ids, names))


def _titles(path: Path | zipfile.Path, sep: str) -> dict[int, str]:
    with path.open("rb") as file:
        lines = file.read().decode(ENCODING).removesuffix("\n").split("\n")
    titles = {}
    for number, line in enumerate(lines, start=1):
        movie, *rest = line.removesuffix("\r").split(sep)
        if whole(movie) < 0 or not rest:
            raise ValueError(
                f"{path}, line {number}: expected a number{sep}a title, got {shown(line)}"
            )
        titles[whole(movie)] = rest[0]
    return titles
