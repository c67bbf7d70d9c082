"""RowAdam: the numbers of dense Adam at the cost of the rows a batch reads.

Dense Adam moves every row of every table at every step: a row outside the batch has no gradient,
but what momentum it has left carries it on. Nobody looks at it meanwhile. So here a step updates
only the moments m and v of the batch's rows, and a row moves when a batch next reads it, by all the
steps since its last move at once, because their sum has a closed form:

    W -= m / (sqrt(v) + eps) * (T0 - rho T1 + rho^2 T2),    rho = eps / (sqrt(v) + eps)

docs/adam.md derives it and leads from each formula to its line here.
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
        self.m = self.v = None  # the moments of all other parameters, end to end
        self.lr = lr

    @property
    def lr(self):
        """The learning rate. Before it changes, every row takes the steps it missed at the old."""
        return self._lr

    @lr.setter
    def lr(self, lr):
        self.flush()
        self._lr = check_rate("lr", lr)
        missed = LazySteps if self.lazy else MissedSteps
        self._missed = missed(self._lr, self.beta1, self.beta2)

    def catch_up(self, lookups):
        """Move the rows a batch will read to the present; lookups is [(name, W, ids (B,)), ...]."""
        for name, W, ids in lookups:
            if name not in self.tables:
                self.tables[name] = Table(W)
            table = self.tables[name]
            if table.W is not W:
                raise ValueError(f"{name} is not the array of the step before: one RowAdam a model")
            for part in blocks(len(ids), W.shape[1]):
                self._move(table, ids[part])

    def step(self, parameters):
        """Take one step: at once for dense parameters, for table rows when they are next read."""
        tables, arrays = [], []
        for name, W, dW in parameters:
            rows, g = present(name, W, dW)
            if not isinstance(dW, RowGradient):
                arrays.append((W, g))
            elif name in self.tables and (self.tables[name].t_W.take(rows) == self.t).all():
                tables.append((self.tables[name], rows, g))
            else:
                raise RuntimeError(
                    f"{name} has gradients for rows that were not caught up: "
                    "call optimizer.catch_up(model.lookups(users, items)) before model.forward"
                )
        self.t += 1
        for table, rows, g in tables:
            for part in blocks(len(rows), g.shape[1]):
                self._update_moments(table, rows[part], g[part])
        if arrays:
            self._step_arrays(arrays)

    def flush(self):
        """Move every row to the present, moments too: before weights are evaluated or saved.

        Mathematically free, but rounding depends on when: at each epoch's end and nowhere else.
        """
        for table in self.tables.values():
            for part in blocks(*table.W.shape):
                rows = np.arange(len(table.W))[part]
                self._move(table, rows)
                k = self.t - table.t_moments[rows]  # (R,)
                table.moments[rows] *= self._missed.decay(k, W.dtype)  # (R, 2, K) * (R, 2, 1)
                table.t_moments[rows] = self.t

    def _move(self, table, rows):
        """W -= m / (sqrt(v) + eps) * (T0 - rho T1 + rho^2 T2). A row given twice moves once."""
        moments = table.moments.take(rows, axis=0)  # (R, 2, K)
        t_moments, t_W = table.t_moments.take(rows), table.t_W.take(rows)  # (R,)
        T0, T1, T2 = self._missed.series(t_moments, t_W, self.t, moments.dtype)  # (R, 1)
        m, scale = moments[:, 0], np.sqrt(moments[:, 1])  # (R, K)
        scale += self.eps
        rho = self.eps / scale  # (R, K)
        move = rho * T2  # (R, K)
        np.subtract(T1, move, out=move)
        move *= rho
        np.subtract(T0, move, out=move)
        move *= m
        move /= scale
        W = table.W.take(rows, axis=0)  # (R, K)
        W -= move
        table.W[rows] = W
        table.t_W[rows] = self.t

    def _update_moments(self, table, rows, g):
        """m = beta1^k m + (1 - beta1) g, and v likewise, k steps after their last update."""
        moments = table.moments.take(rows, axis=0)  # (R, 2, K)
        k = self.t - table.t_moments.take(rows)  # (R,)
        moments *= self._missed.decay(k, g.dtype)  # (R, 2, 1)
        moments[:, 0] += (1 - self.beta1) * g
        moments[:, 1] += (1 - self.beta2) * g * g
        table.moments[rows] = moments
        table.t_moments[rows] = self.t

    def _step_arrays(self, arrays):
        """Adam's step on all other parameters, laid end to end: few long operations."""
        g = np.concatenate([g.reshape(-1) for _, g in arrays])  # (N,)
        if self.m is None:
            self.m, self.v = np.zeros_like(g), np.zeros_like(g)
        move = np.empty_like(g)
        alpha = step_size(self.lr, self.beta1, self.beta2, self.t)
        for part in blocks(len(g), 1):
            self.m[part] *= self.beta1
            self.m[part] += (1 - self.beta1) * g[part]
            self.v[part] *= self.beta2
            self.v[part] += (1 - self.beta2) * g[part] * g[part]
            scale = np.sqrt(self.v[part])
            scale += self.eps
            np.divide(self.m[part], scale, out=scale)
            np.multiply(alpha, scale, out=move[part])
        end = 0
        for W, _ in arrays:
            end += W.size
            W -= move[end - W.size : end].reshape(W.shape)


