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
    names = ["user"]
    for place, field in enumerate(first[1:], start=2):
        is_first_time = is_time(field) and "timestamp" not in names
        other = f"column{place}" if "item" in names else "item"
        names.append("timestamp" if is_first_time else other)
    last = len(first) - 1
    if is_time(first[1]) and last > 2:  # checkins: the place comes last
        names[2], names[last] = "column3", "item"
    elif last >= 2 and NUMBER.fullmatch(first[2]):
        names[2] = "rating"
    return tuple(names)
