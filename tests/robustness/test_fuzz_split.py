"""Splitting, filtering and merging interactions on generated data, against plain loops."""

import os
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from own_errors import outcome

from ncf_numpy.data.split import draw_candidates
from ncf_numpy.datasets import Holdout, Interactions, leave_one_out

pytestmark = pytest.mark.robustness
TIMES = int(os.environ.get("NCF_NUMPY_FUZZ", 1))  # how many times as many examples
fuzz = settings(max_examples=600 * TIMES, deadline=None, suppress_health_check=list(HealthCheck))

JUNK = st.sampled_from(
    [None, "", "x", 0, -1, 2.5, float("nan"), True, 10**30, [], {}, [[0]], [0, -1], np.ones(2),
     np.array([0, 99]), np.uint64(7), np.random.RandomState(0)]
)  # fmt: skip
SECONDS = st.integers(0, 3) | st.sampled_from([-(2**63), -1, 2**53, 2**53 + 1, 2**63 - 1])


@st.composite
def columns(draw):
    """users, items, counts or None, timestamps or None; pairs may repeat."""
    row = st.tuples(st.integers(0, 4), st.integers(0, 6))
    users, items = zip(*draw(st.lists(row, min_size=1, max_size=30)), strict=True)
    n = len(users)
    counts = st.lists(st.integers(0, 2**20), min_size=n, max_size=n)
    times = st.lists(SECONDS, min_size=n, max_size=n)
    return users, items, draw(st.none() | counts), draw(st.none() | times)


def items_per_user(part):
    found = {}
    for user, item in zip(part.users.tolist(), part.items.tolist(), strict=True):
        found.setdefault(user, []).append(item)
    return found


@fuzz
@given(columns())
def test_repeated_pairs_are_merged_as_a_dictionary_would(rows):
    users, items, counts, times = rows
    data = Interactions.from_columns(*rows)
    total, latest = {}, {}
    for row, pair in enumerate(zip(users, items, strict=True)):
        total[pair] = total.get(pair, 0) + (counts[row] if counts else 0)
        latest[pair] = max(latest.get(pair, -(2**63)), times[row] if times else 0)
    pairs = sorted(total)
    raw = zip(data.user_ids[data.users].tolist(), data.item_ids[data.items].tolist(), strict=True)
    assert list(raw) == pairs
    assert (
        data.counts is None if counts is None else data.counts.tolist() == [*map(total.get, pairs)]
    )
    if times is not None:
        assert data.timestamps.tolist() == [latest[pair] for pair in pairs]
    for index, user in enumerate(data.user_ids.tolist()):
        own = [item for u, item in pairs if u == user]
        if counts is not None:
            own.sort(key=lambda item: -total[user, item])
        assert data.item_ids[data.items_of(index)].tolist() == own


@fuzz
@given(st.lists(SECONDS | st.floats() | st.integers(2**63, 2**64), min_size=1, max_size=4))
def test_a_timestamp_stays_the_same_second_or_is_refused(times):
    array = np.array(times)
    data, error = outcome(
        lambda: Interactions.from_columns([1] * len(times), range(len(times)), None, array)
    )
    fits = all(t == t and abs(t) != float("inf") and t == int(t) for t in array.tolist())
    fits = fits and all(-(2**63) <= t < 2**63 for t in array.tolist())
    assert (error is None) == (fits and array.dtype != object)
    if data is not None:
        assert data.timestamps.tolist() == array.tolist()


@fuzz
@given(columns(), st.integers(0, 6), st.integers(0, 6))
def test_filtering_is_dropping_one_light_user_or_item_at_a_time(rows, least_user, least_item):
    data = Interactions.from_columns(*rows)
    left = {(u, i) for u, items in items_per_user(data).items() for i in items}
    while True:
        per_user, per_item = Counter(u for u, _ in left), Counter(i for _, i in left)
        light = [p for p in left if per_user[p[0]] < least_user or per_item[p[1]] < least_item]
        if not light:
            break
        left -= (
            {pair for pair in left if pair[0] == light[0][0]}
            if (per_user[light[0][0]] < least_user)
            else {pair for pair in left if pair[1] == light[0][1]}
        )
    result, error = outcome(lambda: data.filter(least_user, least_item))
    if not left:
        assert "nothing is left" in str(error)
        return
    raw = zip(result.user_ids[result.users], result.item_ids[result.items], strict=True)
    assert {*raw} == {(data.user_ids[u], data.item_ids[i]) for u, i in left}
    assert result.n_users == len({u for u, _ in left})
    assert result.n_items == len({i for _, i in left})


