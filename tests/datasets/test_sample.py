import time

import numpy as np
import pytest

from ncf_numpy.datasets import Holdout, Oracle, leave_one_out, sample_lastfm
from ncf_numpy.datasets.sample import ADJECTIVES, NOUNS


@pytest.fixture(scope="module", params=[0, 1, 2])
def sample(request):
    return sample_lastfm(request.param)


def hits(scores, k=10):
    """(E, 1 + C) scores, the positive first -> (E,) is it among the k best; ties against it."""
    return np.sum(scores[:, 1:] >= scores[:, :1], axis=1) < k


def scored(scorer, holdout):
    items = np.column_stack([holdout.items, holdout.candidates])
    users = np.repeat(holdout.users, items.shape[1])
    return scorer(users, items.ravel()).reshape(items.shape)


def test_it_looks_like_last_fm(sample):
    plays, oracle = sample
    assert 590 <= plays.n_users <= 600
    assert 390 <= plays.n_items <= 400
    assert oracle.log_odds.shape == (plays.n_users, plays.n_items)
    per_user, per_item = np.bincount(plays.users), np.bincount(plays.items)
    assert per_user.min() >= 20
    assert per_user.max() <= 70
    assert per_item.min() >= 5
    assert np.sort(per_item)[-40:].sum() > 0.3 * len(plays)  # a tenth of the artists, a long tail
    assert plays.counts.min() >= 1
    assert np.all(plays.counts == np.floor(plays.counts))
    assert np.mean(plays.counts) > 1.5 * np.median(plays.counts)  # skewed, as log-normals are
    assert plays.timestamps is None
    assert plays.source.startswith("synthetic plays")


def test_names_are_unique_and_tell_the_kind(sample):
    plays, _ = sample
    assert len(set(plays.item_names)) == plays.n_items
    adjectives, nouns = zip(*(name.split(" ") for name in plays.item_names))
    assert set(adjectives) <= {word for family in ADJECTIVES for word in family}
    assert set(nouns) <= {word for family in NOUNS for word in family}


def test_plays_follow_affinity(sample):
    """Of two artists a listener has, the one of a liked style is played more on the whole."""
    plays, oracle = sample
    popularity = oracle.log_odds.mean(axis=0)
    affinity = oracle.log_odds[plays.users, plays.items] - popularity[plays.items]
    for_users = [plays.users == user for user in range(plays.n_users)]
    correlations = [np.corrcoef(affinity[r], np.log(plays.counts[r]))[0, 1] for r in for_users]
    assert np.mean(correlations) > 0.2


def test_inclusion_follows_the_oracle(sample):
    """Pairs binned by pi are present at the rate pi: 4 standard errors in each bin."""
    plays, oracle = sample
    pi = 1 / (1 + np.exp(-oracle.log_odds))
    has = np.zeros(pi.shape)
    has[plays.users, plays.items] = 1
    for low in np.arange(0, 1, 0.1):
        cell = (pi >= low) & (pi < low + 0.1)
        error = np.sqrt(np.sum(pi[cell] * (1 - pi[cell])))
        assert abs(has[cell].sum() - pi[cell].sum()) < 4 * error


def test_taste_is_no_sum_of_two_biases(sample):
    """Subtract row and column means: what is left of the log-odds carries most of the taste."""
    _, oracle = sample
    z = oracle.log_odds
    left = z - z.mean(axis=1, keepdims=True) - z.mean(axis=0) + z.mean()
    # In theory, per pair: style 3^2 * (2/6)(4/6) = 2, two traits 1.6^2 each = 5.1; popularity
    # 1.6^2 * var(log rank) = 2.56 * 0.98 = 2.5, so about 7.1 of 9.6 is not additive.
    assert 0.65 < left.var() / z.var() < 0.80


