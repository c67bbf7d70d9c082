"""Your own data: any CSV, TSV or DataFrame whose columns say who had what.

What cannot be used is an error that names the first few places or, with bad_rows="drop", a
sentence in the notes of the result: nothing is left out in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..data.interactions import Interactions
from .reading.raw_table import RawTable
from .reading.text_files import TextFile


def load_interactions(
    data: str | Path | pd.DataFrame,
    user: str = "user",
    item: str = "item",
    count: str | None = None,
    rating: str | None = None,
    timestamp: str | None = None,
    item_name: str | None = None,
    *,
    min_rating: float | None = None,
    whole_ids: bool = False,
    bad_rows: str = "raise",
    names: Sequence[str] | None = None,
    sep: str | None = None,
    quotes: bool | None = None,
    encoding: str = "utf-8",
    source: str | None = None,
) -> Interactions:
    """Read who had what from a file or a DataFrame, by the names of its columns.

    user, item: raw ids, integers or texts of any script. A column of a file holds integers if all
        of it does and none has a leading zero ("007" is a text).
    count: how often; a row of 0 is dropped, repeated pairs are summed.
    rating: how much; of a repeated pair the latest counts (without timestamps, the last in the
        file). With min_rating only pairs rated at least that are kept, without it all of them.
    timestamp: seconds, or dates (UTC unless they say otherwise).
    item_name: what to print; the first one found for an item.
    whole_ids: every id is an integer; a text such as "12x" is then an error or dropped, not an id.
    bad_rows: "raise" an error for a row without an id or with an unreadable number, or "drop" it.
    names: the columns of a file that has no header.  sep, quotes: found out by default;
        quotes=False where they are ordinary characters.  encoding: "cp949" for Korean Excel's CSV.
    source: one line for the output instead of the file's name.

    A file ending in .gz is unpacked. `notes` of the result says what was dropped or merged, and
    why.  Raises FileNotFoundError; ValueError with file, line and column; TypeError for ids that
    are neither integers nor texts.

    >>> table = pd.DataFrame({"who": ["ann", "bob", "ann"], "what": [7, 7, 8], "stars": [5, 2, 4]})
    >>> liked = load_interactions(table, user="who", item="what", rating="stars", min_rating=4)
    >>> liked
    Interactions(2 pairs, 1 users x 2 items, a DataFrame, stars >= 4)
    >>> liked.notes
    ('Pairs with stars below 4, dropped: 1.',)
    """
    if bad_rows not in ("raise", "drop"):
        raise ValueError(f"bad_rows must be 'raise' or 'drop', got {bad_rows!r}")
    if count is not None and rating is not None:
        raise ValueError(f"count={count!r} and rating={rating!r} both say how much; give one")
    if min_rating is not None and (rating is None or not 0 <= min_rating < np.inf):
        raise ValueError(f"min_rating={min_rating} must be a number >= 0 and needs rating=COLUMN")
    wanted = [c for c in (user, item, count, rating, timestamp, item_name) if c is not None]
    if len(set(wanted)) < len(wanted):
        raise ValueError(f"each column can be given once, got {', '.join(map(repr, wanted))}")
    if isinstance(data, pd.DataFrame):
        table = RawTable.from_frame(data, wanted)
    else:
        path = Path(data) if isinstance(data, str) else data
        file = TextFile.sniff(
            path, wanted, columns=names, sep=sep, quotes=quotes, encoding=encoding
        )
        table = RawTable.from_file(file, wanted, drop=bad_rows == "drop")

    users, items = (table.ids(column, whole=whole_ids) for column in (user, item))
    amounts = None
    if count is not None or rating is not None:
        amounts = table.numbers(count or rating, lowest=0 if min_rating is None else -np.inf)
    times = None if timestamp is None else table.times(timestamp)
    table.drop_unusable(drop=bad_rows == "drop")
    if count is not None:
        table.keep(amounts[table.rows] > 0, f"Rows with {count} 0, dropped")
    if rating is not None:
        table.keep_latest(users, items, times, f"Rows whose {rating} a later row replaces")
    title = source or table.title
    if min_rating is not None:
        enough = amounts[table.rows] >= min_rating
        table.keep(enough, f"Pairs with {rating} below {min_rating:g}, dropped")
        title += f", {rating} >= {min_rating:g}"
    return table.interactions(users, items, amounts, times, item_name, title)
