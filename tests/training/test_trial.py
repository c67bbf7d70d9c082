"""The trial that finds out how long to train: what it holds out, and which epoch it chooses."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from ncf_numpy.core.models import GMF
from ncf_numpy.data.interactions import Interactions
from ncf_numpy.training.row_adam import RowAdam
from ncf_numpy.training.trainer import Trainer
from ncf_numpy.training.trial import (
    Trial,
    best_look,
    hold_out_pairs,
    last_better_look,
    smoothed_gains,
)


def interactions(pairs):
    users, items = zip(*pairs)
    return Interactions.from_columns(users, items)


def random_data(seed, n_users=40, n_items=30):
    rng = np.random.default_rng(seed)
    return interactions(
        [(u, i) for u in range(n_users) for i in range(n_items) if rng.random() < 0.4]
    )


@pytest.mark.parametrize("seed", range(5))
def test_what_is_held_out_is_a_fifth_of_each_user_and_never_trained_on(seed):
    data = random_data(seed)
    train, held_out = hold_out_pairs(data, np.random.default_rng(seed), most=10**6)
    pairs = set(zip(data.users.tolist(), data.items.tolist()))
    kept = set(zip(train.users.tolist(), train.items.tolist()))
    hidden = set(zip(held_out.users.tolist(), held_out.items.tolist()))
    assert kept | hidden == pairs and not kept & hidden and len(hidden) == len(held_out)
    for u in range(data.n_users):
        n, n_hidden = len(data.items_of(u)), sum(user == u for user, _ in hidden)
        assert n_hidden == (max(1, n // 5) if n >= 3 else 0)
    for u, row in zip(held_out.users, held_out.candidates):
        others = row[row >= 0].tolist()
        assert len(set(others)) == len(others)
        assert not {(u, i) for i in others} & pairs


def test_at_most_so_many_pairs_are_held_out():
    data = random_data(0)
    _, held_out = hold_out_pairs(data, np.random.default_rng(0), most=17)
    assert len(held_out) == 17


def test_pairs_that_nobody_could_rank_stay_in_training():
    # ann has two items only, bob all four, cho items that nobody else has but one.
    pairs = [("ann", 1), ("ann", 2), *(("bob", i) for i in (1, 2, 3, 4, 5, 6)), ("cho", 6)]
    data = interactions([*pairs, ("cho", 5), ("dan", 1)])
    train, held_out = hold_out_pairs(data, np.random.default_rng(0))
    assert held_out is None and train is data
    alone = interactions([("cho", 5), ("cho", 6), ("cho", 7), ("dan", 1), ("dan", 5)])
    rngs = map(np.random.default_rng, range(20))
    found = [
        held_out.items.tolist()
        for _, held_out in (hold_out_pairs(alone, g) for g in rngs)
        if held_out
    ]
    five = alone.item_ids.tolist().index(5)
    assert found and all(items == [five] for items in found)


def test_smoothed_gains_by_hand():
    # Ranks 0, 2 and 6 have the gains 1 / log2(2) = 1, 1 / log2(4) = 1/2 and 1 / log2(8) = 1/3.
    ranks = np.array([[0, 2], [2, 2], [6, 0], [0, 0]])
    np.testing.assert_allclose(smoothed_gains(ranks), [[1 / 2, 1 / 2], [1 / 2, 1]])
    assert best_look(ranks) == 2


def test_one_lucky_look_does_not_win():
    bad, good, lucky = np.full(50, 20), np.full(50, 4), np.full(50, 0)
    ranks = [bad, lucky, bad, bad, good, good, good, good, good, bad]
    assert best_look(ranks) in range(4, 9)


def test_a_better_look_is_better_by_more_than_its_standard_error():
    # From the third look on half of the items climb from place 3 to 1 and half fall back.
    even, odd = np.arange(40) % 2 == 0, np.arange(40) % 2 == 1
    before, after = np.where(even, 1, 3), np.where(odd, 1, 3)
    assert last_better_look([before] * 3 + [after] * 5) == 1
    assert last_better_look([before] * 3 + [np.ones(40)] * 5) > 1


def test_ranks_are_reported_at_epochs_that_the_other_half_chose():
    # Ranks of noise, mean 24.5: the best of 60 looks flatters, the other half's choice does not.
    rng, best, honest = np.random.default_rng(0), [], []
    for _ in range(40):
        trial = Trial(None, None, 0.001)
        trial.ranks = rng.integers(0, 50, (60, 100))
        best.append(trial.ranks[best_look(trial.ranks)].mean())
        honest.append(trial.unbiased_ranks(rng).mean())
    error = 14.4 / math.sqrt(40 * 100)  # sqrt((50^2 - 1) / 12) = 14.4
    assert np.mean(best) < 24.5 - 4 * error
    assert abs(np.mean(honest) - 24.5) < 3 * error


def test_a_trial_ends_after_the_steps_it_says():
    data = random_data(1)
    train, held_out = hold_out_pairs(data, np.random.default_rng(0))
    split = SimpleNamespace(train=train, validation=None)
    model = GMF(data.n_users, data.n_items, 4, np.random.default_rng(0))
    trainer = Trainer(model, split, np.random.default_rng(0), optimizer=RowAdam(0.0), batch_size=32)
    trial = Trial(trainer, held_out, 0.01).run()
    # Nothing improves at a learning rate of 0, so it stops after 3 / 0.01 = 300 steps.
    assert 300 <= trainer.optimizer.t < 300 + 2 * (trial.epochs[1] - trial.epochs[0]) * 60
    assert trial.epochs[-1] == trainer.epoch
    assert trial.best_epochs() == trial.epochs[1]
    losses = [row["loss"] for row in trainer.rows]
    first, last = trial.epochs[0], trial.epochs[2]
    assert trial.best_loss() == pytest.approx(np.mean(losses[first:last]))
