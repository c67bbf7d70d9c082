"""The computation graph of a trace: its boxes, how they are joined, and what each holds when."""

from __future__ import annotations

import itertools


def boxes_of(trace, batch, arrays):
    """A box for each layer and section of the model, in forward order.

    An edge goes from the box that computed an array to the box that reads it. `column` is the
    longest way from an embedding, `lane` the place beside the others of a column.
    """
    boxes = {}
    records = trace.records
    for number, record in enumerate(records):
        if record.phase not in ("forward", "loss"):
            continue
        kind = record.function.partition(".")[0]
        new = {"name": record.box, "kind": kind, "from": [], "values": [], "forward": record.stop}
        box = boxes.setdefault(record.box, new)
        for hole in record.holes.values():
            source = records[hole.origin].box if isinstance(hole.origin, int) else None
            if source not in (None, record.box, *box["from"]):
                box["from"].append(source)
        if record.value.ndim:
            box["values"].append(number)
    for before, box in itertools.pairwise(boxes.values()):
        if not box["from"] and box["kind"] != "Embedding":
            box["from"] = [before["name"]]
    for box in boxes.values():
        way_back(trace, box, arrays)
        tables = [
            table_of(trace, batch, name, arrays)
            for name in trace.weights
            if name.partition(".")[0] == box["name"]
        ]
        box["tables"] = [table for table in tables if table]
    place(boxes)
    return [*boxes.values(), *optimizer_of(trace, boxes)]


def optimizer_of(trace, boxes):
    """A box behind all others for what an optimizer computes once a step, if there is such."""
    return [
        {
            "name": stop.box,
            "kind": trace.optimizer,
            "from": [],
            "values": [],
            "forward": number,
            "backward": None,
            "gradients": {},
            "tables": [],
            "column": 1 + max(box["column"] for box in boxes.values()),
            "lane": list(boxes.values())[-1]["lane"],
        }
        for number, stop in enumerate(trace.stops)
        if stop.box == "optimizer"
    ]


def place(boxes):
    columns = {}
    for box in boxes.values():
        sources = [boxes[source] for source in box["from"]]
        box["column"] = 1 + max((source["column"] for source in sources), default=-1)
        columns.setdefault(box["column"], []).append(box)
    for column in columns.values():
        for lane, box in enumerate(column):
            lanes = [boxes[source]["lane"] for source in box["from"]]
            box["lane"] = lane if len(column) > 1 else sum(lanes) / max(1, len(lanes))


def way_back(trace, box, arrays):
    """Where the gradient of each value of a box appears: {record: [stop, array, name]}.

    It is the result that says so, or what the box's backward reads: an array of this size.
    """
    box["gradients"], used = {}, set()
    stops = [r.stop for r in trace.records if (r.phase, r.box) == ("backward", box["name"])]
    box["backward"] = min(stops, default=None)
    for number in box["values"]:
        value = trace.records[number]
        for stop, array, name in candidates(trace, value):
            if array.size == value.value.size and (name, stop) not in used:
                used.add((name, stop))
                box["gradients"][number] = [stop, arrays.add(array), name]
                break


def candidates(trace, value):
    """(stop, array, name) that may be the gradient of a value, the surest first."""
    backward = [r for r in trace.records if r.phase == "backward"]
    model = value.function.partition(".")[0]
    for record in backward:
        of = record.formula.of.removeprefix("self.")
        if (record.function, of) == (f"{model}.backward", value.name):
            yield record.stop, record.value, record.name
    for record in backward:
        if record.box != value.box:
            continue
        if record.box == "loss":
            yield record.stop, record.value, record.name
        for hole in record.holes.values():
            if hole.name.startswith("d"):
                yield record.stop, hole.array, hole.name


def table_of(trace, batch, name, arrays):
    """A weight before the step, its gradient and after it, and the stops where these appear.

    None where no line computes a gradient of this name, as in a learner's own layer.
    """
    box, _, short_name = name.partition(".")
    backward = [r for r in trace.records if r.phase == "backward" and r.box == box]
    gradient = next((r for r in backward if r.name == f"d{short_name}"), None)
    if gradient is None:
        return None
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
