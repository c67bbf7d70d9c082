import numpy as np
import pytest

from ncf_numpy.datasets import Interactions, load_ncf_files
from ncf_numpy.evaluation import implicit_als
from ncf_numpy.evaluation.implicit_als import ImplicitALS
from ncf_numpy.evaluation.metrics import evaluate

SETTINGS = {"factors": 3, "regularisation": 0.05, "weight": 0.2}


def random_train(n_users=12, n_items=9, seed=0, density=0.4):
    X = np.random.default_rng(seed).random((n_users, n_items)) < density
    X[0], X[-1], X[:, 2] = True, False, False  # one has everything, one nothing; nobody has item 2
    users, items = np.nonzero(X)
    return Interactions(users, items, np.arange(n_users), np.arange(n_items))


def matrix(train):
    X = np.zeros((train.n_users, train.n_items))
    X[train.users, train.items] = 1
    return X


def objective(X, P, Q, regularisation, weight):
    scores = P @ Q.T
    c_u = X.sum(axis=1) + weight * X.shape[1]
    c_i = X.sum(axis=0) + weight * X.shape[0]
    penalty = c_u @ (P**2).sum(axis=1) + c_i @ (Q**2).sum(axis=1)
    squares = (X * (1 - scores) ** 2).sum() + weight * (scores**2).sum()
    return squares + regularisation * penalty


def half_steps(train, epochs, **settings):
    """[(P, Q), ...] after every half step, in float64, one row at a time, by gradient = 0."""
    X = matrix(train)
    rng, K = np.random.default_rng(7), settings["factors"]
    regularisation, weight = settings["regularisation"], settings["weight"]
    P = rng.normal(0, 0.1 / K**0.5, (train.n_users, K))
    Q = rng.normal(0, 0.1 / K**0.5, (train.n_items, K))
    Q = Q.astype(np.float32).astype(float)

    def best(row, V):
        # the objective as a weighted ridge regression: each cell asks for 1 with weight 1, where
        # there is a pair, and for 0 with `weight`, everywhere
        A = np.vstack([np.sqrt(row)[:, None] * V, np.sqrt(weight) * V])
        target = np.concatenate([np.sqrt(row), np.zeros(len(V))])
        c = regularisation * (row.sum() + weight * len(V))
        A = np.vstack([A, np.sqrt(c) * np.eye(K)])
        return np.linalg.lstsq(A, np.concatenate([target, np.zeros(K)]))[0]

    for _ in range(epochs):
        P = np.array([best(row, Q) for row in X])
        yield P, Q
        Q = np.array([best(column, P) for column in X.T])
        yield P, Q


def test_one_user_one_item_by_hand():
    # one factor, q = 2: (q^2 + w q^2 + r (1 + w)) p = q, with w = .5 and r = 2: (4 + 2 + 3) p = 2
    model = ImplicitALS(factors=1, regularisation=2, weight=0.5)
    p = model.solve(np.array([0]), np.array([0, 1]), np.array([[2.0]]))
    assert p.tolist() == [[pytest.approx(2 / 9)]]
    # another item, q = 1, that the user does not have: (4 + .5 * 5 + 2 * (1 + .5 * 2)) p = 2
    p = model.solve(np.array([0]), np.array([0, 1]), np.array([[2.0], [1.0]]))
    assert p.tolist() == [[pytest.approx(2 / 10.5)]]


