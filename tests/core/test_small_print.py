"""The small print of the core: defaults, names in messages, what is there before a first batch."""

import contextlib

import numpy as np
import pytest

from ncf_numpy.core.checks import check_ids
from ncf_numpy.core.layers import Bias, Dense, Embedding, ReLU, Sigmoid
from ncf_numpy.core.losses import BPR, BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from ncf_numpy.core.models import GMF, MF, MLP, NeuMF
from ncf_numpy.core.optimizers import SGD, Adagrad, Adam
from ncf_numpy.core.row_gradient import RowGradient


def rng():
    return np.random.default_rng(0)


# What unfolds in a debugger is there from the start


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (Embedding(3, 2, rng()), np.array([0, 2])),
        (Dense(3, 2, rng()), np.ones((2, 3), np.float32)),
        (Bias(), np.ones(2, np.float32)),
        (ReLU(), np.ones(2, np.float32)),
        (Sigmoid(), np.ones(2, np.float32)),
    ],
)
def test_a_layer_has_all_its_attributes_before_the_first_forward(layer, x):
    before = dict(vars(layer))
    layer.backward(np.ones_like(layer.forward(x)))
    filled = {name for name, value in vars(layer).items() if value is not before.get(name)}
    assert set(vars(layer)) == set(before)
    assert all(before[name] is None for name in filled)


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


# Layers


def test_weights_are_float32_unless_told_otherwise():
    layers = Embedding(3, 2, rng()), Dense(3, 2, rng()), Bias()
    models = MF(2, 2, 2, rng()), GMF(2, 2, 2, rng()), MLP(2, 2, (2, 2), rng())
    neumf = NeuMF(2, 2, 2, (2, 2), rng())
    arrays = [entry for part in (*layers, *models, neumf) for entry in part.parameters()]
    assert {W.dtype for _, W, _ in arrays} == {np.dtype(np.float32)}


def test_gradients_of_equal_ids_are_added_in_the_order_of_the_batch():
    # to the last bit: float32 sums depend on their order, and so would a run with a fixed seed
    generator = rng()
    ids = generator.integers(0, 5, 300)
    dy = (generator.normal(size=(300, 3)) * 10.0 ** generator.uniform(-4, 4, (300, 1))).astype("f4")
    expected = np.zeros((5, 3), np.float32)
    for row, g in zip(ids, dy, strict=True):
        expected[row] += g
    gradient = RowGradient(ids, dy, (5, 3))
    assert gradient.rows.tolist() == [0, 1, 2, 3, 4]
    assert gradient.values.tobytes() == gradient.to_dense().tobytes() == expected.tobytes()


@pytest.mark.parametrize(("ids", "bad"), [([0, 7, -1, 9], 7), ([0, -1, 7], -1), ([6, 5], 6)])
def test_the_first_bad_id_is_the_one_named(ids, bad):
    with pytest.raises(IndexError, match=rf"ids must be in \[0, 6\), got {bad}: "):
        check_ids(np.array(ids), 6)


def test_ids_that_are_no_integers_are_shown_the_first_three_of_them():
    with pytest.raises(TypeError, match=r"got float64: \[0\. 1\. 2\.\]$"):
        check_ids(np.arange(5.0), 6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint64])
def test_ids_of_any_integer_type_become_places_that_numpy_takes(dtype):
    # an array of uint64 is refused as an index, sums in uint8 overflow
    ids = check_ids(np.array([0, 200], dtype), 201)
    assert ids.dtype == np.intp
    assert ids.tolist() == [0, 200]


# Models


@pytest.mark.parametrize("name", ["n_users", "n_items", "n_factors"])
def test_every_size_of_every_model_is_checked_and_named(name):
    makers = {
        MF: ("n_users", "n_items", "n_factors"),
        GMF: ("n_users", "n_items", "n_factors"),
        MLP: ("n_users", "n_items"),
        NeuMF: ("n_users", "n_items", "n_factors"),
    }
    for Model, names in makers.items():
        if name in names:
            sizes = {each: 3 for each in names} | {name: 0}
            widths = {} if Model in (MF, GMF) else {"layers": (4, 2)}
            with pytest.raises(
                ValueError, match=f"^{name} must be an integer of at least 1, got 0"
            ):
                Model(**sizes, **widths, rng=rng())


MAKERS = {
    "mf": lambda: MF(3, 4, 2, rng()),
    "gmf": lambda: GMF(3, 4, 2, rng()),
    "mlp": lambda: MLP(3, 4, (4, 2), rng()),
    "neumf": lambda: NeuMF(3, 4, 2, (4, 2), rng()),
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_bad_id_is_said_to_be_a_user_or_an_item(name):
    with pytest.raises(IndexError, match=r"^users must be in \[0, 3\), got 3"):
        MAKERS[name]().forward([3], [0])
    with pytest.raises(IndexError, match=r"^items must be in \[0, 4\), got 4"):
        MAKERS[name]().forward([0], [4])


@pytest.mark.parametrize(
    "model",
    [
        GMF(5, 5, 48, rng()),
        MLP(5, 5, (4, 48), rng()),
        MLP(5, 5, (48,), rng()),
        NeuMF(5, 5, 16, (4, 32), rng()),
        NeuMF(5, 5, 16, (32,), rng()),
    ],
)
def test_the_output_layer_starts_lecun_uniform_in_the_width_it_sees(model):
    # sqrt(3 / 48) = 1/4, of 48 draws; Glorot's limit would be sqrt(6 / 49) = .35
    assert model.output.W.shape == (48, 1)
    assert 0.9 * 0.25 < abs(model.output.W).max() <= 0.25


def test_from_pretrained_weighs_both_branches_alike_by_default():
    gmf, mlp = GMF(3, 4, 2, rng()), MLP(3, 4, (4, 2), rng())
    gmf.output.b[:], mlp.output.b[:] = 3, 5
    assert NeuMF.from_pretrained(gmf, mlp).output.b.tolist() == [4]  # 3 / 2 + 5 / 2
    for alpha in (-0.5, 1.5, float("nan")):
        with pytest.raises(ValueError, match=rf"^alpha must be in \[0, 1\], got {alpha}"):
            NeuMF.from_pretrained(gmf, mlp, alpha)


def test_from_pretrained_wants_both_the_same_users_and_the_same_items():
    gmf = GMF(3, 4, 2, rng())
    for n_users, n_items in [(2, 4), (3, 5)]:
        with pytest.raises(ValueError, match="the same users and items"):
            NeuMF.from_pretrained(gmf, MLP(n_users, n_items, (4, 2), rng()))


@pytest.mark.parametrize("layers", [4, 0, (), (3, 2), (4, 0), ("4",), (4.0,)])
def test_widths_that_are_none_are_refused(layers):
    with pytest.raises(ValueError, match="layers must begin with an even|width must be an int"):
        MLP(3, 4, layers, rng())


# Optimizers


def test_the_defaults_are_those_of_the_papers_and_of_keras():
    assert vars(SGD(0.1)) == {"lr": 0.1, "l2": 0.0}
    assert vars(Adagrad(0.1)) == {"lr": 0.1, "l2": 0.0, "eps": 1e-10, "s": {}}
    adam = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    assert vars(Adam()) == adam | {"t": 0, "m": {}, "v": {}}
