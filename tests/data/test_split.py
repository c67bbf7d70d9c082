from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncf_numpy.data.split import draw_candidates
from ncf_numpy.datasets import Holdout, Interactions, Split, leave_one_out


def rng(seed=0):
    return np.random.default_rng(seed)


def pairs_of(part):
    return list(zip(part.users.tolist(), part.items.tolist()))


@st.composite
def data_sets(draw):
    pair = st.tuples(st.integers(0, 5), st.integers(0, 9))
    pairs = draw(st.lists(pair, min_size=1, max_size=40, unique=True))
    users, items = zip(*pairs)
    n = len(pairs)
    times = draw(st.none() | st.lists(st.integers(0, 5), min_size=n, max_size=n))
    return Interactions.from_columns(users, items, np.arange(1, n + 1), times)


def test_latest_is_test_and_the_one_before_is_validation():
    # user 1 by time: 14, 11, 12, 13; user 2: 13, 12, 11; user 3 has one item only
    data = Interactions.from_columns(
        [1, 1, 1, 1, 2, 2, 2, 3],
        [11, 12, 13, 14, 11, 12, 13, 15],
        counts=[1, 2, 3, 4, 5, 6, 7, 8],
        timestamps=[20, 30, 40, 10, 3, 2, 1, 0],
    )
    split = leave_one_out(data, rng(), n_candidates=2)
    assert pairs_of(split.test) == [(0, 2), (1, 0)]  # items 13 and 11
    assert pairs_of(split.validation) == [(0, 1), (1, 1)]  # items 12 and 12
    assert pairs_of(split.train) == [(0, 0), (0, 3), (1, 2), (2, 4)]
    assert split.validation.counts.tolist() == [2, 6]
    assert split.validation.timestamps.tolist() == [30, 2]
    assert split.protocol == (
        "Leave-one-out: each user's latest interaction is the test item, the one before it the "
        "validation item; ranked against 2 unseen items, drawn uniformly."
    )


def test_a_user_with_every_item_is_not_evaluated():
    data = Interactions.from_columns([1] * 4 + [2] * 3, [1, 2, 3, 4, 1, 2, 3])
    split = leave_one_out(data, rng(), n_candidates=1)
    assert split.test.users.tolist() == [1]
    assert split.test.candidates.tolist() == [[3]]  # the one item user 2 does not have
    assert split.notes[0] == "Users with every item there is, trained on, not evaluated: 1."
    assert np.sum(split.train.users == 0) == 4


def test_validation_candidates_may_hold_the_test_item():
    # 5 items, the user has 4 of them: outside train and validation are the test item and item 4.
    data = Interactions.from_columns([1, 1, 1, 1, 2], [0, 1, 2, 3, 4], timestamps=[0, 1, 2, 3, 0])
    split = leave_one_out(data, rng(), n_candidates=2)
    assert split.test.candidates.tolist() == [[4, -1]]
    assert sorted(split.validation.candidates[0].tolist()) == [3, 4]


def test_without_validation_two_interactions_are_enough():
    data = Interactions.from_columns([1, 1, 2, 3], [0, 1, 2, 0], timestamps=[5, 4, 0, 0])
    split = leave_one_out(data, rng(), n_candidates=1, validation=False)
    assert split.validation is None
    assert pairs_of(split.test) == [(0, 0)]
    assert split.notes == ("Users with fewer than 2 interactions, trained on, not evaluated: 2.",)
    assert split.train_and_validation() is split.train
    assert "validation" not in split.protocol


def test_cold_items_keep_their_index():
    # Items 8 and 9 are only ever played last and last but one by user 1.
    data = Interactions.from_columns([1, 1, 1, 2, 2], [7, 8, 9, 6, 7], timestamps=[1, 2, 3, 1, 2])
    split = leave_one_out(data, rng(), n_candidates=1)
    assert (split.train.n_users, split.train.n_items) == (2, 4)
    assert pairs_of(split.test) == [(0, 3)]
    assert pairs_of(split.validation) == [(0, 2)]
    assert "Items without a training row: 2." in split.notes


