"""Columns of raw values on their way to `Interactions`, and the book kept of every row dropped.

A column of texts is its distinct values and one code per row, so a value is judged once and the
verdict spread over its rows. Judging comes first, for all columns; then rows are dropped, each
group for one reason; then what is left is indexed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from ...data.columns import index_ids, sort_keys
from ...data.interactions import Interactions
from . import dates
from .json_lines import JsonLines
from .numerals import numbers, shown, whole
from .text_files import TextFile
from .usable_lines import FETCH, NAMED, listed, read_usable

COMMAS = re.compile(r" *-?[0-9]+(,[0-9]+)+ *")
NO_COMMAS = (
    'Write numbers without commas. For a decimal comma: python -c "import pandas; pandas.read_csv('
    "'in.csv', sep=';', decimal=',').to_csv('out.csv', index=False)\", for 1,000 \"thousands=','\""
)


@dataclass(frozen=True)
class Ids:
    """codes (n,): the place of each row's id in values (m,), ascending, or -1 where it has none."""

    codes: np.ndarray
    values: np.ndarray

    def taken(self, kept: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """(rows,) indices of the kept rows among the ids that are left, and these."""
        if kept is None:
            return self.codes, self.values
        codes = self.codes[kept]
        used = np.bincount(codes, minlength=len(self.values)) > 0
        return (np.cumsum(used) - 1)[codes], self.values[used]


class Complaint(NamedTuple):
    """Rows (ascending) of a column whose value is not what was expected; what to do, if known."""

    column: str
    expected: str
    rows: np.ndarray
    advice: str


class RawTable:
    """A table of which rows are dropped step by step.

    frame    columns of numbers or dates, or categorical: a code and a distinct value each
    origin   what an error calls the source; title: what the result calls it
    labels   what an error calls the rows, unless `file` knows their lines
    bad_rows "raise" or "drop"; None for a published file, of which no row is to be dropped
    kept     (n,) whether each row is still in use; None: all of them
    notes    what became of the others, one sentence each
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        origin: str,
        title: str,
        *,
        labels: pd.Index | None = None,
        file: TextFile | JsonLines | None = None,
        bad_rows: str | None = None,
    ):
        self.frame, self.origin, self.title = frame, origin, title
        self.labels, self.file, self.bad_rows = labels, file, bad_rows
        self.kept: np.ndarray | None = None
        self.notes: list[str] = []
        self.complaints: list[Complaint] = []
        if not len(frame):
            raise ValueError(f"{origin} has no rows")

    @classmethod
    def from_frame(
        cls, data: pd.DataFrame, wanted: Sequence[str], *, bad_rows: str = "raise"
    ) -> RawTable:
        repeated = [name for name in wanted if data.columns.tolist().count(name) > 1]
        if repeated:
            raise ValueError(f"the DataFrame has more than one column {repeated[0]!r}: rename one")
        for name in wanted:
            _check_scalars(name, data[name])
        frame = data[list(wanted)].reset_index(drop=True)
        return cls(frame, "the DataFrame", "a DataFrame", labels=data.index, bad_rows=bad_rows)

    @classmethod
    def from_file(
        cls, file: TextFile | JsonLines, wanted: Sequence[str], *, bad_rows: str | None = None
    ) -> RawTable:
        origin, title = str(file.path), file.path.name
        file, frame, notes = read_usable(file, wanted, bad_rows)
        table = cls(frame, origin, title, file=file, bad_rows=bad_rows)
        table.notes += notes
        return table

    def ids(self, name: str, *, whole: bool = False) -> Ids:
        """The ids in a column, by the rules of `index_ids`; whole: a text is no id."""
        column, written = self.frame[name], isinstance(self.file, TextFile)
        where = f"{self.origin}, column {name!r}"
        codes, values = index_ids(where, column, written=written, whole=whole)
        if column.dtype == np.int64:
            self.frame.pop(name)  # no error will show it: every integer is an id
        self._complain(name, "a whole number" if whole else "an id", codes < 0)
        if isinstance(column.dtype, pd.CategoricalDtype):
            spellings = column[codes >= 0].nunique()
            if spellings > len(values):
                self.notes.append(
                    f"Spellings of an id in {name} that differ in blanks around it, or in .0 at "
                    f"its end, taken as one: {spellings - len(values):,}."
                )
        return Ids(codes, values)

    def numbers(self, name: str, lowest: float) -> np.ndarray:
        """(n,) float64, finite and at least `lowest` in the rows that will be used."""
        codes, distinct = self._distinct(name)
        values = numbers(distinct) if codes is not None else distinct.to_numpy(np.float64)
        values = values if codes is None else np.append(values, np.nan)[codes]
        expected = "a finite number, 0 or more" if lowest == 0 else "a finite number"
        wrong = ~(np.isfinite(values) & (values >= lowest))
        advice = ""
        if codes is not None and wrong.any():
            texts = (text for text in distinct if isinstance(text, str))
            advice = NO_COMMAS if any(map(COMMAS.fullmatch, texts)) else ""
        self._complain(name, expected, wrong, advice)
        return values

    def whole_numbers(self, name: str) -> np.ndarray:
        """(n,) int64, at least 0 in the rows that will be used."""
        codes, distinct = self._distinct(name)
        if codes is None:
            values = distinct.to_numpy(np.int64)
        else:
            values = np.array([*map(whole, distinct), -1], np.int64)[codes]
        self._complain(name, "a whole number, 0 or more", values < 0)
        return values

    def texts(self, name: str) -> np.ndarray:
        """(n,) object: texts without the blanks around them, "" where there is none."""
        codes, distinct = self._distinct(name)
        if codes is None:
            return distinct.astype(str).to_numpy(object)
        return np.array([*(str(text).strip(" \t") for text in distinct), ""], dtype=object)[codes]

    def times(self, name: str, date_format: str | None = None) -> np.ndarray:
        """(n,) float64: whole seconds since 1970 in the rows that will be used."""
        codes, distinct = self._distinct(name)
        if codes is None:
            codes, distinct = np.arange(len(distinct)), pd.Index(distinct)
        values = np.append(dates.seconds(distinct, date_format), np.nan)[codes]
        wrong = ~(np.abs(values) < 2**53)
        advice = ""
        if wrong.any():
            unread = distinct[np.unique(codes[wrong & (codes >= 0)])]
            advice = dates.advice(unread, date_format, wrong.all())
        expected = f"a date in the format {date_format!r}" if date_format else dates.EXPECTED
        self._complain(name, expected, wrong, advice)
        return values

    def _distinct(self, name: str) -> tuple[np.ndarray | None, pd.Index | pd.Series]:
        """(codes (n,), distinct values (m,)); or (None, the column) if it holds numbers."""
        column = self.frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            return column.cat.codes.to_numpy(), column.cat.categories
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
            return None, column
        return pd.factorize(column)

    def _complain(self, name: str, expected: str, wrong: np.ndarray, advice: str = "") -> None:
        if wrong.any():
            self.complaints.append(Complaint(name, expected, np.flatnonzero(wrong), advice))

    def drop_unusable(self) -> None:
        """Raise a ValueError that names the first few unusable values, or drop their rows."""
        if not self.complaints:
            return
        wrong = np.unique(np.concatenate([complaint.rows for complaint in self.complaints]))
        if self.bad_rows != "drop" or len(wrong) == len(self.frame):
            self._raise(wrong)
        for column, expected, rows, _ in self.complaints:
            places = listed(self._places(rows[:NAMED]), len(rows))
            self.notes.append(
                f"Rows whose {column} is not {expected}, dropped: {len(rows):,} ({places})."
            )
        self.kept = np.ones(len(self.frame), bool)
        self.kept[wrong] = False

    def _raise(self, rows: np.ndarray) -> None:
        named = rows[:NAMED]
        sentences = []
        for row, place in zip(named, self._places(named)):
            complaint = next(c for c in self.complaints if row in c.rows)
            value = self.frame[complaint.column].iloc[row]
            value = str(value) if isinstance(self.file, TextFile) else value
            sentences.append(
                f"{place}: {complaint.column} is {shown(value)}, expected {complaint.expected}"
            )
        more = f"; and {len(rows) - NAMED:,} more rows" if len(rows) > NAMED else ""
        raise ValueError(f"{self.origin}, {'; '.join(sentences)}{more}. {self._way_out(rows)}")

    def _way_out(self, rows: np.ndarray) -> str:
        """What to do about unusable rows; leaving out every row is no way out."""
        if self.bad_rows is None:
            return FETCH
        advice = [complaint.advice for complaint in self.complaints if complaint.advice]
        if advice:
            return advice[0]
        if len(rows) == len(self.frame):
            columns = dict.fromkeys(complaint.column for complaint in self.complaints)
            return f"No row can be used: is {' or '.join(map(repr, columns))} the right column?"
        how = "bad_rows='drop'" if self.file else "load_interactions(table, ..., bad_rows='drop')"
        return f"Correct them, or leave them out with {how}"

    def _places(self, rows: np.ndarray) -> list[str]:
        if self.file is None:
            return [f"row {label}" for label in self.labels[rows]]
        return [f"line {line}" for line in self.file.lines(rows)]

    def used(self, column: np.ndarray | None) -> np.ndarray | None:
        """The rows in use of a column (n,)."""
        return column if column is None or self.kept is None else column[self.kept]

    def keep(self, mask: np.ndarray, otherwise: str) -> None:
        """Keep these of the rows in use, and note what the others were and how many."""
        dropped = int(np.sum(~mask))
        if dropped:
            self.notes.append(f"{otherwise}: {dropped:,}.")
            if self.kept is None:
                self.kept = mask
            else:
                self.kept[self.kept] = mask

    def keep_latest(self, users: Ids, items: Ids, times: np.ndarray | None, otherwise: str) -> None:
        """Keep the latest row of every pair: by time, else the last one."""
        keys, rows = sort_keys(self.used(users.codes) * len(items.values) + self.used(items.codes))
        same = keys[1:] == keys[:-1]
        repeated = np.append(False, same) | np.append(same, False)  # these alone need their times
        keys, rows = keys[repeated], rows[repeated]
        if times is not None:
            order = np.lexsort((self.used(times)[rows], keys))  # keeps the order of equal times
            keys, rows = keys[order], rows[order]
        latest = np.ones(len(repeated), dtype=bool)
        latest[rows[:-1][keys[1:] == keys[:-1]]] = False
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
        if self.kept is not None and not self.kept.any():
            raise ValueError(f"nothing is left of {self.origin}. {' '.join(self.notes)}")
        user_index, user_ids = users.taken(self.kept)
        item_index, item_ids = items.taken(self.kept)
        names = None if item_name is None else self._names(item_name, item_index, item_ids)
        times = None if times is None else self.used(times).astype(np.int64)
        merged = Interactions.from_indices(
            user_index, item_index, user_ids, item_ids, self.used(amounts), times, names, source
        )
        repeated = len(user_index) - len(merged)
        if repeated:
            self.notes.append(f"Rows that repeat a pair, merged with it: {repeated:,}.")
        return merged.with_notes(self.notes)

    def _names(self, name: str, items: np.ndarray, item_ids: np.ndarray) -> np.ndarray:
        """The first name of each item in the table, or its id."""
        codes, texts = pd.factorize(self.used(self.texts(name)))  # (n,)
        named = np.flatnonzero((texts != "")[codes])
        first = np.full(len(item_ids), -1)
        first[items[named[::-1]]] = codes[named[::-1]]  # the last to be written comes first
        other = np.unique(items[named][codes[named] != first[items[named]]])
        if other.size:
            self.notes.append(f"Items with more than one {name}, the first kept: {other.size:,}.")
        return np.where(first < 0, item_ids.astype(str), np.append(texts, "")[first]).astype(object)


def _check_scalars(name: str, column: pd.Series) -> None:
    if pd.api.types.infer_dtype(column).startswith("mixed"):
        wrong = [value for value in column if not pd.api.types.is_scalar(value)]
        if wrong:
            raise TypeError(f"the DataFrame's {name!r} holds no numbers or texts but {wrong[0]!r}")
