"""The vectors that a model has learned of users and items, and which of them are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.models import MF, NeuMF
from ..evaluation.baseline import Baseline, cosines
from ..evaluation.baselines import ItemKNN
from ..evaluation.top_k import largest

if TYPE_CHECKING:
    from ..core.models import Model
    from ..core.types import Array


def vectors(model: Model | Baseline, side: str) -> tuple[Array, list[str]]:
    """What a model has learned of every user or of every item.

    Parameters
    ----------
    model : Model or Baseline
    side : str
        "user" or "item".

    Returns
    -------
    W : (n, D) floats
    columns : list of D str
        The names of the columns.

    Raises
    ------
    ValueError
        For a baseline that has no vectors.
    """
    if isinstance(model, Baseline):
        W = model.vectors(side)
    else:
        W = {"user": model.user_embedding, "item": model.item_embedding}[side].W
    columns = [f"factor {k}" for k in range(1, W.shape[1] + 1)]
    if isinstance(model, MF):
        columns[-1] = "bias"
    if isinstance(model, NeuMF):
        K = model.n_factors
        columns = [f"GMF {k}" for k in range(1, K + 1)]
        columns += [f"MLP {k}" for k in range(1, W.shape[1] - K + 1)]
    return W, columns


def similarities(model: Model | Baseline, row: int, side: str = "item") -> Array:
    """How alike each item (or user) is to one of them.

    A trained model: the cosine of the vectors. Of MF without the bias, which is popularity. Of
    NeuMF the whole row [q_G ; q_M]: the branches were trained for one logit, and what one of them
    has learned the other need not. (On the synthetic plays of `sample_lastfm` 0.94 of the ten
    nearest share the item's style by the whole row, 0.86 by q_G, 0.58 by q_M.) A baseline: its own
    `similarities_to`, or `similarities_to_user`.

    Parameters
    ----------
    model : Model or Baseline
    row : int
    side : str
        "user" or "item".

    Returns
    -------
    (n,) floats

    Raises
    ------
    ValueError
        For popularity, to which no two are alike.
    """
    if isinstance(model, Baseline):
        of = {"item": model.similarities_to, "user": model.similarities_to_user}
        return of[side](row)
    W, columns = vectors(model, side)
    return cosines(W[:, : len(columns) - (columns[-1] == "bias")], row)


def nearest(model: Model | Baseline, row: int, k: int, side: str = "item") -> tuple[Array, Array]:
    """The k most alike to one item (or user), itself left out.

    Where a baseline counts what two have in common, no more than those who have anything.

    Parameters
    ----------
    model : Model or Baseline
    row : int
    k : int
    side : str
        "user" or "item".

    Returns
    -------
    indices, similarities : (k,) arrays
        The best first.

    Raises
    ------
    ValueError
        As `similarities`.
    FloatingPointError
        For vectors that are not finite.
    """
    alike = similarities(model, row, side)
    if not np.isfinite(alike).all():
        raise FloatingPointError("vectors are not all finite numbers: try a lower learning rate")
    order = largest(alike, k + 1)
    order = order[order != row][:k]
    if isinstance(model, ItemKNN) or (isinstance(model, Baseline) and side == "user"):
        order = order[alike[order] != 0]
    return order, alike[order]
