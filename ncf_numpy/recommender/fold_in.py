"""A user the model was not trained with: learn one row for them, and leave all else as it is.

The item vectors, the tower and the output already say what it is like to like an item. Given these,
a user is one row of the user table, and that row has a gradient like any other: the same forward,
loss and backward find it in a tenth of a second from the few items they have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import check_count, check_switch
from ..core.layers import Embedding
from ..core.losses import BPR, BinaryCrossEntropyWithLogits
from ..core.optimizers import Adam
from ..data.interactions import Interactions
from ..data.sampling import NegativeSampler
from ..evaluation.baseline import Baseline
from ..evaluation.catalogue import with_own_memory
from .lists import best
from .turns import numbers, turn

if TYPE_CHECKING:
    import pandas as pd

    from ..core.models import Model
    from ..core.types import Array, RawId
    from .explain import Explanation
    from .recommender import Recommender

STEPS_PER_TURN = 10  # 1 makes fold_in slower; 100 makes other threads wait longer


def fold_in(model, items, rng, *, steps=100, lr=0.03, negatives=4, pairwise=False):
    """A model with a single user, number 0, who has these items; it shares the weights of `model`.

    items (P,): distinct item indices, at least one. Each step is on all of them and on `negatives`
    times as many fresh items that the user does not have, drawn by rng. The row begins as the
    average user's. A baseline has no row to learn: its user simply has the items.
    pairwise: learn it by `BPR`, as the model was trained, each item against one fresh negative.
    """
    if isinstance(model, Baseline):
        return model.with_one_user(items)
    check_count(steps, 0, "steps")
    one = with_own_memory(model)
    table = model.user_embedding.W
    one.user_embedding = Embedding(1, table.shape[1], rng, dtype=table.dtype)
    one.user_embedding.W[:] = table.mean(axis=0)

    ids = ["new"], np.arange(len(model.item_embedding.W))
    sampler = NegativeSampler(Interactions.from_indices(np.zeros_like(items), items, *ids))
    negatives = 1 if pairwise else negatives
    n_negatives = 0 if sampler.exhausted[0] else negatives * len(items)
    users = np.zeros(len(items) + n_negatives, np.intp)  # (B,)
    labels = np.zeros(len(users), table.dtype)  # (B,)
    labels[: len(items)] = 1
    loss, optimizer = BPR() if pairwise else BinaryCrossEntropyWithLogits(), Adam(lr)
    if pairwise and not n_negatives:  # a user who has every item has no pair to learn from
        steps = 0
    for start in range(0, steps, STEPS_PER_TURN):
        with turn(len(users) * table.shape[1]):
            for _ in range(start, min(start + STEPS_PER_TURN, steps)):
                unseen = sampler.sample(users[len(items) :], rng)
                logits = one.forward(users, np.concatenate([items, unseen]))  # (B,)
                loss.forward(logits, labels)
                one.backward(loss.backward())
                optimizer.step([p for p in one.parameters() if p[0] == "user_embedding.W"])
    return one


@dataclass(frozen=True)
class FoldedUser:
    """A user the model was not trained with, made by `Recommender.fold_in`.

    Attributes
    ----------
    recommender : Recommender
    model : Model or Baseline
        Their row is its only user; all else is the recommender's.
    seen : (P,) integers
        The indices of their items.
    """

    recommender: Recommender
    model: Model | Baseline = field(repr=False)
    seen: Array

    def recommend(
        self,
        k: int = 10,
        exclude_seen: bool = True,
        *,
        only: Iterable[RawId] | None = None,
        without: Iterable[RawId] | None = None,
    ) -> pd.DataFrame:
        """The k items with the highest scores, as `Recommender.recommend` for one user.

        Parameters
        ----------
        k : int
        exclude_seen : bool
        only, without : list of raw ids

        Returns
        -------
        DataFrame
            Columns item, name, score.

        Raises
        ------
        KeyError, ValueError, FloatingPointError
            As `Recommender.recommend`.
        """
        known = self.recommender
        candidates = known._candidates(only, without)
        seen = [self.seen] if check_switch("exclude_seen", exclude_seen) else None
        how = {"excluded": seen, "candidates": candidates}
        with turn(numbers(self.model)):
            _, items, scores = best(self.model, known.data, np.array([0]), k, **how)
            return known._table(items, scores)

    def explain(self, item: RawId, k: int = 3) -> Explanation:
        """What the parts of the model add to the logit of an item, as `Recommender.explain`.

        Parameters
        ----------
        item : raw id
        k : int

        Returns
        -------
        Explanation

        Raises
        ------
        KeyError, ValueError
            As `Recommender.explain`.
        """
        with turn(numbers(self.model)):
            return self.recommender._explain(self.model, 0, self.seen, item, k)
