"""What of a fitted model and its data goes into a saved file, and how it comes back out.

`safe_file` knows how to read and write arrays safely; this file knows which arrays a model is. A
file whose sha256 is right may still have been written by anybody, so all that is read is checked
before it is used: names, dtypes, shapes, and that numbers are finite and indices in range.
"""

import itertools

import numpy as np
import pandas as pd

from ..core.models import Model
from ..data.interactions import Interactions
from ..evaluation.baselines import ItemKNN
from ..safe_file import pack, unpack

TOWERS = "mlp", "neumf"  # the models with dense layers before the output


def state_of(model):
    """{name: array}: all that a fitted model has learned."""
    if isinstance(model, Model):
        return {name: W for name, W, _ in model.parameters()}
    learned = ("nearest", "similarities") if isinstance(model, ItemKNN) else ("n_i",)
    return {name: getattr(model, name) for name in learned}


def layout(settings, n_users, n_items):
    """{name: (shape, dtype)} of what `state_of` gives for a Recommender's model of these settings.

    Known before the model is built: settings that ask for more memory than a file holds are found
    out without asking for it.
    """
    kind, K, widths = settings["model"], settings["factors"], settings["layers"]
    if kind == "popularity":
        return {"n_i": ((n_items,), np.float64)}
    if kind == "itemknn":
        shape = n_items, min(settings["neighbours"], n_items)
        return {"nearest": (shape, np.intp), "similarities": (shape, np.float32)}
    if kind not in TOWERS:
        widths = []
    D, L = (widths[0] // 2, widths[-1]) if widths else (0, 0)
    K = {"mlp": 0, "mf": K + 1}.get(kind, K)
    shapes = {"user_embedding.W": (n_users, K + D), "item_embedding.W": (n_items, K + D)}
    for number, (n_in, n_out) in enumerate(itertools.pairwise(widths), start=1):
        shapes |= {f"dense{number}.W": (n_in, n_out), f"dense{number}.b": (n_out,)}
    if kind != "mf":
        shapes["output.W"] = K + L, 1
    shapes["output.b"] = (1,)
    return {name: (shape, np.float32) for name, shape in shapes.items()}


def check_arrays(arrays, expected):
    """Raise ValueError unless arrays are {name: (shape, dtype)} as expected, and all finite."""
    for name in {**expected, **arrays}:
        if name not in arrays:
            raise ValueError(f"{name} is missing")
        if name not in expected:
            raise ValueError(f"{name} does not belong there")
        array, (shape, dtype) = arrays[name], expected[name]
        if array.shape != shape or array.dtype != dtype:
            raise ValueError(
                f"{name} is {array.dtype} of shape {array.shape}, expected {np.dtype(dtype)} of "
                f"shape {shape}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinite numbers")


def check_state(state, settings, data):
    """Raise ValueError unless state is all that a model of these settings and data has learned."""
    n_tower, n_dense = len(settings["layers"]) - 1, sum(name.startswith("dense") for name in state)
    if settings["model"] in TOWERS and n_dense != 2 * n_tower:
        raise ValueError(f"{n_dense} arrays of dense layers, expected those of {n_tower} layers")
    check_arrays(state, layout(settings, data.n_users, data.n_items))


def check_history(rows):
    """Raise ValueError unless rows are a history, a list of dicts with the same names each."""
    numbers = (bool, int, float)
    if not isinstance(rows, list) or not all(
        isinstance(row, dict)
        and row.keys() == rows[0].keys()
        and all(isinstance(value, numbers) for value in row.values())
        for row in rows
    ):
        raise ValueError("the history is no list of rows of numbers")


def restore(model, data, state):
    """Make a new model what the one of `state_of` was; state is as `layout` says."""
    if isinstance(model, Model):
        for name, W, _ in model.parameters():
            W[...] = state[name]
        return
    model.n_users, model.n_items = data.n_users, data.n_items
    for name in state_of(model):
        setattr(model, name, state[name])
    if isinstance(model, ItemKNN):
        if not ((model.nearest >= 0) & (model.nearest < data.n_items)).all():
            raise ValueError(f"nearest names items outside 0..{data.n_items - 1}")
        model.items_of = np.split(data.items, data.offsets[1:-1])


def pack_data(data):
    """{name: array}: ids, names and who has what."""
    arrays = {
        "user_ids": _pack_ids("user", data.user_ids),
        "item_ids": _pack_ids("item", data.item_ids),
        "offsets": data.offsets,
        "items": data.items.astype(np.int32),
    }
    if data.item_names is not None:
        arrays["item_names"] = pack([str(name) for name in data.item_names])
    return arrays


def unpack_data(arrays, source):
    """The Interactions of `pack_data`; takes its arrays out of `arrays`."""
    offsets, items = arrays.pop("offsets"), arrays.pop("items")
    check_arrays({"items": items}, {"items": ((len(items),), np.int32)})
    check_arrays({"offsets": offsets}, {"offsets": ((len(offsets),), np.intp)})
    within = ((offsets >= 0) & (offsets <= len(items))).all()
    if not within or offsets[0] != 0 or offsets[-1] != len(items):
        raise ValueError(f"offsets do not cut {len(items):,} items into users")
    if not isinstance(source, str):
        raise ValueError(f"the source is {source!r}, expected text")
    names = arrays.pop("item_names", None)
    return Interactions(
        users=np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)),
        items=items,
        user_ids=_unpack_ids(arrays.pop("user_ids")),
        item_ids=_unpack_ids(arrays.pop("item_ids")),
        item_names=None if names is None else _unpack_texts(names),
        source=source,
    )


def _pack_ids(what, ids):
    """Integers as 64 bits, text as the bytes of `pack`: their dtypes tell them apart."""
    kind = pd.api.types.infer_dtype(ids)
    if kind == "string":
        return pack(ids.tolist())
    if kind == "integer":
        return ids.astype(np.uint64 if ids.dtype == np.uint64 else np.int64)
    raise TypeError(f"{what} ids must be all integers or all text to be saved, got {kind}")


def _unpack_ids(packed):
    if packed.dtype in (np.int64, np.uint64):
        return packed
    return np.array(_unpack_texts(packed), object)


def _unpack_texts(packed):
    texts = unpack(packed)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("ids and names that are no numbers must be a list of texts")
    return texts
