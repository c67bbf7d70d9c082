"""Layers: forward computes, backward applies the chain rule, each in lines that are its formulas.

    y  = layer.forward(x)       # checks what it is given; remembers on self what backward needs
    dx = layer.backward(dy)     # dy = dL/dy; sets self.dW and self.db; returns dL/dx
    layer.parameters()          # [("W", self.W, self.dW), ("b", self.b, self.db)]

The contract, for every layer (B is the batch size):
 1. backward overwrites dW and db; it never accumulates (PyTorch does, until zero_grad).
 2. It refers to the latest forward, and raises before any.
 3. It never writes into dy or x and never updates a weight: only an optimizer does, in place.
 4. dx has x's shape and dW has W's. An embedding's dW is a RowGradient: the batch's rows only.
 5. Gradients are sums over the batch: the 1/B of the mean lives in the loss and nowhere else.
 6. dW and db are None until the first backward.
 7. dtype is the weights': float32 trains, float64 checks gradients. rng is never a global one.
"""

import math

import numpy as np

from .checks import check_ids, check_input, check_new, check_upstream
from .row_gradient import RowGradient


class Embedding:
    """A table of vectors, one row per id:  y_b = W[ids_b],  which is one_hot(ids) @ W.

    W (n_rows, K) ~ N(0, std^2); std = 0.01 as in the authors' code.
    Gradient: dL/dW[r] = sum of dy_b over all b with ids_b = r,  which is one_hot(ids)^T @ dy.
    Source: He et al. 2017, section 3.1 (P^T v_u).
    """

    def __init__(self, n_rows, K, rng, *, std=0.01, name="ids", dtype=np.float32):
        check_new(rng, dtype, n_rows=n_rows, K=K)
        self.W = rng.normal(0.0, std, (n_rows, K)).astype(dtype)
        self.name = name  # what the ids are, for error messages
        self.dW = None
        self.ids = None
        self.y = None

    def forward(self, ids):
        """ids (B,) integers in [0, n_rows) -> y (B, K)."""
        self.ids = check_ids(ids, len(self.W), self.name)
        self.y = self.W.take(self.ids, axis=0)  # (B, K)
        return self.y

    def backward(self, dy):
        """dy (B, K) -> None: an integer has no gradient. Sets dW, a RowGradient."""
        check_upstream(self, dy)
        self.dW = RowGradient(self.ids, dy, self.W.shape)  # (B,), (B, K)

    def parameters(self):
        return [("W", self.W, self.dW)]


class Dense:
    """An affine map:  y = x W + b.

    W (n_in, n_out) ~ U(-limit, limit), limit by default Glorot's sqrt(6 / (n_in + n_out)).
    b (n_out,) = 0.
    Gradients: dL/dW = x^T dy,  dL/db = sum over b of dy_b,  dL/dx = dy W^T.
    Source: He et al. 2017, equation 10; Glorot & Bengio 2010, equation 16.
    """

    def __init__(self, n_in, n_out, rng, *, limit=None, dtype=np.float32):
        check_new(rng, dtype, n_in=n_in, n_out=n_out)
        limit = math.sqrt(6 / (n_in + n_out)) if limit is None else limit
        self.W = rng.uniform(-limit, limit, (n_in, n_out)).astype(dtype)
        self.b = np.zeros(n_out, dtype)
        self.dW = None
        self.db = None
        self.x = None
        self.y = None

    def forward(self, x):
        """x (B, n_in) -> y (B, n_out)."""
        check_input(self, x, self.W.dtype, (len(self.W),))
        self.x = x
        self.y = x.dot(self.W) + self.b  # (B, n_in) @ (n_in, n_out) + (n_out,)
        return self.y

    def backward(self, dy):
        """dy (B, n_out) -> dx (B, n_in). Sets dW and db."""
        check_upstream(self, dy)
        self.dW = self.x.T.dot(dy)  # (n_in, B) @ (B, n_out)
        self.db = np.ones(len(dy), dy.dtype).dot(dy)  # (B,) @ (B, n_out): b weighs an input of 1
        dx = dy.dot(self.W.T)  # (B, n_out) @ (n_out, n_in)
        return dx

    def parameters(self):
        return [("W", self.W, self.dW), ("b", self.b, self.db)]


class Bias:
    """One number added to every row:  y = x + b,  b (1,) = 0.  Gradients: db = sum dy, dx = dy."""

    def __init__(self, *, dtype=np.float32):
        self.b = np.zeros(1, dtype)
        self.db = None
        self.y = None

    def forward(self, x):
        """x (B,) -> y (B,)."""
        check_input(self, x, self.b.dtype)
        self.y = x + self.b  # (B,) + (1,)
        return self.y

    def backward(self, dy):
        """dy (B,) -> dx (B,). Sets db."""
        check_upstream(self, dy)
        self.db = dy.sum(keepdims=True)  # (1,)
        dx = dy
        return dx

    def parameters(self):
        return [("b", self.b, self.db)]


class ReLU:
    """The rectifier:  y = max(x, 0).

    Gradient: dx = dy where x > 0, else 0. At x = 0 exactly, the kink, the derivative is taken as 0.
    Source: Glorot, Bordes & Bengio 2011; He et al. 2017, section 3.3, on why not tanh or sigmoid.
    """

    def __init__(self):
        self.x = None
        self.y = None

    def forward(self, x):
        """x, any shape -> y, the same shape."""
        self.x = x
        self.y = np.maximum(x, 0)
        return self.y

    def backward(self, dy):
        """dy, the shape of y -> dx, the same shape."""
        check_upstream(self, dy)
        dx = dy * (self.x > 0)
        return dx

    def parameters(self):
        return []


class Sigmoid:
    """Logit to probability:  y = 1 / (1 + exp(-x)).  Gradient: dx = dy * y * (1 - y)."""

    def __init__(self):
        self.y = None

    def forward(self, x):
        """x, any shape -> y in [0, 1], the same shape."""
        self.y = sigmoid(x)
        return self.y

    def backward(self, dy):
        """dy, the shape of y -> dx, the same shape."""
        check_upstream(self, dy)
        dx = dy * self.y * (1 - self.y)
        return dx

    def parameters(self):
        return []


def sigmoid(x):
    """1 / (1 + exp(-x)) without overflow: exp only ever sees -|x|."""
    e = np.exp(-np.abs(x))  # in (0, 1]
    return np.where(x >= 0, 1, e) / (1 + e)
