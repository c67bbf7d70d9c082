import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_numpy.datasets import Holdout
from ncf_numpy.evaluation.metrics import (
    Evaluation,
    evaluate,
    hit_ratio,
    mrr,
    ndcg,
    rank_positives,
)


class Table:
    """A scorer that looks its scores (n_users, n_items) up, and keeps what it was asked."""

    def __init__(self, scores):
        self.scores = np.asarray(scores)
        self.calls = []

    def predict(self, users, items):
        self.calls.append((users, items))
        assert users.shape == items.shape == (len(users),)
        assert min(users.min(), items.min()) >= 0
        return self.scores[users, items]


def scorer(function):
    return SimpleNamespace(predict=function)


def holdout(users, items, candidates):
    return Holdout(np.array(users), np.array(items), np.array(candidates, np.intp))


def random_holdout(n_users, n_candidates, n_items=200, seed=0):
    rng = np.random.default_rng(seed)
    drawn = np.array([rng.permutation(n_items)[: n_candidates + 1] for _ in range(n_users)])
    return holdout(np.arange(n_users), drawn[:, 0], drawn[:, 1:])


def slow_rank(scores, user, positive, candidates):
    """The authors' evaluate.py in plain Python: a dict collapses repeats; ties go to the others."""
    score_of = {item: scores[user][item] for item in candidates if item != -1}
    score_of[positive] = scores[user][positive]
    best_first = sorted(score_of, key=lambda item: (-score_of[item], item == positive))
    return best_first.index(positive)


@st.composite
def rankings(draw):
    n_users, n_items, C = draw(st.integers(1, 6)), draw(st.integers(1, 8)), draw(st.integers(0, 9))

    def table(values, width):
        row = st.lists(values, min_size=width, max_size=width)
        return draw(st.lists(row, min_size=n_users, max_size=n_users))

    scores = table(st.integers(-2, 2), n_items)  # few values, so many ties
    positives = draw(st.lists(st.integers(0, n_items - 1), min_size=n_users, max_size=n_users))
    candidates = table(st.integers(-1, n_items - 1), C)  # pads, repeats and positives among them
    return scores, positives, candidates, draw(st.integers(1, 40))


@given(rankings())
def test_ranks_agree_with_the_slow_twin(ranking):
    scores, positives, candidates, block = ranking
    n_users = len(scores)
    asked = holdout(range(n_users), positives, np.reshape(candidates, (n_users, -1)))
    expected = [slow_rank(scores, u, positives[u], candidates[u]) for u in range(n_users)]
    ranks = rank_positives(Table(scores), asked, block=block)
    assert ranks.tolist() == expected
    assert ranks.dtype == np.intp


def test_worked_by_hand():
    scores = [
        #  item 0   1   2   3   4
        [0.9, 0.8, 0.7, 0.6, 0.5],
        [0.1, 0.5, 0.5, 0.2, 0.9],
        [0.3, 0.2, 0.1, 0.0, 0.4],
    ]
    asked = holdout(
        users=[0, 1, 2],
        items=[2, 1, 4],
        candidates=[
            [0, 1, 3, 4],  # .9 and .8 are above .7: rank 2
            [2, 2, 4, 1],  # .5 ties and counts once, .9 is above, 1 is the positive: rank 2
            [3, 0, -1, -1],  # nothing is above .4: rank 0
        ],
    )
    result = evaluate(Table(scores), asked, k=2)
    assert result.ranks.tolist() == [2, 2, 0]
    # HR@2: one of three ranks is below 2.  NDCG@2: 1 / log2(0 + 2) = 1, over three users.
    # MRR: (1/3 + 1/3 + 1) / 3 = 5/9.
    assert result.hr == pytest.approx(1 / 3)
    assert result.ndcg == pytest.approx(1 / 3)
    assert result.mrr == pytest.approx(5 / 9)
    assert result.k == 2
    # NDCG@3: ranks 2, 2 give 1 / log2(4) = 1/2 each: (1/2 + 1/2 + 1) / 3 = 2/3.
    assert evaluate(Table(scores), asked, k=3).ndcg == pytest.approx(2 / 3)


def test_ndcg_by_rank():
    # log2(2) = 1, log2(4) = 2, log2(8) = 3
    for rank, expected in (0, 1), (2, 1 / 2), (6, 1 / 3), (10, 0):
        assert ndcg(np.array([rank]), k=10) == pytest.approx(expected)


