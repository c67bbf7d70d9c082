"""RowAdam: the result of dense Adam at the cost of the rows a batch reads.

Dense Adam moves every row of every table at every step: a row outside the batch has no gradient,
but what momentum it has left still moves it. No batch reads it meanwhile. So here a step leaves the
table as it is and only adds the gradient to the moments of the batch's rows. When a batch next
reads a row, all its deferred updates are applied at once, because their sum is very nearly one step
of Adam with another step size and another eps: deferred_updates.py.
docs/explanation/adam.md derives both and the bound on the error, and leads from each formula to its
line.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..core.checks import check_gradient, check_ids, check_rate
from ..core.row_gradient import GroupById, RowGradient
from .deferred_updates import DeferredUpdates
from .moments import EndToEnd, Tables

if TYPE_CHECKING:
    from ..core.models import Model
    from ..core.types import Array, Lookups, Parameters

# {id: a reference to the RowAdam} of those that may have pending updates. A WeakSet would
# run Python when one dies, in a place that lets no Ctrl-C out.
BEHIND = {}
BLOCK = 2**15  # numbers worked on at a time, so that a block and its temporaries stay in cache
TINY = 1e-30  # a moment below it moves no weight by what its last bit is worth
CLEAR_EVERY = 64  # steps


class RowAdam:
    """Adam whose table rows take their steps when a batch next reads them.

        optimizer.catch_up(model.lookups(users, items))    # before the forward pass
        ...                                                # forward, loss, backward
        optimizer.step(model.parameters())
        optimizer.flush()                                  # after each epoch: all rows are current

    Formula and, to rounding, results are those of `Adam`.

    Parameters
    ----------
    lr, beta1, beta2, eps : float
        As of `Adam`. beta2 >= 0.998 and beta1 < beta2^1.5, where the closed form is accurate;
        elsewhere use `Adam`.
    lazy : bool
        True lets rows outside the batch stand still with their moments, as TensorFlow's LazyAdam
        and PyTorch's SparseAdam do: another algorithm, here to be compared with.

    Raises
    ------
    ValueError
        For a number outside its domain.
    """

    def __init__(
        self,
        lr: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        *,
        lazy: bool = False,
    ) -> None:
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
        self.tables: Tables | None = None
        self.others: EndToEnd | None = None  # all other parameters
        self.batch: Batch | None = None  # what was last caught up and waits for its gradients
        self.lr = lr

    @property
    def lr(self) -> float:
        """The learning rate. Before it changes, all pending updates are applied at the old one."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self.flush()
        self._lr = check_rate("lr", lr)
        self._deferred = DeferredUpdates(self._lr, self.beta1, self.beta2, self.eps)

    def catch_up(self, lookups: Lookups) -> None:
        """Move the rows a batch will read to the present.

        Parameters
        ----------
        lookups : [(name, W, ids (B,)), ...]
            Of model.lookups(users, items).

        Raises
        ------
        ValueError
            For the tables of another model.
        TypeError, IndexError
            For ids that are not rows of their table.
        """
        if self.tables is None:
            self.tables = Tables({name: W for name, W, _ in lookups})
        ids = {}
        for name, W, ids_read in lookups:
            if self.tables.W.get(name) is not W:
                raise ValueError(
                    f"{name} is a different array than in earlier steps; create one RowAdam per "
                    "model"
                )
            ids[name] = check_ids(ids_read, len(W), f"ids of {name}")
        BEHIND[id(self)] = weakref.ref(self)
        self._drop_batch()
        groups = GroupById(self.tables.rows(ids))
        self.batch = Batch(ids, groups, [self._move(rows) for rows in self._blocks(groups.rows)])

    def step(self, parameters: Parameters) -> None:
        """Take one step: at once for dense parameters, for table rows when they are next read.

        Parameters
        ----------
        parameters : [(name, W, dW), ...]
            All of model.parameters().

        Raises
        ------
        RuntimeError
            Without gradients, or for other ids than those of the latest `catch_up`.
        ValueError
            For a gradient whose shape or dtype is not that of its array.
        """
        tables, arrays = {}, []
        for name, W, dW in parameters:
            check_gradient(name, W, dW)
            if isinstance(dW, RowGradient):
                tables[name] = dW
            else:
                arrays.append((W, dW))
        self._check_caught_up(tables)
        self.t += 1
        if tables:
            dy = np.concatenate([tables[name].dy for name in self.batch.ids])  # (B, K) of all
            g = self.batch.groups.sum(dy)  # (R, K)
            for block, part in zip(self.batch.blocks, self._blocks(g)):
                self._update_moments(block, part)
                if self.lazy:
                    self._step_rows(block)
            self.batch = None
        if arrays:
            self._step_arrays(arrays)

    def flush(self) -> None:
        """Move every row to the present: before weights are evaluated, saved or used elsewhere.

        Mathematically free, but rounding depends on when: at each epoch's end and nowhere else.
        """
        self._drop_batch()
        if self.tables is not None and not self.lazy:
            for rows in self._blocks(np.arange(len(self.tables.moved))):
                self._update_moments(self._move(rows))
            clear_tiny(self.tables.moments)
        if self.others is not None:
            clear_tiny(self.others.m, self.others.v)
        BEHIND.pop(id(self), None)

    def settings(self) -> dict[str, object]:
        """{name: value} for a checkpoint (optimizer_state.py)."""
        betas = {"beta1": self.beta1, "beta2": self.beta2, "eps": self.eps}
        return {"lr": self.lr, **betas, "lazy": self.lazy, "t": self.t}

    def state(self, model: Model) -> dict[str, Array]:
        """{name: array} for a checkpoint; made here, all zero, if no step has needed them yet."""
        tables = {name: W for name, W, _ in model.lookups([], [])}
        if self.tables is None:
            self.tables = Tables(tables)
        if self.others is None:
            arrays = [W for name, W, _ in model.parameters() if name not in tables]
            self.others = EndToEnd(arrays)
        rows, others = self.tables, self.others
        of_rows = {"rows.moved": rows.moved, "rows.m": rows.m, "rows.v": rows.v}
        return of_rows | {"m": others.m, "v": others.v}

    def _blocks(self, rows):
        """Cut an array (R, ...), a row of the tables each, into parts of BLOCK numbers."""
        n = max(1, BLOCK // self.tables.K)
        return [rows[start : start + n] for start in range(0, len(rows), n)]

    def _check_caught_up(self, tables):
        """RuntimeError unless tables, {name: RowGradient}, has the ids of the latest catch_up."""
        ids = {} if self.batch is None else self.batch.ids
        others = [
            name
            for name in {**ids, **tables}
            if name not in ids or name not in tables or not same(ids[name], tables[name].ids)
        ]
        if others:
            raise RuntimeError(
                f"step needs gradients of {' and '.join(others)} for exactly the ids of "
                "the latest catch_up: call optimizer.catch_up(model.lookups(users, items)) before "
                "model.forward(users, items), and give step all of model.parameters()"
            )

    def _drop_batch(self):
        """Finish a batch that was read and got no gradient: its moments decay all the same."""
        if self.batch is not None and not self.lazy:
            for block in self.batch.blocks:
                self._update_moments(block)
        self.batch = None

    def _move(self, rows):
        """Apply all pending updates of these rows (R,), which are distinct, in one step."""
        tables = self.tables
        moments = tables.moments.take(rows, axis=1)  # (2, R, K)
        if self.lazy:
            return Block(rows, moments, np.ones_like(rows))
        since = tables.moved.take(rows)  # (R,)
        m, v = moments  # (R, K), (R, K)
        size, eps, spread = self._deferred.as_one(since, self.t, m)  # (R, K) each
        scale = np.sqrt(v)  # (R, K)
        scale += eps
        scale -= spread / scale
        move = size  # in its place
        move *= m
        move /= scale
        tables.subtract(rows, move)
        tables.moved[rows] = self.t
        return Block(rows, moments, self.t - since)

    def _update_moments(self, block, g=None):
        """m = beta1^k m + g and v = beta2^k v + g^2, k steps after the last time; g (R, K)."""
        moments = block.moments  # (2, R, K)
        moments *= self._deferred.decay(block.age, moments)  # (2, R, K)
        m, v = moments  # (R, K), (R, K)
        if g is not None:
            m += g
            g *= g
            v += g
        self.tables.write_moments(block.rows, moments)

    def _step_rows(self, block):
        """lazy: Adam's step at once on these rows, as if the others did not exist."""
        m, v = block.moments  # (R, K), (R, K)
        size, eps = self._deferred.one_step(self.t)
        self.tables.subtract(block.rows, size * m / (np.sqrt(v) + eps))

    def _step_arrays(self, arrays):
        """Adam's step on all other parameters, laid end to end: few long operations."""
        if self.others is None:
            self.others = EndToEnd([W for W, _ in arrays])
        m, v, move = self.others.m, self.others.v, self.others.move  # (N,)
        g = np.concatenate([g for _, g in arrays], axis=None)  # (N,)
        size, eps = self._deferred.one_step(self.t)
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
        if self.t % CLEAR_EVERY == 0:
            clear_tiny(self.others.m, self.others.v)


class Batch(NamedTuple):
    """What a catch_up leaves for the step that follows it."""

    ids: dict  # name -> (B,) the ids it was given
    groups: GroupById  # of all tables' rows
    blocks: list  # of Block


class Block(NamedTuple):
    """Rows that have just moved, with their moments of some steps ago."""

    rows: np.ndarray  # (R,) distinct, ascending
    moments: np.ndarray  # (2, R, K): m and v
    age: np.ndarray  # (R,) how many steps ago


def clear_tiny(*moments):
    """Set to 0 what is below TINY in these arrays.

    Without a gradient m halves every seven steps, and so for units that no longer learn it ends as
    a denormal number, which a processor handles slowly, and which the factor .9 rounds to itself.
    """
    for array in moments:
        flat = array.reshape(-1)
        for start in range(0, len(flat), BLOCK):
            part = flat[start : start + BLOCK]
            part[np.abs(part) < TINY] = 0


def same(ids, others):
    """Whether two arrays of ids are equal; mostly they are one array."""
    return ids is others or np.array_equal(ids, others)
