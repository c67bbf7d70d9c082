"""What README and the pages about the mathematics state in words, held against the code."""

import math
import re

import numpy as np
import pytest
from snippets import ROOT, text_of

from ncf_numpy import Adam, BinaryCrossEntropy, RowAdam, RowGradient

READ_FIRST = ("layers", "losses", "models", "optimizers")


def test_the_reading_order_in_readme_names_each_file_that_the_four_import():
    order = text_of("README.md").split("Then read ")[1]
    places = [order.index(f"core/{name}.py") for name in READ_FIRST]
    assert places == sorted(places)
    for name in READ_FIRST:
        text = (ROOT / "ncf_numpy" / "core" / f"{name}.py").read_text(encoding="utf-8")
        for other in re.findall(r"^from \.(\w+) import", text, re.MULTILINE):
            assert f"core/{other}.py" in order or other == "checks"


def test_the_loss_is_the_mean_of_what_equation_seven_sums():
    rng = np.random.default_rng(0)
    p, y = rng.uniform(0.1, 0.9, 7), np.array([1.0, 0, 0, 1, 1, 0, 1])
    equation_seven = -sum(b * math.log(a) + (1 - b) * math.log(1 - a) for a, b in zip(p, y))
    assert BinaryCrossEntropy().forward(p, y) == pytest.approx(equation_seven / 7, rel=1e-12)


@pytest.mark.parametrize("g", [1e2, 1.0, 1e-2, 1e-6, 1e-8, 1e-12])
def test_the_first_step_of_adam_is_the_formula_of_backprop_md(g):
    W, adam = np.zeros(1), Adam(lr=0.1)
    adam.step([("W", W, np.array([-g]))])
    assert W[0] == pytest.approx(0.1 * g / (g + 1e-8 / math.sqrt(1 - 0.999)), rel=1e-12)
    if g >= 1e-2:  # large against 32 eps
        assert W[0] == pytest.approx(0.1, rel=1e-4)


def test_how_much_more_eps_weighs_here_than_in_pytorch():
    def weight(t):
        return 1 / math.sqrt(1 - 0.999**t)

    assert round(weight(1)) == 32 and round(weight(1000), 2) == 1.26
    assert weight(3000) > 1.02  # for thousands of steps


def test_pytorch_makes_other_steps_where_gradients_are_small_and_not_at_first_only():
    torch = pytest.importorskip("torch", reason="PyTorch is the other form of Adam")
    for g, differ in ((1e-6, True), (1e-2, False)):
        W, adam = np.zeros(1), Adam(lr=0.1)
        theirs = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.Adam([theirs], lr=0.1, eps=1e-8)
        for _ in range(500):
            before, before_theirs = W[0], theirs.item()
            adam.step([("W", W, np.array([g]))])
            theirs.grad = torch.tensor([g], dtype=torch.float64)
            optimizer.step()
        ours, other = W[0] - before, theirs.item() - before_theirs
        # with a constant gradient m = (1 - beta1^t) g and v = (1 - beta2^t) g^2
        expected = 0.1 * g / (g + 1e-8 / math.sqrt(1 - 0.999**500))
        assert -ours == pytest.approx(expected, rel=1e-9)
        assert (abs(ours / other - 1) > 1e-3) == differ


@pytest.mark.parametrize("kind", [Adam, RowAdam])
def test_a_row_that_was_never_read_stands_still_and_one_that_was_moves_on(kind):
    rng = np.random.default_rng(0)
    W = rng.normal(size=(3, 2))
    start = W.copy()
    adam = kind(lr=0.1)
    for step in range(4):
        ids = np.array([0, 1]) if step == 0 else np.array([1])  # row 0 once, row 2 never
        if kind is RowAdam:
            adam.catch_up([("W", W, ids)])
        adam.step([("W", W, RowGradient(ids, np.ones((len(ids), 2)), W.shape))])
        if step == 0 and kind is Adam:
            after_one = W.copy()
    if kind is RowAdam:
        adam.flush()
    else:
        assert (W[0] != after_one[0]).all()
    assert (W[0] != start[0]).all() and np.array_equal(W[2], start[2])


def test_the_tower_of_the_figure_is_that_of_the_authors_code_and_not_of_the_papers_text():
    text = " ".join(text_of("docs/explanation/backprop.md").split())
    lab = (ROOT / "examples" / "error_against_step.py").read_text(encoding="utf-8")
    assert "(64, 32, 16, 8)" in lab and "64, 32, 16, 8" in text
    # the text of He et al. 2017, section 4.1: embeddings of 16, so a concatenation of 32
    assert "32, 16, 8, with embeddings of 16" in text
