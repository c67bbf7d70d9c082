"""Candidates, similar users, vectors, files of lists, and the models with a closed form."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from small_models import taken_by

from ncf_numpy import EASE, MF, ImplicitALS, ItemKNN, NeuMF
from ncf_numpy.datasets import Interactions, sample_lastfm
from ncf_numpy.recommender import answers
from ncf_numpy.recommender.models import MODELS
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.safe_file import read_file, write_file

ALL = list(MODELS)
# Items a and b are had by the same two users, c by one more; d and e by one each.
TABLE = pd.DataFrame(
    [("ann", "a"), ("ann", "b"), ("bob", "a"), ("bob", "b"), ("bob", "c"), ("cid", "c"),
     ("dan", "d"), ("eve", "e"), ("eve", "d")],
    columns=["user", "item"],
)  # fmt: skip


@pytest.fixture(scope="module")
def plays():
    return sample_lastfm()[0]


@pytest.fixture(scope="module")
def fitted(plays):
    known = {}

    def get(name):
        if name not in known:
            known[name] = Recommender(name, **taken_by(name, epochs=2)).fit(plays)
        return known[name]

    return get


@pytest.mark.parametrize("name", ALL)
def test_only_and_without_leave_the_order_as_it_is(fitted, name):
    recommender = fitted(name)
    everything = recommender.recommend(7, k=400)
    only = everything["item"][::3].tolist()
    expected = everything[everything["item"].isin(only)].reset_index(drop=True)
    pd.testing.assert_frame_equal(recommender.recommend(7, k=400, only=only[::-1]), expected)
    left = everything[~everything["item"].isin(only)].reset_index(drop=True)
    pd.testing.assert_frame_equal(recommender.recommend(7, k=400, without=only), left)
    both = recommender.recommend(7, k=2, only=only, without=only[:3])
    assert both["item"].tolist() == only[3:5]


def test_candidates_that_a_user_has_are_left_out_unless_asked_for():
    recommender = Recommender("itemknn").fit(TABLE)
    assert recommender.recommend("ann", only=["a", "c"])["item"].tolist() == ["c"]
    seen = recommender.recommend("ann", only=["a", "c"], exclude_seen=False)
    assert seen["item"].tolist() == ["a", "c"]
    new = recommender.fold_in(["a"])
    assert new.recommend(only=["a", "b", "d"])["item"].tolist() == ["b", "d"]
    assert new.recommend(without=["b"], k=1)["item"].tolist() == ["c"]


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"only": "abc"}, TypeError, r"only must be a list of raw ids such as \['abc'\]"),
        ({"without": 3}, TypeError, "without must be a list of raw ids"),
        ({"only": ["a", "z"]}, KeyError, "no item has the id 'z'"),
        ({"without": ["z"]}, KeyError, "no item has the id 'z'"),
        ({"only": []}, ValueError, "only= and without= leave no item"),
        ({"only": ["a"], "without": ["a"]}, ValueError, "only= and without= leave no item"),
    ],
)
def test_candidates_that_are_none_are_refused(how, error, message):
    recommender = Recommender("popularity").fit(TABLE)
    for ask in (
        lambda: recommender.recommend("ann", **how),
        lambda: recommender.fold_in(["a"]).recommend(**how),
    ):
        with pytest.raises(error, match=message):
            ask()


def test_item_knn_fills_up_by_popularity_and_not_by_the_order_of_the_catalogue():
    # cid has c; of b and a, bob has them too: sim = 1 / sqrt(2 * 2). Nobody has d or e besides:
    # two users have d, one has e, and b is before a in nothing but the catalogue
    table = pd.concat([TABLE, pd.DataFrame([("fay", "e"), ("gus", "e")], columns=TABLE.columns)])
    lists = Recommender("itemknn").fit(table).recommend("cid", k=4)
    assert lists["item"].tolist() == ["a", "b", "e", "d"]
    assert lists["score"].tolist() == pytest.approx([0.5, 0.5, 0, 0])
    assert Recommender("itemknn").fit(table).recommend("cid", k=1)["item"].tolist() == ["a"]


@pytest.mark.parametrize("name", ["itemknn", "ease", "ials"])
def test_whoever_nothing_is_known_of_got_the_first_items_of_the_catalogue(name):
    # User 2 has nothing. Items 0 to 3 have 2, 1, 2 and 3 users.
    pairs = [(0, 0), (0, 2), (0, 3), (1, 2), (1, 3), (3, 0), (3, 3), (4, 1)]
    users, items = np.transpose(pairs)
    data = Interactions.from_indices(users, items, np.arange(5), np.arange(4))
    recommender = Recommender(name).fit(data)
    lists = recommender.recommend(2, k=4)
    assert lists["item"].tolist() == [3, 0, 2, 1] and lists["score"].tolist() == [0] * 4
    if name != "ials":  # whose vectors tell something of every item: nobody shares item 1
        lists = recommender.recommend(4, k=4)
        assert lists["item"].tolist() == [3, 0, 2] and lists["score"].tolist() == [0] * 3


def test_a_file_of_lists_that_has_no_name_is_refused():
    recommender = Recommender("popularity").fit(TABLE)
    for path in (None, io.StringIO(), 3):
        with pytest.raises(TypeError, match="path must be the name of a file"):
            recommender.write_recommendations(path)


@pytest.mark.parametrize("name", ["neumf", "itemknn", "ease"])
def test_the_file_of_all_lists_is_what_recommend_says(fitted, name, tmp_path, monkeypatch):
    recommender = fitted(name)
    monkeypatch.setattr(answers, "USERS_PER_BLOCK", 250)  # 600 users: two whole blocks and a rest
    path = tmp_path / "all.csv"
    how = {"k": 3, "without": recommender.data.item_ids[:5].tolist()}
    recommender.write_recommendations(path, **how)
    users = recommender.data.user_ids.tolist()
    expected = recommender.recommend(users, **how)
    written = pd.read_csv(path, encoding="utf-8", dtype={"score": np.float32})
    pd.testing.assert_frame_equal(written, expected, check_exact=True)
    recommender.write_recommendations(path, users=[7, 3], k=1)
    assert pd.read_csv(path)["user"].tolist() == [7, 3]


def test_a_file_that_cannot_be_written_leaves_the_old_one(fitted, tmp_path):
    path = tmp_path / "all.csv"
    path.write_text("old")
    recommender = fitted("popularity")
    with pytest.raises(KeyError, match="no user 'nobody'"):
        recommender.write_recommendations(path, users=["nobody"])
    with pytest.raises(OSError, match="cannot save"):
        recommender.write_recommendations(tmp_path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_similar_users_by_hand():
    similar = Recommender("itemknn").fit(TABLE).similar_users("bob")
    # ann has two of bob's three items: 2 / sqrt(2 * 3); cid one: 1 / sqrt(1 * 3); others none
    assert similar["user"].tolist() == ["ann", "cid"]
    assert similar["score"].tolist() == pytest.approx([2 / 6**0.5, 1 / 3**0.5])
    assert Recommender("ease", l2=1).fit(TABLE).similar_users("bob", k=1)["user"].tolist() == [
        "ann"
    ]


@pytest.mark.parametrize("name", [name for name in ALL if name != "popularity"])
def test_similar_users_and_items_are_cosines_of_the_vectors(fitted, name):
    recommender = fitted(name)
    if name in ("itemknn", "ease"):
        for ask in (recommender.user_vectors, recommender.item_vectors):
            with pytest.raises(ValueError, match=f"{name} has no (user|item) vectors: fit another"):
                ask()
        return
    for vectors, ask in (
        (recommender.user_vectors(), lambda raw: recommender.similar_users(raw, k=5)),
        (recommender.item_vectors(), lambda raw: recommender.similar_items(raw, k=5)),
    ):
        raw = vectors.index[3]
        found = ask(raw)
        V = vectors.drop(columns="bias", errors="ignore").to_numpy(float)
        cosine = V @ V[3] / (np.linalg.norm(V, axis=1) * np.linalg.norm(V[3]))
        best_first = [raw for raw in vectors.index[np.argsort(-cosine)] if raw != vectors.index[3]]
        assert found.iloc[:, 0].tolist() == best_first[:5]
        assert found["score"].tolist() == pytest.approx(np.sort(cosine)[::-1][1:6], abs=1e-5)


def test_popularity_says_that_it_compares_nobody(fitted):
    with pytest.raises(ValueError, match="popularity does not compare users"):
        fitted("popularity").similar_users(7)
    with pytest.raises(ValueError, match="popularity has no user vectors"):
        fitted("popularity").user_vectors()


def test_vectors_come_with_their_ids_and_what_each_column_is(fitted, plays):
    recommender = fitted("neumf")
    users, items = recommender.user_vectors(), recommender.item_vectors()
    assert users.index.tolist() == plays.user_ids.tolist() and users.index.name == "user"
    assert items.index.tolist() == plays.item_ids.tolist() and items.index.name == "item"
    assert list(users)[:2] == ["GMF 1", "GMF 2"] and list(users)[-1] == "MLP 32"
    np.testing.assert_array_equal(users.to_numpy(), recommender.model.user_embedding.W)
    users.iloc[:] = 0  # a copy
    assert recommender.model.user_embedding.W.any()
    assert list(fitted("mf").item_vectors()) == [f"factor {k}" for k in range(1, 9)] + ["bias"]
    assert isinstance(recommender.model, NeuMF) and isinstance(fitted("mf").model, MF)


# EASE and implicit ALS


def test_options_reach_the_model_and_have_defaults_of_their_own():
    ials = Recommender("ials", factors=3, epochs=2, regularisation=0.5, weight=0.25).fit(TABLE)
    assert isinstance(ials.model, ImplicitALS)
    model = ials.model
    assert (model.factors, model.epochs, model.regularisation, model.weight) == (3, 2, 0.5, 0.25)
    assert Recommender("ease", l2=7).fit(TABLE).model.l2 == 7
    default = Recommender("ials").fit(TABLE).model
    assert (default.factors, default.epochs) == (64, 12)
    assert isinstance(Recommender("ease").fit(TABLE).model, EASE)


@pytest.mark.parametrize(
    ("model", "option", "owner"),
    [
        ("neumf", {"l2": 3}, "ease"),
        ("ease", {"weight": 1}, "ials"),
        ("mf", {"regularisation": 1}, "ials"),
        ("ials", {"neighbours": 3}, "itemknn"),
        ("popularity", {"shrink": 0.0}, "itemknn"),
        ("gmf", {"use_counts": False}, "itemknn, popularity"),
    ],
)
def test_an_option_of_another_model_is_refused(model, option, owner):
    (name,) = option
    owners = "".join(f"(?=.* {each}[, ])" for each in owner.split(", "))
    with pytest.raises(ValueError, match=f"{name} is an option of{owners}.*, not of {model}"):
        Recommender(model, **option)


@pytest.mark.parametrize("model", ["ials", "ease", "itemknn", "popularity"])
@pytest.mark.parametrize(
    "option",
    [{"training": "paper"}, {"batch_size": 64}, {"negatives": 4}, {"lr": 0.01}, {"patience": 3},
     {"layers": (8, 4)}],
    ids=str,
)  # fmt: skip
def test_a_model_without_epochs_took_options_of_training_and_did_nothing_with_them(model, option):
    ((name, value),) = option.items()
    with pytest.raises(ValueError) as caught:
        Recommender(model, **option)
    said = str(caught.value)
    assert f"{name} is an option of" in said and f"not of {model}: leave out {name}=" in said
    assert repr(value) in said and f"{model} takes" in said


@pytest.mark.parametrize(
    ("model", "option"),
    [("itemknn", "epochs"), ("ease", "epochs"), ("popularity", "factors"), ("mlp", "factors"),
     ("gmf", "layers"), ("mf", "layers"), ("bpr", "layers")],
)  # fmt: skip
def test_sizes_that_a_model_does_not_have_were_silently_unused(model, option):
    value = (8, 4) if option == "layers" else 3
    with pytest.raises(ValueError, match=f"{option} is an option of .*, not of {model}"):
        Recommender(model, **{option: value})


def test_a_file_of_an_earlier_version_holds_options_of_all_models(tmp_path):
    path = tmp_path / "m.npz"
    before = Recommender("ials", factors=2).fit(TABLE)
    before.save(path)
    header, arrays = read_file(path, "recommender")
    header["settings"] |= {"epochs": None, "lr": 0.001, "layers": [8, 4], "training": None}
    write_file(path, "recommender", header, arrays)
    assert Recommender.load(path).settings == before.settings


# Counts


def test_popularity_by_the_sum_of_the_counts():
    table = TABLE.assign(count=[1, 1, 1, 1, 1, 1, 9, 1, 3])
    best = Recommender("popularity", use_counts=True).fit(table).recommend("cid", k=4)
    assert best["item"].tolist() == ["d", "a", "b", "e"]  # 9 + 3, 1 + 1, 1 + 1, 1
    assert best["score"].tolist() == [12, 2, 2, 1]


def test_item_knn_by_counts_by_hand(tmp_path):
    """log2(1 + count) is 1 for 1 and 2 for 3: columns a (1, 2), b (2, 1) and c (0, 1).

    sim(a, c) = 2 / sqrt(5), sim(b, c) = 1 / sqrt(5); ann has a once and b three times.
    """
    rows = [("ann", "a", 1), ("ann", "b", 3), ("bob", "a", 3), ("bob", "b", 1), ("bob", "c", 1)]
    table = pd.DataFrame(rows, columns=["user", "item", "count"])
    fitted = Recommender("itemknn", use_counts=True).fit(table)
    assert fitted.recommend("ann")["score"].tolist() == pytest.approx([(2 * 1 + 1 * 2) / 5**0.5])
    assert fitted.explain("ann", "c").score == pytest.approx(4 / 5**0.5)
    assert fitted.similar_items("a")["score"].tolist() == pytest.approx([2 / 5**0.5, 4 / 5])
    new = fitted.fold_in(["a", "b"]).recommend()  # how often is not known
    assert new["score"].tolist() == pytest.approx([3 / 5**0.5])
    fitted.save(tmp_path / "m.npz")
    loaded = Recommender.load(tmp_path / "m.npz")
    pd.testing.assert_frame_equal(loaded.recommend("ann"), fitted.recommend("ann"))


def test_counts_of_one_are_no_counts(plays):
    ones = replace(plays, counts=np.ones(len(plays)))
    with_counts, without = ItemKNN(use_counts=True).fit(ones), ItemKNN().fit(ones)
    np.testing.assert_array_equal(with_counts.nearest, without.nearest)
    users, items = plays.users[:500], plays.items[::-1][:500]
    np.testing.assert_allclose(
        with_counts.predict(users, items), without.predict(users, items), rtol=1e-6
    )
    np.testing.assert_allclose(with_counts.scores([0, 9]), without.scores([0, 9]), rtol=1e-6)


@pytest.mark.parametrize("model", ["itemknn", "popularity"])
def test_counts_that_are_not_there_cannot_be_used(model):
    with pytest.raises(ValueError, match=r"use_counts needs counts.*count='plays', or leave"):
        Recommender(model, use_counts=True).fit(TABLE)
    with pytest.raises(ValueError, match="use_counts must be True or False, got 'plays'"):
        Recommender(model, use_counts="plays")


@pytest.mark.parametrize("name", ["ials", "ease"])
@pytest.mark.parametrize("shape", [(9, 5), (5, 9)])
def test_a_saved_one_answers_with_the_same_bits(name, shape, tmp_path):
    X = np.random.default_rng(0).random(shape) < 0.5
    X[0], X[:, 0] = True, True
    data = Interactions(*np.nonzero(X), np.arange(shape[0]), np.arange(shape[1]))
    before = Recommender(name).fit(data)
    before.save(tmp_path / "m.npz")
    after = Recommender.load(tmp_path / "m.npz")
    assert after.settings == before.settings
    for ask in (
        lambda r: r.recommend([1, 3], exclude_seen=False),
        lambda r: r.similar_items(2),
        lambda r: r.similar_users(2),
        lambda r: r.fold_in([1, 2]).recommend(exclude_seen=False),
    ):
        pd.testing.assert_frame_equal(ask(before), ask(after))


@pytest.mark.parametrize("name", ["ials", "ease", "itemknn"])
@pytest.mark.parametrize("shape", [(9, 5), (5, 9)])
def test_somebody_new_with_the_items_of_a_user_is_scored_as_they_are(name, shape):
    """Exactly, for a model with a closed form: the user's own row follows from their items."""
    X = np.random.default_rng(1).random(shape) < 0.5
    X[0], X[:, 0] = True, True
    data = Interactions(*np.nonzero(X), np.arange(shape[0]), np.arange(shape[1]))
    recommender = Recommender(name, **({"l2": 2} if name == "ease" else {})).fit(data)
    if name == "ials":  # after the last half step it is the items that fit the users: once more
        model = recommender.model
        model.P = model.solve(data.items, data.offsets, model.Q)
    own = recommender.data.items_of(3).tolist()
    new = recommender.fold_in(own).recommend(exclude_seen=False).sort_values("item")
    known = recommender.recommend(3, exclude_seen=False).sort_values("item")
    np.testing.assert_allclose(new["score"], known["score"], rtol=1e-3, atol=1e-4)
    part = recommender.fold_in(own[:1]).recommend(exclude_seen=False).sort_values("item")
    assert not np.allclose(part["score"], known["score"], atol=1e-3)


