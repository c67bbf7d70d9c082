"""Somebody the model was not trained with: learn one row for them, and leave all else as it is.

The item vectors, the tower and the output already say what it is like to like an item. Given these,
a user is one row of the user table, and that row has a gradient like any other: the same forward,
loss and backward find it in a tenth of a second from the few items somebody names.
"""

import copy

import numpy as np

from ..core.layers import Embedding
from ..core.losses import BinaryCrossEntropyWithLogits
from ..core.models import Model
from ..core.optimizers import Adam
from ..data.interactions import Interactions
from ..data.sampling import NegativeSampler, check_count
from ..evaluation.baselines import ItemKNN


def fold_in(model, items, rng, *, steps=100, lr=0.03, negatives=4):
    """A model with a single user, number 0, who has these items; it shares all else with `model`.

    items (P,): distinct item indices, at least one. Each step is on all of them and on `negatives`
    times as many fresh items that the user does not have, drawn by rng. The row begins as the
    average user's. A counting baseline has no row to learn: its user simply has the items.
    """
    check_count(steps, 0, "steps")
    one = copy.copy(model)
    if not isinstance(model, Model):
        one.n_users = 1
        if isinstance(model, ItemKNN):
            one.items_of = [items]
        return one
    table = model.user_embedding.W
    one.user_embedding = Embedding(1, table.shape[1], rng, dtype=table.dtype)
    one.user_embedding.W[:] = table.mean(axis=0)

    ids = ["new"], np.arange(len(model.item_embedding.W))
    sampler = NegativeSampler(Interactions.from_indices(np.zeros_like(items), items, *ids))
    n_negatives = 0 if sampler.exhausted[0] else negatives * len(items)
    users = np.zeros(len(items) + n_negatives, np.intp)  # (B,)
    labels = np.zeros(len(users), table.dtype)  # (B,)
    labels[: len(items)] = 1
    loss, optimizer = BinaryCrossEntropyWithLogits(), Adam(lr)
    for _ in range(steps):
        unseen = sampler.sample(users[len(items) :], rng)
        logits = one.forward(users, np.concatenate([items, unseen]))  # (B,)
        loss.forward(logits, labels)
        one.backward(loss.backward())
        optimizer.step([p for p in one.parameters() if p[0] == "user_embedding.W"])
    return one
