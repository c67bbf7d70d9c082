"""A toy model as a stranger would add it: a tower for the user, one for the item, a dot product.

Source: Xue et al. 2017, IJCAI, here with embeddings in place of the rows of the matrix.
"""

import numpy as np

from ncf_numpy.core.checks import check_pairs, check_widths
from ncf_numpy.core.layers import Bias, Embedding, Sigmoid
from ncf_numpy.core.models import Model, make_tower


class DeepMF(Model):
    """logit = tower_u(p_u) . tower_i(q_i) + b."""

    def __init__(self, n_users, n_items, layers, rng, *, dtype=np.float32):
        self.widths = check_widths(layers)
        width = self.widths[0]
        self.user_embedding = Embedding(n_users, width, rng, name="users", dtype=dtype)
        self.item_embedding = Embedding(n_items, width, rng, name="items", dtype=dtype)
        self.user_tower = make_tower(self.widths, rng, dtype)
        self.item_tower = make_tower(self.widths, rng, dtype)
        self.output = Bias(dtype=dtype)
        self.sigmoid = Sigmoid()

    def layers(self):
        named = [("user_embedding", self.user_embedding), ("item_embedding", self.item_embedding)]
        for side, tower in (("user", self.user_tower), ("item", self.item_tower)):
            for number, (dense, relu) in enumerate(tower, start=1):
                named += [(f"{side}_dense{number}", dense), (f"{side}_relu{number}", relu)]
        return [*named, ("output", self.output)]

    def forward(self, users, items):
        """users (B,), items (B,) -> logits (B,)."""
        p, q = self.user_embedding.forward(users), self.item_embedding.forward(items)  # (B, n_0)
        check_pairs(p, q)
        for dense, relu in self.user_tower:
            p = relu.forward(dense.forward(p))  # (B, n_in) -> (B, n_out)
        for dense, relu in self.item_tower:
            q = relu.forward(dense.forward(q))  # (B, n_in) -> (B, n_out)
        self.p, self.q = p, q
        logits = self.output.forward((p * q).sum(axis=1))  # (B,)
        return logits

    def backward(self, dlogits):
        """dlogits (B,) -> None."""
        dsum = self.output.backward(dlogits)[:, None]  # (B, 1)
        dp, dq = dsum * self.q, dsum * self.p  # (B, L), (B, L)
        for dense, relu in reversed(self.item_tower):
            dq = dense.backward(relu.backward(dq))  # (B, n_out) -> (B, n_in)
        for dense, relu in reversed(self.user_tower):
            dp = dense.backward(relu.backward(dp))  # (B, n_out) -> (B, n_in)
        self.item_embedding.backward(dq)
        self.user_embedding.backward(dp)


def build(n, m, s, rng, **how):
    """The one line that the table of models gets."""
    return DeepMF(n, m, s["layers"], rng, **how)
