"""Exercise 12: a gate, whose input acts in two places.

    a = x W + b,   g = sigmoid(a),   y = x * g

A layer like this learns how much of each input to let through. x acts in the product and, through
W, in the gate: what acts in two places receives the sum of what comes back from them. Write its
backward; it is judged by the numerical derivative of the forward below.
"""

import numpy as np

from ncf_numpy.learn.exercises import check_layer


class Gate:
    def __init__(self, W, b):
        self.W, self.b = W, b  # (n, n), (n,)

    def forward(self, x):
        """x (B, n) -> y (B, n)."""
        self.x = x
        self.g = 1 / (1 + np.exp(-(x @ self.W + self.b)))  # (B, n)
        y = x * self.g
        return y

    def backward(self, dy):
        """dy (B, n) -> dx (B, n). Sets self.dW (n, n) and self.db (n,)."""
        # answer: set self.dW and self.db, and return dx
        dg = dy * self.x
        da = dg * self.g * (1 - self.g)
        self.dW = self.x.T @ da
        self.db = da.sum(axis=0)
        dx = dy * self.g + da @ self.W.T
        return dx
        # end of answer


rng = np.random.default_rng(0)
layer = Gate(rng.normal(size=(3, 3)), rng.normal(size=3))
# hint dW: Go back step by step: from y to g (a product), to a (a sigmoid), to W (a dense layer).
# hint dW: dg = dy * x, da = dg * g * (1 - g), and then exercise 3.
# hint db: b acts in every row of the batch, through the sigmoid.
# hint db: The sum over the batch of da, the derivative with respect to a.
# hint dx: x acts in two places: in the product, and through W in the gate.
# hint dx: dy * g from the product, da @ W.T from the gate, and their sum.
check_layer(layer, rng.normal(size=(5, 3)))
print("Exercise 12 solved.")
