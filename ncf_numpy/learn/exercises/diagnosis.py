"""Why an answer is wrong, where that can be shown.

`find_cause` looks for a mistake that produces just this answer: it computes what each known mistake
would give (mistakes.py) and compares. A cause is named only if all numbers agree; else there is
none, for a guess would send the learner the wrong way.
"""

import ast
import itertools

import numpy as np

from .expressions import value_of
from .mistakes import COMMON, variants
from .repairs import find_repair
from .script import substitute
from .values import as_numbers, axes, same

MOST_PAIRS = 2000  # of two mistakes at once that are tried


def find_cause(yours, right, blank, scope, definitions):
    """The mistake that explains an answer, as a sentence, or "".

    yours: the answer; right: its right value; blank: the solution's line and notes (script.Blank);
    scope: the variables before the answer; definitions: {name: expression} of earlier answers.
    """
    try:
        yours = as_numbers(yours)
    except (TypeError, ValueError):
        return ""
    return Search(yours, np.asarray(right, float), scope).run(blank, definitions)


class Search:
    """One search: candidates are computed once, and compared exactly first, then related."""

    def __init__(self, yours, right, scope):
        self.yours, self.right, self.scope = yours, right, scope
        self.sizes = batch_sizes(scope)
        self.seen = []  # (sentence, value) of single mistakes, each value once

    def run(self, blank, definitions):
        merged = inline(blank.right, definitions)
        return self.first(
            self.noted(blank.mistakes),
            self.turned(),
            self.exact(self.candidates(blank.right)),
            self.rounded(),
            self.related_to_right(),
            filter(None, [find_repair(blank, self.scope, self.right)]),
            self.related(),
            self.exact(self.candidates(merged) if merged else []),
            self.double(blank.right),
            self.variables(),
            self.proportional(),
        )

    def first(self, *stages):
        """The first sentence of any stage, or ""."""
        return next(itertools.chain(*stages), "")

    def noted(self, mistakes):
        """The sentence of the solution about a mistake that has this value, be it zeros or inf."""
        candidates = [(sentence, self.telling(self.evaluate(tree))) for tree, sentence in mistakes]
        self.seen += [(sentence, value) for sentence, value in candidates if value is not None]
        finite = np.isfinite(self.yours).any()
        return (sentence for sentence, value in self.seen if finite and same(value, self.yours))

    def candidates(self, tree):
        """(sentence, value) of each single mistake."""
        for sentence, wrong in variants(tree, self.scope):
            yield sentence, self.evaluate(wrong)

    def exact(self, candidates):
        """The sentences of those candidates that are the answer; all are kept for `related`."""
        for sentence, value in candidates:
            value = self.telling(value)
            if value is not None:
                self.seen.append((sentence, value))
                if self.is_answer(value):
                    yield sentence

    def double(self, tree):
        if self.right.size < 2:
            return
        pairs = (
            (first, second, wrong)
            for first, half in variants(tree, self.scope, COMMON)
            for second, wrong in variants(half, self.scope, COMMON)
        )
        for first, second, wrong in itertools.islice(pairs, MOST_PAIRS):
            value = self.telling(self.evaluate(wrong))
            if value is not None and self.is_answer(value):
                yield f"{first}; {second}"

    def turned(self):
        """The right value with the other sign, or transposed."""
        if self.yours.shape == self.right.shape and same(self.yours, -self.right):
            yield "the sign is wrong"
        if self.yours.ndim == 2 and same(self.yours, self.right.T):
            yield "it is transposed"

    def related_to_right(self):
        if self.yours.size < 2 and self.right.size < 2:
            return
        how = relation(self.yours, self.right, self.sizes)
        if how:
            yield how

    def rounded(self):
        for k in range(1, 9):
            short = np.round(self.right, k)
            if same(self.yours, short) and (short != 0).all():
                yield "it is rounded: give all digits, by a formula"

    def related(self):
        if is_flat(self.yours) or self.yours.size < 2:
            return
        for sentence, value in self.seen:
            if not is_flat(value):
                how = relation(self.yours, value, self.sizes)
                if how:
                    yield f"{sentence}; {how}"

    def variables(self):
        if is_flat(self.yours) and self.yours.size > 1:
            return
        for name, value in self.scope.items():
            if axes(value) is not None and same(np.asarray(value, float), self.yours):
                yield f"this is `{name}` itself"

    def proportional(self):
        factor = ratio(self.yours, self.right) if self.yours.size > 1 else None
        if factor:
            n, inverse = round(factor), round(1 / factor)
            if n > 1 and np.isclose(factor, n, 1e-9, 0):
                yield f"all of it is multiplied by {n} once too often"
            if inverse > 1 and np.isclose(factor * inverse, 1, 1e-9, 0):
                yield f"all of it is divided by {inverse} once too often"

    def is_answer(self, value):
        return same(value, self.yours) and (np.isfinite(value) & (value != 0)).any()

    def evaluate(self, tree):
        return value_of(tree, self.scope)

    def telling(self, value):
        """A candidate's value as an array, or None if it is the right one, or no number."""
        try:
            value = as_numbers(value)
        except (TypeError, ValueError):
            return None
        return None if value.size == 0 or same(value, self.right) else value


