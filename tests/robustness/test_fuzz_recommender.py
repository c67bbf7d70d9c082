"""A Recommender on generated data and arguments: the answer of a slow twin, or an error of its own.

Weights are set to whole numbers where an order is checked: then a logit is exact however it is
summed, many of them tie, and the twin's order is the order.
"""

import math
import os
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from own_errors import outcome
from small_models import taken_by

from ncf_numpy.core.models import Model
from ncf_numpy.data.terminal import printable
from ncf_numpy.datasets import Interactions
from ncf_numpy.evaluation.baselines import ItemKNN
from ncf_numpy.recommender.models import MODELS
from ncf_numpy.recommender.recommender import Recommender

pytestmark = pytest.mark.robustness
TIMES = int(os.environ.get("NCF_NUMPY_FUZZ", 1))  # how many times as many examples
fuzz = settings(max_examples=300 * TIMES, deadline=None, suppress_health_check=list(HealthCheck))

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=4)  # surrogates and NUL, too
TEXT = ANY_TEXT.map(str.strip).filter(bool)  # blanks around an id do not count
WHOLE = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 9)
JUNK = st.sampled_from(
    [None, "", "x", b"x", 0, -1, 1, 2.5, math.nan, math.inf, 10**30, True, 1j, (), [], {}, [[]],
     [None], {1}, {1: 2}, [1, [2]], np.array([[1]]), np.array("x"), np.uint64(2**64 - 1),
     pd.Timestamp(0), pd.NA, pd.DataFrame({"user": [1]}), slice(2), len, SimpleNamespace()]
)  # fmt: skip
TINY = {"factors": 2, "layers": (4, 2), "epochs": 1, "batch_size": 8, "negatives": 2}


@st.composite
def pairs(draw, users=None, items=None):
    """A list of (user, item), both from small pools of ids of one kind."""
    kinds = st.sampled_from([WHOLE, TEXT])
    users = draw(st.lists(users or draw(kinds), min_size=1, max_size=5, unique=True))
    items = draw(st.lists(items or draw(kinds), min_size=1, max_size=7, unique=True))
    pair = st.tuples(st.sampled_from(users), st.sampled_from(items))
    return draw(st.lists(pair, min_size=1, max_size=16))


def table_of(rows):
    return pd.DataFrame(
        {"user": pd.Series([u for u, _ in rows]), "item": pd.Series([i for _, i in rows])}
    )


@st.composite
def fitted(draw, names=tuple(MODELS)):
    """A recommender with whole numbers for weights, and {user: set of items} of its data."""
    rows = draw(pairs())
    name = draw(st.sampled_from(names))
    users, items = map(set, zip(*rows, strict=True))
    assume(name != "bpr" or len(set(rows)) < len(users) * len(items))  # else: nothing to compare
    recommender = Recommender(name, **taken_by(name, **TINY)).fit(table_of(rows))
    if isinstance(recommender.model, Model):
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        for _, W, _ in recommender.model.parameters():
            W[...] = rng.integers(-1, 2, W.shape)
    seen = {}
    for user, item in rows:
        seen.setdefault(user, set()).add(item)
    return recommender, seen


def score_of(recommender, u, i, model=None):
    """The logit, or a baseline's score, of one pair of indices."""
    model = model or recommender.model
    score = model.forward if isinstance(model, Model) else model.predict
    return float(score(np.array([u]), np.array([i]))[0])


def best_first(recommender, u, seen, k, model=None):
    """The twin of `recommend`: [(raw id, score)], by score, then by index, none of those seen."""
    ids = recommender.data.item_ids.tolist()
    scores = ranked = [score_of(recommender, u, i, model) for i in range(len(ids))]
    if isinstance(recommender.model, ItemKNN):  # of items it knows nothing of, the most popular
        n = np.bincount(recommender.data.items, minlength=len(ids)).tolist()
        ranked = [s if s > 0 else n[i] / (max(n) + 1) - 1 for i, s in enumerate(scores)]
    order = sorted(range(len(ids)), key=lambda i: (-ranked[i], i))
    return [(ids[i], scores[i]) for i in order if ids[i] not in seen][:k]


def shown(recommender, score):
    """The score as a table has it: a logit as its probability."""
    neural = isinstance(recommender.model, Model)
    return 1 / (1 + math.exp(-score)) if neural else score


# Data


