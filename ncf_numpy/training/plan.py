"""How long to train, and in what batches, by default: as long as the data needs.

Adam moves a weight by about lr a step, however small its gradient. Embeddings begin near 0, where
all users are alike, and weights of a model that tells them apart are near 1: what counts is the
number of steps times lr. On planted groups, and on parts of MovieLens 100K and Last.fm with 500 to
15,000 pairs, the loss left that of the base rate after 0.5 / lr to 1.6 / lr steps, and held-out
items were ranked best after 1 / lr to 5 / lr (MF on MovieLens: 8 / lr).
20 epochs in batches of 256, the paper's, are 5 / lr steps from 12,800 pairs on (lr 0.001, 4
negatives). From there on they are kept. Below, batches are smaller, and `trial` finds the epochs.
"""

import math
from dataclasses import dataclass

EPOCHS, BATCH_SIZE = 20, 256  # the paper's, He et al. 2017, section 4.1, and the authors' code
SMALLEST_BATCH = 32
ENOUGH = 5  # times 1 / lr: steps after which most models have learned what they can
LEAST, MOST = 3, 20  # times 1 / lr: steps before the best epoch is believed, and of any search
LEAST_LR = 1e-4  # a lower one is given no more steps than this one


@dataclass(frozen=True)
class Plan:
    """What a training is going to be; epochs is None where held-out items have to find them."""

    epochs: int | None
    batch_size: int
    is_short: bool = False  # the paper's 20 epochs of 256 would be too few steps


def paper_plan(epochs=None, batch_size=None):
    """The paper's Plan, whatever the data, but for what is given."""
    return Plan(epochs or EPOCHS, batch_size or BATCH_SIZE)


def make_plan(n_pairs, *, epochs, batch_size, negatives, lr):
    """The Plan for n_pairs; epochs and batch_size are None where they are to follow the data."""
    n_rows, enough = n_pairs * (1 + negatives), steps_of(ENOUGH, lr)
    is_short = EPOCHS * steps_an_epoch(n_rows, batch_size or BATCH_SIZE) < enough
    if batch_size is None:
        batch_size = BATCH_SIZE
        while batch_size > SMALLEST_BATCH and EPOCHS * steps_an_epoch(n_rows, batch_size) < enough:
            batch_size //= 2
    if epochs is None and not is_short:
        epochs = EPOCHS
    return Plan(epochs, batch_size, is_short)


def watched(plan, n_pairs, *, patience, negatives, lr):
    """The epochs and the patience of a training by this plan that keeps its best epoch.

    Where the plan is short an early best is luck: patience then lasts 3 / lr steps or more.
    """
    if not plan.is_short:
        return plan.epochs, patience
    steps = steps_an_epoch(n_pairs * (1 + negatives), plan.batch_size)
    least, most = (math.ceil(steps_of(times, lr) / steps) for times in (LEAST, MOST))
    if plan.epochs is None:
        return most, max(least, patience or 0)
    return plan.epochs, patience and max(least, patience)


def steps_an_epoch(n_rows, batch_size):
    return -(-n_rows // batch_size)


def steps_of(times, lr):
    """times / lr: how many steps of Adam move a weight by `times`."""
    return math.ceil(times / max(lr, LEAST_LR))
