"""A step with the learner's functions in it, observed: records for the page, calls for the judge.

The lines of the core that were not edited are recorded as the stepper records them. Of an edited
function every change of a value is a record. It takes over the formula of the core's line for the
same result if the worked numbers give the value; else it shows code and numbers alone.
"""

import ast
import functools
import itertools
import math
import re

import numpy as np

from ...core.row_gradient import GroupById, RowGradient
from ..stepper.derivatives import tracing
from ..stepper.formulas import FORMULAS, Formula
from ..stepper.record import Record, holes
from ..stepper.source import names_of, phase_of
from ..stepper.trace import Observer, read, resolve
from .edits import ORIGINALS
from .judge import DERIVATIVE, WRONG
from .text import text_of
from .watch import Watch

NO_FORMULA = Formula("", "")
MOST_CALLS = 100  # watched: a function that calls itself has no end
ENTRIES_TRIED = 60  # of a value, to see whether a formula gives it
MATH = {"exp": math.exp, "log": math.log, "sqrt": math.sqrt, "max": max, "min": min, "abs": abs}
RETURNED = {"loss.forward": "L", "forward": "y", "backward": "dx"}


class StepObserver(Observer):
    """The tracer of the step. `calls` has a `Call` for each call of a watched function."""

    def __init__(self, model, loss, optimizer, users, items, functions):
        """functions: {"Dense.backward": the function in place}, those to watch line by line."""
        super().__init__(model, loss, optimizer)
        self.functions = {f.__code__: name for name, f in functions.items()}
        self.rows = {"user_embedding": np.unique(users), "item_embedding": np.unique(items)}
        self.n_pairs = len(users)
        self.clock = itertools.count()
        self.records = Timed(self.clock)
        self.calls, self.watches, self.visits, self.groups = [], {}, {}, []
        self.shown = {}  # (call, line, name, part) -> its record

    def __call__(self, frame, event, argument):
        self.hear(frame)
        function = self.functions.get(frame.f_code)
        if function is None or len(self.calls) == MOST_CALLS:
            return super().__call__(frame, event, argument)
        self.n_visits += 1
        text = text_of(frame.f_code.co_filename)
        watch = Watch(
            frame,
            function,
            clock=self.clock,
            parameters=self.parameters if function.endswith(".step") else {},
            place=text.place,
            listener=self,
        )
        self.calls.append(watch.call)
        self.watches[frame] = watch
        self.visits[id(watch)] = Lines(self, watch, text, self.n_visits)
        return watch

    def sum_rows(self, embedding):
        """Watch the rows of an embedding's gradient being summed, which is done when asked for.

        It then stands before the gradient that it makes.
        """
        gradient, earlier = embedding.dW, set(self.visits)
        if not isinstance(gradient, RowGradient):
            return
        group = GroupById(gradient.ids)
        self.groups.append(group)  # kept, or its id could be another's
        self.boxes[id(group)] = box = self.boxes[id(embedding)]
        before = [r.order for r in self.records if (r.box, r.name) == (box, "dW")]
        with tracing(self):
            group.sum(gradient.dy)
        for number in set(self.visits) - earlier:
            self.visits[number].base = min(before, default=None)

    def hear(self, frame):
        """If a watched function of the model calls a layer, note what it hands on."""
        method = frame.f_code.co_name
        names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
        if method not in ("forward", "backward") or len(names) != 2:
            return
        box = self.boxes.get(id(frame.f_locals.get(names[0])))
        caller = frame.f_back
        while box and caller is not None:
            watch = self.watches.get(caller)
            if watch is not None and watch.call.owner is self.model:
                watch.hand_on(f"{box}.{method}", frame.f_locals[names[1]])
                return
            caller = caller.f_back

    def before_line(self, watch):
        self.visits[id(watch)].before_line()

    def after_change(self, watch, change):
        self.visits[id(watch)].after_change(change)


