"""Two matrix factorisations to compare with: both are `MF`, trained by other rules than the paper.

`logistic_mf` is that of Rendle et al. 2020: a dot product which, once tuned, beat every NCF model.
`bpr_mf` is the comparison of the NCF paper: a positive should score higher than a negative.
Both return a `Trainer`, to be run an epoch at a time.
"""

import numpy as np

from ..core.checks import check_count
from ..core.losses import BPR
from ..core.models import MF
from ..core.optimizers import SGD, Adagrad
from ..data.sampling import NegativeSampler
from .trainer import Trainer, train_step


def logistic_mf(split, rng, *, factors=192, lr=0.002, l2=0.005, negatives=8, batch_size=1024):
    """A trainer of MF by logistic loss, with the settings tuned for MovieLens-1M.

    To be run for 256 epochs, of which the last counts, on a split without validation hold-out.
    Weights start as N(0, 0.1^2), biases at 0. Negatives come from the whole catalogue: a user's
    own items are not rejected. lr and l2 are those of one pair at a time, as in the source; here
    the gradients of batch_size pairs are summed before a step, and a row that occurs twice in a
    batch is decayed once.
    Source: Rendle, Krichene, Zhang & Anderson 2020, RecSys (arXiv 2005.09683), section 4.
    """
    model = MF(split.train.n_users, split.train.n_items, factors, rng)
    for W in (model.user_embedding.W, model.item_embedding.W):
        W[:, :factors] = rng.normal(0, 0.1, (len(W), factors))
    # The loss is a mean: times batch_size its gradient is the sum over the batch.
    optimizer = SGD(lr * batch_size, l2 / batch_size)
    settings = {"optimizer": optimizer, "batch_size": batch_size, "negatives": negatives}
    trainer = Trainer(model, split, rng, **settings)
    trainer.sampler = NegativeSampler(split.train.take(np.empty(0, np.intp)))
    return trainer


def bpr_mf(split, rng, *, factors=32, lr=0.1, l2=0.01, batch_size=4096):
    """A trainer of MF with item biases by BPR, Adagrad and l2 (per pair, as in `logistic_mf`).

    Weights start as N(0, 1 / (3 factors^2)): the variance of U(-1 / factors, 1 / factors).
    Source: Rendle, Freudenthaler, Gantner & Schmidt-Thieme 2009, UAI.
    """
    model = MF(split.train.n_users, split.train.n_items, factors, rng)
    for W in (model.user_embedding.W, model.item_embedding.W):
        W[:, :factors] = rng.normal(0, 1 / (3**0.5 * factors), (len(W), factors))
    # b_u and b have no gradient but rounding, and whatever Adagrad makes of it changes no order.
    optimizer = Adagrad(lr, l2 / batch_size)
    return PairwiseTrainer(model, split, rng, optimizer=optimizer, batch_size=batch_size)


class PairwiseTrainer(Trainer):
    """Trains a model by BPR. batch_size counts pairs; accuracy is the share in the right order."""

    def __init__(self, model, split, rng, **settings):
        super().__init__(model, split, rng, **settings)
        self.loss = BPR()

    def train_epoch(self):
        loss_sum, n_right, n_pairs = 0.0, 0, 0
        batches = pair_batches(self.train, self.sampler, self.rng, self.batch_size)
        for number, batch in enumerate(batches, start=1):
            value = train_step(self.model, self.loss, self.optimizer, *batch)
            if not np.isfinite(value):
                raise FloatingPointError(self.describe_divergence(value, number))
            loss_sum += value * len(self.loss.x)
            n_right += int((self.loss.x > 0).sum())
            n_pairs += len(self.loss.x)
        return {"loss": loss_sum / n_pairs, "accuracy": n_right / n_pairs}


def pair_batches(train, sampler, rng, batch_size):
    """One epoch for `BPR`: users (2B,), items (2B,), labels (2B,), B = batch_size pairs at a time.

    Each pair of `train` comes once, in row b, and in row b + B the same user with a fresh negative;
    users who have every item are left out.
    """
    check_count(batch_size, 1, "batch_size")
    rows = rng.permutation(np.flatnonzero(~sampler.exhausted[train.users]))
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        users = train.users[batch]
        items = np.concatenate([train.items[batch], sampler.sample(users, rng)])
        labels = np.repeat(np.array([1, 0], np.float32), len(batch))
        yield np.concatenate([users, users]), items, labels
