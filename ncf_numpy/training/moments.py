"""Where RowAdam keeps its moments: those of the tables row by row, all others end to end."""

import itertools

import numpy as np


class Tables:
    """What RowAdam keeps of a model's tables, each (n, K), one below the other: N rows in all.

    m (N, K) and v (N, K) are the decayed sums of g and of g^2, Adam's m / (1 - beta1) and
    v / (1 - beta2). moved (N,) is the step up to which a row has moved, and its moments decayed.
    """

    def __init__(self, W):
        widths = {table.shape[1] for table in W.values()}
        if len(widths) > 1:
            raise ValueError(f"RowAdam needs tables of one width, got {sorted(widths)}; use Adam")
        (self.K,) = widths
        self.W = W
        sizes = [len(table) for table in W.values()]
        self.bounds = np.cumsum([0, *sizes])  # of each table, in all N
        self.first = dict(zip(W, self.bounds.tolist()))
        self.moments = np.zeros((2, sum(sizes), self.K), next(iter(W.values())).dtype)
        self.moved = np.zeros(sum(sizes), np.intp)
        self.m_and_v = np.array([[0], [sum(sizes)]])  # where either begins in moments_rows, (2, 1)
        self.make_views()

    def make_views(self):
        """The same memory by other names, and with a row as one item: copied twice as fast."""
        self.m, self.v = self.moments  # (N, K) each
        self.row = np.dtype((np.void, self.K * self.moments.itemsize))
        self.moments_rows = self.moments.view(self.row)  # (2, N, 1)
        self.W_rows = {name: table.view(self.row) for name, table in self.W.items()}  # (n, 1) each

    def __setstate__(self, state):
        """Of a deep copy, or from a pickle: the views must be of the new arrays."""
        self.__dict__ = state
        self.make_views()

    def rows(self, ids):
        """{name: ids (B,)} -> the rows of all these tables' moments, end to end."""
        return np.concatenate([ids + self.first[name] for name, ids in ids.items()])

    def subtract(self, rows, move):
        """Subtract move (R, K) from the rows (R,), ascending, of the tables."""
        ends = itertools.pairwise(rows.searchsorted(self.bounds).tolist())
        for (name, W), (start, stop) in zip(self.W.items(), ends):
            ids = rows[start:stop] - self.first[name]  # (R,) of this table
            moved = W.take(ids, axis=0)  # (R, K)
            moved -= move[start:stop]
            self.W_rows[name].put(ids, moved.view(self.row))

    def write_moments(self, rows, moments):
        """Put m and v, moments (2, R, K), into these rows (R,)."""
        self.moments_rows.put(rows + self.m_and_v, moments.view(self.row))


class EndToEnd:
    """What RowAdam keeps of the arrays that are not tables: their moments in one long array."""

    def __init__(self, arrays):
        self.arrays = arrays
        size = sum(W.size for W in arrays)
        self.m, self.v, self.move = np.zeros((3, size), arrays[0].dtype)  # (N,) each
        self.make_views()

    def make_views(self):
        """The part of the move that is each array's."""
        pieces = np.split(self.move, np.cumsum([W.size for W in self.arrays])[:-1])
        self.parts = [(W, piece.reshape(W.shape)) for W, piece in zip(self.arrays, pieces)]

    def __setstate__(self, state):
        """Of a deep copy, or from a pickle: the views must be of the new arrays."""
        self.__dict__ = state
        self.make_views()
