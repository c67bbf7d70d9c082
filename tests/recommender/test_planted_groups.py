"""Small tables were fitted for too few steps: recommendations were noise, without a word."""

import warnings

import numpy as np
import pandas as pd
import pytest

from ncf_numpy import Recommender
from ncf_numpy.recommender.report import NotLearned

N_GROUPS = 4


def planted(seed, n_users=60, n_items=60, each=8):
    """480 pairs: user u has eight items of those whose number is u's modulo 4. Chance is 1 / 4."""
    rng = np.random.default_rng(seed)
    pairs = [
        (user, item)
        for user in range(n_users)
        for item in rng.choice(np.arange(user % N_GROUPS, n_items, N_GROUPS), each, replace=False)
    ]
    return pd.DataFrame(pairs, columns=["user", "item"])


def share_of_right_items(recommender, table):
    best = recommender.recommend(table["user"].unique().tolist(), k=1)
    return np.mean(best["item"] % N_GROUPS == best["user"] % N_GROUPS)


@pytest.mark.parametrize("model", ["neumf", "gmf", "mlp", "mf"])
def test_defaults_find_the_groups_and_do_not_warn(model):
    table = planted(seed=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recommender = Recommender(model, seed=3).fit(table)
    assert share_of_right_items(recommender, table) >= 0.95
    report = recommender.report
    assert (report.verdict, report.pairs, report.held_out) == ("learned", 480, 60)
    assert report.loss < 0.35 < report.base_loss
    assert report.hr["popularity"] < 0.4 < report.hr["model"]
    assert report.epochs == len(recommender.history)


def test_what_has_nothing_to_learn_warns():
    table = planted(seed=5)
    items = np.random.default_rng(5).permutation(table["item"])
    with pytest.warns(NotLearned, match="not learned: .*HR@10.*not clearly better than"):
        recommender = Recommender("gmf").fit(table.assign(item=items).drop_duplicates())
    assert recommender.report.verdict == "not learned"


def test_too_short_a_training_warns_and_says_what_to_do():
    # 20 epochs of 256 are 200 steps, each of which moves a weight by about 0.001.
    with pytest.warns(NotLearned, match="no better than the base rate.*without epochs="):
        recommender = Recommender("mlp", training="paper").fit(planted(seed=0))
    report = recommender.report
    assert (report.epochs, report.batch_size, report.held_out) == (20, 256, 0)
    with pytest.warns(NotLearned, match="not learned"):
        Recommender("mlp", epochs=1).fit(planted(seed=0))


def test_fifteen_pairs_are_too_few_to_tell():
    items = [1, 2, 3, 1, 4, 2, 3, 4, 5, 5, 6, 2, 6, 5, 3]
    table = pd.DataFrame({"user": [*"aaabbbcccdddeee"], "item": items})
    with pytest.warns(NotLearned, match="too few pairs to tell.*Only . pairs could be held out"):
        recommender = Recommender("neumf").fit(table)
    assert recommender.report.loss < 0.3  # it has learned its pairs by heart


def test_validation_kept_the_first_epoch_and_patience_stopped_there():
    table = planted(seed=1)
    recommender = Recommender("gmf", patience=1).fit(table, validation=True)
    assert share_of_right_items(recommender, table) >= 0.95
    report = recommender.report
    assert (report.how, report.held_out, report.verdict) == ("validation", 60, "learned")
    assert report.choices == len(recommender.history) > report.epochs


def test_many_pairs_are_fitted_once_and_one_in_a_hundred_is_held_out():
    table = planted(seed=0, n_users=700, n_items=240, each=20)  # 14,000 pairs
    recommender = Recommender("gmf", epochs=1).fit(table)
    report = recommender.report
    assert (report.how, report.held_out, report.batch_size) == ("sample", 140, 256)
    assert "140 of 14,000 pairs were not trained on" in str(report)


def test_the_report_is_saved_with_the_model(tmp_path):
    recommender = Recommender("gmf", epochs=2).fit(planted(seed=0))
    recommender.save(tmp_path / "m.npz")
    assert Recommender.load(tmp_path / "m.npz").report == recommender.report
