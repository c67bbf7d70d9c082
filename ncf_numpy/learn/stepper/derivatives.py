"""Numerical gradients of anything in a forward pass, inner values too, nudged in passing."""

from __future__ import annotations

import sys

import numpy as np

from ...core.gradcheck import ATOL, MOST_ENTRIES, RTOL, STEP, Check, relus
from ...core.losses import BinaryCrossEntropy
from .source import function_of, keys


def differentiate(observer, model, loss, users, items, labels):
    """Central differences for every record that is a gradient, at the weights before the step."""
    copies = {id(old): new for (_, old), (_, new) in zip(observer.model.layers(), model.layers())}
    copies |= {id(observer.model): model, id(observer.model.sigmoid): model.sigmoid}
    rng = np.random.default_rng(0)
    check = Check(rng, STEP, RTOL, ATOL, relus(model.layers()))

    def value():
        return loss.forward(logits_of(model, loss, users, items), labels)

    for record, owner in zip(observer.records, observer.owners, strict=True):
        if not record.is_gradient:
            continue
        owner = copies.get(id(owner), loss)
        of = record.formula.of
        is_weight = of in ("self.W", "self.b")
        x = getattr(owner, of[5:]) if is_weight else np.zeros(record.value.shape)

        nudge = Nudge(owner, record.formula, x)

        def nudged_value(nudge=nudge):
            with tracing(nudge):
                return value()

        record.numerical = np.full(record.value.shape, np.nan)
        for entry in sample(record, rng):
            index = (record.rows[entry[0]], *entry[1:]) if record.table else entry
            derivative, crossed = check.derivative(value if is_weight else nudged_value, x, index)
            record.kinks += crossed
            if not crossed:
                record.numerical[entry] = derivative


def sample(record, rng):
    """The entries to check: all, or of a large array some, and always the one that is shown."""
    size = record.value.size
    flat = np.arange(size)
    if size > MOST_ENTRIES:
        flat = rng.choice(size, MOST_ENTRIES // 5, replace=False)
    shown = [record.entry] if size else []
    shape = record.value.shape
    return list(
        dict.fromkeys([*shown, *(tuple(map(int, np.unravel_index(k, shape))) for k in flat)])
    )


class Nudge:
    """The tracer that adds `delta` to an array in passing, as `forward` of one object has it."""

    def __init__(self, owner, formula, delta):
        self.owner, self.formula, self.delta = owner, formula, delta
        self.waiting = False

    def __call__(self, frame, event, argument):
        if frame.f_code.co_name != "forward" or frame.f_locals.get("self") is not self.owner:
            return None
        self.waiting = not self.formula.after
        return self.local

    def local(self, frame, event, argument):
        if event == "line":
            if self.waiting:
                array = eval(self.formula.of, frame.f_globals, dict(frame.f_locals))
                np.add(array, self.delta, out=array)
                self.waiting = False
            function = function_of(frame)
            statement = keys(frame.f_code.co_filename, function).get(frame.f_lineno)
            self.waiting = bool(self.formula.after) and statement == self.formula.after
        return self.local


class tracing:
    """While the block runs, sys.settrace has this tracer; then the one there was before."""

    def __init__(self, tracer):
        self.tracer = tracer

    def __enter__(self):
        self.outer = sys.gettrace()
        sys.settrace(self.tracer)

    def __exit__(self, *exception):
        sys.settrace(self.outer)


def logits_of(model, loss, users, items):
    """What the loss is defined on: logits (B,), or probabilities."""
    predict = model.predict if isinstance(loss, BinaryCrossEntropy) else model.forward
    return predict(users, items)
