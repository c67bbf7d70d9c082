import math
import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_numpy.core.checks import check_ids
from ncf_numpy.core.gradcheck import check_layer
from ncf_numpy.core.layers import Bias, Dense, Embedding, ReLU, Sigmoid
from ncf_numpy.core.models import GMF, MF, MLP, NeuMF
from ncf_numpy.core.row_gradient import RowGradient

NAMES = ("embedding", "dense", "bias", "relu", "sigmoid")


def make_layer(name, dtype):
    rng = np.random.default_rng(1)
    if name == "embedding":
        return Embedding(6, 3, rng, dtype=dtype)
    if name == "dense":
        return Dense(4, 3, rng, dtype=dtype)
    return {"bias": lambda: Bias(dtype=dtype), "relu": ReLU, "sigmoid": Sigmoid}[name]()


def make_input(name, dtype, seed):
    rng = np.random.default_rng(seed)
    if name == "embedding":
        return rng.integers(0, 6, 5)
    shape = (5,) if name == "bias" else (5, 4)
    return rng.normal(size=shape).astype(dtype)


def make_case(name, dtype=np.float64, seed=2):
    layer, x = make_layer(name, dtype), make_input(name, dtype, seed)
    dy = np.random.default_rng(seed + 100).normal(size=layer.forward(x).shape).astype(dtype)
    return SimpleNamespace(layer=make_layer(name, dtype), x=x, dy=dy)


def gradients(layer):
    return [as_array(dW) for _, _, dW in layer.parameters()]


def as_array(dW):
    return dW.to_dense() if isinstance(dW, RowGradient) else dW


def run(case):
    """dx and all gradients of a fresh layer on one batch."""
    case.layer.forward(case.x)
    dx = case.layer.backward(case.dy)
    return [dx, *gradients(case.layer)]


def assert_same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


# Hand-worked examples


def test_dense_by_hand():
    layer = Dense(2, 3, np.random.default_rng(0), dtype=np.float64)
    layer.W[:] = [[1, 0, -1], [2, 1, 0]]
    layer.b[:] = [0.5, -0.5, 1]
    # 1*1 + 2*2 + .5 = 5.5    1*0 + 2*1 - .5 = 1.5    1*-1 + 2*0 + 1 =  0
    # 3*1 + 4*2 + .5 = 11.5   3*0 + 4*1 - .5 = 3.5    3*-1 + 4*0 + 1 = -2
    y = layer.forward(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert y.tolist() == [[5.5, 1.5, 0], [11.5, 3.5, -2]]
    dx = layer.backward(np.array([[1.0, 0.0, 2.0], [0.0, -1.0, 1.0]]))
    # dW[0] = 1*(1, 0, 2) + 3*(0, -1, 1),  dW[1] = 2*(1, 0, 2) + 4*(0, -1, 1)
    assert layer.dW.tolist() == [[1, -3, 5], [2, -4, 8]]
    # db = (1, 0, 2) + (0, -1, 1)
    assert layer.db.tolist() == [1, -1, 3]
    # dx[0] = (1*1 + 0*0 + 2*-1, 1*2 + 0*1 + 2*0),  dx[1] = (-1*0 + 1*-1, -1*1 + 1*0)
    assert dx.tolist() == [[-1, 2], [-1, -1]]


def test_embedding_by_hand_with_a_repeated_id():
    layer = Embedding(4, 2, np.random.default_rng(0), dtype=np.float64)
    layer.W[:] = [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert layer.forward([2, 0, 2]).tolist() == [[4, 5], [0, 1], [4, 5]]
    dx = layer.backward(np.array([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]]))
    # row 0 was read once: (10, 20); row 2 twice: (1, 2) + (100, 200)
    assert dx is None
    assert layer.dW.rows.tolist() == [0, 2]
    assert layer.dW.values.tolist() == [[10, 20], [101, 202]]
    assert layer.dW.to_dense().tolist() == [[10, 20], [0, 0], [101, 202], [0, 0]]


def test_bias_by_hand():
    layer = Bias(dtype=np.float64)
    layer.b[:] = 0.5
    assert layer.forward(np.array([1.0, -2.0])).tolist() == [1.5, -1.5]
    assert layer.backward(np.array([3.0, 4.0])).tolist() == [3, 4]
    assert layer.db.tolist() == [7]  # 3 + 4


def test_relu_by_hand_and_at_zero():
    layer = ReLU()
    assert layer.forward(np.array([-2.0, 0.0, 3.0])).tolist() == [0, 0, 3]
    assert layer.backward(np.array([5.0, 7.0, 11.0])).tolist() == [0, 0, 11]


def test_sigmoid_by_hand():
    # exp(ln 3) = 3: 1 / (1 + 1/3) = 3/4, and 1 / (1 + 3) = 1/4 on the other side
    layer = Sigmoid()
    y = layer.forward(np.array([math.log(3), 0.0, -math.log(3)]))
    np.testing.assert_allclose(y, [0.75, 0.5, 0.25], rtol=1e-15)
    # dy y (1 - y): 16 * 3/16 = 3,  8 * 1/4 = 2,  -16 * 3/16 = -3
    np.testing.assert_allclose(layer.backward(np.array([16.0, 8.0, -16.0])), [3, 2, -3], rtol=1e-14)


# An embedding is a product with one-hot rows


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(0, 99))
def test_embedding_is_one_hot_times_table(ids, seed):
    rng = np.random.default_rng(seed)
    layer = Embedding(6, 3, rng, dtype=np.float64)
    one_hot = np.eye(6)[ids]
    np.testing.assert_array_equal(layer.forward(ids), one_hot @ layer.W)
    dy = rng.normal(size=(len(ids), 3))
    layer.backward(dy)
    np.testing.assert_allclose(layer.dW.to_dense(), one_hot.T @ dy, rtol=1e-12, atol=1e-13)
    assert layer.dW.rows.tolist() == sorted(set(ids))
    assert layer.dW.shape == layer.W.shape


