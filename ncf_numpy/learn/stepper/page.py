"""The stepper as one HTML file: a trace, the numbers each planted bug would give, and training.

Everything the page needs is in it: it opens from disk, without network or build step. Numbers are
rounded here, once, to the four digits the page shows.
"""

from __future__ import annotations

import copy
import itertools
import json
import math
from importlib import resources

import numpy as np

from ..bugs import BUGS
from .digits import constant, short
from .trace import run_step, trace_step

MOST_SNAPSHOTS, MOST_NUMBERS = 51, 150_000  # of the weights, while training


def build_page(trace, model, loss, optimizer, batch, *, steps=0):
    """The page of a trace as text, with `steps` of training if any.

    model, loss, optimizer, batch: what was traced; they are left as they are.
    """
    arrays = Arrays()
    data = {
        "model": trace.model,
        "loss": trace.loss,
        "optimizer": trace.optimizer,
        "source": batch.plays.source.partition(",")[0],
        "batch": describe_batch(batch),
        "names": {
            "user": {int(u): batch.user_name(u) for u in trace.users},
            "item": {int(i): batch.item_name(i) for i in trace.items},
        },
        "boxes": boxes_of(trace, batch, arrays),
        "stops": stops_of(trace),
        "records": [as_page(record, arrays) for record in trace.records],
        "bugs": bugs_of(trace, model, loss, optimizer, batch, arrays),
        "training": train(model, loss, optimizer, batch, steps) if steps else None,
    }
    data["arrays"] = arrays.packed
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    page = asset("page.html").replace("TITLE", f"One training step of {trace.model}")
    page = page.replace("/* CSS */", asset("page.css")).replace("/* JS */", asset("page.js"))
    return page.replace('"DATA"', text.replace("<", "\\u003c"))  # a name must not end the script


def asset(name):
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


class Arrays:
    """The arrays of a page, each once: most operands are results of an earlier line."""

    def __init__(self):
        self.packed, self.numbers = [], {}

    def add(self, array):
        """Its number on the page."""
        array = np.asarray(array)
        key = (array.shape, array.tobytes())
        if key not in self.numbers:
            self.numbers[key] = len(self.packed)
            self.packed.append({"s": list(array.shape), "v": four_digits(array)})
        return self.numbers[key]


def four_digits(array, digits=4):
    """The entries, flat, rounded; None for NaN."""
    rounded = (float(f"{x:.{digits}g}") for x in array.reshape(-1).tolist())
    return [None if math.isnan(x) else int(x) if x == int(x) else x for x in rounded]


def describe_batch(batch):
    rows = zip(batch.users, batch.items, batch.labels)
    return [[int(u), int(i), short(y), batch.user_name(u), batch.item_name(i)] for u, i, y in rows]


def stops_of(trace):
    """[[phase, box, function, numbers of its records], ...]."""
    numbers = iter(range(len(trace.records)))
    return [[s.phase, s.box, s.function, [next(numbers) for _ in s.records]] for s in trace.stops]


def as_page(record, arrays):
    """A record as the page's script reads it; keys are short because there are many."""
    page = {
        "phase": record.phase,
        "box": record.box,
        "fn": record.function,
        "name": record.name,
        "code": record.code,
        "file": record.file,
        "line": record.line,
        "text": record.formula.text,
        "axes": list(record.axes),
        "v": arrays.add(record.value),
        "term": record.formula.term,
        "whole": record.formula.whole,
        "otherwise": record.formula.otherwise,
        "sum": list(record.summed),
        "entry": list(record.entry),
        "holes": {code: hole_as_page(hole, arrays) for code, hole in record.holes.items()},
    }
    if record.choices:
        page["choices"] = {str(key[0]): choice for key, choice in record.choices.items()}
    if record.rows is not None:
        page["rows"], page["table"] = record.rows.tolist(), record.table
    if record.numerical is not None:
        page["num"] = arrays.add(record.numerical)
        page["kinks"], page["error"] = record.kinks, f"{record.relative_error():.0e}"
        page["checked"] = record.n_checked
        page["right"] = bool(record.is_right())
    return page


def hole_as_page(hole, arrays):
    """A constant as text, or an array's number and what its axes' indices are by the letters.

    Of a table that is looked up, only the rows that are read.
    """
    array = hole.array
    if array.ndim == 0:
        return {"text": constant(array[()])}
    index = [
        [letter, None if isinstance(positions, range) else positions]
        for letter, positions in hole.index
    ]
    page = {}
    if array.ndim == 2 and index[0][1] is not None:
        rows, places = np.unique(index[0][1], return_inverse=True)
        page["rows"], index[0][1], array = rows.tolist(), places.tolist(), array[rows]
    return {**page, "a": arrays.add(array), "index": index}