@fuzz
@given(pairs(), st.booleans())
def test_whole_numbers_and_texts_are_indexed_as_a_set_of_pairs(rows, as_table):
    users, items = zip(*rows, strict=True)
    data = Interactions.from_columns(users, items)
    if as_table:
        data = Recommender("popularity").fit(table_of(rows)).data
    found = zip(data.user_ids[data.users].tolist(), data.item_ids[data.items].tolist(), strict=True)
    assert sorted(found) == sorted(set(rows))
    assert data.user_ids.tolist() == sorted(set(users))


@fuzz
@given(st.data())
def test_ids_of_other_kinds_are_refused_before_anything_is_trained(data):
    wrong = JUNK | st.floats() | st.booleans() | st.just("") | st.tuples(WHOLE) | st.binary()
    values = data.draw(st.lists(wrong | WHOLE | TEXT, min_size=1, max_size=5))
    items = list(range(len(values)))
    kinds = {type(value) for value in values}
    good = kinds <= {int, np.uint64} and all(-(2**63) <= v < 2**63 for v in values)
    good |= kinds == {str} and all(value.strip() for value in values)
    result, error = outcome(lambda: Interactions.from_columns(values, items))
    assert good or not (kinds <= {int, str}) or error, values
    assert error is None or not good, values
    if result is not None:
        assert result.user_ids.tolist() == sorted(set(values))
    column = pd.Series(values, dtype=object)
    table = pd.DataFrame({"user": column, "item": items})
    result, error = outcome(lambda: Recommender("popularity").fit(table))
    if kinds == {str} and good:
        assert result.data.user_ids.tolist() == sorted(set(values))


@fuzz
@given(JUNK, JUNK)
def test_columns_that_are_none_are_refused(users, items):
    outcome(lambda: Interactions.from_columns(users, items))
    outcome(lambda: Recommender("popularity").fit(users))


# Settings

SIZE = st.integers(1, 5) | st.integers(1, 5).map(np.int64)
GOOD = {
    "model": st.sampled_from(list(MODELS)),
    "factors": SIZE,
    "layers": st.sampled_from([(2,), [4, 3], np.array([2, 1]), (6, 1, 1)]),
    "epochs": st.integers(1, 2),
    "batch_size": SIZE | st.just(10**6),
    "negatives": SIZE,
    "lr": st.sampled_from([0, 0.0, 1e-3, np.float32(0.1), np.float64(1), 1]),
    "patience": st.none() | SIZE,
    "neighbours": SIZE | st.just(10**6),
    "shrink": st.sampled_from([0, 1.5, np.float32(2), 1e300]),
    "l2": st.sampled_from([1, 0.5, np.float32(2)]),
    "regularisation": st.sampled_from([1, 0.5, np.float32(2)]),
    "weight": st.sampled_from([1, 0.5, np.float32(2)]),
    "seed": st.integers(0, 10**30) | SIZE,
}
BAD_SIZE = st.sampled_from(
    [0, -1, 2.0, math.nan, "3", b"3", True, [], 2**31, 10**30, np.array([1])]
)
BAD_OWN_RATE = st.sampled_from([-1, math.nan, math.inf, "1", 1j, [], np.ones(2)])
BAD = {
    "model": st.sampled_from([None, "", "NeuMF", 0, [], {}, np.array(["gmf", "mlp"])]),
    "factors": BAD_SIZE,
    "layers": st.sampled_from(
        [(), 0, 64, "64", (3,), (4, 0), (4, -1), (4.0, 2), (4, 2**31), [[4]]]
    ),
    "epochs": BAD_SIZE,
    "batch_size": BAD_SIZE,
    "negatives": BAD_SIZE,
    "lr": st.sampled_from([-1e-9, math.nan, math.inf, -math.inf, "1", 1j, [], np.ones(2)]),
    "patience": BAD_SIZE,
    "neighbours": BAD_SIZE,
    "shrink": BAD_OWN_RATE,
    "l2": BAD_OWN_RATE,
    "regularisation": BAD_OWN_RATE,
    "weight": BAD_OWN_RATE,
    "seed": st.sampled_from([-1, 1.5, None, "0", True, []]),
}


