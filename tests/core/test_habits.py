"""What people do who come from PyTorch or Keras, and what they are told."""

import numpy as np
import pytest
from small_models import builders

from ncf_numpy import (
    GMF,
    MLP,
    SGD,
    Adagrad,
    Adam,
    Bias,
    BinaryCrossEntropyWithLogits,
    Dense,
    Embedding,
    NeuMF,
    ReLU,
    RowAdam,
    check_gradients,
    check_layer,
    numerical_gradient,
    train_step,
)

USERS, ITEMS = np.array([3, 1, 3]), np.array([2, 5, 2])
LABELS = np.array([1, 0, 1], np.float32)


def make(name, n_users=7):
    return builders(n_users, factors=2, layers=(8, 4))[name](np.random.default_rng(0))


@pytest.mark.parametrize("name", builders())
def test_backward_of_the_loss_instead_of_its_gradient(name):
    model, loss = make(name), BinaryCrossEntropyWithLogits()
    value = loss.forward(model.forward(USERS, ITEMS), LABELS)
    for wrong, got in (
        (value, "float"),
        (np.float32(value), "float32"),
        (loss, "Binary"),
        (None, "None"),
    ):
        with pytest.raises(TypeError, match=rf"loss\.backward\(\).*got {got}"):
            model.backward(wrong)
    with pytest.raises(TypeError, match=r"dlogits \(B,\).*got \(3, 1\)"):
        model.backward(loss.backward()[:, None])


@pytest.mark.parametrize("name", builders())
def test_a_seed_or_a_random_state_instead_of_a_generator(name):
    for rng in (0, np.random.RandomState(0), None):
        with pytest.raises(TypeError, match=r"rng must be .*default_rng\(0\)"):
            builders()[name](rng)


def test_layers_want_a_generator_too():
    with pytest.raises(TypeError, match="rng must be"):
        Dense(2, 3, 0)
    with pytest.raises(TypeError, match="rng must be"):
        Embedding(2, 3, 0)
    with pytest.raises(TypeError, match="rng must be"):
        check_layer(ReLU(), np.ones(3), rng=0)


@pytest.mark.parametrize("optimizer", [Adam, RowAdam, SGD, Adagrad])
def test_an_optimizer_made_with_the_parameters(optimizer):
    with pytest.raises(
        TypeError, match=r"lr must be a number, .*step\(model\.parameters\(\)\)"
    ) as e:
        optimizer(make("mf").parameters())
    assert len(str(e.value)) < 200


def test_a_step_of_the_model_instead_of_its_parameters():
    for wrong, got in ((make("mf"), "MF"), ([np.zeros(3)], "list")):
        with pytest.raises(TypeError, match=rf"step expects model\.parameters\(\).*got {got}"):
            Adam().step(wrong)


@pytest.mark.parametrize("make_optimizer", [Adam, RowAdam, lambda: Adagrad(0.1)])
def test_one_optimizer_for_two_models(make_optimizer):
    optimizer, loss = make_optimizer(), BinaryCrossEntropyWithLogits()
    first, second = make("gmf"), make("gmf", n_users=8)
    train_step(first, loss, optimizer, USERS, ITEMS, LABELS)
    before = [W.copy() for _, W, _ in second.parameters()]
    with pytest.raises(ValueError, match="user_embedding.W.*(each|a|per) model"):
        train_step(second, loss, optimizer, USERS, ITEMS, LABELS)
    assert all(np.array_equal(W, old) for (_, W, _), old in zip(second.parameters(), before))


def test_lists_where_arrays_are_expected():
    with pytest.raises(TypeError, match="prediction must be a NumPy array, got list"):
        BinaryCrossEntropyWithLogits().forward([0.1, 0.2], [1, 0])
    dense = Dense(2, 2, np.random.default_rng(0))
    with pytest.raises(TypeError, match="input of Dense must be a NumPy array, got list"):
        dense.forward([[1.0, 2.0]])
    dense.forward(np.ones((1, 2), np.float32))
    with pytest.raises(TypeError, match=r"dy of Dense\.backward must be a NumPy array, got list"):
        dense.backward([[1.0, 2.0]])
    with pytest.raises(TypeError, match="x must be a NumPy array, got list"):
        check_layer(ReLU(), [1.0, 2.0])


class Double:
    def forward(self, x):
        return 2 * x

    def backward(self, dy):
        return 2 * dy


class Dropout(Double):
    """Drops half of its inputs at random, other ones at every forward."""

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def forward(self, x):
        self.kept = self.rng.random(x.shape) < 0.5
        return x * self.kept

    def backward(self, dy):
        return dy * self.kept

    def parameters(self):
        return []


def test_checking_a_layer_without_parameters():
    with pytest.raises(TypeError, match=r"Double lacks parameters"):
        check_layer(Double(), np.ones((3, 2)))
    with pytest.raises(TypeError, match="the class ReLU"):
        check_layer(ReLU, np.ones(3))


def test_checking_a_layer_with_dropout():
    with pytest.raises(ValueError, match=r"Dropout\.forward gives another output for the same x"):
        check_layer(Dropout(), np.ones((6, 5)))


def test_checking_a_layer_in_float32():
    with pytest.raises(TypeError, match=r"float64, but the layer's output is float32"):
        check_layer(Embedding(4, 3, np.random.default_rng(0)), np.array([1, 2]))
    with pytest.raises(TypeError, match=r"float64, but x is float32.*dtype=np\.float64"):
        check_layer(ReLU(), np.ones((3, 2), np.float32))


