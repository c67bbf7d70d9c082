"""Gradient checking: is each analytic gradient the numerical derivative of the loss?

Central differences in float64:  dL/dw ~ (L(w + h) - L(w - h)) / 2h  with h = 1e-5: a smaller step
drowns in rounding, a larger one in curvature, and crosses more ReLU kinks, where no derivative
exists.
A second test needs no single entries: along any direction d, L(w + h d) - L(w) - h <g, d> shrinks
as h^2 if g is the gradient and only as h if it is not (the order of the Taylor remainder).
"""

import math

import numpy as np

from .checks import check_array, check_can, check_generator
from .layers import ReLU
from .row_gradient import RowGradient
from .table import as_table

STEP = 1e-5
RTOL, ATOL = 1e-6, 1e-9
MOST_ENTRIES = 200  # an array of more is sampled


class GradientError(ArithmeticError):
    """A gradient is wrong. `table` has a row for each array, the right and the wrong."""

    def __init__(self, message, table):
        super().__init__(message)
        self.table = table


def numerical_gradient(f, x, *, step=STEP):
    """Central differences of the number f() by every entry of the array x that f reads.

    x float64, any shape -> derivatives, the same shape. x is perturbed in place and restored, bit
    for bit.
    TypeError for any other dtype: in float32 differences are rounding at every step size.
    """
    check_array("x", x)
    require_float64("x", x)
    if np.ndim(f()):
        raise TypeError("f() must return one number, the loss, got an array: sum it, or average it")
    derivatives = np.empty_like(x)
    for index in np.ndindex(x.shape):
        plus, minus = nudge(f, x, index, step)
        derivatives[index] = (plus - minus) / (2 * step)
    return derivatives


def check_gradients(
    model, loss, users, items, labels, *, rng=None, step=STEP, rtol=RTOL, atol=ATOL
):
    """Compare all gradients of a model and its loss, on one batch, with finite differences.

    model: in float64, its embeddings redrawn at std 1 (`redraw_embeddings`): at the usual 0.01 the
    gradients are so small that a wrong one passes. users, items, labels (B,), best with repeats.
    rng draws the sample of entries and the directions; default_rng(0) if None.

    Returns a DataFrame (see `as_table`) with a row per array, the loss's gradient of the logits
    first: array, shape, entries (how many were compared), kinks (how many more crossed a ReLU kink
    and could not be), rel_error (the worst |analytic - numerical| / (max of both + atol / rtol)),
    and order: 2.00 for the right gradient, about 1 for a wrong one, "exact" where the remainder is
    rounding, "kink" where even the smallest step crosses one.
    Raises GradientError that names array, index, analytic and numerical value if a rel_error is
    above rtol; TypeError for float32 weights. Weights are left bit-identical.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    check_generator(rng)
    check_can("model", model)
    check_can("loss", loss)
    for name, W, _ in model.parameters():
        require_float64(name, W)
    users, items, labels = np.asarray(users), np.asarray(items), np.asarray(labels)

    def loss_of_model():
        return loss.forward(model.forward(users, items), labels)

    # First a step on another batch: a backward that uses stale values would pass without it.
    n_users, n_items = (len(W) for _, W, _ in model.lookups(users, items))
    loss.forward(model.forward((users + 1) % n_users, (items + 1) % n_items), 1 - labels)
    model.backward(loss.backward())
    logits = model.forward(users, items)  # (B,)
    loss.forward(logits, labels)
    dlogits = loss.backward()  # (B,)
    model.backward(dlogits)
    gradients = model.parameters()

    check = Check(rng, step, rtol, atol, relus(model.layers()))
    check.compare("dlogits", logits, dlogits, lambda: loss.forward(logits, labels))
    ids_of = {name: ids for name, _, ids in model.lookups(users, items)}
    for name, W, dW in gradients:
        check.compare(name, W, dW, loss_of_model, ids_of.get(name))
    return check.result()


def check_layer(layer, x, *, rng=None, step=STEP, rtol=RTOL, atol=ATOL):
    """The same for one layer, alone: x is its input, the upstream gradient is random.

    Ones as upstream gradient would hide a backward that ignores it or mixes up its rows.
    Raises ValueError for a layer whose output is random, such as dropout: it has no derivative.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    check_generator(rng)
    check_can("layer", layer)
    check_array("x", x)
    if not x.size or not np.isfinite(x).all():
        raise ValueError(f"x must be finite numbers, at least one; got {x.dtype} of {x.shape}")
    if x.dtype.kind == "f":
        require_float64("x", x)
    other = x + 1 if x.dtype.kind == "f" else x[::-1]
    y = layer.forward(other)  # a step on another batch, as above
    require_float64("the layer's output", y)
    upstream = rng.normal(size=y.shape)
    layer.backward(upstream)
    y = layer.forward(x).copy()
    dx = layer.backward(upstream)
    gradients = layer.parameters()
    if not np.array_equal(layer.forward(x), y, equal_nan=True):
        raise ValueError(
            f"{type(layer).__name__}.forward gives another output for the same x: a random layer, "
            "such as dropout, can be checked only with its random draw held fixed"
        )

    def weighted_output():
        return float((upstream * layer.forward(x)).sum())

    check = Check(rng, step, rtol, atol, relus([("layer", layer)]))
    if dx is not None:
        check.compare("x", x, dx, weighted_output)
    for name, W, dW in gradients:
        check.compare(name, W, dW, weighted_output, x if dx is None else None)
    return check.result()


