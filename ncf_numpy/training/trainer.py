"""Training: one step is five visible lines; an epoch is a step for every batch of fresh negatives.

`fit` is what most callers want. `Trainer` is the same with everything that changes on plain
attributes; its `run` is the only loop over epochs there is.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.checks import check_can, check_generator, check_sizes
from ..core.table import as_table
from ..data.terminal import is_terminal
from ..evaluation.metrics import evaluate
from ..evaluation.progress import progress_bar
from .blas_threads import blas_threads
from .objectives import Pointwise
from .optimizer_state import settings_of
from .row_adam import RowAdam

if TYPE_CHECKING:
    from typing import Unpack

    import pandas as pd
    from numpy.random import Generator

    from ..core.models import Model
    from ..core.types import Array, Ids, Labels, Loss, Optimizer
    from ..data.split import Split
    from .options import TrainerOptions


def train_step(
    model: Model, loss: Loss, optimizer: Optimizer, users: Ids, items: Ids, labels: Labels
) -> float:
    """One step on one batch.

    Parameters
    ----------
    model : Model
    loss : loss
        An object with forward(logits, labels) and backward().
    optimizer : optimizer
        An object with step(parameters).
    users, items : (B,) integers
    labels : (B,) floats

    Returns
    -------
    float
        The batch's mean loss.
    """
    if isinstance(optimizer, RowAdam):
        optimizer.catch_up(model.lookups(users, items))
    logits = model.forward(users, items)  # (B,)
    value = loss.forward(logits, labels)  # float
    dlogits = loss.backward()  # (B,)
    model.backward(dlogits)
    optimizer.step(model.parameters())
    return value


def fit(
    model: Model,
    split: Split,
    rng: Generator,
    *,
    epochs: int = 20,
    patience: int | None = None,
    progress: bool | None = None,
    **settings: Unpack[TrainerOptions],
) -> pd.DataFrame:
    """Train a model on split.train and leave it with the weights of its best epoch.

    The best epoch is the one of highest HR@k on split.validation, then of highest NDCG@k; without a
    validation hold-out it is the last. The test hold-out is never looked at. BLAS has one thread
    meanwhile (`blas_threads`); wide models in large batches, such as 64 factors and 1,024 rows,
    gain from threads=2.

    Parameters
    ----------
    model : Model
    split : Split
    rng : Generator
        Draws negatives and shuffles.
    epochs : int
    patience : int
        Stop after so many epochs without a new best; by default never.
    progress : bool
        Show a bar on stderr; by default where stderr is a terminal.
    **settings
        As for `Trainer`: optimizer, objective, batch_size, negatives, k, threads.

    Returns
    -------
    DataFrame
        The history, a row per epoch: epoch, loss, accuracy (both over the training batches), hr,
        ndcg (on validation), train_seconds, evaluate_seconds, and chosen, True for the epoch whose
        weights the model has.

    Raises
    ------
    ValueError, TypeError
        For an argument that cannot be.
    FloatingPointError
        If the loss is NaN or infinite, with epoch, batch and parameter; the model then has its best
        weights so far.
    """
    check_sizes(epochs=epochs)
    progress = is_terminal(sys.stderr) if progress is None else progress
    trainer = Trainer(model, split, rng, progress=progress, **settings)
    trainer.run(epochs, patience)
    return trainer.history()


class Trainer:
    """Trains a model epoch by epoch and remembers its best weights.

    Parameters
    ----------
    model : Model
    split : Split
    rng : Generator
        Draws negatives and shuffles.
    optimizer : optimizer
        By default `RowAdam` with its defaults.
    objective : class of objectives.py
        Made for split.train with batch_size and negatives.
    batch_size : int
    negatives : int
        For each pair of split.train.
    k : int
        Of HR@k and NDCG@k on split.validation.
    threads : int
        Of BLAS; by default one (`blas_threads`).
    progress : bool
        Show bars on stderr.

    Raises
    ------
    TypeError
        For a split that is none, or an rng that is a seed.
    ValueError
        For a batch_size or negatives that cannot be.
    """

    def __init__(
        self,
        model: Model,
        split: Split,
        rng: Generator,
        *,
        optimizer: Optimizer | None = None,
        objective: type[Pointwise] = Pointwise,
        batch_size: int = 256,
        negatives: int = 4,
        k: int = 10,
        threads: int | None = None,
        progress: bool = False,
    ) -> None:
        check_can("model", model)
        check_generator(rng)
        if not hasattr(split, "train") or not hasattr(split, "validation"):
            got = f"leave_one_out(interactions, rng) makes it, got {type(split).__name__}"
            raise TypeError(f"split must be a Split, as {got}")
        if not isinstance(objective, type):
            raise TypeError(f"objective must be a class of objectives.py, got {objective!r}")
        self.model, self.rng, self.progress, self.k = model, rng, progress, k
        self.threads = threads
        self.validation = split.validation
        self.objective = objective(split.train, batch_size=batch_size, negatives=negatives)
        self.optimizer: Any = RowAdam() if optimizer is None else optimizer
        check_can("optimizer", self.optimizer)
        self.optimizer_settings = settings_of(self.optimizer)  # later, some may have changed
        self.epoch = 0
        self.rows: list[dict[str, Any]] = []  # the history, a dict per finished epoch
        self.best_epoch, self.best_score = 0, (-math.inf, -math.inf)
        self.best_weights = self.copy_weights()

    def run(
        self,
        epochs: int,
        patience: int | None = None,
        after_epoch: Callable[[], object] | None = None,
    ) -> None:
        """Train until there are `epochs` epochs, and keep the best.

        Parameters
        ----------
        epochs : int
            In all, those already done included.
        patience : int
            Stop after so many epochs without a new best; by default never.
        after_epoch : function of no arguments
            Called after each epoch.

        Raises
        ------
        FloatingPointError
            As `fit`.
        """
        with blas_threads(self.threads):
            for _ in progress_bar(range(self.epoch, epochs), "training", show=self.progress):
                if self.is_stale(patience):
                    break
                self.run_epoch()
                if after_epoch is not None:
                    after_epoch()
        self.restore_best()

    def measure_start(self) -> None:
        """Count the model as it came as epoch 0, which is chosen if no other is better."""
        self.rows.append({"epoch": 0, **self.validate()})
        if self.validation is not None:
            self.best_score = (self.rows[0]["hr"], self.rows[0]["ndcg"])

    def run_epoch(self) -> dict[str, Any]:
        """One pass over all positives and fresh negatives, then validation.

        Returns
        -------
        dict
            The epoch's row of the history.

        Raises
        ------
        FloatingPointError
            As `fit`.
        """
        try:
            start = time.perf_counter()
            row = {"epoch": self.epoch + 1, **self.train_epoch()}
            row["train_seconds"] = time.perf_counter() - start
            start = time.perf_counter()
            row |= self.validate()
            row["evaluate_seconds"] = time.perf_counter() - start
        except FloatingPointError:
            if isinstance(self.optimizer, RowAdam):
                with np.errstate(all="ignore"):
                    self.optimizer.flush()  # so that no pending update reaches the restored rows
            self.restore_best()
            raise
        score = (row["hr"], row["ndcg"])
        if self.validation is None or score > self.best_score:
            self.best_weights = self.copy_weights()
            self.best_epoch, self.best_score = row["epoch"], score
        self.rows.append(row)
        self.epoch += 1
        return row

    def train_epoch(self) -> dict[str, float]:
        """{"loss", "accuracy"} over the batches of one epoch, each measured before its step."""
        objective = self.objective
        name, batches = f"epoch {self.epoch + 1}", objective.batches(self.rng)
        bar = progress_bar(batches, name, objective.n_batches, show=self.progress)
        loss_sum, n_right, n = 0.0, 0, 0
        for number, (users, items, labels) in enumerate(bar, start=1):
            value = train_step(self.model, objective.loss, self.optimizer, users, items, labels)
            if not math.isfinite(value):
                raise FloatingPointError(self.describe_divergence(value, number))
            loss_sum += value * objective.n
            n_right += objective.right()
            n += objective.n
        if isinstance(self.optimizer, RowAdam):
            self.optimizer.flush()
        return {"loss": loss_sum / n, "accuracy": n_right / n}

    def validate(self) -> dict[str, float]:
        """{"hr", "ndcg"} on the validation hold-out, NaN without one."""
        if self.validation is None:
            return {"hr": math.nan, "ndcg": math.nan}
        result = evaluate(self.model, self.validation, self.k, progress=self.progress)
        return {"hr": result.hr, "ndcg": result.ndcg}

    def is_stale(self, patience: int | None) -> bool:
        """True if the best epoch is at least `patience` epochs old.

        Parameters
        ----------
        patience : int or None
            With None it is never stale.

        Returns
        -------
        bool
        """
        return patience is not None and self.epoch - self.best_epoch >= patience

    def copy_weights(self) -> list[Array]:
        return [W.copy() for _, W, _ in self.model.parameters()]

    def restore_best(self) -> None:
        """Write the weights of the best epoch back into the model (its first ones before any)."""
        for (_, W, _), best in zip(self.model.parameters(), self.best_weights, strict=True):
            W[:] = best

    def history(self) -> pd.DataFrame:
        """The history of all finished epochs, as `fit` returns it.

        Returns
        -------
        DataFrame
        """
        return as_table([{**row, "chosen": row["epoch"] == self.best_epoch} for row in self.rows])

    def describe_divergence(self, value: float, batch: int) -> str:
        """The message for a loss that is not finite: where, and the first parameter it reached."""
        broken = [name for name, W, _ in self.model.parameters() if not np.isfinite(W).all()]
        return (
            f"the loss is {value} in epoch {self.epoch + 1}, batch {batch}; first parameter not "
            f"finite: {broken[0] if broken else 'none'}. The model has its weights of epoch "
            f"{self.best_epoch} again; try a lower learning rate"
        )
