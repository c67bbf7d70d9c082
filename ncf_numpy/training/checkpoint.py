"""Training that can stop after any epoch and go on in another process, to the same last bit.

What an epoch leaves behind is the weights, those of the best epoch, the optimizer's moments and
time step, the state of the random generator, and the history. A checkpoint is a file with these;
the data and the settings are not in it, and must be the same again.
"""

import operator

import numpy as np

from ..data.sampling import count_batches
from ..safe_file import (
    check_arrays,
    check_history,
    digest,
    naming,
    read_file,
    write_file,
)
from .row_adam import EndToEnd, RowAdam, Tables


def save_checkpoint(path, trainer, settings=None):
    """Write what `trainer` needs to go on after the epoch it has just finished.

    settings, {name: value} that JSON can hold, is compared by `load_checkpoint`. Only between
    epochs: within one, the batches still to come are not in the file.
    """
    optimizer = trainer.optimizer
    header = {
        "settings": {**describe(trainer), **(settings or {})},
        "t": getattr(optimizer, "t", 0),
        "rng": trainer.rng.bit_generator.state,
        "epoch": trainer.epoch,
        "history": trainer.rows,
        "best_epoch": trainer.best_epoch,
        "best_score": trainer.best_score,
    }
    write_file(path, "checkpoint", header, arrays_of(trainer))


def load_checkpoint(path, trainer, settings=None):
    """Bring a new `trainer` to where the saved one stood.

    Raises OSError or ValueError as `read_file` does, and ValueError naming the first thing in
    which this training differs from the saved one: model, data, optimizer or settings.
    """
    header, saved = read_file(path, "checkpoint")
    arrays = arrays_of(trainer)
    with naming(path, "is damaged"):
        differences = _differences(header["settings"], {**describe(trainer), **(settings or {})})
        if not differences:
            _check(header, saved, trainer, arrays)
    for name, before, now in differences[:1]:
        raise ValueError(
            f"{path} was trained with {name} {before}, this run has {now}: "
            "resume with what it was trained with, or start anew"
        )
    for name, array in arrays.items():
        array[...] = saved[name]
    optimizer = trainer.optimizer
    if hasattr(optimizer, "t"):
        optimizer.t = header["t"]
    trainer.rng.bit_generator.state = header["rng"]
    trainer.epoch, trainer.rows = header["epoch"], header["history"]
    trainer.best_epoch, trainer.best_score = header["best_epoch"], tuple(header["best_score"])


def _differences(before, now):
    """[(name, before, now), ...] of the settings that are not the same."""
    return [
        (name, before.get(name), now.get(name))
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]


def _check(header, saved, trainer, arrays):
    """Raise unless this trainer can go on from what is saved; nothing of it has been used yet."""
    check_arrays(saved, {name: (array.shape, array.dtype) for name, array in arrays.items()})
    for name, array in saved.items():
        if name.removeprefix("rows.").split(".")[0] in ("v", "s") and (array < 0).any():
            raise ValueError(f"{name} holds negative sums of squares")
    check_history(header["history"])
    t, epoch, best = (operator.index(header[name]) for name in ("t", "epoch", "best_epoch"))
    epochs = [row["epoch"] for row in header["history"]]
    if epoch != len(epochs) or epochs != list(range(1, epoch + 1)):
        raise ValueError(f"the history does not have a row for each of {epoch} epochs")
    batch = {"batch_size": trainer.batch_size, "negatives": trainer.negatives}
    steps = epoch * count_batches(trainer.train, trainer.sampler, **batch)
    if t != (steps if hasattr(trainer.optimizer, "t") else 0):
        raise ValueError(f"{epoch} epochs are {steps:,} steps, the optimizer took {t}")
    moved = 0 if getattr(trainer.optimizer, "lazy", False) else t
    if "rows.moved" in saved and (saved["rows.moved"] != moved).any():
        raise ValueError(f"rows.moved does not fit the optimizer's {t} steps")
    scores = header["best_score"]
    if best not in range(epoch + 1) or [type(score) for score in scores] != [float, float]:
        raise ValueError(f"the best of {epoch} epochs is {best}, with {scores}")
    generator = type(trainer.rng.bit_generator)(0)
    generator.state = header["rng"]
    if generator.state != header["rng"]:
        raise ValueError("the random generator cannot have the saved state")


def arrays_of(trainer):
    """{name: array} of all that training changes in place; written to, they change the trainer."""
    parameters = trainer.model.parameters()
    weights = {f"weights.{name}": W for name, W, _ in parameters}
    best = {f"best.{name}": W for (name, _, _), W in zip(parameters, trainer.best_weights)}
    return weights | best | moments(trainer.optimizer, trainer.model)


def moments(optimizer, model):
    """{name: array}, the optimizer's own; made here, all zero, if no step has needed them yet."""
    parameters = model.parameters()
    if isinstance(optimizer, RowAdam):
        tables = {name: W for name, W, _ in model.lookups([], [])}
        if optimizer.tables is None:
            optimizer.tables = Tables(tables)
        if optimizer.others is None:
            optimizer.others = EndToEnd([W for name, W, _ in parameters if name not in tables])
        rows, others = optimizer.tables, optimizer.others
        of_rows = {"rows.moved": rows.moved, "rows.m": rows.m, "rows.v": rows.v}
        return of_rows | {"m": others.m, "v": others.v}
    kinds = [kind for kind in ("m", "v", "s") if hasattr(optimizer, kind)]
    return {
        f"{kind}.{name}": getattr(optimizer, kind).setdefault(name, np.zeros_like(W))
        for kind in kinds
        for name, W, _ in parameters
    }


def describe(trainer):
    """{name: value}: what must be the same when training goes on."""
    optimizer, train = trainer.optimizer, trainer.train
    pairs = {"users": train.users, "items": train.items}
    if trainer.validation is not None:
        pairs |= {"held out": trainer.validation.items, "against": trainer.validation.candidates}
    rates = ("lr", "l2", "beta1", "beta2", "eps", "lazy")
    return {
        "model": type(trainer.model).__name__,
        "parameters": [list(W.shape) for _, W, _ in trainer.model.parameters()],
        "dtype": str(trainer.best_weights[0].dtype),
        "optimizer": type(optimizer).__name__,
        **{name: getattr(optimizer, name) for name in rates if hasattr(optimizer, name)},
        "batch_size": trainer.batch_size,
        "negatives": trainer.negatives,
        "data of sha256": digest(pairs).hex(),
    }
