import copy

import numpy as np
import pandas as pd
import pytest
from small_models import taken_by

from ncf_numpy.core.layers import sigmoid
from ncf_numpy.datasets import sample_lastfm
from ncf_numpy.recommender.fold_in import fold_in
from ncf_numpy.recommender.recommender import Recommender

N_NEW = 25  # users who are left out, and folded in


@pytest.fixture(scope="module")
def plays():
    return sample_lastfm()[0]


@pytest.fixture(scope="module")
def fitted(plays):
    """fitted("neumf") knows all users, fitted("neumf", True) has not seen the first N_NEW."""
    known = {}

    def get(name, without_new=False):
        if (name, without_new) not in known:
            data = plays.take(plays.users >= N_NEW) if without_new else plays
            options = taken_by(name, epochs=5, lr=4e-3)
            known[name, without_new] = Recommender(name, **options).fit(data)
        return known[name, without_new]

    return get


def share(mine, theirs):
    return np.isin(mine["item"], theirs["item"]).mean()


@pytest.mark.parametrize("name", ["neumf", "mf"])
def test_a_folded_user_gets_what_a_user_trained_in_full_gets(plays, fitted, name):
    full, less, popular = fitted(name), fitted(name, True), fitted("popularity")
    folded_share, popular_share = [], []
    for user in range(N_NEW):
        raw = plays.user_ids[user]
        trained = full.recommend(raw, k=20)
        new = less.fold_in(plays.item_ids[plays.items_of(user)])
        folded_share.append(share(new.recommend(20), trained))
        popular_share.append(share(popular.recommend(raw, k=20), trained))
    # 20 of some 360 unseen items at random share 20 / 360 = .06; the same popular items for
    # everybody share about .3; two trainings with different seeds share .7 (NeuMF) to .9 (MF).
    # So .5 is far from chance, and from not knowing who the user is.
    assert np.mean(folded_share) > 0.5
    assert np.mean(folded_share) > np.mean(popular_share) + 0.1


@pytest.mark.parametrize("name", ["neumf", "mf"])
def test_all_else_is_frozen(plays, fitted, name):
    recommender = fitted(name)
    before = [W.copy() for _, W, _ in recommender.model.parameters()]
    answer = recommender.recommend(1)
    new = recommender.fold_in([1001, 1002])
    for (_, W, _), old in zip(recommender.model.parameters(), before, strict=True):
        np.testing.assert_array_equal(W, old)
    pd.testing.assert_frame_equal(recommender.recommend(1), answer)
    assert new.model.user_embedding.W.shape == (1, before[0].shape[1])
    assert new.model.item_embedding.W is recommender.model.item_embedding.W


def test_one_step_goes_down_the_gradient_of_the_loss(plays, fitted):
    # Adam's first step is lr * g / (|g| + eps'), so lr against the sign of each g. The user has
    # all items but one: every negative drawn is that one, and the loss can be written down here.
    model = copy.copy(fitted("gmf").model)
    table = model.user_embedding.W
    missing = np.bincount(plays.items).argmin()
    model.output = copy.deepcopy(model.output)
    model.output.b += 10  # all probabilities are high, so that the negatives weigh most
    items = np.delete(np.arange(plays.n_items), missing)
    one = fold_in(model, items, np.random.default_rng(0), steps=1, lr=0.125)

    def loss(p):
        Q, h = model.item_embedding.W.astype(float), model.output.W[:, 0].astype(float)
        logits = (p * Q) @ h + float(model.output.b[0])
        negatives = 4 * len(items) * np.log(sigmoid(-logits[missing]))
        return -(np.log(sigmoid(logits[items])).sum() + negatives)

    start = table.mean(axis=0).astype(float)
    for j, moved in enumerate(one.user_embedding.W[0] - start):
        e = np.zeros(len(start))
        e[j] = 1e-4
        derivative = loss(start + e) - loss(start - e)
        assert moved == pytest.approx(-0.125 * np.sign(derivative), rel=1e-3)


def test_it_is_a_function_of_the_set_of_items(fitted):
    recommender = fitted("neumf")
    once = recommender.fold_in([1001, 1005, 1009]).recommend(10)
    other = recommender.fold_in([1009, 1001, 1005, 1001]).recommend(10)
    pd.testing.assert_frame_equal(once, other)
    assert recommender.fold_in([1001]).recommend(10)["score"].tolist() != once["score"].tolist()


def test_items_of_the_new_user_are_left_out_unless_asked_for(fitted):
    recommender = fitted("gmf")
    new = recommender.fold_in([1001, 1002, 1003])
    everything = new.recommend(10**6, exclude_seen=False)
    assert len(everything) == recommender.data.n_items
    rest = new.recommend(10**6)
    assert set(everything["item"]) - set(rest["item"]) == {1001, 1002, 1003}
    assert rest.columns.tolist() == ["item", "name", "score"]


def test_a_new_user_who_has_everything(fitted):
    recommender = fitted("gmf")
    new = recommender.fold_in(recommender.data.item_ids)
    assert new.recommend().empty


def test_why_a_new_user_gets_an_item(fitted):
    new = fitted("neumf").fold_in([1001, 1002, 1003])
    item = new.recommend(1)["item"][0]
    why = new.explain(item, k=2)
    assert why.score == pytest.approx(new.recommend(1)["score"][0], abs=1e-6)
    assert sum(why.contributions.values()) == pytest.approx(why.logit)
    assert len(why.nearest) == 2
    assert set(why.nearest["item"]) < {1001, 1002, 1003}


@pytest.mark.parametrize("name", ["itemknn", "popularity"])
def test_with_the_items_of_a_known_user_a_baseline_says_the_same(plays, fitted, name):
    recommender = fitted(name)
    new = recommender.fold_in(plays.item_ids[plays.items_of(5)])
    pd.testing.assert_frame_equal(new.recommend(15), recommender.recommend(plays.user_ids[5], 15))


def test_wrong_items(fitted):
    recommender = fitted("gmf")
    with pytest.raises(ValueError, match="at least one item"):
        recommender.fold_in([])
    with pytest.raises(KeyError, match="no item has the id 77"):
        recommender.fold_in([1001, 77])
