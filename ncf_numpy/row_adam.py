"""RowAdam: the numbers of dense Adam at the cost of the rows a batch reads.

Dense Adam moves every row of every table at every step: a row outside the batch has no gradient,
but what momentum it has left carries it on. Nobody looks at it meanwhile. So here a step leaves the
table where it is and only takes the gradient into the moments of the batch's rows; when a batch
next reads a row, it takes that step and all it has missed since at once, because their sum is very
nearly one step of Adam with another step size and another eps. docs/adam.md derives both, and the
bound on the error, and leads from each formula to its line here.
"""

import itertools
import math

import numpy as np

from .layers import check_ids
from .optimizers import check_rate, present

BLOCK = 2**15  # numbers worked on at a time, so that a block and its temporaries stay in cache


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
        self.tables = None  # Tables
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
        if self.tables is None:
            self.tables = Tables({name: W for name, W, _ in lookups})
        rows = []
        for name, W, ids in lookups:
            if self.tables.W.get(name) is not W:
                raise ValueError(f"{name} is not the array of earlier steps: one RowAdam a model")
            rows.append((name, check_ids(ids, len(W), f"ids of {name}")))
        for piece in pieces(rows, self.tables.K) if not self.lazy else []:
            self._move(piece)

    def step(self, parameters):
        """Take one step: at once for dense parameters, for table rows when they are next read."""
        tables, arrays = [], []
        for name, W, rows, g in present(parameters):
            if isinstance(rows, np.ndarray):
                tables.append((name, rows, g))
            else:
                arrays.append((W, g))
        todo = self._caught_up(tables)
        self.t += 1
        for rows, piece in todo:
            self._update_moments(rows, np.concatenate([g for _, _, g in piece]))  # (R, K)
            if self.lazy:
                self._step_rows(rows, piece)
        if arrays:
            self._step_arrays(arrays)

    def flush(self):
        """Move every row to the present: before weights are evaluated, saved or used elsewhere.

        Mathematically free, but rounding depends on when: at each epoch's end and nowhere else.
        """
        if self.tables is not None and not self.lazy:
            everything = [(name, np.arange(len(W))) for name, W in self.tables.W.items()]
            for piece in pieces(everything, self.tables.K):
                self._move(piece)

    def _caught_up(self, tables):
        """[(rows (R,), piece), ...] of the tables' gradients, or RuntimeError if any row is not."""
        known = {} if self.tables is None else self.tables.W
        behind = [name for name, _, _ in tables if name not in known]
        todo = []
        for piece in pieces(tables, self.tables.K) if known and not behind else []:
            rows = self.tables.rows(piece)
            if not self.lazy and (self.tables.moved.take(rows) != self.t).any():
                behind += [name for name, _, _ in piece]
            todo.append((rows, piece))
        if behind:
            raise RuntimeError(
                f"gradients for rows of {' and '.join(behind)} that were not caught up: call "
                "optimizer.catch_up(model.lookups(users, items)) before model.forward"
            )
        return todo

    def _move(self, piece):
        """Take all steps a row has missed in one; a row given twice moves once."""
        tables = self.tables
        rows = tables.rows(piece)  # (R,)
        since = tables.moved.take(rows)  # (R,)
        if (tables.updated.take(rows) != since).any():  # read before, and no gradient came of it
            self._update_moments(rows, 0)
        m, v = tables.m.take(rows, axis=0), tables.v.take(rows, axis=0)  # (R, K), (R, K)
        size, eps, spread = self._missed.as_one(since, self.t, m)  # (R, K) each
        scale = np.sqrt(v, out=v)  # (R, K)
        scale += eps
        scale -= spread / scale
        m *= size
        m /= scale
        tables.subtract(piece, m)
        tables.moved[rows] = self.t

    def _update_moments(self, rows, g):
        """m = beta1^k m + g and v = beta2^k v + g^2, k steps after the last time; g (R, K) or 0."""
        tables = self.tables
        m, v = tables.m.take(rows, axis=0), tables.v.take(rows, axis=0)  # (R, K), (R, K)
        moved = tables.moved.take(rows)  # (R,)
        m_decay, v_decay = self._missed.decay(moved - tables.updated.take(rows), m)  # (R, K) each
        m *= m_decay
        m += g
        v *= v_decay
        v += g * g
        tables.write(tables.m, rows, m)
        tables.write(tables.v, rows, v)
        tables.updated[rows] = moved

    def _step_rows(self, rows, piece):
        """lazy: Adam's step at once on these rows, as if the others did not exist."""
        m, v = self.tables.m[rows], self.tables.v[rows]  # (R, K)
        size, eps = self._missed.one_step(self.t)
        self.tables.subtract(piece, size * m / (np.sqrt(v) + eps))
        self.tables.moved[rows] += 1

    def _step_arrays(self, arrays):
        """Adam's step on all other parameters, laid end to end: few long operations."""
        if self.others is None:
            self.others = EndToEnd([W for W, _ in arrays])
        m, v, move = self.others.m, self.others.v, self.others.move  # (N,)
        g = np.concatenate([g.reshape(-1) for _, g in arrays])  # (N,)
        size, eps = self._missed.one_step(self.t)
        for start in range(0, len(g), BLOCK):
            part = slice(start, start + BLOCK)
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


