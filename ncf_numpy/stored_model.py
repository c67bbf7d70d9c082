"""What of a fitted model and its ids goes into a saved file, and how it comes back out.

`safe_file` knows how to write arrays safely; this file knows which arrays a model is.
"""

import numpy as np
import pandas as pd

from .baselines import ItemKNN
from .models import Model
from .safe_file import pack, unpack


def state_of(model):
    """{name: array}: all that a fitted model has learned."""
    if isinstance(model, Model):
        return {name: W for name, W, _ in model.parameters()}
    learned = ("nearest", "similarities") if isinstance(model, ItemKNN) else ("n_i",)
    return {name: getattr(model, name) for name in learned}


def restore(model, data, state):
    """Make a new model what the one of `state_of` was."""
    if isinstance(model, Model):
        for name, W, _ in model.parameters():
            W[...] = state[name]
        return
    model.n_users, model.n_items = data.n_users, data.n_items
    for name in state_of(model):
        setattr(model, name, state[name])
    if isinstance(model, ItemKNN):
        model.items_of = np.split(data.items, data.offsets[1:-1])


def pack_ids(what, ids):
    """Integers as 64 bits, text as the bytes of `pack`: their dtypes tell them apart."""
    kind = pd.api.types.infer_dtype(ids)
    if kind == "string":
        return pack(ids.tolist())
    if kind == "integer":
        return ids.astype(np.uint64 if ids.dtype == np.uint64 else np.int64)
    raise TypeError(f"{what} ids must be all integers or all text to be saved, got {kind}")


def unpack_ids(packed):
    return packed if packed.dtype != np.uint8 else np.array(unpack(packed), object)