def test_checking_a_model_with_a_seed():
    model = NeuMF(7, 9, 2, (8, 4), np.random.default_rng(0), dtype=np.float64)
    with pytest.raises(TypeError, match="rng must be"):
        check_gradients(model, BinaryCrossEntropyWithLogits(), USERS, ITEMS, LABELS, rng=0)


def test_a_single_number_is_no_batch():
    with pytest.raises(ValueError, match=r"Bias expects x as float32 of shape \(B,\)"):
        Bias().forward(np.array(1, np.float32))


def test_one_parameter_among_arrays_is_not_enough():
    W = np.ones(2, np.float32)
    with pytest.raises(TypeError, match="step expects model.parameters"):
        SGD(0.1).step([("W", W, W.copy()), W])


def test_a_float_for_the_size_of_a_layer_was_an_error_in_cython():
    rng = np.random.default_rng(0)
    for make_layer in (
        lambda: Dense(2.0, 3, rng),
        lambda: Dense(2, 3.0, rng),
        lambda: Embedding(3, 0, rng),
        lambda: Embedding(0, 3, rng),
    ):
        with pytest.raises(
            ValueError, match=r"(n_in|n_out|K|n_rows) must be an integer of at least 1, got"
        ):
            make_layer()


@pytest.mark.parametrize("dtype", [int, np.float16, "int32", None])
def test_weights_of_a_dtype_that_rounds_them_to_zero(dtype):
    rng = np.random.default_rng(0)
    for make_layer in (lambda: Dense(2, 3, rng, dtype=dtype), lambda: make_gmf(dtype)):
        with pytest.raises(TypeError, match=r"dtype must be np\.float32 or np\.float64, got"):
            make_layer()


def make_gmf(dtype):
    return GMF(7, 9, 2, np.random.default_rng(0), dtype=dtype)


def test_labels_that_are_no_numbers_were_read_as_if_they_were():
    prediction = np.zeros(2, np.float32)
    for labels, kind in ((["1", "0"], "<U1"), ([1j, 0], "complex128"), (None, "object")):
        with pytest.raises(TypeError, match=f"labels must be numbers, got {kind}"):
            BinaryCrossEntropyWithLogits().forward(prediction, labels)
    for labels in ([True, False], [1, 0]):
        assert BinaryCrossEntropyWithLogits().forward(prediction, labels) == np.float32(np.log(2))


def test_true_for_a_rate_was_a_rate_of_one():
    with pytest.raises(ValueError, match=r"lr must be in \[0, inf\), got True"):
        Adam(True)
    with pytest.raises(ValueError, match="branch_weight must be in .*, got True"):
        NeuMF(7, 9, 2, (8, 4), np.random.default_rng(0), branch_weight=True)


def test_an_empty_list_of_ids_was_called_floats():
    assert make("gmf").forward([], []).shape == (0,)
    model = make_gmf(np.float64)
    with pytest.raises(ValueError, match="B > 0"):
        check_gradients(model, BinaryCrossEntropyWithLogits(), [], [], [])


@pytest.mark.parametrize(
    ("gmf", "mlp", "got"),
    [
        (GMF, MLP, "type and type"),
        ("gmf.npz", "mlp.npz", "str and str"),
        (None, None, "MLP and GMF"),
    ],
)
def test_pretrained_models_that_are_none_or_in_the_wrong_order(gmf, mlp, got):
    gmf, mlp = (make("mlp"), make("gmf")) if gmf is None else (gmf, mlp)
    with pytest.raises(TypeError, match=f"a GMF and then an MLP, got {got}"):
        NeuMF.from_pretrained(gmf, mlp)


def test_a_gmf_twice_has_no_tower():
    with pytest.raises(TypeError, match="a GMF and then an MLP, got GMF and GMF"):
        NeuMF.from_pretrained(make("gmf"), make("gmf"))


def test_pretrained_models_of_two_dtypes_lost_digits():
    with pytest.raises(ValueError, match="one dtype, got float64, float32"):
        NeuMF.from_pretrained(make_gmf(np.float64), make("mlp"))
    with pytest.raises(ValueError, match=r"alpha must be in \[0, 1\], got '0.5'"):
        NeuMF.from_pretrained(make("gmf"), make("mlp"), alpha="0.5")


def test_checking_a_class_or_in_the_wrong_order():
    model, loss = make_gmf(np.float64), BinaryCrossEntropyWithLogits()
    for wrong, got in (
        (GMF, "the class GMF"),
        (loss, "lacks parameters"),
        (USERS, "ndarray lacks"),
    ):
        with pytest.raises(TypeError, match=f"model: expected an object with forward.*{got}"):
            check_gradients(wrong, loss, USERS, ITEMS, LABELS)
    for wrong, got in ((type(loss), "the class Binary"), (USERS, "ndarray lacks forward")):
        with pytest.raises(TypeError, match=f"loss: expected an object with forward.*{got}"):
            check_gradients(model, wrong, USERS, ITEMS, LABELS)


@pytest.mark.parametrize("x", [np.ones((0, 2)), np.full((3, 2), np.nan)])
def test_a_check_of_no_numbers_found_nothing_wrong(x):
    with pytest.raises(ValueError, match="x must be finite numbers, at least one; got float64 of"):
        check_layer(ReLU(), x)


def test_a_loss_that_is_an_array_was_an_error_in_numpy():
    with pytest.raises(TypeError, match=r"f\(\) must return one number"):
        numerical_gradient(lambda: np.ones(2), np.ones(2))
    with pytest.raises(TypeError, match="x must be a NumPy array, got list"):
        numerical_gradient(lambda: 1.0, [1.0])