def test_a_perfect_scorer_scores_one_and_the_worst_zero():
    asked = random_holdout(50, 99)
    scores = np.zeros((50, 200))
    scores[asked.users, asked.items] = 1
    best, worst = evaluate(Table(scores), asked), evaluate(Table(-scores), asked)
    assert (best.hr, best.ndcg, best.mrr) == (1, 1, 1)
    assert (worst.hr, worst.ndcg, worst.mrr) == (0, 0, pytest.approx(1 / 100))


def test_a_constant_scorer_cannot_hit():
    result = evaluate(scorer(lambda users, items: np.ones(len(users))), random_holdout(50, 99))
    assert (result.hr, result.ndcg) == (0, 0)
    assert set(result.ranks.tolist()) == {99}


def test_random_scores_hit_one_time_in_ten():
    n_users = 4000
    asked = random_holdout(n_users, 99)
    scores = np.random.default_rng(1).random((n_users, 200))
    result = evaluate(Table(scores), asked)
    # The rank is uniform on 0..99, so the expectations are sums over it, divided by 100.
    gains = [1 / np.log2(rank + 2) if rank < 10 else 0 for rank in range(100)]
    reciprocals = [1 / (rank + 1) for rank in range(100)]
    hits = [float(rank < 10) for rank in range(100)]
    for value, terms in (result.hr, hits), (result.ndcg, gains), (result.mrr, reciprocals):
        assert abs(value - np.mean(terms)) < 4 * np.std(terms) / np.sqrt(n_users)


@given(st.lists(st.integers(0, 120), min_size=1), st.integers(1, 20))
def test_ndcg_never_exceeds_the_hit_ratio(ranks, k):
    ranks = np.array(ranks)
    assert ndcg(ranks, k) <= hit_ratio(ranks, k)
    assert hit_ratio(ranks, k) <= hit_ratio(ranks, k + 1)


def test_users_are_scored_whole_in_a_few_large_calls():
    table = Table(np.zeros((10, 200)))
    rank_positives(table, random_holdout(10, 99), block=399)  # 3 users of 100 pairs fit
    assert [len(users) for users, _ in table.calls] == [300, 300, 300, 100]
    assert [sorted(set(users)) for users, _ in table.calls][1] == [3, 4, 5]


def test_the_block_size_does_not_change_the_ranks():
    asked = random_holdout(30, 20)
    table = Table(np.random.default_rng(0).integers(0, 9, (30, 200)))
    ranks = rank_positives(table, asked)
    for block in 1, 21, 100, 10**6:
        assert np.array_equal(rank_positives(table, asked, block=block), ranks)


@pytest.mark.parametrize(("block", "sizes"), [(400, [400, 400, 200]), (1, [100] * 10)])
def test_a_block_holds_as_many_whole_users_as_fit_and_at_least_one(block, sizes):
    table = Table(np.zeros((10, 200)))
    rank_positives(table, random_holdout(10, 99), block=block)
    assert [len(users) for users, _ in table.calls] == sizes


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_named(bad):
    scores = np.zeros((3, 5))
    scores[1, 3] = bad
    asked = holdout([0, 1, 2], [0, 0, 0], [[3, 4], [3, 4], [3, 4]])
    with pytest.raises(FloatingPointError, match=f"gave {bad} for user 1, item 3"):
        rank_positives(Table(scores), asked)


@pytest.mark.parametrize("shape", [(6, 1), (5,), ()])
def test_predict_must_return_one_score_per_pair(shape):
    asked = holdout([0, 1], [0, 0], [[1, 2], [1, 2]])
    with pytest.raises(ValueError, match=r"one score per pair, \(6,\); got \("):
        rank_positives(scorer(lambda users, items: np.zeros(shape)), asked)


def test_an_empty_holdout_has_no_mean():
    asked = holdout(np.empty(0, np.intp), np.empty(0, np.intp), np.empty((0, 99), np.intp))
    assert rank_positives(Table(np.zeros((1, 1))), asked).shape == (0,)
    with pytest.raises(ValueError, match="the hold-out is empty"):
        evaluate(Table(np.zeros((1, 1))), asked)
    with pytest.raises(ValueError, match="the hold-out is empty"):
        mrr(np.empty(0, np.intp))


@pytest.mark.parametrize("k", [0, -1, 2.5, True])
def test_k_must_be_a_positive_integer(k):
    for metric in hit_ratio, ndcg:
        with pytest.raises(ValueError, match=f"k must be .* got {k}"):
            metric(np.array([0]), k)


def test_an_evaluation_is_a_record():
    result = evaluate(Table(np.zeros((2, 5))), holdout([0, 1], [0, 0], [[1], [2]]))
    assert repr(result) == "Evaluation(hr=1.0, ndcg=0.6309297535714575, mrr=0.5, k=10)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.hr = 1
    same = dataclasses.replace(result, ranks=np.array([9, 9]))
    assert result == same  # by the figures: an array has no single truth value


