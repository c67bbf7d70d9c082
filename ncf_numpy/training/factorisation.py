"""Two matrix factorisations to compare with: both are `MF`, trained by other rules than the paper.

`logistic_mf` is that of Rendle et al. 2020: a dot product which, once tuned, beat every NCF model.
`bpr_mf` is the comparison of the NCF paper: a positive should score higher than a negative.
Both return a `Trainer`, to be run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.models import MF
from ..core.optimizers import SGD, Adagrad
from .objectives import FromCatalogue, Pairwise
from .trainer import Trainer

if TYPE_CHECKING:
    from numpy.random import Generator

    from ..data.split import Split


def logistic_mf(
    split: Split,
    rng: Generator,
    *,
    factors: int = 192,
    lr: float = 0.002,
    l2: float = 0.005,
    negatives: int = 8,
    batch_size: int = 1024,
) -> Trainer:
    """A trainer of MF by logistic loss, with the settings tuned for MovieLens-1M.

    To be run for 256 epochs, of which the last counts, on a split without validation hold-out.
    Weights start as N(0, 0.1^2), biases at 0. Negatives come from the whole catalogue: a user's own
    items are not rejected. The gradients of batch_size pairs are summed before a step, and a row
    that occurs twice in a batch is decayed once.
    Source: Rendle, Krichene, Zhang & Anderson 2020, RecSys (arXiv 2005.09683), section 4.

    Parameters
    ----------
    split : Split
    rng : Generator
    factors : int
    lr, l2 : float
        Those of one pair at a time, as in the source.
    negatives : int
        For each pair.
    batch_size : int

    Returns
    -------
    Trainer
        To be run.
    """
    model = drawn_mf(split, rng, factors, std=0.1)
    # The loss is a mean: times batch_size its gradient is the sum over the batch.
    optimizer = SGD(lr * batch_size, l2 / batch_size)
    sizes = {"batch_size": batch_size, "negatives": negatives}
    return Trainer(model, split, rng, optimizer=optimizer, objective=FromCatalogue, **sizes)


def bpr_mf(
    split: Split,
    rng: Generator,
    *,
    factors: int = 32,
    lr: float = 0.1,
    l2: float = 0.01,
    batch_size: int = 4096,
) -> Trainer:
    """A trainer of MF with item biases by BPR, Adagrad and l2.

    Weights start as N(0, 1 / (3 factors^2)): the variance of U(-1 / factors, 1 / factors).
    Source: Rendle, Freudenthaler, Gantner & Schmidt-Thieme 2009, UAI.

    Parameters
    ----------
    split : Split
    rng : Generator
    factors : int
    lr : float
    l2 : float
        Per pair, as in `logistic_mf`.
    batch_size : int
        In pairs of a positive and a negative.

    Returns
    -------
    Trainer
        To be run.
    """
    model = drawn_mf(split, rng, factors, std=1 / (3**0.5 * factors))
    # b_u and b have no gradient but rounding, and whatever Adagrad makes of it changes no order.
    optimizer = Adagrad(lr, l2 / batch_size)
    sizes = {"batch_size": batch_size, "negatives": 1}
    return Trainer(model, split, rng, optimizer=optimizer, objective=Pairwise, **sizes)


def drawn_mf(split, rng, factors, std):
    """An MF for split.train whose factors are N(0, std^2) and whose biases are 0."""
    model = MF(split.train.n_users, split.train.n_items, factors, rng)
    for W in (model.user_embedding.W, model.item_embedding.W):
        W[:, :factors] = rng.normal(0, std, (len(W), factors))
    return model
