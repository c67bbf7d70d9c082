"""Bayesian personalised ranking: pairs of rows, one item the user has and one not."""

import math

import numpy as np
import pytest
from small_models import builders

from ncf_numpy.core.gradcheck import check_gradients, numerical_gradient, redraw_embeddings
from ncf_numpy.core.layers import RowGradient
from ncf_numpy.core.losses import BPR

MODELS = builders(dtype=np.float64)


def test_by_hand():
    loss, ln3 = BPR(), math.log(3)
    # x = z_pos - z_neg = ln 3 and 0: log(1 + 1/3) + log(1 + 1), over two pairs
    value = loss.forward(np.array([ln3 + 1, 5.0, 1.0, 5.0]), np.array([1.0, 1.0, 0.0, 0.0]))
    assert value == pytest.approx((math.log(4 / 3) + math.log(2)) / 2, rel=1e-14)
    # -sigmoid(-ln 3) / 2 = -1/8 and -sigmoid(0) / 2 = -1/4 for the positives, opposite for the rest
    np.testing.assert_allclose(loss.backward(), [-1 / 8, -1 / 4, 1 / 8, 1 / 4], rtol=1e-14)


def test_the_positive_of_a_pair_may_stand_in_either_half():
    # pair 0: z_pos = 1, z_neg = 1 - ln 3;  pair 1: z_pos = 2 - ln 3, z_neg = 2, so x = -ln 3
    loss, ln3 = BPR(), math.log(3)
    value = loss.forward(np.array([1 - ln3, 2 - ln3, 1.0, 2.0]), np.array([0.0, 1.0, 1.0, 0.0]))
    # log(1 + 1/3) + log(1 + 3)
    assert value == pytest.approx((math.log(4 / 3) + math.log(4)) / 2, rel=1e-14)
    # sigmoid(-x) is 1/4 and 3/4: the positives get -1/8 and -3/8
    np.testing.assert_allclose(loss.backward(), [1 / 8, -3 / 8, -1 / 8, 3 / 8], rtol=1e-14)


@pytest.mark.parametrize("pairs", [1, 2, 5])
def test_the_gradient_is_the_derivative(pairs):
    rng = np.random.default_rng(pairs)
    z, first = rng.normal(size=2 * pairs), rng.integers(0, 2, pairs)
    labels, loss = np.concatenate([first, 1 - first]), BPR()
    loss.forward(-3 * z, 1 - labels)  # another batch first: backward refers to the latest
    loss.forward(z, labels)
    analytic = loss.backward()
    derivatives = numerical_gradient(lambda: loss.forward(z, labels), z)
    np.testing.assert_allclose(analytic, derivatives, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_huge_differences_neither_overflow_nor_lose_their_gradient(dtype):
    loss = BPR()
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        value = loss.forward(np.array([1e4, -1e4, -1e4, 1e4], dtype), np.array([1, 1, 0, 0]))
        dz = loss.backward()
    assert value == 10_000  # x = 2e4 costs nothing, x = -2e4 costs 2e4, over two pairs
    assert type(value) is float
    assert dz.dtype == dtype
    assert dz.tolist() == [0, -0.5, 0, 0.5]


@pytest.mark.parametrize(
    "labels",
    [
        [1, 1, 1, 0],  # pair 0 has two positives
        [0, 1, 0, 0],  # pair 0 has none
        [0.5, 1, 0, 0],
        [1, 0, 0],  # no pairs at all
        [1],
        [1, 1, 0, 0, 0],
    ],
)
def test_labels_that_are_no_pairs_raise(labels):
    with pytest.raises(ValueError, match="one of them needs label 1, one 0"):
        BPR().forward(np.zeros(len(labels)), np.array(labels))


def test_labels_out_of_range_raise():
    with pytest.raises(ValueError, match=r"labels must be in \[0, 1\], got -1.0 to 0.0"):
        BPR().forward(np.zeros(2), np.array([0, -1]))  # their difference alone would pass


def test_backward_before_any_forward_raises():
    with pytest.raises(RuntimeError, match=r"BPR\.backward before any forward"):
        BPR().backward()


@pytest.mark.parametrize("name", MODELS)
def test_every_gradient_of_a_model_is_the_derivative(name):
    rng = np.random.default_rng(0)
    model = MODELS[name](rng)
    redraw_embeddings(model, rng)
    users, items = np.array([3, 1, 3, 3, 1, 3]), np.array([2, 5, 2, 1, 7, 0])
    table = check_gradients(model, BPR(), users, items, np.array([1.0, 1, 1, 0, 0, 0]))
    assert (table.rel_error < 1e-6).all()


@pytest.mark.parametrize("name", ["mf", "gmf"])
def test_what_both_rows_of_a_pair_share_gets_no_gradient(name):
    model, loss = MODELS[name](np.random.default_rng(0)), BPR()
    users, items = np.array([3, 1, 3, 1]), np.array([2, 5, 1, 7])
    loss.forward(model.forward(users, items), np.array([1.0, 1, 0, 0]))
    model.backward(loss.backward())
    gradients = {n: dW for n, _, dW in model.parameters()}
    np.testing.assert_allclose(gradients["output.b"], 0, atol=1e-16)
    if name == "mf":  # the last column of a user's row is its bias
        dW = gradients["user_embedding.W"]
        assert isinstance(dW, RowGradient)
        np.testing.assert_allclose(dW.values[:, -1], 0, atol=1e-16)
        assert dW.values[:, :-1].any()
