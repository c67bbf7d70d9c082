"""RowAdam: the numbers of dense Adam at the cost of the rows a batch reads.

Dense Adam moves every row of every table at every step: a row outside the batch has no gradient,
but what momentum it has left carries it on. Nobody looks at it meanwhile. So here a step leaves the
table where it is and only adds the gradient to the moments of the batch's rows; when a batch next
reads a row, it takes that step and all it has missed since at once, because their sum is very
nearly one step of Adam with another step size and another eps. docs/adam.md derives both, and the
bound on the error, and leads from each formula to its line here.
"""

import math

import numpy as np

from .layers import RowGradient
from .optimizers import check_rate, present

BLOCK = 2**14  # numbers worked on at a time, so that a block and its temporaries stay in cache


class RowAdam:
    """Adam whose table rows take their steps when a batch next reads them.

        optimizer.catch_up(model.lookups(users, items))    # before the forward pass
        ...                                                # forward, loss, backward
        optimizer.step(model.parameters())
        optimizer.flush()                                  # after each epoch: all rows are current

    Formula, arguments and, to rounding, results are those of `Adam`. Domain: beta2 >= 0.998 and
    beta1 < beta2^1.5, where the closed form is accurate; elsewhere use `Adam`.
    lazy=True lets rows outside the batch stand still with their moments, as TensorFlow's LazyAdam
    and PyTorch's SparseAdam do: another algorithm, here to be compared with.
    """

    def __init__(self, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, *, lazy=False):
        self.beta1 = check_rate("beta1", beta1, high=1)
        self.beta2 = check_rate("beta2", beta2, high=1)
        self.eps = check_rate("eps", eps, low=1e-30)
        if self.beta2 < 0.998 or self.beta1 >= self.beta2**1.5:
            raise ValueError(
                f"RowAdam needs beta2 >= 0.998 and beta1 < beta2^1.5, got beta1 = {beta1} and "
                f"beta2 = {beta2}; Adam is dense and right for any betas"
            )
        self.lazy = lazy
        self.t = 0
        self.tables = {}  # name -> Table
        self.others = None  # all other parameters, EndToEnd
        self.lr = lr

    @property
    def lr(self):
        """The learning rate. Before it changes, every row takes the steps it missed at the old."""
        return self._lr

    @lr.setter
    def lr(self, lr):
        self.flush()
        self._lr = check_rate("lr", lr)
        self._missed = MissedSteps(self._lr, self.beta1, self.beta2, self.eps)

    def catch_up(self, lookups):
        """Move the rows a batch will read to the present; lookups is [(name, W, ids (B,)), ...]."""
        for name, W, ids in lookups:
            if name not in self.tables:
                self.tables[name] = Table(W)
            table = self.tables[name]
            if table.W is not W:
                raise ValueError(f"{name} is not the array of the step before: one RowAdam a model")
            if not self.lazy:
                for part in blocks(len(ids), W.shape[1]):
                    self._move(table, ids[part])

    def step(self, parameters):
        """Take one step: at once for dense parameters, for table rows when they are next read."""
        tables, arrays = [], []
        for name, W, dW in parameters:
            rows, g = present(name, W, dW)
            if not isinstance(dW, RowGradient):
                arrays.append((W, g))
            elif name in self.tables and self._is_current(self.tables[name], rows):
                tables.append((self.tables[name], rows, g))
            else:
                raise RuntimeError(
                    f"{name} has gradients for rows that were not caught up: "
                    "call optimizer.catch_up(model.lookups(users, items)) before model.forward"
                )
        self.t += 1
        update = self._step_rows if self.lazy else self._add_gradient
        for table, rows, g in tables:
            for part in blocks(*g.shape):
                update(table, rows[part], g[part])
        if arrays:
            self._step_arrays(arrays)

    def flush(self):
        """Move every row to the present: before weights are evaluated, saved or used elsewhere.

        Mathematically free, but rounding depends on when: at each epoch's end and nowhere else.
        """
        for table in self.tables.values():
            if not self.lazy:
                for part in blocks(*table.W.shape):
                    self._move(table, np.arange(len(table.W))[part])

    def _is_current(self, table, rows):
        return self.lazy or (table.t.take(rows) == self.t).all()

    def _move(self, table, rows):
        """Take steps table.t + 1 .. t in one. A row given twice is computed twice and moved once."""
        moments = table.moments.take(rows, axis=0)  # (R, 2, K)
        since = table.t.take(rows)  # (R,)
        size, eps = self._missed.as_one(since, self.t, moments.dtype)  # (2, R)
        move = size[:, None] * moments[:, 0]  # (R, 1) * (R, K)
        scale = np.sqrt(moments[:, 1])  # (R, K)
        scale += eps[:, None]
        move /= scale
        W = table.W.take(rows, axis=0)  # (R, K)
        W -= move
        table.W[rows] = W
        moments *= self._missed.decay(self.t - since, moments.dtype)  # (R, 2, K) * (R, 2, 1)
        table.moments[rows] = moments
        table.t[rows] = self.t

    def _add_gradient(self, table, rows, g):
        """m += g and v += g^2: both have been decayed already, when the row was caught up."""
        moments = table.moments.take(rows, axis=0)  # (R, 2, K)
        moments += np.stack([g, g * g], axis=1)
        table.moments[rows] = moments

    def _step_rows(self, table, rows, g):
        """lazy: Adam's step at once on these rows, as if the others did not exist."""
        once = np.ones(len(rows), np.intp)
        table.moments[rows] *= self._missed.decay(once, g.dtype)  # (R, 2, K) * (R, 2, 1)
        self._add_gradient(table, rows, g)
        size, eps = self._missed.as_one(once * self.t - 1, self.t, g.dtype)  # (2, R)
        m, v = table.moments[rows, 0], table.moments[rows, 1]  # (R, K)
        table.W[rows] -= size[:, None] * m / (np.sqrt(v) + eps[:, None])

    def _step_arrays(self, arrays):
        """Adam's step on all other parameters, laid end to end: few long operations."""
        if self.others is None:
            self.others = EndToEnd([W for W, _ in arrays])
        m, v, move = self.others.m, self.others.v, self.others.move  # (N,)
        g = np.concatenate([g.reshape(-1) for _, g in arrays])  # (N,)
        size, eps = self._missed.one_step(self.t)
        for part in blocks(len(g), 1):
            m_, v_, g_, move_ = m[part], v[part], g[part], move[part]
            m_ *= self.beta1
            m_ += g_
            v_ *= self.beta2
            g_ *= g_
            v_ += g_
            np.sqrt(v_, out=move_)
            move_ += eps
            np.divide(m_, move_, out=move_)
            move_ *= size
        for W, part in self.others.parts:
            W -= part


