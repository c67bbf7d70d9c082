import itertools

import numpy as np
import pytest

from ncf_numpy.datasets import Holdout
from ncf_numpy.evaluation import comparison
from ncf_numpy.evaluation.comparison import (
    bootstrap,
    compare,
    confidence_interval,
    holm,
    permutation_test,
)
from ncf_numpy.evaluation.metrics import Evaluation


def evaluation(ranks, users=None, *, shared=False, against="99 sampled"):
    users = np.arange(len(ranks)) if users is None else np.array(users)
    holdout = Holdout(users, np.zeros_like(users), np.empty((len(users), 0), int))
    lists = np.unique(users, return_inverse=True)[1] if shared else np.arange(len(ranks))
    return Evaluation.of(np.array(ranks), holdout, lists, 10, against)


def test_hit_ratios_of_two_models_by_hand():
    # 40 users; both hit 20 of them, a 10 more, b none: .75 against .5
    a, b = np.full(40, 50), np.full(40, 50)
    a[:30] = b[:20] = 0
    table = compare({"b": evaluation(b), "a": evaluation(a)}, "HR")
    assert table[["a", "b"]].values.tolist() == [["a", "b"]]
    assert table["difference"].tolist() == [0.25]
    # The sum of ten differences of 1: only when all ten keep, or all turn, their sign is the sum
    # as large again: p = 2 / 2^10, give or take the luck of 10,000 draws.
    assert table["p"][0] == pytest.approx(2 / 2**10, abs=5 * (2 / 2**10 / 10_000) ** 0.5)
    assert 0 < table["low"][0] < 0.25 < table["high"][0] and table["better"][0] == "a"
    # the standard error of a share of .25 among 40 is sqrt(.25 * .75 / 40)
    width = table["high"][0] - table["low"][0]
    assert width == pytest.approx(2 * 1.96 * (0.25 * 0.75 / 40) ** 0.5, rel=0.1)


def test_equal_models_are_told_apart_by_nothing():
    ranks = np.arange(30)
    table = compare({"one": evaluation(ranks), "two": evaluation(ranks)})
    row = table.iloc[0]
    assert (row["difference"], row["low"], row["high"]) == (0, 0, 0)
    assert row["p"] == row["p_holm"] == 1 and row["better"] == ""


def test_the_permutation_test_is_the_share_of_all_exchanges():
    d = np.array([0.5, -0.1, 0.3, 0.4, 0.2, -0.25, 0.6, 0.05])
    sums = [
        abs(sum(s * x for s, x in zip(signs, d))) for signs in itertools.product([1, -1], repeat=8)
    ]
    exact = np.mean(np.array(sums) >= abs(d.sum()) - 1e-12)
    (p,) = permutation_test(d[:, None], 40_000, np.random.default_rng(0))
    assert p == pytest.approx(exact, abs=4 * (exact / 40_000) ** 0.5)


def test_a_bootstrap_of_two_users_has_its_three_outcomes():
    # user 0 has 1, user 1 has 0: both draws may be 0, one of each, or both 1
    figures = bootstrap(
        np.array([[1.0], [0.0]]), np.array([1, 1]), 20_000, np.random.default_rng(0)
    )
    for value, share in (0, 0.25), (0.5, 0.5), (1, 0.25):
        assert np.mean(figures == value) == pytest.approx(share, abs=0.02)


def test_nineteen_of_twenty_intervals_hold_the_true_mean():
    held = []
    for seed in range(300):
        values = np.random.default_rng([7, seed]).exponential(size=(150, 1))
        figures = bootstrap(values, np.ones(150), 500, np.random.default_rng(seed))
        low, high = np.quantile(figures, [0.025, 0.975])
        held.append(low < 1 < high)
    assert 0.90 < np.mean(held) < 0.98  # .95, a little less for a skewed distribution