def test_ties_are_broken_by_the_rng_and_counted():
    # Users 1 and 2 share their latest timestamp between items; user 3 does not.
    users, items = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4], [0, 1, 2, 0, 1, 2, 0, 1, 2, 3]
    data = Interactions.from_columns(users, items, timestamps=[9, 9, 1, 4, 4, 4, 1, 2, 3, 0])
    chosen = set()
    for seed in range(60):
        split = leave_one_out(data, rng(seed), n_candidates=1)
        chosen.add(tuple(split.test.items.tolist()))
        assert split.notes[1] == "Users with ties at their latest timestamp, broken at random: 2."
    assert chosen == {(a, b, 2) for a in (0, 1) for b in (0, 1, 2)}


def test_ties_of_movielens_100k(data_dir):
    ratings = np.loadtxt(data_dir("ml-100k") / "u.data", dtype=np.int64)
    data = Interactions.from_columns(*ratings.T)
    split = leave_one_out(data, rng())
    assert (len(data), data.n_users, data.n_items) == (100_000, 943, 1682)
    assert "Users with ties at their latest timestamp, broken at random: 415." in split.notes
    for user, time in zip(split.test.users, split.test.timestamps):
        assert time == data.timestamps[data.users == user].max()


def test_random_hold_out_says_so_and_is_uniform():
    data = Interactions.from_columns([0] * 4 + [1], [0, 1, 2, 3, 4])
    counts = np.zeros((4, 4), dtype=int)
    for seed in range(2400):
        split = leave_one_out(data, rng(seed), n_candidates=1)
        counts[split.test.items[0], split.validation.items[0]] += 1
    assert split.protocol.startswith(
        "Leave-one-out: without timestamps, each user's test and validation items are drawn at "
    )
    assert np.all(np.diag(counts) == 0)
    # 12 ordered pairs, 2400 / 12 = 200 each; sd = sqrt(2400 * 1/12 * 11/12) = 13.5; 5 sd = 68
    assert np.all(np.abs(counts[~np.eye(4, dtype=bool)] - 200) < 68)


@settings(deadline=None)
@given(data_sets(), st.booleans(), st.integers(1, 12), st.integers(0, 99))
def test_split_covers_each_interaction_once(data, validation, n_candidates, seed):
    per_user = np.bincount(data.users)
    need = 3 if validation else 2
    evaluated = np.flatnonzero((per_user >= need) & (per_user < data.n_items))
    if not len(evaluated):
        with pytest.raises(ValueError, match=f"no user can be evaluated: .* at least {need}"):
            leave_one_out(data, rng(seed), n_candidates=n_candidates, validation=validation)
        return
    split = leave_one_out(data, rng(seed), n_candidates=n_candidates, validation=validation)
    held_out = [split.test] + ([split.validation] if validation else [])
    parts = pairs_of(split.train) + [pair for part in held_out for pair in pairs_of(part)]
    assert sorted(parts) == pairs_of(data)  # no pair is lost, none is there twice
    has = {user: set(data.items[data.users == user].tolist()) for user in evaluated}
    for part in held_out:
        assert part.users.tolist() == evaluated.tolist()
        assert part.candidates.shape == (len(evaluated), n_candidates)
        for row, (user, test_item) in enumerate(pairs_of(split.test)):
            forbidden = has[user] - ({test_item} if part is split.validation else set())
            drawn = [item for item in part.candidates[row].tolist() if item != -1]
            assert len(set(drawn)) == len(drawn)
            assert not forbidden & set(drawn)
            assert len(drawn) == min(n_candidates, data.n_items - len(forbidden))
            assert all(0 <= item < data.n_items for item in drawn)
    merged = split.train_and_validation()
    kept = np.isin(data.pair_keys, merged.pair_keys)
    assert sorted(pairs_of(merged) + pairs_of(split.test)) == pairs_of(data)
    assert merged.counts.tolist() == data.counts[kept].tolist()
    if data.timestamps is not None:
        assert merged.timestamps.tolist() == data.timestamps[kept].tolist()


def test_candidates_are_a_uniform_subset():
    # The user has items 1 and 4 of 7: 5 unseen, 10 subsets of 2, all equally likely.
    seen = Interactions([0, 0], [1, 4], user_ids=[0], item_ids=np.arange(7))
    users = np.zeros(10_000, dtype=np.intp)
    drawn = np.sort(draw_candidates(seen, users, 2, rng()), axis=1)
    subsets, counts = np.unique(drawn, axis=0, return_counts=True)
    assert list(map(tuple, subsets.tolist())) == list(combinations([0, 2, 3, 5, 6], 2))
    # 1000 each; sd = sqrt(10000 * .1 * .9) = 30; 5 sd = 150
    assert np.all(np.abs(counts - 1000) < 150)


