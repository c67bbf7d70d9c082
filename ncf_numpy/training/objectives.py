"""What a model is trained on: batches of examples, and the loss of a batch.

    objective = Pointwise(train, batch_size=256, negatives=4)
    for users, items, labels in objective.batches(rng):     # one epoch
        value = train_step(model, objective.loss, optimizer, users, items, labels)

`n_batches` is how many an epoch has; `right()` and `n` speak of the latest batch: how many of its
n examples (of `Pairwise`: pairs) the model had on the right side before the step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.checks import check_count
from ..core.losses import BPR, BinaryCrossEntropyWithLogits
from ..data.sampling import NegativeSampler, count_batches, epoch_batches

if TYPE_CHECKING:
    from numpy.random import Generator

    from ..core.types import Batches
    from ..data.interactions import Interactions


class Pointwise:
    """Each pair of train has label 1, and `negatives` unseen items of its user have label 0.

    Loss: binary cross-entropy. Source: He et al. 2017, sections 3.1 and 4.1.

    Parameters
    ----------
    train : Interactions
    batch_size : int
        Rows of a batch.
    negatives : int
        For each pair, drawn again in every epoch.

    Raises
    ------
    ValueError
        For a batch_size below 1, or negatives below 0.
    """

    def __init__(self, train: Interactions, *, batch_size: int = 256, negatives: int = 4) -> None:
        self.train = train
        self.batch_size = check_count(batch_size, 1, "batch_size")
        self.negatives = check_count(negatives, 0, "negatives")
        self.sampler = self.make_sampler()
        self.loss: Any = BinaryCrossEntropyWithLogits()

    def make_sampler(self) -> NegativeSampler:
        """The sampler of negatives: a user's own items are not drawn."""
        return NegativeSampler(self.train)

    @property
    def sizes(self):
        return {"negatives": self.negatives, "batch_size": self.batch_size}

    @property
    def n_batches(self):
        return count_batches(self.train, self.sampler, **self.sizes)

    @property
    def n(self):
        return len(self.loss.labels)

    @property
    def base_rate(self):
        """The share of positives; always answering it has its entropy as loss."""
        n_served = np.count_nonzero(~self.sampler.exhausted[self.train.users])
        return len(self.train) / (len(self.train) + self.negatives * n_served)

    def batches(self, rng: Generator) -> Batches:
        """One epoch of fresh negatives, shuffled.

        Parameters
        ----------
        rng : Generator

        Returns
        -------
        iterator of users, items, labels
            (B,) arrays.
        """
        return epoch_batches(self.train, self.sampler, rng, **self.sizes)

    def right(self):
        return int(((self.loss.z > 0) == (self.loss.labels > 0)).sum())

    def describe(self):
        """{name: value} of what has to be the same when training is resumed."""
        return self.sizes


class FromCatalogue(Pointwise):
    """The same, but negatives come from the whole catalogue: a user's own items may be drawn.

    Source: Rendle, Krichene, Zhang & Anderson 2020, RecSys, section 4.
    """

    def make_sampler(self) -> NegativeSampler:
        return NegativeSampler(self.train.take(np.empty(0, np.intp)))

    def describe(self):
        return {**super().describe(), "negatives from": "the whole catalogue"}


class Pairwise(Pointwise):
    """Each pair of train against `negatives` unseen items of its user, each a pair for `BPR`.

    A batch has the positives of its pairs first, then their negatives (2B rows). Users who have
    every item are left out.
    Source: Rendle, Freudenthaler, Gantner & Schmidt-Thieme 2009, UAI.

    Parameters
    ----------
    train : Interactions
    batch_size : int
        Pairs of a batch.
    negatives : int
        For each pair of train, at least 1.

    Raises
    ------
    ValueError
        For a batch_size or negatives below 1, and where every user has every item.
    """

    def __init__(self, train: Interactions, *, batch_size: int = 256, negatives: int = 1) -> None:
        check_count(negatives, 1, "negatives")
        super().__init__(train, batch_size=batch_size, negatives=negatives)
        self.loss = BPR()
        served = np.flatnonzero(~self.sampler.exhausted[train.users])
        self.rows = np.repeat(served, negatives)  # (P,) the positive of each pair
        if not len(self.rows):
            raise ValueError(
                "every user has every item: BPR compares an item that a user has with one that "
                "they have not; train mf instead"
            )

    @property
    def n_batches(self):
        return -(-len(self.rows) // self.batch_size)

    @property
    def n(self):
        return len(self.loss.x)

    @property
    def base_rate(self):
        """Without learning either of a pair may be the positive."""
        return 0.5

    def batches(self, rng: Generator) -> Batches:
        """One epoch of fresh negatives: iterate over users (2B,), items (2B,), labels (2B,)."""
        rows = rng.permutation(self.rows)
        for start in range(0, len(rows), self.batch_size):
            batch = rows[start : start + self.batch_size]
            users, positives = self.train.users[batch], self.train.items[batch]  # (B,), (B,)
            items = np.concatenate([positives, self.sampler.sample(users, rng)])  # (2B,)
            labels = np.repeat(np.array([1, 0], np.float32), len(batch))  # (2B,)
            yield np.concatenate([users, users]), items, labels

    def right(self):
        return int((self.loss.x > 0).sum())

    def describe(self):
        return {**super().describe(), "loss": "BPR"}
