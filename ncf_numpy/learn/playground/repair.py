"""Which value on the way to a wrong result is to blame: the one whose replacement repairs it."""

import itertools

import numpy as np

from .compare import columns_like, columns_of, dense, differs
from .watch import kind_of, run_call

MOST_RUNS = 300  # of one call with another value in it


class Repair:
    """Runs a call again with other values in it, to see which of its own spoils the results."""

    def __init__(self, call, edit, expected, ingredients, known):
        self.call, self.edit = call, edit
        self.expected = {name: right for name, (_, right) in expected.items() if right is not None}
        self.ingredients, self.known = ingredients.values, known
        self.original = {}
        for change in ingredients.call.changes.values():
            self.original.setdefault(change.name, set()).add(kind_of(change.value))
        self.runs = 0
        self.wrong = self.columns(call.results)

    def columns(self, results):
        """Of each result the columns that are wrong."""
        found = set()
        for name, right in self.expected.items():
            value = results.get(name)
            if value is None and name.startswith("self.") and name not in self.call.results:
                continue
            mask = "shape" if value is None else differs(value, right)
            shape = np.shape(dense(right))
            if isinstance(mask, str):
                mask = np.ones(shape, bool)
            if mask is not None:
                flat = mask.reshape(-1, shape[-1] if len(shape) == 2 else 1)
                found |= {(name, int(k)) for k in np.flatnonzero(flat.any(axis=0))}
        return found

    def all_wrong(self, findings):
        """(finding, what it would be, that value), ... of the values that spoil a result."""
        held = {finding.name: kind_of(finding.value) for finding in findings}
        for finding in sorted(findings, key=lambda finding: finding.order):
            if not self.may_be_wrong(finding):
                continue
            for of, values in self.candidates(finding):
                if self.runs >= MOST_RUNS:
                    return
                right = bool(finding.of)  # it is some derivative
                if right and not self.is_exchanged(finding, values[-1], held):
                    continue
                repaired = self.repaired(finding, values)
                if repaired and not self.is_misplaced(finding, repaired):
                    yield finding, of, values[-1]
                    break

    def may_be_wrong(self, finding):
        """Whether it is worth a try: not a result, nor a new array that is yet to be filled.

        What the core has under this name, too, is right, and so is a value of the core's that is
        no gradient: what may be wrong is where it is used.
        """
        if finding.is_result or self.edit.makes_new_array(finding.line):
            return False
        kind = kind_of(finding.value)
        if kind in self.original.get(finding.name, ()):
            return False
        if finding.name in self.original or finding.of:
            return True
        values = itertools.chain.from_iterable(self.ingredients.values())
        return kind not in map(kind_of, values)

    def is_exchanged(self, finding, value, held):
        """Whether a right gradient may be another's: that one, or this, has a second name."""
        if finding.name in self.original:
            return True
        others = [kind for name, kind in held.items() if name != finding.name]
        return kind_of(value) in others or kind_of(finding.value) in others

    def is_misplaced(self, finding, repaired):
        """Whether a right value is in the right result, only at another place of it."""
        if not finding.of:
            return False
        wholes = [dense(self.expected[name]) for name, _ in repaired]
        return any(columns_like(finding.value, whole) is not None for whole in wholes)

    def candidates(self, finding):
        """(what it is, [a value for each time the line runs]), ...: all of the finding's shape."""
        shape, tried = np.shape(dense(finding.value)), {(kind_of(finding.value),)}
        for of, values in itertools.chain(self.known.items(), self.ingredients.items()):
            blocks = columns_of(values[0], shape) if len(values) == 1 else []
            rounds = [values] if len(values) > 1 else []
            for option in [*rounds, *([value] for value in values), *([b] for b in blocks)]:
                arrays = [dense(value) for value in option]
                key = tuple(map(kind_of, option))
                if key in tried or not any(a is not None and a.shape == shape for a in arrays):
                    continue
                tried.add(key)
                if all(array is not None and np.isfinite(array).all() for array in arrays):
                    yield of.removesuffix(" ="), option

    def repaired(self, finding, values):
        """The columns of results that are right with these values; none if others are wrong."""
        place = self.edit.replacing(finding.line, self.call.written(finding.name))
        if place is None:
            return set()
        function, put = place
        put[:] = values
        self.runs += 1
        again = run_call(function, self.call, lines=False)
        wrong = self.wrong if again.error is not None else self.columns(again.results)
        return self.wrong - wrong if wrong < self.wrong else set()
