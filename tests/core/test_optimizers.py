import math

import numpy as np
import pytest

from ncf_numpy.core.losses import BinaryCrossEntropyWithLogits
from ncf_numpy.core.models import NeuMF
from ncf_numpy.core.optimizers import SGD, Adagrad, Adam
from ncf_numpy.core.row_gradient import RowGradient

OPTIMIZERS = [SGD, Adagrad, Adam]


def changing_gradients(shape, steps=20):
    """A different gradient at every step, of sizes from 1e-6 to 10 and both signs."""
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape) * 10.0 ** rng.uniform(-6, 1, shape) for _ in range(steps)]


def trajectory(optimizer, W, gradients):
    """The weights after each step."""
    W, path = W.copy(), []
    for g in gradients:
        optimizer.step([("W", W, g)])
        path.append(W.copy())
    return np.array(path)


# By hand and against loops of plain numbers


def test_sgd_by_hand():
    W = np.array([1.0, -2.0])
    SGD(0.1).step([("W", W, np.array([3.0, 4.0]))])
    np.testing.assert_allclose(W, [0.7, -2.4], rtol=1e-15)  # 1 - .1 * 3, -2 - .1 * 4


def test_sgd_with_l2_by_hand():
    W = np.array([1.0, -2.0])
    SGD(0.1, l2=0.5).step([("W", W, np.array([3.0, 4.0]))])
    np.testing.assert_allclose(W, [0.65, -2.3], rtol=1e-15)  # g = 3 + .5 * 1, 4 + .5 * -2


def test_adagrad_by_hand():
    W, optimizer = np.array([1.0]), Adagrad(0.1)
    optimizer.step([("W", W, np.array([3.0]))])
    np.testing.assert_allclose(W, [0.9], rtol=1e-9)  # s = 9: 1 - .1 * 3 / 3
    optimizer.step([("W", W, np.array([-4.0]))])
    np.testing.assert_allclose(W, [0.98], rtol=1e-9)  # s = 9 + 16: .9 + .1 * 4 / 5


def test_adam_moves_by_the_learning_rate_at_its_first_step():
    # t = 1: alpha = lr sqrt(1 - b2) / (1 - b1), m = (1 - b1) g, sqrt(v) = sqrt(1 - b2) |g|
    W = np.array([1.0, 1.0, 1.0])
    Adam(lr=0.01).step([("W", W, np.array([1e3, -5.0, 0.0]))])
    np.testing.assert_allclose(W, [0.99, 1.01, 1.0], rtol=1e-8)


def slow_adagrad(w, gradients, lr, l2, eps):
    s, path = 0.0, []
    for g in gradients:
        g = g + l2 * w
        s = s + g**2
        w = w - lr * g / (math.sqrt(s) + eps)
        path.append(w)
    return path


def slow_adam(w, gradients, lr, b1, b2, eps):
    """Keras' form, its moments written out as weighted sums over all gradients so far."""
    path = []
    for t in range(1, len(gradients) + 1):
        past = list(enumerate(reversed(gradients[:t])))  # (age, gradient)
        m = (1 - b1) * math.fsum(b1**age * g for age, g in past)
        v = (1 - b2) * math.fsum(b2**age * g**2 for age, g in past)
        w = w - lr * math.sqrt(1 - b2**t) / (1 - b1**t) * m / (math.sqrt(v) + eps)
        path.append(w)
    return path