def test_forty_ids_of_one_row_all_count():
    layer = Embedding(3, 2, np.random.default_rng(0), dtype=np.float64)
    layer.forward(np.ones(40, int))
    layer.backward(np.arange(80.0).reshape(40, 2))
    # 0 + 2 + ... + 78 = 2 * 39 * 40 / 2 = 1560; each second column is one larger: 1560 + 40
    assert layer.dW.rows.tolist() == [1]
    assert layer.dW.values.tolist() == [[1560, 1600]]


def test_hundred_thousand_ids_of_one_row_are_right_and_fast():
    layer = Embedding(10, 8, np.random.default_rng(0))
    start = time.process_time()
    layer.forward(np.full(100_000, 3))
    layer.backward(np.ones((100_000, 8), np.float32))
    assert time.process_time() - start < 2
    assert layer.dW.rows.tolist() == [3]
    assert (layer.dW.values == 100_000).all()  # whole numbers below 2^24 are exact in float32


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_gradient_of_any_memory_order_is_summed(order):
    # models hand over column slices of a wider array
    layer = Embedding(4, 2, np.random.default_rng(0), dtype=np.float64)
    wide = np.array([[1, 2, 9], [3, 4, 9], [5, 6, 9]], float, order=order)
    layer.forward([1, 3, 1])
    layer.backward(wide[:, :2])
    assert layer.dW.to_dense().tolist() == [[0, 0], [6, 8], [0, 0], [3, 4]]


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        ([0, 6], IndexError, r"ids must be in \[0, 6\), got 6: number raw ids from 0 first"),
        ([0, -1, 2], IndexError, r"must be in \[0, 6\), got -1"),
        ([1.0, 2.5], TypeError, r"must be integer row numbers, got float64: \[1\. +2\.5\]"),
        (["3"], TypeError, "must be integer row numbers, got <U1"),
        ([True, False], TypeError, "must be integer row numbers, got bool"),
        ([[1, 2]], ValueError, r"must have shape \(B,\), got \(1, 2\)"),
        (3, ValueError, r"must have shape \(B,\), got \(\)"),
    ],
)
def test_bad_ids_raise_rather_than_wrap_or_truncate(ids, error, message):
    layer = make_layer("embedding", np.float32)
    with pytest.raises(error, match=message):
        layer.forward(ids)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_ids_of_any_integer_dtype_are_taken(dtype):
    layer = make_layer("embedding", np.float32)
    np.testing.assert_array_equal(layer.forward(np.array([5, 0], dtype)), layer.W[[5, 0]])
    layer.backward(np.ones((2, 3), np.float32))
    assert layer.dW.rows.dtype == np.intp


