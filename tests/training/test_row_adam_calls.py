"""RowAdam call by call: its domain, its tables and blocks, what each call moves, what raises."""

import copy
import math
import pickle

import numpy as np
import pytest

from ncf_numpy import (
    GMF,
    Adam,
    BinaryCrossEntropyWithLogits,
    RowAdam,
    RowGradient,
    train_step,
)
from ncf_numpy.training import row_adam as module
from ncf_numpy.training.moments import EndToEnd, Tables


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": -0.1}, r"^lr must be in \[0, inf\), got -0.1"),
        ({"lr": math.nan}, r"^lr must be in \[0, inf\), got nan"),
        ({"beta1": 1}, r"^beta1 must be in \[0, 1\), got 1$"),
        ({"beta1": -0.1}, r"^beta1 must be in \[0, 1\), got -0.1"),
        ({"beta2": 1}, r"^beta2 must be in \[0, 1\), got 1$"),
        ({"beta2": 1.5}, r"^beta2 must be in \[0, 1\), got 1.5"),
        ({"eps": 0}, r"^eps must be in \[1e-30, inf\), got 0"),
        ({"beta1": 0.998**1.5, "beta2": 0.998}, r"beta1 < beta2\^1.5, got beta1 = 0.997"),
        ({"beta2": math.nextafter(0.998, 0)}, r"beta2 >= 0.998 and"),
    ],
)
def test_bad_arguments_raise_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        RowAdam(**arguments)


def test_settings_are_all_that_the_next_step_depends_on_besides_arrays():
    optimizer = RowAdam(0.25, 0.5, 0.998, 1e-4, lazy=True)
    betas = {"beta1": 0.5, "beta2": 0.998}
    assert optimizer.settings() == {"lr": 0.25, **betas, "eps": 1e-4, "lazy": True, "t": 0}


def test_an_optimizer_is_listed_as_behind_from_the_first_catch_up_to_the_flush():
    optimizer, W = RowAdam(), np.zeros((3, 2))
    optimizer.catch_up([("W", W, np.array([1]))])
    assert module.BEHIND[id(optimizer)]() is optimizer
    assert module.BEHIND[id(optimizer)].__callback__ is None  # it would take a Ctrl-C
    optimizer.flush()
    assert id(optimizer) not in module.BEHIND


def test_the_ends_of_the_domain_are_in_it():
    RowAdam(beta1=math.nextafter(0.998**1.5, 0), beta2=0.998)
    RowAdam(beta1=0.0, eps=1e-30, lr=0)


def test_the_defaults_are_those_of_adam():
    ours, dense = RowAdam(), Adam()
    for name in ("lr", "beta1", "beta2", "eps", "t"):
        assert getattr(ours, name) == getattr(dense, name)
    assert ours.lazy is False
    assert ours.tables is ours.others is None


# Tables, pieces, arrays


def test_rows_are_cut_into_blocks_of_so_many_numbers(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 12)
    optimizer = RowAdam()
    optimizer.catch_up([("W", np.zeros((9, 3)), np.arange(9))])  # 3 numbers a row: 4 rows a block
    assert [block.rows.tolist() for block in optimizer.batch.blocks] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8],
    ]
    wide = RowAdam()
    wide.catch_up([("W", np.zeros((2, 100)), np.arange(2))])  # a row at least
    assert [block.rows.tolist() for block in wide.batch.blocks] == [[0], [1]]


def test_tables_lie_one_below_the_other():
    W = {"a": np.zeros((2, 3), np.float32), "b": np.ones((4, 3), np.float32)}
    tables = Tables(W)
    assert tables.K == 3
    assert tables.moments.dtype == np.float32
    assert tables.moments.shape == (2, 6, 3)
    assert not tables.moments.any()
    assert tables.moved.tolist() == [0] * 6
    assert tables.rows({"b": np.array([3, 0]), "a": np.array([1])}).tolist() == [5, 2, 1]
    rows = np.array([1, 2, 5])
    tables.subtract(rows, np.array([[7, 8, 9], [1, 2, 3], [4, 5, 6]], np.float32))
    assert W["a"].tolist() == [[0, 0, 0], [-7, -8, -9]]
    assert W["b"].tolist() == [[0, -1, -2], [1, 1, 1], [1, 1, 1], [-3, -4, -5]]
    tables.subtract(np.array([4]), np.ones((1, 3), np.float32))  # none of the first table
    assert W["b"][2].tolist() == [0, 0, 0]
    assert W["a"].tolist() == [[0, 0, 0], [-7, -8, -9]]
    moments = np.arange(18, dtype=np.float32).reshape(2, 3, 3)
    tables.write_moments(rows, moments)
    for ours, theirs in ((tables.m, moments[0]), (tables.v, moments[1])):
        np.testing.assert_array_equal(ours[rows], theirs)
        assert not ours[[0, 3, 4]].any()


