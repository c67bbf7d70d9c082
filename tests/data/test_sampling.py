import doctest
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_numpy.data import sampling
from ncf_numpy.data.sampling import NegativeSampler, PairIndex, count_batches, epoch_batches
from ncf_numpy.datasets import Interactions


def interactions(pairs, n_users, n_items):
    users, items = np.array(sorted(pairs), np.intp).reshape(-1, 2).T
    return Interactions(users, items, np.arange(n_users), np.arange(n_items))


def random_interactions(n_users, n_items, per_user, seed=0):
    rng = np.random.default_rng(seed)
    pairs = [(u, i) for u in range(n_users) for i in rng.choice(n_items, per_user, replace=False)]
    return interactions(pairs, n_users, n_items)


@st.composite
def small_interactions(draw):
    n_users, n_items = draw(st.integers(1, 5)), draw(st.integers(1, 7))
    every_pair = [(u, i) for u in range(n_users) for i in range(n_items)]
    return interactions(draw(st.sets(st.sampled_from(every_pair))), n_users, n_items)


class Ranks(np.random.Generator):
    """Stands in for a Generator: `integers` hands out the given r, once r < high is checked."""

    def __init__(self, ranks):
        super().__init__(np.random.PCG64(0))
        self.ranks = np.array(ranks)

    def integers(self, high):
        assert (self.ranks < high).all()
        return self.ranks


def epoch(train, seed=0, sampler=None, **settings):
    """One epoch's batches joined: -> users (n,), items (n,), labels (n,), sizes of the batches."""
    sampler = sampler or NegativeSampler(train)
    batches = list(epoch_batches(train, sampler, np.random.default_rng(seed), **settings))
    users, items, labels = (np.concatenate(column) for column in zip(*batches, strict=True))
    return users, items, labels, [len(batch[0]) for batch in batches]


def pair_list(users, items):
    return list(zip(users.tolist(), items.tolist(), strict=True))


def test_docstring_example():
    failures, attempted = doctest.testmod(sampling)
    assert attempted > 0
    assert failures == 0


def test_rth_unseen_item_by_hand():
    # user 0 has 1, 2, 4 of 6 items: unseen 0, 3, 5.  user 1 has nothing.  user 2 has 0, 5.
    train = interactions([(0, 1), (0, 2), (0, 4), (2, 0), (2, 5)], n_users=3, n_items=6)
    sampler = NegativeSampler(train)
    assert sampler.n_unseen.tolist() == [3, 6, 4]
    assert sampler.first.tolist() == [0, 3, 3]  # one for each user
    users = np.array([0, 2, 0, 1, 0, 2, 1])
    ranks = Ranks([0, 3, 1, 5, 2, 0, 0])
    assert sampler.sample(users, ranks).tolist() == [0, 4, 3, 5, 5, 1, 0]


@given(small_interactions())
def test_the_ranks_of_a_user_enumerate_exactly_its_unseen_items(train):
    """With r uniform on [0, n_unseen) this makes the draws uniform on the complement."""
    sampler = NegativeSampler(train)
    seen = set(pair_list(train.users, train.items))
    for user in range(train.n_users):
        unseen = [item for item in range(train.n_items) if (user, item) not in seen]
        assert sampler.n_unseen[user] == len(unseen)
        assert sampler.exhausted[user] == (not unseen)
        users = np.full(len(unseen), user)
        assert sampler.sample(users, Ranks(range(len(unseen)))).tolist() == unseen


def test_draws_are_uniform_on_the_unseen_items():
    train = interactions([(0, 1), (0, 2), (0, 4), (1, 0)], n_users=2, n_items=6)
    users = np.repeat([0, 1], 30_000)
    drawn = NegativeSampler(train).sample(users, np.random.default_rng(1))
    # Chi-square, exceeded once in 10,000 seeds: 18.4 with 3 - 1 degrees of freedom (2 ln 10^4),
    # 23.5 with 5 - 1.
    for user, unseen, bound in (0, [0, 3, 5], 18.4), (1, [1, 2, 3, 4, 5], 23.5):
        counts = Counter(drawn[users == user].tolist())
        assert sorted(counts) == unseen
        expected = 30_000 / len(unseen)
        assert sum((counts[i] - expected) ** 2 / expected for i in unseen) < bound


def test_one_unseen_item_in_many_is_found_at_once():
    n_items = 200_000  # a rejection loop would need some 200,000 tries for each draw
    items = np.delete(np.arange(n_items), 123_456)
    train = Interactions(np.zeros(n_items - 1, int), items, np.arange(1), np.arange(n_items))
    drawn = NegativeSampler(train).sample(np.zeros(1000, np.intp), np.random.default_rng(0))
    assert (drawn == 123_456).all()