# The contract, over all layers


@pytest.mark.parametrize("name", NAMES)
def test_contract_1_backward_overwrites_and_never_accumulates(name):
    case = make_case(name)
    once = run(case)
    assert_same([case.layer.backward(case.dy), *gradients(case.layer)], once)


@pytest.mark.parametrize("name", NAMES)
def test_contract_2_backward_refers_to_the_latest_forward(name):
    fresh, used = make_case(name), make_case(name)
    used.layer.forward(make_input(name, np.float64, seed=7))
    used.layer.backward(used.dy)
    used.layer.forward(make_input(name, np.float64, seed=8))
    assert_same(run(used), run(fresh))


@pytest.mark.parametrize("name", NAMES)
def test_contract_2_backward_before_any_forward_raises(name):
    case = make_case(name)
    with pytest.raises(RuntimeError, match=rf"(?i){name}\.backward before any forward"):
        case.layer.backward(case.dy)


@pytest.mark.parametrize("name", NAMES)
def test_contract_3_backward_writes_into_no_dy_no_x_and_no_weight(name):
    case, free = make_case(name), make_case(name)
    arrays = [case.x, case.dy, *(W for _, W, _ in case.layer.parameters())]
    before = [a.copy() for a in arrays]
    for a in arrays:
        a.setflags(write=False)  # a write would raise
    assert_same(run(case), run(free))
    assert_same(arrays, before)
    now = [W for _, W, _ in case.layer.parameters()]
    assert [id(W) for W in now] == [id(W) for W in arrays[2:]]


@pytest.mark.parametrize("name", NAMES)
def test_contract_3_gradients_share_no_memory_with_weights_or_upstream(name):
    case = make_case(name)
    run(case)
    for _, W, dW in case.layer.parameters():
        values = dW.values if isinstance(dW, RowGradient) else dW
        assert not np.shares_memory(values, W)
        assert not np.shares_memory(values, case.dy)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contract_4_and_7_gradients_have_the_shape_and_dtype_of_their_arrays(name, dtype):
    case = make_case(name, dtype)
    assert case.layer.forward(case.x).dtype == dtype
    dx = case.layer.backward(case.dy)
    if name == "embedding":
        assert dx is None
    else:
        assert (dx.shape, dx.dtype) == (case.x.shape, dtype)
    for _, W, dW in case.layer.parameters():
        assert dW.shape == W.shape
        assert W.dtype == as_array(dW).dtype == dtype


