"""What single ideas save of a training step: each is an edit of a copy of the package.

    python benchmarks/ideas.py

An idea that was kept is undone in the copy; one that was left out is done there. Copy and package
take turns step by step, so that both meet the same speed of the machine, and the processor time of
the thread is counted. Where in memory a model lies is worth as much as a small idea, and stays the
same for its whole life: so each round makes two new models. `saved us` is what a step is faster
by with the idea: the median over rounds, with its interval of 95% confidence. An idea whose
interval holds 0 has not been shown to save anything.
"""

import importlib
import itertools
import math
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import machine
import numpy as np
from train_step import N_BATCHES, N_ITEMS, N_USERS, make_batches

PACKAGE = Path(__file__).parents[1] / "ncf_numpy"


class Idea(NamedTuple):
    """Edits of a file, (before, after) each, that put an idea into the package or take it out."""

    file: str
    kept: bool
    edits: list


IDEAS = {
    "add the bias in place": Idea(
        "core/layers.py",
        False,
        [
            (
                "        self.y = x.dot(self.W) + self.b  # (B, n_in) @ (n_in, n_out) + (n_out,)\n",
                "        self.y = x.dot(self.W)\n        self.y += self.b\n",
            )
        ],
    ),
    "backward of the loss takes the exponential of forward": Idea(
        "core/losses.py",
        False,
        [
            ("np.log1p(np.exp(-np.abs(z)))", "np.log1p(self.e)"),
            ("        self.z = z\n        losses", "        self.z = z\n        E\n        losses"),
            ("        E\n", "        self.e = np.exp(-np.abs(z))\n"),
            ("sigmoid(self.z) -", "np.where(self.z >= 0, 1, self.e) / (1 + self.e) -"),
        ],
    ),
    "first layer's gradient where the row's gradient lies": Idea(
        "core/models.py",
        False,
        [
            (
                """\
            dphi_M = dense.backward(relu.backward(dphi_M))  # (B, n_out) -> (B, n_in)
        D = self.widths[0] // 2
        dp_M, dq_M = dphi_M[:, :D], dphi_M[:, D:]  # (B, D), (B, D)
""",
                """\
            if dense is self.tower[0][0]:
                break
            dphi_M = dense.backward(relu.backward(dphi_M))
        D, dy = self.widths[0] // 2, relu.backward(dphi_M)
        dense.dW = dense.x.T.dot(dy)
        dense.db = np.ones(len(dy), dy.dtype).dot(dy)
        dp, dq = np.empty((2, len(dy), K + D), dy.dtype)
        np.matmul(dy, dense.W[:D].T, out=dp[:, K:])
        np.matmul(dy, dense.W[D:].T, out=dq[:, K:])
""",
            ),
            (
                "        dp_G = dphi_G * self.q_G",
                "        np.multiply(dphi_G, self.q_G, out=dp[:, :K])",
            ),
            (
                "        dq_G = dphi_G * self.p_G",
                "        np.multiply(dphi_G, self.p_G, out=dq[:, :K])",
            ),
            ("np.concatenate([dq_G, dq_M], axis=1)", "dq"),
            ("np.concatenate([dp_G, dp_M], axis=1)", "dp"),
        ],
    ),
    "weights subtracted as one vector (bound)": Idea(
        "training/row_adam.py",
        False,
        [
            (
                "        for W, part in self.others.parts:\n            W -= part\n",
                "        self.others.vector -= move\n",
            ),
            (
                "            self.others = EndToEnd([W for W, _ in arrays])\n",
                "            self.others = EndToEnd([W for W, _ in arrays])\n"
                "            vector = np.concatenate([W for W, _ in arrays], axis=None)\n"
                "            self.others.vector = vector\n",
            ),
        ],
    ),
    "moments below 1e-30 cleared": Idea(
        "training/row_adam.py", True, [("CLEAR_EVERY = 64", "CLEAR_EVERY = 2**62")]
    ),
}


def copy_of(package, folder, name, idea=None):
    """Import a copy of the package, called `name`, from `folder`; with the edits of an idea."""
    shutil.copytree(package, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    if idea is not None:
        path = folder / name / idea.file
        text = path.read_text(encoding="utf-8")
        for before, after in idea.edits:
            if before not in text:
                raise ValueError(f"{idea.file} no longer has the lines of this idea:\n{before}")
            text = text.replace(before, after)
        path.write_text(text, encoding="utf-8")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return importlib.import_module(name)


def implementation(package, factors, batches):
    """step(): the next training step on these batches, by one copy of the package."""
    layers = (8 * factors, 4 * factors, 2 * factors, factors)
    model = package.NeuMF(N_USERS, N_ITEMS, factors, layers, np.random.default_rng(0))
    loss, optimizer = package.BinaryCrossEntropyWithLogits(), package.RowAdam()
    again = itertools.cycle(batches)

    def step():
        package.train_step(model, loss, optimizer, *next(again))

    return step


def measure(one, other, factors, batch, n_steps, rounds):
    """Microseconds a step by which package `one` is slower than the other, and those of the first.

    Of the differences of the rounds: their median, between the two ends of its interval of 95%
    confidence. It holds for any distribution: of n differences, n / 2 +- .98 sqrt(n) in order.
    """
    batches = make_batches(batch, np.random.default_rng(1))
    times = []
    for _ in range(rounds):
        steps = [implementation(package, factors, batches) for package in (one, other)]
        in_turns(steps, n_steps)  # touches the memory of both
        times.append(in_turns(steps, n_steps))
    first, second = np.transpose(times)  # (rounds,) each
    reach = min(50, 98 / math.sqrt(rounds))  # in percent of the rounds
    return np.percentile(first - second, [50 - reach, 50, 50 + reach]), np.median(first)


def in_turns(steps, n_steps):
    """[us, us] a step of each of these two, which take turns step by step."""
    seconds = dict.fromkeys(steps, 0.0)
    for number in range(n_steps):
        for step in steps if number % 2 else reversed(steps):
            start = time.thread_time()
            step()
            seconds[step] += time.thread_time() - start
    return [total / n_steps * 1e6 for total in seconds.values()]


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--factors", type=int, nargs="+", default=[8])
    parser.add_argument("--batches", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--steps", type=int, default=N_BATCHES, help="in a round")
    arguments = parser.parse_args()
    machine.limit_threads(1)
    about = machine.describe()
    print(about)
    results = machine.Results(arguments.results, "ideas", about)
    with tempfile.TemporaryDirectory() as folder:
        base = copy_of(PACKAGE, Path(folder), "ncf_base")
        for number, (name, idea) in enumerate(IDEAS.items()):
            copy = copy_of(PACKAGE, Path(folder), f"ncf_idea_{number}", idea)
            without, with_it = (copy, base) if idea.kept else (base, copy)
            for factors in arguments.factors:
                for batch in arguments.batches:
                    (low, middle, high), us = measure(
                        without, with_it, factors, batch, arguments.steps, arguments.rounds
                    )
                    row = {"idea": name, "factors": factors, "batch": batch, "us": us}
                    row |= {"saved us": middle, "from": low, "to": high}
                    results.add(row | {"verdict": "kept" if idea.kept else "left out"})


if __name__ == "__main__":
    main()
