"""Optimizers: what to do with a gradient, in the formulas of their papers.

    optimizer.step(model.parameters())           # [(name, W, dW), ...]; writes into each W

Only here do weights change. A gradient is an array of W's shape, or a RowGradient: SGD and Adagrad
then touch its rows alone, for a zero gradient moves nothing. Adam does move on a zero gradient, by
the momentum a row still has: this one is dense, the textbook's; row_adam.py has it at less cost.
"""

import math

import numpy as np

from .checks import check_gradient, check_parameters, check_rate
from .row_gradient import RowGradient


class SGD:
    """Gradient descent:  W -= lr (g + l2 W).

    `l2` acts on the rows present in the gradient, once a batch however often a row occurs in it:
    weaker than a penalty on the whole table at every step, and for a repeated id weaker than the
    decay per occurrence of the usual one-sample-at-a-time recommender code.
    """

    def __init__(self, lr, l2=0.0):
        self.lr = check_rate("lr", lr)
        self.l2 = check_rate("l2", l2)

    def step(self, parameters):
        for _, W, rows, g in present(parameters):
            W[rows] -= self.lr * (g + self.l2 * W[rows])


class Adagrad:
    """A rate per weight that shrinks with its gradients:  s += g^2;  W -= lr g / (sqrt(s) + eps).

    With l2, g is first g + l2 W on the rows present (see SGD). s starts at 0 (Keras: at 0.1).
    Source: Duchi, Hazan & Singer 2011.
    """

    def __init__(self, lr, l2=0.0, eps=1e-10):
        self.lr = check_rate("lr", lr)
        self.l2 = check_rate("l2", l2)
        self.eps = check_rate("eps", eps, low=1e-30)
        self.s = {}  # name -> sum of squared gradients, W's shape

    def step(self, parameters):
        for name, W, rows, g in present(parameters, self.s):
            if name not in self.s:
                self.s[name] = np.zeros_like(W)
            s = self.s[name]
            g = g + self.l2 * W[rows]
            s[rows] += g * g
            W[rows] -= self.lr * g / (np.sqrt(s[rows]) + self.eps)


class Adam:
    """Adaptive moments, in the efficient form of Kingma & Ba 2015, end of section 2.

        t += 1;  alpha_t = lr sqrt(1 - beta2^t) / (1 - beta1^t)
        m = beta1 m + (1 - beta1) g
        v = beta2 v + (1 - beta2) g^2
        W -= alpha_t m / (sqrt(v) + eps)

    This is the form of Keras and of the NCF authors' code. PyTorch adds eps to the corrected root
    sqrt(v / (1 - beta2^t)): eps sqrt(1 - beta2^t) here, so small gradients make other steps.
    Dense: every row of a table is updated at every step, as in Keras, PyTorch and JAX by default.
    """

    def __init__(self, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr = check_rate("lr", lr)
        self.beta1 = check_rate("beta1", beta1, high=1)
        self.beta2 = check_rate("beta2", beta2, high=1)
        self.eps = check_rate("eps", eps, low=1e-30)
        self.t = 0
        self.m = {}  # name -> mean of the gradients, W's shape
        self.v = {}  # name -> mean of their squares, W's shape

    def step(self, parameters):
        gradients = present(parameters, self.m)
        self.t += 1
        alpha = self.lr * math.sqrt(1 - self.beta2**self.t) / (1 - self.beta1**self.t)
        for name, W, rows, g in gradients:
            if name not in self.m:
                self.m[name], self.v[name] = np.zeros_like(W), np.zeros_like(W)
            m, v = self.m[name], self.v[name]
            m *= self.beta1
            m[rows] += (1 - self.beta1) * g
            v *= self.beta2
            v[rows] += (1 - self.beta2) * g * g
            W -= alpha * m / (np.sqrt(v) + self.eps)


def present(parameters, remembered=None):
    """[(name, W, rows, g), ...]: the rows of W each gradient speaks of, and what it says.

    For an array these are all rows. Checks every gradient before any weight is changed; also
    against what the optimizer remembers of earlier steps, {name: array}.
    """
    check_parameters(parameters)
    gradients = []
    for name, W, dW in parameters:
        check_gradient(name, W, dW, (remembered or {}).get(name))
        rows, g = (dW.rows, dW.values) if isinstance(dW, RowGradient) else (slice(None), dW)
        gradients.append((name, W, rows, g))
    return gradients
