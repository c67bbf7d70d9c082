"""The verdict on each value of a call: right, wrong, or not judged; and what it would be.

First the results, which have a meaning whatever the lines are: of a backward they must be the
derivatives of the loss, of any other function what the core's own makes of the same inputs. Then
the values on the way to a wrong result. One of them is wrong if the results become right as soon
as another value stands in its place: the call is run again with the value of an expression of the
core's own function, or a derivative, put there. So a wrong line is found under any name; a value
that could not be matched is not judged.
"""

from dataclasses import dataclass

import numpy as np

from ..stepper.formulas import FORMULAS
from .compare import columns_like, dense, differs
from .expected import Ingredients
from .repair import Repair
from .watch import kind_of

RIGHT, WRONG, OPEN = "right", "wrong", "not judged"
DERIVATIVE, ORIGINAL = "the derivative of the loss", "the original on the same inputs"


@dataclass
class Finding:
    """A value and what is known of it."""

    line: int
    name: str
    value: object
    order: int
    part: str = ""
    verdict: str = OPEN
    by: str = ""
    expected: object = None  # what it is, or would be
    of: str = ""  # what it was compared with: "dL/dx"
    is_result: bool = False
    follows: bool = False  # wrong because the gradient that came in is wrong already


def judge(call, edit, original, names, derivatives, edited):
    """Every finding of a call, in order.

    edit: the learner's text, or None if the call is of the core's own function.
    original: the core's function; None where there is none to compare with.
    names: id of an object -> its box; "model" for the model.
    derivatives: the `Derivatives`; edited: the names of all edited functions.
    """
    ingredients = Ingredients(call, original)
    if call.function.endswith(".backward"):
        expected, intact = by_derivative(call, names, derivatives)
        known, by = borders(call, names, derivatives), DERIVATIVE
    elif original is None:
        expected, intact, known, by = {}, True, {}, ""
    else:
        expected, intact = results_of_original(ingredients.call), True
        known, by = ingredients.values, ORIGINAL
    findings = {
        (change.line, change.name, change.part): Finding(
            change.line, change.name, change.value, change.order, change.part, by=by
        )
        for change in call.changes.values()
    }
    wrong = judge_results(call, expected, findings, by)
    if original is None and not expected:
        note_returned(call, findings)
    for finding in findings.values():
        finding.follows = finding.verdict == WRONG and not intact
        if finding.verdict == OPEN:
            match(finding, known)
    if wrong and intact and edit is not None and call.error is None:
        repair = Repair(call, edit, expected, ingredients, known)
        for finding, of, value in repair.all_wrong(findings.values()):
            finding.verdict, finding.of, finding.expected = WRONG, of, value
    elif not wrong and by is DERIVATIVE and original and forward_of(call) not in edited:
        claims(findings.values(), ingredients.call, by)
    return sorted(findings.values(), key=lambda finding: finding.order)


def forward_of(call):
    return f"{call.function.partition('.')[0]}.forward"


# what the results must be


def by_derivative(call, names, derivatives):
    """-> {result: (its label, the derivative)}; whether what came in from above is right."""
    box = names[id(call.owner)]
    if box == "model":
        layers = dict(call.owner.layers())
        expected = {
            f"{name}.backward": (f"dL/dy of {name}", derivatives.by_output(name)) for name in layers
        }
        above = "sigmoid" if "sigmoid" in derivatives.inputs else "loss"
        return expected, given(call, derivatives.by_input(above))
    expected = {}
    into = derivatives.by_input(box)
    if into is not None:
        argument = {"BinaryCrossEntropy": "p"}.get(type(call.owner).__name__, "z")
        expected["return"] = (f"dL/d{argument if box == 'loss' else 'x'}", into)
    for name, _, dW in call.owner.parameters() if box != "loss" else ():
        right = f"dL/d{name}", derivatives.by_parameter(f"{box}.{name}")
        expected[gradient_attribute(call.owner, name, dW)] = right
    return expected, box == "loss" or given(call, derivatives.by_output(box))


def gradient_attribute(owner, name, gradient):
    """Where a layer keeps the gradient of a parameter: "self.dW", unless its own calls it else."""
    kept = [f"self.{key}" for key, value in vars(owner).items() if value is gradient]
    return kept[0] if gradient is not None and kept else f"self.d{name}"


def given(call, derivative):
    """Whether the gradient that came in from above is the derivative it should be."""
    return derivative is not None and differs(call.entry[1], derivative) is None


