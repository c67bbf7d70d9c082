"""A trace: everything one training step computes, in order, as the lines of the core computed it.

The step is the real one. sys.settrace shows each line before and after it runs; what it reads and
what it assigns are taken from the frame. The core has no hook for this. Which lines count, and
their formulas, stand in formulas.py. All in float64: gradients are checked by differences.
"""

from __future__ import annotations

import ast
import copy
import itertools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...core.gradcheck import require_float64
from ...core.losses import BinaryCrossEntropy
from ...training.trainer import train_step
from ..bugs import planted
from .derivatives import differentiate, logits_of, tracing
from .entries import choose_entries
from .formulas import FORMULAS
from .origins import find_origins
from .record import Hole, Record, as_dict, holes, parse_hole
from .source import FILES, function_of, phase_of, statements

if TYPE_CHECKING:
    from ...core.models import Model
    from ...core.types import Ids, Labels, Loss, Optimizer
    from ..bugs import Bug


@dataclass
class Stop:
    """One visit of one box: the records of a layer's forward, say, or of a parameter's update."""

    phase: str
    box: str
    function: str
    records: list = field(default_factory=list)


@dataclass
class Trace:
    """One training step of a model. `stops` in order; `records` are all of theirs."""

    model: str
    loss: str
    optimizer: str
    value: float  # the loss
    users: np.ndarray
    items: np.ndarray
    labels: np.ndarray
    weights: dict  # name -> the array before the step
    stops: list

    @property
    def records(self):
        return [record for stop in self.stops for record in stop.records]

    def to_dict(self):
        """Plain lists and numbers, unrounded, for `json.dumps`."""
        return {
            "model": self.model,
            "loss": self.loss,
            "optimizer": self.optimizer,
            "value": self.value,
            "batch": {name: getattr(self, name).tolist() for name in ("users", "items", "labels")},
            "records": [as_dict(record) for record in self.records],
        }


def trace_step(
    model: Model,
    loss: Loss,
    optimizer: Optimizer,
    users: Ids,
    items: Ids,
    labels: Labels,
    *,
    bug: Bug | None = None,
    numerical: bool = True,
) -> Trace:
    """Run one training step on copies of its arguments and record it.

    Parameters
    ----------
    model : Model
        In float64.
    loss : loss
    optimizer : SGD, Adagrad or Adam
    users, items : (B,) integers
    labels : (B,) floats
    bug : Bug
        To plant first.
    numerical : bool
        Also take the central differences (in arrays of more than 200 entries, of a sample).

    Returns
    -------
    Trace

    Raises
    ------
    TypeError
        For float32, and for parts that have no formulas.
    """
    for part, method in ((model, "forward"), (loss, "forward"), (optimizer, "step")):
        if f"{type(part).__name__}.{method}" not in FORMULAS:
            known = sorted(key.partition(".")[0] for key in FORMULAS if key.endswith(method))
            name = type(part).__name__
            raise TypeError(f"no formulas for {name}; there are some for {', '.join(known)}")
    for name, W, _ in model.parameters():
        require_float64(name, W)
    if bug is not None:
        with planted(bug):
            return trace_step(model, loss, optimizer, users, items, labels, numerical=numerical)
    model, loss, optimizer = copy.deepcopy((model, loss, optimizer))
    logits_of(model, loss, users[::-1], np.roll(items, 1))  # so that a stale cache shows
    start = copy.deepcopy((model, loss))
    observer = Observer(model, loss, optimizer)
    with tracing(observer):
        value = run_step(model, loss, optimizer, users, items, labels)
    choose_entries(observer.records, users, items)
    find_origins(observer.records)
    if numerical:
        differentiate(observer, *start, users, items, labels)
    names = (type(part).__name__ for part in (model, loss, optimizer))
    weights = {name: W for name, W, _ in start[0].parameters()}
    return Trace(*names, value, users, items, labels, weights, group(observer.records))


def run_step(model, loss, optimizer, users, items, labels):
    """`train_step`, and the same by way of probabilities for the loss that is defined on them."""
    if not isinstance(loss, BinaryCrossEntropy):
        return train_step(model, loss, optimizer, users, items, labels)
    p = model.predict(users, items)  # (B,)
    value = loss.forward(p, labels)  # float
    dp = loss.backward()  # (B,)
    dlogits = model.sigmoid.backward(dp)  # (B,)
    model.backward(dlogits)
    optimizer.step(model.parameters())
    return value


class Observer:
    """The tracer that records. `owners` keeps, for each record, the object whose method it was."""

    def __init__(self, model, loss, optimizer):
        self.boxes = {id(layer): name for name, layer in model.layers()}
        self.boxes |= {id(model.sigmoid): "sigmoid", id(loss): "loss", id(optimizer): "optimizer"}
        self.parameters = {id(W): name for name, W, _ in model.parameters()}
        self.model = model
        self.records, self.owners, self.n_visits = [], [], 0

    def __call__(self, frame, event, argument):
        function = function_of(frame)
        if function not in FORMULAS or frame.f_code.co_filename not in FILES:
            return None
        self.n_visits += 1
        return Visit(self, function, self.n_visits)

    def box_of(self, frame, statement):
        owner = frame.f_locals["self"]
        if owner is self.model:
            return statement.section
        return self.parameters.get(id(frame.f_locals.get("W")), self.boxes[id(owner)])