def test_p_values_of_models_that_are_equally_good_are_uniform():
    p = []
    for seed in range(300):
        d = np.random.default_rng([11, seed]).normal(size=(60, 1))
        p.append(permutation_test(d, 200, np.random.default_rng(seed))[0])
    for level in (0.05, 0.25, 0.5):
        assert np.mean(np.array(p) <= level) == pytest.approx(level, abs=0.08)


def test_a_user_who_is_drawn_brings_all_their_lists():
    # user 0 has three lists with hits, user 1 one without: .75; two users give 1, .75 or 0
    one = evaluation([0, 0, 0, 50], users=[0, 0, 0, 1])
    assert one.hr == 0.75
    sums, n = comparison.per_user({"one": one}, "HR", None)
    assert sums.tolist() == [[3], [0]] and n.tolist() == [3, 1]
    figures = bootstrap(sums, n, 1000, np.random.default_rng(0))
    assert sorted(set(figures[:, 0].tolist())) == [0, 0.75, 1]


def test_held_out_items_of_one_list_are_one_value():
    one = evaluation([0, 1, 50], users=[4, 4, 6], shared=True)
    sums, n = comparison.per_user({"one": one}, "recall", 10)
    assert sums.tolist() == [[1], [0]] and n.tolist() == [1, 1]


def test_blocks_of_draws_change_nothing(monkeypatch):
    sums, n = np.random.default_rng(0).random((30, 2)), np.ones(30)
    whole = bootstrap(sums, n, 50, np.random.default_rng(1))
    monkeypatch.setattr(comparison, "BLOCK_NUMBERS", 200)
    np.testing.assert_allclose(bootstrap(sums, n, 50, np.random.default_rng(1)), whole, rtol=1e-12)
    assert comparison.blocks(50, 30) == [6] * 8 + [2]


def test_the_seed_decides():
    rng = np.random.default_rng(0)
    both = {name: evaluation(rng.integers(0, 30, 50)) for name in "ab"}
    assert compare(both, seed=3).equals(compare(both, seed=3))
    assert not compare(both, seed=3).equals(compare(both, seed=4))
    assert confidence_interval(both["a"], seed=3) == confidence_interval(both["a"], seed=3)


def test_every_pair_of_models_is_compared_the_better_first():
    models = {
        "worst": evaluation([40] * 9),
        "best": evaluation([0] * 9),
        "mid": evaluation([3] * 9),
    }
    table = compare(models, draws=50)
    assert table[["a", "b"]].values.tolist() == [
        ["best", "mid"], ["best", "worst"], ["mid", "worst"],
    ]  # fmt: skip
    # nine differences of one sign: of 2^9 exchanges two are as large, each pair alike
    assert (table["p_holm"] >= table["p"]).all()


def test_holm_by_hand():
    # ascending .01, .03, .04 times 3, 2, 1: .03, .06, .04, which may not fall again
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.6, 0.9])).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (evaluation([1, 2], users=[0, 2]), "second and first .* the same held-out users"),
        (evaluation([1, 2], against="all 7"), "second .* all 7 items, first against 99 sampled"),
    ],
)
def test_what_was_not_measured_alike_is_not_compared(other, message):
    with pytest.raises(ValueError, match=message):
        compare({"first": evaluation([1, 2]), "second": other})


@pytest.mark.parametrize("wrong", [{}, {"one": evaluation([1])}, [evaluation([1])] * 2])
def test_fewer_than_two_names_are_refused(wrong):
    with pytest.raises(ValueError, match=r"two evaluations or more, \{name: Evaluation\}; got"):
        compare(wrong)


def test_a_confidence_that_is_no_share_is_refused():
    with pytest.raises(ValueError, match="confidence must be between 0 and 1, got 95"):
        confidence_interval(evaluation([1, 2]), confidence=95)


def test_what_is_no_evaluation_was_an_attribute_error():
    for wrong in (0.5, "itemknn", None):
        with pytest.raises(ValueError, match="compare needs two evaluations or more, {name: Eval"):
            compare({"a": wrong, "b": wrong})
