"""The screens of the stepper in the terminal: one box of the model each, 80 columns, no colour."""

import textwrap

import numpy as np

from .digits import Digits, error, short
from .entries import repeats
from .texts import why

WIDTH = 80
ROWS = 8  # of a table; a longer one is cut


class Screens:
    """A trace as text. `batch` has the names of its users and items."""

    def __init__(self, trace, batch, tick="ok"):
        self.trace, self.batch, self.tick = trace, batch, tick

    def __len__(self):
        return len(self.trace.stops)

    def first_of(self, phase):
        return next(k for k, stop in enumerate(self.trace.stops) if stop.phase == phase)

    def opening(self):
        """What this is: model, batch and loss."""
        trace, batch = self.trace, self.batch
        lines = [
            f"{trace.model}, one training step: {trace.loss}, {trace.optimizer}, float64",
            *textwrap.wrap(f"Data: {batch.plays.source or 'interactions'}.", WIDTH),
            f"A batch of {len(trace.users)} pairs; label 1: played, 0: drawn at random.",
            "",
        ]
        for row, (u, i, y) in enumerate(zip(trace.users, trace.items, trace.labels)):
            pair = f"{batch.user_name(u)[:24]:<25}{batch.item_name(i)[:36]:<37}"
            lines.append(f"  row {row:<3} {pair} {short(y)}")
        return "\n".join(lines)

    def screen(self, number):
        """One stop: every line that computed something, with its formula, numbers and values."""
        stop = self.trace.stops[number]
        lines = [f"-- {number + 1}/{len(self)}  {stop.phase}: {stop.box}  ({stop.function}) "]
        lines[0] += "-" * (WIDTH - len(lines[0]))
        told = set()
        for record in stop.records:
            lines += ["", *self.describe(record)]
            reason = plain(why(record))
            if reason not in told:
                lines += wrap(reason, "  ", "  ")
            told.add(reason)
            if stop.phase != "update" or record is stop.records[-1]:
                lines += self.table(record, record.value)
            if stop.function == "Embedding.backward":
                lines += ["", *self.scatter(record)]
        if stop.phase == "update" and stop.records[-1].table:
            lines += wrap(
                "Rows outside the batch have gradient 0: in this first step they rest.", " "
            )
        return "\n".join(lines)

    def describe(self, record):
        """Name and shape, where it stands, the line, the formula and the formula with numbers."""
        place = f"{record.file}:{record.line}"
        title = f"{record.name}  {record.value.shape}"
        lines = [f"{title}{place:>{WIDTH - len(title)}}", *wrap(record.code, "  "), ""]
        lines += wrap(record.text, "  ")
        index = "[" + ", ".join(map(str, self.index_of(record))) + "]" if record.entry else ""
        result = short(record.value[record.entry])
        numbers = record.source() or record.worked()
        lines += wrap(f"{record.name}{index} = {numbers} = {result}", "  ", "      ")
        if record.numerical is not None:
            lines += wrap(self.verdict(record), "  ", "      ")
        return lines

    def index_of(self, record):
        """The entry shown; of a table, with the number of its row."""
        if record.rows is None:
            return record.entry
        return (int(record.rows[record.entry[0]]), *record.entry[1:])

    def verdict(self, record):
        """One numerical value, and whether all agree."""
        if not record.n_checked:
            return "numerical: every step crosses a ReLU kink, where there is no derivative"
        sign = self.tick if record.is_right() else "WRONG"
        kinks = f", {record.kinks} at a ReLU kink left out" if record.kinks else ""
        return (
            f"numerical {short(record.numerical[record.entry])} {sign}: {record.n_checked} of "
            f"{record.value.size} entries compared{kinks}, worst relative error "
            f"{error(record.relative_error())}"
        )

    def table(self, record, array, mark=True):
        """The values, the entry of the formula in brackets; too many are cut."""
        if array.ndim == 0:
            return []
        labels = self.labels(record)
        entry = record.entry if mark else None
        return grid(array, labels, entry)

    def labels(self, record):
        """What the rows of a value are: pairs of the batch, users, items, or just numbers."""
        if record.table:
            name = self.batch.user_name if record.table == "user" else self.batch.item_name
            return [name(row) for row in record.rows]
        if record.function == "Embedding.forward":
            user = record.box.startswith("user")
            name_of = self.batch.user_name if user else self.batch.item_name
            ids = self.trace.users if user else self.trace.items
            return [f"row {k} {name_of(row)}" for k, row in enumerate(ids)]
        first = record.axes[0] if record.axes else ""
        return [f"{'row ' if first == 'b' else ''}{k}" for k in range(len(record.value))]

    def scatter(self, record):
        """Which rows of the batch hit which row of the table, and how they add up."""
        ids = self.trace.users if record.table == "user" else self.trace.items
        name = self.batch.user_name if record.table == "user" else self.batch.item_name
        dy = record.holes["dy[b,k]"].array
        lines = []
        for row in record.rows:
            hits = [int(b) for b in np.flatnonzero(ids == row)]
            lines.append(f"  dy row {', '.join(map(str, hits))} -> table row {row}, {name(row)}")
        for row in repeats(ids):
            r = int(np.flatnonzero(record.rows == row)[0])
            k = record.entry[1] if record.entry[0] == r else int(np.abs(record.value[r]).argmax())
            hits = [float(dy[b, k]) for b in np.flatnonzero(ids == row)]
            often = {2: "twice", 3: "three times"}.get(len(hits), f"{len(hits)} times")
            terms = " + ".join(f"({short(x)})" if x < 0 else short(x) for x in hits)
            lines += [
                "",
                *wrap(
                    f"{name(row)} {often}, column {k}: {terms} = {short(record.value[r, k])}; "
                    f"the naive `dW[ids] += dy` would keep {short(hits[-1])}",
                    "  ",
                ),
            ]
        return lines

    def check(self, number):
        """The numerical check of one stop: the entries side by side, the worst first."""
        lines = []
        for record in self.trace.stops[number].records:
            if record.numerical is None:
                continue
            entries = [tuple(int(k) for k in e) for e in np.argwhere(np.isfinite(record.numerical))]
            entries.sort(key=record.relative_error, reverse=True)
            lines += wrap(f"{record.name}: {self.verdict(record)}", "")
            lines.append(f"  {'entry':<12}{'analytic':>18}{'numerical':>18}{'rel. error':>12}")
            for entry in entries[:ROWS]:
                analytic, numerical = record.value[entry], record.numerical[entry]
                worst = f"{record.relative_error(entry):.1e}"
                lines.append(f"  {entry!s:<12}{analytic:>18.10g}{numerical:>18.10g}{worst:>12}")
            lines.append("  (f(w + h) - f(w - h)) / 2h with h = 1e-5, in float64")
        return "\n".join(lines) or "No gradient is computed here: nothing to check."

    def weights(self, number):
        """The weights of this box, as they are before the step."""
        stop = self.trace.stops[number]
        box = stop.box.split(".")[0]
        lines = []
        for name, W in self.trace.weights.items():
            if name.split(".")[0] != box:
                continue
            lines.append(f"{name}  {W.shape}, before the step")
            labels = [str(k) for k in range(len(W))]
            if "embedding" in name:
                user = name.startswith("user")
                rows = np.unique(self.trace.users if user else self.trace.items)
                name_of = self.batch.user_name if user else self.batch.item_name
                W, labels = W[rows], [name_of(row) for row in rows]
                lines[-1] += "; the rows this batch reads"
            lines += grid(W, labels)
        return "\n".join(lines) or f"{stop.box} has no weights."