class Visit:
    """The tracer of one call: what a line reads is taken before it runs, its result after."""

    def __init__(self, observer, function, number):
        self.observer, self.function, self.number = observer, function, number
        self.pending, self.records = None, []

    def __call__(self, frame, event, argument):
        if self.pending is not None and event in ("line", "return"):
            if self.pending.first <= frame.f_lineno <= self.pending.last and event == "line":
                return self
            self.finish(frame, argument)
        if event == "line":
            statement = statements(frame.f_code.co_filename, self.function).get(frame.f_lineno)
            if statement is not None:
                self.begin(frame, statement)
        return self

    def begin(self, frame, statement):
        self.pending = statement
        pairs = [(n, f) for n, f in zip(statement.names, statement.formulas) if f is not None]
        records = [self.record(frame, statement, name, formula) for name, formula in pairs]
        self.records = [record for record in records if not record.formula.argument]
        for record in records:
            if record.formula.argument:  # has its value before the call that the line makes
                self.keep(record, evaluate(record.formula.argument, frame), frame)

    def record(self, frame, statement, name, formula):
        return Record(
            phase=phase_of(self.function),
            box=self.observer.box_of(frame, statement),
            function=self.function,
            name=name,
            code=statement.code,
            file="/".join(Path(frame.f_code.co_filename).parts[-2:]),  # core/layers.py
            line=statement.first,
            formula=formula,
            axes=(),
            holes={code: read(code, frame) for code in holes(formula)},
            choices={},
            stop=self.number,
        )

    def finish(self, frame, returned):
        for record in self.records:
            source = record.formula.value or record.name
            self.keep(record, returned if source == "return" else evaluate(source, frame), frame)
        self.pending, self.records = None, []

    def keep(self, record, value, frame):
        source = record.formula.value or record.name
        record.value = np.array(value)
        record.rows = rows_of(source, frame)
        record.name = record.formula.name or source.removeprefix("self.").removesuffix("[rows]")
        if record.phase == "update" and record.name == "W":
            record.name = record.box.rpartition(".")[2]  # an optimizer calls a bias W, too
        resolve(record, frame)
        side = re.match("(user|item)_embedding", record.box)
        record.table = side[1] if side and record.rows is not None else ""
        self.observer.records.append(record)
        self.observer.owners.append(frame.f_locals["self"])


def rows_of(source, frame):
    """Which rows of a table a result is about; None if it is not about some rows."""
    if source == "self.dW.values":
        return evaluate("self.dW.rows", frame)
    rows = frame.f_locals.get("rows")
    return rows.copy() if isinstance(rows, np.ndarray) else None


def resolve(record, frame):
    """Turn the letters of a record's holes into positions, now that all shapes are known."""
    formula, value = record.formula, record.value
    elementwise = formula.axes == "..."
    if elementwise:
        first = "r" if record.rows is not None else "b" if record.phase != "update" else "i"
        record.axes = (first, "k")[: value.ndim]
    else:
        record.axes = tuple(formula.axes.split(",")) if formula.axes else ()
    sizes = dict(zip(record.axes, value.shape))
    for code, hole in record.holes.items():
        _, index = parse_hole(code)
        for axis, text in enumerate(index):
            if text.isalpha() and text.islower() and len(text) == 1:
                sizes.setdefault(text, hole.array.shape[axis])
    for code, hole in record.holes.items():
        _, index = parse_hole(code)
        if index == ["..."]:
            hole.index = [(letter, range(sizes[letter])) for letter in record.axes]
        else:
            hole.index = [positions(text, sizes, frame) for text in index]
    if formula.where:
        record.choices = choices_of(record, sizes, frame)


def choices_of(record, sizes, frame):
    """Which values of the summed letter count for each first letter; or which entries do at all."""
    formula = record.formula
    if formula.otherwise:
        letter = record.axes[-1]
        return {(k,): evaluate(formula.where, frame, {letter: k}) for k in range(sizes[letter])}
    letter, n = record.summed
    return {
        (r,): [
            k for k in range(n) if evaluate(formula.where, frame, {record.axes[0]: r, letter: k})
        ]
        for r in range(sizes[record.axes[0]])
    }


def positions(text, sizes, frame):
    """An index such as "k", "K + k" or "self.ids[b]" -> (its letter, a position for each value)."""
    names = [n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)]
    letters = [name for name in names if name in sizes and len(name) == 1 and name.islower()]
    if not letters:
        return None, [int(evaluate(text, frame))]
    (letter,) = letters
    if text == letter:
        return letter, range(sizes[letter])
    return letter, [int(evaluate(text, frame, {letter: k})) for k in range(sizes[letter])]


def read(code, frame):
    """The array in a hole, as it is now."""
    expression, _ = parse_hole(code)
    return Hole(code, np.array(evaluate(expression, frame)), [])


def evaluate(source, frame, letters=()):
    return eval(source, frame.f_globals, {**frame.f_locals, **dict(letters)})


def group(records):
    stops = []
    for _, visit in itertools.groupby(records, key=lambda r: (r.stop, r.box)):
        visit = list(visit)
        number = len(stops)
        for record in visit:
            record.stop = number
        stops.append(Stop(visit[0].phase, visit[0].box, visit[0].function, visit))
    return stops
