"""Small models over the table of models, so that a new one inherits the tests; and six pairs."""

import functools

import numpy as np

from ncf_numpy.core.build import MODELS

USERS = np.array([3, 1, 3, 0, 2, 1])  # (B,) 1 and 3 twice
ITEMS = np.array([2, 5, 2, 1, 5, 0])  # (B,) 2 and 5 twice; (3, 2) is the same pair twice
LABELS = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])  # (B,)


def builders(n_users=7, n_items=9, *, factors=4, layers=(8, 6, 4), **how):
    """{name: build(rng, dtype=...) -> model} for every model there is."""
    settings = {"factors": factors, "layers": layers}
    return {
        name: functools.partial(build, n_users, n_items, settings, **how)
        for name, build in MODELS.items()
    }
