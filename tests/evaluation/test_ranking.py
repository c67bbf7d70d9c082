import math
import tracemalloc

import numpy as np
import pytest
from small_models import with_variants

from ncf_numpy import NeuMF
from ncf_numpy.datasets import Holdout, Interactions, load_ncf_files
from ncf_numpy.evaluation.baselines import Popularity
from ncf_numpy.evaluation.catalogue import Catalogue
from ncf_numpy.evaluation.ranking import evaluate_catalogue, rank_in_catalogue

N_USERS, N_ITEMS = 7, 23
MODELS = with_variants(N_USERS, N_ITEMS, dtype=np.float64)


class Table:
    """Scores from a matrix user x item."""

    def __init__(self, scores):
        self.scores = np.asarray(scores, float)

    def predict(self, users, items):
        return self.scores[users, items]


def random_train(seed=0, density=0.3):
    rng = np.random.default_rng(seed)
    users, items = np.nonzero(rng.random((N_USERS, N_ITEMS)) < density)
    return Interactions(users, items, np.arange(N_USERS), np.arange(N_ITEMS))


def trained(name, seed=0):
    """A model whose weights, biases too, are large enough to matter."""
    rng = np.random.default_rng(seed)
    model = MODELS[name](rng)
    for _, W, _ in model.parameters():
        W[:] = rng.normal(size=W.shape)
    return model


def slow_rank(scorer, user, item, train, mask_train=True):
    has = set(train.items[train.users == user].tolist()) if mask_train else set()
    score = {i: scorer.predict(np.array([user]), np.array([i]))[0] for i in range(train.n_items)}
    return sum(score[i] >= score[item] for i in score if i != item and i not in has)


def test_ranks_by_hand():
    # user 0 has item 3; of the others item 1 (.9) is above item 2 (.5), item 4 is its equal
    train = Interactions([0, 1], [3, 0], np.arange(2), np.arange(5))
    scorer = Table([[0.1, 0.9, 0.5, 1.0, 0.5], [0.0, 0.0, 0.0, 0.0, 0.0]])
    users, items = np.array([0, 0, 1]), np.array([2, 1, 4])
    # user 1: three equals besides item 4, for item 0 is in train
    assert rank_in_catalogue(scorer, users, items, train).tolist() == [2, 0, 3]
    unmasked = rank_in_catalogue(scorer, users, items, train, mask_train=False)
    assert unmasked.tolist() == [3, 1, 4]


def test_metrics_of_several_held_out_items_by_hand():
    train = Interactions([0, 1], [5, 5], np.arange(2), np.arange(6))
    scorer = Table([[6, 5, 4, 3, 2, 1], [6, 5, 4, 3, 2, 1]])
    # user 0 is to get items 0, 2 and 4: ranks 0, 2, 4; user 1 item 3: rank 3
    holdout = Holdout([0, 0, 0, 1], [0, 2, 4, 3], np.zeros((4, 0), int))
    result = evaluate_catalogue(scorer, holdout, train, k=3)
    assert result.ranks.tolist() == [0, 2, 4, 3]
    assert result.hr == 0.5  # user 0 has a hit, user 1 none
    assert result.recall == pytest.approx((2 / 3 + 0) / 2)
    # DCG 1 + 1/log2(4); the best three places give 1 + 1/log2(3) + 1/2
    assert result.ndcg == pytest.approx((1 + 1 / 2) / (1 + 1 / math.log2(3) + 1 / 2) / 2)
    # with k = 1 the best is one hit, whatever the number of held-out items
    assert evaluate_catalogue(scorer, holdout, train, k=1).ndcg == 0.5


def test_two_held_out_items_that_tie_take_one_place_each_in_one_list():
    train = Interactions([0, 1], [5, 5], np.arange(2), np.arange(6))
    # items 1, 3 and 4 tie behind item 0; 1 and 4 are held out, and 3 counts against both
    scorer = Table([[9, 5, 1, 5, 5, 0]] * 2)
    users, items = np.array([0, 0]), np.array([1, 4])
    assert rank_in_catalogue(scorer, users, items, train).tolist() == [3, 3]
    for order in (items, items[::-1]):
        assert rank_in_catalogue(scorer, users, order, train, one_list=True).tolist() == [2, 3]
    # the same item twice is one item, and an item of train does not compete
    twice = np.array([4, 4])
    assert rank_in_catalogue(scorer, users, twice, train, one_list=True).tolist() == [3, 3]
    has_4 = Interactions([0, 0, 1], [4, 5, 5], np.arange(2), np.arange(6))
    assert rank_in_catalogue(scorer, users, items, has_4, one_list=True).tolist() == [2, 3]


def test_the_figures_do_not_depend_on_which_of_two_held_out_items_comes_first():
    train = Interactions([0], [7], np.arange(1), np.arange(8))
    both = Holdout([0, 0, 0], [1, 4, 2], np.zeros((3, 0), int))
    tied = evaluate_catalogue(Table([[9, 5, 1, 4, 5, 1, 0, 0]]), both, train, k=4)
    apart = evaluate_catalogue(Table([[9, 5.1, 1, 4, 5, 1.1, 0, 0]]), both, train, k=4)
    for measure in ("HR", "NDCG", "precision", "recall", "MAP", "MRR"):
        assert tied.mean(measure) == apart.mean(measure), measure


