"""A training step of this checkout against that of another one, in turns, on one thread.

    git worktree add ../other COMMIT
    python benchmarks/against.py ../other                  # old / new above 1: this one is faster

The processor time of the thread is counted, so that other processes disturb little.
"""

import tempfile
from pathlib import Path

import machine
from ideas import PACKAGE, copy_of, measure
from train_step import N_BATCHES


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("checkout", type=Path, help="the folder of another checkout")
    parser.add_argument("--factors", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--batches", type=int, nargs="+", default=[128, 256, 512, 1024])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=N_BATCHES, help="in a round")
    arguments = parser.parse_args()
    machine.limit_threads(1)
    about = machine.describe()
    print(about)
    results = machine.Results(arguments.results, "against", about)
    with tempfile.TemporaryDirectory() as folder:
        new = copy_of(PACKAGE, Path(folder), "ncf_new")
        old = copy_of(arguments.checkout / "ncf_numpy", Path(folder), "ncf_old")
        for factors in arguments.factors:
            for batch in arguments.batches:
                (low, saved, high), us = measure(
                    old, new, factors, batch, arguments.steps, arguments.rounds
                )
                row = {"factors": factors, "batch": batch, "old us": us}
                row |= {"saved us": saved, "from": low, "to": high}
                results.add(row | {"old / new": us / (us - saved)})


if __name__ == "__main__":
    main()
