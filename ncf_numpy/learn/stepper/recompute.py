"""The value of a record, computed again from its operands by its formula, all entries at once."""

from __future__ import annotations

import numpy as np

from .record import holes

FUNCTIONS = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "max": np.maximum,
    "min": np.minimum,
}


def by_formula(record):
    """What the formula gives. Where a line has a planted bug, that is not what the line gave."""
    formula, shape = record.formula, record.value.shape
    letter, n = record.summed
    letters = [*record.axes, letter] if letter else list(record.axes)
    terms = evaluate(formula.term, record, letters)
    if formula.otherwise:
        first = np.array([record.choices[(k,)] for k in range(shape[-1])])
        terms = np.where(first, terms, evaluate(formula.otherwise, record, letters))
    elif record.choices:
        chosen = np.array([np.isin(range(n), record.choices[(r,)]) for r in range(shape[0])])
        terms = terms * chosen[:, None, :]  # (R, K, n)
    terms = np.broadcast_to(terms, (*shape, n) if letter else shape)
    total = terms.sum(axis=-1) if letter else terms
    return np.broadcast_to(evaluate(formula.whole, record, list(record.axes), SUM=total), shape)


def evaluate(template, record, letters, **names):
    """A template with an axis for each letter in the place of the indices."""
    names = {**FUNCTIONS, **names}
    for number, code in enumerate(holes(template)):
        template = template.replace(f"{{{code}}}", f"hole{number}")
        names[f"hole{number}"] = spread(record.holes[code], letters)
    return eval(template, names)


def spread(hole, letters):
    """The entries of a hole, one axis for each letter.

    Of two arrays side by side each has positions for all columns: those outside do not count.
    """
    index = []
    for (letter, positions), size in zip(hole.index, hole.array.shape):
        shape = [-1 if other == letter else 1 for other in letters]
        index.append(np.array(positions).reshape(shape) % size if letter else positions[0])
    return hole.array[tuple(index)]
