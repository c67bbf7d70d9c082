"""A record: one value that a line of the core computed, and the numbers it was computed from."""

from __future__ import annotations

import ast
import functools
import math
import re
from dataclasses import dataclass

import numpy as np

from ...core.gradcheck import ATOL, RTOL, STEP, Check
from .digits import constant, operand, short
from .formulas import Formula

TERMS_SHOWN = 3


@dataclass
class Hole:
    """A number in a formula: an array and the index of the entry that counts, by letters."""

    code: str  # as it stands in the term, without the braces
    array: np.ndarray
    index: list  # of (letter or None, positions by the letter's value): one for each axis
    origin: int | str = ""  # the record it comes from, or a word of origins.py

    @property
    def expression(self):
        """What is read, without the entry: `self.x` of `self.x[b,i]`."""
        return parse_hole(self.code)[0]

    @property
    def name(self):
        """As it is shown: `x` for `self.x[b,i]`, `W` for `W[rows][...]`."""
        return self.expression.removeprefix("self.").removesuffix("[rows]")

    def at(self, letters):
        return tuple(
            positions[letters[letter]] if letter else positions[0]
            for letter, positions in self.index
        )


@dataclass
class Record:
    """One value that a line computed."""

    phase: str
    box: str  # the layer or the section of the model it belongs to
    function: str  # "Dense.backward"
    name: str  # "dW"
    code: str
    file: str
    line: int
    formula: Formula
    axes: tuple  # the letters of the value's axes
    holes: dict  # code of a hole -> Hole: the arrays as they were before the line ran
    choices: dict  # letters of the result -> the values the summed letter takes, if not all
    stop: int = 0  # the number of its visit
    value: np.ndarray | None = None
    rows: np.ndarray | None = None  # of a table: which of its rows these are
    numerical: np.ndarray | None = None  # central differences, NaN where not taken
    kinks: int = 0  # how many of those steps crossed a ReLU kink
    entry: tuple = ()  # the one whose formula is shown
    table: str = ""  # "user" or "item" if the rows are those of that embedding

    @property
    def text(self):
        """The formula for reading; what an optimizer calls W may be a bias."""
        return re.sub(r"\bW\b", self.name, self.formula.text) if self.is_bias else self.formula.text

    @property
    def is_bias(self):
        return self.phase == "update" and self.box.endswith(".b")

    @property
    def is_gradient(self):
        return bool(self.formula.of)

    @functools.cached_property
    def summed(self):
        """The letter the terms are summed over and how many values it has, or (None, 1)."""
        for hole in self.holes.values():
            for letter, positions in hole.index:
                if letter and letter not in self.axes:
                    return letter, len(positions)
        return None, 1

    def terms(self, entry):
        """[(template, {hole: index}), ...] of one entry, in the order of the sum."""
        letters = dict(zip(self.axes, entry))
        template = self.formula.term
        choice = self.choices.get(entry[:1] if self.formula.axes == "r,k" else entry[-1:])
        if self.formula.otherwise:
            template = template if choice else self.formula.otherwise
            choice = None
        letter, n = self.summed
        numbers = range(n) if choice is None else choice
        return [
            (
                template,
                {code: self.holes[code].at({**letters, letter: k}) for code in holes(template)},
            )
            for k in numbers
        ]

    def worked(self, entry=None, *, exact=False):
        """The formula of one entry with its numbers, without the result.

        Rounded for reading, three terms of a long sum, those that are zero last; or, `exact`, all
        of it for Python to evaluate with exp, log, sqrt, max and abs.
        """
        entry = self.entry if entry is None else entry
        terms = self.terms(entry)
        n_more = 0 if exact or len(terms) <= TERMS_SHOWN + 1 else len(terms) - TERMS_SHOWN
        if n_more:
            terms = sorted(terms, key=self._is_zero)[:TERMS_SHOWN]
        text = " + ".join(self._fill(term, at, exact) for term, at in terms) or "0"
        if n_more:
            text += f" + ... {n_more} more"
        whole = self.formula.whole
        letters = dict(zip(self.axes, entry))
        at = {code: self.holes[code].at(letters) for code in holes(whole)}
        return self._fill(whole, at, exact).replace("SUM", text)

    def source(self, entry=None):
        """Where an entry was copied from, "dphi[2, 1]", if that is all the line does; else ""."""
        terms = self.terms(self.entry if entry is None else entry)
        if self.formula.whole != "SUM" or self.summed[0] or len(terms) != 1:
            return ""
        ((template, at),) = terms
        if len(at) != 1 or template != f"{{{next(iter(at))}}}":
            return ""
        ((code, index),) = at.items()
        return f"{parse_hole(code)[0].removeprefix('self.')}[{', '.join(map(str, index))}]"

    def _is_zero(self, term):
        return any(self.holes[code].array[index] == 0 for code, index in term[1].items())

    def _fill(self, template, at, exact):
        for code, index in at.items():
            array = self.holes[code].array
            if exact:
                text = repr(array[index].item())
            else:
                text = constant(array[()]) if array.ndim == 0 else short(array[index])
            template = template.replace(f"{{{code}}}", operand(text))
        return template

    def relative_error(self, entry=None):
        """Between analytic and numerical gradient, of one entry or the worst; NaN if unchecked."""
        check = Check(None, STEP, RTOL, ATOL, [])
        entries = np.argwhere(np.isfinite(self.numerical)) if entry is None else [entry]
        errors = [
            check.relative_error(float(self.value[tuple(i)]), float(self.numerical[tuple(i)]))
            for i in entries
        ]
        return max(errors, default=math.nan)

    @property
    def n_checked(self):
        return int(np.isfinite(self.numerical).sum())

    def failing(self):
        """The entries, counted flat, whose gradients differ; none where none could be compared."""
        compared = map(tuple, np.argwhere(np.isfinite(self.numerical)))
        wrong = [entry for entry in compared if self.relative_error(entry) > RTOL]
        return [int(np.ravel_multi_index(entry, self.value.shape)) for entry in wrong]

    def is_right(self):
        """Whether no entry that could be compared differs."""
        return not self.relative_error() > RTOL


