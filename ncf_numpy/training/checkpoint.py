"""Training that can stop after any epoch and go on in another process, bit-for-bit identical.

What an epoch leaves behind is the weights, those of the best epoch, the optimizer's moments and
time step, the state of the random generator, and the history. A checkpoint is a file with these;
the data and the settings are not in it, and must be the same again.
"""

from __future__ import annotations

import operator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..safe_file import (
    check_arrays,
    check_history,
    digest,
    naming,
    read_file,
    write_file,
)
from .optimizer_state import changes, make_room, settings_of, state_of

if TYPE_CHECKING:
    from .trainer import Trainer

OTHER = {  # what is not a number or a name: how to call it
    "parameters": "data, factors= or layers=",
    "data of sha256": "data or held-out items",
}


def save_checkpoint(
    path: str | Path, trainer: Trainer, settings: dict[str, Any] | None = None
) -> None:
    """Write what a trainer needs to go on after the epoch it has just finished.

    Only between epochs: within one, the batches still to come are not in the file.

    Parameters
    ----------
    path : str or Path
    trainer : Trainer
    settings : {name: value}
        What JSON can hold; `load_checkpoint` compares it.

    Raises
    ------
    OSError
        If it cannot be written, with the path. An older file there is then as it was.
    """
    arrays = arrays_of(trainer)
    header = {
        "settings": {**(settings or {}), **describe(trainer)},
        "optimizer": settings_of(trainer.optimizer),
        "state": _names_of_state(arrays),
        "rng": trainer.rng.bit_generator.state,
        "epoch": trainer.epoch,
        "history": trainer.rows,
        "best_epoch": trainer.best_epoch,
        "best_score": trainer.best_score,
    }
    write_file(path, "checkpoint", header, arrays)


def load_checkpoint(
    path: str | Path, trainer: Trainer, settings: dict[str, Any] | None = None
) -> None:
    """Bring a new trainer to where the saved one stood.

    Parameters
    ----------
    path : str or Path
    trainer : Trainer
        Made as the saved one was.
    settings : {name: value}
        As it was given to `save_checkpoint`.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is damaged or no checkpoint, with the path; if this training differs from the saved
        one, with the first difference: model, data, optimizer or settings.
    """
    header, saved = read_file(path, "checkpoint")
    with naming(path, "is damaged"):
        differences = _differences(header["settings"], {**(settings or {}), **describe(trainer)})
        if not differences:
            state = header.get("state", _names_of_state(saved))  # files of version 0.1 have none
            room = make_room(trainer.optimizer, trainer.model, state)
            try:
                arrays = arrays_of(trainer)
                _check(header, saved, trainer, arrays)
                changed = changes(trainer.optimizer, _of_optimizer(header))
            except BaseException:  # the trainer is left as it came
                for held, key in room:
                    del held[key]
                raise
    for name, before, now in differences[:1]:
        if name in OTHER:
            raise ValueError(
                f"{path} was trained with other {OTHER[name]}: resume with the same, or train "
                "from scratch"
            )
        before, now = (_told(name, each) for each in (before, now))
        raise ValueError(
            f"{path} was trained with {before}, this run has {now}: resume with {before}, or "
            "train from scratch"
        )
    for name, value in changed.items():
        setattr(trainer.optimizer, name, value)
    for name, array in arrays.items():
        array[...] = saved[name]
    trainer.rng.bit_generator.state = header["rng"]
    trainer.epoch, trainer.rows = header["epoch"], header["history"]
    trainer.best_epoch, trainer.best_score = header["best_epoch"], tuple(header["best_score"])


def _told(name, value):
    """lr=0.5, for an error message; a model by its name in `MODELS`."""
    if value is None:
        return f"no {name}"
    return f"{name}={str(value).lower() if name == 'model' else value}"


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
    t, epoch, best = (
        operator.index(n) for n in (_t(header), header["epoch"], header["best_epoch"])
    )
    epochs = [row["epoch"] for row in header["history"]]
    if epoch != len(epochs) or epochs != list(range(1, epoch + 1)):
        raise ValueError(f"the history does not have a row for each of {epoch} epochs")
    steps = epoch * trainer.objective.n_batches
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
    return weights | best | state_of(trainer.optimizer, trainer.model)


def describe(trainer):
    """{name: value}: what must be the same when training is resumed."""
    train = trainer.objective.train
    pairs = {"users": train.users, "items": train.items}
    if trainer.validation is not None:
        pairs |= {"held out": trainer.validation.items, "against": trainer.validation.candidates}
    return {
        "model": type(trainer.model).__name__,
        "parameters": [list(W.shape) for _, W, _ in trainer.model.parameters()],
        "dtype": str(trainer.best_weights[0].dtype),
        "optimizer": type(trainer.optimizer).__name__,
        **{name: value for name, value in trainer.optimizer_settings.items() if name != "t"},
        **trainer.objective.describe(),
        "data of sha256": digest(pairs).hex(),
    }


def _names_of_state(arrays):
    """The names of the optimizer's arrays among all of a checkpoint."""
    return [name for name in arrays if not name.startswith(("weights.", "best."))]


def _of_optimizer(header):
    """The optimizer's settings at the end of the epoch; before version 0.2 a file had t alone."""
    return header["optimizer"] if "optimizer" in header else {"t": header["t"]}


def _t(header):
    """How many steps the optimizer took, 0 if it does not count them."""
    return _of_optimizer(header).get("t", 0)
