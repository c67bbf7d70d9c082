"""Where NumPy raises there is no value to compare: look for one change that makes the answer right.

Each change of the table is tried on the learner's own lines. A cause is named only if the changed
lines give the right value.
"""

import ast
import contextlib
import copy
import io

import numpy as np

from .expressions import evaluate, exchange, expression, text, value_of
from .mistakes import concatenations, variants
from .values import as_numbers, axes, same


def find_repair(blank, scope, right):
    """A sentence about the one change that repairs an answer, or "".

    blank: script.Blank, with the learner's lines; scope: the variables before them.
    """
    right = np.asarray(right, float)
    for number, statement in enumerate(blank.own):
        for node in ast.walk(statement):
            if not isinstance(node, ast.expr) or isinstance(getattr(node, "ctx", None), ast.Store):
                continue
            for sentence, new in repairs(node, scope, blank.right):
                changed = exchange(statement, {id(node): new})
                lines = [*blank.own[:number], changed, *blank.own[number + 1 :]]
                if gives(lines, scope, blank.target, right):
                    return sentence
    return ""


def find_same_error(blank, scope, error):
    """The known mistake that raises just this error, as a sentence, or ""."""
    noted = [(sentence, tree) for tree, sentence in blank.mistakes]
    for sentence, wrong in [*noted, *variants(blank.right, scope, [concatenations])]:
        try:
            evaluate(wrong, scope)
        except Exception as other:
            if type(other) is type(error) and str(other) == str(error):
                return sentence
    return ""


def gives(lines, scope, target, right):
    """Whether these statements give the target its right value."""
    scope = {name: copy.copy(v) if axes(v) else v for name, v in scope.items()}
    module = ast.fix_missing_locations(ast.Module(lines, []))
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(module, "<answer>", "exec"), scope)
        return same(as_numbers(scope[target]), right)
    except Exception:
        return False


def repairs(node, scope, right):
    """(sentence, other node) for one node of a learner's answer; right: the right expression."""
    n_axes = axes(value_of(node, scope))
    if n_axes == 2:
        yield f"`{text(node)}` must be transposed", expression("a.T", a=node)
    if n_axes == 1:
        column = expression("a[:, None]", a=node)
        yield f"`{text(node)}` needs a second axis: {text(column)}", column
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield f"`{text(node.value)}` is transposed but must not be", node.value
    if isinstance(node, ast.Subscript):
        if "None" in text(node.slice):
            yield f"`{text(node.value)}` has an axis too many", node.value
        if isinstance(node.slice, ast.Slice):
            columns = expression("a[:, b]", a=node.value)
            columns.slice.elts[1] = node.slice
            yield "these are rows: the parts are columns", columns
    if isinstance(node, ast.BinOp):
        both = {"a": node.left, "b": node.right}
        if isinstance(node.op, ast.MatMult):
            yield (
                "the factors of the matrix product are in the wrong order",
                expression("b @ a", **both),
            )
            yield f"`@` in the place of `*` in {text(node)}", expression("a * b", **both)
        if isinstance(node.op, ast.Mult):
            yield f"`*` in the place of `@` in {text(node)}", expression("a @ b", **both)
        for side in (node.left, node.right):
            if isinstance(side, ast.Name):
                yield f"`{text(node)}` stands in the place of `{text(side)}`", side
    if isinstance(node, ast.Call) and text(node.func) == "np.concatenate" and len(node.args) > 1:
        pieces = ast.List(node.args, ast.Load())
        yield (
            "np.concatenate takes the parts as one list, and axis=1",
            expression("np.concatenate(a, axis=1)", a=pieces),
        )
    for keyword in getattr(node, "keywords", []):
        if keyword.arg == "axis" and isinstance(keyword.value, ast.Constant):
            other = copy.deepcopy(node)
            (found,) = [k for k in other.keywords if k.arg == "axis"]
            found.value = ast.Constant(int(keyword.value.value == 0))
            yield f"the wrong axis: it is axis={found.value.value}", other
    if isinstance(node, ast.Name) or is_integer(node):
        for other in ast.walk(right):
            if type(other) is type(node) and text(other) != text(node):
                yield f"`{text(node)}` stands in the place of `{text(other)}`", other


def is_integer(node):
    return isinstance(node, ast.Constant) and type(node.value) is int
