"""Implicit ALS: a matrix factorisation that looks at every cell of the matrix, and draws nothing.

With the items' vectors fixed, the best vector of a user is the solution of a small linear system;
with the users' fixed, so is that of an item. Solving these in turn needs no learning rate and no
sampled negatives, and with well chosen settings it is among the best there is (Rendle et al. 2021).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.checks import check_count, check_generator, check_positive
from .baseline import Baseline, cosines, users_by_item

if TYPE_CHECKING:
    from numpy.random import Generator

    from ..core.types import Array, Ids
    from ..data.interactions import Interactions

BLOCK_NUMBERS = 2**22  # numbers in the arrays of a block of rows: 16 MB


class ImplicitALS(Baseline):
    """score(u, i) = p_u . q_i, where the vectors, K = factors wide, minimise

        sum over the pairs (u, i) of train of (1 - p_u . q_i)^2
        + weight * sum over all u and i of (p_u . q_i)^2
        + regularisation * [sum over u of c_u |p_u|^2 + sum over i of c_i |q_i|^2],

    c_u = n_u + weight n_items and c_i = n_i + weight n_users, for a user with n_u items and an item
    with n_i users. With Q fixed, the gradient with respect to p_u is zero where

        (sum over i of u of q_i q_i^T + weight Q^T Q + regularisation c_u I) p_u = sum of these q_i.

    An epoch solves this for every user, then its mirror image for every item.
    Source: Hu, Koren & Volinsky 2008, ICDM; the weights and c_u are those of Rendle et al. 2021,
    "Revisiting the Performance of iALS on Item Recommendation Benchmarks" (arXiv 2110.14037).

    Parameters
    ----------
    factors : int
        K.
    regularisation, weight : float
        Above 0.
    epochs : int
    rng : Generator
        Draws the first vectors, normal numbers of standard deviation .1 / sqrt(K); by default
        default_rng(0).

    Raises
    ------
    ValueError
        For a number that cannot be, with its name.
    """

    learned = "P", "Q"

    def __init__(
        self,
        factors: int = 64,
        regularisation: float = 0.01,
        weight: float = 0.1,
        epochs: int = 12,
        rng: Generator | None = None,
    ) -> None:
        check_count(factors, 1, "factors")
        check_count(epochs, 1, "epochs")
        self.factors, self.epochs = factors, epochs
        self.regularisation = check_positive("regularisation", regularisation)
        self.weight = check_positive("weight", weight)
        super().__init__()
        self.rng = np.random.default_rng(0) if rng is None else rng
        check_generator(self.rng)
        self.P: Array | None = None  # (n_users, K) float32
        self.Q: Array | None = None  # (n_items, K) float32

    def shapes(self, n_users: int, n_items: int) -> dict[str, Any]:
        """{name: (shape, dtype)} of what is learned from so many users and items."""
        sizes = {"P": n_users, "Q": n_items}
        return {name: ((n, self.factors), np.float32) for name, n in sizes.items()}

    def fit(self, train: Interactions) -> ImplicitALS:
        """Solve for P and Q in turn, `epochs` times; returns self."""
        self.know(train)
        scale = 0.1 / np.sqrt(self.factors)
        self.P, self.Q = (
            self.rng.normal(0, scale, (n, self.factors)).astype(np.float32)
            for n in (train.n_users, train.n_items)
        )
        by_item = users_by_item(train)
        for _ in range(self.epochs):
            self.P = self.solve(train.items, train.offsets, self.Q)
            self.Q = self.solve(*by_item, self.P)
        if not (np.isfinite(self.P).all() and np.isfinite(self.Q).all()):
            raise FloatingPointError(
                f"weight={self.weight:g} and regularisation={self.regularisation:g} lead to "
                "vectors that are not finite: take values such as 0.1 and 0.01"
            )
        return self

    def solve(self, columns: Array, offsets: Array, V: Array) -> Array:
        """The best vectors of R rows, given those of C columns.

        Rows with about as many columns are solved together, the shorter ones padded with a vector
        of zeros, which adds nothing.

        Parameters
        ----------
        columns : (n,) integers
        offsets : (R + 1,) integers
            Row r has the columns columns[offsets[r] : offsets[r + 1]].
        V : (C, K) floats
            The vectors of the columns.

        Returns
        -------
        (R, K) floats
        """
        K, n = V.shape[1], np.diff(offsets)  # n (R,) how many columns each row has
        everywhere = self.weight * (V.T @ V)  # (K, K)
        padded = np.vstack([V, np.zeros(K, V.dtype)])
        W = np.empty((len(n), K), V.dtype)
        order = np.argsort(n, kind="stable")
        volume = np.cumsum((n[order] + K) * K) // BLOCK_NUMBERS
        for rows in np.split(order, np.flatnonzero(np.diff(volume)) + 1):
            place = np.arange(n[rows].max(initial=0))  # (N,)
            there = place < n[rows, None]  # (B, N)
            near = np.where(there, offsets[rows, None] + place, -1)
            vectors = padded[np.where(there, columns[near], len(V))]  # (B, N, K)
            c = self.regularisation * (n[rows] + self.weight * len(V))  # (B,)
            A = vectors.transpose(0, 2, 1) @ vectors + everywhere  # (B, K, K)
            A[:, np.arange(K), np.arange(K)] += c[:, None]
            b = vectors.sum(axis=1)  # (B, K)
            W[rows] = np.linalg.solve(A, b[:, :, None])[:, :, 0]
        return W

    def predict(self, users: Ids, items: Ids) -> Array:
        """users (B,), items (B,) -> scores (B,) float32."""
        users, items = self._check_pairs(users, items)
        return (self.P[users] * self.Q[items]).sum(axis=1)

    def scores(self, users: Ids) -> Array:
        """users (U,) -> scores (U, n_items) float32."""
        return self.P[users] @ self.Q.T

    def with_one_user(self, items: Array) -> ImplicitALS:
        """A copy with a single user who has these items, whose vector is solved for."""
        one = super().with_one_user(items)
        one.P = self.solve(items, np.array([0, len(items)]), self.Q)
        return one

    def vectors(self, side: str) -> Array:
        """P (n_users, K) or Q (n_items, K)."""
        return {"user": self.P, "item": self.Q}[side]

    def similarities_to(self, item: int) -> Array:
        """The cosine of the items' vectors: -> (n_items,)."""
        return cosines(self.Q, item)

    def similarities_to_user(self, user: int) -> Array:
        """The cosine of the users' vectors: -> (n_users,)."""
        return cosines(self.P, user)

    def contributions(self, user: int, item: int) -> dict[str, float]:
        """{part: what it adds to the score of (user, item)}."""
        return {"inner product": float(self.predict([user], [item])[0])}
