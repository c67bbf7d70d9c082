"""The ends of every range: huge logits, batches of one and a million, the smallest sizes, lr 0.

tests/conftest.py turns every overflow, division by zero and invalid operation into an exception.
"""

import math
from functools import partial

import numpy as np
import pytest
from small_models import builders, taken_by

from ncf_numpy import (
    GMF,
    SGD,
    Adagrad,
    Adam,
    BinaryCrossEntropy,
    BinaryCrossEntropyWithLogits,
    NeuMF,
    RowAdam,
    RowGradient,
    fit,
    train_step,
)
from ncf_numpy.core.losses import BPR
from ncf_numpy.datasets import Interactions, Split
from ncf_numpy.recommender.recommender import Recommender


def small(name, n, m, *, factors=4, layers=(8, 4), **how):
    return builders(n, m, factors=factors, layers=layers, **how)[name](np.random.default_rng(0))


MODELS = {name: partial(small, name) for name in builders()} | {
    "neumf, alpha": lambda n, m: NeuMF(
        n, m, 4, (8, 4), np.random.default_rng(0), branch_weight=np.float64(0.3)
    ),
}
SMALLEST = {
    name: partial(small, name, factors=1, layers=(2,))  # a tower without hidden layers
    for name in builders()
} | {
    "neumf, tower of one": lambda n, m: NeuMF(n, m, 1, (2, 1), np.random.default_rng(0)),
}
OPTIMIZERS = {
    "sgd": lambda lr: SGD(lr, l2=1e-3),
    "adagrad": lambda lr: Adagrad(lr, l2=1e-3),
    "adam": Adam,
    "row adam": RowAdam,
    "lazy": lambda lr: RowAdam(lr, lazy=True),
}
USERS, ITEMS = np.array([0, 2, 2, 1]), np.array([3, 0, 3, 1])
FOUR = tuple(builders())


def interactions(pairs, n_users, n_items):
    users, items = np.array(pairs).T
    return Interactions(users, items, np.arange(n_users), np.arange(n_items))


def weights(model):
    return [W.copy() for _, W, _ in model.parameters()]


def gradients(model):
    arrays = [(name, dW) for name, _, dW in model.parameters()]
    return {n: dW.to_dense() if isinstance(dW, RowGradient) else dW for n, dW in arrays}


def test_an_overflow_anywhere_is_an_exception():
    for operation in (
        lambda: np.exp(np.array([1e4])),
        lambda: np.ones(1) / np.zeros(1),
        lambda: np.log(np.array([-1.0])),
        lambda: np.float32(1e38) * np.float32(10),
    ):
        with pytest.raises(FloatingPointError):
            operation()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FOUR)
@pytest.mark.parametrize("sign", [1, -1])
def test_logits_of_ten_thousand_through_a_whole_model(name, dtype, sign):
    model, loss = MODELS[name](3, 4, dtype=dtype), BinaryCrossEntropyWithLogits()
    model.output.b[:] = sign * 1e4
    labels = np.array([1, 0, 0, 1], dtype)
    probabilities = model.predict(USERS, ITEMS)
    assert probabilities.tolist() == [(sign + 1) / 2] * 4
    # two of the four labels are wrong and cost 10^4 each, the other two nothing
    assert loss.forward(model.forward(USERS, ITEMS), labels) == pytest.approx(5000, rel=1e-4)
    dlogits = loss.backward()
    # p - y is +-1 where wrong and 0 where right
    assert dlogits.tolist() == ([0, 0.25, 0.25, 0] if sign > 0 else [-0.25, 0, 0, -0.25])
    model.backward(dlogits)
    assert all(np.isfinite(g).all() for g in gradients(model).values())
    assert gradients(model)["output.b"].tolist() == [sign * 0.5]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", FOUR)
