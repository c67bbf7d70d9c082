"""What values should be: derivatives of the loss, or what the core's own function computes.

Derivatives are central differences through the forward that is in place, the learner's own if it
was edited: by every parameter, and by what goes into and comes out of every layer. They need
neither formulas nor the lines of the core.
"""

import ast
import copy
import inspect
import textwrap
from types import MethodType

import numpy as np

from ...core.gradcheck import STEP, nudge
from ..stepper.derivatives import logits_of
from .watch import Call, kind_of, run_call

MOST_ENTRIES = 400  # of an array; of a larger one a sample is taken
SMOOTH = 1e-7  # one-sided differences this near to each other show no kink


class Derivatives:
    """The derivatives of the loss, each taken when it is first asked for.

    An entry is NaN where it was not taken, or where the loss has a kink.
    own: an `OwnLayer`, if there is one: the inner values of its forward count, too.
    """

    def __init__(self, model, loss, users, items, labels, own=None):
        self.model, self.loss = copy.deepcopy((model, loss))
        self.batch, self.own = (users, items, labels), own
        self.layers = dict(self.model.layers()) | {"sigmoid": self.model.sigmoid}
        self.inputs, self.outputs, self.found = {}, {}, {}
        originals = {box: layer.forward for box, layer in self.layers.items()}
        for box, layer in self.layers.items():
            layer.forward = self._recording(box, originals[box])
        self.prediction = logits_of(self.model, self.loss, users, items)
        for box, layer in self.layers.items():
            layer.forward = originals[box]

    def _recording(self, box, forward):
        def recording(x):
            self.inputs[box] = np.array(x)
            self.outputs[box] = np.array(forward(x))
            return self.outputs[box].copy()

        return recording

    def value(self):
        users, items, labels = self.batch
        return float(self.loss.forward(logits_of(self.model, self.loss, users, items), labels))

    def by_parameter(self, name):
        """By a weight, "dense1.W"; of a table, zero in the rows that the batch does not read."""
        if name not in self.found:
            W = next(W for parameter, W, _ in self.model.parameters() if parameter == name)
            ids = self.inputs.get(name.partition(".")[0])
            if ids is None:
                self.found[name] = np.zeros_like(W)
            elif ids.dtype.kind in "iu":
                self.found[name] = np.zeros_like(W)
                rows = np.unique(ids)
                entries = [(r, k) for r in rows for k in range(W.shape[1])]
                fill(self.found[name], self.value, W, entries)
            else:
                self.found[name] = derivative(self.value, W)
        return self.found[name]

    def by_input(self, box):
        """By what goes into a layer, or into the "loss"; None for ids and where it is not used."""
        key = box, "input"
        if key not in self.found:
            if box == "loss":
                moved = np.array(self.prediction)
                self.found[key] = derivative(
                    lambda: float(self.loss.forward(moved, self.batch[2])), moved
                )
            elif box not in self.inputs or self.inputs[box].dtype.kind != "f":
                self.found[key] = None
            else:
                delta = np.zeros_like(self.inputs[box])
                self.found[key] = self._derivative_at(
                    box, delta, lambda forward: lambda x: forward(x + delta)
                )
        return self.found[key]

    def by_output(self, box):
        """By what comes out of a layer."""
        key = box, "output"
        if key not in self.found:
            self.found[key] = None
            if box in self.outputs:
                delta = np.zeros_like(self.outputs[box])
                self.found[key] = self._derivative_at(
                    box, delta, lambda forward: lambda x: forward(x) + delta
                )
        return self.found[key]

    def by_inner_values(self, box):
        """{"dL/ds": [...]} by each value that the learner's own forward gives a name to, once."""
        layer = self.layers[box]
        is_own = self.own is not None and isinstance(layer, self.own.cls)
        if not is_own or "forward" not in self.own.methods:
            return {}
        edit, x, copied = self.own.methods["forward"], self.inputs[box], copy.deepcopy(layer)
        edit.compiled(copied, np.zeros_like(x))  # what it remembers of x itself would be no change
        call = run_call(edit.compiled, Call(edit.function, copied, "self", (), (copied, x)))
        names = [change.name for change in call.changes.values()]
        found = {}
        for change in call.changes.values():
            place = edit.replacing(change.line, call.written(change.name))
            is_array = isinstance(change.value, np.ndarray) and change.value.dtype.kind == "f"
            if place is None or not is_array or names.count(change.name) > 1:
                continue
            moved, put = MethodType(place[0], layer), place[1]
            put[:] = [change.value]
            derivatives = self._derivative_at(box, put[0], lambda _, moved=moved: moved)
            found[f"dL/d{change.name.removeprefix('self.')}"] = [derivatives]
        return found

    def _derivative_at(self, box, delta, moved):
        layer = self.layers[box]
        forward = layer.forward
        layer.forward = moved(forward)
        try:
            return derivative(self.value, delta)
        finally:
            layer.forward = forward


