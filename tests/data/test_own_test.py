import numpy as np
import pytest

from ncf_numpy.data.own_test import with_own_test
from ncf_numpy.data.sampling import PairIndex
from ncf_numpy.datasets import Interactions

TRAIN = [("ann", "a"), ("ann", "b"), ("bob", "a"), ("bob", "c"), ("cid", "a"), ("cid", "b"),
         ("cid", "c"), ("dan", "d"), ("dan", "e")]  # fmt: skip


def interactions(pairs):
    users, items = zip(*pairs)
    return Interactions.from_columns(list(users), list(items))


def split(test, train=TRAIN, **how):
    data = interactions(train)
    return data, with_own_test(data, interactions(test), np.random.default_rng(0), **how)


def pairs(data, holdout):
    return [(data.user_ids[u], data.item_ids[i]) for u, i in zip(holdout.users, holdout.items)]


def test_the_pairs_of_the_file_are_the_test_and_one_of_each_user_the_validation():
    data, own = split([("bob", "b"), ("ann", "e"), ("ann", "c")])
    assert pairs(data, own.test) == [("ann", "c"), ("ann", "e"), ("bob", "b")]
    assert own.validation.users.tolist() == [0, 1, 2, 3]
    merged = own.train_and_validation()
    assert pairs(data, merged) == pairs(data, data)
    assert not PairIndex(own.train).contains(own.validation.users, own.validation.items).any()


def test_candidates_are_neither_in_the_training_data_nor_in_the_test():
    data, own = split([("ann", "e"), ("ann", "c")], n_candidates=3)
    # ann has a and b, and e and c in the test: d is left, the same for both of her items
    assert own.test.candidates.tolist() == [[data.item_ids.tolist().index("d"), -1, -1]] * 2


def test_what_cannot_be_tested_is_left_out_and_counted():
    _, own = split(
        [("eve", "a"), ("eve", "b"), ("ann", "z"), ("ann", "a"), ("bob", "b"), ("cid", "d"),
         ("cid", "e")]
    )  # fmt: skip
    assert own.notes[:4] == (
        "Test pairs of a user who is not in the training data: 2.",
        "Test pairs of an item that is not in the training data: 1.",
        "Test pairs that are in the training data already: 1.",
        "Test pairs of users who have every item: 2.",
    )
    assert len(own.test) == 1


def test_a_test_file_with_other_ids_says_how_they_differ():
    test = Interactions.from_columns([1, 2], ["a", "b"])
    with pytest.raises(
        ValueError, match="no test pair is left of 2.* texts such as 'ann' .* integers"
    ):
        with_own_test(interactions(TRAIN), test, np.random.default_rng(0))
