"""RowAdam against dense Adam: the same trajectory, to rounding and the stated error."""

import math

import numpy as np
import pytest

from ncf_numpy import Adam, BinaryCrossEntropyWithLogits, NeuMF, RowAdam, RowGradient, train_step
from ncf_numpy.training import row_adam as module


def zipf(rng, n, size):
    weights = 1 / np.arange(1, n + 1)
    return rng.choice(n, size, p=weights / weights.sum())


def train(optimizer, n_steps, *, flush_every=500, n_users=300, n_items=200, batch=64):
    """NeuMF in float64 on Zipf-drawn pairs, in which popular users and items repeat."""
    rng = np.random.default_rng(0)
    model = NeuMF(n_users, n_items, 4, (16, 8, 4), rng, dtype=np.float64)
    loss = BinaryCrossEntropyWithLogits()
    for step in range(1, n_steps + 1):
        users, items = zipf(rng, n_users, batch), zipf(rng, n_items, batch)
        labels = (rng.random(batch) < 0.3).astype(np.float64)
        train_step(model, loss, optimizer, users, items, labels)
        if isinstance(optimizer, RowAdam) and step % flush_every == 0:
            optimizer.flush()
    if isinstance(optimizer, RowAdam):
        optimizer.flush()
    return model


def largest_difference(one, other):
    pairs = zip(one.parameters(), other.parameters())
    return max(np.abs(a - b).max() for (_, a, _), (_, b, _) in pairs)


def follow(optimizer, gradients, dtype, n=2000, K=8, flush_every=1000):
    """Apply [(rows, values), ...] to one table; the ids of a batch come shuffled, three twice."""
    rng = np.random.default_rng(1)
    W = rng.normal(0, 0.01, (n, K)).astype(dtype)
    for step, (rows, values) in enumerate(gradients, start=1):
        place = rng.permutation(np.append(np.arange(len(rows)), np.arange(len(rows))[:3]))
        halves = (values / np.bincount(place)[:, None]).astype(dtype)  # of a row that comes twice
        if isinstance(optimizer, RowAdam):
            optimizer.catch_up([("table.W", W, rows[place])])
        optimizer.step([("table.W", W, RowGradient(rows[place], halves[place], (n, K)))])
        if isinstance(optimizer, RowAdam) and step % flush_every == 0:
            optimizer.flush()
    if isinstance(optimizer, RowAdam):
        optimizer.flush()
    return W


def prescribed(n_steps, size, n=2000, K=8):
    """Gradients that do not depend on the weights, so that rounding cannot branch."""
    rng = np.random.default_rng(2)
    for _ in range(n_steps):
        rows = np.unique(zipf(rng, n, 64))
        yield rows, rng.normal(0, size, (len(rows), K))


def test_float64_after_2000_training_steps_is_dense_adam_to_1e_7():
    dense, rowwise = train(Adam(), 2000), train(RowAdam(), 2000)
    assert largest_difference(dense, rowwise) <= 1e-8
    start = train(Adam(), 0)
    assert largest_difference(dense, start) > 0.1  # it did travel


@pytest.mark.parametrize(("size", "eps"), [(1e-2, 1e-8), (1e-4, 1e-8), (1e-6, 1e-8), (1e-4, 1e-7)])
def test_float32_after_6000_prescribed_steps_is_dense_adam_to_1e_5(size, eps):
    dense = follow(Adam(eps=eps), prescribed(6000, size), np.float32)
    rowwise = follow(RowAdam(eps=eps), prescribed(6000, size), np.float32)
    assert rowwise.dtype == np.float32
    assert np.abs(dense - rowwise).max() <= 1e-5
    lazy = follow(RowAdam(eps=eps, lazy=True), prescribed(6000, size), np.float32)
    assert np.abs(dense - lazy).max() > 1e-2  # the test can tell another algorithm apart


@pytest.mark.parametrize("missed", [0, 1, 2, 10, 100, 3000])
@pytest.mark.parametrize("ratio", [1e3, 1.0, 1e-3])  # sqrt(v) / eps
def test_one_step_stands_for_all_that_were_missed(missed, ratio):
    # The row is touched once, at step 1, with gradient g: m = .1 g, v = .001 g^2. Term by term,
    # step i = 1 .. 1 + missed moves it by alpha_i .9^(i-1) m / (.999^((i-1)/2) sqrt v + eps).
    eps = 1e-6
    g = ratio * eps / math.sqrt(0.001)
    m, root = 0.1 * g, math.sqrt(0.001) * g
    expected = 0.0
    for i in range(1, missed + 2):
        alpha = 1e-3 * math.sqrt(1 - 0.999**i) / (1 - 0.9**i)
        expected -= alpha * 0.9 ** (i - 1) * m / (0.999 ** ((i - 1) / 2) * root + eps)
    W, gradient = np.zeros((3, 1)), RowGradient(np.array([1]), np.array([[g]]), (3, 1))
    other = RowGradient(np.array([2]), np.zeros((1, 1)), (3, 1))
    optimizer = RowAdam(eps=eps)
    for step in range(missed + 1):
        optimizer.catch_up([("W", W, np.array([2 if step else 1]))])
        optimizer.step([("W", W, other if step else gradient)])
    optimizer.flush()
    # What is left out is the third central moment of x = .999^(-i/2) under weights falling as .9^i:
    # about (5e-4)^3 times that of a geometric distribution, 2 * 9.5^3 = 1715, so 2.1e-7, by rho^3.
    rho = eps / (root + eps)
    assert W[1, 0] == pytest.approx(expected, rel=3e-7 * rho**3 + 1e-12)
    assert W[0, 0] == W[2, 0] == 0


