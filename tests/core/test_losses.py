import contextlib
import math

import numpy as np
import pytest

from ncf_numpy.core.gradcheck import numerical_gradient
from ncf_numpy.core.layers import Sigmoid
from ncf_numpy.core.losses import BPR, BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from ncf_numpy.core.models import GMF, MF, MLP, NeuMF

LOSSES = [BinaryCrossEntropy, BinaryCrossEntropyWithLogits]
DTYPES = [np.float32, np.float64]


def test_binary_cross_entropy_by_hand():
    loss = BinaryCrossEntropy()
    # -(ln 3/4 + ln 1/2) / 2 = ln(8/3) / 2
    value = loss.forward(np.array([0.75, 0.5]), np.array([1.0, 0.0]))
    assert value == pytest.approx(math.log(8 / 3) / 2, rel=1e-14)
    # (3/4 - 1) / (3/16) / 2 = -2/3 and (1/2 - 0) / (1/4) / 2 = 1
    np.testing.assert_allclose(loss.backward(), [-2 / 3, 1], rtol=1e-14)


def test_binary_cross_entropy_with_logits_by_hand():
    loss = BinaryCrossEntropyWithLogits()
    # sigmoid(ln 3) = 3/4, sigmoid(0) = 1/2: the same probabilities as above, the same value
    value = loss.forward(np.array([math.log(3), 0.0]), np.array([1.0, 0.0]))
    assert value == pytest.approx(math.log(8 / 3) / 2, rel=1e-14)
    # (3/4 - 1) / 2 and (1/2 - 0) / 2
    np.testing.assert_allclose(loss.backward(), [-1 / 8, 1 / 4], rtol=1e-14)


def test_labels_between_zero_and_one_are_mixed():
    # at p = 1/2 any label costs ln 2, and a label of 1/2 pulls nowhere
    loss = BinaryCrossEntropyWithLogits()
    assert loss.forward(np.zeros(3), np.array([0.0, 0.5, 1.0])) == pytest.approx(math.log(2))
    np.testing.assert_allclose(loss.backward(), [1 / 6, 0, -1 / 6])


@pytest.mark.parametrize("dtype", DTYPES)
def test_probabilities_of_zero_and_one_cost_at_most_log_eps(dtype):
    loss, eps = BinaryCrossEntropy(), float(np.finfo(dtype).eps)
    wrong = loss.forward(np.array([0, 1], dtype), np.array([1, 0]))
    assert wrong == pytest.approx(-math.log(eps), rel=1e-6)
    # p is taken as eps: (eps - 1) / (eps (1 - eps)) / 2 = -1 / (2 eps)
    np.testing.assert_allclose(loss.backward(), [-0.5 / eps, 0.5 / eps], rtol=1e-6)
    right = loss.forward(np.array([0, 1], dtype), np.array([0, 1]))
    assert right == pytest.approx(eps, rel=1e-6)  # -log(1 - eps)
    np.testing.assert_allclose(loss.backward(), [0.5, -0.5], rtol=1e-6)