@pytest.mark.parametrize("block_numbers", [1, 100, 2**22])
def test_vectors_are_those_of_a_least_squares_problem_for_one_row_at_a_time(
    block_numbers, monkeypatch
):
    monkeypatch.setattr(implicit_als, "BLOCK_NUMBERS", block_numbers)
    train = random_train()
    model = ImplicitALS(**SETTINGS, epochs=3, rng=np.random.default_rng(7)).fit(train)
    P, Q = list(half_steps(train, 3, **SETTINGS))[-1]
    np.testing.assert_allclose(model.P, P, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(model.Q, Q, rtol=1e-3, atol=1e-5)
    users, items = np.indices((train.n_users, train.n_items))
    scores = model.predict(users.ravel(), items.ravel()).reshape(users.shape)
    np.testing.assert_allclose(scores, P @ Q.T, rtol=1e-3, atol=1e-5)
    assert not model.P[-1].any() and not model.Q[2].any()  # of whom nothing is known


def test_no_half_step_raises_the_objective():
    train = random_train()
    X, penalties = matrix(train), (SETTINGS["regularisation"], SETTINGS["weight"])
    model = ImplicitALS(**SETTINGS, epochs=1).fit(train)
    by_item = np.argsort(train.items, kind="stable")
    offsets = np.searchsorted(train.items[by_item], np.arange(train.n_items + 1))
    values = [objective(X, model.P, model.Q, *penalties)]
    for _ in range(5):
        model.P = model.solve(train.items, train.offsets, model.Q)
        values.append(objective(X, model.P, model.Q, *penalties))
        model.Q = model.solve(train.users[by_item], offsets, model.P)
        values.append(objective(X, model.P, model.Q, *penalties))
    assert (np.diff(values) <= 1e-6 * values[0]).all()
    assert values[-1] < 0.99 * values[0]


def test_the_gradient_is_zero_where_a_row_was_solved():
    train = random_train()
    model = ImplicitALS(**SETTINGS, epochs=2).fit(train)
    X = matrix(train)
    P, Q, h = model.P.astype(float), model.Q.astype(float), 1e-5
    penalties = SETTINGS["regularisation"], SETTINGS["weight"]
    for i, k in [(0, 0), (5, 1), (8, 2)]:  # items were solved last
        values = []
        for step in (h, -h):
            Q[i, k] += step
            values.append(objective(X, P, Q, *penalties))
            Q[i, k] -= step
        assert abs(values[0] - values[1]) / (2 * h) < 1e-4


def test_the_same_generator_gives_the_same_bits_and_another_does_not():
    train = random_train()
    fits = [ImplicitALS(**SETTINGS, epochs=2, rng=np.random.default_rng(s)) for s in (3, 3, 4)]
    one, same, other = (model.fit(train).P.tobytes() for model in fits)
    assert one == same != other


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factors": 0}, "factors must be an integer of at least 1, got 0"),
        ({"epochs": 0}, "epochs must be an integer of at least 1, got 0"),
        ({"regularisation": 0}, "regularisation must be a finite number above 0, got 0"),
        ({"weight": np.inf}, "weight must be a finite number above 0, got inf"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(ValueError, match=message):
        ImplicitALS(**settings)


def test_vectors_that_are_not_finite_were_found_when_they_were_saved():
    message = "weight=1e[+]308 and regularisation=0.01 lead to vectors that are not finite"
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=message):
        ImplicitALS(2, weight=1e308).fit(random_train())


def test_before_fit_it_says_so():
    with pytest.raises(RuntimeError, match="ImplicitALS is not fitted"):
        ImplicitALS().predict(np.array([0]), np.array([0]))


def test_figure_on_lastfm(data_dir):
    split = load_ncf_files(data_dir("deepcf-lastfm"), np.random.default_rng(0))
    model = ImplicitALS(32, regularisation=0.01, weight=0.1).fit(split.train_and_validation())
    result = evaluate(model, split.test)
    assert result.hr >= 0.898 and result.ndcg >= 0.628


@pytest.mark.robustness  # takes more than a minute
def test_figure_on_movielens(data_dir):
    split = load_ncf_files(data_dir("ml-1m"), np.random.default_rng(0))
    model = ImplicitALS(192, regularisation=0.007, weight=0.3).fit(split.train_and_validation())
    result = evaluate(model, split.test)
    assert result.hr >= 0.730 and result.ndcg >= 0.452