@fuzz
@given(columns(), st.integers(1, 12), st.booleans(), st.integers(0, 2**64))
def test_a_split_hides_one_item_or_two_and_ranks_it_among_unseen_ones(rows, n, validation, seed):
    data, need = Interactions.from_columns(*rows), 3 if validation else 2
    has = items_per_user(data)
    everything = set(range(data.n_items))
    evaluated = [u for u, own in sorted(has.items()) if need <= len(own) < data.n_items]
    make = lambda: leave_one_out(  # noqa: E731
        data, np.random.default_rng(seed), n_candidates=n, validation=validation
    )
    split, error = outcome(make)
    if not evaluated:
        assert "no user can be evaluated" in str(error)
        return
    train, holdouts = items_per_user(split.train), [split.test]
    holdouts += [split.validation] if validation else []
    assert all(part.users.tolist() == evaluated for part in holdouts)
    for row, user in enumerate(evaluated):
        test = int(split.test.items[row])
        hidden = [int(part.items[row]) for part in holdouts]
        assert sorted(train.get(user, []) + hidden) == sorted(has[user])
        check_candidates(split.test.candidates[row].tolist(), everything - set(has[user]), n)
        if validation:
            unseen = everything - set(has[user]) | {test}  # the test item is a secret still
            check_candidates(split.validation.candidates[row].tolist(), unseen, n)
        if data.timestamps is not None:
            check_latest(data, user, hidden)
    others = set(has) - set(evaluated)
    assert all(train[user] == has[user] for user in others)
    if validation:
        whole = split.train_and_validation()
        own = items_per_user(whole)
        for row, user in enumerate(evaluated):
            assert own[user] == sorted({*has[user]} - {int(split.test.items[row])})
    again = make()
    for name in ("users", "items", "candidates"):
        np.testing.assert_array_equal(getattr(again.test, name), getattr(split.test, name))


def check_candidates(candidates, allowed, n):
    """n different items out of those allowed; where there are fewer, all of them, then -1."""
    n_real = min(n, len(allowed))
    assert len(candidates) == n
    assert len(set(candidates[:n_real])) == n_real
    assert set(candidates[:n_real]) <= allowed
    assert candidates[n_real:] == [-1] * (n - n_real)


def check_latest(data, user, hidden):
    rows = np.flatnonzero(data.users == user).tolist()
    time = {int(data.items[row]): int(data.timestamps[row]) for row in rows}
    latest_first = sorted(time.values(), reverse=True)
    assert [time[item] for item in hidden] == latest_first[: len(hidden)]


@fuzz
@given(columns(), JUNK | columns(), JUNK, JUNK)
def test_arguments_of_any_kind_are_an_answer_or_an_error_of_the_packages_own(rows, data, a, b):
    good, rng = Interactions.from_columns(*rows), np.random.default_rng(0)
    outcome(lambda: leave_one_out(data, rng))
    outcome(lambda: leave_one_out(good, a))
    outcome(lambda: draw_candidates(good, np.array([0]), 3, a))
    outcome(lambda: good.filter(a, b))
    outcome(lambda: good.find_item(a))
    outcome(lambda: Interactions.from_columns(a, b))
    outcome(lambda: Interactions.from_columns(rows[0], rows[1], a, b))
    if not (isinstance(a, int) and a > 100):  # so many candidates are a wish, no error
        outcome(lambda: leave_one_out(good, rng, n_candidates=a))
        outcome(lambda: draw_candidates(good, np.array([0]), a, rng))
    candidates, error = outcome(lambda: draw_candidates(good, a, 2, rng))
    if candidates is not None:
        unseen = [set(range(good.n_items)) - set(good.items_of(u).tolist()) for u in a]
        for row, allowed in zip(candidates.tolist(), unseen, strict=True):
            check_candidates(row, allowed, 2)
    outcome(lambda: Holdout(a, [0], [[1]], b))
    outcome(lambda: Holdout([0], [0], a, timestamps=b))