@fuzz
@given(st.data())
def test_good_settings_train_and_are_saved_and_a_bad_one_is_named(tmp_path_factory, data):
    names = data.draw(st.lists(st.sampled_from(list(GOOD)), unique=True))
    chosen = {name: data.draw(GOOD[name]) for name in names}
    model = chosen.pop("model", "neumf")
    chosen = {"model": model, **taken_by(model, **TINY | chosen)}
    wrong = data.draw(st.none() | st.sampled_from(list(BAD)))
    if wrong is not None:
        chosen[wrong] = data.draw(BAD[wrong])
        _, error = outcome(lambda: Recommender(**chosen))
        named = {"layers": "width|layers"}.get(wrong, wrong)
        assert error is not None and any(name in str(error) for name in named.split("|"))
        return
    recommender = Recommender(**chosen)
    validation = recommender.settings.get("patience") is not None
    recommender.fit(table_of([(1, 5), (1, 6), (2, 5), (3, 7)]), validation)
    assert recommender.recommend(1, k=9)["item"].tolist() == [7]
    path = tmp_path_factory.getbasetemp() / "settings.npz"
    recommender.save(path)
    assert Recommender.load(path).settings == recommender.settings


# Answers


@fuzz
@given(fitted(), st.data())
def test_recommendations_are_those_of_the_twin(case, data):
    recommender, seen = case
    users = data.draw(st.lists(st.sampled_from(list(seen)), max_size=4))
    k, exclude = data.draw(st.integers(1, 9) | st.just(10**30)), data.draw(st.booleans())
    ids = recommender.data.user_ids.tolist()
    expected = []
    for user in users:
        own = seen[user] if exclude else ()
        for item, score in best_first(recommender, ids.index(user), own, k):
            expected.append([user, item, str(item), pytest.approx(shown(recommender, score), 1e-6)])
    table = recommender.recommend(users, k=k, exclude_seen=exclude)
    assert table.values.tolist() == expected
    if len(users) == 1:
        single = recommender.recommend(users[0], k=k, exclude_seen=exclude)
        pd.testing.assert_frame_equal(single, table.drop(columns="user"))


@fuzz
@given(fitted(), st.data())
def test_similar_items_are_those_of_a_slow_cosine_or_of_shared_users(case, data):
    recommender, seen = case
    ids = recommender.data.item_ids.tolist()
    item, k = data.draw(st.sampled_from(ids)), data.draw(st.integers(1, 9))
    table, error = outcome(lambda: recommender.similar_items(item, k))
    if recommender.settings["model"] == "popularity":
        assert "popularity does not compare" in str(error)
        return
    likeness = {other: alike(recommender, seen, item, other) for other in ids if other != item}
    if isinstance(recommender.model, ItemKNN):
        likeness = {other: value for other, value in likeness.items() if value > 0}
    assert len(table) == min(k, len(likeness))
    found = [likeness.pop(other) for other in table["item"].tolist()]
    assert found == pytest.approx(table["score"].tolist(), abs=1e-6)
    assert found == pytest.approx(sorted(found, reverse=True), abs=1e-6)
    assert not found or max(likeness.values(), default=-9) <= found[-1] + 1e-6


def alike(recommender, seen, item, other):
    """How alike two raw items are: users in common, partial correlation, or cosine of vectors."""
    if isinstance(recommender.model, ItemKNN):
        mine, theirs = ({u for u, own in seen.items() if i in own} for i in (item, other))
        return len(mine & theirs) / math.sqrt(len(mine) * len(theirs))
    ids = recommender.data.item_ids.tolist()
    if recommender.settings["model"] == "ease":
        X = np.array([[float(i in own) for i in ids] for own in seen.values()])
        P = np.linalg.inv(X.T @ X + recommender.model.l2 * np.eye(len(ids)))
        i, j = ids.index(item), ids.index(other)
        return -P[i, j] / math.sqrt(P[i, i] * P[j, j])
    is_ials = recommender.settings["model"] == "ials"
    W = (recommender.model.Q if is_ials else recommender.model.item_embedding.W).tolist()
    width = -1 if recommender.settings["model"] in ("mf", "bpr") else None
    p, q = (W[ids.index(i)][:width] for i in (item, other))
    norms = math.hypot(*p) * math.hypot(*q)
    return sum(a * b for a, b in zip(p, q, strict=True)) / norms if norms else 0.0


