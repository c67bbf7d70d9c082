"""What the stepper steps through: a few interactions, some repeated, and a small model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core.build import MODELS
from ...core.checks import check_count
from ...core.gradcheck import redraw_embeddings
from ...core.losses import BPR, BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from ...core.optimizers import SGD, Adagrad, Adam
from ...data.interactions import Interactions
from ...data.sampling import NegativeSampler
from ...data.terminal import printable

LOSSES = {"logits": BinaryCrossEntropyWithLogits, "bce": BinaryCrossEntropy, "bpr": BPR}
OPTIMIZERS = {"adam": Adam, "sgd": SGD, "adagrad": Adagrad}
RATES = {"adam": 0.01, "sgd": 0.5, "adagrad": 0.1}  # large, so that a step is seen
STD = 0.5  # of the embeddings; with the 0.01 of training, changes would show in the fourth decimal


@dataclass(frozen=True, eq=False)
class Batch:
    """users (B,), items (B,), labels (B,) float64: rows of the tables that `plays` has."""

    plays: Interactions
    users: np.ndarray
    items: np.ndarray
    labels: np.ndarray

    def user_name(self, user):
        return printable(f"user {self.plays.user_ids[user]}")

    def item_name(self, item):
        name = printable(self.plays.item_name(item))
        return name if self.plays.item_names is not None else f"item {name}"


def choose_batch(plays, rng, size=6, user=None):
    """A batch of `size` pairs in which one user and one item occur twice, the others once.

    The first has the item, so does the second, another user; the third is the first's user with
    an item she does not have. Then positives and negatives of other users in turn. Beyond what the
    data has of different users and items, they repeat. user: a raw id, else drawn from those who
    share an item with another. Users who have every item are left out, since they have no negative.
    ValueError for a size below 3 or where no user is left, KeyError for an unknown user.
    """
    check_count(size, 3, "batch")
    n_users = np.bincount(plays.items, minlength=plays.n_items)
    sampler = NegativeSampler(plays)
    able = np.flatnonzero(~sampler.exhausted)  # the users who lack an item
    if not len(able):
        raise ValueError("every user has every item, so there is no negative: give other data")
    of_able = np.isin(plays.users, able)  # (n,)
    if user is None:
        sharing = np.flatnonzero(np.bincount(plays.users, n_users[plays.items] > 1) > 0)
        sharing = np.intersect1d(sharing, able)
        u = int(rng.choice(sharing if len(sharing) else plays.users[of_able]))
    else:
        found = np.flatnonzero(plays.user_ids.astype(str) == str(user))
        if not len(found):
            some = ", ".join(map(str, plays.user_ids[:5]))
            raise KeyError(f"no user {user!r}; there are {plays.n_users}: {some}, ...")
        u = int(found[0])
        if sampler.exhausted[u]:
            raise ValueError(f"{user!r} has every item, so there is no negative: give another user")
    items = plays.items_of(u)
    shared = [i for i in items if n_users[i] > 1]
    item = int((shared or items)[0])
    others = plays.users[of_able & (plays.items == item) & (plays.users != u)]
    v = int(rng.choice(others)) if len(others) else u
    pairs = [(u, item, 1.0), (v, item, 1.0), (u, draw(sampler, u, rng, {item}), 0.0)]
    used_users, used_items = {u, v}, {i for _, i, _ in pairs}
    for label in [1.0, 0.0] * size:
        if len(pairs) == size:
            break
        w = int(fresh(rng.permutation(able), used_users))
        i = fresh(rng.permutation(plays.items_of(w)), used_items) if label else None
        i = draw(sampler, w, rng, used_items) if i is None else int(i)
        pairs.append((w, i, label))
        used_users.add(w)
        used_items.add(i)
    users, items, labels = (np.array(column) for column in zip(*pairs))
    return Batch(plays, users.astype(np.intp), items.astype(np.intp), labels)


def pair_up(batch, rng):
    """The batch that BPR needs: its first positives, then their users again, each with a negative.

    Rows b and b + B are a pair. ValueError for an odd number of pairs.
    """
    size = len(batch.users)
    if size % 2:
        raise ValueError(
            "BPR compares two items of a user, so its batch must be even, got "
            f"{size}: choose another, such as batch={size + 1}"
        )
    positives = np.flatnonzero(batch.labels)[: size // 2]
    users = batch.users[positives]
    items = np.append(batch.items[positives], NegativeSampler(batch.plays).sample(users, rng))
    return Batch(batch.plays, np.tile(users, 2), items, np.repeat([1.0, 0.0], size // 2))


def fresh(candidates, used):
    """The first candidate that is not used yet, or the first of all."""
    return next((c for c in candidates if c not in used), candidates[0])


def draw(sampler, user, rng, used):
    """An item the user does not have; one not in the batch yet, if a few draws find any."""
    drawn = [int(sampler.sample(np.array([user]), rng)[0]) for _ in range(10)]
    return fresh(drawn, used)


def build_model(name, plays, rng, factors=4, layers=(8, 6, 4)):
    """A model by its name, in float64, its embeddings drawn large enough to be looked at."""
    settings = {"factors": factors, "layers": layers}
    model = MODELS[name](plays.n_users, plays.n_items, settings, rng, dtype=np.float64)
    redraw_embeddings(model, rng, STD)
    return model