def test_a_row_that_was_not_caught_up_raises_and_changes_nothing():
    rng = np.random.default_rng(0)
    model, optimizer = NeuMF(20, 20, 4, (8, 4), rng), RowAdam()
    loss = BinaryCrossEntropyWithLogits()
    users, items, labels = np.array([1, 2]), np.array([3, 4]), np.array([1.0, 0.0], np.float32)
    train_step(model, loss, optimizer, users, items, labels)
    loss.forward(model.forward(users, items), labels)
    model.backward(loss.backward())
    before = [W.copy() for _, W, _ in model.parameters()]
    with pytest.raises(
        RuntimeError,
        match=r"user_embedding\.W and item_embedding\.W for exactly the ids",
    ):
        optimizer.step(model.parameters())
    assert optimizer.t == 1
    assert all(np.array_equal(W, b) for (_, W, _), b in zip(model.parameters(), before))


def test_a_step_before_any_catch_up_raises():
    gradient = RowGradient(np.array([0]), np.ones((1, 2)), (3, 2))
    with pytest.raises(RuntimeError, match=r"^step needs gradients of table\.W for exactly"):
        RowAdam().step([("table.W", np.zeros((3, 2)), gradient)])


def test_another_models_table_of_the_same_name_raises():
    optimizer, ids = RowAdam(), np.array([0])
    optimizer.catch_up([("table.W", np.zeros((3, 2)), ids)])
    with pytest.raises(ValueError, match=r"table\.W is a different array than in earlier steps"):
        optimizer.catch_up([("table.W", np.zeros((3, 2)), ids)])


def test_tables_of_two_widths_raise():
    lookups = [("a", np.zeros((3, 2)), np.array([0])), ("b", np.zeros((3, 4)), np.array([0]))]
    with pytest.raises(ValueError, match=r"one width, got \[2, 4\]; use Adam"):
        RowAdam().catch_up(lookups)


@pytest.mark.parametrize(
    "betas", [(0.9, 0.99), (0.9, 0.997), (0.9, 0.9), (0.998, 0.998), (0.9975, 0.998)]
)
def test_betas_outside_the_domain_are_refused(betas):
    with pytest.raises(ValueError, match=r"beta2 >= 0.998 and beta1 < beta2\^1.5, got .* Adam is"):
        RowAdam(beta1=betas[0], beta2=betas[1])
    RowAdam(beta1=0.9, beta2=0.998)


def test_a_learning_rate_of_zero_moves_nothing():
    gradients = list(prescribed(20, 1.0))
    with np.errstate(all="raise", under="ignore"):
        W = follow(RowAdam(lr=0.0), gradients, np.float32)
    assert np.array_equal(W, follow(RowAdam(lr=0.0), [], np.float32))


def test_a_new_learning_rate_applies_from_the_next_step_on():
    def with_change(optimizer):
        W = np.random.default_rng(1).normal(0, 0.01, (50, 4))
        for step, (rows, values) in enumerate(prescribed(60, 1e-2, n=50, K=4)):
            if step == 30:
                optimizer.lr = 1e-4
            if isinstance(optimizer, RowAdam):
                optimizer.catch_up([("W", W, rows)])
            optimizer.step([("W", W, RowGradient(rows, values, W.shape))])
        if isinstance(optimizer, RowAdam):
            optimizer.flush()
        return W

    np.testing.assert_allclose(with_change(RowAdam()), with_change(Adam()), rtol=0, atol=1e-8)


def test_flush_twice_is_flush_once():
    optimizer, W = RowAdam(), np.zeros((5, 2))
    optimizer.catch_up([("W", W, np.array([1, 3]))])
    optimizer.step([("W", W, RowGradient(np.array([1, 3]), np.ones((2, 2)), (5, 2)))])
    optimizer.flush()
    once = W.copy()
    optimizer.flush()
    assert np.array_equal(W, once)
    assert np.array_equal(np.flatnonzero(W[:, 0]), [1, 3])


