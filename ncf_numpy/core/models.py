"""Models: MF, GMF, MLP and NeuMF. Each backward is its forward read from the last line up.

    logits = model.forward(users, items)         # (B,), (B,) row numbers -> (B,)
    model.backward(dlogits)                      # (B,) -> None; every layer now has its gradients
    model.predict(users, items)                  # (B,) probabilities

Symbols and equation numbers are those of He et al. 2017: p_u and q_i are the vectors of user and
item, K factors, * the element-wise product, [a ; b] a concatenation. Each row of a batch is a pair.
"""

import itertools
import math

import numpy as np

from .checks import check_dlogits, check_pairs, check_share, check_sizes, check_widths
from .layers import Bias, Dense, Embedding, ReLU, Sigmoid


class Model:
    """What all four share: two embeddings, perhaps a tower of (Dense, ReLU) pairs, an output."""

    tower = ()

    def layers(self):
        """[(name, layer), ...] in forward order; the tower's are dense1, relu1, dense2, ..."""
        named = [("user_embedding", self.user_embedding), ("item_embedding", self.item_embedding)]
        for number, (dense, relu) in enumerate(self.tower, start=1):
            named += [(f"dense{number}", dense), (f"relu{number}", relu)]
        return [*named, ("output", self.output)]

    def parameters(self):
        """[(name, W, dW), ...] in forward order, for an optimizer's step."""
        layers = self.layers()
        return [(f"{a}.{b}", W, dW) for a, layer in layers for b, W, dW in layer.parameters()]

    def lookups(self, users, items):
        """[(name, W, ids), ...]: the table rows that a batch will read."""
        return [
            ("user_embedding.W", self.user_embedding.W, users),
            ("item_embedding.W", self.item_embedding.W, items),
        ]

    def predict(self, users, items):
        """users (B,), items (B,) -> probabilities (B,). A forward: backward then refers to it."""
        return self.sigmoid.forward(self.forward(users, items))

    def __repr__(self):
        arrays = [(name, W) for name, W, _ in self.parameters()]
        rows = [f"  {name:<20}{W.shape!s:<16}{W.size:>12,}" for name, W in arrays]
        total = sum(W.size for _, W in arrays)
        return "\n".join([f"{type(self).__name__}: {total:,} parameters", *rows])


class MF(Model):
    """Matrix factorisation with biases, what GMF generalises:  logit = p_u . q_i + b_u + b_i + b.

    A user's row is [p_u ; b_u], an item's [q_i ; b_i], each K + 1 wide; the biases start at 0.
    Source: Koren, Bell & Volinsky 2009; with the logistic loss Rendle et al. 2020.
    """

    def __init__(self, n_users, n_items, n_factors, rng, *, dtype=np.float32):
        check_sizes(n_users=n_users, n_items=n_items, n_factors=n_factors)
        self.n_factors = n_factors
        self.user_embedding = Embedding(n_users, n_factors + 1, rng, name="users", dtype=dtype)
        self.item_embedding = Embedding(n_items, n_factors + 1, rng, name="items", dtype=dtype)
        self.user_embedding.W[:, n_factors] = 0
        self.item_embedding.W[:, n_factors] = 0
        self.output = Bias(dtype=dtype)
        self.sigmoid = Sigmoid()

    def forward(self, users, items):
        """users (B,), items (B,) -> logits (B,)."""
        K = self.n_factors
        # Embeddings
        user = self.user_embedding.forward(users)  # (B, K + 1)
        item = self.item_embedding.forward(items)  # (B, K + 1)
        check_pairs(user, item)
        self.p, b_u = user[:, :K], user[:, K]  # (B, K), (B,)
        self.q, b_i = item[:, :K], item[:, K]  # (B, K), (B,)
        # Inner product and biases
        inner = (self.p * self.q).sum(axis=1)  # (B,)
        logits = self.output.forward(inner + b_u + b_i)  # (B,) adds b
        return logits

    def backward(self, dlogits):
        """dlogits (B,) -> None."""
        check_dlogits(dlogits)
        # Inner product and biases: a sum passes its gradient to every term
        dsum = self.output.backward(dlogits)[:, None]  # (B, 1)
        dp = dsum * self.q  # (B, K)
        dq = dsum * self.p  # (B, K)
        # Embeddings
        self.item_embedding.backward(np.concatenate([dq, dsum], axis=1))  # (B, K + 1)
        self.user_embedding.backward(np.concatenate([dp, dsum], axis=1))  # (B, K + 1)