def test_ease_says_the_same_of_similar_items_in_both_its_forms():
    # the partial correlation of two columns, given the others: -P[i, j] / sqrt(P[i, i] P[j, j])
    X = (np.random.default_rng(2).random((6, 8)) < 0.5).astype(float)
    X[0], X[:, 0] = 1, 1
    P = np.linalg.inv(X.T @ X + 3 * np.eye(8))
    expected = -P / np.sqrt(np.outer(np.diag(P), np.diag(P)))
    np.fill_diagonal(expected, 0)
    wide = EASE(3).fit(Interactions(*np.nonzero(X), np.arange(6), np.arange(8)))
    empty = Interactions(*np.nonzero(X), np.arange(9), np.arange(8))  # three users have nothing
    tall = EASE(3).fit(empty)
    assert wide.B is None and tall.T is None
    for item in range(8):
        for model in (wide, tall):
            np.testing.assert_allclose(
                model.similarities_to(item), expected[item], rtol=1e-3, atol=1e-5
            )


@pytest.mark.parametrize("name", ["ials", "ease"])
def test_an_explanation_adds_up_to_the_score(fitted, name):
    recommender = fitted(name)
    best = recommender.recommend(7, k=1).iloc[0]
    why = recommender.explain(7, best["item"])
    assert why.score == why.logit == pytest.approx(best["score"], rel=1e-5)
    assert sum(why.contributions.values()) == pytest.approx(why.logit)
    assert len(why.nearest) == 3