def test_more_users_than_one_block(monkeypatch):
    monkeypatch.setattr("ncf_numpy.data.split.BLOCK", 3)
    n = 10
    seen = Interactions(np.arange(n), np.arange(n), np.arange(n), np.arange(n))  # user u has item u
    drawn = draw_candidates(seen, np.arange(n), n - 1, rng())
    for user in range(n):
        assert sorted(drawn[user].tolist()) == [item for item in range(n) if item != user]


def test_short_lists_are_padded_and_counted():
    data = Interactions.from_columns([1] * 3 + [2], [0, 1, 2, 3])
    split = leave_one_out(data, rng())
    assert split.test.candidates.shape == (1, 99)
    assert split.test.candidates[0].tolist() == [3] + [-1] * 98
    assert split.notes[1].startswith("Users with fewer than 99 unseen items")


def test_same_seed_same_split_and_no_global_state():
    g = rng(3)
    data = Interactions.from_columns(g.integers(0, 30, 400), g.integers(0, 80, 400))
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (leave_one_out(data, rng(s), n_candidates=20) for s in (5, 5, 6))
    for part in ("test", "validation"):
        for name in ("users", "items", "candidates"):
            one, two = (getattr(getattr(split, part), name) for split in (first, again))
            np.testing.assert_array_equal(one, two)
    assert first.test.items.tolist() != other.test.items.tolist()
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_arguments_are_checked():
    data = Interactions.from_columns([1, 1, 1, 2], [0, 1, 2, 3])
    with pytest.raises(TypeError, match="rng must be a numpy Generator .* got 0"):
        leave_one_out(data, 0)
    with pytest.raises(ValueError, match="n_candidates must be an integer of at least 1, got 0"):
        leave_one_out(data, rng(), n_candidates=0)
    with pytest.raises(ValueError, match=r"no user can be evaluated: .*\(largest: 2 of 2 items\)"):
        leave_one_out(Interactions.from_columns([1, 1], [0, 1]), rng())


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        (([0.0], [1], [[2]]), TypeError, "users must be integer indices, got float64"),
        (([0], [1, 2], [[2]]), ValueError, r"got \(\(1,\), \(2,\), \(1, 1\)\)"),
        (([0], [1], [2]), ValueError, r"expected \(E,\), \(E,\), \(E, C\)"),
        (([[0]], [[1]], [[2]]), ValueError, r"expected \(E,\), \(E,\), \(E, C\)"),
    ],
)
def test_hold_out_shapes(columns, error, message):
    with pytest.raises(error, match=message):
        Holdout(*columns)


def test_train_and_validation_needs_the_counts():
    train = Interactions([0], [0], [7], [1, 2, 3], counts=[4])
    hold = Holdout([0], [1], [[2]])
    with pytest.raises(ValueError, match="train has counts, the validation hold-out has none"):
        Split(train, hold, hold, "by hand").train_and_validation()


def test_candidates_of_user_minus_one_were_negative_items():
    data = Interactions.from_columns([1, 1, 1, 2, 2, 3], [5, 6, 7, 5, 6, 7])
    for user in (-1, 3):
        with pytest.raises(IndexError, match=rf"users must be in \[0, 3\), got {user}"):
            draw_candidates(data, np.array([user]), 2, rng())
    with pytest.raises(ValueError, match="n must be an integer of at least 1, got -1"):
        draw_candidates(data, np.array([0]), -1, rng())


def test_a_table_that_is_no_interactions_had_no_attribute_offsets():
    with pytest.raises(TypeError, match="expected Interactions, .* got DataFrame"):
        leave_one_out(pd.DataFrame({"user": [1], "item": [5]}), rng())


@pytest.mark.parametrize("column", ["counts", "timestamps"])
def test_a_hold_out_took_a_column_of_any_length(column):
    with pytest.raises(ValueError, match=rf"{column}: expected \(E,\), one for each user"):
        Holdout([0], [1], [[2]], **{column: [1, 2, 3]})


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
        with pytest.raises(ValueError, match="no user can be evaluated"):
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