def test_one_held_out_item_a_user_makes_recall_the_hit_ratio():
    train, model = random_train(), trained("gmf")
    users = np.arange(N_USERS)
    holdout = Holdout(users, users + 3, np.zeros((N_USERS, 0), int))
    result = evaluate_catalogue(model, holdout, train, k=10)
    assert 0 < result.hr == result.recall < 1


@pytest.mark.parametrize("mask_train", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_ranks_of_every_model_are_those_of_the_slow_twin(name, mask_train):
    train, model = random_train(), trained(name)
    users, items = np.array([0, 3, 3, 6, 0]), np.array([4, 22, 0, 11, 5])
    ranks = rank_in_catalogue(model, users, items, train, mask_train=mask_train)
    expected = [slow_rank(model, u, i, train, mask_train) for u, i in zip(users, items)]
    assert ranks.tolist() == expected


@pytest.mark.parametrize("name", MODELS)
def test_products_give_the_model_s_own_logits(name):
    model = trained(name)
    catalogue = Catalogue(model, N_ITEMS)
    every_item = np.arange(N_ITEMS)
    assert (catalogue.by_products is None) == (name == "mlp without a hidden layer")
    scores = catalogue.scores(np.arange(N_USERS))
    for user in range(N_USERS):
        logits = model.forward(np.full(N_ITEMS, user), every_item)
        np.testing.assert_allclose(scores[user], logits, rtol=1e-10, atol=1e-12)


def test_blocks_change_nothing(monkeypatch):
    train, model = random_train(), trained("neumf")
    users, items = np.arange(N_USERS), np.arange(N_USERS)
    whole = rank_in_catalogue(model, users, items, train).tolist()
    monkeypatch.setattr("ncf_numpy.evaluation.catalogue.BLOCK_PAIRS", 5)
    assert rank_in_catalogue(model, users, items, train).tolist() == whole


def test_never_more_than_a_block_of_pairs_at_a_time(monkeypatch):
    seen = []

    class Spy(Table):
        def predict(self, users, items):
            seen.append(len(users))
            return super().predict(users, items)

    monkeypatch.setattr("ncf_numpy.evaluation.catalogue.BLOCK_PAIRS", 5)
    rank_in_catalogue(Spy(np.eye(N_USERS, N_ITEMS)), np.array([1]), np.array([2]), random_train())
    assert max(seen) == 5 and sum(seen) == N_ITEMS


def test_memory_is_that_of_a_block_and_not_of_users_times_items(monkeypatch):
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((300, 3706)) < 0.04)
    train = Interactions(users, items, np.arange(300), np.arange(3706))
    model = NeuMF(300, 3706, 8, (64, 32, 16, 8), rng)
    everyone = np.arange(300)
    monkeypatch.setattr("ncf_numpy.evaluation.catalogue.BLOCK_SCORES", 2**17)
    tracemalloc.start()
    rank_in_catalogue(model, everyone, everyone, train)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # a block of 3,706 pairs x 32 units in float32 is .5 MB, all pairs x 32 units would be 140 MB
    assert peak < 5e6


def test_a_constant_scorer_ranks_everything_last():
    train = random_train()
    n_has = np.bincount(train.users, minlength=N_USERS)
    unseen = [np.setdiff1d(np.arange(N_ITEMS), train.items_of(u))[0] for u in range(N_USERS)]
    ranks = rank_in_catalogue(
        Table(np.zeros((N_USERS, N_ITEMS))), np.arange(N_USERS), np.array(unseen), train
    )
    assert ranks.tolist() == (N_ITEMS - n_has - 1).tolist()


def test_a_score_that_is_no_number_raises():
    scores = np.zeros((N_USERS, N_ITEMS))
    scores[2, 3] = np.nan
    with pytest.raises(FloatingPointError, match=r"Table.*user 2\b"):
        rank_in_catalogue(Table(scores), np.array([2]), np.array([0]), random_train())


def test_bad_arguments_raise():
    train, model = random_train(), trained("gmf")
    with pytest.raises(IndexError, match=r"items must be in \[0, 23\), got 23"):
        rank_in_catalogue(model, np.array([0]), np.array([23]), train)
    with pytest.raises(ValueError, match="expected pairs to rank, got 2 users and 1 items"):
        rank_in_catalogue(model, np.array([0, 1]), np.array([3]), train)
    empty = Holdout(np.empty(0, int), np.empty(0, int), np.empty((0, 0), int))
    with pytest.raises(ValueError, match="expected pairs to rank, got 0"):
        evaluate_catalogue(model, empty, train)
    with pytest.raises(ValueError, match="k must be an integer of at least 1, got 0"):
        evaluate_catalogue(model, Holdout([0], [1], [[2]]), train, k=0)


def test_popularity_on_all_films_of_movielens(data_dir):
    split = load_ncf_files(data_dir("ml-1m"), np.random.default_rng(0), validation=False)
    result = evaluate_catalogue(Popularity().fit(split.train), split.test, split.train)
    # a twin that sorts: where does the test item stand among the films the user has not rated?
    n_i = np.bincount(split.train.items, minlength=split.train.n_items)
    hits = 0
    for user, item in zip(split.test.users[:500], split.test.items[:500]):
        unrated = np.setdiff1d(np.arange(split.train.n_items), split.train.items_of(user))
        hits += np.sum(n_i[unrated] >= n_i[item]) - 1 < 10
    assert hits == np.sum(result.ranks[:500] < 10)
