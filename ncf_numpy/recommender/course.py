"""Before a fit: what is held out, and for how long the rest is trained on.

Of many pairs a few hundred are held out and not trained on. Of few pairs every
one counts, so a trial on four fifths of them finds the epochs, and then all are trained on.
"""

import math
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from ..data.interactions import Interactions
from ..data.sampling import PairIndex
from ..data.split import Holdout, leave_one_out
from ..evaluation.metrics import rank_positives
from ..training.plan import make_plan, paper_plan, steps_an_epoch, steps_of, watched
from ..training.row_adam import RowAdam
from ..training.trainer import Trainer
from ..training.trial import (
    FEWEST_HELD_OUT,
    MOST_HELD_OUT,
    UNTRIED_STEPS,
    Trial,
    hold_out_pairs,
)
from .models import PAPER, build, objective_of
from .report import comparison

PAIRS_TO_SPARE = 10_000  # from here on one pair in a hundred is held out, without a trial
STREAMS = "split", "model", "training", "held out", "trial", "halves"  # of random numbers


@dataclass(frozen=True)
class Course:
    """What a training is going to be, and what a trial has found out already."""

    train: Interactions
    epochs: int  # at most
    batch_size: int
    held_out: Holdout | None = None
    how: str = ""  # pairs were held out, a key of report.AFTERWARDS
    patience: int | None = None
    loss_to_reach: float = math.inf  # else training goes on, up to twice the epochs
    findings: dict = field(default_factory=dict)  # of a trial, as `report.comparison` gives them


def stream(seed, name):
    """The generator of one use of random numbers: none depends on how many others drew."""
    return np.random.default_rng(seed).spawn(len(STREAMS))[STREAMS.index(name)]


def new_trainer(settings, train, validation, batch_size, name, progress):
    """An untrained model's Trainer; every one of these settings begins with the same weights."""
    rng = stream(settings["seed"], "model")
    model = build(settings, train.n_users, train.n_items, rng)
    return Trainer(
        model,
        SimpleNamespace(train=train, validation=validation),
        stream(settings["seed"], name),
        optimizer=RowAdam(settings["lr"]),
        objective=objective_of(settings["model"]),
        batch_size=batch_size,
        negatives=settings["negatives"],
        progress=progress,
    )


def plan_of(settings, n_pairs):
    """The epochs and batches for so many pairs, where settings leave them open."""
    given = {name: settings[name] for name in ("epochs", "batch_size")}
    if settings["training"] == PAPER:
        return paper_plan(**given)
    return make_plan(n_pairs, **given, negatives=settings["negatives"], lr=settings["lr"])


def prepare(settings, data, *, validation=False, progress=False):
    """Hold out what is to be held out, and settle the epochs: -> Course."""
    plan = plan_of(settings, len(data))
    if validation:
        return with_validation(settings, data, plan, validation)
    if settings["training"] == PAPER:
        return Course(data, plan.epochs, plan.batch_size)
    if plan.epochs is None or len(data) < PAIRS_TO_SPARE:
        return after_a_trial(settings, data, plan, progress)
    most = min(MOST_HELD_OUT, len(data) // 100)
    train, held_out = hold_out_pairs(data, stream(settings["seed"], "held out"), most)
    return Course(train, plan.epochs, plan.batch_size, held_out, "sample")


def check_validation(validation):
    """Raise TypeError unless `fit` can tell what to hold out; no items would be no validation."""
    if not (validation is None or isinstance(validation, (bool, Holdout))):
        got = type(validation).__name__
        raise TypeError(f"validation must be True, False or a Holdout, got a {got}")
    if isinstance(validation, Holdout) and not len(validation):
        raise ValueError("validation is a Holdout without items: none can choose the epoch")


def hold_out(settings, data, validation):
    """An item of each user, or the Holdout that `fit` was given: -> train, held out."""
    if isinstance(validation, Holdout):
        check_held_out(validation, data)
        return data, validation
    split = leave_one_out(data, stream(settings["seed"], "split"), validation=False)
    return split.train, split.test


def check_held_out(held_out, data):
    """Raise ValueError for a Holdout of other data, or one whose pairs would be trained on."""
    users, items = held_out.users, np.column_stack([held_out.items, held_out.candidates])
    sizes = int(users.max()) + 1, int(items.max()) + 1
    if sizes[0] > data.n_users or sizes[1] > data.n_items:
        raise ValueError(
            f"validation speaks of user {sizes[0] - 1} and item {sizes[1] - 1}, and the data has "
            f"{data.n_users:,} users and {data.n_items:,} items: fit(split.train, "
            "validation=split.validation) takes both from one split"
        )
    known = int(PairIndex(data).contains(users, held_out.items).sum())
    if known:
        raise ValueError(
            f"{known:,} of the {len(held_out):,} pairs held out for validation are in the data "
            "too, and would be trained on: give fit(split.train, validation=split.validation), or "
            "validation=True to hold some out of the data"
        )


def with_validation(settings, data, plan, validation):
    """Hold items out; the epoch that ranks these best is kept."""
    train, held_out = hold_out(settings, data, validation)
    rates = {name: settings[name] for name in ("patience", "negatives", "lr")}
    epochs, patience = watched(plan, len(train), **rates)
    how = "validation"
    return Course(train, epochs, plan.batch_size, held_out, how, patience=patience)


def after_a_trial(settings, data, plan, progress):
    """Find out on four fifths of the pairs how long to train on all of them."""
    seed, lr = settings["seed"], settings["lr"]
    rest, held_out = hold_out_pairs(data, stream(seed, "held out"))
    n_held_out = 0 if held_out is None else len(held_out)
    if n_held_out < FEWEST_HELD_OUT:
        steps = steps_an_epoch(len(data) * (1 + settings["negatives"]), plan.batch_size)
        epochs = plan.epochs or math.ceil(steps_of(UNTRIED_STEPS, lr) / steps)
        found = {"held_out": n_held_out}
        return Course(data, epochs, plan.batch_size, how="trial", findings=found)
    trainer = new_trainer(settings, rest, None, plan.batch_size, "trial", progress)
    if plan.epochs is None:
        trial = Trial(trainer, held_out, lr).run()
        epochs, loss = trial.best_epochs(), trial.best_loss()
        ranks = trial.unbiased_ranks(stream(seed, "halves"))
    else:
        trainer.run(plan.epochs)
        epochs, loss = plan.epochs, math.inf
        ranks = rank_positives(trainer.model, held_out)
    found = comparison(ranks, held_out, rest)
    return Course(data, epochs, plan.batch_size, how="trial", loss_to_reach=loss, findings=found)
