"""The vectors that a model has learned of users and items, and which of them are alike."""

import numpy as np

from ..core.models import MF, NeuMF
from ..evaluation.baseline import Baseline, cosines
from ..evaluation.baselines import ItemKNN
from ..evaluation.top_k import largest


def vectors(model, side):
    """What a model has learned of every "user" or "item": -> (n, D), and D names of the columns.

    ValueError for a baseline that has no vectors.
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


def similarities(model, row, side="item"):
    """How alike each item (or user) is to this one: -> (n,), indices.

    A trained model: the cosine of the vectors. Of MF without the bias, which is popularity. Of
    NeuMF the whole row [q_G ; q_M]: the branches were trained for one logit, and what one of them
    has learned the other need not. (On the synthetic plays of `sample_lastfm` .94 of the ten
    nearest share the item's style by the whole row, .86 by q_G, .58 by q_M.)
    A baseline: its own `similarities_to`, or `similarities_to_user`; popularity raises ValueError.
    """
    if isinstance(model, Baseline):
        of = {"item": model.similarities_to, "user": model.similarities_to_user}
        return of[side](row)
    W, columns = vectors(model, side)
    return cosines(W[:, : len(columns) - (columns[-1] == "bias")], row)


def nearest(model, row, k, side="item"):
    """The k most alike, itself left out: -> indices (k,), similarities (k,), the best first.

    Where a baseline counts what two have in common, no more than those who have anything.
    """
    alike = similarities(model, row, side)
    if not np.isfinite(alike).all():
        raise FloatingPointError("vectors are not all finite numbers: try a lower learning rate")
    order = largest(alike, k + 1)
    order = order[order != row][:k]
    if isinstance(model, ItemKNN) or (isinstance(model, Baseline) and side == "user"):
        order = order[alike[order] != 0]
    return order, alike[order]
