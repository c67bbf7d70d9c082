"""Exercise 11: a whole backward, of a layer that is in no paper of this project.

GMF weighs each product p[k] q[k]. A bilinear layer has a weight for every pair of factors:

    z[b] = sum_k sum_l p[b, k] A[k, l] q[b, l]

Write its backward. It is judged by the numerical derivative of the forward below: change the
forward, and the backward has to follow. Look at each thing in turn and ask where it acts:

    A[k, l] acts in every row of the batch; p[b, k] in row b alone, through all l; q[b, l] likewise
"""

import numpy as np

from ncf_numpy.learn.exercises import check_layer


class Bilinear:
    def __init__(self, A):
        self.A = A  # (K, K)

    def forward(self, p, q):
        """p (B, K), q (B, K) -> z (B,)."""
        self.p, self.q = p, q
        z = ((p @ self.A) * q).sum(axis=1)  # (B, K) @ (K, K), (B, K)
        return z

    def backward(self, dz):
        """dz (B,) -> dp (B, K), dq (B, K). Sets self.dA (K, K)."""
        # answer: set self.dA, and return dp, dq
        dpA = dz[:, None] * self.q  # (B, K) the derivative with respect to p @ A
        self.dA = self.p.T @ dpA
        dp = dpA @ self.A.T
        dq = dz[:, None] * (self.p @ self.A)
        return dp, dq
        # end of answer


rng = np.random.default_rng(0)
layer = Bilinear(rng.normal(size=(3, 3)))
# hint dA: A[k, l] has the factor p[b, k] q[b, l] in row b: a sum over b.
# hint dA: A sum over the batch of products is a matrix product: p.T @ (dz[:, None] * q)
# hint dp: p[b, k] has the factor sum_l A[k, l] q[b, l].
# hint dp: q goes through A transposed, as dy goes through W in a dense layer; then times dz.
# hint dq: q[b, l] has the factor sum_k p[b, k] A[k, l].
# hint dq: That factor is p @ A; each row of it is multiplied by its dz.
check_layer(layer, rng.normal(size=(5, 3)), rng.normal(size=(5, 3)))
print("Exercise 11 solved.")
