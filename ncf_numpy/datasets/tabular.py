"""Your own data: any CSV, TSV, JSON lines or DataFrame with columns of users and of items.

What cannot be used is an error that names the first few places or, with bad_rows="drop", a line in
the notes of the result: nothing is left out in silence.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from ..core.checks import check_switch, is_number
from ..data.interactions import Interactions
from .reading.folders import path_of
from .reading.frames import check_columns, without_blanks
from .reading.numerals import shown
from .reading.other_data import way_in
from .reading.raw_table import RawTable
from .reading.sniffing import open_table

if TYPE_CHECKING:
    from ..core.types import Frame

RATINGS = re.compile(  # what such a column is called
    r"(.*ratings?|.*stars?|.*scores?|.*overall|rate|평점|별점|점수)(:float)?", re.IGNORECASE
)  # RecBole's names end in their types


def load_interactions(
    data: str | Path | Frame,
    user: str = "user",
    item: str = "item",
    count: str | None = None,
    rating: str | None = None,
    timestamp: str | None = None,
    item_name: str | None = None,
    *,
    min_rating: float | Literal["all"] | None = None,
    whole_ids: bool = False,
    bad_rows: Literal["raise", "drop"] | None = "raise",
    names: Sequence[str] | None = None,
    sep: str | None = None,
    quotes: bool | None = None,
    encoding: str | None = None,
    date_format: str | None = None,
    source: str | None = None,
) -> Interactions:
    """Read interactions from a file or a DataFrame, by the names of its columns.

    A file may be packed by gzip, bzip2 or xz, or be the only one in a zip. `notes` of the result
    says what was dropped, merged or not used, and why.

    Parameters
    ----------
    data : str, Path or DataFrame
    user, item : str
        Columns of raw ids, integers or texts of any script, as `data.columns.index_ids` says. A
        column of a file holds integers if all of it does and none has a leading zero ("007" is a
        text).
    count : str
        Column of how often; a row of 0 is dropped, repeated pairs are summed.
    rating : str
        Column of how much. If a pair occurs more than once, its latest rating is used (without
        timestamps, the last in the file). A table with a column of ratings that is not given is
        also an error.
    timestamp : str
        Column of seconds, or of dates (UTC unless they say otherwise) in the order of ISO 8601 or
        in date_format.
    item_name : str
        Column of what to print; the first one found for an item.
    min_rating : float or "all"
        Which pairs of a rating are kept: 4 keeps those rated 4 or more, "all" every one.
    whole_ids : bool
        Every id is an integer; a text such as "12x" is then an error or dropped, not an id.
    bad_rows : str
        "raise" an error for a row without an id or with an unreadable number, or "drop" it. (None
        also raises; the error advises to fetch the file again, which is not one's own.)
    names : list of str
        The columns of a file that has no header.
    sep, quotes, encoding : str, bool, str
        Detected by default; quotes=False where they are ordinary characters; encoding="cp949" for
        Korean Excel's CSV.
    date_format : str
        Such as "%m/%d/%Y %H:%M".
    source : str
        One line for the output instead of the file's name.

    Returns
    -------
    Interactions

    Raises
    ------
    FileNotFoundError
        For a file that is not there.
    ValueError
        With file, line and column.
    TypeError
        For ids that are neither integers nor texts, and data that are neither a file nor a table.

    Examples
    --------
    >>> table = pd.DataFrame({"who": ["ann", "bob", "ann"], "what": [7, 7, 8], "stars": [5, 2, 4]})
    >>> liked = load_interactions(table, user="who", item="what", rating="stars", min_rating=4)
    >>> liked
    Interactions(2 pairs, 1 users x 2 items, a DataFrame, stars >= 4)
    >>> liked.notes
    ('Pairs with stars below 4, dropped: 1.',)
    """
    _check_settings(count, rating, min_rating, bad_rows)
    roles = {"user": user, "item": item, "count": count, "rating": rating}
    roles |= {"timestamp": timestamp, "item_name": item_name}
    for role, column in roles.items():
        missing = column is None and role in ("user", "item")
        if missing or not pd.api.types.is_hashable(column):
            raise TypeError(
                f"{role} must be the name of a column, got {type(column).__name__}; "
                "Interactions.from_columns(users, items) takes the columns themselves"
            )
    check_switch("whole_ids", whole_ids)
    if not isinstance(date_format, (str, type(None))):
        raise TypeError(f"date_format must be a text such as '%m/%d/%Y', got {date_format!r}")
    if date_format is not None and timestamp is None:
        raise ValueError(
            f"date_format={date_format!r} is of timestamps: name their column, timestamp=COLUMN"
        )
    layout = {"names": names, "sep": sep, "quotes": quotes, "encoding": encoding}
    wanted = [column for column in roles.values() if column is not None]
    for column in wanted:
        if wanted.count(column) > 1:
            same = [f"{role}={column!r}" for role, each in roles.items() if each == column]
            raise ValueError(f"{' and '.join(same)} name the same column; each needs its own")
    file = None
    if isinstance(data, pd.DataFrame):
        data = without_blanks(data, wanted)
        check_columns(data, wanted)
        origin, columns = "the DataFrame", data.columns.tolist()
        for name, value in layout.items():
            if value is not None:
                raise ValueError(f"{name}={value!r} is for files: leave it out for a DataFrame")
    elif isinstance(data, (str, Path, zipfile.Path)):
        path = path_of(data)
        file = open_table(path, wanted, columns=layout.pop("names"), **layout)
        origin, columns = str(data), list(file.columns)
    else:
        got = f"{type(data).__name__}; {way_in(data)}"
        raise TypeError(f"data must be the path of a file or a DataFrame, got {got}")
    if count is None and rating is None:
        rating = _column_of_ratings(columns, wanted, min_rating, origin)
        wanted += [] if rating is None else [rating]
    if rating is not None and min_rating is None:
        how = f"rating={rating!r}, min_rating=4"
        how = how if file else f"load_interactions(table, {how})"
        raise ValueError(
            f"{origin} has ratings in {rating!r}, and a low one is not a like. Say which pairs "
            f"count: {how} keeps those rated 4 or more, min_rating='all' every pair"
        )
    if file is None:
        table = RawTable.from_frame(data, wanted, bad_rows=bad_rows)
    else:
        table = RawTable.from_file(file, wanted, bad_rows=bad_rows)

    users, items = (table.ids(column, whole=whole_ids) for column in (user, item))
    amounts = None
    if count is not None or rating is not None:
        amounts = table.numbers(count or rating, lowest=-np.inf if count is None else 0)
    times = None if timestamp is None else table.times(timestamp, date_format)
    table.drop_unusable()
    if count is not None:
        table.keep(table.used(amounts) > 0, f"Rows with {count} 0, dropped")
    title = source or table.title
    if rating is not None:
        table.keep_latest(users, items, times, f"Rows whose {rating} a later row replaces")
        if min_rating != "all":
            enough = table.used(amounts) >= min_rating
            table.keep(enough, f"Pairs with {rating} below {min_rating:g}, dropped")
            title += f", {rating} >= {min_rating:g}"
        if (table.used(amounts) < 0).any():
            amounts = None
            table.notes.append(f"Some {rating} are below 0: the pairs count, without amounts.")
    unused = [str(column) for column in columns if column not in wanted]
    if unused:
        table.notes.append(f"Columns that are not used: {shown(unused, 200)}.")
    return table.interactions(users, items, amounts, times, item_name, title)


def _check_settings(count, rating, min_rating, bad_rows) -> None:
    if bad_rows not in ("raise", "drop", None):
        raise ValueError(f"bad_rows must be 'raise' or 'drop', got {bad_rows!r}")
    if count is not None and rating is not None:
        raise ValueError(f"count={count!r} and rating={rating!r} both say how much; give one")
    if min_rating is None or (isinstance(min_rating, str) and min_rating == "all"):
        return
    if not is_number(min_rating) or not np.isfinite(min_rating):
        raise ValueError(f"min_rating must be a number, or 'all', got {min_rating!r}")
    if count is not None:
        raise ValueError(f"min_rating={min_rating} is for rating=COLUMN, not for count={count!r}")


def _column_of_ratings(columns: list, wanted: list, min_rating, origin: str) -> str | None:
    """The column of ratings that was not named; ValueError where min_rating needs one."""
    likely = [
        each for each in columns if each not in wanted and RATINGS.fullmatch(str(each).strip())
    ]
    if min_rating is not None and len(likely) != 1:
        raise ValueError(
            f"min_rating={min_rating!r} needs rating=COLUMN; {origin} has {shown(columns, 500)}"
        )
    return likely[0] if likely else None
