"""Judge the backward of a learner's own layer by the numerical derivative of its own forward.

    wrong = examine(layer, inputs, solution)       # a Finding, or None if all gradients are right

layer.forward(*inputs) -> y; layer.backward(dy) returns the derivative of each input, in order, and
sets that of each parameter: `dA` for the array `A` that the layer has from its constructor.
"""

import ast
import inspect
from typing import NamedTuple

import numpy as np

from ...core.gradcheck import numerical_gradient
from .diagnosis import Search
from .expressions import exchange
from .mistakes import variants
from .script import substitute
from .values import as_numbers, find_fault

RTOL, ATOL = 1e-6, 1e-9  # of a gradient check


class Finding(NamedTuple):
    name: str
    fault: str
    cause: str
    right: object

    def fields(self):
        """Those of a Verdict."""
        return {"name": self.name, "fault": self.fault, "cause": self.cause}


def examine(layer, inputs, solution, right):
    """-> Finding about the first wrong array, or None. Appends the names of right ones to `right`.

    inputs: float64 arrays; solution: text of the solved script, from which mistakes are computed.
    """
    names = list(inspect.signature(layer.forward).parameters)
    arrays = {
        name: value
        for name, value in vars(layer).items()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
    }
    parameters = dict(arrays)
    arrays |= dict(zip(names, inputs))
    rng = np.random.default_rng(1)

    # Another batch first: a backward that uses stale values would look right without it.
    dy = rng.normal(size=np.shape(layer.forward(*(array + 1 for array in inputs))))
    layer.backward(dy)
    layer.forward(*inputs)
    given = {"dy": dy, **arrays}
    before = {name: array.copy() for name, array in given.items()}
    returned = layer.backward(dy)
    for name, array in given.items():
        if not np.array_equal(array, before[name]):
            fault = f"writes into {name}, which it is given and which others still read"
            return Finding("backward", fault, "", None)
    if returned is None and not any(hasattr(layer, f"d{name}") for name in parameters):
        return Finding("backward", "is missing: it is still `...`", "", None)
    returned = returned if isinstance(returned, tuple) else (returned,)
    yours = {f"d{name}": getattr(layer, f"d{name}", ...) for name in parameters}
    yours |= dict(zip((f"d{name}" for name in names), [*returned, *[...] * len(names)]))
    yours = {
        name: value.copy() if isinstance(value, np.ndarray) else value
        for name, value in yours.items()
    }

    layer.backward(dy)
    for name in parameters:
        twice = getattr(layer, f"d{name}", ...)
        if twice is not ... and not np.array_equal(twice, yours[f"d{name}"]):
            return Finding(f"d{name}", "grows with each backward: it must be overwritten", "", None)

    for name, array in arrays.items():
        derivative = numerical_gradient(lambda: float((dy * layer.forward(*inputs)).sum()), array)
        if not derivative.any():
            return Finding("forward", f"does not depend on {name}", "", None)
        fault = fault_of(yours[f"d{name}"], derivative)
        if fault:
            wrong = Mutants(solution, parameters, inputs, dy)
            cause = wrong.cause(f"d{name}", yours[f"d{name}"], derivative)
            return Finding(f"d{name}", fault, cause, derivative)
        print(f"  right  d{name}")
        right.append(f"d{name}")
    return None


def fault_of(yours, derivative):
    """As find_fault, with the tolerance of a gradient check."""
    try:
        numbers = as_numbers(yours)
    except (TypeError, ValueError):
        return find_fault(yours, derivative)
    if numbers.shape == derivative.shape and np.allclose(numbers, derivative, RTOL, ATOL):
        return None
    return find_fault(yours, derivative)


class Mutants:
    """The solution's backward with one mistake each, run as plain lines: self.x is x."""

    def __init__(self, solution, parameters, inputs, dy):
        (layer,) = [n for n in ast.parse(solution).body if isinstance(n, ast.ClassDef)]
        methods = {method.name: method for method in layer.body}
        self.forward, self.backward = (plain(methods[name]) for name in ("forward", "backward"))
        self.scope = {"np": np, **parameters}
        self.scope |= dict(zip(arguments(methods["forward"]), inputs))
        self.names = [f"d{name}" for name in arguments(methods["forward"])]
        execute(self.forward, self.scope)
        self.scope |= dict(zip(arguments(methods["backward"]), [dy]))

    def gradients(self, lines):
        scope = dict(self.scope)
        returned = execute(lines, scope)
        returned = returned if isinstance(returned, tuple) else (returned,)
        return scope | dict(zip(self.names, returned))

    def cause(self, name, yours, derivative):
        try:
            right = self.gradients(self.backward)
            yours = as_numbers(yours)
        except Exception:
            return ""
        arrays = {n: v for n, v in right.items() if isinstance(v, np.ndarray)}
        search = Search(yours, derivative, arrays)
        if name not in right or not np.allclose(right[name], derivative, RTOL, ATOL):
            return search.first(search.related_to_right())  # the forward is another one
        search.right = np.asarray(right[name], float)
        return search.first(
            search.turned(),
            search.exact(self.candidates(name, right)),
            search.related_to_right(),
            search.related(),
        )

    def candidates(self, name, scope):
        for number, line in reversed(list(enumerate(self.backward))):  # the nearest line first
            for sentence, wrong in variants(line.value, scope):
                changed = exchange(line, {id(line.value): wrong})
                lines = [*self.backward[:number], changed, *self.backward[number + 1 :]]
                try:
                    yield sentence, self.gradients(lines)[name]
                except Exception:
                    continue


def arguments(method):
    return [argument.arg for argument in method.args.args[1:]]


def plain(method):
    """A method's statements with `self.name` as `name`, without its docstring."""
    lines = [line for line in method.body if not isinstance(line, ast.Expr)]
    return substitute(
        lines,
        lambda node: (
            ast.Name(node.attr, node.ctx)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"
            else None
        ),
    )


def execute(lines, scope):
    """Run statements in the scope; -> the value of the `return` among them."""
    for line in lines:
        if isinstance(line, ast.Return):
            tree = ast.fix_missing_locations(ast.Expression(line.value))
            return eval(compile(tree, "<layer>", "eval"), scope)
        tree = ast.fix_missing_locations(ast.Module([line], []))
        exec(compile(tree, "<layer>", "exec"), scope)
    return None
