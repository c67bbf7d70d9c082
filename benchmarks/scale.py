"""Time and peak memory of one epoch, from 100,000 to 20 million interactions.

    python benchmarks/scale.py                  # 10^5, 10^6, 17.3 M (Last.fm 360K), 10^7.3

The model is an MLP with embeddings of 32 and layers 32, 16, 8; batch 1024, 4 negatives. generate.py
makes the data. Every size runs in a process of its own, so that peaks do not mix: raw ids are
indexed and split, `Trainer` runs an epoch, and the validation items are ranked among 99 others.
Needs Linux or macOS, which know the peak of a process.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine
import numpy as np
import pandas as pd

from ncf_numpy import MLP, Trainer
from ncf_numpy.datasets import Interactions, leave_one_out

SIZES = [10**5, 10**6, 17_300_000, round(10**7.3)]
KEPT = "epoch.csv"  # what the process that measures leaves in the folder of the data


def peak_gigabytes():
    """The most memory this process has held; Linux counts in KiB, macOS in bytes."""
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def measure(folder):
    """An epoch on the pairs in `folder`, small data several times: a dict, times in seconds."""
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    users, items = np.load(folder / "users.npy"), np.load(folder / "items.npy")
    n = len(users)
    interactions = Interactions.from_columns(users, items)
    split = leave_one_out(interactions, rng)
    del users, items, interactions
    loading = time.perf_counter() - start

    train = split.train
    model = MLP(train.n_users, train.n_items, (64, 32, 16, 8), rng)
    trainer = Trainer(model, split, rng, batch_size=1024, negatives=4)
    n_epochs = max(1, min(5, 10**6 // n))
    sampling = 0.0
    for _ in range(n_epochs):
        trainer.run_epoch()
        start = time.perf_counter()
        for _ in trainer.objective.batches(rng):
            pass
        sampling += (time.perf_counter() - start) / n_epochs
    history = trainer.history().mean()
    training = history["train_seconds"] - sampling
    return {
        "interactions": n,
        "users": train.n_users,
        "items": train.n_items,
        "loading": loading,
        "sampling": sampling,
        "training": training,
        "evaluation": history["evaluate_seconds"],
        "epoch": sampling + training + history["evaluate_seconds"],
        "us per interaction": (sampling + training) / len(train) * 1e6,
        "peak GB": peak_gigabytes(),
        "loss": history["loss"],
    }


def measure_apart(n):
    """Generate n pairs in one process, measure them in another, and return its row."""
    with tempfile.TemporaryDirectory() as folder:
        generate = Path(__file__).with_name("generate.py")
        subprocess.run([sys.executable, generate, str(n), folder], check=True)
        subprocess.run([sys.executable, __file__, "--child", folder], check=True)
        return pd.read_csv(Path(folder) / KEPT).to_dict("records")[0]


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="interactions")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        pd.DataFrame([measure(arguments.child)]).to_csv(arguments.child / KEPT, index=False)
        return
    machine.limit_threads(arguments.threads)
    about = machine.describe()
    print(about)
    results = machine.Results(arguments.results, "scale", about)
    rows = [
        results.add({"threads": arguments.threads, **measure_apart(n)}) for n in arguments.sizes
    ]
    growth = rows[-1]["us per interaction"] / rows[0]["us per interaction"]
    print(f"cost per interaction, last size against first: {growth:.2f}x")
    print(f"highest peak: {max(row['peak GB'] for row in rows):.2f} GB")


if __name__ == "__main__":
    main()