@fuzz
@given(fitted(), st.data())
def test_an_explanation_adds_up_and_names_the_users_own_items(case, data):
    recommender, seen = case
    users, items = recommender.data.user_ids.tolist(), recommender.data.item_ids.tolist()
    user, item = data.draw(st.sampled_from(users)), data.draw(st.sampled_from(items))
    k = data.draw(st.integers(1, 4))
    why, error = outcome(lambda: recommender.explain(user, item, k))
    if recommender.settings["model"] == "popularity":
        assert "popularity does not compare" in str(error)
        return
    logit = score_of(recommender, users.index(user), items.index(item))
    assert sum(why.contributions.values()) == pytest.approx(logit, abs=1e-5)
    assert (why.logit, why.score) == pytest.approx((logit, shown(recommender, logit)), abs=1e-5)
    near = why.nearest["item"].tolist()
    others = {other: alike(recommender, seen, item, other) for other in seen[user] - {item}}
    if isinstance(recommender.model, ItemKNN):
        others = {other: value for other, value in others.items() if value > 0}
    assert set(near) <= set(others) and len(near) == min(k, len(others))
    found = [others.pop(other) for other in near]
    assert found == pytest.approx(sorted(found, reverse=True), abs=1e-6)
    assert not found or max(others.values(), default=-9) <= found[-1] + 1e-6
    assert printable(why.name) in str(why)


@fuzz
@given(fitted(), st.data())
def test_somebody_new_gets_what_their_own_model_scores_best(case, data):
    recommender, seen = case
    ids = recommender.data.item_ids.tolist()
    items = data.draw(st.lists(st.sampled_from(ids), min_size=1, max_size=5))
    k, exclude = data.draw(st.integers(1, 9)), data.draw(st.booleans())
    before = [W.copy() for _, W, _ in weights(recommender)]
    learns = isinstance(recommender.model, Model)
    none, few = [{"steps": n} if learns else {} for n in (0, data.draw(st.integers(0, 3)))]
    new = recommender.fold_in(items, **few)
    table = new.recommend(k, exclude)
    expected = best_first(recommender, 0, items if exclude else (), len(ids), new.model)
    scores = [shown(recommender, score) for _, score in expected]
    assert table["score"].tolist() == pytest.approx(scores[:k], abs=1e-5)
    assert set(table["item"]) <= {item for item, _ in expected}
    again = recommender.fold_in(iter(items[::-1] * 2), **none)
    same = recommender.fold_in(set(items), **none)
    pd.testing.assert_frame_equal(again.recommend(), same.recommend())
    for (_, W, _), old in zip(weights(recommender), before, strict=True):
        np.testing.assert_array_equal(W, old)
    if recommender.settings["model"] != "popularity":
        assert set(new.explain(ids[0]).nearest["item"]) <= set(items) - {ids[0]}


def weights(recommender):
    return recommender.model.parameters() if isinstance(recommender.model, Model) else []


@fuzz
@given(fitted())
def test_what_is_loaded_is_what_was_saved(tmp_path_factory, case):
    recommender, seen = case
    path = tmp_path_factory.getbasetemp() / "fuzzed.npz"
    recommender.save(path)
    loaded = Recommender.load(path)
    users = list(seen)
    pd.testing.assert_frame_equal(loaded.recommend(users, 9), recommender.recommend(users, 9))
    assert loaded.data.user_ids.tolist() == recommender.data.user_ids.tolist()
    assert [type(i) for i in loaded.data.item_ids] == [type(i) for i in recommender.data.item_ids]
    assert loaded.settings == recommender.settings
    pd.testing.assert_frame_equal(loaded.history, recommender.history)


# Arguments


@fuzz
@given(fitted(), JUNK | WHOLE | TEXT, JUNK | WHOLE)
def test_arguments_of_any_kind_get_an_answer_or_an_error_of_the_packages_own(case, what, k):
    recommender, seen = case
    assume(not (isinstance(k, (bool, float)) and k == 1))
    good_k = isinstance(k, int | np.integer) and not isinstance(k, bool) and k >= 1
    user, item = next((u, i) for u, own in seen.items() for i in own)
    one = {"steps": 1} if isinstance(recommender.model, Model) else {}
    for call in (
        lambda: recommender.recommend(user, k),
        lambda: recommender.similar_items(item, k),
        lambda: recommender.explain(user, item, k),
        lambda: recommender.fold_in([item], **one).recommend(k),
    ):
        _, error = outcome(call)
        popularity = error and "popularity does not" in str(error)
        assert popularity or (error is None) == good_k, k
    outcome(lambda: recommender.recommend(what))
    outcome(lambda: recommender.similar_items(what))
    outcome(lambda: recommender.explain(what, item))
    outcome(lambda: recommender.explain(user, what))
    outcome(lambda: recommender.find_item(what))
    outcome(lambda: recommender.fold_in(what, steps=1))
    outcome(lambda: recommender.fold_in([what], steps=1))
    if not (isinstance(k, int | np.integer) and k > 100):  # that many steps are a wish, no error
        outcome(lambda: recommender.fold_in([item], steps=k))
    outcome(lambda: recommender.fold_in([item], steps=1, lr=what))
