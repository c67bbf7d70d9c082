"""What a request asks for: a model, a loss, an optimizer and a batch, all from plain JSON."""

from __future__ import annotations

import functools
import numbers
from dataclasses import dataclass

import numpy as np

from ...core.build import MODELS
from ...data.interactions import Interactions
from ..stepper.batch import (
    LOSSES,
    OPTIMIZERS,
    RATES,
    Batch,
    build_model,
    choose_batch,
    pair_up,
)

STD_OF_BIASES = 0.1
LISTENERS = (
    *("Ada", "Bo", "Chae", "Dora", "Emil", "Farah"),
    *("Goran", "Hana", "Igor", "Juno", "Kofi", "Lena"),
)
BANDS = (
    *("Drowsy Teapots", "Booming Herons", "Nimble Ottomans", "Frantic Gherkins"),
    *("Velvety Drizzles", "Growling Whisks", "Feathery Puffins", "Rattling Doormats"),
    *("Lukewarm Bonnets", "Ponderous Ladles", "Skittish Marrows", "Galloping Turnips"),
    *("Woolly Fogbanks", "Thundering Galoshes", "Whispering Lapwings", "Clattering Isotherms"),
)
SHARE = 0.4  # of all pairs that are plays
MOST = {"factors": 16, "width": 64, "layers": 5, "pairs": 24}  # what a page can show
DEFAULTS = {
    "model": "neumf",
    "loss": "logits",
    "optimizer": "adam",
    "rate": None,
    "seed": 0,
    "factors": 4,
    "layers": [8, 6, 4],
    "size": 6,
    "users": None,
    "items": None,
    "labels": None,
    "weights": {},
    "replaces": None,  # the class that a layer of the learner's own stands for (prepare.py)
}


@dataclass
class Step:
    """All that one training step needs."""

    model: object
    loss: object
    optimizer: object
    batch: Batch

    @property
    def arguments(self):
        return self.batch.users, self.batch.items, self.batch.labels


@functools.cache
def plays():
    """Twelve listeners and sixteen bands: small enough to be seen whole."""
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((len(LISTENERS), len(BANDS))) < SHARE)
    names = np.array(BANDS, object)
    ids = np.array(LISTENERS), np.arange(len(BANDS))
    return Interactions(users, items, *ids, item_names=names, source="a small synthetic data set")


def build_step(request):
    """The `Step` of a request. ValueError that names the setting, what it is and what it may be."""
    unknown = sorted(set(request) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"no setting {unknown[0]!r}; there are {', '.join(DEFAULTS)}")
    asked = {**DEFAULTS, **request}
    choose("model", asked["model"], MODELS)
    choose("loss", asked["loss"], LOSSES)
    choose("optimizer", asked["optimizer"], OPTIMIZERS)
    rate = RATES[asked["optimizer"]] if asked["rate"] is None else asked["rate"]
    if not is_number(rate) or not 0 <= rate <= 1e6:
        raise ValueError(f"rate must be a number from 0 to 1,000,000, got {rate!r}")
    check_whole("seed", asked["seed"], 0, 2**32 - 1)
    check_whole("factors", asked["factors"], 1, MOST["factors"])
    check_layers(asked["layers"])
    batch = build_batch(asked)
    rng = np.random.default_rng(asked["seed"])
    choose_batch(plays(), rng)  # so that the weights are those of `step` with this seed
    model = build_model(asked["model"], plays(), rng, asked["factors"], tuple(asked["layers"]))
    draw_biases(model, np.random.default_rng([asked["seed"], 1]))
    set_weights(model, asked["weights"])
    optimizer = OPTIMIZERS[asked["optimizer"]](float(rate))
    return Step(model, LOSSES[asked["loss"]](), optimizer, batch)


def build_batch(asked):
    """The batch that `step` takes with this seed, but for the ids and labels that are given."""
    check_whole("size", asked["size"], 3, MOST["pairs"])
    rng = np.random.default_rng(asked["seed"])
    chosen = choose_batch(plays(), rng, asked["size"])
    if asked["loss"] == "bpr":
        chosen = pair_up(chosen, rng)
    users = column("users", asked["users"], chosen.users, plays().n_users)
    items = column("items", asked["items"], chosen.items, plays().n_items)
    labels = column("labels", asked["labels"], chosen.labels)
    if not len(users) == len(items) == len(labels):
        lengths = f"{len(users)}, {len(items)} and {len(labels)}"
        raise ValueError(f"users, items and labels must be equally many, got {lengths}")
    return Batch(plays(), users, items, labels)


def column(name, given, chosen, n_rows=None):
    """A column of the batch: row numbers below n_rows, or labels in [0, 1]."""
    if given is None:
        return chosen
    if not isinstance(given, list) or not 1 <= len(given) <= MOST["pairs"]:
        raise ValueError(f"{name} must be a list of 1 to {MOST['pairs']} numbers, got {given!r}")
    for place, value in enumerate(given):
        if n_rows is not None:
            check_whole(f"{name}[{place}]", value, 0, n_rows - 1)
        elif not is_number(value) or not 0 <= value <= 1:
            raise ValueError(f"{name}[{place}] must be a number from 0 to 1, got {value!r}")
    return np.array(given, np.intp if n_rows is not None else np.float64)


def draw_biases(model, rng):
    """Biases that are not 0, as they are before training: a forgotten one would not be seen."""
    for name, b, _ in model.parameters():
        if name.endswith(".b"):
            b[:] = rng.normal(0.0, STD_OF_BIASES, b.shape)


def set_weights(model, weights):
    """Write {"output.b": [0.1], "user_embedding.W": {"391": [...]}} into a model.

    Of a table single rows can be given; of any array all of it.
    """
    arrays = {name: W for name, W, _ in model.parameters()}
    if not isinstance(weights, dict):
        raise ValueError(f"weights must be an object of arrays by name, got {weights!r}")
    for name, given in weights.items():
        choose("weights", name, arrays)
        W = arrays[name]
        rows = given.items() if isinstance(given, dict) else [(None, given)]
        for row, values in rows:
            target = W if row is None else W[row_number(name, row, len(W))]
            target[...] = array_like(name, values, target.shape)


def row_number(name, row, n_rows):
    if not str(row).isdecimal() or int(row) >= n_rows:
        raise ValueError(f"weights of {name}: row {row!r} is not in [0, {n_rows})")
    return int(row)


def array_like(name, values, shape):
    try:
        array = np.array(values, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"weights of {name} must be numbers") from None
    if array.shape != shape or not (np.abs(array) <= 1e6).all():
        raise ValueError(
            f"weights of {name} must be numbers up to 1,000,000 of shape {shape}, got {array.shape}"
        )
    return array


def choose(name, value, known):
    if value not in list(known):
        raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}")


def check_whole(name, value, low, high):
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low} to {high}, got {value!r}")


def check_layers(layers):
    if not isinstance(layers, list) or not 1 <= len(layers) <= MOST["layers"]:
        raise ValueError(f"layers must be a list of 1 to {MOST['layers']} widths, got {layers!r}")
    for place, width in enumerate(layers):
        check_whole(f"layers[{place}]", width, 1, MOST["width"])
    if layers[0] % 2:
        raise ValueError(f"layers[0] is split between user and item: must be even, got {layers[0]}")


def is_number(value):
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and value == value