# BPR


def test_bpr_is_matrix_factorisation_trained_by_pairs(plays, tmp_path):
    settings = {"factors": 4, "epochs": 3, "batch_size": 64}
    bpr = Recommender("bpr", **settings).fit(plays)
    assert isinstance(bpr.model, MF)
    # the loss of a pair that cannot be told apart is log 2
    assert bpr.history["loss"].iloc[-1] < bpr.history["loss"].iloc[0] < np.log(2)
    # a user's bias and b drop out of a pair: their gradients are rounding, the items' are not
    user_bias, item_bias = (bpr.user_vectors()["bias"], bpr.item_vectors()["bias"])
    assert user_bias.abs().max() < 0.01 < 0.1 < item_bias.abs().max()
    bpr.save(tmp_path / "m.npz")
    loaded = Recommender.load(tmp_path / "m.npz")
    pd.testing.assert_frame_equal(loaded.recommend(7), bpr.recommend(7))


def test_bpr_resumes_to_the_same_bits_and_not_as_mf(plays, tmp_path):
    path, settings = tmp_path / "c", {"factors": 4, "batch_size": 64}
    whole = Recommender("bpr", epochs=3, **settings).fit(plays)
    Recommender("bpr", epochs=2, **settings).fit(plays, checkpoint=path)
    resumed = Recommender("bpr", epochs=3, **settings).fit(plays, checkpoint=path, resume=True)
    np.testing.assert_array_equal(resumed.model.item_embedding.W, whole.model.item_embedding.W)
    with pytest.raises(ValueError, match="loss=BPR, this run has no loss"):
        Recommender("mf", epochs=3, **settings).fit(plays, checkpoint=path, resume=True)


def test_somebody_new_is_folded_into_bpr_by_pairs(fitted, plays):
    recommender = fitted("bpr")
    own = plays.item_ids[plays.items_of(3)].tolist()
    new = recommender.fold_in(own)
    top = new.recommend(k=40, exclude_seen=False)["item"]
    assert np.isin(top, own).sum() > 3 * 40 * len(own) / plays.n_items
    everything = recommender.fold_in(plays.item_ids.tolist())
    assert len(everything.recommend(exclude_seen=False)) == 10