class Table:
    """What RowAdam keeps of a table W (n, K)."""

    def __init__(self, W):
        n, K = W.shape
        self.W = W
        self.moments = np.zeros((n, 2, K), W.dtype)  # m and v of a row side by side
        self.t_moments = np.zeros(n, np.intp)  # the step of a row's latest moments
        self.t_W = np.zeros(n, np.intp)  # the step up to which a row has moved


class MissedSteps:
    """The sums T0, T1, T2 over the steps a row has missed, from tables that grow with time.

    With c_p = beta1 / beta2^((p + 1) / 2) and alpha_t the step size, the tail sums
    B_p[s] = sum of alpha_(s+1+i) c_p^i, i = 0, 1, ... give the sum over the steps s + 1 .. t as
    a difference of two. Each is one line of a backward recurrence.
    """

    def __init__(self, lr, beta1, beta2):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.c = beta1 / beta2 ** ((np.arange(3) + 1) / 2)  # (3,)
        self.grow(1024)

    def grow(self, n):
        """Make the tables long enough for n steps. What is cut off at their end cancels."""
        alpha = [step_size(self.lr, self.beta1, self.beta2, t) for t in range(1, n + 1)]
        self.tails = np.zeros((n + 1, 3))
        for s in reversed(range(n)):
            self.tails[s] = alpha[s] + self.c * self.tails[s + 1]  # alpha[s] is alpha_(s+1)
        k = np.arange(n + 2)
        self.powers = self.c ** k[:, None]  # (n + 2, 3)
        self.decays = np.stack([self.beta1**k, self.beta2**k], axis=1)[:, :, None]  # (n + 2, 2, 1)

    def series(self, t_moments, t_W, t, dtype):
        """T0, T1, T2 over the steps t_W + 1 .. t, (R, 1) each, for moments of step t_moments."""
        if t >= len(self.tails):
            self.grow(2 * t)
        before, missed = t_W + 1 - t_moments, t - t_W  # (R,) both >= 0
        S = (
            self.tails.take(t_W, axis=0) - self.powers.take(missed, axis=0) * self.tails[t]
        )  # (R, 3)
        S *= self.powers.take(before, axis=0)
        T = (S @ DIFFERENCES).astype(dtype)  # (R, 3)
        return T[:, 0:1], T[:, 1:2], T[:, 2:3]

    def decay(self, k, dtype):
        """beta1^k and beta2^k for m and v, (R, 2, 1)."""
        return self.decays.take(k, axis=0).astype(dtype)


class LazySteps:
    """No step is ever missed: a row moves once for its own gradient, and its moments wait for it."""

    def __init__(self, lr, beta1, beta2):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2

    def series(self, t_moments, t_W, t, dtype):
        own = [step_size(self.lr, self.beta1, self.beta2, max(step, 1)) for step in t_moments]
        T0 = np.where(t_W < t_moments, own, 0.0).astype(dtype)[:, None]  # (R, 1)
        return T0, np.zeros_like(T0), np.zeros_like(T0)

    def decay(self, k, dtype):
        updated = k > 0
        once = np.array([[self.beta1], [self.beta2]])  # (2, 1)
        return np.where(updated[:, None, None], once, 1.0).astype(dtype)  # (R, 2, 1)


DIFFERENCES = np.array(
    [[1.0, -1.0, 1.0], [0.0, 1.0, -2.0], [0.0, 0.0, 1.0]]
)  # S -> S0, S1 - S0, ...


def step_size(lr, beta1, beta2, t):
    """alpha_t = lr sqrt(1 - beta2^t) / (1 - beta1^t)."""
    return lr * math.sqrt(1 - beta2**t) / (1 - beta1**t)


def blocks(n, width):
    """Slices that cover n rows, BLOCK numbers each."""
    rows = max(1, BLOCK // width)
    return [slice(start, start + rows) for start in range(0, n, rows)]
