"""The playground as one pure function: a request of plain JSON in, a reply of plain JSON out.

    reply = answer({"step": {"model": "neumf"}, "edits": {"Dense.backward": "def backward(..."}})
    reply["first"]           # {"function": "Dense.backward", "line": 4, "name": "dx", ...} or None

Nothing of the machine is in a reply, and the core is as it was before: an edit is in place only
while its step runs.
"""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from types import SimpleNamespace

import numpy as np

from ..stepper.slopes import differentiate, logits_of, tracing
from ..stepper.trace import Trace, choose_entries, group, run_step
from .edits import FUNCTIONS, ORIGINALS, Edit, EditError, filename_of, line_in, planted
from .expected import Derivatives
from .judge import DERIVATIVE, RIGHT, WRONG, Finding, judge
from .observe import StepObserver
from .reply import describe_record, first_wrong, view_with_verdicts
from .step import build_step

MOST_OUTPUT = 10_000  # characters of what the learner's code prints
BACKWARDS = [name for name in FUNCTIONS if name.endswith(".backward")]
FORWARD_OF = {name: f"{name.partition('.')[0]}.forward" for name in BACKWARDS}


def answer(request):
    """The reply to a request; what is wrong with the request or the code is in the reply, too.

    request: {"step": settings as in `step.DEFAULTS`, "edits": {function: text}}.
    reply: {"value": the loss, "first": the first wrong value or None, "findings": [...],
    "error": {"function", "line", "message"} or None, "output": what was printed, "view": the page}.
    """
    reply = {"value": None, "first": None, "findings": [], "view": None}
    return reply | guarded(lambda: judged_step(request))


def judged_step(request):
    step = build_step(request.get("step", {}))
    return run(step, [Edit(name, text) for name, text in request.get("edits", {}).items()])


def guarded(task):
    """What a task returns, with what it prints and the error that ends it, if one does."""
    output, reply = Output(), {"error": None}
    with contextlib.redirect_stdout(output), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            reply |= task()
        except EditError as error:
            reply["error"] = describe(error.function, error.line, str(error))
        except KeyboardInterrupt as error:
            reply["error"] = explain(error) | {"message": "the time was up here: an endless loop?"}
        except (Exception, SystemExit) as error:
            reply["error"] = explain(error)
    return {"output": output.getvalue(), **reply}


class Output(io.StringIO):
    """Keeps what is printed, up to a bound: a loop that prints has to fit, too."""

    def write(self, text):
        room = MOST_OUTPUT - self.tell()
        super().write(text[:room] if room > 0 else "")
        return len(text)


def run(step, edits):
    """Run the step with the edits in place and judge it. -> the parts of a reply."""
    edited = {edit.function: edit for edit in edits}
    functions = {edit.function: edit.compiled for edit in edits}
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
                for layer in (model.item_embedding, model.user_embedding):
                    observer.sum_rows(layer)
        except (Exception, SystemExit) as raised:
            error = explain(raised)
        records = judged_records(observer, edited, start, step.arguments, measured=error is None)
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


def judged_records(observer, edited, start, batch, measured):
    """All records in order, each with its `finding`."""
    shown = set(map(id, observer.shown.values()))
    core = [record for record in observer.records if id(record) not in shown]
    for record in core:
        record.finding = None
    choose_entries(core, *batch[:2])
    derivatives = None
    if start is not None and any(call.function in BACKWARDS for call in observer.calls):
        with contextlib.suppress(Exception):  # a forward that fails has no derivative
            derivatives = Derivatives(*start, *batch)
    if measured:
        measure(core, observer, start, batch)
    own = []
    for lines in observer.visits.values():
        call = lines.watch.call
        if call.function in BACKWARDS and derivatives is None:
            continue
        names = {**observer.boxes, id(observer.model): "model"}
        for finding in judge(call, edited.get(call.function), names, derivatives, set(edited)):
            record = lines.record_of(finding)
            if record is not None:
                own.append(record)
    return sorted(core + own, key=lambda record: record.order)


def measure(core, observer, start, batch):
    """The derivatives of what nobody edited, as the stepper takes them."""
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


def explain(raised):
    """An error, with the learner's line it passed last, if any."""
    message = str(raised) if type(raised) is ValueError else f"{type(raised).__name__}: {raised}"
    for function in FUNCTIONS:
        deep = isinstance(raised, RecursionError)  # its last line is any, its first the cause
        line = line_in(raised.__traceback__, filename_of(function), first=deep)
        if line is not None:
            return describe(function, line, f"{type(raised).__name__}: {raised}")
    return describe(None, None, message)


def describe(function, line, message):
    return {"function": function, "line": line, "message": message}
