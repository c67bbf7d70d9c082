"""Every model that a `Recommender` can have, those with gradients and the baselines; their options.

A model is listed in the table of its room, `core/build.py` or `evaluation/build.py`, and here they
are joined; a line that is added to one of them is seen at once. A model may come twice, once for
each objective it is trained by: "mf" by the logistic loss, "bpr" by pairs.
"""

from collections import ChainMap

from ..core.build import MODELS as NEURAL
from ..core.build import OPTIONS as NEURAL_OPTIONS
from ..core.checks import (
    check_positive,
    check_rate,
    check_share,
    check_sizes,
    check_switch,
    check_widths,
)
from ..evaluation.build import BASELINES
from ..evaluation.build import OPTIONS as BASELINE_OPTIONS
from ..training.objectives import Pairwise, Pointwise

PAIRWISE = {"bpr": NEURAL["mf"]}  # trained by pairs of a positive and a negative
MODELS = ChainMap(BASELINES, PAIRWISE, NEURAL)  # in this order the last map comes first
PAPER = "paper"  # the word for the paper's settings, with nothing held out

SHARED = {  # options of models with gradients, and the default; None follows the data
    "factors": 8,
    "layers": (64, 32, 16, 8),
    "training": None,
    "epochs": None,
    "batch_size": None,
    "negatives": 4,
    "lr": 1e-3,
    "patience": None,
}
WITHOUT = {"mf": "layers", "bpr": "layers", "gmf": "layers", "mlp": "factors"}


def build(settings, n_users, n_items, rng):
    """The model that a recommender's settings describe, not trained yet."""
    return MODELS[settings["model"]](n_users, n_items, settings, rng)


def has_epochs(name):
    """Whether the model of this name is trained epoch by epoch; a baseline is not."""
    return name not in BASELINES


def objective_of(name):
    """What the model of this name is trained on, for a `Trainer`."""
    return Pairwise if name in PAIRWISE else Pointwise


def options_of(model):
    """{option: its default} of a model: all that it takes but the seed, which every one takes."""
    if model in BASELINES:
        return BASELINE_OPTIONS.get(model, {})
    shared = {name: default for name, default in SHARED.items() if name != WITHOUT.get(model)}
    return shared | NEURAL_OPTIONS.get(model, {})


def owners(option):
    """The models that take an option."""
    return [model for model in MODELS if option in options_of(model)]


def check_taken(option, models, given):
    """Raise ValueError unless one of these models takes the option, which else would do nothing.

    given: the option with its value, as its user wrote it.
    """
    if not set(owners(option)) & set(models):
        takes = [f"{each} takes {'=, '.join([*options_of(each), 'seed'])}=" for each in models]
        raise ValueError(
            f"{option} is an option of {', '.join(owners(option))}, not of {' or '.join(models)}: "
            f"leave out {given}; {'; '.join(takes)}"
        )


def make_settings(model, given):
    """{option: value} of a model: what is given, {name: value or None}, and else the defaults.

    ValueError for a value that cannot be, and for an option that the model does not take.
    """
    given = {name: value for name, value in given.items() if value is not None}
    values = options_of(model) | given
    settings = {name: v if v is None else checked_value(name, v) for name, v in values.items()}
    for name, value in given.items():
        check_taken(name, [model], f"{name}={value!r}")
    return settings


def checked_value(name, value):
    """The value of an option as settings hold it, in types that JSON knows; ValueError."""
    return CHECKS.get(name, check_size)(name, value)


def check_size(name, value):
    """Return value as a Python int from 1 to 2**31, or raise ValueError."""
    check_sizes(**{name: value})
    return int(value)


def check_training(name, value):
    """Return value, or raise ValueError: there is one word."""
    if value != PAPER:
        raise ValueError(f"{name} must be None or {PAPER!r}, got {value!r}")
    return value


CHECKS = {  # of all that are no sizes
    "layers": lambda name, value: list(check_widths(value)),
    "training": check_training,
    "use_counts": check_switch,
    "branch_weight": check_share,
    "lr": check_positive,
    **dict.fromkeys(("shrink", "l2", "regularisation", "weight"), check_rate),
}
