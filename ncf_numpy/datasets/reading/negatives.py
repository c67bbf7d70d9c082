"""The negatives of each test line, as the files of the NCF paper have them."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import numpy as np
import pandas as pd

from .numerals import shown, whole
from .text_files import TextFile

PAIR = re.compile(r"\(([0-9]+), *([0-9]+)\)")
MOST_PADDED = 16  # numbers with padding for each number there is


def read_negatives(path: Path, test_file: Path, test: pd.DataFrame) -> np.ndarray:
    """(E, C) candidates, line by line beside the test file; -1 pads the shorter lines."""
    lines = [
        (f"{path}, line {line}", fields)
        for _, line, fields in TextFile(path, (), False, "\t", False).records()
    ]
    pairs = list(zip(test["user"].tolist(), test["item"].tolist()))
    rows, number = [], functools.cache(whole)  # an item is a negative of many users
    for (where, (head, *negatives)), pair in zip(lines, pairs):
        match = PAIR.fullmatch(head)
        if match is None or (whole(match[1]), whole(match[2])) != pair:
            expected = f"({pair[0]},{pair[1]}) as in {test_file.name}"
            raise ValueError(f"{where}: expected {expected}, got {shown(head)}")
        while negatives and negatives[-1] == "":  # tabs at the end of a line
            negatives.pop()
        if not negatives:
            raise ValueError(f"{where}: no negatives after {head}")
        rows.append(np.array([number(text) for text in negatives], dtype=np.intp))
        if rows[-1].min() < 0:
            wrong = shown(negatives[rows[-1].argmin()])
            raise ValueError(f"{where}: negatives must be item numbers from 0, got {wrong}")
    if len(lines) != len(pairs):
        raise ValueError(
            f"{path} has {len(lines)} lines, {test_file.name} has {len(pairs)}: "
            "there must be one line of negatives for each test line"
        )
    repeated = test["user"].duplicated()
    if repeated.any():
        number = int(repeated.to_numpy().argmax())
        raise ValueError(
            f"{test_file}, line {number + 1}: user {pairs[number][0]} has a test item already"
        )
    longest = max(range(len(rows)), key=lambda row: len(rows[row]))
    n_negatives, width = sum(map(len, rows)), len(rows[longest])
    if len(rows) * width > MOST_PADDED * n_negatives:
        raise ValueError(
            f"{lines[longest][0]}: {width:,} negatives, and {n_negatives:,} in all "
            f"{len(rows):,} lines: too unequal to be ranked together"
        )
    candidates = np.full((len(rows), width), -1, dtype=np.intp)  # (E, C)
    for row, negatives in zip(candidates, rows):
        row[: len(negatives)] = negatives
    return candidates
