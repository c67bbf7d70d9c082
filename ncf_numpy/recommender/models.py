"""Every model that a `Recommender` can have: those with gradients, and the baselines.

A model is listed in the table of its room, `core/build.py` or `evaluation/build.py`, and here they
are joined; a line that is added to one of them is seen at once. A model may come twice, once for
each objective it is trained by: "mf" by the logistic loss, "bpr" by pairs.
"""

from collections import ChainMap

from ..core.build import MODELS as NEURAL
from ..core.build import OPTIONS as NEURAL_OPTIONS
from ..core.checks import check_rate, check_share, check_sizes
from ..evaluation.build import BASELINES
from ..evaluation.build import OPTIONS as BASELINE_OPTIONS
from ..training.objectives import Pairwise, Pointwise

PAIRWISE = {"bpr": NEURAL["mf"]}  # trained by pairs of a positive and a negative
MODELS = ChainMap(BASELINES, PAIRWISE, NEURAL)  # in this order the last map comes first
OPTIONS = BASELINE_OPTIONS | NEURAL_OPTIONS  # model -> the options that it alone has
OWN = {name: model for model, options in OPTIONS.items() for name in options}  # option -> its model
DEFAULT_FACTORS = {"ials": 64}  # all others have 8


def build(settings, n_users, n_items, rng):
    """The model that a recommender's settings describe, not trained yet."""
    return MODELS[settings["model"]](n_users, n_items, settings, rng)


def has_epochs(name):
    """Whether the model of this name is trained epoch by epoch; a baseline is not."""
    return name not in BASELINES


def objective_of(name):
    """What the model of this name is trained on, for a `Trainer`."""
    return Pairwise if name in PAIRWISE else Pointwise


def has_option(model, name):
    """Whether a model has this option: those that belong to one model, no other has."""
    return OWN.get(name, model) == model


def own_options(model, given):
    """The options that this model alone has: {name: value}, the default where none is given.

    given: {name: value or None}. ValueError for a value that cannot be, and for an option of
    another model, which would do nothing.
    """
    values = {}
    for name, value in given.items():
        default = OPTIONS[OWN[name]][name]
        value = default if value is None else value
        values[name] = CHECKS[type(default)](name, value)
        if given[name] is not None and not has_option(model, name):
            raise ValueError(f"{name} is an option of {OWN[name]}, not of {model}: leave it out")
    return {name: value for name, value in values.items() if has_option(model, name)}


def check_size(name, value):
    """Return value as a Python int from 1 to 2**31, or raise ValueError."""
    check_sizes(**{name: value})
    return int(value)


CHECKS = {int: check_size, float: check_rate, type(None): check_share}  # by the default's type
