"""Texts that are numbers, and each of them exactly one number.

Versions of pandas round differently, take "1." for an integer, and read a whole column as floats,
ids beyond 2^53 with it, because of one such text. Python reads "1_0" and "١". Here is one grammar.
"""

import math
import re

import numpy as np
import pandas as pd

WHOLE = re.compile(r" *([0-9]{1,19}) *")
NUMBER = re.compile(r" *[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)? *")
LARGEST = 1e290  # so that 10^18 rows can be added up


def whole(text):
    """The integer in 0..2^63 - 1 that a text shows, or -1."""
    match = WHOLE.fullmatch(text)
    value = int(match[1]) if match else -1
    return value if value < 2**63 else -1


def number(text):
    """The float that a text shows; NaN if it shows none, or one beyond LARGEST."""
    value = float(text) if len(text) < 400 and NUMBER.fullmatch(text) else math.nan
    return value if abs(value) <= LARGEST else math.nan


def shown(value, width=60):
    """repr of a value or a list of them, for an error that a line of a megabyte must not fill."""
    value = value.item() if isinstance(value, np.generic) else value
    text = ", ".join(map(repr, value)) if isinstance(value, (list, tuple)) else repr(value)
    if len(text) <= width:
        return text
    cut = text[: width - 4]
    return f"{cut}...{chr(39) * (cut.count(chr(39)) % 2)}"  # a quote that was opened is closed


def numbers(values):
    """(m,) numbers, or texts that hold numbers -> (m,) float64; NaN: unreadable."""
    read = [number(value) if isinstance(value, str) else value for value in values]
    read = [math.nan if isinstance(value, complex) else value for value in read]
    column = pd.to_numeric(pd.Series(read, dtype=object), errors="coerce")
    return column.to_numpy(np.float64, na_value=np.nan)