def redraw_embeddings(model, rng, std=1.0):
    """Redraw both embedding tables, in place, from N(0, std^2): large enough to be checked."""
    for embedding in (model.user_embedding, model.item_embedding):
        embedding.W[:] = rng.normal(0.0, std, embedding.W.shape)


class Check:
    """Compares arrays one by one; collects a row for each and the sentences about wrong ones."""

    def __init__(self, rng, step, rtol, atol, relus):
        self.rng = rng
        self.step, self.rtol, self.atol = step, rtol, atol
        self.relus = relus
        self.rows, self.errors = [], []

    def compare(self, name, x, gradient, f, ids=None):
        """Check the gradient of f() by x; ids are the rows of x that f reads, if x is a table."""
        dense = gradient.to_dense() if isinstance(gradient, RowGradient) else gradient
        if dense is None or dense.shape != x.shape:
            shape = None if dense is None else dense.shape
            self.errors.append(f"{name}: a gradient of shape {shape} for an array of {x.shape}")
            return
        if isinstance(gradient, RowGradient) and not np.isin(gradient.rows, ids).all():
            row = gradient.rows[~np.isin(gradient.rows, ids)][0]
            self.errors.append(f"{name}: a gradient for row {row}, which the batch does not read")
        compared, kinks, order = [], 0, self.taylor_order(x, dense, f)
        for index in self.sample(x.shape, ids):
            derivative, crossed = self.derivative(f, x, index)
            if crossed:
                kinks += 1
            else:
                compared.append((index, dense[index], derivative))
        errors = [self.relative_error(analytic, numerical) for _, analytic, numerical in compared]
        worst = max(errors, default=math.nan)
        self.rows.append(
            {
                "array": name,
                "shape": x.shape,
                "entries": len(compared),
                "kinks": kinks,
                "rel_error": worst,
                "order": order,
            }
        )
        wrong = [entry for entry, error in zip(compared, errors, strict=True) if error > self.rtol]
        if wrong:
            self.errors.append(self.describe(name, wrong, len(compared), kinks))
        elif kinks > len(compared):
            self.errors.append(
                f"{name}: {kinks} of {kinks + len(compared)} entries cross a ReLU kink within the "
                f"step {self.step:g}; take a smaller step or other weights"
            )
        elif order not in ("exact", "kink") and float(order) < 1.5:
            self.errors.append(f"{name}: Taylor remainder of order {order}; 2.00 is right")

    def result(self):
        table = as_table(self.rows)
        if self.errors:
            raise GradientError("\n".join(self.errors), table)
        return table

    def derivative(self, f, x, index):
        """The central difference at one entry, and whether its step crosses a ReLU kink."""
        signs = []

        def f_with_signs():
            value = f()
            signs.append(self.signs())
            return value

        plus, minus = nudge(f_with_signs, x, index, self.step)
        return (plus - minus) / (2 * self.step), not np.array_equal(*signs)

    def signs(self):
        """Which inputs of the ReLUs are positive in the latest forward."""
        return np.concatenate([(relu.x > 0).reshape(-1) for relu in self.relus] or [[]])

    def relative_error(self, analytic, numerical):
        size = max(abs(analytic), abs(numerical)) + self.atol / self.rtol
        error = abs(analytic - numerical) / size
        return error if math.isfinite(error) else math.inf

    def sample(self, shape, ids):
        """Positions to compare: all of a small array; of a table, its read rows and one other."""
        size = math.prod(shape)
        if size <= MOST_ENTRIES:
            positions = np.arange(size)
        elif ids is None:
            positions = self.rng.choice(size, MOST_ENTRIES, replace=False)
        else:
            cells = np.arange(size).reshape(shape)
            read = cells[np.unique(ids)].reshape(-1)
            unread = np.delete(cells, np.unique(ids), axis=0)[:1, :20].reshape(-1)
            count = min(len(read), MOST_ENTRIES - len(unread))
            positions = np.append(self.rng.choice(read, count, replace=False), unread)
        return [tuple(map(int, np.unravel_index(k, shape))) for k in positions]

    def taylor_order(self, x, gradient, f):
        """log2 of how much the Taylor remainder shrinks when the step h is halved, as text."""
        direction = self.rng.normal(size=x.shape)
        direction /= np.linalg.norm(direction)
        derivative = float((gradient * direction).sum())
        start, value, before = x.copy(), f(), self.signs()

        def remainder(h):
            try:
                x[...] = start + h * direction
                change = f() - value
            finally:
                x[...] = start
            return abs(change - h * derivative), np.array_equal(before, self.signs())

        for h in 1e-2 / 2.0 ** np.arange(8):
            (far, smooth), (near, _) = remainder(h), remainder(h / 2)
            if smooth:
                break
        rounding = 1e3 * np.finfo(float).eps * max(1.0, abs(value))
        if far < rounding:
            return "exact"
        return f"{math.log2(far / max(near, 1e-300)):.2f}" if smooth else "kink"

    def describe(self, name, wrong, n_compared, kinks):
        index, analytic, numerical = max(wrong, key=lambda entry: self.relative_error(*entry[1:]))
        ratios = np.array([a / n for _, a, n in wrong if abs(n) > self.atol / self.rtol])
        text = (
            f"{name}{list(index)}: analytic {analytic:.9g}, numerical {numerical:.9g}; "
            f"{len(wrong)} of {n_compared} entries differ"
        )
        if len(ratios) > 1 and np.ptp(ratios) < 1e-3 * abs(ratios[0]):
            text += f", each by the factor {ratios[0]:.6g}"
        return text + (f" ({kinks} more cross a ReLU kink and were left out)" if kinks else "")


def relus(layers):
    return [layer for _, layer in layers if isinstance(layer, ReLU)]


def nudge(f, x, index, step):
    """f() with x[index] a step up and a step down; x is then as it was, bit for bit."""
    value = x[index]
    try:
        x[index] = value + step
        plus = f()
        x[index] = value - step
        minus = f()
    finally:
        x[index] = value
    return plus, minus


def require_float64(name, x):
    if x.dtype != np.float64:
        raise TypeError(
            f"gradients are checked in float64, but {name} is {x.dtype}, whose rounding at a step "
            "of 1e-5 is larger than the gradient: build the model with dtype=np.float64"
        )