def inline(tree, definitions):
    """The right expression with earlier answers written out, or None if it has none of them."""
    new = substitute(
        tree, lambda node: definitions.get(node.id) if isinstance(node, ast.Name) else None
    )
    return None if ast.dump(new) == ast.dump(tree) else new


def is_flat(value):
    """Whether all numbers of an array are equal."""
    return value.size == 0 or bool((value == value.flat[0]).all())


def batch_sizes(scope):
    """What a learner may have divided by, such as the size of the batch."""
    lengths = {len(value) for value in scope.values() if axes(value) == 2 and len(value) > 1}
    return lengths | {value for value in scope.values() if type(value) is int and value > 1}


def ratio(yours, value):
    """The one factor between two arrays, or None."""
    known = value != 0
    if yours.shape != value.shape or not known.any() or (yours[~known] != 0).any():
        return None
    ratios = yours[known] / value[known]
    alike = np.isfinite(ratios).all() and np.allclose(ratios, ratios[0], 1e-9, 0)
    return float(ratios[0]) if alike else None


def relation(yours, value, sizes):
    """How an answer follows from another value, as a phrase, or None: sign, 1/B, axes, order."""
    factor = ratio(yours, value)
    if factor:
        return in_words(factor, sizes)
    if yours.ndim == 2 and same(yours, value.T):
        return "it is transposed"
    if yours.size == value.size > 1 and same(yours.reshape(value.shape), value):
        return f"the numbers are right, but in shape {yours.shape}"
    for axis in range(yours.ndim):
        if yours.ndim == value.ndim + 1:
            if same(yours.sum(axis), value):
                return f"it is not summed over axis {axis}"
            if all(same(part, value) for part in np.moveaxis(yours, axis, 0)):
                return f"it is repeated along axis {axis}: one row of it would do"
    if yours.shape == value.shape and value.ndim:
        if same(yours, value[::-1]):
            return "the rows are in reverse order"
        if same(yours, value[..., ::-1]):
            return "the columns are in reverse order"
        half = value.shape[-1] // 2
        if half and same(yours, np.roll(value, half, axis=-1)):
            return "the halves are exchanged"
    if yours.ndim < value.ndim:
        for axis in range(value.ndim):
            if same(yours, value.sum(axis)):
                return f"it is summed over axis {axis}: nothing is summed here"
            if same(yours, value.mean(axis)):
                return f"it is the mean over axis {axis}: no mean is taken here"
        if yours.ndim == 0 and same(yours, value.sum()):
            return "it is summed to one number: nothing is summed here"
    return None


def in_words(factor, sizes):
    """What a factor says: the sign, the 1/B of the mean, or both."""
    sign = "the sign is wrong" if factor < 0 else ""
    size = abs(factor)
    for n in sorted(sizes):
        if np.isclose(size, n, 1e-9, 0):
            mean = f"a division by {n} is missing, such as the mean's 1/B"
            break
        if np.isclose(size, 1 / n, 1e-9, 0):
            mean = f"it is divided by {n} once too often: the mean's 1/B is in the loss already"
            break
    else:
        if not np.isclose(size, 1, 1e-9, 0):
            return None
        mean = ""
    return "; ".join(filter(None, [sign, mean])) or None