def test_sample_refuses_a_user_who_has_everything():
    train = interactions([(0, 0), (1, 0), (1, 1), (1, 2)], n_users=2, n_items=3)
    sampler = NegativeSampler(train)
    assert sampler.exhausted.tolist() == [False, True]
    with pytest.raises(ValueError, match="user 1 has all 3 items"):
        sampler.sample(np.array([0, 1, 0]), np.random.default_rng(0))


def test_the_first_user_of_the_batch_who_has_everything_is_named():
    train = interactions([(0, 0), (2, 0)], n_users=3, n_items=1)
    with pytest.raises(ValueError, match="^user 2 has all 1 items"):
        NegativeSampler(train).sample(np.array([1, 2, 0]), np.random.default_rng(0))


def test_by_default_a_batch_has_256_rows_and_a_positive_4_negatives():
    train = random_interactions(20, 30, per_user=13)  # 260 positives, 1040 negatives
    users, _, labels, sizes = epoch(train)
    assert (len(users), labels.sum()) == (1300, 260)
    assert sizes == [256] * 5 + [20]
    one = random_interactions(2, 2000, per_user=128)  # 5 * 256 rows: five full batches
    assert count_batches(one, NegativeSampler(one)) == len(epoch(one)[3]) == 5
    more = interactions([(0, i) for i in range(257)], n_users=1, n_items=2000)  # 5 * 257 rows
    assert count_batches(more, NegativeSampler(more)) == len(epoch(more)[3]) == 6


def test_sample_refuses_ids_that_are_no_rows():
    sampler = NegativeSampler(interactions([(0, 0)], n_users=2, n_items=3))
    rng = np.random.default_rng(0)
    for users in [-1], [2]:
        with pytest.raises(IndexError, match=rf"users must be in \[0, 2\), got {users[0]}"):
            sampler.sample(np.array(users), rng)
    with pytest.raises(TypeError, match="users must be integer"):
        sampler.sample(np.array([0.5]), rng)


@given(small_interactions())
def test_contains_agrees_with_a_set(train):
    users, items = np.arange(-1, train.n_users + 1), np.arange(-1, train.n_items + 1)
    found = PairIndex(train).contains(users[:, None], items)
    pairs = set(pair_list(train.users, train.items))
    assert found.tolist() == [[(u, i) in pairs for i in items] for u in users]


@pytest.mark.parametrize("chunk_rows", [7, 64, 2**19])
@pytest.mark.parametrize("batch_size", [1, 8, 5000])
@pytest.mark.parametrize("negatives", [0, 1, 4])
def test_an_epoch_has_every_positive_once_and_its_negatives(
    monkeypatch, chunk_rows, batch_size, negatives
):
    monkeypatch.setattr(sampling, "CHUNK_ROWS", chunk_rows)
    # 20 users with 5 of 30 items, and user 20, who has all 30 and gets no negatives
    everything = [(20, item) for item in range(30)]
    some = random_interactions(20, 30, per_user=5)
    train = interactions(pair_list(some.users, some.items) + everything, n_users=21, n_items=30)
    sampler = NegativeSampler(train)
    users, items, labels, sizes = epoch(
        train, sampler=sampler, batch_size=batch_size, negatives=negatives
    )
    positive = labels == 1
    assert set(labels.tolist()) <= {0.0, 1.0}
    covered = sorted(pair_list(users[positive], items[positive]))
    assert covered == pair_list(train.users, train.items)
    assert not PairIndex(train).contains(users[~positive], items[~positive]).any()
    assert np.bincount(users[~positive], minlength=21).tolist() == [5 * negatives] * 20 + [0]
    assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
    assert 1 <= sizes[-1] <= batch_size
    assert len(sizes) == count_batches(train, sampler, batch_size=batch_size, negatives=negatives)


def test_batches_are_contiguous_indices_and_float32_labels():
    train = random_interactions(20, 30, per_user=5)
    for batch in epoch_batches(train, NegativeSampler(train), np.random.default_rng(0)):
        assert [array.dtype for array in batch] == [np.intp, np.intp, np.float32]
        assert all(array.flags.c_contiguous and array.ndim == 1 for array in batch)


