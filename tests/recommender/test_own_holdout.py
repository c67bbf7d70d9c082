"""fit with a validation Holdout of one's own, and NeuMF's weight of its branches."""

import dataclasses

import numpy as np
import pytest
from small_models import taken_by

from ncf_numpy import Recommender, evaluate
from ncf_numpy.datasets import Interactions, leave_one_out, sample_lastfm

FEW = {"training": "paper", "epochs": 4}


@pytest.fixture(scope="module")
def split():
    return leave_one_out(sample_lastfm()[0], np.random.default_rng(0))


@pytest.mark.filterwarnings("ignore::ncf_numpy.recommender.report.NotLearned")
@pytest.mark.parametrize("name", ["neumf", "itemknn"])
def test_the_history_is_measured_on_the_holdout_that_was_given(split, name):
    recommender = Recommender(name, **taken_by(name, **FEW))
    recommender.fit(split.train, validation=split.validation)
    chosen = recommender.history[recommender.history["chosen"]].iloc[0]
    result = evaluate(recommender.model, split.validation)
    assert (chosen["hr"], chosen["ndcg"]) == (result.hr, result.ndcg)
    assert chosen["ndcg"] == recommender.history["ndcg"].max()
    assert recommender.data is split.train  # nothing else was held out of it


@pytest.mark.parametrize("name", ["neumf", "itemknn"])
def test_a_split_where_its_validation_was_meant_is_refused(split, name):
    with pytest.raises(TypeError, match="validation must be .* a Holdout, got a Split"):
        Recommender(name, **taken_by(name, **FEW)).fit(split.train, validation=split)


@pytest.mark.parametrize("name", ["neumf", "itemknn"])
def test_held_out_pairs_that_were_trained_on_were_called_not_trained_on(split, name):
    held_out = split.validation
    whole = Interactions.from_indices(
        np.concatenate([split.train.users, held_out.users[:3]]),
        np.concatenate([split.train.items, held_out.items[:3]]),
        split.train.user_ids,
        split.train.item_ids,
    )
    message = f"3 of the {len(held_out)} pairs .* fit\\(split.train, validation=split.validation"
    with pytest.raises(ValueError, match=message):
        Recommender(name, **taken_by(name, **FEW)).fit(whole, validation=held_out)


@pytest.mark.parametrize("name", ["neumf", "itemknn"])
def test_a_holdout_of_other_data_was_said_to_be_numbered_wrong(split, name):
    few = Interactions.from_indices([0, 1, 2], [0, 1, 2], ["a", "b", "c"], ["x", "y", "z"])
    with pytest.raises(ValueError, match="the data has 3 users and 3 items: .* from one split"):
        Recommender(name, **taken_by(name, **FEW)).fit(few, validation=split.validation)


def test_of_a_split_the_part_to_train_on_is_named(split):
    with pytest.raises(TypeError, match=r"got a Split: fit\(split.train, validation="):
        Recommender(**FEW).fit(split)


def test_a_holdout_without_items_is_not_taken_for_no_validation(split):
    nobody = {
        field.name: getattr(split.validation, field.name)[:0]
        for field in dataclasses.fields(split.validation)
        if getattr(split.validation, field.name) is not None
    }
    with pytest.raises(ValueError, match="validation is a Holdout without items"):
        Recommender(**FEW).fit(split.train, validation=type(split.validation)(**nobody))


@pytest.mark.filterwarnings("ignore::ncf_numpy.recommender.report.NotLearned")
def test_the_weight_of_the_branches_is_trained_with_saved_and_loaded(split, tmp_path):
    weighted = Recommender(**FEW, branch_weight=0.3).fit(split.train)
    assert weighted.model.branch_weight == 0.3
    weighted.save(tmp_path / "weighted.npz")
    loaded = Recommender.load(tmp_path / "weighted.npz")
    assert loaded.model.branch_weight == 0.3
    users, items = np.arange(5), np.arange(5, 10)
    assert np.array_equal(loaded.model.forward(users, items), weighted.model.forward(users, items))
    alone = {**weighted.settings, "branch_weight": None}
    plain = Recommender(**alone).fit(split.train)
    assert not np.allclose(plain.model.forward(users, items), loaded.model.forward(users, items))


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan"), "0.5"])
def test_a_weight_that_is_no_share_is_refused_before_any_training(value):
    with pytest.raises(ValueError, match=r"branch_weight must be in \[0, 1\], got"):
        Recommender("neumf", branch_weight=value)


def test_the_weight_of_branches_does_nothing_for_a_model_of_one_branch():
    with pytest.raises(ValueError, match="branch_weight is an option of neumf, not of gmf"):
        Recommender("gmf", branch_weight=0.5)