def boxes_of(trace, batch, arrays):
    """The computation graph: a box for each layer and section of the model, in forward order.

    An edge goes from the box that computed an array to the box that reads it. `column` is the
    longest way from an embedding, `lane` the place beside the others of a column.
    """
    boxes, producers = {}, {}
    for number, record in enumerate(trace.records):
        if record.phase not in ("forward", "loss"):
            continue
        kind = record.function.partition(".")[0]
        new = {"name": record.box, "kind": kind, "from": [], "values": [], "forward": record.stop}
        box = boxes.setdefault(record.box, new)
        for hole in record.holes.values():
            source = producers.get(hole.array.tobytes()) if hole.array.size > 1 else None
            if source not in (None, record.box, *box["from"]):
                box["from"].append(source)
        if record.value.ndim and record.name != "logits":
            box["values"].append(number)
            producers[record.value.tobytes()] = record.box
    for before, box in itertools.pairwise(boxes.values()):
        if not box["from"] and box["kind"] != "Embedding":
            box["from"] = [before["name"]]
    columns = {}
    for box in boxes.values():
        sources = [boxes[source] for source in box["from"]]
        box["column"] = 1 + max((source["column"] for source in sources), default=-1)
        columns.setdefault(box["column"], []).append(box)
        box["backward"], box["gradient"], box["gradient_name"] = way_back(trace, box, arrays)
        box["tables"] = [
            table_of(trace, batch, name, arrays)
            for name in trace.weights
            if name.partition(".")[0] == box["name"]
        ]
    for column in columns.values():
        for place, box in enumerate(column):
            lanes = [boxes[source]["lane"] for source in box["from"]]
            box["lane"] = place if len(column) > 1 else sum(lanes) / max(1, len(lanes))
    return list(boxes.values())


def way_back(trace, box, arrays):
    """Where the gradient by a box's output appears: (stop, array, name), or three None."""
    shape = trace.records[box["values"][-1]].value.shape
    for record in trace.records:
        if record.phase == "backward" and record.box == box["name"]:
            if box["name"] == "loss":
                return record.stop, arrays.add(record.value), record.name
            for code, hole in record.holes.items():
                if hole.array.shape == shape:
                    return record.stop, arrays.add(hole.array), code.partition("[")[0]
    return None, None, None


def table_of(trace, batch, name, arrays):
    """A weight before the step, its gradient and after it, and the stops where these appear."""
    box, _, short_name = name.partition(".")
    gradient = next(
        r
        for r in trace.records
        if r.phase == "backward" and r.box == box and r.name == f"d{short_name}"
    )
    update = [r for r in trace.records if r.phase == "update" and r.box == name][-1]
    rows, names = gradient.rows, None
    if gradient.table:
        name_of = batch.user_name if gradient.table == "user" else batch.item_name
        names = [name_of(row) for row in rows]
    before = trace.weights[name] if rows is None else trace.weights[name][rows]
    return {
        "name": short_name,
        "names": names,
        "before": arrays.add(before),
        "gradient": arrays.add(gradient.value),
        "after": arrays.add(update.value),
        "checked": gradient.stop,
        "updated": update.stop,
    }


def bugs_of(trace, model, loss, optimizer, batch, arrays):
    """For each planted bug that shows: the values that come out otherwise, the checks that fail."""
    found = {}
    for name, bug in BUGS.items():
        if trace.model.lower() not in bug.models:
            continue
        wrong = trace_step(
            model,
            loss,
            optimizer,
            batch.users,
            batch.items,
            batch.labels,
            bug=bug,
            numerical=False,
        )
        values, failing = {}, []
        for number, (right, bad) in enumerate(zip(trace.records, wrong.records, strict=True)):
            if np.array_equal(right.value, bad.value):
                continue
            values[number] = arrays.add(bad.value)
            bad.numerical = right.numerical
            if bad.numerical is not None and not bad.is_right():
                failing.append(number)
        if values:
            found[name] = {
                "summary": bug.summary,
                "edits": [[place_of(edit), edit.right, edit.wrong] for edit in bug.edits],
                "values": values,
                "failing": failing,
            }
    return found


def place_of(edit):
    """ "Dense.backward" or "GroupById.sum": where the bug is planted."""
    return f"{edit.owner.__name__}.{edit.function}"


def train(model, loss, optimizer, batch, steps):
    """Train on this batch alone, a copy of the model, and keep what moves."""
    model, loss, optimizer = copy.deepcopy((model, loss, optimizer))
    users, items = np.unique(batch.users), np.unique(batch.items)
    rows = {"user_embedding.W": users, "item_embedding.W": items}

    def snapshot():
        weights = {name: W for name, W, _ in model.parameters()}
        return {name: W[rows[name]] if name in rows else W.copy() for name, W in weights.items()}

    snapshots, values, taken = [snapshot()], [], [0]
    size = sum(W.size for W in snapshots[0].values())
    every = math.ceil(steps / max(1, min(MOST_SNAPSHOTS, MOST_NUMBERS // size) - 1))
    for step in range(1, steps + 1):
        values.append(run_step(model, loss, optimizer, batch.users, batch.items, batch.labels))
        if step % every == 0 or step == steps:
            snapshots.append(snapshot())
            taken.append(step)
    labels = [batch.user_name(u) for u in users] + [batch.item_name(i) for i in items]
    vectors = np.stack([np.vstack([s[name] for name in rows]) for s in snapshots])  # (S, R, K)
    return {
        "losses": four_digits(np.array(values)),
        "taken": taken,
        "weights": {
            name: {"s": list(W.shape), "v": [four_digits(s[name], 3) for s in snapshots]}
            for name, W in snapshots[0].items()
        },
        "points": [four_digits(p, 3) for p in plane(vectors)],
        "labels": labels,
        "n_users": len(users),
    }


def plane(vectors):
    """(S, R, K) vectors over time -> (S, R, 2), on the two directions in which they vary most."""
    flat = vectors.reshape(-1, vectors.shape[-1])  # (S R, K)
    centred = flat - flat.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2][:2]  # (2, K)
    points = centred @ directions.T  # (S R, 2)
    if points.shape[1] < 2:
        points = np.hstack([points, np.zeros((len(points), 1))])
    return points.reshape(*vectors.shape[:2], 2)