class Tables:
    """What RowAdam keeps of a model's tables, each (n, K), one below the other: N rows in all.

    m (N, K) and v (N, K) are the decayed sums of g and of g^2, Adam's m / (1 - beta1) and
    v / (1 - beta2). moved (N,) is the step up to which a row has moved; updated (N,) was that when
    its moments last changed: it stays behind where a row is read and no gradient comes of it.
    """

    def __init__(self, W):
        widths = {table.shape[1] for table in W.values()}
        if len(widths) > 1:
            raise ValueError(f"RowAdam needs tables of one width, got {sorted(widths)}; use Adam")
        (self.K,) = widths
        self.W = W
        sizes = [len(table) for table in W.values()]
        self.first = dict(zip(W, itertools.accumulate(sizes, initial=0)))  # of each table, in all N
        dtype = next(iter(W.values())).dtype
        self.m, self.v = np.zeros((2, sum(sizes), self.K), dtype)
        self.moved, self.updated = np.zeros((2, sum(sizes)), np.intp)
        self.row = np.dtype((np.void, self.K * dtype.itemsize))  # K numbers as one item

    def rows(self, piece):
        """[(name, ids, ...), ...] -> the rows (R,) of all these tables' moments."""
        return np.concatenate([ids + self.first[name] for name, ids, *_ in piece])

    def subtract(self, piece, move):
        """Subtract move (R, K) from the rows of W that the piece names."""
        end = 0
        for name, ids, *_ in piece:
            start, end = end, end + len(ids)
            W = self.W[name]
            moved = W.take(ids, axis=0)  # (B, K)
            moved -= move[start:end]
            self.write(W, ids, moved)

    def write(self, table, rows, values):
        """table[rows] = values, copied row by row rather than number by number: twice as fast."""
        np.put(table.view(self.row), rows, values.view(self.row))


class EndToEnd:
    """What RowAdam keeps of the arrays that are not tables: their moments in one long array."""

    def __init__(self, arrays):
        sizes = [W.size for W in arrays]
        self.m, self.v, self.move = np.zeros((3, sum(sizes)), arrays[0].dtype)  # (N,) each
        pieces = np.split(self.move, np.cumsum(sizes)[:-1])  # views
        self.parts = [(W, piece.reshape(W.shape)) for W, piece in zip(arrays, pieces)]


class MissedSteps:
    """The one step that stands for the steps s + 1 .. t of a row: its size, its eps, their spread.

    Step i divides by sqrt(v) + eps x_i with x_i = beta2^(-(i - s - 1) / 2). With mean and variance
    of x under the weights w_i = alpha_i (beta1 / sqrt(beta2))^(i - s - 1), the sum of all steps is

        sum(w) m / (scale - spread / scale),  scale = sqrt(v) + eps mean(x),  spread = eps^2 var(x)

    but for the third moment of x. They come from S_p = sum(w x^p), p = 0, 1, 2, each the difference
    of two tail sums B_p[s] = alpha_(s+1) + c_p B_p[s + 1],  c_p = beta1 / beta2^((p + 1) / 2), in
    tables that grow with time. As the moments are sums, not means, factors of (1 - beta) go here.
    """

    def __init__(self, lr, beta1, beta2, eps):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.eps = eps / math.sqrt(1 - beta2)
        self.gain = (1 - beta1) / math.sqrt(1 - beta2)
        self.c = beta1 / beta2 ** ((np.arange(3)[:, None] + 1) / 2)  # (3, 1)
        self.grow(1024)

    def one_step(self, t):
        """Size and eps of step t alone."""
        alpha = self.lr * math.sqrt(1 - self.beta2**t) / (1 - self.beta1**t)
        return self.gain * alpha, self.eps

    def grow(self, n):
        """Make the tables long enough for n steps. What is cut off beyond n cancels in S_p."""
        self.tails = np.zeros((3, n + 1))  # eps^p B_p[s]
        powers_of_eps = self.eps ** np.arange(3)
        for s in reversed(range(n)):
            size, _ = self.one_step(s + 1)
            self.tails[:, s] = size * powers_of_eps + self.c[:, 0] * self.tails[:, s + 1]
        k = np.arange(n + 1)
        self.powers = self.c**k  # (3, n + 1)
        self.decays = np.stack([self.beta1**k, self.beta2**k])  # (2, n + 1)

    def as_one(self, since, t, like):
        """Size, eps and spread of the one step for since + 1 .. t, each like (R, K); since (R,)."""
        if t >= self.tails.shape[1] - 1:
            self.grow(2 ** t.bit_length())  # by t alone: where the tables end decides last bits
        S = self.tails.take(since, axis=1)  # (3, R)
        S -= self.powers.take(t - since, axis=1) * self.tails[:, t, None]
        S += 1e-300  # where no step was missed or lr is 0: size 0 and any eps, not 0 / 0
        S[1:] /= S[0]
        S[2] -= S[1] * S[1]
        return spread_out(S, like)

    def decay(self, k, like):
        """beta1^k for m and beta2^k for v, each like (R, K); k (R,)."""
        return spread_out(self.decays.take(k, axis=1), like)


def spread_out(columns, like):
    """(n, R) -> (n, R, K), as like (R, K) is: NumPy is slow to broadcast along short rows."""
    R, K = like.shape
    return columns.astype(like.dtype).repeat(K).reshape(len(columns), R, K)


def pieces(tables, K):
    """Cut [(name, ids, ...), ...] into lists of BLOCK numbers; small tables stay together."""
    if sum(len(ids) for _, ids, *_ in tables) * K <= BLOCK:
        return [tables]
    step = max(1, BLOCK // K)
    return [
        [(name, *(column[start : start + step] for column in columns))]
        for name, *columns in tables
        for start in range(0, len(columns[0]), step)
    ]
