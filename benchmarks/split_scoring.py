"""Does it pay to split the tower's first layer when many candidates are scored?

    python benchmarks/split_scoring.py

[p ; q] W + b = p W_user + (q W_item + b): each half can be computed once for every user and item,
and a pair then costs one addition instead of the widest matrix product. Timed on what ml-1m asks
for, 6,040 users with 100 candidates each, halves included, against `predict` as it stands.
"""

import statistics
import time

import machine
import numpy as np

from ncf_numpy import NeuMF
from ncf_numpy.datasets import Holdout
from ncf_numpy.evaluation.metrics import rank_positives

N_USERS, N_ITEMS = 6040, 3706


class SplitNeuMF:
    """Scores of a NeuMF whose first layer has been applied to every user and every item."""

    def __init__(self, model):
        K, D = model.n_factors, model.widths[0] // 2
        self.K, self.tower, self.output = K, model.tower, model.output
        dense = self.tower[0][0]
        P, Q = model.user_embedding.W, model.item_embedding.W  # (U, K + D), (I, K + D)
        self.P = np.hstack([P[:, :K], P[:, K:] @ dense.W[:D]])  # (U, K + H)
        self.Q = np.hstack([Q[:, :K], Q[:, K:] @ dense.W[D:] + dense.b])  # (I, K + H)

    def predict(self, users, items):
        """users (B,), items (B,) -> logits (B,), which rank as the probabilities do."""
        p, q = self.P.take(users, axis=0), self.Q.take(items, axis=0)  # (B, K + H)
        phi_G = p[:, : self.K] * q[:, : self.K]  # (B, K)
        phi_M = self.tower[0][1].forward(p[:, self.K :] + q[:, self.K :])  # (B, H)
        for dense, relu in self.tower[1:]:
            phi_M = relu.forward(dense.forward(phi_M))  # (B, n_in) -> (B, n_out)
        return self.output.forward(np.hstack([phi_G, phi_M]))[:, 0]  # (B,)


def seconds(function, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(factors, n_users, repeats):
    """Seconds to rank n_users positives among 99 each, both ways."""
    rng = np.random.default_rng(0)
    layers = (8 * factors, 4 * factors, 2 * factors, factors)
    model = NeuMF(N_USERS, N_ITEMS, factors, layers, rng)
    users = np.arange(n_users)
    items = rng.integers(0, N_ITEMS, (n_users, 100))
    holdout = Holdout(users, items[:, 0], items[:, 1:])
    whole = seconds(lambda: rank_positives(model, holdout), repeats)
    split = seconds(lambda: rank_positives(SplitNeuMF(model), holdout), repeats)
    return {
        "factors": factors,
        "pairs": items.size,
        "whole": whole,
        "split": split,
        "whole / split": whole / split,
    }


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--factors", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--users", type=int, default=N_USERS)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    machine.limit_threads(arguments.threads)
    about = machine.describe()
    print(about)
    results = machine.Results(arguments.results, "split_scoring", about)
    for factors in arguments.factors:
        row = measure(factors, arguments.users, arguments.repeats)
        results.add({"threads": arguments.threads, **row})


if __name__ == "__main__":
    main()