class Timed(list):
    """Records that know when they were made."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def append(self, record):
        record.order = next(self.clock)
        super().append(record)


class Lines:
    """Makes the records of one watched call."""

    def __init__(self, observer, watch, text, number):
        self.observer, self.watch, self.text, self.number = observer, watch, text, number
        self.function, self.offers, self.box = watch.call.function, [], ""
        self.base = None  # all is to stand before what has this order, if any

    def before_line(self):
        """The core's formulas for what this line may compute, with the numbers it will read."""
        frame, call = self.watch.frame, self.watch.call
        self.offers = []
        targets = self.text.targets(frame.f_lineno, call.first)
        for name in targets:
            call.assigned[name] = self.text.place(frame.f_lineno), next(self.observer.clock)
        for name, formula in formulas_of(self.function):
            if name in targets:
                try:
                    self.offers.append((name, formula, {c: read(c, frame) for c in holes(formula)}))
                except Exception:  # a name the learner does not have
                    continue

    def after_change(self, change):
        record = self.record(change.line, change.name, change.value, change.part)
        for name, formula, found in self.offers:
            if name == change.name and self.fits(record, formula, found):
                break
        else:
            record.formula, record.holes, record.choices = NO_FORMULA, {}, {}
            record.axes = self.axes(change.name, record.value)
        key = id(self.watch.call), change.line, change.name, change.part
        known = self.observer.shown.pop(key, None)
        if known is not None:
            self.observer.records[:] = [r for r in self.observer.records if r is not known]
        self.observer.shown[key] = record
        record.order = change.order
        list.append(self.observer.records, record)

    def record(self, line, name, value, part=""):
        """A record of a value without a formula."""
        function, method = self.function, self.function.partition(".")[2]
        box = self.box_of(line, name, part)
        side = re.match("(user|item)_embedding", box)
        value, rows = table_rows(value, self.observer.rows[side[0]] if side else None)
        phase, full_name = phase_of(function), name
        if name.endswith((".forward", ".backward")):
            name = f"{'x' if name.endswith('forward') else 'dy'} of {name.rpartition('.')[0]}"
        elif name == part:
            name = name.rpartition(".")[2]
        elif name == "return":
            name = RETURNED.get(f"{phase}.{method}") or RETURNED.get(method, "result")
        return Record(
            phase=phase,
            box=box,
            function=function,
            name=name.removeprefix("self."),
            code=self.text.code(line),
            file=self.text.name,
            line=line,
            formula=NO_FORMULA,
            axes=self.axes(full_name, value),
            holes={},
            choices={},
            stop=self.number,
            value=value,
            rows=rows,
            table=side[1] if side and rows is not None else "",
        )

    def axes(self, name, value):
        """The letters of a value without a formula: b, if its rows are the pairs of the batch."""
        of_weight = self.function.endswith(".step") or name.startswith("self.d")
        in_batch = value.ndim and len(value) == self.observer.n_pairs and not of_weight
        return ("b" if in_batch else "i", "k")[: value.ndim]

    def record_of(self, finding):
        """The record of a finding, with what it would be; None if it has nothing to show."""
        key = id(self.watch.call), finding.line, finding.name, finding.part
        record = self.observer.shown.get(key)
        if record is None:
            handed = finding.name.rpartition(".")[2] in ("forward", "backward")
            if handed and finding.verdict != WRONG and not self.text.joins(finding.line):
                return None
            record = self.record(finding.line, finding.name, finding.value, finding.part)
        elif finding.verdict != WRONG and not self.computes(finding):
            return None
        record.finding, record.order = finding, finding.order
        if self.base is not None:
            record.order = self.base - 1 / (2 + finding.order)
        if finding.expected is not None:
            finding.expected, _ = table_rows(finding.expected, record.rows)
        if finding.by == DERIVATIVE and np.shape(finding.expected) == record.value.shape:
            record.numerical = finding.expected
            record.kinks = int(np.isnan(finding.expected).sum())
        record.entry = entry_of(record.value, finding.expected)
        return record

    def computes(self, finding):
        """Whether a value is worth a record: a result, or an array not just taken."""
        value = finding.value
        if finding.is_result or isinstance(value, RowGradient):
            return True
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "fb" or value.ndim > 2:
            return False
        node = self.text.statements.get(finding.line)
        taken = isinstance(node, ast.Assign) and isinstance(node.value, (ast.Name, ast.Attribute))
        return not taken and not self.text.makes_new_array(finding.line)

    def box_of(self, line, name, part):
        owner = self.watch.call.owner
        if owner is not self.observer.model:
            return part or self.observer.boxes.get(id(owner), "")
        sections = sections_of(self.function)
        own = self.text.section(line)
        own = own if own in sections.values() else sections.get(name)
        self.box = own or self.box or next(iter(sections.values()), "")
        return self.box

    def fits(self, record, formula, found):
        """Take the formula into the record if its worked numbers give the value."""
        record.formula, record.holes, record.choices = formula, found, {}
        try:
            if formula.value and formula.value != "self.dW.values":
                return False
            resolve(record, self.watch.frame)
            entries = list(np.ndindex(record.value.shape))[:ENTRIES_TRIED]
            return all(
                np.isclose(eval(record.worked(e, exact=True), dict(MATH)), record.value[e], 1e-9)
                for e in entries
            )
        except Exception:  # other shapes, other names: the formula is not this line's
            return False


def entry_of(value, expected):
    """The entry to show: where it is most wrong, else the largest."""
    if not value.size:
        return ()
    off = np.abs(value)
    if expected is not None and np.shape(expected) == value.shape:
        wrong = np.nan_to_num(np.abs(value - expected), posinf=np.inf)
        off = wrong if wrong.max() > 1e-9 * (1 + off.max()) else off
    return tuple(int(k) for k in np.unravel_index(np.nan_to_num(off).argmax(), off.shape))


def table_rows(value, rows):
    """A value as an array; of a table or its gradient the rows that count, and which these are."""
    if isinstance(value, RowGradient):
        return np.array(value.values), np.array(value.rows)
    value = np.array(value)
    if value.dtype == bool:
        value = value.astype(float)
    if rows is None or value.ndim != 2 or len(value) <= rows[-1] or len(value) == len(rows):
        return value, None
    return value[rows], rows


@functools.cache
def formulas_of(function):
    """[(result, formula), ...] of a function of the core."""
    found = []
    for statement, formulas in FORMULAS.get(function, {}).items():
        node = ast.parse(statement if not statement.startswith("return") else statement).body[0]
        formulas = formulas if isinstance(formulas, list) else [formulas]
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)):
            found += [(name, f) for name, f in zip(names_of(node), formulas) if f is not None]
    return found


@functools.cache
def sections_of(function):
    """{name: section} of a model's method in the core: "dp_G" stands in "GMF branch, eq. 8"."""
    code = ORIGINALS[function].__code__
    text = text_of(code.co_filename)
    last = max(line for _, _, line in code.co_lines() if line)
    found = {}
    for line in range(code.co_firstlineno, last + 1):
        for name in text.targets(line, "self") if text.section(line) else ():
            found.setdefault(name, text.section(line))
    return found
