"""How wrong is a difference quotient? Plots its error against the step, and the kinks it crosses.

    python examples/error_against_step.py            # needs matplotlib

Writes docs/images/error_against_step.svg, the figure of docs/explanation/backprop.md.
"""

import sys
from pathlib import Path

import numpy as np

from ncf_numpy import BinaryCrossEntropyWithLogits, NeuMF, plots
from ncf_numpy.core.gradcheck import STEP, redraw_embeddings
from ncf_numpy.learn import step_error
from ncf_numpy.learn.step_error import STEPS

USERS = np.array([3, 1, 3, 0, 2, 1])  # (B,)
ITEMS = np.array([2, 5, 2, 1, 5, 0])  # (B,)
LABELS = np.array([1, 0, 1, 0, 0, 1])  # (B,)
IMAGE = Path(__file__).parents[1] / "docs" / "images" / "error_against_step.svg"


def make_model(std, dtype=np.float64):
    """NeuMF as in the paper, with embeddings from N(0, std^2)."""
    rng = np.random.default_rng(0)
    model = NeuMF(7, 9, 8, (64, 32, 16, 8), rng, dtype=dtype)
    redraw_embeddings(model, rng, std)
    return model


def measure(model, steps=STEPS, n_entries=20):
    """`step_error.measure` on a batch in which users and items repeat."""
    loss = BinaryCrossEntropyWithLogits()
    return step_error.measure(model, loss, USERS, ITEMS, LABELS, steps, n_entries)


def plot(path):
    double, single = (measure(make_model(1.0, dtype)) for dtype in (np.float64, np.float32))
    paper = measure(make_model(0.01))
    errors = {
        "central, float64": double["central"],
        "central, float32": single["central"],
        "one-sided, float64": double["forward"],
    }
    kinks = {"0.01, the paper's": paper["kinks"], "1, the checker's": double["kinks"]}
    path.parent.mkdir(parents=True, exist_ok=True)
    with plots.style():
        left, right = plots.panels(2, width=5, height=4)
        plots.error_against_step(STEPS, errors, axes=left, label="median relative error")
        left.set_title("Error of a difference quotient")
        for (std, share), (colour, marker, dash) in zip(kinks.items(), plots.LINES):
            right.semilogx(STEPS, 100 * share, dash, c=colour, marker=marker, label=std)
        right.axvline(STEP, color=plots.GREY, linestyle=":", linewidth=1.2)
        right.set(title="Entries whose step crosses a ReLU kink")
        right.set(xlabel="step h of the difference quotient", ylabel="per cent")
        right.grid()
        right.legend(title="std of the embeddings")
    plots.finish(right.figure, path)
    print(f"wrote {path}")


def main():
    try:
        plot(IMAGE)
    except (OSError, ImportError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
