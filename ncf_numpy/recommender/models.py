"""Every model that a `Recommender` can have: those with gradients, and the baselines.

A model is listed in the table of its room, `core/build.py` or `evaluation/build.py`, and here they
are joined; a line that is added to one of them is seen at once.
"""

from collections import ChainMap

from ..core.build import MODELS as NEURAL
from ..evaluation.build import BASELINES

MODELS = ChainMap(BASELINES, NEURAL)  # in the order of a ChainMap the last map comes first


def build(settings, n_users, n_items, rng):
    """The model that a recommender's settings describe, not trained yet."""
    return MODELS[settings["model"]](n_users, n_items, settings, rng)


def has_epochs(name):
    """Whether the model of this name is trained epoch by epoch; a baseline is not."""
    return name not in BASELINES
