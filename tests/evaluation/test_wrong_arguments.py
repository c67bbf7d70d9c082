"""A table, a class or a whole split where numbered interactions, a scorer or a hold-out belong."""

import numpy as np
import pandas as pd
import pytest

from ncf_numpy import EASE, ImplicitALS, ItemKNN, NegativeSampler, Popularity, Recommender
from ncf_numpy.data.own_test import with_own_test
from ncf_numpy.data.sampling import PairIndex
from ncf_numpy.datasets import Interactions, leave_one_out
from ncf_numpy.evaluation.catalogue import Catalogue
from ncf_numpy.evaluation.metrics import evaluate

TABLE = pd.DataFrame({"user": [1, 1, 1, 2, 2, 3], "item": [5, 6, 7, 5, 6, 7]})
DATA = Interactions.from_columns(TABLE["user"], TABLE["item"])


@pytest.mark.parametrize(
    "use",
    [
        lambda table: Popularity().fit(table),
        lambda table: ItemKNN().fit(table),
        lambda table: EASE().fit(table),
        lambda table: ImplicitALS(2).fit(table),
        NegativeSampler,
        PairIndex,
        lambda table: with_own_test(DATA, table, np.random.default_rng(0)),
        lambda table: leave_one_out(table, np.random.default_rng(0)),
    ],
)
@pytest.mark.parametrize("table", [TABLE, TABLE.to_numpy()])
def test_a_table_was_an_attribute_error(use, table):
    kind = type(table).__name__
    with pytest.raises(TypeError, match=f"expected Interactions, as load_inter.*got {kind}"):
        use(table)


@pytest.mark.parametrize("scorer", [Popularity, Recommender("popularity"), lambda users, items: 0])
def test_a_scorer_without_predict(scorer):
    holdout = leave_one_out(DATA, np.random.default_rng(0), validation=False).test
    for use in (lambda: evaluate(scorer, holdout), lambda: Catalogue(scorer, 3)):
        with pytest.raises(
            TypeError, match=r"scorer: expected an object with predict.*Recommender"
        ):
            use()


@pytest.mark.parametrize("holdout", [TABLE, DATA, Popularity()])
def test_what_holds_nothing_out(holdout):
    with pytest.raises(TypeError, match=f"a Holdout, such as split.test.*{type(holdout).__name__}"):
        evaluate(Popularity().fit(DATA), holdout)


def test_data_given_to_the_baseline_itself_counted_as_true():
    for baseline in (Popularity, lambda data: ItemKNN(use_counts=data)):
        with pytest.raises(ValueError, match="use_counts must be True or False, got Interactions"):
            baseline(DATA)


@pytest.mark.parametrize("value", [True, np.True_])
def test_a_true_of_numpy_is_true(value):
    assert Popularity(value).use_counts is ItemKNN(use_counts=value).use_counts is True


@pytest.mark.parametrize("value", [0, -1.0, np.inf, np.nan, "500", True, None])
def test_a_number_that_cannot_be_in_a_closed_form(value):
    for name, make in (("l2", EASE), ("regularisation", ImplicitALS), ("weight", ImplicitALS)):
        with pytest.raises(ValueError, match=f"{name} must be a finite number above 0, got"):
            make(**{name: value})


def test_a_seed_for_a_generator():
    sampler = NegativeSampler(DATA)
    for use in (lambda: ImplicitALS(rng=0), lambda: sampler.sample(np.array([1]), 0)):
        with pytest.raises(TypeError, match="rng must be a numpy Generator .*got 0"):
            use()
