"""The same step otherwise: with each planted bug, and later, after some training.

A variant is a list of changes to the records of a trace: only the arrays that differ.
"""

from __future__ import annotations

import copy
import math

import numpy as np

from ...core.row_gradient import GroupById
from ..bugs import BUGS, planted
from .recompute import by_formula
from .trace import run_step, trace_step
from .view import four_digits, numbers_of

MOST_SNAPSHOTS, MOST_NUMBERS = 51, 120_000  # of the weights, while training
MOST_INSIDE, MOST_NUMBERS_INSIDE = 4, 50_000  # of the steps of training that can be looked into


def bugs_of(trace, model, loss, optimizer, batch, arrays):
    """For each planted bug that shows: its edits of what the model has, and the changes."""
    found = {}
    for name, bug in BUGS.items():
        edits = [edit for edit in bug.edits if edit.owner in owners(model, loss)]
        if not edits:
            continue
        step = model, loss, optimizer, batch.users, batch.items, batch.labels
        wrong = trace_step(*step, bug=bug, numerical=False)
        changes = changes_of(trace, wrong, arrays, [place_of(edit) for edit in edits])
        if changes:
            found[name] = {
                "summary": bug.summary,
                "edits": [[place_of(edit), edit.right, edit.wrong] for edit in edits],
                "changes": changes,
            }
    return found


def owners(model, loss):
    """The classes whose code runs in a step."""
    return {type(model), type(loss), GroupById, *(type(layer) for _, layer in model.layers())}


def place_of(edit):
    """ "Dense.backward" or "GroupById.sum": where the bug is planted."""
    return f"{edit.owner.__name__}.{edit.function}"


def changes_of(trace, other, arrays, planted_in=()):
    """{number of a record: what is otherwise in the other trace}.

    In a function where a bug is planted also `right`: what the right formula makes of the same
    operands, where that is something else.
    """
    changes = {}
    functions = {place.replace("GroupById.sum", "Embedding.backward") for place in planted_in}
    for number, (record, bad) in enumerate(zip(trace.records, other.records, strict=True)):
        if planted_in:
            bad.numerical, bad.kinks = record.numerical, record.kinks
        before, after = numbers_of(record, arrays), numbers_of(bad, arrays)
        change = {key: value for key, value in after.items() if before.get(key) != value}
        if "holes" in change:
            holes = change["holes"].items()
            change["holes"] = {c: h for c, h in holes if before["holes"][c] != h}
        if bad.function in functions and change:
            right = by_formula(bad)
            if not np.allclose(right, bad.value, rtol=1e-9, atol=1e-12):
                change["right"] = arrays.add(right)
        if change:
            changes[number] = change
    return changes


def training_of(trace, model, loss, optimizer, batch, steps, arrays, bugs):
    """Train on this batch alone, a copy of the model: rightly, and with each of the bugs.

    {"runs": {"": a run, name of a bug: a run, ...}, "inside": {step: changes of its trace}, ...}.
    """
    users, items = np.unique(batch.users), np.unique(batch.items)
    rows = {"user_embedding.W": users, "item_embedding.W": items}
    weights = {name: W[rows[name]] if name in rows else W for name, W, _ in model.parameters()}
    size = sum(W.size for W in weights.values())
    most = min(MOST_SNAPSHOTS, MOST_NUMBERS // (size * (1 + len(bugs))))
    every = math.ceil(steps / max(1, most - 1))
    taken = [0, *(step for step in range(1, steps + 1) if step % every == 0 or step == steps)]
    numbers = sum(record.value.size for record in trace.records)
    chosen = steps_inside(steps)[: max(0, MOST_NUMBERS_INSIDE // numbers)]
    right, inside = run_of(model, loss, optimizer, batch, steps, rows, taken, chosen)
    runs = {"": right}
    for name in bugs:
        with planted(BUGS[name]):
            runs[name], _ = run_of(model, loss, optimizer, batch, steps, rows, taken, ())
    return {
        "taken": taken,
        "shapes": {name: list(W.shape) for name, W in weights.items()},
        "runs": runs,
        "inside": {step: changes_of(trace, later, arrays) for step, later in inside.items()},
        "labels": [*map(batch.user_name, users), *map(batch.item_name, items)],
        "n_users": len(users),
    }


def steps_inside(steps):
    """A few steps of training after the first, ever further apart, the last among them."""
    shares = [0.1 ** (k / MOST_INSIDE) for k in range(MOST_INSIDE)]
    return sorted({max(1, round(share * steps)) for share in shares} - {1})


def run_of(model, loss, optimizer, batch, steps, rows, taken, chosen):
    """(losses, weights and points of one training, {step: trace} of the steps chosen)."""
    model, loss, optimizer = copy.deepcopy((model, loss, optimizer))
    arguments = model, loss, optimizer, batch.users, batch.items, batch.labels

    def snapshot():
        weights = {name: W for name, W, _ in model.parameters()}
        return {name: W[rows[name]] if name in rows else W.copy() for name, W in weights.items()}

    snapshots, values, inside = [snapshot()], [], {}
    for step in range(1, steps + 1):
        if step in chosen:
            inside[step] = trace_step(*arguments)
        values.append(run_step(*arguments))
        if step in taken:
            snapshots.append(snapshot())
    vectors = np.stack([np.vstack([s[name] for name in rows]) for s in snapshots])  # (S, R, K)
    run = {
        "losses": four_digits(np.array(values)),
        "weights": {name: [four_digits(s[name], 3) for s in snapshots] for name in snapshots[0]},
        "points": [four_digits(p, 3) for p in plane(vectors)],
    }
    return run, inside


def plane(vectors):
    """(S, R, K) vectors over time -> (S, R, 2), on the two directions in which they vary most."""
    flat = vectors.reshape(-1, vectors.shape[-1])  # (S R, K)
    centred = flat - flat.mean(axis=0)
    directions = np.linalg.svd(centred, full_matrices=False)[2][:2]  # (2, K)
    points = centred @ directions.T  # (S R, 2)
    if points.shape[1] < 2:
        points = np.hstack([points, np.zeros((len(points), 1))])
    return points.reshape(*vectors.shape[:2], 2)