class Table:
    """What RowAdam keeps of a table W (n, K).

    moments (n, 2, K) are the decayed sums of g and of g^2, Adam's m / (1 - beta1) and
    v / (1 - beta2). t (n,) is the step up to which a row has moved; its moments are one step
    ahead: decayed for step t + 1, and after that step with its gradient.
    """

    def __init__(self, W):
        self.W = W
        self.moments = np.zeros((len(W), 2, W.shape[1]), W.dtype)
        self.t = np.zeros(len(W), np.intp)


class EndToEnd:
    """What RowAdam keeps of the arrays that are not tables: their moments as one long array each."""

    def __init__(self, arrays):
        sizes = [W.size for W in arrays]
        self.m, self.v, self.move = np.zeros((3, sum(sizes)), arrays[0].dtype)  # (N,) each
        pieces = np.split(self.move, np.cumsum(sizes)[:-1])  # views
        self.parts = [(W, piece.reshape(W.shape)) for W, piece in zip(arrays, pieces, strict=True)]


class MissedSteps:
    """The step size and eps of the one step that stands for the steps s + 1 .. t of a row.

    With S_p = sum of alpha_i c_p^(i - s - 1) over i = s + 1 .. t, c_0 = beta1 / sqrt(beta2) and
    c_1 = beta1 / beta2, the size is S_0 and the eps is eps S_1 / S_0. Each S_p is the difference of
    two tail sums B_p[s] = alpha_(s+1) + c_p B_p[s + 1], kept in tables that grow with time.
    For moments that are sums, not means, both carry factors of (1 - beta).
    """

    def __init__(self, lr, beta1, beta2, eps):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.eps = eps / math.sqrt(1 - beta2)
        self.gain = (1 - beta1) / math.sqrt(1 - beta2)
        self.c = np.array([[beta1 / math.sqrt(beta2)], [beta1 / beta2]])  # (2, 1)
        self.grow(1024)

    def one_step(self, t):
        """Size and eps of step t alone."""
        alpha = self.lr * math.sqrt(1 - self.beta2**t) / (1 - self.beta1**t)
        return self.gain * alpha, self.eps

    def grow(self, n):
        """Make the tables long enough for n steps. What is cut off beyond n cancels in S_p."""
        self.tails = np.zeros((2, n + 1))  # B_0[s] and eps B_1[s]
        for s in reversed(range(n)):
            size, eps = self.one_step(s + 1)
            self.tails[0, s] = size + self.c[0, 0] * self.tails[0, s + 1]
            self.tails[1, s] = size * eps + self.c[1, 0] * self.tails[1, s + 1]
        k = np.arange(n + 1)
        self.powers = self.c**k  # (2, n + 1)
        self.decays = np.stack([self.beta1**k, self.beta2**k], axis=1)[:, :, None]  # (n + 1, 2, 1)

    def as_one(self, since, t, dtype):
        """Size and eps, (2, R), that stand for the steps since + 1 .. t; since (R,)."""
        if t >= self.tails.shape[1]:
            self.grow(2 * t)
        S = self.tails.take(since, axis=1)  # (2, R)
        S -= self.powers.take(t - since, axis=1) * self.tails[:, t, None]
        S += 1e-300  # where no step was missed or lr is 0: size 0 and any eps, not 0 / 0
        S[1] /= S[0]
        return S.astype(dtype)

    def decay(self, k, dtype):
        """beta1^k for m and beta2^k for v, (R, 2, 1); k (R,)."""
        return self.decays.take(k, axis=0).astype(dtype)


def blocks(n, width):
    """Slices that cover n rows, BLOCK numbers each."""
    rows = max(1, BLOCK // width)
    return [slice(start, start + rows) for start in range(0, n, rows)]
