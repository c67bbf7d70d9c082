import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_numpy.datasets import Holdout
from ncf_numpy.evaluation.measures import MEASURES, per_list
from ncf_numpy.evaluation.metrics import Evaluation

# List 0 holds three items, at ranks 0, 2 and 7; list 1 holds one, at rank 3.
RANKS, LISTS = np.array([2, 3, 7, 0]), np.array([0, 1, 0, 0])
BEST_3 = 1 + 1 / math.log2(3) + 1 / 2  # the DCG of three held-out items that come first


@pytest.mark.parametrize(
    ("measure", "k", "expected"),
    [
        ("HR", 3, [1, 0]),
        ("HR", 4, [1, 1]),
        ("precision", 3, [2 / 3, 0]),
        ("precision", 10, [3 / 10, 1 / 10]),
        ("recall", 3, [2 / 3, 0]),
        ("recall", 10, [1, 1]),
        ("NDCG", 3, [(1 + 1 / 2) / BEST_3, 0]),
        ("NDCG", 4, [(1 + 1 / 2) / BEST_3, 1 / math.log2(5)]),
        ("NDCG", 2, [1 / (1 + 1 / math.log2(3)), 0]),  # no more than two can be among two
        ("MAP", 3, [(1 / 1 + 2 / 3) / 3, 0]),
        ("MAP", 8, [(1 / 1 + 2 / 3 + 3 / 8) / 3, 1 / 4]),
        ("MAP", 1, [1, 0]),
        ("MRR", 1, [1, 1 / 4]),  # however low
    ],
)
def test_measures_by_hand(measure, k, expected):
    assert per_list(measure, RANKS, LISTS, k).tolist() == pytest.approx(expected)


def slow(measure, ranks, k):
    """One list, in plain Python: go down the places 1 to k."""
    found, gain, best, precisions = 0, 0.0, 0.0, 0.0
    for place in range(1, k + 1):
        if place <= len(ranks):
            best += 1 / math.log2(place + 1)
        if place - 1 in ranks:
            found += 1
            gain += 1 / math.log2(place + 1)
            precisions += found / place
    return {
        "HR": float(found > 0),
        "precision": found / k,
        "recall": found / len(ranks),
        "NDCG": gain / best,
        "MAP": precisions / min(len(ranks), k),
        "MRR": 1 / (min(ranks) + 1),
    }[measure]


@given(
    st.lists(st.sets(st.integers(0, 30), min_size=1, max_size=8), min_size=1, max_size=5),
    st.integers(1, 40),
    st.sampled_from(list(MEASURES)),
    st.randoms(use_true_random=False),
)
def test_measures_are_their_slow_twins(lists, k, measure, random):
    pairs = [(number, rank) for number, ranks in enumerate(lists) for rank in ranks]
    random.shuffle(pairs)
    numbers, ranks = np.array(pairs).T
    expected = [slow(measure, ranks, k) for ranks in lists]
    assert per_list(measure, ranks, numbers, k).tolist() == pytest.approx(expected)


def test_a_table_has_a_row_for_each_k():
    holdout = Holdout([0, 1, 0, 0], [1, 2, 3, 4], np.empty((4, 0), int))
    evaluation = Evaluation.of(RANKS, holdout, LISTS, 10, "all 20")
    table = evaluation.table(k=(3, 10), measures=("HR", "recall"))
    assert table.index.tolist() == [3, 10] and table.index.name == "k"
    assert table["HR"].tolist() == [0.5, 1]
    assert table["recall"].tolist() == pytest.approx([1 / 3, 1])
    assert evaluation.mean("MRR") == evaluation.mrr == pytest.approx((1 + 1 / 4) / 2)
    assert evaluation.recall == 1  # at its own k, 10
    one = evaluation.table(k=3, measures="HR")
    assert one.shape == (1, 1) and one.loc[3, "HR"] == table.loc[3, "HR"]


def test_what_is_not_a_measure_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="the measures are HR, NDCG, .*; got 'hr@10'"):
        per_list("hr@10", RANKS, LISTS, 10)
    with pytest.raises(ValueError, match="k must be an integer of at least 1, got 0"):
        per_list("HR", RANKS, LISTS, 0)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_k_beyond_64_bits_was_too_large_for_python_and_c(measure):
    ranks, lists = np.array([0, 4, 2]), np.array([0, 0, 1])
    for k in (2**31, 2**63, 10**30):
        found, expected = per_list(measure, ranks, lists, k), per_list(measure, ranks, lists, 10**9)
        np.testing.assert_allclose(found, expected * (10**9 / k if measure == "precision" else 1))
