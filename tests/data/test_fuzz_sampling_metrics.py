"""Sampler, epochs, split and metrics against slow twins on generated data."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncf_numpy.data import sampling
from ncf_numpy.data.sampling import NegativeSampler, PairIndex, count_batches, epoch_batches
from ncf_numpy.datasets import Holdout, Interactions, leave_one_out
from ncf_numpy.evaluation.metrics import (
    evaluate,
    hit_ratio,
    mrr,
    ndcg,
    rank_positives,
    train_items_among_candidates,
)

SIZES = st.tuples(st.integers(1, 5), st.integers(1, 7))


def interactions(pairs, n_users, n_items):
    users, items = np.array(sorted(pairs), np.intp).reshape(-1, 2).T
    return Interactions(users, items, np.arange(n_users), np.arange(n_items))


@st.composite
def small_interactions(draw):
    n_users, n_items = draw(SIZES)
    every_pair = [(u, i) for u in range(n_users) for i in range(n_items)]
    return interactions(draw(st.sets(st.sampled_from(every_pair))), n_users, n_items)


def pair_set(data):
    return set(zip(data.users.tolist(), data.items.tolist(), strict=True))


# The sampler


@given(
    small_interactions(),
    st.lists(st.integers(-2, 6), max_size=30),
    st.sampled_from([np.int8, np.int32, np.int64, np.uint64]),
    st.integers(0, 2**32 - 1),
)
def test_a_draw_is_an_unseen_item_or_a_documented_error(train, users, dtype, seed):
    if dtype == np.uint64:
        users = [abs(u) for u in users]
    seen, sampler = pair_set(train), NegativeSampler(train)
    array, rng = np.array(users, dtype), np.random.default_rng(seed)
    full = {u for u in range(train.n_users) if sum(v == u for v, _ in seen) == train.n_items}
    if any(not 0 <= u < train.n_users for u in users):
        with pytest.raises(IndexError, match="users must be in"):
            sampler.sample(array, rng)
    elif full & set(users):
        with pytest.raises(ValueError, match=f"has all {train.n_items} items"):
            sampler.sample(array, rng)
    else:
        drawn = sampler.sample(array, rng)
        assert drawn.shape == array.shape
        assert drawn.dtype == np.intp
        assert all(0 <= i < train.n_items for i in drawn.tolist())
        assert not seen & set(zip(users, drawn.tolist(), strict=True))


@given(
    small_interactions(),
    st.integers(0, 4),
    st.integers(1, 20),
    st.integers(1, 30),
    st.integers(0, 99),
)
def test_an_epoch_is_every_positive_once_and_each_with_its_negatives(
    train, negatives, batch_size, chunk_rows, seed
):
    """The twin counts what has to come out, whatever the order and the cut into chunks."""
    sampler, seen = NegativeSampler(train), pair_set(train)
    per_user = Counter(train.users.tolist())
    expected_negatives = {u: negatives * n for u, n in per_user.items() if n < train.n_items}
    whole, sampling.CHUNK_ROWS = sampling.CHUNK_ROWS, chunk_rows
    try:
        arguments = {"batch_size": batch_size, "negatives": negatives}
        batches = list(epoch_batches(train, sampler, np.random.default_rng(seed), **arguments))
    finally:
        sampling.CHUNK_ROWS = whole
    assert len(batches) == count_batches(train, sampler, **arguments)
    assert all(len(users) == batch_size for users, _, _ in batches[:-1])
    positives, drawn = [], []
    for users, items, labels in batches:
        assert 0 < len(users) == len(items) == len(labels) <= batch_size
        assert (users.dtype, items.dtype, labels.dtype) == (np.intp, np.intp, np.float32)
        for u, i, y in zip(users.tolist(), items.tolist(), labels.tolist(), strict=True):
            (positives if y == 1 else drawn).append((u, i))
            assert y in (0, 1)
    assert sorted(positives) == sorted(seen)
    assert not seen & set(drawn)
    assert Counter(u for u, _ in drawn) == Counter(expected_negatives)


def test_a_user_far_out_of_range_is_in_no_pair():
    train = interactions([(0, 1), (0, 2)], n_users=2, n_items=4)
    assert not PairIndex(train).contains(np.array([2**62]), np.array([1])).any()


# The split


@st.composite
def timed(draw):
    pairs = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 8)), min_size=4, unique=True))
    times = draw(st.lists(st.integers(-3, 6), min_size=len(pairs), max_size=len(pairs)))
    users, items = zip(*pairs, strict=True)
    return Interactions.from_columns(users, items, timestamps=times)


@settings(deadline=None)
@given(timed(), st.booleans(), st.integers(0, 99))
def test_the_latest_is_the_test_item_and_the_latest_of_the_rest_the_validation_item(
    data, validation, seed
):
    times_of, need = {}, 3 if validation else 2
    for user, item, time in zip(data.users, data.items, data.timestamps, strict=True):
        times_of.setdefault(int(user), {})[int(item)] = int(time)
    evaluated = sorted(u for u, t in times_of.items() if need <= len(t) < data.n_items)
    if not evaluated:
        with pytest.raises(ValueError, match="nobody can be evaluated"):
            leave_one_out(data, np.random.default_rng(seed), validation=validation)
        return
    split = leave_one_out(data, np.random.default_rng(seed), n_candidates=3, validation=validation)
    assert split.test.users.tolist() == evaluated
    n_ties = 0
    for row, user in enumerate(evaluated):
        left = dict(times_of[user])
        time = left.pop(int(split.test.items[row]))
        assert time == max(times_of[user].values()) == split.test.timestamps[row]
        n_ties += time in left.values()
        if validation:
            second = left[int(split.validation.items[row])]
            assert second == max(left.values()) == split.validation.timestamps[row]
    note = f"Users with ties at their latest timestamp, broken at random: {n_ties}."
    assert (note in split.notes) == (n_ties > 0)


# The metrics


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
    scorer = Pairwise(data.draw(st.sampled_from([np.float32, np.float64])), data.draw(SIZES)[0])
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


@given(small_interactions(), st.data())
def test_train_items_among_candidates_are_counted_as_a_set_would(train, data):
    user, item = st.integers(0, train.n_users - 1), st.integers(-1, train.n_items - 1)
    E, C = data.draw(st.integers(1, 6)), data.draw(st.integers(0, 6))
    users = data.draw(st.lists(user, min_size=E, max_size=E))
    row = st.lists(item, min_size=C, max_size=C)
    candidates = data.draw(st.lists(row, min_size=E, max_size=E))
    seen = pair_set(train)
    expected = sum((u, i) in seen for u, row in zip(users, candidates, strict=True) for i in row)
    asked = Holdout(users, [0] * E, np.array(candidates, np.intp).reshape(E, C))
    assert train_items_among_candidates(asked, train) == expected
