"""Planted bugs: the classic ways to get a gradient wrong, each one line of the core exchanged.

    with planted(BUGS["dropped-repeats"]):
        check_gradients(model, loss, users, items, labels)     # raises GradientError

A bug is an edit of the real source, so it cannot drift from it: where the line to exchange is not
found exactly once, planting fails. Python's own copy of the function is put back at the end.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from ..core.layers import Dense, ReLU
from ..core.losses import BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from ..core.models import GMF, MF, MLP, NeuMF
from ..core.row_gradient import GroupById


class Edit(NamedTuple):
    owner: type  # the class that holds the function
    function: str
    right: str
    wrong: str


class Bug(NamedTuple):
    summary: str  # what the code now does
    models: tuple  # names of the models it shows in
    edits: tuple  # one or more, for the places where the same idea stands
    symptom: str = ""  # what a loss curve and a gradient check of NeuMF say
    why: str = ""  # why the right line is right

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
        symptom="user_embedding.W fails and item_embedding.W passes. The two are treated alike "
        "everywhere but in one place, their product. The loss falls all the same, more "
        "slowly.",
        why="phi = p * q is linear in p, with derivative q: a user moves towards the items it "
        "has. With p in the place of q its vector is only stretched or shrunk.",
    ),
    "dropped-repeats": Bug(
        "an id that occurs twice in the batch keeps only its last gradient, as dW[ids] += dy does",
        ALL,
        (
            Edit(
                GroupById,
                "sum",
                "np.add.at(sums.reshape(-1), cells.reshape(-1), further.reshape(-1))",
                "sums.reshape(-1)[cells.reshape(-1)] = further.reshape(-1)",
            ),
        ),
        symptom="Both tables fail, in the rows that occur more than once, and everything above "
        "them passes. On a batch without repeats the whole check passes.",
        why="A row that is read twice acts on the loss twice, so its gradient is a sum: dW "
        "= one_hot^T dy. An assignment writes twice to one place, and the last one "
        "stays.",
    ),
    "missing-mean": Bug(
        "the loss is a mean over the batch, its gradient is that of the sum: no 1/B",
        ALL,
        (
            Edit(BinaryCrossEntropyWithLogits, "backward", " / len(self.z)", ""),
            Edit(BinaryCrossEntropy, "backward", " / len(p)", ""),
        ),
        symptom="Everything fails, dlogits included, each by one factor, the size of the batch. "
        "A learning rate that was right diverges. Adam would hide it: it divides the "
        "scale of a gradient away.",
        why="The value of the loss is a mean, so its gradient has the 1/B of a mean. All "
        "that follows are plain sums: if it is missing here, it is missing everywhere.",
    ),
    "second-mean": Bug(
        "the bias gradient is averaged over the batch, which the loss has done already",
        DENSE,
        (Edit(Dense, "backward", "np.ones(len(dy), dy.dtype).dot(dy)", "dy.mean(axis=0)"),),
        symptom="The biases fail, each by the factor 1/B, and nothing else. The loss curve is "
        "healthy: the biases only learn B times more slowly.",
        why="b is added in every row of the batch, so db is the sum of dy over the rows. "
        "The mean's 1/B is in dy already, since the loss has put it there.",
    ),
    "flipped-sign": Bug(
        "label minus prediction: every step goes uphill",
        ALL,
        (
            Edit(BinaryCrossEntropyWithLogits, "backward", "dz = (", "dz = -("),
            Edit(BinaryCrossEntropy, "backward", "dp = (p - y)", "dp = (y - p)"),
        ),
        symptom="Everything fails by the factor -1, dlogits included, and the loss rises from "
        "the first step on.",
        why="Where the prediction is too high, p > y, the loss grows with the logit: its "
        "derivative is p - y, and the optimizer moves against it.",
    ),
    "no-bias-gradient": Bug(
        "the bias gets a gradient of zero and never learns",
        DENSE,
        (Edit(Dense, "backward", "np.ones(len(dy), dy.dtype).dot(dy)", "0 * self.b"),),
        symptom="The biases fail, analytic 0, with a Taylor order of 1.00. The loss falls, here "
        "even faster: no curve will ever tell.",
        why="y = x W + b is the same as giving x a column of ones whose weights are b, so "
        "db = ones^T dy: the sum over the batch.",
    ),
    "relu-passes-all": Bug(
        "ReLU also lets the gradient through where its input was negative",
        TOWER,
        (Edit(ReLU, "backward", "dy * (self.x > 0)", "dy * 1.0"),),
        symptom="output passes and everything below it fails: on the way down the first "
        "thing after the output layer is a ReLU. The loss falls, more slowly.",
        why="Where x < 0 the output is 0 whatever x is, so its derivative is 0. The gate that "
        "forward closed must stay closed in backward.",
    ),
    "swapped-halves": Bug(
        "the two halves of the concatenation go back to each other's tables",
        TOWER,
        (
            Edit(MLP, "backward", "dp, dq = dz[:, :D]", "dq, dp = dz[:, :D]"),
            Edit(NeuMF, "backward", "dp_M, dq_M = dphi_M[:, :D]", "dq_M, dp_M = dphi_M[:, :D]"),
        ),
        symptom="Both tables fail, all dense layers pass, and there is no common factor: the "
        "gradients are right but for where they go.",
        why="Forward put the user's half to the left and the item's to the right. The "
        "reverse of a concatenation is a split in the same order.",
    ),
    "reversed-rows": Bug(
        "each row of the batch receives the gradient of another row",
        DENSE,
        (Edit(Dense, "backward", "dx = dy.dot(self.W.T)", "dx = dy[::-1].dot(self.W.T)"),),
        symptom="output.W passes, for it sees the right dy; everything below fails. The loss "
        "stays where always guessing the share of positives leaves it.",
        why="Row b of dx must come from row b of dy: a pair's gradient belongs to its own "
        "user and item. With an upstream gradient of ones no check would see the "
        "difference.",
    ),
    "ignored-upstream": Bug(
        "dx is computed as if the gradient from above were ones",
        DENSE,
        (Edit(Dense, "backward", "dx = dy.dot(self.W.T)", "dx = (0 * dy + 1).dot(self.W.T)"),),
        symptom="output.W and output.b pass and everything below fails, by no common factor. "
        "The loss explodes.",
        why="The chain rule is a product, dL/dx = dL/dy dy/dx. Without dL/dy this is the "
        "gradient of the sum of y, which is not the loss.",
    ),
    "one-percent": Bug(
        "the weight gradient is 1.01 times too large: too small to see, large enough to check",
        DENSE,
        (Edit(Dense, "backward", "self.x.T.dot(dy)", "1.01 * self.x.T.dot(dy)"),),
        symptom="The weight matrices fail, each by the factor 1.01. The loss curve is all but "
        "that of the right code: only a strict relative tolerance sees it.",
        why="dL/dW = x^T dy, without a factor. A check with a tolerance of 1e-2 lets this "
        "pass; central differences in float64 can afford 1e-6.",
    ),
    "transposed-weight": Bug(
        "W is reshaped to the transposed shape instead of transposed",
        TOWER,
        (Edit(Dense, "backward", "self.W.T", "self.W.reshape(self.W.shape[::-1])"),),
        symptom="dense1 and both tables fail, all below dense2, and no shape ever complains. "
        "output passes: to transpose a single column or to reshape it is the same.",
        why="x_i acts on y_j through W[i, j], so dx_i = sum_j dy_j W[i, j] = (dy W^T)_i. "
        "reshape keeps the numbers in their order and only draws other borders.",
    ),
    "stale-cache": Bug(
        "the layer keeps the input of its first forward and differentiates at it ever after",
        DENSE,
        (Edit(Dense, "forward", "self.x = x\n", "self.x = x if self.x is None else self.x\n"),),
        symptom="The weight matrices fail and the biases pass: db needs no x, dW does. A check "
        "that makes one single forward pass would see nothing.",
        why="dW = x^T dy, with the x of the forward that led to this dy. A layer refers to "
        "its latest forward, so it remembers a new x in each.",
    ),
}


@contextlib.contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """A context in which the core has a bug.

    Parameters
    ----------
    bug : Bug
        One of BUGS.

    Yields
    ------
    None

    Raises
    ------
    RuntimeError
        Where the core no longer has the line that the bug exchanges.
    """
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
