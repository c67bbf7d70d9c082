"""EASE: one linear layer from all items to all items, fitted by one matrix inverse.

Every item is predicted from all the others at once. There is nothing to train and one number to
choose, and on many data sets no neural model ranks better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.checks import check_positive
from ..data.interactions import Interactions, check_interactions
from .baseline import Baseline, has_items, users_by_item
from .memory import check_memory

if TYPE_CHECKING:
    from ..core.types import Array, Ids

BLOCK = 1024  # columns inverted, and rows of X made dense, at a time
GATHER = 2**22  # weights gathered at a time


class EASE(Baseline):
    """A linear model whose weights B minimise |X - X B|^2 + l2 |B|^2, with a zero diagonal.

        P = (X^T X + l2 I)^-1,    B[j, i] = -P[j, i] / P[i, i] for j != i,    B[i, i] = 0
        score(u, i) = sum of B[j, i] over the items j of u

    X is the 0/1 matrix user x item; the zero diagonal keeps an item from predicting itself.
    Where there are fewer users than items, the same scores come from a users x users matrix:

        T = X X^T (X X^T + l2 I)^-1,    s_i = x_i^T (X X^T + l2 I)^-1 x_i,    x_i column i of X
        score(u, i) = [sum of T[u, v] over the users v of i  -  X[u, i] s_i] / (1 - s_i)

    Time n^3 and 12 n^2 bytes of memory, n the smaller number: .16 GB for the 3,706 items of
    MovieLens-1M. `fit` raises MemoryError with that figure where it is more than there is.
    Source: Steck 2019, WWW, equation 8. The second form follows from the Woodbury identity,
    P = (I - X^T (X X^T + l2 I)^-1 X) / l2.

    Parameters
    ----------
    l2 : float
        The penalty on the weights, above 0.

    Raises
    ------
    ValueError
        For an l2 that is not a finite number above 0.
    """

    def __init__(self, l2: float = 500) -> None:
        super().__init__()
        self.l2 = check_positive("l2", l2)
        # users (n,) sorted by item, offsets (n_items + 1,)
        self.by_item: tuple[Array, Array] | None = None
        self.B: Array | None = None  # (n_items, n_items) float32; None in the form of users
        self.T: Array | None = None  # (n_users, n_users) float32; None in the form of items
        self.s: Array | None = None  # (n_items,) float64; None in the form of items

    @property
    def learned(self) -> tuple[str, ...]:
        return ("B",) if self.T is None else ("T", "s")

    def shapes(self, n_users: int, n_items: int) -> dict[str, Any]:
        """{name: (shape, dtype)} of what is learned from so many users and items."""
        if n_items <= n_users:
            return {"B": ((n_items, n_items), np.float32)}
        return {"T": ((n_users, n_users), np.float32), "s": ((n_items,), np.float64)}

    def restore(self, data: Interactions, arrays: dict[str, Array]) -> None:
        """Make this baseline what the fitted one was; its form follows from the arrays."""
        self.know(data)
        for name, array in arrays.items():
            setattr(self, name, array)

    @staticmethod
    def memory(n_users: int, n_items: int) -> int:
        """How many bytes `fit` needs.

        Parameters
        ----------
        n_users, n_items : int

        Returns
        -------
        int
        """
        n = min(n_users, n_items)
        return 12 * n**2 + 24 * BLOCK * n

    def fit(self, train: Interactions) -> EASE:
        """Solve for B, or for T and s; returns self."""
        check_interactions(train)
        n_users, n_items = train.n_users, train.n_items
        check_memory(
            self.memory(n_users, n_items),
            f"EASE on {n_users:,} users and {n_items:,} items",
            "drop rare items (filter, --min-per-item), or take itemknn or ials, which need less",
        )
        self.know(train)
        users, offsets = self.by_item
        users_of = np.split(users, offsets[1:-1])
        if n_items <= n_users:
            P = gram(users_of, self.items_of)
            P[np.diag_indices(n_items)] += self.l2
            invert(P)
            P /= -np.diag(P)  # column i by -P[i, i]
            np.fill_diagonal(P, 0)
            self.B = P.astype(np.float32)
        else:
            M = gram(self.items_of, users_of)
            M[np.diag_indices(n_users)] += self.l2
            invert(M)
            self.s = quadratic_forms(M, *self.by_item)
            M *= -self.l2
            M[np.diag_indices(n_users)] += 1  # I - l2 M is X X^T M
            self.T = M.astype(np.float32)
        return self

    def know(self, data: Interactions) -> None:
        super().know(data)
        self.by_item = users_by_item(data)

    def predict(self, users: Ids, items: Ids) -> Array:
        """users (B,), items (B,) -> scores (B,) float32."""
        users, items = self._check_pairs(users, items)
        return self._from_items(users, items) if self.T is None else self._from_users(users, items)

    def scores(self, users: Ids) -> Array:
        """users (U,) -> scores (U, n_items) float32."""
        has = has_items(self, users).astype(np.float32)  # (U, n_items)
        if self.T is None:
            return has @ self.B  # (U, n_items) @ (n_items, n_items)
        who, offsets = self.by_item
        item = np.repeat(np.arange(self.n_items), np.diff(offsets))  # (n,) of each user in who
        sums = [np.bincount(item, self.T[user, who], self.n_items) for user in users]
        return ((np.stack(sums) - has * self.s) / (1 - self.s)).astype(np.float32)

    def _from_items(self, users, items):
        scores = np.empty(len(users), np.float32)
        order = np.argsort(users, kind="stable")  # (B,) the pairs of a user side by side
        distinct, starts = np.unique(users[order], return_index=True)
        for user, pairs in zip(distinct, np.split(order, starts[1:])):
            scores[pairs] = self.B[np.ix_(self.items_of[user], items[pairs])].sum(axis=0)
        return scores

    def _from_users(self, users, items):
        who, offsets = self.by_item
        sums, own = np.empty(len(users)), np.empty(len(users), bool)
        step = max(1, GATHER // len(offsets))
        for start in range(0, len(users), step):
            u, i = users[start : start + step], items[start : start + step]  # (B,)
            n = offsets[i + 1] - offsets[i]  # (B,) users of each item
            pair = np.repeat(np.arange(len(i)), n)  # (G,)
            place = np.arange(len(pair)) - np.repeat(np.cumsum(n) - n, n) + offsets[i][pair]
            weights = self.T[u[pair], who[place]]  # (G,)
            sums[start : start + step] = np.bincount(pair, weights, len(i))
            distinct, row = np.unique(u, return_inverse=True)
            own[start : start + step] = has_items(self, distinct)[row, i]
        return ((sums - own * self.s[items]) / (1 - self.s[items])).astype(np.float32)

    def with_one_user(self, items: Array) -> EASE:
        """A copy that knows a single user, number 0; it shares the rest.

        Of the users' form their row of T is M a, where M = (I - T) / l2 and a (n_users,) counts the
        items that each user has of theirs.

        Parameters
        ----------
        items : (P,) integers
            What this user has.

        Returns
        -------
        EASE
        """
        one = super().with_one_user(items)
        if self.T is not None:
            (has,) = has_items(one, [0])  # (n_items,)
            a = self._sum_by_user(has)  # (n_users,)
            one.T = ((a - self.T @ a) / np.float32(self.l2))[None]
        return one

    def similarities_to(self, item: int) -> Array:
        """The partial correlations -P[i, j] / sqrt(P[i, i] P[j, j]) of an item with all others.

        How alike two items are when all others are given; 0 for the item with itself.

        Parameters
        ----------
        item : int

        Returns
        -------
        (n_items,) floats
        """
        if self.T is None:
            there, back = self.B[item], self.B[:, item]  # -P[i, j] / P[j, j], -P[i, j] / P[i, i]
            return np.sign(there) * np.sqrt(np.abs(there * back))
        who, offsets = self.by_item
        x = np.zeros(self.n_users, np.float32)  # (n_users,) column `item` of X
        x[who[offsets[item] : offsets[item + 1]]] = 1
        Mx = (x - self.T @ x) / self.l2  # (n_users,)
        of_item = np.repeat(np.arange(self.n_items), np.diff(offsets))
        alike = np.bincount(of_item, Mx[who], self.n_items)  # -l2 P[i, j]
        alike /= np.sqrt((1 - self.s[item]) * (1 - self.s))
        alike[item] = 0
        return alike

    def contributions(self, user: int, item: int) -> dict[str, float]:
        """{part: what it adds to the score of (user, item)}."""
        return {"items they have": float(self.predict([user], [item])[0])}

    def _sum_by_user(self, values):
        """values (n_items,), summed over the items of each user of train: -> (n_users,)."""
        who, offsets = self.by_item
        sums = np.bincount(who, np.repeat(values, np.diff(offsets)), len(self.T))
        return sums.astype(np.float32)


def gram(rows_of, columns_of):
    """X^T X (n, n) of a 0/1 matrix X: its entry (i, j) counts the rows that have both columns.

    rows_of: for each of the n columns the rows that have it; columns_of: for each row its columns.
    """
    G = np.zeros((len(rows_of), len(rows_of)))
    for counts, rows in zip(G, rows_of):
        if len(rows):
            had_too = np.concatenate([columns_of[row] for row in rows])
            counts += np.bincount(had_too, minlength=len(counts))
    return G


def dense(columns, offsets, n):
    """Rows of a 0/1 matrix: -> (R, n) float32, and the row and column of each 1."""
    rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    ones = rows, columns[offsets[0] : offsets[-1]]
    X = np.zeros((len(offsets) - 1, n), np.float32)
    X[ones] = 1
    return X, ones


def invert(G):
    """Write the inverse of a symmetric positive definite G (n, n) into G itself.

    Block Gauss-Jordan without pivoting: with D the inverse of the block (k, k), row block k becomes
    D G[k], every other G[i, j] loses G[i, k] D G[k, j], and G[i, k] becomes -G[i, k] D.
    """
    blocks = [slice(start, start + BLOCK) for start in range(0, len(G), BLOCK)]
    for k in blocks:
        D = np.linalg.inv(G[k, k])  # (b, b)
        row = D @ G[k]  # (b, n)
        row[:, k] = D
        for i in blocks:
            if i != k:
                column = G[i, k].copy()  # (b', b)
                G[i, k] = 0
                G[i] -= column @ row
        G[k] = row


def quadratic_forms(M, columns, offsets):
    """x_r^T M x_r of every row x_r of a 0/1 matrix, as in `gram`: -> (R,)."""
    values = []
    for start in range(0, len(offsets) - 1, BLOCK):
        X, (rows, there) = dense(columns, offsets[start : start + BLOCK + 1], len(M))
        MX = X @ M  # (R, n)
        values.append(np.bincount(rows, MX[rows, there], len(X)))
    return np.concatenate(values)
