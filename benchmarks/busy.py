"""Microseconds a training step beside a busy process: one BLAS thread, or OpenBLAS's choice.

    python benchmarks/busy.py

*default* is what `fit` does, one BLAS thread; *unlimited* lets OpenBLAS start one a core. Both run
in a process without limits from outside, first with the machine as it is, then beside one process
that computes without end. They take turns, and medians of the time that passes are reported. *loop*
is Python alone: what the machine itself loses to a busy process, for the two cores of a virtual
machine may share more than they say. Where others use it as well, "alone" is not alone.
"""

import os
import statistics
import subprocess
import sys
import time

import machine
import numpy as np
from train_step import N_ITEMS, N_USERS, make_batches

from ncf_numpy import BinaryCrossEntropyWithLogits, NeuMF, RowAdam, train_step
from ncf_numpy.training.blas_threads import blas_threads

BUSY = "while True: pass"
PAUSE = 0.2  # seconds: OpenBLAS's threads go on spinning for a while after the last product


def implementation(factors, batch_size):
    """run(n_steps) of NeuMF."""
    layers = (8 * factors, 4 * factors, 2 * factors, factors)
    model = NeuMF(N_USERS, N_ITEMS, factors, layers, np.random.default_rng(0))
    loss, optimizer = BinaryCrossEntropyWithLogits(), RowAdam()
    batches = make_batches(batch_size, np.random.default_rng(1))

    def run(n_steps):
        for users, items, labels in batches[:n_steps]:
            train_step(model, loss, optimizer, users, items, labels)

    return run


def measure(runs, n_steps, rounds):
    """{name: us a step}, taking turns; runs: {name: (run(n_steps), the number of BLAS threads)}."""
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, (run, threads) in runs.items():
            with blas_threads(threads):
                time.sleep(PAUSE)
                start = time.perf_counter()
                run(n_steps)
                times[name].append((time.perf_counter() - start) / n_steps * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}


def loop(n_steps):
    """What the table compares with: as many "steps" of a loop in Python."""
    for _ in range(20_000 * n_steps):
        pass


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--factors", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--batches", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    machine.limit_threads(None)
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    about = machine.describe()
    print(about)
    results = machine.Results(arguments.results, "busy", about)
    for factors in arguments.factors:
        for batch in arguments.batches:
            run = implementation(factors, batch)
            run(arguments.steps)
            runs = {"default": (run, 1), "unlimited": (run, threads), "loop": (loop, 1)}
            idle = measure(runs, arguments.steps, arguments.rounds)
            other = subprocess.Popen([sys.executable, "-c", BUSY])
            try:
                busy = measure(runs, arguments.steps, arguments.rounds)
            finally:
                other.kill()
                other.wait()
            for name in idle:
                row = {"factors": factors, "batch": batch, "BLAS threads": name}
                row |= {"us alone": idle[name], "us beside a busy process": busy[name]}
                results.add(row | {"busy / alone": busy[name] / idle[name]})


if __name__ == "__main__":
    main()
