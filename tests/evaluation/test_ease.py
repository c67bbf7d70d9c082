import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncf_numpy.datasets import Interactions, load_ncf_files
from ncf_numpy.evaluation import ease
from ncf_numpy.evaluation.ease import EASE
from ncf_numpy.evaluation.metrics import evaluate


def interactions(matrix):
    matrix = np.asarray(matrix)
    users, items = np.nonzero(matrix)
    return Interactions(users, items, np.arange(len(matrix)), np.arange(matrix.shape[1]))


def test_two_items_by_hand():
    # X^T X = [[3, 2], [2, 2]]. With one other item, ridge regression has one weight:
    # item 1 from item 0 is 2 / (3 + l2), item 0 from item 1 is 2 / (2 + l2)
    model = EASE(l2=1).fit(interactions([[1, 1], [1, 1], [1, 0]]))
    np.testing.assert_allclose(model.B, [[0, 2 / 4], [2 / 3, 0]], rtol=1e-6)
    # user 2 has item 0 only: its own weight is 0, and item 1 gets B[0, 1]
    scores = model.predict(np.array([2, 0, 2]), np.array([1, 1, 0]))
    np.testing.assert_allclose(scores, [1 / 2, 1 / 2, 0], rtol=1e-6)


@st.composite
def matrices(draw):
    """More users than items, or fewer, and every row and column of a 0/1 matrix is in use."""
    shape = draw(st.sampled_from([(9, 6), (6, 6), (5, 8), (1, 3)]))
    X = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).random(shape) < 0.5
    X[0] = True
    return X.astype(float)


def scores_of_every_pair(model):
    users, items = np.indices((model.n_users, model.n_items))
    return model.predict(users.ravel(), items.ravel()).reshape(users.shape)


@settings(max_examples=50, deadline=None)
@given(matrices(), st.sampled_from([0.5, 10.0, 500.0]))
def test_scores_are_those_of_a_ridge_regression_of_each_item_on_the_others(X, l2):
    model = EASE(l2).fit(interactions(X))
    assert (model.B is None) == (X.shape[0] < X.shape[1])
    for i in range(X.shape[1]):
        others = np.delete(X, i, axis=1)
        normal = others.T @ others + l2 * np.eye(X.shape[1] - 1)
        weights = np.linalg.solve(normal, others.T @ X[:, i])
        if model.B is not None:
            np.testing.assert_allclose(np.delete(model.B[:, i], i), weights, rtol=1e-4, atol=1e-6)
            assert model.B[i, i] == 0
        scores = model.predict(np.arange(len(X)), np.full(len(X), i))
        np.testing.assert_allclose(scores, others @ weights, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("shape", [(8, 5), (5, 8)])
def test_pairs_may_come_in_any_order(shape):
    X = np.random.default_rng(0).random(shape) < 0.6
    X[0] = True
    model = EASE(2).fit(interactions(X))
    users, items = (a.ravel() for a in np.indices(X.shape))
    order = np.random.default_rng(1).permutation(len(users))
    expected = model.predict(users, items)[order]
    assert model.predict(users[order], items[order]).tolist() == expected.tolist()
    assert model.predict(users[:0], items[:0]).shape == (0,)


@pytest.mark.parametrize("shape", [(11, 7), (7, 11)])
def test_blocks_change_nothing(shape, monkeypatch):
    X = np.random.default_rng(0).random(shape) < 0.6
    X[0] = True
    whole = scores_of_every_pair(EASE(2).fit(interactions(X)))
    monkeypatch.setattr(ease, "BLOCK", 3)
    monkeypatch.setattr(ease, "GATHER", 20)
    small = scores_of_every_pair(EASE(2).fit(interactions(X)))
    np.testing.assert_allclose(small, whole, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("n", [1, 6, 7, 9, 20])
def test_the_inverse_in_place_is_the_inverse(n, monkeypatch):
    monkeypatch.setattr(ease, "BLOCK", 3)
    A = np.random.default_rng(n).normal(size=(n, n))
    G = A @ A.T + 0.1 * np.eye(n)
    expected = np.linalg.inv(G)
    ease.invert(G)
    np.testing.assert_allclose(G, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("shape", [(700, 400), (400, 700)])
def test_no_more_memory_than_it_states(shape, monkeypatch):
    monkeypatch.setattr(ease, "BLOCK", 64)
    train = interactions(np.random.default_rng(0).random(shape) < 0.05)
    tracemalloc.start()
    model = EASE(10).fit(train)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    n_pairs = 3 * 8 * len(train)  # the pairs themselves, by user and by item
    assert 0.8 * model.memory(*shape) < peak < model.memory(*shape) + n_pairs + 1e5


def test_more_items_than_memory_is_refused_before_anything_is_allocated():
    n = 2_000_000
    train = Interactions([0], [0], np.arange(n), np.arange(n))
    with pytest.raises(MemoryError, match=r"EASE on 2,000,000 users and 2,000,000 items needs 48,"):
        EASE().fit(train)


@pytest.mark.parametrize("l2", [0, -1, np.inf, np.nan])
def test_l2_must_be_positive(l2):
    with pytest.raises(ValueError, match="l2 must be a finite number above 0, got"):
        EASE(l2)


def test_before_fit_it_says_so():
    with pytest.raises(RuntimeError, match="EASE is not fitted"):
        EASE().predict(np.array([0]), np.array([0]))


@pytest.mark.robustness  # takes seconds
def test_figure_on_movielens(data_dir):
    # published for lambda 1320: .7192 / .4494 (Ferrari Dacrema et al. 2021, TOIS 39(2))
    split = load_ncf_files(data_dir("ml-1m"), np.random.default_rng(0))
    result = evaluate(EASE(1320).fit(split.train_and_validation()), split.test)
    assert result.hr == pytest.approx(0.7192, abs=0.001)
    assert result.ndcg == pytest.approx(0.4494, abs=0.001)