class GMF(Model):
    """Generalised matrix factorisation, equation 9:  logit = h^T (p_u * q_i) + b.

    With h = 1 and b = 0 it is the inner product. h is the output layer's W (K, 1), LeCun-uniform.
    """

    def __init__(self, n_users, n_items, n_factors, rng, *, dtype=np.float32):
        check_sizes(n_users=n_users, n_items=n_items, n_factors=n_factors)
        self.user_embedding = Embedding(n_users, n_factors, rng, name="users", dtype=dtype)
        self.item_embedding = Embedding(n_items, n_factors, rng, name="items", dtype=dtype)
        self.output = Dense(n_factors, 1, rng, limit=lecun(n_factors), dtype=dtype)
        self.sigmoid = Sigmoid()

    def forward(self, users, items):
        """users (B,), items (B,) -> logits (B,)."""
        # Embeddings
        self.p = self.user_embedding.forward(users)  # (B, K)
        self.q = self.item_embedding.forward(items)  # (B, K)
        check_pairs(self.p, self.q)
        # Product, equation 8
        phi = self.p * self.q  # (B, K)
        # Output
        logits = self.output.forward(phi)[:, 0]  # (B, 1) -> (B,)
        return logits

    def backward(self, dlogits):
        """dlogits (B,) -> None."""
        check_dlogits(dlogits)
        # Output
        dphi = self.output.backward(dlogits[:, None])  # (B, 1) -> (B, K)
        # Product, equation 8: the derivative with respect to one factor is the other
        dp = dphi * self.q  # (B, K)
        dq = dphi * self.p  # (B, K)
        # Embeddings
        self.item_embedding.backward(dq)
        self.user_embedding.backward(dp)


class MLP(Model):
    """A tower of dense layers over the concatenated vectors, equation 10:  logit = h^T z_L + b.

    layers = (64, 32, 16, 8): layers[0] is the width of [p_u ; q_i], so each vector is 32 wide; the
    others are the hidden layers (Glorot-uniform, ReLU). (64,) is a tower without hidden layers.
    """

    def __init__(self, n_users, n_items, layers, rng, *, dtype=np.float32):
        self.widths = check_widths(layers)
        check_sizes(n_users=n_users, n_items=n_items)
        width = self.widths[0] // 2
        self.user_embedding = Embedding(n_users, width, rng, name="users", dtype=dtype)
        self.item_embedding = Embedding(n_items, width, rng, name="items", dtype=dtype)
        self.tower = make_tower(self.widths, rng, dtype)
        self.output = Dense(self.widths[-1], 1, rng, limit=lecun(self.widths[-1]), dtype=dtype)
        self.sigmoid = Sigmoid()

    def forward(self, users, items):
        """users (B,), items (B,) -> logits (B,)."""
        # Embeddings
        p = self.user_embedding.forward(users)  # (B, D)
        q = self.item_embedding.forward(items)  # (B, D)
        check_pairs(p, q)
        # Tower, equation 10
        z = np.concatenate([p, q], axis=1)  # (B, 2D)
        for dense, relu in self.tower:
            z = relu.forward(dense.forward(z))  # (B, n_in) -> (B, n_out)
        # Output
        logits = self.output.forward(z)[:, 0]  # (B, 1) -> (B,)
        return logits

    def backward(self, dlogits):
        """dlogits (B,) -> None."""
        check_dlogits(dlogits)
        # Output
        dz = self.output.backward(dlogits[:, None])  # (B, 1) -> (B, L)
        # Tower, equation 10
        for dense, relu in reversed(self.tower):
            dz = dense.backward(relu.backward(dz))  # (B, n_out) -> (B, n_in)
        D = self.widths[0] // 2
        dp, dq = dz[:, :D], dz[:, D:]  # (B, D), (B, D)
        # Embeddings
        self.item_embedding.backward(dq)
        self.user_embedding.backward(dp)


