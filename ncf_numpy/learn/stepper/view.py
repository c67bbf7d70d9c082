"""A trace as plain lists and numbers: the data that the page shows.

    data = view_of(trace, batch)         # ready for json.dumps; page.py puts it into a file
    data["bugs"], data["training"]       # empty here; variants.py has what goes there

Numbers are rounded here, once, to the four digits the page shows.
"""

from __future__ import annotations

import math

import numpy as np

from .digits import constant, error, short
from .graph import boxes_of


def view_of(trace, batch, arrays=None):
    """What the page shows of a trace.

    batch: has users, items, labels, user_name, item_name and plays.source, as a `Batch`.
    arrays: the `Arrays` to use, if more will be added to them.
    """
    arrays = Arrays() if arrays is None else arrays
    boxes = boxes_of(trace, batch, arrays)
    nodes = [box["name"] for box in boxes]
    return {
        "model": trace.model,
        "loss": trace.loss,
        "optimizer": trace.optimizer,
        "value": short(trace.value),
        "source": batch.plays.source.partition(",")[0],
        "batch": describe_batch(batch),
        "names": {
            "user": {int(u): batch.user_name(u) for u in trace.users},
            "item": {int(i): batch.item_name(i) for i in trace.items},
        },
        "boxes": boxes,
        "stops": stops_of(trace, nodes),
        "records": [as_page(record, arrays) for record in trace.records],
        "arrays": arrays.packed,
        "bugs": {},
        "training": None,
    }


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
    """The entries, flat, rounded; None for what is not a number."""
    rounded = (float(f"{x:.{digits}g}") for x in array.reshape(-1).tolist())
    return [int(x) if x.is_integer() else x if math.isfinite(x) else None for x in rounded]


def describe_batch(batch):
    rows = zip(batch.users, batch.items, batch.labels)
    return [[int(u), int(i), short(y), batch.user_name(u), batch.item_name(i)] for u, i, y in rows]


def stops_of(trace, nodes):
    """The stops in order; `node` is the box of the graph: dense1 for the update of dense1.W."""
    numbers = iter(range(len(trace.records)))
    stops = []
    for stop in trace.stops:
        names = [name for name in (stop.box, stop.box.rpartition(".")[0]) if name in nodes]
        stops.append(
            {
                "phase": stop.phase,
                "box": stop.box,
                "fn": stop.function,
                "records": [next(numbers) for _ in stop.records],
                "node": names[0],
            }
        )
    return stops


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
        "text": record.text,
        "axes": list(record.axes),
        "term": record.formula.term,
        "whole": record.formula.whole,
        "otherwise": record.formula.otherwise,
        "sum": list(record.summed),
        "entry": list(record.entry),
        **numbers_of(record, arrays),
    }
    if record.choices:
        page["choices"] = {str(key[0]): choice for key, choice in record.choices.items()}
    if record.rows is not None:
        page["rows"], page["table"] = record.rows.tolist(), record.table
    return page


def numbers_of(record, arrays):
    """The part of a record that another step of the same model has otherwise."""
    page = {"v": arrays.add(record.value), "holes": {}}
    tints = {}
    for code, hole in record.holes.items():
        page["holes"][code] = hole_as_page(hole, record, arrays)
        if hole.array.ndim:
            key = (hole.name, hole.array.tobytes())
            page["holes"][code]["tint"] = tints.setdefault(key, len(tints) % 4)
    if record.numerical is not None:
        page["num"] = arrays.add(record.numerical)
        page["kinks"], page["checked"] = record.kinks, record.n_checked
        page["error"] = error(record.relative_error())
        page["failing"] = record.failing()
    return page


def hole_as_page(hole, record, arrays):
    """A constant as text, or an array's number and what its axes' indices are by the letters.

    Of a table that is looked up, only the rows that are read.
    """
    array = hole.array
    name = record.name if hole.name == "W" and record.is_bias else hole.name
    page = {"name": name, "from": hole.origin}
    if array.ndim == 0:
        return {**page, "text": constant(array[()])}
    index = [
        [letter, None if isinstance(positions, range) else positions]
        for letter, positions in hole.index
    ]
    if array.ndim == 2 and index[0][1] is not None:
        rows, places = np.unique(index[0][1], return_inverse=True)
        page["rows"], index[0][1], array = rows.tolist(), places.tolist(), array[rows]
    return {**page, "a": arrays.add(array), "index": index}