def borders(call, names, derivatives):
    """{label: [derivative]}: what values inside a backward may turn out to be."""
    box = names[id(call.owner)]
    found = {}
    layers = dict(call.owner.layers()) if box == "model" else {box: call.owner}
    for name, layer in layers.items():
        of = f" of {name}" if box == "model" else ""
        found[f"dL/dx{of}"] = [derivatives.by_input(name)]
        if name != "loss":
            found[f"dL/dy{of}"] = [derivatives.by_output(name)]
        if box not in ("loss", "model"):
            for parameter, _, _ in layer.parameters():
                found[f"dL/d{parameter}"] = [derivatives.by_parameter(f"{name}.{parameter}")]
            found |= derivatives.by_inner_values(name)
    return {label: values for label, values in found.items() if values[0] is not None}


def results_of_original(original):
    """{result: (label, value)}: what the core's own function returns, sets and hands on."""
    before = original.entry[0]
    return {
        name: (name.removeprefix("self."), value)
        for name, value in original.results.items()
        if not name.startswith("self.")
        or kind_of(value) != kind_of(getattr(before, name[5:], None))
    }


def judge_results(call, expected, findings, by):
    """Give the verdict of each result to the line it comes from. -> {result: mask} of the wrong."""
    wrong = {}
    for name, (of, right) in expected.items():
        if right is None or (name not in call.results and call.error is not None):
            continue
        value = call.results.get(name)
        optional = by is ORIGINAL and name.startswith("self.") and value is None
        if optional:  # another name for what is remembered is no mistake
            continue
        mask = "shape" if value is None else differs(value, right)
        line, order = call.place_of(name, value)
        finding = finding_of(name, value, line, findings, call)
        if finding is None:
            shown = np.full(np.shape(dense(right)), np.nan) if value is None else value
            is_weight = call.function.endswith(".step") and name[:5] not in ("self.", "return")
            part = name if is_weight else ""
            finding = findings[name] = Finding(line, name, shown, order, part, by=by)
        finding.verdict = RIGHT if mask is None else WRONG
        finding.expected, finding.of, finding.is_result = right, of, True
        if mask is not None:
            wrong[name] = mask
    return wrong


def note_returned(call, findings):
    """What a function returns that nothing can be compared with: a value all the same."""
    value = call.results.get("return")
    if value is not None and finding_of("return", value, call.last_line, findings, call) is None:
        found = Finding(call.last_line, "return", value, call.end, is_result=True)
        findings["return"] = found


def finding_of(name, value, line, findings, call):
    """The finding of the line that gave a result its value, if a line gave it to a name.

    What is handed on counts where that is done: it may be the right value for another layer.
    """
    if value is None or name.endswith((".forward", ".backward")):
        return None
    same = [f for f in findings.values() if kind_of(f.value) == kind_of(value)]
    if name.startswith("self.") and "[" not in name:
        same = [finding for finding in same if finding.name == name]
    elif name != "return":  # a weight, under whatever name the optimizer has for it
        same = [finding for finding in same if finding.line == line]
    return max(same, key=lambda finding: finding.order, default=None)


def match(finding, known):
    """Right if it is a value that is known, or some columns of one; zeros say nothing."""
    value = finding.value
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or not value.any():
        return
    for of, candidates in known.items():
        for candidate in candidates:
            if not isinstance(candidate, np.ndarray) or candidate.dtype.kind != "f":
                continue
            columns = columns_like(value, candidate)
            if columns is not None:
                finding.verdict, finding.expected, finding.of = RIGHT, columns, of
                return


def claims(findings, original, by):
    """A name of the core whose value is a multiple of what it has there, taken back later: wrong.

    All results are right, so two errors cancel. Not for the names of results: `dz` may well be
    the gradient before its division by B.
    """
    results = {kind_of(value) for value in original.results.values()}
    right = {change.name: change.value for change in original.changes.values()}
    last = {finding.name: finding for finding in findings}
    gradients = gradient_names(original.function)
    for name, finding in last.items():
        value, there = finding.value, right.get(name)
        if finding.verdict != OPEN or name not in gradients or kind_of(there) in results:
            continue
        if isinstance(value, np.ndarray) and value.shape == there.shape and there.any():
            factor = (value * there).sum() / (there * there).sum()
            if factor != 0 and differs(value, factor * there) is None:
                finding.verdict, finding.expected, finding.of = WRONG, there, f"dL/d{name[1:]}"


def gradient_names(function):
    """The names in a backward of the core that its formulas call derivatives."""
    found = set()
    for statement, formulas in FORMULAS.get(function, {}).items():
        formulas = formulas if isinstance(formulas, list) else [formulas]
        names = statement.partition(" = ")[0].split(", ")
        found |= {name for name, formula in zip(names, formulas) if formula and formula.of}
    return found