def test_rows_are_shuffled_across_chunks_and_within_them(monkeypatch):
    monkeypatch.setattr(sampling, "CHUNK_ROWS", 5000)  # 1,000 positives to a chunk, five chunks
    train = random_interactions(500, 400, per_user=10)
    users, _, labels, sizes = epoch(train, batch_size=250, negatives=4)
    assert sizes == [250] * 100
    # A batch of 250 has 50 positives in the mean, with a standard deviation below
    # sqrt(250 * .2 * .8) = 6.3, and a mean user of 249.5 with one of 144.3 / sqrt(250) = 9.1.
    # Six of them leave a chance below 1e-6 for all 100 batches.
    n_positive = labels.reshape(100, 250).sum(axis=1)
    mean_user = users.reshape(100, 250).mean(axis=1)
    assert np.abs(n_positive - 50).max() < 6 * 6.3
    assert np.abs(mean_user - 249.5).max() < 6 * 9.1
    assert n_positive.std() > 3  # and not dealt out evenly either


def test_every_epoch_is_fresh_and_a_seed_repeats_it():
    train = random_interactions(50, 200, per_user=10)
    sampler, rng = NegativeSampler(train), np.random.default_rng(3)
    first, second = ([*epoch_batches(train, sampler, rng, batch_size=5000)] for _ in range(2))
    again = epoch(train, seed=3, batch_size=5000)
    for got, repeated in zip(first[0], again, strict=False):
        assert np.array_equal(got, repeated)

    def negatives(batch):
        users, items, labels = batch
        return set(pair_list(users[labels == 0], items[labels == 0]))

    # 40 draws from 190 items give a user 190 (1 - (189/190)^40) = 36 distinct ones; a second epoch
    # repeats 36/190 = 19 % of them
    repeated = negatives(first[0]) & negatives(second[0])
    assert len(repeated) < 0.3 * len(negatives(first[0]))
    assert not np.array_equal(first[0][0], second[0][0])


def test_negatives_of_one_epoch_are_not_copies_of_each_other():
    train = random_interactions(50, 200, per_user=10)
    users, items, labels, _ = epoch(train, negatives=4)
    distinct = set(pair_list(users[labels == 0], items[labels == 0]))
    assert len(distinct) > 0.8 * 50 * 40  # 36 of 40 a user are expected: see above


def test_a_held_out_item_is_drawn_as_often_as_any_unseen_item():
    train = interactions([(0, 0)], n_users=1, n_items=4)  # of 1, 2, 3 say 3 is held out
    _, items, labels, _ = epoch(train, negatives=3000)
    share = np.mean(items[labels == 0] == 3)
    assert abs(share - 1 / 3) < 4 * np.sqrt(1 / 3 * 2 / 3 / 3000)


def test_the_global_random_state_is_left_alone():
    train = random_interactions(20, 30, per_user=5)
    before = np.random.get_state()[1].copy()
    epoch(train)
    assert np.array_equal(np.random.get_state()[1], before)


def test_memory_does_not_grow_with_the_number_of_negatives(monkeypatch):
    monkeypatch.setattr(sampling, "CHUNK_ROWS", 4096)

    def peak(n_users, negatives):
        items = np.tile(np.arange(20), n_users)
        users = np.repeat(np.arange(n_users), 20)
        train = Interactions(users, items, np.arange(n_users), np.arange(1000))
        sampler = NegativeSampler(train)
        tracemalloc.start()
        for _ in epoch_batches(train, sampler, np.random.default_rng(0), negatives=negatives):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    # 20,000 positives have 20,000 * 41 rows of 8 + 8 + 4 bytes = 16 MB with 40 negatives
    small, many, large = peak(1000, 4), peak(1000, 40), peak(4000, 4)
    assert many < small + 200_000
    # 60,000 positives more: the shuffled order takes 8 bytes each, their rows would take 100
    assert large < small + 60_000 * 8 + 200_000


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, True])
def test_batch_size_must_be_a_positive_integer(batch_size):
    train = random_interactions(2, 9, per_user=2)
    sampler, rng = NegativeSampler(train), np.random.default_rng(0)
    with pytest.raises(ValueError, match=f"batch_size .* at least 1, got {batch_size}"):
        epoch_batches(train, sampler, rng, batch_size=batch_size)
    with pytest.raises(ValueError, match=f"batch_size .* at least 1, got {batch_size}"):
        count_batches(train, sampler, batch_size=batch_size)


@pytest.mark.parametrize("negatives", [-1, 1.5, None])
def test_negatives_must_be_a_count(negatives):
    train = random_interactions(2, 9, per_user=2)
    with pytest.raises(ValueError, match=f"negatives .* at least 0, got {negatives}"):
        epoch_batches(train, NegativeSampler(train), None, negatives=negatives)
    with pytest.raises(ValueError, match=f"negatives .* at least 0, got {negatives}"):
        count_batches(train, NegativeSampler(train), negatives=negatives)


def pair_set(data):
    return set(zip(data.users.tolist(), data.items.tolist(), strict=True))


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