def test_the_oracle_beats_popularity_and_meets_its_promise(sample):
    plays, oracle = sample
    split = leave_one_out(plays, np.random.default_rng(7))
    popularity = np.bincount(split.train.items, minlength=plays.n_items)
    best = hits(scored(oracle.predict, split.test)).mean()
    popular = hits(scored(lambda users, items: popularity[items], split.test)).mean()
    assert 0.78 < best < 0.90
    assert 0.38 < popular < 0.55
    promised = oracle.best_hit_ratio(split.test)
    # The variance of one hit is p (1 - p) with p of that user; at the mean p it is an upper bound.
    standard_error = np.sqrt(promised * (1 - promised) / len(split.test))
    assert abs(best - promised) < 3 * standard_error


def test_best_hit_ratio_by_hand():
    # Odds 3 : 1 : 1 give posteriors .6, .2, .2; the second user has odds 1 : 1, one candidate.
    oracle = Oracle(np.log([[3.0, 1.0, 1.0], [1.0, 9.0, 1.0]]))
    holdout = Holdout([0, 1], [1, 0], [[0, 2], [2, -1]])
    assert oracle.best_hit_ratio(holdout, k=1) == pytest.approx((0.6 + 0.5) / 2)
    assert oracle.best_hit_ratio(holdout, k=2) == pytest.approx((0.8 + 1.0) / 2)


def test_the_posterior_by_brute_force():
    """Simulate the story for one listener and four artists: play, hide one, show all but one.

    Among the worlds that show the set {0, 1, 2}, how often is each artist the hidden one?
    """
    pi = np.array([0.8, 0.5, 0.2, 0.4])
    g = np.random.default_rng(0)
    has = g.random((400_000, 4)) < pi
    keep = has[:, :3].sum(axis=1) == 1  # of the shown set the listener has exactly one ...
    has = has[keep]
    hidden_is_shown = g.random(len(has)) < 1 / has.sum(axis=1)  # ... and it was the one drawn
    positive = has[hidden_is_shown][:, :3].argmax(axis=1)
    share = np.bincount(positive) / len(positive)
    odds = pi[:3] / (1 - pi[:3])  # 4, 1, 0.25
    # About 134,000 worlds remain; sd = sqrt(.76 * .24 / 134,000) = .0012
    np.testing.assert_allclose(share, odds / odds.sum(), atol=0.005)
    oracle = Oracle(np.log(pi / (1 - pi))[None])
    assert oracle.best_hit_ratio(Holdout([0], [0], [[1, 2]]), k=1) == pytest.approx(
        share.max(), abs=0.005
    )


def test_oracle_predict():
    oracle = Oracle(np.array([[0.0, 1.0], [2.0, 3.0]]))
    assert oracle.predict(np.array([1, 0]), np.array([0, 1])).tolist() == [2, 1]
    with pytest.raises(IndexError, match="items must be in .*got -1"):
        oracle.predict(np.array([0]), np.array([-1]))


def test_the_oracle_speaks_of_the_filtered_indices(monkeypatch):
    """With few artists a listener many rows are dropped: the rest must still be their own."""
    monkeypatch.setattr("ncf_numpy.datasets.sample.MEAN_ARTISTS", (16.0, 30.0))
    plays, oracle = sample_lastfm(0)
    assert plays.n_users < 500
    mean_if_had = oracle.log_odds[plays.users, plays.items].mean()
    shuffled = np.roll(oracle.log_odds, 1, axis=0)[plays.users, plays.items].mean()
    assert mean_if_had > shuffled + 2


def test_same_seed_same_sample_and_no_global_state():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    (plays, oracle), (again, oracle_again) = sample_lastfm(3), sample_lastfm(3)
    np.testing.assert_array_equal(plays.pair_keys, again.pair_keys)
    np.testing.assert_array_equal(plays.counts, again.counts)
    np.testing.assert_array_equal(oracle.log_odds, oracle_again.log_odds)
    assert plays.item_names.tolist() == again.item_names.tolist()
    assert len(plays) != len(sample_lastfm(4)[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_it_is_made_fast():
    start = time.process_time()
    sample_lastfm()
    assert time.process_time() - start < 2  # of the processor, some 0.1
