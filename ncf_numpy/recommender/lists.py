"""The best items of users: which may be recommended, in what order, and what score is shown."""

import numpy as np

from ..core.layers import sigmoid
from ..evaluation.baseline import Baseline
from ..evaluation.baselines import ItemKNN
from ..evaluation.top_k import top_k


class FilledUp:
    """Item-kNN whose items of score 0 come in order of popularity."""

    def __init__(self, knn, data):
        n_i = np.bincount(data.items, minlength=data.n_items)  # (n_items,)
        self.knn, self.below = knn, n_i / (n_i.max() + 1) - 1  # in [-1, 0)

    def predict(self, users, items):
        """users (B,), items (B,) -> scores (B,)."""
        scores = self.knn.predict(users, items)
        return np.where(scores > 0, scores, self.below[items])

    def scores(self, users):
        """users (U,) -> scores (U, n_items)."""
        scores = self.knn.scores(users)
        return np.where(scores > 0, scores, self.below)


def best(model, data, users, k, *, excluded, candidates=None):
    """The k best items of each user: -> rows (N,), items (N,), scores (N,) to be shown.

    users (U,), candidates (C,) and excluded, an array for each user, are indices; rows say whose
    an item is. Ranked by the logit, since a probability near 1 rounds to 1 and would tie.
    """
    scorer = FilledUp(model, data) if isinstance(model, ItemKNN) else model
    how = {"excluded": excluded, "candidates": candidates}
    rows, items, scores = top_k(scorer, users, k, data.n_items, **how)
    if isinstance(model, ItemKNN):
        scores = np.maximum(scores, 0).astype(np.float32)
    return rows, items, scores if isinstance(model, Baseline) else sigmoid(scores)
