"""Why this item? What each part of a model adds to the logit, and which items are alike.

The last layer is a weighted sum, so the logit comes apart exactly: the terms of the GMF branch, the
terms of the MLP branch, the bias. Which of the user's own items are behind it, the model does not
say; the nearest of them by their vectors is the usual answer, and a plausible story, not a proof.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..core.models import MF, Model, NeuMF
from ..evaluation.baselines import ItemKNN


@dataclass(frozen=True)
class Explanation:
    """Why a user gets an item."""

    item: object  # raw id
    name: str
    score: float  # as `recommend` shows it: a probability, or a baseline's own score
    logit: float  # what the contributions add up to; a baseline's score once more
    contributions: dict  # part of the model -> what it adds
    nearest: pd.DataFrame = field(repr=False)  # item, name, similarity: of the user's own items

    def __str__(self):
        parts = [f"  {value:+8.3f}  {part}" for part, value in self.contributions.items()]
        own = ", ".join(
            f"{name} ({s:.2f})" for name, s in self.nearest[["name", "similarity"]].values
        )
        lines = [f"{self.name}: score {self.score:.3f}", *parts, f"  {self.logit:+8.3f}  in all"]
        return "\n".join([*lines, f"  near to: {own or 'nothing they have'}"])


def contributions(model, user, item):
    """{part of the model: what it adds to the logit of (user, item)}; indices, not raw ids."""
    pair = np.array([user]), np.array([item])
    if not isinstance(model, Model):
        part = "neighbours" if isinstance(model, ItemKNN) else "users who have it"
        return {part: float(model.predict(*pair)[0])}
    model.forward(*pair)
    if isinstance(model, MF):
        b_u, b_i = model.user_embedding.y[0, -1], model.item_embedding.y[0, -1]
        parts = {"inner product": model.p[0] @ model.q[0], "user bias": b_u, "item bias": b_i}
    else:
        terms = model.output.x[0] * model.output.W[:, 0]  # (n_phi,) what the last layer adds up
        parts = {type(model).__name__: terms.sum()}
        if isinstance(model, NeuMF):
            K = model.n_factors
            parts = {"GMF": terms[:K].sum(), "MLP": terms[K:].sum()}
    parts["bias"] = model.output.b[0]
    return {part: float(value) for part, value in parts.items()}


def similarities(model, item):
    """How alike each item is to this one: -> (n_items,), indices.

    A trained model: the cosine of the items' vectors. Of MF without the item bias, which is
    popularity. Of NeuMF the whole row [q_G ; q_M]: the branches were trained for one logit, and
    what one of them has learned the other need not. (On the made-up plays of `sample_lastfm` .94 of
    the ten nearest share the item's style by the whole row, .86 by q_G, .58 by q_M.)
    ItemKNN: its own similarities, 0 outside an item's neighbours. Popularity raises ValueError.
    """
    if isinstance(model, Model):
        W = model.item_embedding.W
        vectors = W[:, : model.n_factors] if isinstance(model, MF) else W  # (n_items, D)
        norms = np.linalg.norm(vectors, axis=1)  # (n_items,)
        return vectors @ vectors[item] / np.maximum(norms * norms[item], 1e-30)
    if isinstance(model, ItemKNN):
        alike = np.zeros(model.n_items, model.similarities.dtype)
        alike[model.nearest[item]] = model.similarities[item]
        return alike
    raise ValueError(
        f"{type(model).__name__.lower()} knows how many have an item, not which items are alike: "
        "fit another model, such as itemknn or neumf"
    )