def test_progress_goes_to_stderr_and_is_off_by_default(capsys):
    asked = holdout([0, 1], [0, 0], [[1], [2]])
    evaluate(Table(np.zeros((2, 5))), asked)
    rank_positives(Table(np.zeros((2, 5))), asked)
    assert capsys.readouterr() == ("", "")
    evaluate(Table(np.zeros((2, 5))), asked, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "evaluating" in err


def test_each_row_is_scored_for_the_user_it_names():
    scores = np.array([[9.0, 0, 0], [0, 0, 9], [0, 9, 0]])  # user 2's best is item 1
    holdout = Holdout(np.array([2, 1]), np.array([1, 2]), np.array([[0, 2], [0, 1]]))
    scorer = SimpleNamespace(predict=lambda users, items: scores[users, items])
    assert evaluate(scorer, holdout, k=1).ranks.tolist() == [0, 0]


def test_evaluations_are_equal_and_shown_by_their_figures_alone():
    ones, twos = np.ones(2), np.full(2, 2.0)
    one = Evaluation(0.5, 0.4, 0.3, 10, ones, ones, ones, ones, "99 sampled")
    assert one == Evaluation(0.5, 0.4, 0.3, 10, twos, twos, twos, twos, "all")
    assert repr(one) == "Evaluation(hr=0.5, ndcg=0.4, mrr=0.3, k=10)"


def test_the_table_shows_five_measures_at_5_10_and_20():
    ranks, ids = np.array([0, 7, 15, 20]), np.arange(4)
    table = Evaluation(0.5, 0.4, 0.3, 10, ranks, ids, ids, ids, "99 sampled").table()
    assert table.index.tolist() == [5, 10, 20]
    assert table.columns.tolist() == ["HR", "NDCG", "precision", "recall", "MAP"]
    assert table["HR"].tolist() == [0.25, 0.5, 0.75]


@given(st.lists(st.integers(0, 200), min_size=1, max_size=30), st.integers(1, 250))
def test_metrics_are_their_slow_twins(ranks, k):
    hits = gain = reciprocal = 0.0
    for rank in ranks:
        place = rank + 1
        reciprocal += 1 / place
        if place <= k:
            hits += 1
            gain += math.log(2) / math.log(place + 1)
    n, ranks = len(ranks), np.array(ranks)
    assert hit_ratio(ranks, k) == pytest.approx(hits / n, rel=1e-12)
    assert ndcg(ranks, k) == pytest.approx(gain / n, rel=1e-12)
    assert mrr(ranks) == pytest.approx(reciprocal / n, rel=1e-12)
    assert 0 <= ndcg(ranks, k) <= hit_ratio(ranks, k) <= 1


class Pairwise:
    """Scores that depend on the pair only, of any float dtype, with many ties and a signed zero."""

    def __init__(self, dtype, seed):
        values = [-1e30, -1.0, -0.0, 0.0, 1e-30, 1.0, 1e30]
        self.table = np.random.default_rng(seed).choice(values, (9, 12)).astype(dtype)

    def predict(self, users, items):
        return self.table[users, items]


@given(st.data())
def test_an_evaluation_counts_the_distinct_others_that_score_no_lower(data):
    """Users may come in any order and more than once, each with a list of its own."""
    E, C = data.draw(st.integers(1, 8)), data.draw(st.integers(0, 10))
    users = data.draw(st.lists(st.integers(0, 8), min_size=E, max_size=E))
    items = data.draw(st.lists(st.integers(0, 11), min_size=E, max_size=E))
    row = st.lists(st.integers(-1, 11), min_size=C, max_size=C)
    candidates = data.draw(st.lists(row, min_size=E, max_size=E))
    scorer = Pairwise(
        data.draw(st.sampled_from([np.float32, np.float64])), data.draw(st.integers(1, 5))
    )
    expected = []
    for user, positive, listed in zip(users, items, candidates, strict=True):
        others = set(listed) - {positive, -1}
        own = scorer.table[user, positive]
        expected.append(sum(bool(scorer.table[user, item] >= own) for item in others))
    asked = Holdout(users, items, np.array(candidates, np.intp).reshape(E, C))
    block = data.draw(st.integers(1, 60))
    assert rank_positives(scorer, asked, block=block).tolist() == expected
    result = evaluate(scorer, asked, k=data.draw(st.integers(1, 12)))
    assert result.ranks.tolist() == expected
    assert result.hr == sum(rank < result.k for rank in expected) / E