@functools.cache
def parse_hole(code):
    """ "dy[b,o]" -> ("dy", ["b", "o"]);  "self.lr" -> ("self.lr", [])."""
    node = ast.parse(code, mode="eval").body
    if not isinstance(node, ast.Subscript):
        return code, []
    index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return ast.unparse(node.value), [ast.unparse(part) for part in index]


def holes(formula):
    """The holes of a template, or of all templates of a formula."""
    if isinstance(formula, str):
        return holes_in(formula)
    return holes_in(formula.term + formula.whole + formula.otherwise)


@functools.cache
def holes_in(template):
    return tuple(re.findall(r"\{([^{}]+)\}", template))


def as_dict(record):
    """A record as plain lists and numbers, None for a derivative that was not taken."""
    derivatives = record.numerical
    return {
        "stop": record.stop,
        "phase": record.phase,
        "box": record.box,
        "function": record.function,
        "name": record.name,
        "code": record.code,
        "file": record.file,
        "line": record.line,
        "formula": record.text,
        "shape": list(record.value.shape),
        "value": record.value.tolist(),
        "rows": None if record.rows is None else record.rows.tolist(),
        "operands": {
            code: {
                "shape": list(hole.array.shape),
                "value": hole.array.tolist(),
                "origin": hole.origin,
            }
            for code, hole in record.holes.items()
        },
        "entry": list(record.entry),
        "with_numbers": record.worked(),
        "numerical": None
        if derivatives is None
        else np.where(np.isnan(derivatives), None, derivatives).tolist(),
        "relative_error": record.relative_error()
        if derivatives is not None and record.n_checked
        else None,
    }
