import tracemalloc

import numpy as np
import pytest
from small_models import with_variants

from ncf_numpy import EASE, ImplicitALS, ItemKNN, NeuMF, Popularity
from ncf_numpy.core.models import Model
from ncf_numpy.datasets import Interactions
from ncf_numpy.evaluation.catalogue import Catalogue
from ncf_numpy.evaluation.top_k import largest, top_k

N_USERS, N_ITEMS = 9, 41
BASELINES = {
    "popularity": Popularity,
    "itemknn": lambda: ItemKNN(neighbours=5),
    "ease": EASE,
    "ials": lambda: ImplicitALS(3),
}


class Table:
    """Scores from a matrix user x item, asked for pair by pair."""

    def __init__(self, matrix):
        self.matrix = np.asarray(matrix)

    def predict(self, users, items):
        return self.matrix[users, items]


class WholeTable(Table):
    """The same, for whole users."""

    def scores(self, users):
        return self.matrix[users]


def neural(name, weights, n_items=N_ITEMS, seed=0):
    """A model whose every array is drawn by weights(rng, shape)."""
    rng = np.random.default_rng(seed)
    model = with_variants(N_USERS, n_items, factors=3)[name](rng)
    for _, W, _ in model.parameters():
        W[:] = weights(rng, W.shape)
    return model


def normal(rng, shape):
    return rng.normal(size=shape)


def whole_numbers(rng, shape):
    """-1, 0 and 1: every sum is exact, and of 41 items many have equal scores."""
    return rng.integers(-1, 2, shape)


def random_train(n_items=N_ITEMS, seed=1):
    users, items = np.nonzero(np.random.default_rng(seed).random((N_USERS, n_items)) < 0.3)
    return Interactions(users, items, np.arange(N_USERS), np.arange(n_items))


def by_sorting(scorer, users, k, n_items, excluded=None, candidates=None):
    """The definition: score every pair, sort all of a user's items, strike out, take the first."""
    found = []
    for row, user in enumerate(users):
        score = scorer.forward if isinstance(scorer, Model) else scorer.predict
        scores = score(np.full(n_items, user), np.arange(n_items))
        order = sorted(range(n_items), key=lambda i: (-scores[i], i))
        left_out = set() if excluded is None else set(excluded[row])
        allowed = set(range(n_items) if candidates is None else candidates)
        order = [i for i in order if i in allowed and i not in left_out][:k]
        found += [(row, i, scores[i]) for i in order]
    return [np.array(column) for column in zip(*found)]


