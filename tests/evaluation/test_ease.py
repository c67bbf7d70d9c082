import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncf_numpy.datasets import Interactions, load_ncf_files
from ncf_numpy.evaluation.baselines import EASE
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


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 10.0, 500.0]))
def test_each_column_is_a_ridge_regression_on_the_other_items(seed, l2):
    X = (np.random.default_rng(seed).random((9, 6)) < 0.5).astype(float)
    X[0] = 1  # so that no row or column number is lost
    model = EASE(l2).fit(interactions(X))
    for i in range(6):
        others = np.delete(X, i, axis=1)  # (9, 5)
        normal = others.T @ others + l2 * np.eye(5)
        weights = np.linalg.solve(normal, others.T @ X[:, i])  # (5,)
        np.testing.assert_allclose(np.delete(model.B[:, i], i), weights, rtol=1e-4, atol=1e-6)
        assert model.B[i, i] == 0
    users, items = np.indices(X.shape)
    scores = model.predict(users.ravel(), items.ravel()).reshape(X.shape)
    np.testing.assert_allclose(scores, X @ model.B, rtol=1e-4, atol=1e-6)


def test_pairs_may_come_in_any_order():
    X = np.random.default_rng(0).random((8, 5)) < 0.6
    X[0] = True
    model = EASE(2).fit(interactions(X))
    users, items = (a.ravel() for a in np.indices(X.shape))
    order = np.random.default_rng(1).permutation(len(users))
    expected = model.predict(users, items)[order]
    assert model.predict(users[order], items[order]).tolist() == expected.tolist()
    assert model.predict(users[:0], items[:0]).shape == (0,)


def test_blocks_of_users_change_nothing(monkeypatch):
    X = np.random.default_rng(0).random((8, 5)) < 0.6
    X[0] = True
    whole = EASE(2).fit(interactions(X)).B
    monkeypatch.setattr("ncf_numpy.evaluation.baselines.USERS_PER_BLOCK", 3)
    assert EASE(2).fit(interactions(X)).B.tolist() == whole.tolist()


@pytest.mark.parametrize("l2", [0, -1, np.inf, np.nan])
def test_l2_must_be_positive(l2):
    with pytest.raises(ValueError, match="l2 must be a finite number above 0, got"):
        EASE(l2)


def test_before_fit_it_says_so():
    with pytest.raises(RuntimeError, match="EASE knows nothing before fit"):
        EASE().predict(np.array([0]), np.array([0]))


@pytest.mark.robustness  # takes seconds
def test_figure_on_movielens(data_dir):
    # published for lambda 1320: .7192 / .4494 (Ferrari Dacrema et al. 2021, TOIS 39(2))
    split = load_ncf_files(data_dir("ml-1m"), np.random.default_rng(0))
    result = evaluate(EASE(1320).fit(split.train_and_validation()), split.test)
    assert result.hr == pytest.approx(0.7192, abs=0.001)
    assert result.ndcg == pytest.approx(0.4494, abs=0.001)