@pytest.mark.parametrize("name", NAMES)
def test_contract_5_gradients_are_sums_over_the_batch(name):
    once, twice = make_case(name), make_case(name)
    twice.x, twice.dy = np.concatenate([once.x, once.x]), np.concatenate([once.dy, once.dy])
    for double, single in zip(run(twice)[1:], run(once)[1:], strict=True):
        np.testing.assert_allclose(double, 2 * single, rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_contract_6_there_is_no_gradient_before_the_first_backward(name):
    case = make_case(name)
    assert all(dW is None for _, _, dW in case.layer.parameters())
    case.layer.forward(case.x)
    assert all(dW is None for _, _, dW in case.layer.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_contract_7_an_upstream_gradient_of_another_dtype_or_shape_raises(name):
    case = make_case(name, np.float32)
    case.layer.forward(case.x)
    with pytest.raises(ValueError, match=r"expects dy as float32 .*, got float64"):
        case.layer.backward(case.dy.astype(np.float64))
    with pytest.raises(ValueError, match=rf"of shape \(5.*\), got float32 of \({len(case.dy) - 1}"):
        case.layer.backward(case.dy[1:])
    with pytest.raises(ValueError, match="expects dy"):
        case.layer.backward(case.dy[..., None])


def test_contract_7_an_input_of_another_dtype_or_width_raises():
    layer = make_layer("dense", np.float32)
    with pytest.raises(ValueError, match=r"float32 of shape \(B, 4\), got float64 of shape \(2, 4"):
        layer.forward(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"\(B, 4\), got float32 of shape \(2, 3\)"):
        layer.forward(np.ones((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"\(B, 4\), got float32 of shape \(4,\)"):
        layer.forward(np.ones(4, np.float32))


def test_contract_7_bias_refuses_an_input_of_another_dtype():
    with pytest.raises(ValueError, match="float32"):
        Bias(dtype=np.float32).forward(np.ones(3))


@pytest.mark.parametrize("name", NAMES)
def test_every_gradient_is_the_derivative(name):
    case = make_case(name)
    table = check_layer(case.layer, case.x)
    assert (table.rel_error < 1e-6).all()
    assert (table.kinks == 0).all()
    assert len(table) == len(case.layer.parameters()) + (name != "embedding")


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_one(name):
    batch, one = make_case(name), make_case(name)
    y = batch.layer.forward(batch.x)
    np.testing.assert_allclose(one.layer.forward(one.x[:1]), y[:1], rtol=1e-14)
    dx = one.layer.backward(one.dy[:1])
    assert dx is None or dx.shape == one.x[:1].shape
    assert all(dW.shape == W.shape for _, W, dW in one.layer.parameters())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_overflows_nowhere(dtype):
    layer = Sigmoid()
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        y = layer.forward(np.array([-1e4, -100, 0, 100, 1e4], dtype))
        dx = layer.backward(np.ones(5, dtype))
    assert y.dtype == dx.dtype == dtype
    assert y.tolist()[::2] == [0, 0.5, 1]
    assert dx.tolist()[::2] == [0, 0.25, 0]
    # e^-100 / (1 + e^-100) = 3.72e-44, a number even in float32, though a denormal one
    np.testing.assert_allclose(y[1], math.exp(-100), rtol=1e-15 if dtype == np.float64 else 0.03)


# What the weights start from


def test_embedding_starts_normal_with_deviation_a_hundredth():
    W = Embedding(2_000, 50, np.random.default_rng(0)).W
    # of 10^5 draws: the mean's own deviation is .01 / 316, that of the share within one sigma .0015
    assert W.dtype == np.float32
    assert abs(W.mean()) < 4 * 0.01 / 316
    assert abs(W.std() - 0.01) < 4 * 0.01 / 447  # a deviation's deviation is sigma / sqrt(2 n)
    assert abs((abs(W) < 0.01).mean() - 0.6827) < 4 * 0.0015


def test_dense_starts_glorot_uniform_with_bias_zero():
    layer = Dense(250, 350, np.random.default_rng(0))
    # sqrt(6 / (250 + 350)) = .1; a uniform's deviation is its limit / sqrt(3)
    assert layer.W.dtype == layer.b.dtype == np.float32
    assert 0.0999 < layer.W.max() <= 0.1 + 1e-8
    assert -0.1 - 1e-8 <= layer.W.min() < -0.0999
    assert abs(layer.W.std() - 0.1 / math.sqrt(3)) < 4e-4
    assert layer.b.tolist() == [0] * 350


def test_dense_takes_another_limit():
    layer = Dense(300, 300, np.random.default_rng(0), limit=0.5)
    assert 0.499 < abs(layer.W).max() <= 0.5


# What is refused, and what is there before the first batch


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (Embedding(3, 2, np.random.default_rng(0)), np.array([0, 2])),
        (Dense(3, 2, np.random.default_rng(0)), np.ones((2, 3), np.float32)),
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


def test_weights_are_float32_unless_told_otherwise():
    layers = (
        Embedding(3, 2, np.random.default_rng(0)),
        Dense(3, 2, np.random.default_rng(0)),
        Bias(),
    )
    models = (
        MF(2, 2, 2, np.random.default_rng(0)),
        GMF(2, 2, 2, np.random.default_rng(0)),
        MLP(2, 2, (2, 2), np.random.default_rng(0)),
    )
    neumf = NeuMF(2, 2, 2, (2, 2), np.random.default_rng(0))
    arrays = [entry for part in (*layers, *models, neumf) for entry in part.parameters()]
    assert {W.dtype for _, W, _ in arrays} == {np.dtype(np.float32)}


def test_gradients_of_equal_ids_are_added_in_the_order_of_the_batch():
    # to the last bit: float32 sums depend on their order, and so would a run with a fixed seed
    generator = np.random.default_rng(0)
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
