"""Planted bugs: the classic ways to get a gradient wrong, each one line of the core exchanged.

    with planted(BUGS["dropped-repeats"]):
        check_gradients(model, loss, users, items, labels)     # raises GradientError

A bug is an edit of the real source, so it cannot drift from it: where the line to exchange is not
found exactly once, planting fails. Python's own copy of the function is put back at the end.
"""

import ast
import contextlib
import inspect
import textwrap
from typing import NamedTuple

from .. import layers
from ..layers import Dense, ReLU
from ..losses import BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from ..models import GMF, MF, MLP, NeuMF


class Edit(NamedTuple):
    owner: object  # the class or module that holds the function
    function: str
    right: str
    wrong: str


class Bug(NamedTuple):
    summary: str  # what the code now does
    models: tuple  # names of the models it shows in
    edits: tuple  # one or more, for the places where the same idea stands

    def __str__(self):
        return self.summary


ALL = ("mf", "gmf", "mlp", "neumf")
DENSE = ("gmf", "mlp", "neumf")
TOWER = ("mlp", "neumf")

BUGS = {
    "product-rule": Bug(
        "the derivative of p * q by p is taken to be p, not q",
        ("mf", "gmf", "neumf"),
        (
            Edit(MF, "backward", "dp = dsum * self.q", "dp = dsum * self.p"),
            Edit(GMF, "backward", "dp = dphi * self.q", "dp = dphi * self.p"),
            Edit(NeuMF, "backward", "dp_G = dphi_G * self.q_G", "dp_G = dphi_G * self.p_G"),
        ),
    ),
    "dropped-repeats": Bug(
        "an id that occurs twice in the batch keeps only its last gradient, as dW[ids] += dy does",
        ALL,
        (
            Edit(
                layers,
                "sum_by_id",
                "np.add.at(sums.reshape(-1), cells.reshape(-1), further.reshape(-1))",
                "sums.reshape(-1)[cells.reshape(-1)] = further.reshape(-1)",
            ),
        ),
    ),
    "missing-mean": Bug(
        "the loss is a mean over the batch, its gradient is that of the sum: no 1/B",
        ALL,
        (
            Edit(BinaryCrossEntropyWithLogits, "backward", " / len(self.z)", ""),
            Edit(BinaryCrossEntropy, "backward", " / len(p)", ""),
        ),
    ),
    "second-mean": Bug(
        "the bias gradient is averaged over the batch, which the loss has done already",
        DENSE,
        (Edit(Dense, "backward", "np.ones(len(dy), dy.dtype) @ dy", "dy.mean(axis=0)"),),
    ),
    "flipped-sign": Bug(
        "label minus prediction: every step goes uphill",
        ALL,
        (
            Edit(BinaryCrossEntropyWithLogits, "backward", "dz = (", "dz = -("),
            Edit(BinaryCrossEntropy, "backward", "dp = (p - y)", "dp = (y - p)"),
        ),
    ),
    "no-bias-gradient": Bug(
        "the bias gets a gradient of zero and never learns",
        DENSE,
        (Edit(Dense, "backward", "np.ones(len(dy), dy.dtype) @ dy", "0 * self.b"),),
    ),
    "relu-passes-all": Bug(
        "ReLU lets the gradient through where its input was negative, too",
        TOWER,
        (Edit(ReLU, "backward", "dy * (self.x > 0)", "dy * 1.0"),),
    ),
    "swapped-halves": Bug(
        "the two halves of the concatenation go back to each other's tables",
        TOWER,
        (
            Edit(MLP, "backward", "dp, dq = dz[:, :D]", "dq, dp = dz[:, :D]"),
            Edit(NeuMF, "backward", "dp_M, dq_M = dphi_M[:, :D]", "dq_M, dp_M = dphi_M[:, :D]"),
        ),
    ),
    "reversed-rows": Bug(
        "each row of the batch receives the gradient of another row",
        DENSE,
        (Edit(Dense, "backward", "dx = dy @ self.W.T", "dx = dy[::-1] @ self.W.T"),),
    ),
    "ignored-upstream": Bug(
        "dx is computed as if the gradient from above were ones",
        DENSE,
        (Edit(Dense, "backward", "dx = dy @ self.W.T", "dx = (0 * dy + 1) @ self.W.T"),),
    ),
    "one-percent": Bug(
        "the weight gradient is 1.01 times too large: too small to see, large enough to check",
        DENSE,
        (Edit(Dense, "backward", "self.x.T @ dy", "1.01 * self.x.T @ dy"),),
    ),
    "transposed-weight": Bug(
        "W is reshaped to the transposed shape instead of transposed",
        TOWER,
        (Edit(Dense, "backward", "self.W.T", "self.W.reshape(self.W.shape[::-1])"),),
    ),
    "stale-cache": Bug(
        "the layer keeps the input of its first forward and differentiates at it ever after",
        DENSE,
        (Edit(Dense, "forward", "self.x = x\n", "self.x = x if self.x is None else self.x\n"),),
    ),
}


@contextlib.contextmanager
def planted(bug):
    """While the block runs, the core has this bug."""
    saved = [(edit.owner, edit.function, getattr(edit.owner, edit.function)) for edit in bug.edits]
    try:
        for edit in bug.edits:
            setattr(edit.owner, edit.function, rewrite(edit))
        yield
    finally:
        for owner, name, function in saved:
            setattr(owner, name, function)


def rewrite(edit):
    """The function with the edit applied; a debugger still sees its true file and line numbers."""
    function = getattr(edit.owner, edit.function)
    lines, first = inspect.getsourcelines(function)
    source = textwrap.dedent("".join(lines))
    if source.count(edit.right) != 1:
        place = f"{edit.owner.__name__}.{edit.function}"
        raise RuntimeError(f"expected {edit.right!r} once in {place}: bugs.py is out of date")
    tree = ast.parse(source.replace(edit.right, edit.wrong))
    code = compile(ast.increment_lineno(tree, first - 1), inspect.getsourcefile(function), "exec")
    namespace = {}
    exec(code, function.__globals__, namespace)
    return namespace[edit.function]
