"""A model as a plain torch.nn.Module, and back, bit-for-bit identical.

    module = to_torch(model)        # train it on: on a GPU, with many processes
    model = from_torch(module)      # evaluate, recommend, save: all that is in this package

The weights are copied both ways. torch is imported when one of the two is called, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.layers import Dense
from ..core.models import GMF, MF, MLP, NeuMF
from ..recommender.recommender import Recommender
from ..training.row_adam import BEHIND

if TYPE_CHECKING:
    import torch

KINDS = {kind.__name__: kind for kind in (MF, GMF, MLP, NeuMF)}


def to_torch(model: MF | GMF | MLP | NeuMF | Recommender) -> torch.nn.Module:
    """A model as a module of to_torch/models.py: forward(users (B,), items (B,)) -> logits (B,).

    Logits and gradients are equal to rounding. The module is on the CPU and shares no memory with
    the model. An optimizer's moments are not carried across.

    Parameters
    ----------
    model : MF, GMF, MLP or NeuMF, or a fitted `Recommender` that has one
        In float32 or float64.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    ImportError
        Without PyTorch.
    TypeError
        For what has no such weights: a baseline, say.
    RuntimeError
        While a `RowAdam` has pending updates of the model's rows: flush it first.
    """
    torch, _ = import_torch()
    fitted = isinstance(model, Recommender)
    if fitted:
        model = model._known().model
    kind = type(model).__name__
    if type(model) is not KINDS.get(kind):
        raise TypeError(
            f"to_torch has no module for {kind}, only for {', '.join(KINDS)} and a Recommender of "
            "these"
        )
    if not fitted:  # a recommender stands at an epoch's end, even where Ctrl-C broke the next off
        check_current(model)
    state = {name: torch.tensor(np.ascontiguousarray(W)) for name, W in weights(model).items()}
    module = empty_module(model, state)
    module.load_state_dict(state, assign=True)
    return module


def from_torch(module: torch.nn.Module) -> MF | GMF | MLP | NeuMF:
    """The model that a module made by `to_torch`, and perhaps trained since, now is.

    Parameters
    ----------
    module : torch.nn.Module
        On any device, float32 or float64; the model has that dtype and, bit for bit, its weights.
        Tables may have been given more rows. Out of a wrapper such as DistributedDataParallel take
        `.module`.

    Returns
    -------
    MF, GMF, MLP or NeuMF

    Raises
    ------
    ImportError
        Without PyTorch.
    TypeError
        For a module of another class.
    ValueError
        For one whose layers are no longer those that `to_torch` made, or of another dtype.
    """
    _, torch_models = import_torch()
    kind = type(module).__name__
    if kind not in KINDS or type(module) is not getattr(torch_models, kind):
        raise TypeError(
            f"from_torch takes an MF, GMF, MLP or NeuMF made by to_torch, got {kind}: out of a "
            "wrapper take the .module; other weights come by to_torch(model).load_state_dict(...)"
        )
    state = {name: W.detach().cpu() for name, W in module.state_dict().items()}
    dtypes = sorted({str(W.dtype).removeprefix("torch.") for W in state.values()})
    if dtypes not in (["float32"], ["float64"]):
        raise ValueError(
            "the module's weights must all be float32 or all float64, got "
            f"{' and '.join(dtypes)}: make them so by module.float()"
        )
    check_anatomy(module, state)
    sizes, unused = arguments(module, state), np.random.default_rng(0)
    model = KINDS[kind](**sizes, rng=unused, dtype=dtypes[0])
    for name, W in weights(model).items():
        W[...] = state[name].numpy()
    return model


def import_torch():
    """torch and torch_models.py, or ImportError with the way out."""
    try:
        import torch
    except ImportError as error:
        raise ImportError("export needs PyTorch: pip install -e '.[torch]'") from error
    from . import models as torch_models

    return torch, torch_models


def check_current(model):
    """Raise if rows of the model have yet to take steps of a RowAdam, which `flush` would take."""
    tables = {name: W for name, W, _ in model.lookups([], [])}
    for reference in BEHIND.copy().values():
        optimizer = reference()
        if optimizer is None:  # it can no longer be flushed
            continue
        its_own = all(optimizer.tables.W.get(name) is W for name, W in tables.items())
        if its_own and not optimizer.lazy and (optimizer.tables.moved != optimizer.t).any():
            raise RuntimeError(
                "rows of this model have yet to take steps of its RowAdam: call optimizer.flush() "
                "before to_torch (`fit` and `Trainer` do at each epoch's end)"
            )


def weights(model):
    """{name in the module: the model's own array, seen as torch has it: a Dense's transposed}."""
    views = {}
    for place, layer in model.layers():
        place = f"tower.{place}" if place.startswith("dense") else place
        for name, W, _ in layer.parameters():
            name = {"W": "weight", "b": "bias"}[name]
            views[f"{place}.{name}"] = W.T if isinstance(layer, Dense) else W
    return views


def arguments(model, state):
    """What a constructor, here or in torch_models.py, needs for a model with these weights."""
    n_users, width = state["user_embedding.weight"].shape
    sizes = {"n_users": n_users, "n_items": len(state["item_embedding.weight"])}
    hidden = [len(W) for name, W in state.items() if name.startswith("tower.") and W.ndim == 2]
    kind = type(model).__name__
    if kind == "MF":
        return sizes | {"n_factors": width - 1}
    if kind == "GMF":
        return sizes | {"n_factors": width}
    if kind == "MLP":
        return sizes | {"layers": (2 * width, *hidden)}
    K, alpha = model.n_factors, model.branch_weight
    return sizes | {"n_factors": K, "layers": (2 * (width - K), *hidden), "branch_weight": alpha}


def empty_module(model, state):
    """A module for these weights, with neither memory nor random numbers for an initialisation."""
    torch, torch_models = import_torch()
    with torch.device("meta"):
        return getattr(torch_models, type(model).__name__)(**arguments(model, state))


def check_anatomy(module, state):
    """Raise unless layers and shapes are those `to_torch` gives a model of these sizes."""
    try:
        expected = anatomy(empty_module(module, state))
    except KeyError as error:
        raise ValueError(f"this {type(module).__name__} has no {error}") from None
    here = anatomy(module)
    for name in {**expected, **here}:
        if here.get(name) != expected.get(name):
            raise ValueError(
                f"{name} is {here.get(name)} where a {type(module).__name__} of to_torch with the "
                f"same other layers has {expected.get(name)}: no model here computes the same"
            )


def anatomy(module):
    """{name: class of a layer or shape of a weight}."""
    layers = {name: type(layer).__name__ for name, layer in module.named_modules()}
    return layers | {name: tuple(W.shape) for name, W in module.state_dict().items()}
