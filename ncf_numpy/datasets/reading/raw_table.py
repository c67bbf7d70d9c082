"""Columns of raw values on their way to `Interactions`, and the book kept of every row dropped.

A column is its distinct values and one code per row, so a value is judged once and the verdict
spread over its rows. Judging comes first, for all columns; then rows are dropped, each group for
one reason; then what is left is indexed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from ...data.interactions import Interactions
from .numerals import number, shown
from .text_files import TextFile

WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")
NAMED = 3  # places that an error or a note names


@dataclass(frozen=True)
class Ids:
    """codes (n,): the place of each row's id in values (m,), or -1 where a row has none."""

    codes: np.ndarray
    values: np.ndarray


class Complaint(NamedTuple):
    """Rows (ascending) of a column whose value is not what was expected."""

    column: str
    expected: str
    rows: np.ndarray


class RawTable:
    """A table of which rows are dropped step by step.

    frame    categorical columns, a code and a distinct value each
    origin   what an error calls the source; title: what the result calls it
    labels   what an error calls the rows, unless `file` knows their lines
    rows     numbers of the rows still in use
    notes    what became of the others, one sentence each
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        origin: str,
        title: str,
        *,
        labels: pd.Index | None = None,
        file: TextFile | None = None,
    ):
        self.frame, self.origin, self.title = frame, origin, title
        self.labels, self.file = labels, file
        self.rows = np.arange(len(frame))
        self.notes: list[str] = []
        self.complaints: list[Complaint] = []
        if not len(frame):
            raise ValueError(f"{origin} has no rows")

    @classmethod
    def from_frame(cls, data: pd.DataFrame, wanted: Sequence[str]) -> RawTable:
        missing = [repr(name) for name in wanted if name not in data.columns]
        if missing:
            there = ", ".join(map(repr, data.columns))
            raise ValueError(
                f"the DataFrame has no column {', '.join(missing)}; it has {there}. Say what yours "
                'are called, such as user="who", item="what"'
            )
        repeated = [name for name in wanted if data.columns.tolist().count(name) > 1]
        if repeated:
            raise ValueError(f"the DataFrame has more than one column {repeated[0]!r}")
        for name in wanted:
            _check_scalars(name, data[name])
        frame = data[list(wanted)].reset_index(drop=True).astype("category")
        return cls(frame, "the DataFrame", "a DataFrame", labels=data.index)

    @classmethod
    def from_file(cls, file: TextFile, wanted: Sequence[str], *, drop: bool) -> RawTable:
        try:
            return cls(file.read(wanted), str(file.path), file.path.name, file=file)
        except ValueError:
            overlong = file.overlong() if drop else []
            if not overlong:
                raise
        file = replace(file, skipped=frozenset(number for number, _, _ in overlong))
        table = cls(file.read(wanted), str(file.path), file.path.name, file=file)
        lines = _listed([f"line {line}" for _, line, _ in overlong[:NAMED]], len(overlong))
        table.notes.append(f"Lines with too many fields, dropped: {len(overlong):,} ({lines}).")
        return table

    def ids(self, name: str, *, whole: bool = False) -> Ids:
        """Integers stay integers, texts stay texts; a file's texts that all are integers become so.

        whole: a text that is no integer is no id.  Raises TypeError for any other kind of id.
        """
        column = self.frame[name].cat
        values = column.categories.to_numpy().astype(object)
        missing = np.array([isinstance(v, str) and not v.strip() for v in values], dtype=bool)
        if whole:
            missing |= [isinstance(v, str) and not WHOLE_NUMBER.fullmatch(v) for v in values]
        known = values[~missing]
        kind = pd.api.types.infer_dtype(known, skipna=False)
        if kind == "string" and self.file and all(map(WHOLE_NUMBER.fullmatch, known)):
            kind = "integer"
        if kind == "floating" and all(float(v).is_integer() for v in known):
            kind = "integer"  # a column of integers in which some are missing
        if kind == "integer" and not all(-(2**63) <= int(v) < 2**63 for v in known):
            kind = "numbers beyond 64 bits"
        if kind == "integer":
            known = known.astype(np.int64)
        elif kind not in ("string", "empty"):
            raise TypeError(
                f"{self.origin}: ids in {name!r} must be integers or texts, got {kind} such as "
                f"{known[0]!r}; convert the column with .astype(str)"
            )
        place = np.where(missing, -1, np.cumsum(~missing) - 1)
        codes = np.r_[place, -1][column.codes]
        self._complain(name, "a whole number" if whole else "an id", codes < 0)
        return Ids(codes, known)

    def numbers(self, name: str, lowest: float) -> np.ndarray:
        """(n,) float64, finite and at least `lowest` in the rows that will be used."""
        column = self.frame[name].cat
        values = np.r_[_numbers(column.categories), np.nan][column.codes]
        expected = "a finite number, 0 or more" if lowest == 0 else "a finite number"
        self._complain(name, expected, ~(np.isfinite(values) & (values >= lowest)))
        return values

    def times(self, name: str) -> np.ndarray:
        """(n,) float64: whole seconds since 1970 in the rows that will be used."""
        column = self.frame[name].cat
        values = np.r_[_seconds(column.categories), np.nan][column.codes]
        self._complain(
            name, "seconds or a date such as 2020-12-31 23:59:59", ~(np.abs(values) < 2**53)
        )
        return values

    def _complain(self, name: str, expected: str, wrong: np.ndarray) -> None:
        if wrong.any():
            self.complaints.append(Complaint(name, expected, np.flatnonzero(wrong)))

    def drop_unusable(self, *, drop: bool) -> None:
        """Raise a ValueError that names the first few unusable values, or drop their rows."""
        if not self.complaints:
            return
        wrong = np.unique(np.concatenate([complaint.rows for complaint in self.complaints]))
        if not drop:
            self._raise(wrong)
        for column, expected, rows in self.complaints:
            places = _listed(self._places(rows[:NAMED]), len(rows))
            self.notes.append(
                f"Rows whose {column} is not {expected}, dropped: {len(rows):,} ({places})."
            )
        self.rows = np.delete(self.rows, wrong)

    def _raise(self, rows: np.ndarray) -> None:
        named = rows[:NAMED]
        sentences = []
        for row, place in zip(named, self._places(named)):
            complaint = next(c for c in self.complaints if row in c.rows)
            value = self.frame[complaint.column].iloc[row]
            sentences.append(
                f"{place}: {complaint.column} is {shown(value)}, expected {complaint.expected}"
            )
        more = f"; and {len(rows) - NAMED:,} more rows" if len(rows) > NAMED else ""
        raise ValueError(
            f"{self.origin}, {'; '.join(sentences)}{more}. Correct them, or leave them out with "
            "bad_rows='drop'"
        )

    def _places(self, rows: np.ndarray) -> list[str]:
        if self.file is None:
            return [f"row {label}" for label in self.labels[rows]]
        return [f"line {line}" for line in self.file.lines(rows)]

    def keep(self, mask: np.ndarray, otherwise: str) -> None:
        """Keep these of the rows in use, and note what the others were and how many."""
        dropped = int(np.sum(~mask))
        if dropped:
            self.notes.append(f"{otherwise}: {dropped:,}.")
            self.rows = self.rows[mask]

    def keep_latest(self, users: Ids, items: Ids, times: np.ndarray | None, otherwise: str) -> None:
        """Keep the latest row of every pair: by time, else the last one."""
        keys = users.codes[self.rows] * len(items.values) + items.codes[self.rows]  # (n,)
        order = np.argsort(keys, kind="stable")
        if times is not None:
            order = np.lexsort((times[self.rows], keys))
        keys = keys[order]
        latest = np.zeros(len(keys), dtype=bool)
        latest[order[np.r_[keys[1:] != keys[:-1], True]]] = True
        self.keep(latest, otherwise)

    def interactions(
        self,
        users: Ids,
        items: Ids,
        amounts: np.ndarray | None,
        times: np.ndarray | None,
        item_name: str | None,
        source: str,
    ) -> Interactions:
        """Index the ids of the rows in use, merge repeated pairs, and hand on the notes."""
        if not len(self.rows):
            raise ValueError(f"nothing is left of {self.origin}. {' '.join(self.notes)}")
        user_index, user_ids = _indexed(users, self.rows)
        item_index, item_ids = _indexed(items, self.rows)
        names = None if item_name is None else self._names(item_name, item_index, item_ids)
        merged = Interactions.from_indices(
            user_index,
            item_index,
            user_ids,
            item_ids,
            None if amounts is None else amounts[self.rows],
            None if times is None else times[self.rows].astype(np.int64),
            names,
            source,
        )
        repeated = len(self.rows) - len(merged)
        if repeated:
            self.notes.append(f"Rows that repeat a pair, merged with it: {repeated:,}.")
        return replace(merged, notes=tuple(self.notes))

    def _names(self, name: str, items: np.ndarray, item_ids: np.ndarray) -> np.ndarray:
        """The first name of each item in the table, or its id."""
        column = self.frame[name].cat
        texts = np.array([str(text).strip() for text in column.categories], dtype=object)
        codes = np.r_[np.where(texts == "", -1, np.arange(len(texts))), -1][column.codes]
        codes = codes[self.rows]  # (n,)
        named = np.flatnonzero(codes >= 0)
        first = np.full(len(item_ids), -1)
        first[items[named[::-1]]] = codes[named[::-1]]  # the last to be written comes first
        other = np.unique(items[named][codes[named] != first[items[named]]])
        if other.size:
            self.notes.append(f"Items with more than one {name}, the first kept: {other.size:,}.")
        return np.where(first < 0, item_ids.astype(str), np.append(texts, "")[first]).astype(object)


def _numbers(values: pd.Index) -> np.ndarray:
    """(m,) numbers, or texts that hold numbers -> (m,) float64; NaN: unreadable."""
    read = pd.Series([number(v) if isinstance(v, str) else v for v in values], dtype=object)
    return pd.to_numeric(read, errors="coerce").to_numpy(np.float64, na_value=np.nan)


def _check_scalars(name: str, column: pd.Series) -> None:
    if pd.api.types.infer_dtype(column).startswith("mixed"):
        wrong = [value for value in column if not pd.api.types.is_scalar(value)]
        if wrong:
            raise TypeError(f"the DataFrame's {name!r} holds no numbers or texts but {wrong[0]!r}")


def _seconds(values: pd.Index) -> np.ndarray:
    """(m,) numbers, texts that hold numbers, or dates -> (m,) whole seconds; NaN: unreadable."""
    if isinstance(values.dtype, pd.DatetimeTZDtype) or values.dtype.kind == "M":
        seconds, dates = np.full(len(values), np.nan), pd.Series(values)
    else:
        seconds = _numbers(values)
        dates = pd.Series(values, dtype=object).where(np.isnan(seconds))
    read = pd.to_datetime(dates, format="ISO8601", utc=True, errors="coerce")
    since = (read - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return np.floor(np.where(np.isnan(seconds), since.to_numpy(np.float64), seconds))


def _indexed(ids: Ids, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The index of each row's id among the ids in use, ascending -> (n,), (n_ids,)."""
    codes = ids.codes[rows]
    used = np.flatnonzero(np.bincount(codes, minlength=len(ids.values)))
    used = used[np.argsort(ids.values[used], kind="stable")]
    index = np.empty(len(ids.values), dtype=np.intp)
    index[used] = np.arange(len(used))
    return index[codes], ids.values[used]


def _listed(places: list[str], n: int) -> str:
    return ", ".join(places) + (", ..." if n > len(places) else "")