def test_a_tiny_loss_keeps_its_digits():
    # -log(1 - 1e-12) = 1e-12 + 5e-25; 1 - 1e-12, once rounded, is wrong in the fifth digit
    value = BinaryCrossEntropy().forward(np.array([1e-12]), np.array([0.0]))
    assert value == pytest.approx(1e-12, rel=1e-9, abs=0)
    value = BinaryCrossEntropyWithLogits().forward(np.array([math.log(1e-12)]), np.array([0.0]))
    assert value == pytest.approx(1e-12, rel=1e-9, abs=0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_huge_logits_neither_overflow_nor_lose_their_gradient(dtype):
    loss = BinaryCrossEntropyWithLogits()
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        value = loss.forward(np.array([1e4, -1e4, 1e4, -1e4], dtype), np.array([0, 1, 1, 0]))
        dz = loss.backward()
    assert value == 5000  # the wrong two cost 10^4 each, the right two nothing
    assert dz.tolist() == [0.25, -0.25, 0, 0]


def test_at_logit_zero_the_gradient_is_half():
    # max(z, 0) and |z| both have a kink there; their sum has none
    loss = BinaryCrossEntropyWithLogits()
    loss.forward(np.zeros(2), np.array([0.0, 1.0]))
    assert loss.backward().tolist() == [0.25, -0.25]
    loss.forward(np.array([1e-9, -1e-9]), np.array([0.0, 1.0]))
    np.testing.assert_allclose(loss.backward(), [0.25, -0.25], rtol=1e-8)


def test_sigmoid_then_cross_entropy_is_the_fused_loss():
    rng = np.random.default_rng(0)
    z, y = rng.uniform(-8, 8, 200), rng.integers(0, 2, 200).astype(float)
    sigmoid, plain, fused = Sigmoid(), BinaryCrossEntropy(), BinaryCrossEntropyWithLogits()
    assert plain.forward(sigmoid.forward(z), y) == pytest.approx(fused.forward(z, y), rel=1e-12)
    np.testing.assert_allclose(sigmoid.backward(plain.backward()), fused.backward(), rtol=1e-12)


def test_a_saturated_sigmoid_is_the_dead_end_the_fused_loss_has_not():
    z, y = np.array([-800.0]), np.array([1.0])
    sigmoid, plain, fused = Sigmoid(), BinaryCrossEntropy(), BinaryCrossEntropyWithLogits()
    plain.forward(sigmoid.forward(z), y)
    assert sigmoid.backward(plain.backward()).tolist() == [0]
    fused.forward(z, y)
    assert fused.backward().tolist() == [-1]


@pytest.mark.parametrize("Loss", LOSSES)
@pytest.mark.parametrize("B", [1, 2, 7])
def test_the_gradient_is_the_derivative(Loss, B):
    rng = np.random.default_rng(B)
    prediction, labels = rng.uniform(0.1, 0.9, B), rng.uniform(0, 1, B)
    loss = Loss()
    loss.forward(prediction[::-1], 1 - labels)  # another batch first: backward refers to the latest
    loss.forward(prediction, labels)
    analytic = loss.backward()
    derivatives = numerical_gradient(lambda: loss.forward(prediction, labels), prediction)
    np.testing.assert_allclose(analytic, derivatives, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("Loss", LOSSES)
def test_backward_writes_into_neither_prediction_nor_labels_and_can_be_repeated(Loss):
    p, y = np.array([0.2, 0.9]), np.array([0.0, 1.0])
    p.setflags(write=False)
    y.setflags(write=False)
    loss = Loss()
    loss.forward(p, y)
    np.testing.assert_array_equal(loss.backward(), loss.backward())


@pytest.mark.parametrize("Loss", LOSSES)
def test_float32_stays_float32_even_with_float64_labels(Loss):
    loss = Loss()
    value = loss.forward(np.array([0.2, 0.9], np.float32), np.array([0.0, 1.0]))
    assert type(value) is float
    assert loss.backward().dtype == np.float32


@pytest.mark.parametrize("Loss", LOSSES)
def test_labels_may_be_integers_booleans_or_a_list(Loss):
    p = np.array([0.2, 0.9])
    value = Loss().forward(p, np.array([0.0, 1.0]))
    for labels in ([0, 1], np.array([0, 1], np.int8), np.array([False, True])):
        assert Loss().forward(p, labels) == value


@pytest.mark.parametrize("Loss", LOSSES)
@pytest.mark.parametrize(
    ("prediction", "labels", "message"),
    [
        (np.full(3, 0.5), np.zeros((3, 1)), r"shape \(B,\), B > 0, got \(3,\) and \(3, 1\)"),
        (np.full((3, 1), 0.5), np.zeros(3), r"got \(3, 1\) and \(3,\)"),
        (np.full((3, 1), 0.5), np.zeros((3, 1)), r"got \(3, 1\) and \(3, 1\)"),
        (np.full(3, 0.5), np.zeros(1), r"got \(3,\) and \(1,\)"),
        (np.full(3, 0.5), 0.0, r"got \(3,\) and \(\)"),
        (np.empty(0), np.empty(0), r"got \(0,\) and \(0,\)"),
        (np.full(3, 0.5), np.array([0, 2, 1]), r"labels must be in \[0, 1\], got 0.0 to 2.0"),
        (np.full(3, 0.5), np.array([-1, 1, 1]), r"labels must be in \[0, 1\], got -1.0 to 1.0"),
        (np.full(3, 0.5), np.array([0, np.nan, 1]), r"labels must be in \[0, 1\], got nan"),
    ],
)
def test_labels_that_would_broadcast_or_are_no_labels_raise(Loss, prediction, labels, message):
    with pytest.raises(ValueError, match=message):
        Loss().forward(prediction, labels)


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_probabilities_that_are_none_raise(p):
    with pytest.raises(ValueError, match=rf"probabilities must be in \[0, 1\], got .*{p}"):
        BinaryCrossEntropy().forward(np.array([p, 0.5]), np.array([0, 1]))


@pytest.mark.parametrize("Loss", LOSSES)
def test_backward_before_any_forward_raises(Loss):
    with pytest.raises(RuntimeError, match=rf"{Loss.__name__}\.backward before any forward"):
        Loss().backward()


@pytest.mark.parametrize("name", ["mf", "gmf", "mlp", "neumf"])
def test_repeating_the_batch_changes_neither_the_loss_nor_any_gradient(name):
    # the mean is taken once, in the loss: twice, never, or for some parameters only shows here
    rng = np.random.default_rng(0)
    model = {
        "mf": lambda: MF(7, 9, 4, rng, dtype=np.float64),
        "gmf": lambda: GMF(7, 9, 4, rng, dtype=np.float64),
        "mlp": lambda: MLP(7, 9, (8, 6, 4), rng, dtype=np.float64),
        "neumf": lambda: NeuMF(7, 9, 4, (8, 6, 4), rng, dtype=np.float64),
    }[name]()
    loss = BinaryCrossEntropyWithLogits()
    users, items = rng.integers(0, 7, 6), rng.integers(0, 9, 6)
    labels = np.array([1.0, 0, 1, 0, 0, 1])

    def value_and_gradients(times):
        value = loss.forward(
            model.forward(np.tile(users, times), np.tile(items, times)), np.tile(labels, times)
        )
        model.backward(loss.backward())
        arrays = [dW.to_dense() if hasattr(dW, "rows") else dW for *_, dW in model.parameters()]
        return value, arrays

    once, gradients = value_and_gradients(1)
    thrice, same = value_and_gradients(3)
    assert thrice == pytest.approx(once, rel=1e-14)
    for a, b in zip(gradients, same, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-16)


# What is refused, and what is there before the first batch


@pytest.mark.parametrize("Loss", [BinaryCrossEntropy, BinaryCrossEntropyWithLogits, BPR])
def test_a_loss_has_all_its_attributes_before_the_first_forward(Loss):
    loss = Loss()
    before = dict(vars(loss))
    loss.forward(np.full(2, 0.5), np.array([1, 0]))
    assert set(vars(loss)) == set(before)
    assert set(before.values()) == {None}


def test_logits_that_are_integers_are_refused_or_leave_the_labels_whole():
    with contextlib.suppress(TypeError, ValueError):
        value = BinaryCrossEntropyWithLogits().forward(np.array([2]), [0.5])
        assert value == pytest.approx(np.log1p(np.exp(-2.0)) + 1)  # ... + 2 - 2 * 1/2
