"""Times as seconds: numbers, ISO dates, or dates of a format that is given or can be guessed."""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np
import pandas as pd

from .numerals import numbers

DATE = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})( \d{1,2}:\d{2}(:\d{2})?)?")
YEAR = re.compile(r"(?<!\d)(19|20)\d\d(?!\d)")
OTHERS = (  # formats that are not in the order of ISO 8601
    "%Y.%m.%d", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d %Y", "%b %d, %Y",
    "%B %d, %Y", "%m/%d/%y", "%m/%d/%y %H:%M", "%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %z %Y",
    "%d/%b/%Y:%H:%M:%S %z", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%Y년 %m월 %d일",
    "%m %d, %Y", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S.%f UTC", "%Y-%m-%d %H:%M:%S GMT",
    "%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S %z",
)  # fmt: skip
EXPECTED = "seconds or a date such as 2020-12-31 23:59:59"


def seconds(values: pd.Index, date_format: str | None = None) -> np.ndarray:
    """(m,) numbers, texts that hold numbers, or dates -> (m,) whole seconds; NaN: unreadable.

    A date is in UTC unless it says otherwise.  date_format: as `strftime` writes it; by default
    dates are in the order of ISO 8601.
    """
    if isinstance(values.dtype, pd.DatetimeTZDtype) or values.dtype.kind == "M":
        read, dates = np.full(len(values), np.nan), pd.Series(values)
    elif values.dtype.kind in "iuf" and date_format is None:
        return np.floor(values.to_numpy(np.float64))
    else:
        read = numbers(values) if date_format is None else np.full(len(values), np.nan)
        dates = pd.Series(values, dtype=object).where(np.isnan(read))
    found = pd.to_datetime(dates, format=date_format or "ISO8601", utc=True, errors="coerce")
    since = (found - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return np.floor(np.where(np.isnan(read), since.to_numpy(np.float64), read))


def advice(values: pd.Index, date_format: str | None, every: bool) -> str:
    """What to do about values that could not be read as dates of this format; "": no idea.

    every: no value of the column could be read.
    """
    if not len(values):
        return ""
    if date_format is not None and not np.isnan(seconds(values)).any():
        return "Leave date_format= out: these are seconds, or dates of ISO 8601"
    likely = likely_format(values)
    if not likely and every and date_format is None and all(map(YEAR.search, map(str, values))):
        return "Say how its dates are written, such as date_format='%d %b %Y' for '31 Dec 2020'"
    return likely and f"Say how its dates are written: {likely}"


def likely_format(values) -> str:
    """'date_format="%m/%d/%Y"', the argument that would read such texts; "" where none is likely.

    Whether the day comes first is seen from a number above 12, else both are named.
    """
    found = [DATE.fullmatch(value) for value in values if isinstance(value, str)]
    if not found or None in found:
        texts = [value for value in values if isinstance(value, str)]
        fits = (each for each in OTHERS if texts and all(is_written(text, each) for text in texts))
        return next((f"date_format={each!r}" for each in fits), "")
    mark, time = found[0][2], found[0][5] or ""
    clock = {0: "", 1: " %H:%M", 2: " %H:%M:%S"}[time.count(":")]
    orders = {"%m": f"%m{mark}%d{mark}%Y{clock}", "%d": f"%d{mark}%m{mark}%Y{clock}"}
    if max(int(match[1]) for match in found) > 12:
        return f"date_format='{orders['%d']}'"
    if max(int(match[3]) for match in found) > 12:
        return f"date_format='{orders['%m']}'"
    return f"date_format='{orders['%m']}', or date_format='{orders['%d']}' if the day comes first"


def is_written(text: str, date_format: str) -> bool:
    """Whether a text is a date of this format."""
    try:
        datetime.strptime(text, date_format)
    except ValueError:
        return False
    return True
