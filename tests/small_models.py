"""Small models over the table of models, so that a new one inherits the tests; and six pairs."""

import functools

import numpy as np

from ncf_numpy.core.build import MODELS
from ncf_numpy.recommender.models import options_of

USERS = np.array([3, 1, 3, 0, 2, 1])  # (B,) 1 and 3 twice
ITEMS = np.array([2, 5, 2, 1, 5, 0])  # (B,) 2 and 5 twice; (3, 2) is the same pair twice
LABELS = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])  # (B,)


def with_variants(n_users=7, n_items=9, *, factors=4, layers=(8, 6, 4), **how):
    """`builders`, and besides an MLP without a tower and a NeuMF whose branches have weights."""
    weighted = {"factors": factors, "layers": layers, "branch_weight": 0.3}
    return builders(n_users, n_items, factors=factors, layers=layers, **how) | {
        "mlp without a hidden layer": functools.partial(
            MODELS["mlp"], n_users, n_items, {"layers": layers[:1]}, **how
        ),
        "neumf, alpha .3": functools.partial(MODELS["neumf"], n_users, n_items, weighted, **how),
    }


def builders(n_users=7, n_items=9, *, factors=4, layers=(8, 6, 4), **how):
    """{name: build(rng, dtype=...) -> model} for every model there is."""
    settings = {"factors": factors, "layers": layers}
    return {
        name: functools.partial(build, n_users, n_items, settings, **how)
        for name, build in MODELS.items()
    }


def taken_by(model, **options):
    """Those of some options of a `Recommender` that a model takes; the others it would refuse."""
    return {name: options[name] for name in options if name in [*options_of(model), "seed"]}