def grid(array, labels, entry=None):
    """An array as rows of numbers within 80 columns; [ ] marks an entry. Cut parts are counted."""
    digits = Digits(array)
    table = array.reshape(len(array), -1)
    numbers = [
        [digits[(r, c) if array.ndim == 2 else (r,)] for c in range(table.shape[1])]
        for r in range(len(table))
    ]
    first = min(22, max(map(len, labels)))
    width = max(len(n) for row in numbers for n in row)
    rows, columns = visible(table.shape, max(1, (WIDTH - 2 - first) // (width + 1)), entry)
    lines = [f" in units of 1e{digits.exponent}"] if digits.exponent else []
    for r in rows:
        line, after = f" {labels[r][:first]:<{first}}", " "
        for c in columns:
            marked = entry in ((r, c), (r,))
            line += ("[" if marked else after) + f"{numbers[r][c]:>{width}}"
            after = "]" if marked else " "
        lines.append((line + after).rstrip())
    hidden = [
        f"{n - len(seen)} more {what}"
        for n, seen, what in zip(table.shape, (rows, columns), ("rows", "columns"))
        if n > len(seen)
    ]
    if hidden:
        lines.append(f" ... {' and '.join(hidden)}")
    return lines


def visible(shape, fitting, entry):
    """Which rows and columns are shown: the first, and those of the marked entry."""
    entry = (*(entry or (0, 0)), 0)
    seen = []
    for n, most, marked in zip(shape, (ROWS, fitting), entry):
        first = range(min(n, most))
        seen.append(list(first) if marked in first else [*first[:-1], marked])
    return seen


def plain(text):
    """The sentences of the page for a console that has ASCII alone."""
    for shown, written in {"\N{MINUS SIGN}": "-", "\N{SQUARE ROOT}": "sqrt ", "`": ""}.items():
        text = text.replace(shown, written)
    return text


def wrap(text, first, rest=None):
    rest = first + "  " if rest is None else rest
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest)