def test_arrays_are_laid_end_to_end():
    arrays = [np.zeros((2, 3), np.float32), np.zeros(4, np.float32), np.zeros((1, 1), np.float32)]
    others = EndToEnd(arrays)
    assert others.m.shape == others.v.shape == others.move.shape == (11,)
    assert others.m.dtype == others.v.dtype == others.move.dtype == np.float32
    assert not others.m.any() and not others.v.any()
    others.move[:] = np.arange(11)
    assert [W is array for (W, _), array in zip(others.parts, arrays, strict=True)] == [True] * 3
    assert [part.tolist() for _, part in others.parts] == [
        [[0, 1, 2], [3, 4, 5]],
        [6, 7, 8, 9],
        [[10]],
    ]


# Steps


def row_step(optimizer, W, rows, values, name="W"):
    optimizer.step([(name, W, RowGradient(np.array(rows), np.array(values, W.dtype), W.shape))])


@pytest.mark.parametrize("rows", [[0, 1, 2], [2, 0], [0], [0, 3]])
def test_gradients_of_other_rows_than_were_caught_up_last_raise_and_change_nothing(rows):
    optimizer, W = RowAdam(), np.zeros((4, 1))
    optimizer.catch_up([("W", W, np.array([0, 1, 2]))])
    row_step(optimizer, W, [0, 1, 2], [[1.0], [1.0], [1.0]])
    optimizer.catch_up([("W", W, np.array([0, 2]))])
    m, v, before = optimizer.tables.m.copy(), optimizer.tables.v.copy(), W.copy()
    with pytest.raises(RuntimeError, match="^step needs gradients of W for exactly the ids of"):
        row_step(optimizer, W, rows, np.ones((len(rows), 1)))
    assert optimizer.t == 1
    np.testing.assert_array_equal(optimizer.tables.m, m)
    np.testing.assert_array_equal(optimizer.tables.v, v)
    np.testing.assert_array_equal(W, before)
    row_step(optimizer, W, [0, 2], [[1.0], [1.0]])
    assert optimizer.t == 2
    with pytest.raises(RuntimeError, match="^step needs"):  # every step its own catch_up
        row_step(optimizer, W, [0, 2], [[1.0], [1.0]])


def test_a_table_that_was_caught_up_and_has_no_gradient_raises():
    optimizer, W, V = RowAdam(), np.zeros((2, 1)), np.zeros((2, 1))
    optimizer.catch_up([("W", W, np.array([0])), ("V", V, np.array([1]))])
    with pytest.raises(RuntimeError, match="^step needs gradients of V for exactly the ids of"):
        row_step(optimizer, W, [0], [[1.0]])


def test_a_gradient_of_another_size_than_the_table_raises_before_any_row_moves():
    optimizer, W = RowAdam(), np.zeros((2, 1))
    optimizer.catch_up([("W", W, np.array([0]))])
    with pytest.raises(ValueError, match=r"^the gradient of W must be float64 of \(2, 1\)"):
        optimizer.step([("W", W, RowGradient(np.array([0]), np.ones((1, 1)), (3, 1)))])
    with pytest.raises(RuntimeError, match="^W has no gradient yet: call model.backward before"):
        optimizer.step([("W", W, None)])
    assert optimizer.t == 0


def test_a_table_that_was_not_there_at_the_first_catch_up_raises():
    optimizer, ids = RowAdam(), np.array([0])
    optimizer.catch_up([("W", np.zeros((2, 1)), ids)])
    with pytest.raises(ValueError, match="^V is a different array than in earlier steps"):
        optimizer.catch_up([("V", np.zeros((2, 1)), ids)])


def test_a_gradient_of_an_unknown_table_beside_a_known_one_raises():
    optimizer, W = RowAdam(), np.zeros((2, 1))
    optimizer.catch_up([("W", W, np.array([0]))])
    with pytest.raises(RuntimeError, match="^step needs gradients of W and V for exactly the ids"):
        row_step(optimizer, np.zeros((2, 1)), [0], [[1.0]], name="V")


