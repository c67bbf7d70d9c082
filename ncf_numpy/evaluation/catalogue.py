"""Scores of all items for a block of users: what lists of the best and full rankings are made from.

Pair by pair a model computes much again and again. For a block of users the inner product of MF is
one matrix product, and the first layer of a tower, most of its work, comes apart into a part of the
user and a part of the item, each computed once: with W = [W_p ; W_q]

    [p_u ; q_i] W + b = p_u W_p + (q_i W_q + b).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import check_can
from ..core.models import GMF, MF, MLP, Model, NeuMF
from .progress import progress_bar

if TYPE_CHECKING:
    from ..core.types import Array, Ids, Scorer

BLOCK_SCORES = 2**20  # held at a time
BLOCK_PAIRS = 2**12  # pairs scored at a time: the activations of a tower stay in cache
FULL_ROWS = 64  # BLAS may round the last rows of a product otherwise, if they do not fill a tile


class Catalogue:
    """Scores every item, for users of one scorer.

        catalogue = Catalogue(model, n_items)
        catalogue.scores(users)          # (U,) -> (U, n_items), by products: right up to rounding
        catalogue.pairs(users, items)    # (B,), (B,) -> (B,), as the model itself has them

    Scores are a neural model's logits, and what `predict` gives for any other scorer. MF, GMF, MLP
    and NeuMF are known here; another scorer may have a method `scores(users) -> (U, n_items)` that
    returns a new array, and one without it is asked pair by pair. Nothing is written that others
    read, so that several threads can score with one model, each by a Catalogue of its own.

    Parameters
    ----------
    scorer : object with predict(users (B,), items (B,)) -> scores (B,)
    n_items : int
    """

    def __init__(self, scorer: Scorer, n_items: int) -> None:
        check_can("scorer", scorer)
        self.name, self.n_items = type(scorer).__name__, n_items
        self.is_neural = isinstance(scorer, Model)
        self.scorer = with_own_memory(scorer) if self.is_neural else scorer
        self.by_products = scores_by_products(self.scorer)

    def blocks(self, users: Ids, *, progress: bool = False) -> Iterator[tuple[slice, Array]]:
        """Score users block by block, few enough for memory.

        Parameters
        ----------
        users : (U,) integers
        progress : bool
            Show a bar on stderr.

        Returns
        -------
        iterator of slice, scores
            Which of users these are, and (b, n_items) scores.
        """
        U = max(1, BLOCK_SCORES // self.n_items)
        for start in progress_bar(range(0, len(users), U), "scoring", show=progress):
            block = slice(start, start + U)
            yield block, self.scores(users[block])

    def scores(self, users: Ids) -> Array:
        """The scores of all items for some users.

        Parameters
        ----------
        users : (U,) integers
            At least one.

        Returns
        -------
        (U, n_items) floats
            A new array.

        Raises
        ------
        ValueError
            For scores of another shape.
        FloatingPointError
            Unless all are finite, with the user.
        """
        if self.by_products is None:
            items = np.arange(self.n_items)
            scores = np.stack([self.pairs(np.full(len(items), user), items) for user in users])
        else:
            scores = floats(self.by_products(users))
        if scores.shape != (len(users), self.n_items):
            expected = (len(users), self.n_items)
            raise ValueError(f"{self.name} must give scores {expected}, got {scores.shape}")
        finite = np.isfinite(scores).all(axis=1)  # (U,)
        if not finite.all():
            raise FloatingPointError(
                f"{self.name}: scores of user {users[finite.argmin()]} are not all finite numbers; "
                "a lower learning rate may keep them finite"
            )
        return scores

    def pairs(self, users: Ids, items: Ids) -> Array:
        """The score of each pair. What a pair gets does not depend on the others.

        Parameters
        ----------
        users, items : (B,) integers

        Returns
        -------
        (B,) floats
        """
        B, score = len(users), self.scorer.predict
        if self.is_neural:
            score = self.scorer.forward
            users, items = (np.pad(ids, (0, -B % FULL_ROWS)) for ids in (users, items))
        blocks = [slice(start, start + BLOCK_PAIRS) for start in range(0, len(users), BLOCK_PAIRS)]
        scores = [floats(score(users[block], items[block])) for block in blocks]
        return np.concatenate(scores)[:B] if scores else np.empty(0, np.float32)


def scores_by_products(scorer):
    """A function users (U,) -> scores (U, n_items), or None for a scorer that has nothing such."""
    if callable(getattr(scorer, "scores", None)):
        return scorer.scores
    if type(scorer) in (MLP, NeuMF) and scorer.tower:
        return Tower(scorer).scores
    products = {MF: mf_scores, GMF: gmf_scores}.get(type(scorer))
    return products and (lambda users: products(scorer, users))


def mf_scores(model, users):
    """users (U,) -> logits (U, n_items)."""
    user, item = model.user_embedding.W[users], model.item_embedding.W  # (U, K + 1), (n, K + 1)
    b_u = user[:, -1:] + model.output.b  # (U, 1)
    user[:, -1] = 1  # [p_u ; 1] . [q_i ; b_i] = p_u . q_i + b_i
    logits = user @ item.T  # (U, K + 1) @ (K + 1, n_items)
    logits += b_u
    return logits


def gmf_scores(model, users):
    """users (U,) -> logits (U, n_items)."""
    p, q, h = model.user_embedding.W[users], model.item_embedding.W, model.output.W[:, 0]
    logits = (p * h) @ q.T  # (U, K) @ (K, n_items)
    logits += model.output.b
    return logits


class Tower:
    """What MLP and NeuMF have of each item once and for all: its part of the first layer.

    An item is a column here: a bias is added faster to long rows than to the short ones of a batch.
    """

    def __init__(self, model):
        D = model.widths[0] // 2
        self.p, self.q = model.user_embedding.W, model.item_embedding.W  # (n, K + D) each
        self.K = K = self.p.shape[1] - D  # 0 for MLP
        (first, _), *rest = model.tower
        self.W_p, W_q = first.W[:D], first.W[D:]  # (D, n_1) each
        self.item_part = np.ascontiguousarray((self.q[:, K:] @ W_q + first.b).T)  # (n_1, n_items)
        self.rest = [(dense.W.T, dense.b[:, None]) for dense, _ in rest]
        self.h_G, self.h_M, self.b = model.output.W[:K, 0], model.output.W[K:, 0], model.output.b
        alpha = getattr(model, "branch_weight", None)
        if alpha is not None:
            self.h_G, self.h_M = alpha * self.h_G, (1 - alpha) * self.h_M  # (K,), (L,)

    def scores(self, users):
        """users (U,) -> logits (U, n_items)."""
        K, p = self.K, self.p[users]  # (U, K + D)
        user_part = p[:, K:] @ self.W_p  # (U, n_1)
        logits = (p[:, :K] * self.h_G) @ self.q[:, :K].T  # (U, K) @ (K, n_items)
        logits += self.b
        for start in range(0, len(self.q), BLOCK_PAIRS):
            items = slice(start, start + BLOCK_PAIRS)
            for row, part in enumerate(user_part):
                phi = self.item_part[:, items] + part[:, None]  # (n_1, B)
                np.maximum(phi, 0, out=phi)
                for W, b in self.rest:
                    phi = W @ phi  # (n_out, n_in) @ (n_in, B)
                    phi += b
                    np.maximum(phi, 0, out=phi)
                logits[row, items] += self.h_M @ phi  # (L,) @ (L, B)
        return logits


def with_own_memory(model):
    """A copy that shares the arrays, but remembers its latest forward in layers of its own.

    What a layer remembers it rebinds and never writes into, so that too can be shared at first.
    """
    remembered = [value for value in vars(model).values() if isinstance(value, np.ndarray)]
    remembered += [value for _, layer in model.layers() for value in vars(layer).values()]
    return copy.deepcopy(model, {id(value): value for value in remembered})


def floats(scores):
    """An array of floats; counts, say, become float64."""
    scores = np.asarray(scores)
    return scores if scores.dtype.kind == "f" else scores.astype(np.float64)
