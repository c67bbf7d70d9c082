"""Why this item? What each part of a model adds to the logit.

The last layer is a weighted sum, so the logit comes apart exactly: the terms of the GMF branch, the
terms of the MLP branch, the bias. Which of the user's own items are behind it, the model does not
say; the nearest of them by their vectors is the usual answer, and a plausible story, not a proof.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..core.models import GMF, MF, MLP, NeuMF
from ..data.terminal import printable
from ..evaluation.baseline import Baseline
from ..evaluation.catalogue import with_own_memory

if TYPE_CHECKING:
    import pandas as pd

    from ..core.types import RawId


@dataclass(frozen=True)
class Explanation:
    """Why a user gets an item; str(explanation) says it in lines.

    Attributes
    ----------
    item : raw id
    name : str
    score : float
        As `recommend` shows it: a probability, or a baseline's own score.
    logit : float
        What the contributions add up to; a baseline's score once more.
    contributions : {str: float}
        Part of the model -> what it adds.
    nearest : DataFrame
        Columns item, name, similarity: of their own items.
    """

    item: RawId
    name: str
    score: float
    logit: float
    contributions: dict[str, float]
    nearest: pd.DataFrame = field(repr=False)

    def __str__(self):
        parts = [f"  {value:+8.3f}  {part}" for part, value in self.contributions.items()]
        near = self.nearest[["name", "similarity"]].values
        own = ", ".join(f"{printable(name)} ({s:.2f})" for name, s in near)
        title = f"{printable(self.name)}: score {self.score:.3f}"
        lines = [title, *parts, f"  {self.logit:+8.3f}  in all"]
        return "\n".join([*lines, f"  near to: {own or 'nothing they have'}"])


def contributions(model, user, item):
    """{part of the model: what it adds to the logit of (user, item)}; indices, not raw ids.

    ValueError for a model whose parts are not defined here.
    """
    if isinstance(model, Baseline):
        return model.contributions(user, item)
    if type(model) not in PARTS:
        name, known = type(model).__name__, ", ".join(kind.__name__ for kind in PARTS)
        raise ValueError(f"explain has no parts for {name}, only for baselines and {known}")
    model = with_own_memory(model)  # others may be predicting with it
    model.forward(np.array([user]), np.array([item]))
    parts = {**PARTS[type(model)](model), "bias": model.output.b[0]}
    return {part: float(value) for part, value in parts.items()}


def parts_of_mf(model):
    b_u, b_i = model.user_embedding.y[0, -1], model.item_embedding.y[0, -1]
    return {"inner product": model.p[0] @ model.q[0], "user bias": b_u, "item bias": b_i}


def parts_of_one_branch(model):
    return {type(model).__name__: terms(model).sum()}


def parts_of_neumf(model):
    K = model.n_factors
    return {"GMF": terms(model)[:K].sum(), "MLP": terms(model)[K:].sum()}


def terms(model):
    """(n_phi,) what the last layer has added up for the one pair of the latest forward."""
    return model.output.x[0] * model.output.W[:, 0]


PARTS = {MF: parts_of_mf, GMF: parts_of_one_branch, MLP: parts_of_one_branch, NeuMF: parts_of_neumf}