def assert_equal(found, expected):
    rows, items, scores = found
    assert rows.tolist() == expected[0].tolist()
    assert items.tolist() == expected[1].tolist()
    np.testing.assert_allclose(scores, expected[2], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("weights", [normal, whole_numbers])
@pytest.mark.parametrize("name", with_variants())
def test_the_best_of_a_model_are_those_of_sorting_everything(name, weights):
    model, train = neural(name, weights), random_train()
    users = np.array([4, 0, 8, 4])
    excluded = [train.items_of(user) for user in users]
    found = top_k(model, users, 10, N_ITEMS, excluded=excluded)
    assert_equal(found, by_sorting(model, users, 10, N_ITEMS, excluded))


@pytest.mark.parametrize("n_items", [N_ITEMS, 5])  # more and fewer than users
@pytest.mark.parametrize("name", BASELINES)
def test_the_best_of_a_baseline_are_those_of_sorting_everything(name, n_items):
    train = random_train(n_items)
    model, users = BASELINES[name]().fit(train), np.arange(N_USERS)
    assert Catalogue(model, n_items).by_products == model.scores
    excluded = [train.items_of(user) for user in users]
    found = top_k(model, users, 3, n_items, excluded=excluded)
    assert_equal(found, by_sorting(model, users, 3, n_items, excluded))
    pairs = np.divmod(np.arange(N_USERS * n_items), n_items)
    scores = Catalogue(model, n_items).scores(users)
    np.testing.assert_allclose(scores.ravel(), model.predict(*pairs), rtol=1e-5, atol=1e-6)


def test_scores_of_item_knn_are_of_the_latest_fit():
    model = ItemKNN().fit(random_train(seed=1))
    before = model.scores([0, 1])
    after = model.fit(random_train(seed=2)).scores([0, 1])
    assert not np.array_equal(before, after)
    assert np.array_equal(after, ItemKNN().fit(random_train(seed=2)).scores([0, 1]))


@pytest.mark.parametrize("k", [1, 3, 7, 8])
def test_largest_of_a_vector_with_ties(k):
    values = np.array([2.0, 0, 3, 2, 0, 3, 2])
    assert largest(values, k).tolist() == [2, 5, 0, 3, 6, 1, 4][:k]


@pytest.mark.parametrize("scale", [1e-20, 1, 1e15])
def test_equal_items_stay_in_the_order_of_their_indices_whatever_products_round(scale):
    # BLAS rounds the last columns of a product differently: equal items get unequal scores.
    rng, eps = np.random.default_rng(0), np.finfo(np.float32).eps

    class Rounding(Table):
        def scores(self, users):
            error = rng.integers(-30, 31, (len(users), N_ITEMS)) * eps
            return (self.matrix[users] * (1 + error)).astype(np.float32)

    matrix = rng.integers(0, 5, (N_USERS, N_ITEMS)) * np.float32(scale)
    scorer, users = Rounding(matrix.astype(np.float32)), np.arange(N_USERS)
    for k in (1, 4, 15):
        assert_equal(top_k(scorer, users, k, N_ITEMS), by_sorting(scorer, users, k, N_ITEMS))


def test_a_pair_has_the_same_bits_whoever_else_is_asked_for():
    model = neural("neumf", normal)
    _, together, scores = top_k(model, np.arange(N_USERS), 7, N_ITEMS)
    for user in range(N_USERS):
        _, items, alone = top_k(model, [user], 7, N_ITEMS)
        assert items.tolist() == together[7 * user : 7 * user + 7].tolist()
        assert alone.tolist() == scores[7 * user : 7 * user + 7].tolist()


@pytest.mark.parametrize("block", [1, 2 * N_ITEMS, 2**20])
def test_blocks_of_users_change_nothing(monkeypatch, block):
    monkeypatch.setattr("ncf_numpy.evaluation.catalogue.BLOCK_SCORES", block)
    model, users = neural("gmf", whole_numbers), np.array([3, 1, 1, 7, 0])
    found = top_k(model, users, 5, N_ITEMS)
    assert_equal(found, by_sorting(model, users, 5, N_ITEMS))


def test_a_constant_scorer_gives_the_first_items_by_index():
    rows, items, scores = top_k(Table(np.ones((2, 6))), [0, 1], 3, 6, excluded=[[1], [0, 2]])
    assert rows.tolist() == [0, 0, 0, 1, 1, 1]
    assert items.tolist() == [0, 2, 3, 1, 3, 4]
    assert scores.tolist() == [1] * 6


def test_only_candidates_and_never_what_is_excluded():
    table = Table([[5.0, 4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    options = {"candidates": [4, 2, 0], "excluded": [[0], []]}
    rows, items, scores = top_k(table, [0, 1], 2, 5, **options)
    assert (rows.tolist(), items.tolist()) == ([0, 0, 1, 1], [2, 4, 4, 2])
    assert scores.tolist() == [3, 1, 5, 3]


def test_fewer_than_k_where_fewer_are_left_and_none_where_none_is():
    table = Table(np.arange(8.0).reshape(2, 4))
    rows, items, _ = top_k(table, [1, 0], 9, 4, excluded=[[3], [0, 1, 2, 3]])
    assert (rows.tolist(), items.tolist()) == ([0, 0, 0], [2, 1, 0])
    for column in top_k(table, [], 9, 4):
        assert column.shape == (0,)
    assert top_k(table, [0], 9, 4, candidates=np.arange(0))[1].tolist() == []


@pytest.mark.parametrize("matrix", [np.arange(12).reshape(3, 4) % 5, -np.eye(3, 4)])
def test_a_scorer_s_own_scores_are_used_and_left_as_they_are(matrix):
    scorer, before = WholeTable(matrix), matrix.copy()
    found = top_k(scorer, [2, 0], 2, 4, excluded=[[1], [3]])
    assert_equal(found, by_sorting(scorer, [2, 0], 2, 4, [[1], [3]]))
    assert np.array_equal(matrix, before)


@pytest.mark.parametrize("name", with_variants())
def test_nothing_is_written_that_another_thread_could_read(name):
    model = neural(name, normal)
    model.forward(np.array([1, 2]), np.array([3, 4]))
    before = {key: layer.__dict__.copy() for key, layer in model.layers()}
    own = model.__dict__.copy()
    top_k(model, [0, 1], 3, N_ITEMS)
    for key, layer in model.layers():
        assert layer.__dict__.keys() == before[key].keys()
        assert all(layer.__dict__[a] is before[key][a] for a in before[key])
    assert all(model.__dict__[a] is own[a] for a in own) and model.__dict__.keys() == own.keys()


def test_memory_is_that_of_a_block_and_not_of_users_times_items(monkeypatch):
    monkeypatch.setattr("ncf_numpy.evaluation.catalogue.BLOCK_SCORES", 2**16)
    rng = np.random.default_rng(0)
    model, users = NeuMF(500, 5000, 4, (16, 8, 4), rng), np.arange(500)
    tracemalloc.start()
    top_k(model, users, 10, 5000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6  # 500 x 5,000 scores in float32 would be 10 MB


def test_a_score_that_is_no_number_names_the_user():
    model = neural("neumf", normal)
    model.user_embedding.W[5, 1] = np.nan
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=r"NeuMF.*user 5\b"):
        top_k(model, [3, 5], 2, N_ITEMS)
    matrix = np.ones((2, 3))
    matrix[1, 2] = np.inf
    with pytest.raises(FloatingPointError, match=r"WholeTable.*user 1\b"):
        top_k(WholeTable(matrix), [0, 1], 2, 3, excluded=[[2], [2]])


def test_bad_arguments_raise():
    table = WholeTable(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"k must be .* got 0"):
        top_k(table, [0], 0, 3)
    with pytest.raises(IndexError, match=r"candidates must be in \[0, 3\), got 3"):
        top_k(table, [0], 1, 3, candidates=[3])
    with pytest.raises(ValueError, match=r"excluded .* 1 of 2"):
        top_k(table, [0, 1], 1, 3, excluded=[[0]])
    with pytest.raises(ValueError, match=r"WholeTable .*\(1, 4\).*\(1, 3\)"):
        top_k(table, [0], 1, 4)


def test_a_bar_on_stderr_only_if_asked(capsys):
    table = Table(np.ones((2, 3)))
    top_k(table, [0, 1], 1, 3)
    assert capsys.readouterr().err == ""
    top_k(table, [0, 1], 1, 3, progress=True)
    assert "scoring" in capsys.readouterr().err


def test_what_is_left_out_is_left_out_of_the_right_block(monkeypatch):
    matrix = np.arange(20.0).reshape(5, 4)  # the best item of every user is 3, then 2, ...
    monkeypatch.setattr("ncf_numpy.evaluation.catalogue.BLOCK_SCORES", 8)  # two users at a time
    excluded = [[3], [3, 2], [], [0], [3, 2, 1]]
    rows, items, _ = top_k(WholeTable(matrix), range(5), 1, 4, excluded=excluded)
    assert rows.tolist() == [0, 1, 2, 3, 4]
    assert items.tolist() == [2, 1, 3, 3, 0]
