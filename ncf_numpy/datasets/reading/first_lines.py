"""What a first line without a header holds, and how its columns are best named."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .dates import likely_format
from .numerals import NUMBER

TIME = re.compile(r"[1-9]\d{8,12}(\.\d*)?$|\d{4}-\d\d-\d\d|\d{1,2}[/.]\d{1,2}[/.]\d{4}")


def is_data(first: Sequence[str]) -> bool:
    """Whether a first line holds a number or a date, which no header does."""
    return any(NUMBER.fullmatch(field) or is_time(field) for field in first)


def is_time(field: str) -> bool:
    """Whether a field is a date, or seconds since 1970."""
    return bool(TIME.match(field) or likely_format([field]))


def likely_names(first: Sequence[str]) -> tuple[str, ...]:
    """Names for the columns of a first line of data, by what stands in them."""
    if len(first) < 3:
        return ("user", "item")[: len(first)]
    names = []
    for place, field in enumerate(first, start=1):
        is_id = place == 1 and NUMBER.fullmatch(field)  # of as many digits as seconds have
        others = (name for name in ("user", "item") if name not in names)
        is_first_time = is_time(field) and not is_id and "timestamp" not in names
        names.append("timestamp" if is_first_time else next(others, f"column{place}"))
    is_checkin = all("." in each and NUMBER.fullmatch(each) for each in first[2:4])
    if names[1] == "timestamp" and is_checkin and len(first) > 4:  # the place comes last
        names[2], names[-1] = "column3", "item"
    elif names[2] == "column3" and NUMBER.fullmatch(first[2]) and float(first[2]) <= 100:
        names[2] = "rating"
    return tuple(names)
