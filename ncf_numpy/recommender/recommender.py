"""A recommender for your own ids: fit, recommend, similar items, new users, explain, save and load.

Everything below this file speaks of row numbers 0, 1, 2, ...; everything above it, of the users and
items of your file. `Recommender` holds the two together: the data, with the raw id of each row, and
the model, which is a plain `NeuMF` (or another) to step into: recommender.model.
"""

import warnings
from contextlib import nullcontext
from dataclasses import asdict, replace

import numpy as np

from ..core.checks import check_count
from ..core.table import as_table
from ..data.interactions import Interactions
from ..evaluation.metrics import evaluate
from ..safe_file import check_history, naming, read_file, write_file
from ..training.blas_threads import blas_threads
from .answers import Answers
from .course import check_validation, hold_out, stream
from .fitting import Fitting
from .ids import Ids
from .models import MODELS, build, has_epochs, make_settings, owners
from .report import NotLearned, Report, comparison, report_of
from .saved import check_state, pack_data, restore, state_of, unpack_data


class Recommender(Answers):
    """Recommends items to users, both called by their raw ids.

        recommender = Recommender("neumf").fit(plays)      # Interactions, or a DataFrame
        recommender.recommend("ann", k=5)                  # DataFrame: item, name, score
        recommender.save("plays.npz")

    model: "neumf", "gmf", "mlp", "mf", "bpr", "ials", "ease", "itemknn" or "popularity"; mf is
    matrix factorisation by the logistic loss, bpr the same by pairs, of a positive and a negative.
    factors=8 (all of the first five but mlp) and layers=(64, 32, 16, 8) (neumf and mlp) are the
    sizes of these five; negatives=4 and lr=0.001, and epochs and batch_size where they are given,
    their training (see `training.fit`). Where they are not, training follows the data: 20 epochs
    of 256 where there are many pairs, and until it has learned where there are few (plan.py).
    training="paper" takes 20 epochs of 256 whatever the data, and holds nothing out.
    patience stops a fit with validation=True; branch_weight is that of `NeuMF`, whose alone it is.
    The baselines take factors=64, epochs=12, regularisation=0.01 and weight=0.1 (ials), l2=500
    (ease), neighbours=50 and shrink=0 (itemknn). use_counts=True (itemknn and popularity) weighs
    pairs by their counts, which no other model does. seed=0 decides all that is random. ValueError
    for an option that the model does not take.

    After fit: `data`, the Interactions; `model`, which takes indices into data.user_ids and
    data.item_ids; `history`, a DataFrame with a row per epoch; `report`, what was learned, which
    print(recommender.report) says in sentences.

    Threads: recommend, similar_items, find_item, fold_in, explain and save may be called from any
    number of them at once, and answer as they would alone. While `fit` runs they answer as before
    it, or raise RuntimeError if there is nothing before. `model` itself is for one thread: its
    layers remember the latest forward.
    """

    def __init__(
        self,
        model="neumf",
        *,
        factors=None,
        layers=None,
        training=None,
        epochs=None,
        batch_size=None,
        negatives=None,
        lr=None,
        patience=None,
        branch_weight=None,
        neighbours=None,
        shrink=None,
        use_counts=None,
        l2=None,
        regularisation=None,
        weight=None,
        seed=0,
    ):
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
        data,
        validation=False,
        *,
        progress=False,
        on_epoch=None,
        checkpoint=None,
        resume=False,
        threads=None,
    ):
        """Train on data until it has learned; returns self. `report` says what was learned.

        Some pairs are held out to measure that: of 10,000 pairs or more one in a hundred, at most
        500, which are then not trained on; of fewer a fifth, in a trial on the others, which also
        finds the epochs; after it all pairs are trained on. NotLearned, a UserWarning, is issued
        where the model ranks no better than popularity or chance, or where nobody can tell.

        data: Interactions, or a DataFrame with columns user, item and, where known, count,
            timestamp and name (of the item), as `load_interactions` reads them.
        validation: hold out one item of each user, the latest where there are timestamps, and keep
            the epoch that ranks these best. They are still seen: not recommended again. A baseline
            has no epochs; it is measured on them, then fitted on everything all the same.
            Or a Holdout, such as the validation of a Split whose train is `data`.
        progress: bars with the time left on stderr.  on_epoch: called with the history, a
            DataFrame, after each epoch.
        checkpoint: a path to write after each epoch, for resume=True to go on from, in another
            process too, to the same last bit as without a break; only `epochs` and `patience` may
            have changed. Neural models only, as on_epoch.
        threads: so many BLAS threads meanwhile. By default models that are trained by batches have
            one (`blas_threads`), and baselines what NumPy has. 2 pay off for 64 factors or more.

        Ctrl-C still raises KeyboardInterrupt; from the first epoch on, the recommender can then be
        used and saved as the last finished epoch left it. ValueError for data that lacks a column,
        or a checkpoint of other data or settings; FloatingPointError if training diverges.
        """
        data = as_interactions(data)
        check_validation(validation)
        if on_epoch is not None and not callable(on_epoch):
            raise TypeError(f"on_epoch must be a function of the history, got {on_epoch!r}")
        name = self.settings["model"]
        if not has_epochs(name):
            for argument, given in (
                ("on_epoch", on_epoch is not None),
                ("checkpoint", checkpoint is not None),
                ("resume", resume),
            ):
                if given:
                    raise ValueError(f"{name} has no epochs: call fit without {argument}=")
        if resume and checkpoint is None:
            raise ValueError("resume=True needs the path of a checkpoint: checkpoint=PATH")
        if self.settings.get("patience") is not None and not validation:
            raise ValueError(
                f"patience={self.settings['patience']} needs held-out items to watch: call "
                "fit(data, validation=True), or leave patience out"
            )
        with nullcontext() if threads is None else blas_threads(threads):
            if has_epochs(name):
                self._train(data, validation, progress, on_epoch, checkpoint, resume)
            else:
                self._fit_baseline(data, validation)
        self._warn()
        return self

    def _train(self, data, validation, progress, on_epoch, checkpoint, resume):
        """Fit a model that has epochs; whatever stops it, what has been learned is kept."""
        fitting = Fitting(self.settings, data, validation=validation, progress=progress)
        self.epochs_ahead = fitting.course.epochs
        try:
            fitting.run(on_epoch, checkpoint, resume)
        finally:
            trainer = fitting.trainer
            if trainer.epoch:
                trainer.restore_best()
                self._know(data, trainer.model, trainer.history())
        self.report = fitting.report()

    def _fit_baseline(self, data, validation):
        """Fit a model without epochs on everything; with validation, first measure it."""
        seed = self.settings["seed"]
        model = build(self.settings, data.n_users, data.n_items, stream(seed, "model"))
        report, rows = Report(self.settings["model"], len(data)), []
        if validation:
            train, held_out = hold_out(self.settings, data, validation)
            result = evaluate(model.fit(train), held_out)
            rows = [{"hr": result.hr, "ndcg": result.ndcg, "chosen": True}]
            without = (self.settings["model"],)
            findings = comparison(result.ranks, held_out, train, without=without)
            report = replace(report, how="trial", **findings)
        self._know(data, model.fit(data), as_table(rows), report)

    def save(self, path):
        """Write one .npz to exactly this path: weights, ids, names, settings, and who has what.

        Timestamps are not kept, and counts only with use_counts. The file takes
        the old one's place only when it is complete. OSError naming the path otherwise; ValueError
        for weights that are not finite, or not of the model that the settings describe.
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
    def load(cls, path):
        """The recommender that was saved to path; it predicts the same bits.

        Reading never runs code from the file, and needs a small multiple of its length in memory.
        OSError if it cannot be read; ValueError naming the path if it is damaged, no recommender,
        or written by a newer version.
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
            report = report_of(header.get("report"))
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


def as_interactions(data):
    """Interactions as they are; a DataFrame by its columns user, item, count, timestamp, name.

    A scipy sparse matrix is read by `Interactions.from_sparse`: users are rows, items are columns.
    """
    if isinstance(data, Interactions):
        if not len(data):
            raise ValueError("no interactions: the data holds no pair to learn from")
        return data
    if hasattr(data, "tocoo"):
        return Interactions.from_sparse(data)
    import pandas as pd

    from ..datasets.tabular import load_interactions

    if not isinstance(data, pd.DataFrame):
        raise TypeError(
            "data must be Interactions, a DataFrame or a scipy sparse matrix, got "
            f"{type(data).__name__}; load_interactions reads a file"
        )
    optional = {"count": "count", "timestamp": "timestamp", "item_name": "name"}
    there = {argument: column for argument, column in optional.items() if column in data}
    return load_interactions(data, **there)