def test_training_comes_back_from_logits_of_ten_thousand(name, optimizer):
    model, loss = MODELS[name](3, 4), BinaryCrossEntropyWithLogits()
    model.output.b[:] = -1e4
    step, labels = OPTIMIZERS[optimizer](100.0), np.ones(4, np.float32)
    values = [train_step(model, loss, step, USERS, ITEMS, labels) for _ in range(3)]
    assert np.isfinite(values).all()
    assert all(np.isfinite(W).all() for W in weights(model))
    assert model.output.b[0] > -1e4 + 50  # a gradient of -1, not one lost in saturation


# A sum of n numbers, added one by one, is off by n u at the very most and by some sqrt(n) u as a
# rule; u is half a unit in the last place, 6e-8 in float32. A user has 20,000 of a million rows.
@pytest.mark.parametrize(
    ("name", "dtype", "bound"),
    [("mf", np.float32, 1e-3), ("neumf", np.float32, 1e-3), ("neumf", np.float64, 1e-11)],
)
def test_a_batch_of_a_million_has_the_gradients_of_its_thousand_distinct_rows(name, dtype, bound):
    rng = np.random.default_rng(0)
    model, loss = MODELS[name](50, 60, dtype=dtype), BinaryCrossEntropyWithLogits()
    for _, W, _ in model.parameters():
        W[:] = rng.normal(0, 0.5, W.shape)
    pairs, labels = rng.integers(0, 3000, 1000), (rng.random(1000) < 0.3).astype(dtype)

    def run(times):
        rows, y = np.tile(pairs, times), np.tile(labels, times)
        value = loss.forward(model.forward(rows // 60, rows % 60), y)
        model.backward(loss.backward())
        return value, gradients(model)

    (value, few), (same, many) = run(1), run(1000)
    assert same == pytest.approx(value, rel=bound / 100)
    for array, g in few.items():
        np.testing.assert_allclose(many[array], g, rtol=0, atol=bound * abs(g).max())


def test_a_million_rows_of_one_user_sum_within_the_bound_of_float32():
    model, n = GMF(1, 1, 3, np.random.default_rng(0)), 10**6
    for _, W, _ in model.parameters():
        W[:] = 1
    model.forward(np.zeros(n, np.intp), np.zeros(n, np.intp))
    model.backward(np.full(n, 1 / n, np.float32))
    # n times 1/n * q * h = 1. Equal terms round alike for long, so the drift is near its bound n u.
    np.testing.assert_allclose(model.user_embedding.dW.values, 1, rtol=n * 6e-8)
    np.testing.assert_allclose(model.output.dW, 1, rtol=n * 6e-8)


@pytest.mark.parametrize("name", [*MODELS, *(f"smallest {name}" for name in SMALLEST)])
def test_one_user_one_item_one_row(name):
    make = SMALLEST[name[9:]] if name.startswith("smallest") else MODELS[name]
    model, loss, optimizer = make(1, 1), BinaryCrossEntropyWithLogits(), RowAdam(0.05)
    row, one = np.zeros(1, np.intp), np.ones(1, np.float32)
    values = [train_step(model, loss, optimizer, row, row, one) for _ in range(200)]
    assert values[0] == pytest.approx(math.log(2), abs=0.01)
    assert values[-1] < 0.05
    assert model.predict(row, row).shape == (1,)


@pytest.mark.parametrize("name", SMALLEST)
def test_fit_with_one_user_who_has_the_one_item(name):
    train = interactions([(0, 0)], 1, 1)  # nothing is left to draw as a negative: all labels are 1
    model = SMALLEST[name](1, 1)
    history = fit(model, Split(train, None, None, ""), np.random.default_rng(0), epochs=5)
    assert history["loss"].is_monotonic_decreasing
    assert all(np.isfinite(W).all() for W in weights(model))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", MODELS)
def test_labels_that_are_all_positive_go_to_loss_zero_and_no_further(name, optimizer):
    model, loss = MODELS[name](3, 4), BinaryCrossEntropyWithLogits()
    step, labels = OPTIMIZERS[optimizer](0.1), np.ones(4, np.float32)
    values = [train_step(model, loss, step, USERS, ITEMS, labels) for _ in range(600)]
    if isinstance(step, RowAdam):
        step.flush()
    assert values[-1] < 0.1 < values[0]
    assert min(values) >= 0
    assert all(np.isfinite(W).all() for W in weights(model))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", MODELS)
def test_a_learning_rate_of_zero_changes_no_bit(name, optimizer):
    model, loss, step = MODELS[name](3, 4), BinaryCrossEntropyWithLogits(), OPTIMIZERS[optimizer](0)
    before, labels = weights(model), np.array([1, 0, 0, 1], np.float32)
    for _ in range(5):
        train_step(model, loss, step, USERS, ITEMS, labels)
    if isinstance(step, RowAdam):
        step.flush()
    for W, old in zip(weights(model), before, strict=True):
        assert W.tobytes() == old.tobytes()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_gradients_of_zero_divide_nothing_by_zero(optimizer):
    model, step = MODELS["neumf"](3, 4), OPTIMIZERS[optimizer](0.1)
    for _ in range(3):
        if isinstance(step, RowAdam):
            step.catch_up(model.lookups(USERS, ITEMS))
        model.forward(USERS, ITEMS)
        model.backward(np.zeros(4, np.float32))
        step.step(model.parameters())
    assert all(np.isfinite(W).all() for W in weights(model))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("Loss", [BinaryCrossEntropyWithLogits, BinaryCrossEntropy, BPR])
@pytest.mark.parametrize("name", MODELS)
def test_float32_stays_float32_in_model_loss_and_optimizer(name, Loss, optimizer):
    model, loss = MODELS[name](3, 4), Loss()
    step = OPTIMIZERS[optimizer](np.float64(0.1))  # NumPy 2 would promote, were it kept as it is
    labels = np.array([1, 1, 0, 0])
    for _ in range(2):
        if isinstance(step, RowAdam):
            step.catch_up(model.lookups(USERS, ITEMS))
        if Loss is BinaryCrossEntropy:
            prediction, back = model.predict(USERS, ITEMS), model.sigmoid.backward
        else:
            prediction, back = model.forward(USERS, ITEMS), lambda dlogits: dlogits
        assert type(loss.forward(prediction, labels)) is float
        model.backward(back(loss.backward()))
        step.step(model.parameters())
    seen = [prediction, loss.backward(), *weights(model), *gradients(model).values()]
    seen += [layer.y for _, layer in model.layers()]
    for state in ("s", "m", "v"):
        seen += list(getattr(step, state, {}).values())
    if isinstance(step, RowAdam):
        seen += [step.tables.m, step.tables.v, step.others.m, step.others.v, step.others.move]
    assert {array.dtype for array in seen} == {np.dtype(np.float32)}


@pytest.mark.parametrize("kind", FOUR)
def test_float32_stays_float32_in_a_recommender(kind, tmp_path):
    train = interactions([(u, i) for u in range(6) for i in range(8) if (u + i) % 3], 6, 8)
    settings = {"factors": 2, "layers": (4, 2), "epochs": 2, "lr": np.float64(0.01)}
    fitted = Recommender(kind, **taken_by(kind, **settings)).fit(train, validation=True)
    fitted.save(tmp_path / "saved.npz")
    for recommender in (fitted, Recommender.load(tmp_path / "saved.npz")):
        assert {W.dtype for W in weights(recommender.model)} == {np.dtype(np.float32)}
        new = recommender.fold_in([0, 1])
        tables = [recommender.recommend(0), recommender.similar_items(0), new.recommend()]
        assert {table["score"].dtype for table in tables} == {np.dtype(np.float32)}


def test_neumf_from_pretrained_stays_float32():
    gmf, mlp = MODELS["gmf"](3, 4), MODELS["mlp"](3, 4)
    model = NeuMF.from_pretrained(gmf, mlp, np.float64(0.5))
    assert {W.dtype for W in weights(model)} == {np.dtype(np.float32)}
    assert model.predict(USERS, ITEMS).dtype == np.float32
