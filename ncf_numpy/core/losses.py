"""Losses: one number for a batch, and its gradient, where every backward pass begins.

    value = loss.forward(prediction, labels)     # float, the mean over the batch
    dprediction = loss.backward()                # (B,)

A loss is the only place that divides by B: all that follows in backward are plain sums. Its value
is a mean, so that a batch of 256 and one of 1,024 can be compared and share a learning rate.
"""

import numpy as np

from .checks import check_forward, check_labels
from .layers import sigmoid


class BinaryCrossEntropy:
    """On probabilities:  L = -1/B sum [ y log p + (1 - y) log(1 - p) ].

    Gradient: dL/dp = (p - y) / (p (1 - p)) / B.
    p is first clipped to [eps, 1 - eps], eps the dtype's machine epsilon (1.2e-7 in float32), in
    value and gradient alike: at p = 0 and 1 both are large and finite, the loss at most -log(eps).
    After a saturated Sigmoid the chain still multiplies by p (1 - p) = 0 and nothing is learned;
    BinaryCrossEntropyWithLogits has no such dead end. Source: He et al. 2017, equation 7.
    """

    def __init__(self):
        self.p = None
        self.labels = None

    def forward(self, p, labels):
        """p (B,) in [0, 1], labels (B,) in [0, 1] -> the mean loss."""
        y = check_labels(labels, p)
        if not (p.min() >= 0 and p.max() <= 1):
            raise ValueError(f"probabilities must be in [0, 1], got {p.min()} to {p.max()}")
        eps = np.finfo(p.dtype).eps
        self.p = p.clip(eps, 1 - eps)
        self.labels = y
        losses = -(y * np.log(self.p) + (1 - y) * np.log1p(-self.p))  # (B,)
        return float(losses.sum() / len(losses))

    def backward(self):
        """-> dp (B,)."""
        check_forward(self, self.p)
        p, y = self.p, self.labels
        dp = (p - y) / (p * (1 - p)) / len(p)
        return dp


class BinaryCrossEntropyWithLogits:
    """Sigmoid and binary cross-entropy in one:  L = 1/B sum [ max(z, 0) - z y + log(1 + e^-|z|) ].

    It is BinaryCrossEntropy(sigmoid(z)) rewritten so that exp never overflows and log never sees 0.
    Gradient: dL/dz = (sigmoid(z) - y) / B, bounded by 1/B however wrong the prediction.
    """

    def __init__(self):
        self.z = None
        self.labels = None

    def forward(self, z, labels):
        """Logits z (B,), labels (B,) in [0, 1] -> the mean loss."""
        self.labels = check_labels(labels, z)
        self.z = z
        losses = np.maximum(z, 0) - z * self.labels + np.log1p(np.exp(-np.abs(z)))  # (B,)
        return float(losses.sum() / len(losses))

    def backward(self):
        """-> dz (B,)."""
        check_forward(self, self.z)
        dz = (sigmoid(self.z) - self.labels) / len(self.z)
        return dz


class BPR:
    """Bayesian personalised ranking:  L = 1/B sum log(1 + e^-x),  x = z_pos - z_neg.

    Row b of a batch and row b + B are a pair: one user, an item that user has and one not.
    Gradients: dL/dz_pos = -sigmoid(-x) / B, dL/dz_neg its opposite: what both rows share gets 0.
    Source: Rendle, Freudenthaler, Gantner & Schmidt-Thieme 2009, UAI.
    """

    def __init__(self):
        self.x = None
        self.sign = None

    def forward(self, z, labels):
        """Logits z (2B,), labels (2B,), in each pair one 1 and one 0 -> the mean loss."""
        labels = check_labels(labels, z)
        B = len(z) // 2
        sign = labels[:B] - labels[B : 2 * B]  # (B,) 1 where the positive comes first, else -1
        if len(z) % 2 or (np.abs(sign) != 1).any():
            raise ValueError("BPR pairs row b with row b + B: one of them needs label 1, one 0")
        self.sign, self.x = sign, sign * (z[:B] - z[B:])  # (B,)
        losses = np.maximum(-self.x, 0) + np.log1p(np.exp(-np.abs(self.x)))  # (B,)
        return float(losses.sum() / len(losses))

    def backward(self):
        """-> dz (2B,)."""
        check_forward(self, self.x)
        dx = -sigmoid(-self.x) / len(self.x)  # (B,)
        dz = np.concatenate([dx * self.sign, -dx * self.sign])  # (2B,)
        return dz
