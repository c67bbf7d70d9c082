"""The trace of a step with the learner's texts in place, each value with its verdict."""

from __future__ import annotations

import contextlib
import copy
from types import SimpleNamespace

import numpy as np

from ..stepper.derivatives import differentiate, logits_of, tracing
from ..stepper.trace import Trace, choose_entries, group, run_step
from .edits import FUNCTIONS, ORIGINALS, planted
from .expected import Derivatives
from .guard import explain
from .judge import DERIVATIVE, RIGHT, WRONG, Finding, judge
from .observe import StepObserver
from .reply import describe_record, first_wrong, view_with_verdicts

FORWARD_OF = {
    name: f"{name.partition('.')[0]}.forward" for name in FUNCTIONS if name.endswith(".backward")
}


def judged_trace(prepared):
    """Run a `Prepared` step and judge it. -> the parts of a reply: value, error, findings, ..."""
    step, edits, layer = prepared.step, prepared.edits, prepared.layer
    watched = [*edits, *(layer.methods.values() if layer else [])]
    edited = {edit.function: edit for edit in watched}
    functions = {edit.function: edit.compiled for edit in watched}
    for backward, forward in FORWARD_OF.items():
        if forward in edited:  # what was right for the core's forward may not be for this one
            functions.setdefault(backward, ORIGINALS[backward])
    model, loss, optimizer = copy.deepcopy((step.model, step.loss, step.optimizer))
    users, items, labels = step.arguments
    error = value = start = None
    with planted(edits):
        observer = StepObserver(model, loss, optimizer, users, items, functions)
        try:
            logits_of(model, loss, users[::-1], np.roll(items, 1))  # so that a stale cache shows
            start = copy.deepcopy((model, loss))
            with tracing(observer):
                value = run_step(model, loss, optimizer, users, items, labels)
            if "GroupById.sum" in edited:
                for embedding in (model.item_embedding, model.user_embedding):
                    observer.sum_rows(embedding)
        except (Exception, SystemExit) as raised:
            error = explain(raised)
        records = judged_records(observer, edited, layer, start, step.arguments, error is None)
    trace = None
    if error is None:
        find_boxes(records)
        names = (type(part).__name__ for part in (model, loss, optimizer))
        weights = {name: W for name, W, _ in start[0].parameters()}
        trace = Trace(*names, value, users, items, labels, weights, group(records))
    first = first_wrong(records)
    if first is None and error is not None and error["line"] is not None:
        first = {**error, "file": f"your {error['function']}", "verdict": WRONG}
    return {
        "value": value,
        "error": error,
        "findings": [found for found in map(describe_record, records) if found],
        "first": first,
        "view": view_with_verdicts(trace, step.batch) if trace else None,
    }


def find_boxes(records):
    """Of what a learner's line computes in no box of the graph: the box of what came before."""
    graph = {record.box for record in records if record.phase in ("forward", "loss")}
    last = records[0].box
    for record in records:
        if not graph & {record.box, record.box.rpartition(".")[0]} and record.box != "optimizer":
            record.box = last
        last = record.box


def judged_records(observer, edited, layer, start, batch, measured):
    """All records in order, each with its `finding`."""
    shown = set(map(id, observer.shown.values()))
    core = [record for record in observer.records if id(record) not in shown]
    for record in core:
        record.finding = None
    choose_entries(core, *batch[:2])
    if measured:
        measure(core, observer, start, batch)
    own, names = [], {**observer.boxes, id(observer.model): "model"}
    derivatives = derivatives_of(observer, layer, start, batch)
    for lines in observer.visits.values():
        call = lines.watch.call
        no_derivative = call.function.endswith(".backward") and derivatives is None
        if no_derivative or id(call.owner) not in names:  # a layer that is no part of the model
            continue
        original = ORIGINALS.get(call.function)
        if layer and call.function == f"{type(observer.model).__name__}.forward":
            original = None  # the core's forward has no such layer
        edit = edited.get(call.function)
        for finding in judge(call, edit, original, names, derivatives, edited):
            record = lines.record_of(finding)
            if record is not None:
                own.append(record)
    return sorted(core + own, key=lambda record: record.order)


def derivatives_of(observer, layer, start, batch):
    """The `Derivatives` that the calls need; None if they need none, or the loss has none."""
    if start is None or not any(call.function.endswith(".backward") for call in observer.calls):
        return None
    with contextlib.suppress(Exception):  # a forward that fails has no derivative
        return Derivatives(*start, *batch, layer)


def measure(core, observer, start, batch):
    """The derivatives of what was not edited, as the stepper takes them."""
    part = SimpleNamespace(records=core, owners=observer.owners, model=observer.model)
    differentiate(part, *start, *batch)
    for record in core:
        if record.numerical is not None and record.n_checked:
            verdict = RIGHT if record.is_right() else WRONG
            record.finding = Finding(
                record.line,
                record.name,
                record.value,
                record.order,
                verdict=verdict,
                by=DERIVATIVE,
                expected=record.numerical,
                of=f"dL/d{record.name.lstrip('d')}",
            )
