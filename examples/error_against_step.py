"""How wrong is a difference quotient? Plots its error against the step, and the kinks it crosses.

    python examples/error_against_step.py            # needs matplotlib

Writes docs/images/error_against_step.svg, the figure of docs/backprop.md.
"""

import sys
from pathlib import Path

import numpy as np

from ncf_numpy import BinaryCrossEntropyWithLogits, NeuMF
from ncf_numpy.gradcheck import redraw_embeddings

USERS = np.array([3, 1, 3, 0, 2, 1])  # (B,)
ITEMS = np.array([2, 5, 2, 1, 5, 0])  # (B,)
LABELS = np.array([1, 0, 1, 0, 0, 1])  # (B,)
STEPS = 10.0 ** np.arange(-12, -0.9, 0.5)
IMAGE = Path(__file__).parents[1] / "docs" / "images" / "error_against_step.svg"


def make_model(std, dtype=np.float64):
    """NeuMF as in the paper, with embeddings from N(0, std^2)."""
    rng = np.random.default_rng(0)
    model = NeuMF(7, 9, 8, (64, 32, 16, 8), rng, dtype=dtype)
    redraw_embeddings(model, rng, std)
    return model


def measure(model, steps=STEPS, n_entries=200):
    """Errors of difference quotients at random entries of the dense layers and read table rows.

    -> {"central", "forward", "kinks"}, each (steps,): the median relative error of a difference
    to both sides and to one, over entries whose step crosses no kink, and the share that does.
    """
    loss, rng = BinaryCrossEntropyWithLogits(), np.random.default_rng(1)

    def value():
        return loss.forward(model.forward(USERS, ITEMS), LABELS)

    def gates():
        return np.concatenate([(relu.x > 0).reshape(-1) for _, relu in model.tower])

    middle, before = value(), gates()
    model.backward(loss.backward())
    read = {"user_embedding.W": np.unique(USERS), "item_embedding.W": np.unique(ITEMS)}
    entries = []
    for name, W, dW in model.parameters():
        dense = dW.to_dense() if name in read else dW
        cells = np.arange(W.size).reshape(W.shape)[read.get(name, slice(None))].reshape(-1)
        for cell in rng.choice(cells, min(len(cells), n_entries // 10), replace=False):
            index = np.unravel_index(cell, W.shape)
            if dense[index] != 0:
                entries.append((W, index, float(dense[index])))
    errors = {"central": [], "forward": [], "kinks": []}
    for step in steps:
        central, forward, kinks = [], [], 0
        for W, index, slope in entries:
            weight = W[index]
            W[index] = weight + step
            plus, crossed = value(), (gates() != before).any()
            W[index] = weight - step
            minus, crossed = value(), crossed or (gates() != before).any()
            W[index] = weight
            kinks += crossed
            if not crossed:
                central.append(abs((plus - minus) / (2 * step) / slope - 1))
                forward.append(abs((plus - middle) / step / slope - 1))
        errors["central"].append(np.median(central) if central else np.nan)
        errors["forward"].append(np.median(forward) if forward else np.nan)
        errors["kinks"].append(kinks / len(entries))
    return {name: np.array(values) for name, values in errors.items()}


def plot(path):
    try:
        import matplotlib
    except ImportError:
        sys.exit("the plot needs matplotlib: pip install matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "ncf", "font.size": 10, "axes.axisbelow": True})
    import matplotlib.pyplot as plt

    double, single = (measure(make_model(1.0, dtype)) for dtype in (np.float64, np.float32))
    paper = measure(make_model(0.01))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.loglog(STEPS, single["central"], "s-", color="#c2571a", label="central, float32")
    left.loglog(STEPS, double["forward"], "^-", color="#8a8a8a", label="one-sided, float64")
    left.loglog(STEPS, double["central"], "o-", color="#1f5fa8", label="central, float64")
    left.set(title="Error of a difference quotient", ylabel="median relative error")
    left.legend(loc="lower left", frameon=False)
    right.semilogx(
        STEPS, 100 * paper["kinks"], "o-", color="#7a3a9a", label="std 0.01, the paper's"
    )
    right.semilogx(
        STEPS, 100 * double["kinks"], "s-", color="#2a8a4a", label="std 1, the checker's"
    )
    right.set(title="Entries whose step crosses a ReLU kink", ylabel="per cent")
    right.legend(loc="upper left", title="embeddings", frameon=False)
    for axes in (left, right):
        axes.axvline(1e-5, color="black", linewidth=0.8, linestyle=":")
        axes.annotate(
            "the step of gradcheck.py",
            (1e-5, 0.5),
            (4, 0),
            rotation=90,
            va="center",
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            fontsize=8,
        )
        axes.set_xlabel("step h")
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None}, facecolor="white")
    print(f"wrote {path}")


if __name__ == "__main__":
    plot(IMAGE)