class NeuMF(Model):
    """Neural matrix factorisation, equation 12:  logit = h^T [phi_GMF ; phi_MLP] + b.

    A user's row is [p_G ; p_M], an item's [q_G ; q_M]: K factors, and D = layers[0] / 2 for MLP.
    These are the paper's four tables, two side by side; one lookup serves both branches.
    With a branch_weight alpha the output layer sees [alpha phi_GMF ; (1 - alpha) phi_MLP].
    """

    def __init__(
        self, n_users, n_items, n_factors, layers, rng, *, branch_weight=None, dtype=np.float32
    ):
        self.widths = check_widths(layers)
        check_sizes(n_users=n_users, n_items=n_items, n_factors=n_factors)
        self.n_factors = n_factors
        if branch_weight is not None:
            branch_weight = check_share("branch_weight", branch_weight)
        self.branch_weight = branch_weight
        width = n_factors + self.widths[0] // 2
        self.user_embedding = Embedding(n_users, width, rng, name="users", dtype=dtype)
        self.item_embedding = Embedding(n_items, width, rng, name="items", dtype=dtype)
        self.tower = make_tower(self.widths, rng, dtype)
        n_phi = n_factors + self.widths[-1]
        self.output = Dense(n_phi, 1, rng, limit=lecun(n_phi), dtype=dtype)
        self.sigmoid = Sigmoid()

    def forward(self, users, items):
        """users (B,), items (B,) -> logits (B,)."""
        K, alpha = self.n_factors, self.branch_weight
        # Embeddings
        p = self.user_embedding.forward(users)  # (B, K + D)
        q = self.item_embedding.forward(items)  # (B, K + D)
        check_pairs(p, q)
        self.p_G, p_M = p[:, :K], p[:, K:]  # (B, K), (B, D)
        self.q_G, q_M = q[:, :K], q[:, K:]  # (B, K), (B, D)
        # GMF branch, equation 8
        phi_G = self.p_G * self.q_G  # (B, K)
        # MLP branch, equation 10
        phi_M = np.concatenate([p_M, q_M], axis=1)  # (B, 2D)
        for dense, relu in self.tower:
            phi_M = relu.forward(dense.forward(phi_M))  # (B, n_in) -> (B, n_out)
        # Output, equation 12
        if alpha is not None:
            phi_G, phi_M = alpha * phi_G, (1 - alpha) * phi_M  # (B, K), (B, L)
        phi = np.concatenate([phi_G, phi_M], axis=1)  # (B, K + L)
        logits = self.output.forward(phi)[:, 0]  # (B, 1) -> (B,)
        return logits

    def backward(self, dlogits):
        """dlogits (B,) -> None."""
        check_dlogits(dlogits)
        K, alpha = self.n_factors, self.branch_weight
        # Output, equation 12
        dphi = self.output.backward(dlogits[:, None])  # (B, 1) -> (B, K + L)
        dphi_G, dphi_M = dphi[:, :K], dphi[:, K:]  # (B, K), (B, L)
        if alpha is not None:
            dphi_G, dphi_M = alpha * dphi_G, (1 - alpha) * dphi_M  # (B, K), (B, L)
        # MLP branch, equation 10
        for dense, relu in reversed(self.tower):
            dphi_M = dense.backward(relu.backward(dphi_M))  # (B, n_out) -> (B, n_in)
        D = self.widths[0] // 2
        dp_M, dq_M = dphi_M[:, :D], dphi_M[:, D:]  # (B, D), (B, D)
        # GMF branch, equation 8: the derivative with respect to one factor is the other
        dp_G = dphi_G * self.q_G  # (B, K)
        dq_G = dphi_G * self.p_G  # (B, K)
        # Embeddings
        self.item_embedding.backward(np.concatenate([dq_G, dq_M], axis=1))  # (B, K + D)
        self.user_embedding.backward(np.concatenate([dp_G, dp_M], axis=1))  # (B, K + D)

    @classmethod
    def from_pretrained(cls, gmf, mlp, alpha=0.5):
        """A NeuMF that starts from copies of a trained GMF and MLP, section 3.4.1 and equation 13.

        h = [alpha h_GMF ; (1 - alpha) h_MLP] and b likewise, so at first every
        logit = alpha * gmf's logit + (1 - alpha) * mlp's logit.
        """
        check_share("alpha", alpha)
        if not isinstance(gmf, GMF) or not isinstance(mlp, MLP):
            got = f"{type(gmf).__name__} and {type(mlp).__name__}"
            raise TypeError(f"from_pretrained takes a GMF and then an MLP, got {got}")
        (n_users, K), (n_items, _) = gmf.user_embedding.W.shape, gmf.item_embedding.W.shape
        if (n_users, n_items) != (len(mlp.user_embedding.W), len(mlp.item_embedding.W)):
            raise ValueError(f"gmf and mlp must have the same users and items, got\n{gmf}\n{mlp}")
        unused, dtype = np.random.default_rng(0), gmf.output.W.dtype
        if mlp.output.W.dtype != dtype:
            raise ValueError(f"gmf and mlp must have one dtype, got {dtype}, {mlp.output.W.dtype}")
        model = cls(n_users, n_items, K, mlp.widths, unused, dtype=dtype)
        model.user_embedding.W[:] = np.hstack([gmf.user_embedding.W, mlp.user_embedding.W])
        model.item_embedding.W[:] = np.hstack([gmf.item_embedding.W, mlp.item_embedding.W])
        for (dense, _), (trained, _) in zip(model.tower, mlp.tower):
            dense.W[:], dense.b[:] = trained.W, trained.b
        model.output.W[:] = np.vstack([alpha * gmf.output.W, (1 - alpha) * mlp.output.W])
        model.output.b[:] = alpha * gmf.output.b + (1 - alpha) * mlp.output.b
        return model


def make_tower(widths, rng, dtype):
    """[(Dense, ReLU), ...] from widths[0] to widths[1], from there to widths[2], and so on."""
    pairs = itertools.pairwise(widths)
    return [(Dense(n_in, n_out, rng, dtype=dtype), ReLU()) for n_in, n_out in pairs]


def lecun(n_in):
    """The limit of LeCun's uniform initialisation, as Keras has it: sqrt(3 / n_in)."""
    return math.sqrt(3 / n_in)
