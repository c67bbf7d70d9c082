"""The gradient of a table: what came back to the rows that a batch read, and their sums.

    gradient = RowGradient(ids, dy, W.shape)     # (B,), (B, K), (n, K): row ids_b gets dy_b
    gradient.rows, gradient.values               # (R,) each id once, ascending; (R, K) their sums

An id that occurs twice in the batch gets both gradients; `dW[ids] += dy` would keep only the last.
"""

import functools

import numpy as np


class RowGradient:
    """The gradient of a table (n, K) of which a batch read B rows: all other rows are zero.

    It keeps ids (B,) and dy (B, K) themselves, not copies. Rows and values are formed when one
    first asks for them, as the textbook optimizers do; RowAdam sums those of all tables at once.
    """

    def __init__(self, ids, dy, shape):
        if dy.shape != (len(ids), shape[1]):
            raise ValueError(f"dy must be of ({len(ids)}, {shape[1]}), got {dy.shape}")
        self.ids, self.dy, self.shape, self.dtype = ids, dy, shape, dy.dtype

    @functools.cached_property
    def rows(self):
        """The ids, each once and ascending, (R,)."""
        return self._groups.rows

    @functools.cached_property
    def values(self):
        """The sum of each row's gradients, (R, K)."""
        return self._groups.sum(self.dy)

    @functools.cached_property
    def _groups(self):
        return GroupById(self.ids)

    def to_dense(self):
        """The same gradient as an array (n, K)."""
        dense = np.zeros(self.shape, self.dtype)
        dense[self.rows] = self.values
        return dense

    def __repr__(self):
        return f"RowGradient(rows={self.rows}, values={self.values}, shape={self.shape})"


class GroupById:
    """Where the ids of a batch are equal: found once, so that what belongs to them can be added up.

    Sorting ids (B,) >= 0 brings equal ones together; `rows` (R,) has each once, ascending.
    """

    def __init__(self, ids):
        # Each id and its place in one number: a stable sort, only faster.
        bits = len(ids).bit_length()
        keys = np.left_shift(ids, bits, dtype=np.intp) + np.arange(len(ids))  # (B,)
        keys.sort()
        ids, order = keys >> bits, keys & ((1 << bits) - 1)  # (B,) ascending, (B,) their places
        repeats = np.zeros(len(ids), bool)  # (B,) True where an id is that of the place before
        np.equal(ids[1:], ids[:-1], out=repeats[1:])
        first, again = (~repeats).nonzero()[0], repeats.nonzero()[0]  # (R,), (B - R,)
        self.rows = ids.take(first)  # (R,)
        self.first, self.again = order.take(first), order.take(again)  # their places in the batch
        self.run = first.searchsorted(again) - 1  # (B - R,) the row each further occurrence is of

    def sum(self, dy):
        """dy (B, K) -> sums (R, K): the first of each row is copied, the others are added to it."""
        sums = dy.take(self.first, axis=0)  # (R, K)
        further = dy.take(self.again, axis=0)  # (B - R, K)
        cells = self.run[:, None] * dy.shape[1] + np.arange(dy.shape[1])  # (B - R, K) in flat sums
        np.add.at(sums.reshape(-1), cells.reshape(-1), further.reshape(-1))  # fastest in one axis
        return sums
