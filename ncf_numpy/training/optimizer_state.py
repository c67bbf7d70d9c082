"""What an optimizer remembers, read off its attributes: a new optimizer adds nothing here.

    an array, or a dictionary {name: array}      state: saved, and restored bit for bit
    a number, a flag, a text or None             a setting: training is resumed only with the same;
                                                 one that training changes, such as t, is restored
    anything else                                refused, for it would be lost without a word

An optimizer that keeps its arrays elsewhere, as RowAdam does, has two methods of its own for this,
`settings() -> {name: value}` and `state(model) -> {name: array}`.
"""

import math

import numpy as np

from ..core.checks import check_rate

PLAIN = (bool, int, float, str, type(None))


def settings_of(optimizer):
    """{name: value} of all plain attributes, the NumPy scalars as Python's."""
    if hasattr(optimizer, "settings"):
        return optimizer.settings()
    plain = {name: as_plain(value) for name, value in vars(optimizer).items()}
    return {name: value for name, value in plain.items() if isinstance(value, PLAIN)}


def state_of(optimizer, model):
    """{name: array}; an array in a dictionary is called `attribute.key`.

    TypeError for an attribute that is neither state nor a setting.
    """
    if hasattr(optimizer, "state"):
        return optimizer.state(model)
    state = {}
    for name, value in vars(optimizer).items():
        arrays = {name: value}
        if isinstance(value, dict):
            arrays = {f"{name}.{key}": array for key, array in value.items()}
        if all(isinstance(array, np.ndarray) for array in arrays.values()):
            state |= arrays
        elif not isinstance(as_plain(value), PLAIN):
            raise TypeError(
                f"{type(optimizer).__name__}.{name} is a {type(value).__name__}: a checkpoint "
                "keeps an optimizer's arrays, dictionaries of arrays, numbers and texts only"
            )
    return state


def make_room(optimizer, model, names):
    """Give an optimizer that has not stepped yet an array for each of these names of its state.

    ValueError for a name that is none of its attributes, or of no parameter.
    """
    missing = [name for name in names if name not in state_of(optimizer, model)]
    weights, room = {name: W for name, W, _ in model.parameters()}, []
    for name in missing:
        attribute, _, key = name.partition(".")
        held = vars(optimizer).get(attribute)
        if not isinstance(held, dict) or key not in weights:
            raise ValueError(f"{name} does not belong there")
        room.append((held, key))
    for held, key in room:
        held[key] = np.zeros_like(weights[key])
    return room


def changes(optimizer, settings):
    """{name: value} of the settings that are not the optimizer's; ValueError for unknown ones."""
    now = settings_of(optimizer)
    for name, value in settings.items():
        is_number = isinstance(value, PLAIN) and not isinstance(value, str)
        if name not in now or not (value == now[name] or is_number and math.isfinite(value)):
            raise ValueError(f"{name} {value!r} is not a setting of {type(optimizer).__name__}")
        if name == "lr":
            check_rate(name, value)
    return {name: value for name, value in settings.items() if value != now[name]}


def as_plain(value):
    return value.item() if isinstance(value, np.generic) else value
