"""A recommender for your own ids: fit, recommend, similar items, new users, explain, save and load.

Everything below this file speaks of row numbers 0, 1, 2, ...; everything above it, of the users and
items of your file. `Recommender` holds the two together: the data, with the raw id of each row, and
the model, which is a plain `NeuMF` (or another) to step into: recommender.model.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..core.checks import check_count
from ..core.table import as_table
from ..data.interactions import Interactions
from ..safe_file import check_history, naming, read_file, write_file
from ..training.blas_threads import blas_threads
from .answers import Answers
from .fitting import Fitting, check_fit, fit_baseline
from .ids import Ids
from .models import MODELS, build, has_epochs, make_settings, owners
from .report import NotLearned, report_of
from .saved import check_state, pack_data, restore, state_of, unpack_data
from .training_data import as_interactions

if TYPE_CHECKING:
    import pandas as pd

    from ..core.types import Frame, Sparse
    from ..data.split import Holdout


class Recommender(Answers):
    """Recommends items to users; both are identified by their original IDs.

        recommender = Recommender("neumf").fit(plays)      # Interactions, or a DataFrame
        recommender.recommend("ann", k=5)                  # DataFrame: item, name, score
        recommender.save("plays.npz")

    Threads: recommend, similar_items, find_item, fold_in, explain and save may be called from any
    number of them at once, and answer as they would alone. While `fit` runs they answer as before
    it, or raise RuntimeError if there is nothing before. `model` itself is for one thread: its
    layers remember the latest forward.

    Parameters
    ----------
    model : str
        "neumf", "gmf", "mlp", "mf", "bpr", "ials", "ease", "itemknn" or "popularity"; mf is matrix
        factorisation by the logistic loss, bpr the same by pairs, of a positive and a negative.
    factors : int
        K, the width of the vectors; by default 8, of ials 64. mlp has none.
    layers : sequence of int
        The widths of the hidden layers of neumf and mlp, the first that of a user and an item
            together; by default (64, 32, 16, 8).
    training : "paper" or None
        "paper" takes 20 epochs of 256 whatever the data, and holds nothing out. By default training
        follows the data: the same where there are many pairs, and until it has learned where there
        are few (plan.py).
    epochs, batch_size : int
        In place of what `training` says; ials has 12 epochs by default.
    negatives : int
        For each pair, by default 4.
    lr : float
        Of `RowAdam`, by default 0.001.
    patience : int
        Stops a fit with validation=True after so many epochs without a new best.
    branch_weight : float
        Of neumf, from 0 to 1: see `NeuMF`.
    neighbours, shrink : int, float
        Of itemknn, by default 50 and 0.
    use_counts : bool
        Of itemknn and popularity: weigh pairs by their counts, which no other model does.
    l2 : float
        Of ease, by default 500.
    regularisation, weight : float
        Of ials, by default 0.01 and 0.1.
    seed : int
        Makes results reproducible.

    Attributes
    ----------
    data : Interactions
        None before `fit`, as model, history and report; the types are those after it.
    model : Model or Baseline
        Takes indices into data.user_ids and data.item_ids.
    history : DataFrame
        A row per epoch.
    report : Report
        What was learned; print(recommender.report) says it in sentences.

    Raises
    ------
    ValueError
        For a model that does not exist, a number that cannot be, or an option that the model does
        not take.
    """

    def __init__(
        self,
        model: str = "neumf",
        *,
        factors: int | None = None,
        layers: Sequence[int] | None = None,
        training: Literal["paper"] | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        negatives: int | None = None,
        lr: float | None = None,
        patience: int | None = None,
        branch_weight: float | None = None,
        neighbours: int | None = None,
        shrink: float | None = None,
        use_counts: bool | None = None,
        l2: float | None = None,
        regularisation: float | None = None,
        weight: float | None = None,
        seed: int = 0,
    ) -> None:
        if not isinstance(model, str) or model not in MODELS:
            raise ValueError(f"model must be one of {', '.join(MODELS)}; got {model!r}")
        given = {
            "factors": factors,
            "layers": layers,
            "training": training,
            "epochs": epochs,
            "batch_size": batch_size,
            "negatives": negatives,
            "lr": lr,
            "patience": patience,
            "branch_weight": branch_weight,
            "neighbours": neighbours,
            "shrink": shrink,
            "use_counts": use_counts,
            "l2": l2,
            "regularisation": regularisation,
            "weight": weight,
        }
        seed = check_count(seed, 0, "seed")
        self.settings = {"model": model, **make_settings(model, given), "seed": seed}
        self.data = self.model = self.history = self.report = None
        self.epochs_ahead = None  # at most so many, once `fit` has settled it

    def __repr__(self):
        state = "not fitted" if self.data is None else repr(self.data)
        return f"Recommender({self.settings['model']!r}, {state})"

    def fit(
        self,
        data: Interactions | Frame | Sparse,
        validation: bool | Holdout = False,
        *,
        progress: bool = False,
        on_epoch: Callable[[pd.DataFrame], object] | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        threads: int | None = None,
    ) -> Recommender:
        """Train on data until it has learned. `report` says what was learned.

        Some pairs are held out to measure that: of 10,000 pairs or more one in a hundred, at most
        500, which are then not trained on; of fewer a fifth, in a trial on the others, which also
        finds the epochs; after it all pairs are trained on. NotLearned, a UserWarning, is issued
        where the model ranks no better than popularity or chance, or where it cannot be told.

        Ctrl-C still raises KeyboardInterrupt; from the first epoch on, the recommender can then be
        used and saved as the last finished epoch left it.

        Parameters
        ----------
        data : Interactions, DataFrame or scipy sparse matrix
            A DataFrame has columns user, item and, where known, count, timestamp and name (of the
            item), as `load_interactions` reads them. Of a matrix users are rows, items are columns.
        validation : bool or Holdout
            Hold out one item of each user, the latest where there are timestamps, and keep the
            epoch that ranks these best. Held-out items are still treated as seen, so
            they are not recommended. A baseline has no epochs; it is measured on them, then fitted
            on everything. Or a Holdout, such as the validation of a Split whose train is `data`.
        progress : bool
            Show bars with the time left on stderr.
        on_epoch : function of the history
            Called with a DataFrame after each epoch. Neural models only, as checkpoint.
        checkpoint : str or Path
            What to write after each epoch.
        resume : bool
            Go on from the checkpoint, also in another process, bit-for-bit identical to a run
            without a break. Only `epochs` and `patience` may have changed.
        threads : int
            So many BLAS threads meanwhile. By default models that are trained by batches have one
            (`blas_threads`), and baselines what NumPy has. 2 pay off for 64 factors or more.

        Returns
        -------
        Recommender
            Itself.

        Raises
        ------
        ValueError
            For data that lacks a column, or a checkpoint of other data or settings.
        TypeError
            For data of another kind.
        FloatingPointError
            If training diverges.
        """
        data = as_interactions(data)
        check_fit(self.settings, validation, on_epoch, checkpoint, resume)
        with nullcontext() if threads is None else blas_threads(threads):
            if has_epochs(self.settings["model"]):
                self._train(data, validation, progress, on_epoch, checkpoint, resume)
            else:
                self._know(data, *fit_baseline(self.settings, data, validation))
        self._warn()
        return self

    def _train(self, data, validation, progress, on_epoch, checkpoint, resume):
        """Fit a model that has epochs; whatever stops it, what has been learned is kept."""
        fitting = Fitting(self.settings, data, validation=validation, progress=progress)
        self.epochs_ahead = fitting.course.epochs
        report = None
        try:
            fitting.run(on_epoch, checkpoint, resume)
            fitting.trainer.restore_best()
            report = fitting.report()
        finally:
            trainer = fitting.trainer
            if report or trainer.epoch:
                trainer.restore_best()
                self._know(data, trainer.model, trainer.history(), report)

    def save(self, path: str | Path) -> None:
        """Write one .npz to exactly this path: weights, ids, names, settings and interactions.

        Timestamps are not kept, and counts only with use_counts. The file takes the old
        one's place only when it is complete.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        OSError
            If it cannot be written, with the path.
        ValueError
            For weights that are not finite, or not of the model that the settings describe.
        RuntimeError
            Before `fit`.
        """
        known = self._known()
        state = state_of(known.model)
        check_state(state, known.settings, known.data)
        header = {
            "settings": known.settings,
            "history": known.history.to_dict("records"),
            "report": None if known.report is None else asdict(known.report),
            "source": known.data.source,
        }
        weights = {f"model.{name}": W for name, W in state.items()}
        data = pack_data(known.data, counts=known.settings.get("use_counts", False))
        write_file(path, "recommender", header, data | weights)

    @classmethod
    def load(cls, path: str | Path) -> Recommender:
        """The recommender that was saved; its predictions are bit-for-bit identical.

        Reading never runs code from the file, and needs a small multiple of its length in memory.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        Recommender

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it is damaged, not a recommender, or written by a newer version. It names the path.
        """
        header, arrays = read_file(path, "recommender")
        with naming(path, "is damaged"):
            stored = header["settings"]
            # Files of earlier versions hold the options of all models.
            stored = {
                name: value
                for name, value in stored.items()
                if value is not None and stored["model"] in (owners(name) or [stored["model"]])
            }
            recommender = cls(**stored)
            settings = recommender.settings
            if settings != {**settings, **stored}:
                raise ValueError(f"the settings are not those of {recommender}")
            check_history(header["history"])
            data = unpack_data(arrays, header["source"])
            state = {name.removeprefix("model."): array for name, array in arrays.items()}
            check_state(state, settings, data)
            model = build(settings, data.n_users, data.n_items, np.random.default_rng(0))
            restore(model, data, state)
            report = report_of(header.get("report"), settings["model"])
            recommender._know(data, model, as_table(header["history"]), report)
        return recommender

    def _know(self, data, model, history, report=None):
        learned = {"data": data, "model": model, "history": history, "report": report}
        ids = {"_users": Ids(data.user_ids), "_items": Ids(data.item_ids)}
        vars(self).update(learned | ids)  # for other threads, at one moment

    def _warn(self):
        """Warn where the recommendations may be worth nothing."""
        if self.report.verdict in ("not learned", "too few pairs to tell"):
            warnings.warn(f"{self.report.line}. {self.report.advice}", NotLearned, stacklevel=3)