def one_step_ahead():
    """A model of 3 users and 4 items, and a RowAdam that has taken one step on their last rows."""
    model, optimizer = GMF(3, 4, 2, np.random.default_rng(0)), RowAdam(0.1)
    loss, pairs = BinaryCrossEntropyWithLogits(), (np.array([0, 2]), np.array([1, 3]))
    train_step(model, loss, optimizer, *pairs, np.array([1, 0]))
    return model, loss, optimizer


def test_a_negative_id_raises_before_any_row_is_moved():
    model, loss, optimizer = one_step_ahead()
    expected, _, other = one_step_ahead()
    with pytest.raises(IndexError, match=r"must be in \[0, 3\), got -1"):
        train_step(model, loss, optimizer, np.array([-1]), np.array([0]), np.array([1]))
    optimizer.flush()
    other.flush()
    for (_, W, _), (_, V, _) in zip(model.parameters(), expected.parameters(), strict=True):
        np.testing.assert_allclose(W, V, atol=1e-6)


@pytest.mark.parametrize(
    ("users", "error", "message"),
    [
        ([3], IndexError, r"must be in \[0, 3\), got 3"),
        ([0.5], TypeError, "must be integer row numbers, got float64"),
    ],
)
def test_bad_ids_raise_the_same_sentence_as_without_row_adam(users, error, message):
    model, loss, optimizer = one_step_ahead()
    with pytest.raises(error, match=message):
        train_step(model, loss, optimizer, np.array(users), np.array([0]), np.array([1]))


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, pickled])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_copy_of_a_training_wrote_its_steps_into_copies_of_views(duplicate, lazy):
    def go_on(model, optimizer):
        loss = BinaryCrossEntropyWithLogits()
        for k in range(3):
            pairs = (np.array([0, 2, k]), np.array([1, k, 1]))
            train_step(model, loss, optimizer, *pairs, np.array([1, 0, 1]))
        optimizer.flush()
        return [W.copy() for _, W, _ in model.parameters()]

    pair = GMF(3, 4, 2, np.random.default_rng(0)), RowAdam(0.1, lazy=lazy)
    start = go_on(*pair)
    twin = duplicate(pair)
    ours, theirs = go_on(*pair), go_on(*twin)
    for W, V, before in zip(ours, theirs, start, strict=True):
        np.testing.assert_array_equal(W, V)
        assert (before != W).any()


def nothing(optimizer):
    pass


def flush(optimizer):
    optimizer.flush()


def flush_twice(optimizer):
    optimizer.flush()
    optimizer.flush()


def new_rate(optimizer):
    optimizer.lr = 0.01


@pytest.mark.parametrize("then", [nothing, flush, flush_twice, new_rate])
def test_a_batch_that_was_read_and_got_no_gradient_goes_on_as_in_dense_adam(then):
    dense, ours = np.ones((3, 1)), np.ones((3, 1))
    adam, row_adam = Adam(0.01), RowAdam(0.01)
    rng = np.random.default_rng(0)
    for row in (0, 1, 0, 0, 1, 1, 2, 0):
        row_adam.catch_up([("W", ours, np.array([0, 1]))])  # looked at, and left
        then(row_adam)
        row_adam.catch_up([("W", ours, np.array([row]))])
        gradient = RowGradient(np.array([row]), rng.normal(size=(1, 1)), (3, 1))
        adam.step([("W", dense, gradient)])
        row_adam.step([("W", ours, gradient)])
    row_adam.flush()
    np.testing.assert_allclose(ours, dense, rtol=1e-10)


@pytest.mark.parametrize("then", [flush, new_rate])
def test_after_a_flush_no_row_waits_for_a_gradient(then):
    optimizer, W = RowAdam(), np.zeros((2, 1))
    optimizer.catch_up([("W", W, np.array([0]))])
    then(optimizer)
    with pytest.raises(RuntimeError, match="latest catch_up"):
        row_step(optimizer, W, [0], [[1.0]])
    assert optimizer.t == 0


