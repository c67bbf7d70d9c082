"""What of a fitted model and its data goes into a saved file, and how it comes back out.

`safe_file` knows how to read and write arrays safely; this file knows which arrays a model is. A
file whose sha256 is right may still have been written by anyone, so all that is read is checked
before it is used: names, dtypes, shapes, and that numbers are finite and indices in range.
"""

import itertools

import numpy as np

from ..data.interactions import Interactions
from ..evaluation.baseline import Baseline
from ..safe_file import check_arrays, pack, unpack
from .models import build, has_epochs


def state_of(model):
    """{name: array}: all that a fitted model has learned."""
    if isinstance(model, Baseline):
        return {name: getattr(model, name) for name in model.learned}
    return {name: W for name, W, _ in model.parameters()}


class Bounded(dict):
    """Settings of a saved file: sizes for which the file is too small are refused when used.

    A model built from them asks for no more memory than the file justifies: no
    width is longer than the longest axis of the arrays, no two neighbouring widths span a matrix
    larger than the largest array, and no tower has more layers than there are arrays.
    """

    def __init__(self, settings, arrays):
        super().__init__(settings)
        self.longest = max((n for array in arrays for n in array.shape), default=0)
        self.largest = max((array.size for array in arrays), default=0)
        self.n_arrays = len(arrays)

    def __getitem__(self, name):
        value = super().__getitem__(name)
        widths = [n for n in (value if isinstance(value, list) else [value]) if type(n) is int]
        spans = [a * b for a, b in itertools.pairwise(widths)]
        too_wide = max([0, *widths]) > self.longest or max([0, *spans]) > self.largest
        if too_wide or len(spans) > self.n_arrays:
            raise ValueError(
                f"{name} has {len(widths)} sizes up to {max(widths)}, too many or too large for "
                f"{self.n_arrays} arrays, the largest of {self.largest:,} numbers"
            )
        return value


def layout(settings, n_users, n_items):
    """{name: (shape, dtype)} of what `state_of` gives for a recommender's model of these settings.

    The shapes are those of a model of one user and one item, with more rows in the two tables.
    """
    one = build(settings, 1, 1, np.random.default_rng(0))
    if not has_epochs(settings["model"]):
        return one.shapes(n_users, n_items)
    rows = {name: n for name, _, n in one.lookups(n_users, n_items)}
    return {
        name: ((rows.get(name, len(W)), *W.shape[1:]), W.dtype) for name, W, _ in one.parameters()
    }


def check_state(state, settings, data):
    """Raise ValueError unless state is all that a model of these settings and data has learned."""
    bounded = Bounded(settings, list(state.values())) if has_epochs(settings["model"]) else settings
    check_arrays(state, layout(bounded, data.n_users, data.n_items))


def restore(model, data, state):
    """Make a new model what the one of `state_of` was; state is as `layout` says."""
    if isinstance(model, Baseline):
        model.restore(data, state)
        return
    for name, W, _ in model.parameters():
        W[...] = state[name]


def pack_data(data, *, counts=False):
    """{name: array}: ids, names and interactions; counts: and how often."""
    arrays = {
        "user_ids": _pack_ids(data.user_ids),
        "item_ids": _pack_ids(data.item_ids),
        "offsets": data.offsets,
        "items": data.items.astype(np.int32),
    }
    if data.item_names is not None:
        arrays["item_names"] = pack([str(name) for name in data.item_names])
    if counts:
        arrays["counts"] = data.counts
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
    names, counts = arrays.pop("item_names", None), arrays.pop("counts", None)
    if counts is not None:
        check_arrays({"counts": counts}, {"counts": ((len(items),), np.float64)})
    return Interactions(
        users=np.repeat(np.arange(len(offsets) - 1), np.diff(offsets)),
        items=items,
        user_ids=_unpack_ids(arrays.pop("user_ids")),
        item_ids=_unpack_ids(arrays.pop("item_ids")),
        counts=counts,
        item_names=None if names is None else _unpack_texts(names),
        source=source,
    )


def _pack_ids(ids):
    """Integers as 64 bits, text as the bytes of `pack`: their dtypes tell them apart."""
    if ids.dtype.kind in "iu":
        return ids.astype(np.uint64 if ids.dtype == np.uint64 else np.int64)
    return pack(ids.tolist())


def _unpack_ids(packed):
    if packed.dtype in (np.int64, np.uint64):
        return packed
    return np.array(_unpack_texts(packed), object)


def _unpack_texts(packed):
    texts = unpack(packed)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("ids and names that are not numbers must be a list of texts")
    return texts
