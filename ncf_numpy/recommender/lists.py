"""The best items of users: which may be recommended, in what order, and what score is shown."""

import numpy as np

from ..core.layers import sigmoid
from ..evaluation.baseline import Baseline
from ..evaluation.baselines import ItemKNN
from ..evaluation.top_k import top_k


class FilledUp:
    """A baseline whose items of score 0 come in order of popularity.

    `depth` is what they may lie below 0: item-kNN has no score there, all others may, and keep it.
    """

    def __init__(self, baseline, data):
        n_i = np.bincount(data.items, minlength=data.n_items)  # (n_items,)
        self.baseline, self.depth = baseline, 1 if isinstance(baseline, ItemKNN) else 1e-30
        self.below = self.depth * (n_i / (n_i.max() + 1) - 1)  # (n_items,) in [-depth, 0)

    def predict(self, users, items):
        """users (B,), items (B,) -> scores (B,)."""
        scores = self.baseline.predict(users, items)
        return np.where(scores == 0, self.below[items].astype(scores.dtype), scores)

    def scores(self, users):
        """users (U,) -> scores (U, n_items)."""
        scores = self.baseline.scores(users)
        return np.where(scores == 0, self.below.astype(scores.dtype), scores)

    def shown(self, scores):
        """The baseline's own scores of these."""
        return np.where((scores < 0) & (scores >= -self.depth), 0, scores).astype(scores.dtype)


def best(model, data, users, k, *, excluded, candidates=None):
    """The k best items of each user: -> rows (N,), items (N,), scores (N,) to be shown.

    users (U,), candidates (C,) and excluded, an array for each user, are indices; rows say whose
    an item is. Ranked by the logit, since a probability near 1 rounds to 1 and would tie.
    """
    scorer = FilledUp(model, data) if isinstance(model, Baseline) else model
    how = {"excluded": excluded, "candidates": candidates}
    rows, items, scores = top_k(scorer, users, k, data.n_items, **how)
    if isinstance(model, Baseline):
        return rows, items, scorer.shown(scores)
    return rows, items, sigmoid(scores)