def derivative(f, x):
    """Central differences of f() by the entries of x; of a large array by some of them."""
    derivatives = np.full(x.shape, np.nan)
    flat = np.arange(x.size)
    if x.size > MOST_ENTRIES:
        flat = np.random.default_rng(0).choice(x.size, MOST_ENTRIES // 2, replace=False)
    fill(derivatives, f, x, [np.unravel_index(k, x.shape) for k in flat])
    return derivatives


def fill(derivatives, f, x, entries):
    middle = f()
    for entry in entries:
        derivatives[entry] = derivative_at(f, x, entry, middle)


def derivative_at(f, x, entry, middle):
    """The derivative at one entry; NaN at a kink, where the differences to both sides disagree.

    Where they disagree, a step of a tenth tells curvature, which then shrinks, from a kink.
    """
    previous = np.inf
    for step in (STEP, STEP / 10):
        plus, minus = differences(f, x, entry, step, middle)
        gap = abs(plus - minus)
        if gap < SMOOTH or gap < 0.2 * previous < np.inf:
            return (plus + minus) / 2
        previous = gap
    return np.nan


def differences(f, x, entry, step, middle):
    """The one-sided difference quotients, upwards and downwards."""
    plus, minus = nudge(f, x, entry, step)
    return (plus - middle) / step, (middle - minus) / step


class Ingredients:
    """Every value that the core's own function forms on a call's inputs, by its expression.

    `values` has lists: of an expression in a loop the values of all its rounds. Of a function that
    the core does not have there is none.
    """

    def __init__(self, call, function):
        self.values = {}
        if function is None:
            self.call = Call(call.function, call.owner, call.first, call.names, call.entry)
            return
        self.expressions = expressions_of(function)
        self.call = run_call(function, call, listener=self)

    def before_line(self, watch):
        frame = watch.frame
        for text, code in self.expressions.get(frame.f_lineno, ()):
            try:
                value = eval(code, frame.f_globals, frame.f_locals)
            except Exception:  # a name that the line itself gives, say
                continue
            if kind_of(value):
                self.values.setdefault(text, []).append(copy.deepcopy(value))

    def after_change(self, watch, change):
        values = self.values.setdefault(f"{change.name} =", [])
        values.append(change.value)


def expressions_of(function):
    """line -> [(text, code), ...]: the parts of each line that can be evaluated without effect."""
    lines, first = inspect.getsourcelines(function)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    found = {}
    for statement in ast.walk(tree):
        if not isinstance(statement, (ast.Assign, ast.AugAssign, ast.Return, ast.Expr)):
            continue
        for node in ast.walk(statement):
            if isinstance(node, ast.expr) and is_pure(node):
                text = ast.unparse(node)
                code = compile(ast.Expression(node), function.__qualname__, "eval")
                found.setdefault(statement.lineno + first - 1, []).append((text, code))
    return found


def is_pure(node):
    """Whether an expression only computes: it calls no layer, checks and stores nothing."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            name = getattr(part.func, "attr", None) or getattr(part.func, "id", "")
            if name in ("forward", "backward", "at", "sort") or name.startswith("check"):
                return False
        if isinstance(getattr(part, "ctx", None), (ast.Store, ast.Del)):
            return False
    return not isinstance(node, (ast.Constant, ast.Slice, ast.Tuple))