def slow_adam_algorithm_1(w, gradients, lr, b1, b2, eps_at):
    """Kingma & Ba's Algorithm 1, PyTorch's form: the correction is in m and v."""
    m, v, path = 0.0, 0.0, []
    for t, g in enumerate(gradients, start=1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        w = w - lr * m_hat / (math.sqrt(v_hat) + eps_at(t))
        path.append(w)
    return path


def slow(twin, W, gradients, *arguments):
    """The twin's path for every entry of W."""
    columns = np.array(gradients).reshape(len(gradients), -1).T.tolist()
    starts = W.reshape(-1).tolist()
    paths = [twin(w, g, *arguments) for w, g in zip(starts, columns, strict=True)]
    return np.array(paths).T.reshape(len(gradients), *W.shape)


@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_adagrad_is_its_slow_twin(l2):
    W, gradients = np.linspace(-1, 1, 6).reshape(2, 3), changing_gradients((2, 3))
    np.testing.assert_allclose(
        trajectory(Adagrad(0.05, l2, eps=1e-3), W, gradients),
        slow(slow_adagrad, W, gradients, 0.05, l2, 1e-3),
        rtol=1e-12,
        atol=1e-12,
    )


@pytest.mark.parametrize(
    ("lr", "b1", "b2", "eps"),
    [(0.01, 0.9, 0.999, 1e-8), (0.1, 0.5, 0.9, 1e-2), (0.01, 0.0, 0.9, 1e-8), (1.0, 0.9, 0.0, 0.1)],
)
def test_adam_is_its_slow_twin(lr, b1, b2, eps):
    W, gradients = np.linspace(-1, 1, 6).reshape(2, 3), changing_gradients((2, 3))
    np.testing.assert_allclose(
        trajectory(Adam(lr, b1, b2, eps), W, gradients),
        slow(slow_adam, W, gradients, lr, b1, b2, eps),
        rtol=1e-12,
        atol=1e-12,
    )


def test_adam_and_algorithm_1_differ_in_eps_as_documented():
    W, gradients, eps, b2 = np.linspace(-1, 1, 6), changing_gradients(6), 1e-3, 0.999
    ours = trajectory(Adam(0.01, 0.9, b2, eps), W, gradients)

    def algorithm_1(eps_at):
        return slow(slow_adam_algorithm_1, W, gradients, 0.01, 0.9, b2, eps_at)

    # our eps is, in Algorithm 1's place, eps / sqrt(1 - b2^t)
    converted = algorithm_1(lambda t: eps / math.sqrt(1 - b2**t))
    np.testing.assert_allclose(ours, converted, rtol=1e-12, atol=1e-12)
    assert abs(ours - algorithm_1(lambda t: eps)).max() > 1e-3


# Row gradients


def row_case(rng, n=6, K=3):
    """A row gradient of a table and the same gradient as an array."""
    rows = np.sort(rng.choice(n, 2, replace=False))
    gradient = RowGradient(rows, rng.normal(size=(2, K)), (n, K))
    return gradient, gradient.to_dense()


@pytest.mark.parametrize("make", [lambda: SGD(0.1), lambda: Adagrad(0.1), lambda: Adam(0.1)])
def test_a_row_gradient_is_its_dense_form(make):
    rng = np.random.default_rng(0)
    by_rows, dense = rng.normal(size=(2, 6, 3))
    dense[:] = by_rows
    one, two = make(), make()
    for _ in range(20):
        rows, array = row_case(rng)
        one.step([("W", by_rows, rows)])
        two.step([("W", dense, array)])
        np.testing.assert_allclose(by_rows, dense, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("make", [lambda l2: SGD(0.1, l2), lambda l2: Adagrad(0.1, l2)])
def test_l2_acts_once_on_the_rows_present_and_on_no_other(make):
    rng = np.random.default_rng(0)
    W = rng.normal(size=(6, 3))
    before, gradient = W.copy(), RowGradient(np.array([1, 4]), np.zeros((2, 3)), W.shape)
    make(0.0).step([("W", W, gradient)])
    np.testing.assert_array_equal(W, before)
    make(0.5).step([("W", W, gradient)])
    np.testing.assert_array_equal(W[[0, 2, 3, 5]], before[[0, 2, 3, 5]])
    assert (abs(W[[1, 4]]) < abs(before[[1, 4]])).all()


def test_l2_of_sgd_by_hand():
    W = np.array([[1.0], [2.0], [4.0]])
    gradient = RowGradient(np.array([0, 2]), np.array([[3.0], [0.0]]), (3, 1))
    SGD(0.1, l2=0.5).step([("W", W, gradient)])
    # 1 - .1 (3 + .5 * 1),  2 untouched,  4 - .1 (0 + .5 * 4)
    np.testing.assert_allclose(W, [[0.65], [2.0], [3.8]], rtol=1e-15)


def test_adam_moves_rows_outside_the_batch_by_their_momentum():
    W, optimizer = np.ones((2, 1)), Adam(0.01)
    optimizer.step([("W", W, RowGradient(np.array([0]), np.array([[1.0]]), (2, 1)))])
    after_one = W.copy()
    optimizer.step([("W", W, RowGradient(np.array([1]), np.array([[1.0]]), (2, 1)))])
    # row 0, at t = 2 with g = 0: m = .9 * .1 = .09, v = .999 * .001 = .000999,
    # alpha = .01 sqrt(1 - .999^2) / (1 - .81) = .01 sqrt(.001999) / .19
    move = 0.01 * math.sqrt(0.001999) / 0.19 * 0.09 / math.sqrt(0.000999)
    assert after_one[0, 0] - W[0, 0] == pytest.approx(move, rel=1e-6)


# What holds for all


@pytest.mark.parametrize("Optimizer", OPTIMIZERS)
def test_a_numpy_learning_rate_does_not_promote_float32(Optimizer):
    W, rate = np.ones((3, 2), np.float32), np.float64(0.1)
    optimizer = Optimizer(rate)
    assert type(optimizer.lr) is float
    expected = np.ones((3, 2), np.float32)
    plain = Optimizer(0.1)
    for _ in range(3):
        optimizer.step([("W", W, np.ones((3, 2), np.float32))])
        plain.step([("W", expected, np.ones((3, 2), np.float32))])
    np.testing.assert_array_equal(W, expected)
    assert W.dtype == np.float32
    for state in ("s", "m", "v"):
        assert all(a.dtype == np.float32 for a in getattr(optimizer, state, {}).values())


@pytest.mark.parametrize("Optimizer", OPTIMIZERS)
def test_weights_are_written_in_place_and_gradients_are_not_written(Optimizer):
    rng = np.random.default_rng(0)
    model = NeuMF(5, 5, 2, (4, 2), rng)
    loss, optimizer = BinaryCrossEntropyWithLogits(), Optimizer(0.1)
    loss.forward(model.forward([0, 1, 0], [4, 4, 2]), [1, 0, 1])
    model.backward(loss.backward())
    before = [W.copy() for _, W, _ in model.parameters()]
    parameters = model.parameters()
    for _, _, dW in parameters:
        (dW.values if isinstance(dW, RowGradient) else dW).setflags(write=False)
    optimizer.step(parameters)
    for (_, W, _), (_, now, _), old in zip(parameters, model.parameters(), before, strict=True):
        assert now is W
        assert not np.array_equal(now, old)


@pytest.mark.parametrize("Optimizer", OPTIMIZERS)
def test_each_array_has_its_own_state(Optimizer):
    g = changing_gradients(2)
    alone, a, b = (np.ones(2) for _ in range(3))
    one, both = Optimizer(0.1), Optimizer(0.1)
    for t in range(5):
        one.step([("a", alone, g[t])])
        both.step([("a", a, g[t]), ("b", b, 3 * g[t + 5])])
    np.testing.assert_array_equal(a, alone)


@pytest.mark.parametrize("Optimizer", OPTIMIZERS)
def test_twenty_steps_bring_the_loss_down(Optimizer):
    rng = np.random.default_rng(0)
    model = NeuMF(5, 5, 2, (4, 2), rng, dtype=np.float64)
    users, items = np.divmod(np.arange(25), 5)
    labels = (users == items).astype(float)
    loss, optimizer = BinaryCrossEntropyWithLogits(), Optimizer(0.1)
    values = []
    for _ in range(20):
        values.append(loss.forward(model.forward(users, items), labels))
        model.backward(loss.backward())
        optimizer.step(model.parameters())
    assert values[-1] < values[0] - 0.1


@pytest.mark.parametrize("Optimizer", OPTIMIZERS)
def test_a_missing_or_misshapen_gradient_raises(Optimizer):
    model = NeuMF(5, 5, 2, (4, 2), np.random.default_rng(0))
    with pytest.raises(RuntimeError, match=r"user_embedding\.W has no gradient yet: call model\.b"):
        Optimizer(0.1).step(model.parameters())
    W = np.ones((3, 2), np.float32)
    bad = [
        (np.ones((2, 3), np.float32), r"must be float32 of \(3, 2\), got float32 of \(2, 3\)"),
        (np.ones((3, 2)), r"must be float32 of \(3, 2\), got float64 of \(3, 2\)"),
        (np.ones(2, np.float32), r"got float32 of \(2,\)"),
        (RowGradient(np.array([0]), np.ones((1, 2)), (3, 2)), "got float64"),
        (RowGradient(np.array([0]), np.ones((1, 2), np.float32), (4, 2)), r"of \(4, 2\)"),
    ]
    for dW, message in bad:
        with pytest.raises(ValueError, match=r"the gradient of W .*" + message):
            Optimizer(0.1).step([("W", W, dW)])
        np.testing.assert_array_equal(W, 1)


@pytest.mark.parametrize("Optimizer", OPTIMIZERS)
@pytest.mark.parametrize("lr", [-0.1, math.inf, math.nan])
def test_a_learning_rate_that_is_none_raises(Optimizer, lr):
    with pytest.raises(ValueError, match=rf"lr must be in \[0, inf\), got {lr}"):
        Optimizer(lr)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(0.1, l2=-1), r"l2 must be in \[0, inf\), got -1"),
        (lambda: Adagrad(0.1, l2=-1), r"l2 must be in \[0, inf\), got -1"),
        (lambda: Adagrad(0.1, eps=0), r"eps must be in \[1e-30, inf\), got 0"),
        (lambda: Adam(beta1=1), r"beta1 must be in \[0, 1\), got 1"),
        (lambda: Adam(beta1=-0.1), r"beta1 must be in \[0, 1\), got -0.1"),
        (lambda: Adam(beta2=1.5), r"beta2 must be in \[0, 1\), got 1.5"),
        (lambda: Adam(beta2=math.nan), r"beta2 must be in \[0, 1\), got nan"),
        (lambda: Adam(eps=0), r"eps must be in \[1e-30, inf\), got 0"),
    ],
)
def test_bad_rates_raise(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("value", ["0.9", "high", None])
def test_a_rate_that_is_no_number_raises_by_name(value):
    with pytest.raises((TypeError, ValueError), match="beta1"):
        Adam(beta1=value)


# Defaults


def test_the_defaults_are_those_of_the_papers_and_of_keras():
    assert vars(SGD(0.1)) == {"lr": 0.1, "l2": 0.0}
    assert vars(Adagrad(0.1)) == {"lr": 0.1, "l2": 0.0, "eps": 1e-10, "s": {}}
    adam = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    assert vars(Adam()) == adam | {"t": 0, "m": {}, "v": {}}
