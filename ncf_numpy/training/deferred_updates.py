"""The deferred updates of a table row, summed up as one step of Adam: its size and its eps.

A row that no batch reads has no gradient, and its moments decay by constant factors. So the sum of
all its steps from one time to another depends on these times and on the moments it had, and can be
taken at once when the row is next read. docs/explanation/adam.md derives how.
"""

import math

import numpy as np


class DeferredUpdates:
    """The one step that stands for the steps s + 1 .. t of a row: its size, its eps, their spread.

    Step i divides by sqrt(v) + eps x_i with x_i = beta2^(-(i - s - 1) / 2). With mean and variance
    of x under the weights w_i = alpha_i (beta1 / sqrt(beta2))^(i - s - 1), the sum of all steps is

        sum(w) m / (scale - spread / scale),  scale = sqrt(v) + eps mean(x),  spread = eps^2 var(x)

    but for the third moment of x. They come from S_p = sum(w x^p), p = 0, 1, 2, each the difference
    of two tail sums B_p[s] = alpha_(s+1) + c_p B_p[s + 1],  c_p = beta1 / beta2^((p + 1) / 2), in
    tables that grow with time. As the moments are sums, not means, factors of (1 - beta) go here.
    """

    def __init__(self, lr, beta1, beta2, eps):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.eps = eps / math.sqrt(1 - beta2)
        self.gain = (1 - beta1) / math.sqrt(1 - beta2)
        self.c = beta1 / beta2 ** ((np.arange(3)[:, None] + 1) / 2)  # (3, 1)
        self.grow(1024)

    def one_step(self, t):
        """Size and eps of step t alone."""
        alpha = self.lr * math.sqrt(1 - self.beta2**t) / (1 - self.beta1**t)
        return self.gain * alpha, self.eps

    def grow(self, n):
        """Make the tables long enough for n steps. What is cut off beyond n cancels in S_p."""
        self.tails = np.zeros((3, n + 1))  # eps^p B_p[s]
        powers_of_eps = self.eps ** np.arange(3)
        for s in reversed(range(n)):
            size, _ = self.one_step(s + 1)
            self.tails[:, s] = size * powers_of_eps + self.c[:, 0] * self.tails[:, s + 1]
        k = np.arange(n + 1)
        self.powers = self.c**k  # (3, n + 1)
        self.decays = np.stack([self.beta1**k, self.beta2**k])  # (2, n + 1)

    def as_one(self, since, t, like):
        """Size, eps and spread of the one step for since + 1 .. t, each like (R, K); since (R,)."""
        if t >= self.tails.shape[1] - 1:
            self.grow(2 ** t.bit_length())  # by t alone: where the tables end decides last bits
        S = self.tails.take(since, axis=1)  # (3, R)
        S -= self.powers.take(t - since, axis=1) * self.tails[:, t, None]
        S += 1e-300  # where no update was deferred or lr is 0: size 0 and any eps, not 0 / 0
        S[1:] /= S[0]
        S[2] -= S[1] * S[1]
        return spread_out(S, like)

    def decay(self, k, like):
        """beta1^k for m and beta2^k for v, each like (R, K); k (R,)."""
        return spread_out(self.decays.take(k, axis=1), like)


def spread_out(columns, like):
    """(n, R) -> (n, R, K), as like (R, K) is: NumPy is slow to broadcast along short rows."""
    R, K = like.shape[-2:]
    return columns.astype(like.dtype).repeat(K).reshape(len(columns), R, K)