def test_lazy_asks_for_the_same_calls_and_has_nothing_to_flush():
    optimizer, W = RowAdam(lazy=True), np.zeros((2, 1))
    with pytest.raises(RuntimeError, match="latest catch_up"):
        row_step(optimizer, W, [1], [[1.0]])
    optimizer.catch_up([("W", W, np.array([0]))])
    with pytest.raises(RuntimeError, match="latest catch_up"):
        row_step(optimizer, W, [1], [[1.0]])
    optimizer.catch_up([("W", W, np.array([1]))])
    row_step(optimizer, W, [1], [[1.0]])
    optimizer.catch_up([("W", W, np.array([1]))])  # and no step
    after, m, v = W.copy(), optimizer.tables.m.copy(), optimizer.tables.v.copy()
    optimizer.flush()
    optimizer.lr = 0.5
    np.testing.assert_array_equal(W, after)
    np.testing.assert_array_equal(optimizer.tables.m, m)
    np.testing.assert_array_equal(optimizer.tables.v, v)
    assert optimizer.lr == 0.5


@pytest.mark.parametrize("block", [1, 4, 5, 10, 11, 2**15])
def test_arrays_move_as_by_dense_adam_however_they_are_cut(monkeypatch, block):
    monkeypatch.setattr(module, "BLOCK", block)
    rng = np.random.default_rng(0)
    ours, theirs = ([np.ones((2, 3)), np.ones(4), np.ones((1, 1))] for _ in range(2))
    one, other = RowAdam(0.1, 0.8, 0.998, 1e-3), Adam(0.1, 0.8, 0.998, 1e-3)
    for _ in range(5):
        gradients = [rng.normal(size=W.shape) for W in ours]
        for g in gradients:
            g.setflags(write=False)
        one.step([(str(n), W, g) for n, (W, g) in enumerate(zip(ours, gradients))])
        other.step([(str(n), W, g) for n, (W, g) in enumerate(zip(theirs, gradients))])
    for W, V in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(W, V, rtol=1e-12)


def test_a_single_array_without_any_table_moves():
    optimizer, W = RowAdam(0.1), np.zeros(3, np.float32)
    optimizer.step([("W", W, np.array([1, -1, 0], np.float32))])
    np.testing.assert_allclose(W, [-0.1, 0.1, 0], rtol=1e-5)  # Adam's first step is lr


def test_rows_given_twice_move_once_and_rows_left_alone_keep_their_clock():
    optimizer, W = RowAdam(0.1), np.zeros((3, 1))
    optimizer.catch_up([("W", W, np.array([0, 1]))])
    row_step(optimizer, W, [0, 1], [[1.0], [1.0]])
    optimizer.catch_up([("W", W, np.array([1, 1, 1]))])
    # the first step of Adam is lr, here .1
    np.testing.assert_allclose(W, [[0], [-0.1], [0]], rtol=1e-6)
    assert optimizer.tables.moved.tolist() == [0, 1, 0]
    optimizer.flush()
    np.testing.assert_allclose(W, [[-0.1], [-0.1], [0]], rtol=1e-6)
    assert optimizer.tables.moved.tolist() == [1, 1, 1]


def test_moments_below_1e_30_are_set_to_0_in_every_block(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 3)
    kept = [1.0, -1.5e-30, 1e-30]
    m, v = np.float32([*kept, -9e-31, 1e-38]), np.float32([[1e-40, 0.0], [1e-31, 2.0]])
    module.clear_tiny(m, v)
    assert m.tolist() == np.float32([*kept, 0, 0]).tolist()
    assert v.tolist() == [[0, 0], [0, 2]]


def test_dense_moments_are_cleared_every_so_many_steps_and_by_flush(monkeypatch):
    monkeypatch.setattr(module, "CLEAR_EVERY", 3)
    optimizer, W, nothing = RowAdam(), np.ones(2, np.float32), np.zeros(2, np.float32)
    cleared = []
    for _ in range(7):
        if optimizer.others is not None:
            optimizer.others.m[:] = optimizer.others.v[:] = 1e-33
        optimizer.step([("W", W, nothing)])
        cleared.append(not optimizer.others.m.any() and not optimizer.others.v.any())
    assert cleared[1:] == [False, True, False, False, True, False]  # steps 2 to 7
    optimizer.flush()
    assert not optimizer.others.m.any() and not optimizer.others.v.any()


def test_the_state_is_made_once_and_then_is_the_optimizers_own():
    optimizer, model = RowAdam(), GMF(3, 4, 2, np.random.default_rng(0))
    first = optimizer.state(model)
    assert set(first) == {"rows.moved", "rows.m", "rows.v", "m", "v"}
    assert first["m"].shape == (3,) and not first["m"].any()  # of output.W (2, 1) and output.b (1,)
    assert all(optimizer.state(model)[name] is first[name] for name in ("m", "v", "rows.m"))
