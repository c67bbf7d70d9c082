"""The gradient check of a step: each gradient beside the numerical derivative of the loss."""

import copy

import numpy as np

from ...core.gradcheck import ATOL, RTOL, STEP, Check
from ...core.losses import BinaryCrossEntropy
from ..stepper.derivatives import logits_of
from .compare import dense
from .edits import planted
from .expected import Derivatives
from .prepare import prepare


def check(request):
    """The gradients that the code in place computes, and what they should be.

    {"right": whether all are, "arrays": [as `compared` makes them, in the order of the model]}
    """
    prepared = prepare(request)
    step = prepared.step
    model, loss = copy.deepcopy((step.model, step.loss))
    users, items, _ = step.arguments
    with planted(prepared.edits):
        logits_of(model, loss, users[::-1], np.roll(items, 1))  # so that a stale cache shows
        derivatives = Derivatives(model, loss, *step.arguments)
        found = gradients_of(model, loss, *step.arguments)
        read = {name: np.unique(ids) for name, _, ids in model.lookups(users, items)}
        arrays = []
        for name, gradient in found.items():
            by_loss = name not in dict(arrays_of(model))
            right = derivatives.by_input("loss") if by_loss else derivatives.by_parameter(name)
            arrays.append(compared(name, gradient, right, read.get(name)))
    return {"right": all(array["right"] for array in arrays), "arrays": arrays}


def arrays_of(model):
    return [(name, W) for name, W, _ in model.parameters()]


def gradients_of(model, loss, users, items, labels):
    """{name: gradient} of one forward and backward, that of the loss first."""
    on_probabilities = isinstance(loss, BinaryCrossEntropy)
    loss.forward(logits_of(model, loss, users, items), labels)
    above = loss.backward()
    model.backward(model.sigmoid.backward(above) if on_probabilities else above)
    first = {"probabilities" if on_probabilities else "logits": above}
    return first | {name: dW for name, _, dW in model.parameters()}


def compared(name, gradient, numerical, rows):
    """One array of the check, in plain numbers; None for what could not be compared.

    rows: of a table, those the batch reads; a gradient of another row counts, too.
    {"array", "shape", "rows", "analytic", "numerical", "entries", "kinks", "rel_error", "index",
    "right"}: `index` is the entry with the largest relative error, `rel_error`.
    """
    analytic = dense(gradient)
    found = {"array": name, "shape": list(numerical.shape), "rows": None, "right": False}
    if analytic is None or analytic.shape != numerical.shape:
        shape = None if analytic is None else list(analytic.shape)
        found |= {"analytic": None, "numerical": plain(numerical), "analytic_shape": shape}
        return found | {"entries": 0, "kinks": 0, "rel_error": None, "index": None}
    if rows is not None:
        rows = np.union1d(rows, np.flatnonzero(analytic.any(axis=1)))
        found["rows"] = rows.tolist()
        analytic, numerical = analytic[rows], numerical[rows]
    known = np.isfinite(numerical)
    errors = np.where(known, 0.0, -1.0)
    relative = Check(None, STEP, RTOL, ATOL, []).relative_error
    for entry in map(tuple, np.argwhere(known)):
        errors[entry] = relative(float(analytic[entry]), float(numerical[entry]))
    worst = np.unravel_index(errors.argmax(), errors.shape)
    largest = float(errors[worst]) if known.any() else None
    index = [int(k) for k in worst]
    if rows is not None:
        index[0] = int(rows[index[0]])
    return found | {
        "analytic": plain(analytic),
        "numerical": plain(numerical),
        "entries": int(known.sum()),
        "kinks": int((~known).sum()),
        "rel_error": largest if largest is None or np.isfinite(largest) else None,
        "index": index,
        "right": largest is not None and largest <= RTOL,
    }


def plain(array):
    return np.where(np.isfinite(array), array, None).tolist()
