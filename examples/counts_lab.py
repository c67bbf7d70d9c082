"""Does it help to weigh a pair by how often it was played? 1 + alpha log(1 + count / eps).

    python examples/counts_lab.py --data FOLDER/hetrec2011-lastfm-2k
    python examples/counts_lab.py --report                        # from docs/results/counts.csv

Implicit ALS has such weights (Hu, Koren & Volinsky 2008, ICDM, section 4). Here they multiply the
loss of each positive of GMF and NeuMF. Every setting is trained with several seeds; validation
chooses alpha, and the test items say whether that was better than alpha = 0, user by user.
A model and a seed are a cell: once its rows are in the CSV it is not run again.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from ncf_numpy import BinaryCrossEntropyWithLogits, RowAdam, compare, evaluate, fit
from ncf_numpy.core.build import MODELS
from ncf_numpy.datasets import leave_one_out, load_lastfm_2k
from ncf_numpy.training.objectives import Pointwise

CSV = Path(__file__).parents[1] / "docs" / "results" / "counts.csv"
SETTINGS = [(0, 100), (0.5, 100), (1, 100), (2, 100)]  # alpha, eps
SIZES = {"factors": 8, "layers": (64, 32, 16, 8)}


class WeightedLoss(BinaryCrossEntropyWithLogits):
    """L = 1/B sum w [ max(z, 0) - z y + log(1 + e^-|z|) ],  dL/dz = w (sigmoid(z) - y) / B.

    weights (B,), of the batch that comes next, are set from outside.
    """

    weights = 1.0

    def forward(self, z, labels):
        """Logits z (B,), labels (B,) in [0, 1] -> the weighted mean loss."""
        super().forward(z, labels)  # checks both, and remembers them
        losses = np.maximum(z, 0) - z * self.labels + np.log1p(np.exp(-np.abs(z)))  # (B,)
        return float((self.weights * losses).sum() / len(losses))

    def backward(self):
        """-> dz (B,)."""
        dz = self.weights * super().backward()
        return dz


def weighted(alpha, eps):
    """The objective whose positives weigh 1 + alpha log(1 + count / eps), its negatives 1."""

    class Weighted(Pointwise):
        def __init__(self, train, **sizes):
            super().__init__(train, **sizes)
            self.loss = WeightedLoss()
            self.keys = train.pair_keys
            self.w = (1 + alpha * np.log1p(train.counts / eps)).astype(np.float32)  # (n,)

        def batches(self, rng):
            for users, items, labels in super().batches(rng):
                positive = labels > 0
                keys = users[positive] * self.train.n_items + items[positive]
                self.loss.weights = np.ones_like(labels)
                self.loss.weights[positive] = self.w[np.searchsorted(self.keys, keys)]
                yield users, items, labels

    return Weighted


def train(name, split, seed, alpha, eps, epochs):
    """-> {column: value} of one training, and its Evaluation on the test items."""
    rng = np.random.default_rng(seed)
    model = MODELS[name](split.train.n_users, split.train.n_items, SIZES, rng)
    how = {"objective": weighted(alpha, eps), "optimizer": RowAdam(), "patience": 4}
    history = fit(model, split, rng, epochs=epochs, progress=False, **how)
    best = history[history["chosen"]].iloc[0]
    test = evaluate(model, split.test)
    row = {"model": name, "seed": seed, "alpha": alpha, "eps": eps, "epoch": int(best["epoch"])}
    figures = {"validation_hr": best["hr"], "validation_ndcg": best["ndcg"]}
    return row | figures | {"hr": test.hr, "ndcg": test.ndcg}, test


def cell(name, split, seed, epochs):
    """The rows of a model and a seed: each setting, and its NDCG minus that without weights."""
    rows, without = [], None
    for alpha, eps in SETTINGS:
        row, test = train(name, split, seed, alpha, eps, epochs)
        without = without or test
        row |= {"difference": test.ndcg - without.ndcg, "p": 1.0}
        if alpha:
            row["p"] = compare({"without": without, "with": test}, "NDCG")["p"].iloc[0]
        rows.append(row)
    return pd.DataFrame(rows)


def report(table):
    """Means over seeds, a row per setting; chosen by the highest validation NDCG of its model."""
    seeds = table.groupby(["model", "alpha", "eps"], as_index=False)
    means = seeds.mean(numeric_only=True).drop(columns=["seed", "p"])
    means["largest_p"] = seeds["p"].max()["p"]
    best = means.groupby("model")["validation_ndcg"].transform("max")
    means["chosen"] = np.where(means["validation_ndcg"] == best, "*", "")
    return means


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", metavar="FOLDER", help="Last.fm 2K, folder or zip")
    parser.add_argument("--models", nargs="+", default=["gmf", "neumf"], choices=MODELS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N")
    parser.add_argument("--epochs", type=int, default=20, metavar="N", help="at most")
    parser.add_argument("--csv", type=Path, default=CSV, metavar="FILE.csv")
    parser.add_argument("--report", action="store_true", help="train nothing")
    arguments = parser.parse_args(argv)
    table = pd.read_csv(arguments.csv) if arguments.csv.exists() else pd.DataFrame()
    if not arguments.report:
        if arguments.data is None:
            parser.error("give --data FOLDER, or --report")
        split = leave_one_out(load_lastfm_2k(Path(arguments.data)), np.random.default_rng(0))
        for seed in arguments.seeds:
            for name in arguments.models:
                if len(table) and ((table["model"] == name) & (table["seed"] == seed)).any():
                    continue
                table = pd.concat([table, cell(name, split, seed, arguments.epochs)])
                table.to_csv(arguments.csv, index=False, float_format="%.5f", lineterminator="\n")
                print(f"{name}, seed {seed}: done", flush=True)
    print(report(table).round(4).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