def test_rows_that_are_read_without_a_gradient_go_on_as_in_dense_adam():
    # rows 0 and 1 get a gradient every third step; in between they are looked at, once or twice
    dense, ours = (np.ones((3, 2)) for _ in range(2))
    adam, row_adam = Adam(0.01, eps=1e-6), RowAdam(0.01, eps=1e-6)
    rng = np.random.default_rng(0)
    for step in range(60):
        rows = np.array([2]) if step % 3 else np.array([0, 1])
        gradient = RowGradient(rows, rng.normal(size=(len(rows), 2)) * 1e-5, (3, 2))
        adam.step([("W", dense, gradient)])
        for _ in range(1 + step % 2):
            row_adam.catch_up([("W", ours, np.array([1, 2, 0]))])
        row_adam.catch_up([("W", ours, rows)])
        row_adam.step([("W", ours, gradient)])
        if step % 5 == 4:
            row_adam.catch_up([("W", ours, np.array([0, 1]))])
            np.testing.assert_allclose(ours[:2], dense[:2], rtol=1e-8)
    row_adam.flush()
    np.testing.assert_allclose(ours, dense, rtol=1e-8)


def test_the_size_of_a_block_changes_nothing(monkeypatch):
    whole = train(RowAdam(), 50)
    monkeypatch.setattr(module, "BLOCK", 64)
    assert largest_difference(train(RowAdam(), 50), whole) == 0


def test_lazy_moves_the_rows_of_the_batch_and_no_others():
    # Row 0 is in batches 1, 3 and 4. Adam's formulas, with its moments asleep in between but
    # the step number running on: alpha_1, alpha_3 and alpha_4.
    optimizer, W = RowAdam(lr=0.1, eps=1e-8, lazy=True), np.zeros((2, 1))
    gradients = [0.5, None, -0.2, 0.4]
    m = v = w = 0.0
    for t, g in enumerate(gradients, start=1):
        row = 0 if g is not None else 1
        value = g if g is not None else 0.3
        optimizer.catch_up([("W", W, np.array([row]))])
        before = W[1 - row, 0]
        optimizer.step([("W", W, RowGradient(np.array([row]), np.array([[value]]), (2, 1)))])
        assert W[1 - row, 0] == before
        if g is not None:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            w -= 0.1 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (math.sqrt(v) + 1e-8)
        assert W[0, 0] == pytest.approx(w, rel=1e-12)


def test_float32_stays_float32():
    rng = np.random.default_rng(0)
    model, optimizer = NeuMF(20, 20, 4, (8, 4), rng), RowAdam(lr=np.float64(1e-3))
    labels = np.array([1.0, 0.0], np.float32)
    loss = BinaryCrossEntropyWithLogits()
    for _ in range(3):
        train_step(model, loss, optimizer, np.array([1, 2]), np.array([3, 4]), labels)
    optimizer.flush()
    assert {W.dtype for _, W, _ in model.parameters()} == {np.dtype(np.float32)}
    tables = optimizer.tables
    assert tables.m.dtype == tables.v.dtype == optimizer.others.m.dtype == np.float32


def train_beside_dead_units(n_steps):
    """A NeuMF in float32 that learns, while two hidden units never get a gradient again."""
    rng = np.random.default_rng(0)
    model, loss, optimizer = (
        NeuMF(30, 20, 4, (16, 8, 4), rng),
        BinaryCrossEntropyWithLogits(),
        RowAdam(),
    )
    for step in range(n_steps):
        if step == 3:
            model.tower[0][0].b[:2] = -100
        users, items = rng.integers(0, 30, 16), rng.integers(0, 20, 16)
        if step > n_steps - 800:
            users[users == 7] = 8  # and one row is not read again: .9^800 is 2e-37
        labels = (rng.random(16) < 0.3).astype(np.float32)
        train_step(model, loss, optimizer, users, items, labels)
    return model, optimizer


def denormals(moments):
    return np.count_nonzero((np.abs(moments) < np.finfo(np.float32).tiny) & (moments != 0))


def test_units_that_no_longer_learn_leave_no_denormal_moments(monkeypatch):
    model, optimizer = train_beside_dead_units(64 * 20)
    assert denormals(optimizer.others.m) == denormals(optimizer.others.v) == 0
    optimizer.flush()
    assert denormals(optimizer.tables.moments) == 0

    monkeypatch.setattr(module, "TINY", 0)
    untouched, with_denormals = train_beside_dead_units(64 * 20)
    assert denormals(with_denormals.others.m) > 0
    with_denormals.flush()
    assert denormals(with_denormals.tables.moments) > 0
    assert denormals(with_denormals.others.m) > 0
    for (name, W, _), (_, other, _) in zip(model.parameters(), untouched.parameters(), strict=True):
        np.testing.assert_array_equal(W, other, err_msg=name)
