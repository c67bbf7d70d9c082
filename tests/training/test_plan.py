"""How long to train, where nobody has said."""

import pytest

from ncf_numpy.training.plan import Plan, make_plan, paper_plan, steps_an_epoch, watched

FREE = {"epochs": None, "batch_size": None, "negatives": 4, "lr": 0.001}


@pytest.mark.parametrize(
    ("pairs", "plan"),
    [
        # 5 rows a pair; 20 epochs must be 5 / 0.001 = 5,000 steps, so an epoch at least 250.
        (12_800, Plan(20, 256, False)),  # 64,000 / 256 = 250
        (12_748, Plan(None, 128, True)),  # 63,740 rows are 249 batches: 20 too few
        (6_400, Plan(None, 128, True)),  # 32,000 / 128 = 250
        (2_000, Plan(None, 32, True)),  # 10,000 / 64 is only 157
        (15, Plan(None, 32, True)),  # never below 32
    ],
)
def test_few_pairs_get_small_batches_and_a_trial(pairs, plan):
    assert make_plan(pairs, **FREE) == plan


def test_what_is_given_is_kept():
    assert make_plan(480, **{**FREE, "epochs": 7}) == Plan(7, 32, True)
    assert make_plan(480, **{**FREE, "batch_size": 100}) == Plan(None, 100, True)
    assert make_plan(10**6, **{**FREE, "epochs": 7, "batch_size": 10}) == Plan(7, 10, False)
    # 480 pairs in batches of 8 are 300 steps an epoch, 6,000 in 20 epochs: that is enough.
    assert make_plan(480, **{**FREE, "batch_size": 8}) == Plan(20, 8, False)


def test_a_higher_learning_rate_needs_fewer_steps():
    # 5 / 0.01 = 500 steps are 25 an epoch: 1,280 pairs in batches of 256.
    assert make_plan(1_280, **{**FREE, "lr": 0.01}) == Plan(20, 256, False)
    assert make_plan(1_000, **{**FREE, "lr": 0.01}) == Plan(None, 128, True)


def test_a_learning_rate_of_zero_does_not_train_for_ever():
    assert make_plan(480, **{**FREE, "lr": 0.0}) == make_plan(480, **{**FREE, "lr": 0.0001})


def test_the_last_batch_of_an_epoch_may_be_short():
    assert [steps_an_epoch(n, 32) for n in (1, 32, 33)] == [1, 1, 2]


def test_the_papers_plan_does_not_look_at_the_data():
    assert paper_plan() == Plan(20, 256)
    assert paper_plan(epochs=50) == Plan(50, 256)
    assert paper_plan(batch_size=64) == Plan(20, 64)


def test_where_a_training_is_watched_an_early_best_is_not_believed():
    rates = {"negatives": 4, "lr": 0.001}
    short = Plan(None, 32, True)
    # 480 pairs are 75 steps an epoch: 3,000 steps are 40 epochs, 20,000 are 267.
    assert watched(short, 480, patience=None, **rates) == (267, 40)
    assert watched(short, 480, patience=3, **rates) == (267, 40)
    assert watched(short, 480, patience=50, **rates) == (267, 50)
    assert watched(Plan(9, 32, True), 480, patience=3, **rates) == (9, 40)
    assert watched(Plan(9, 32, True), 480, patience=None, **rates) == (9, None)
    assert watched(Plan(20, 256), 10**6, patience=3, **rates) == (20, 3)
