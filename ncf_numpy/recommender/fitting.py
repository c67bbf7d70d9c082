"""The training of a fit: epoch by epoch, with checkpoints, and a report of what was learned."""

from dataclasses import replace

from ..core.table import as_table
from ..evaluation.metrics import evaluate, rank_positives
from ..training.checkpoint import load_checkpoint, save_checkpoint
from .course import check_validation, hold_out, new_trainer, prepare, stream
from .models import build, has_epochs
from .report import Report, comparison, knn_is_quick


class Fitting:
    """Trains a model by its Course; whatever stops it, `trainer` is as after an epoch's end."""

    def __init__(self, settings, data, *, validation=False, progress=False):
        self.settings, self.data, self.progress = settings, data, progress
        self.course = course = prepare(settings, data, validation=validation, progress=progress)
        watched = course.held_out if course.how == "validation" else None
        self.trainer = new_trainer(
            settings, course.train, watched, course.batch_size, "training", progress
        )

    def run(self, on_epoch=None, checkpoint=None, resume=False):
        """Run the epochs that are left."""
        course, trainer, seed = self.course, self.trainer, {"seed": self.settings["seed"]}
        saved = resume
        if resume:
            load_checkpoint(checkpoint, trainer, seed)

        def after_epoch():
            nonlocal saved
            if checkpoint is not None:
                save_checkpoint(checkpoint, trainer, seed)
                saved = True
            if on_epoch is not None:
                on_epoch(trainer.history())

        try:
            trainer.run(course.epochs, course.patience, after_epoch)
            while trainer.epoch < 2 * course.epochs and self.loss() > course.loss_to_reach:
                trainer.run(trainer.epoch + 1, after_epoch=after_epoch)
        except KeyboardInterrupt:
            if saved:
                trainer.epoch = 0  # so that nothing half loaded is kept, if there is another Ctrl-C
                load_checkpoint(checkpoint, trainer, seed)
            raise

    def loss(self):
        """The training loss of the epoch whose weights the model has."""
        return self.trainer.rows[self.trainer.best_epoch - 1]["loss"]

    def report(self):
        """What the best epoch has learned, as the trial found or the held-out items show now."""
        course, trainer = self.course, self.trainer
        findings = course.findings
        if course.held_out is not None:
            ranks = rank_positives(trainer.model, course.held_out)
            passes = trainer.epoch * (1 + trainer.objective.negatives)
            quick = knn_is_quick(course.train, passes)
            without = () if quick else ("itemknn",)
            findings = comparison(ranks, course.held_out, course.train, without=without)
        return Report(
            model=self.settings["model"],
            pairs=len(self.data),
            epochs=trainer.best_epoch,
            batch_size=course.batch_size,
            loss=self.loss(),
            base_rate=trainer.objective.base_rate,
            follows_data=self.settings["epochs"] is None and self.settings["training"] is None,
            how=course.how,
            choices=trainer.epoch if course.how == "validation" else 1,
            **findings,
        )


def check_fit(settings, validation, on_epoch, checkpoint, resume):
    """Raise TypeError or ValueError for arguments of `fit` that this model cannot have."""
    check_validation(validation)
    if on_epoch is not None and not callable(on_epoch):
        raise TypeError(f"on_epoch must be a function of the history, got {on_epoch!r}")
    name = settings["model"]
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
    if settings.get("patience") is not None and not validation:
        raise ValueError(
            f"patience={settings['patience']} needs held-out items to watch: call "
            "fit(data, validation=True), or leave patience out"
        )


def fit_baseline(settings, data, validation):
    """A model without epochs, fitted on everything; with validation it is measured before.

    -> the model, its history and its Report.
    """
    seed = settings["seed"]
    model = build(settings, data.n_users, data.n_items, stream(seed, "model"))
    report, rows = Report(settings["model"], len(data)), []
    if validation:
        train, held_out = hold_out(settings, data, validation)
        result = evaluate(model.fit(train), held_out)
        rows = [{"hr": result.hr, "ndcg": result.ndcg, "chosen": True}]
        without = (settings["model"],)
        findings = comparison(result.ranks, held_out, train, without=without)
        report = replace(report, how="trial", **findings)
    return model.fit(data), as_table(rows), report
