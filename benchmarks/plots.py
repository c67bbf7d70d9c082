"""Draw the figures of docs/explanation/performance.md from the CSVs of the benchmarks.

pip install -e '.[plot]' && python benchmarks/plots.py       # into docs/images
"""

import argparse
from pathlib import Path

import machine
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from report import read

IMAGES = machine.RESULTS.parents[1] / "docs" / "images"
NOT_IMPLEMENTATIONS = ("clock", "threads", "factors", "batch", "machine")


def train_step(results):
    """A panel for each f: ms per step against the batch, a line per implementation, one thread."""
    results = results[results["threads"] == results["threads"].min()]
    implementations = [c for c in results if c not in NOT_IMPLEMENTATIONS and "/" not in c]
    groups = list(results.groupby("factors"))
    figure, axes = plt.subplots(
        1, len(groups), figsize=(3.2 * len(groups) + 1.6, 3.4), squeeze=False, layout="constrained"
    )
    for ax, (factors, cells) in zip(axes[0], groups):
        for name in implementations:
            line = {"linewidth": 2.5} if name == "ours RowAdam" else {"linestyle": "--"}
            ax.plot(cells["batch"], cells[name], marker="o", markersize=3, label=name, **line)
        ax.set(title=f"f = {factors}", xlabel="batch", xscale="log", yscale="log")
        ax.set_xticks(cells["batch"], cells["batch"].astype(str))
        ax.set_xticks([], minor=True)
    axes[0, 0].set_ylabel("ms per step")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center")
    return figure


def epoch(results):
    """A bar for each data set, batch and implementation, cut into its three parts."""
    names = [
        f"{row.data}, f = {row.factors}, {row.batch}, {row.implementation}"
        for row in results.itertuples()
    ]
    figure, ax = plt.subplots(figsize=(8, 0.3 * len(names) + 1), layout="constrained")
    left = np.zeros(len(names))
    for part in ("sampling", "training", "evaluation"):
        ax.barh(names, results[part], left=left, label=part)
        left += results[part].to_numpy()
    ax.invert_yaxis()
    ax.set_xlabel("seconds per epoch")
    ax.legend()
    return figure


def scale(results):
    """Cost per interaction and peak memory against the number of interactions."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    n = results["interactions"]
    for part in ("sampling", "training"):
        left.plot(n, results[part] / n * 1e6, marker="o", label=part)
    left.set(xlabel="interactions", ylabel="µs per interaction", xscale="log", ylim=0)
    left.legend()
    right.plot(n, results["peak GB"], marker="o")
    right.set(xlabel="interactions", ylabel="peak memory, GB", xscale="log", ylim=0)
    return figure


def roofline(results):
    """For each f, a step's parts: what they take, and what they must take."""
    groups = list(results.groupby("factors"))
    figure, axes = plt.subplots(
        1, len(groups), figsize=(4 * len(groups), 3), squeeze=False, layout="constrained"
    )
    for ax, (factors, parts) in zip(axes[0], groups):
        x = np.arange(len(parts))
        ax.bar(x - 0.2, parts["ms"], 0.4, label="measured")
        ax.bar(x + 0.2, parts["bound ms"], 0.4, label="bound")
        ax.set_xticks(x, parts["part"])
        ax.set(title=f"f = {factors}, batch {parts['batch'].iloc[0]}", ylabel="ms")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside right center")
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--results", type=Path, default=machine.RESULTS, metavar="DIR")
    parser.add_argument("--images", type=Path, default=IMAGES, metavar="DIR")
    arguments = parser.parse_args()
    arguments.images.mkdir(parents=True, exist_ok=True)
    for draw in (train_step, epoch, scale, roofline):
        results = read(arguments.results, draw.__name__)
        if results is None:
            print(f"no {draw.__name__}.csv, so no {draw.__name__}.png")
            continue
        path = arguments.images / f"{draw.__name__}.png"
        draw(results).savefig(path, dpi=120)
        print(f"drawn: {path}")


if __name__ == "__main__":
    main()
