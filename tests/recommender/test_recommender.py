import numpy as np
import pandas as pd
import pytest
from small_models import taken_by

from ncf_numpy.datasets import Interactions, sample_lastfm
from ncf_numpy.evaluation.baselines import ItemKNN
from ncf_numpy.recommender.models import MODELS
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.training import trainer as training

NEURAL = ("neumf", "gmf", "mlp", "mf")


@pytest.fixture(scope="module")
def plays():
    return sample_lastfm()[0]


@pytest.fixture(scope="module")
def fitted(plays):
    """fitted("gmf") is that model after two epochs on the sample."""
    known = {}

    def get(name):
        if name not in known:
            known[name] = Recommender(name, **taken_by(name, epochs=2)).fit(plays)
        return known[name]

    return get


def checkerboard(n=20):
    """Users of even number have all even items, the others all odd ones; nobody has their own.

    So of the items a user lacks exactly one is had by those who share all their taste: their own.
    """
    pairs = [(u, i) for u in range(n) for i in range(n) if (u - i) % 2 == 0 and u != i]
    table = pd.DataFrame(pairs, columns=["user", "item"])
    return table.assign(user="u" + table["user"].astype(str), item="곡" + table["item"].astype(str))


@pytest.mark.parametrize("name", [*NEURAL, "itemknn"])
def test_the_withheld_item_of_a_checkerboard_comes_first(name):
    options = taken_by(name, epochs=30, lr=0.01, batch_size=64)
    recommender = Recommender(name, **options).fit(checkerboard())
    users = [f"u{n}" for n in range(20)]
    first = recommender.recommend(users, k=1)
    assert first["user"].tolist() == users
    hits = sum(item[1:] == user[1:] for item, user in zip(first["item"], users))
    # Each user lacks 11 items, so chance hits 20 / 11 = 1.8 times. A neural model also meets the
    # withheld items as negatives, and may have learned a few of them by heart.
    assert hits == 20 if name == "itemknn" else hits >= 12


def test_popularity_by_hand():
    # Item 7 has 3 users, items 5 and 9 have 2 each, item 8 has 1.
    users = ["a", "a", "b", "b", "b", "c", "c", "d"]
    items = [7, 5, 7, 9, 8, 7, 9, 5]
    plays = Interactions.from_columns(users, items, item_names={7: "Seven", 9: "Nine"})
    recommender = Recommender("popularity").fit(plays)
    best = recommender.recommend("d")
    assert best.columns.tolist() == ["item", "name", "score"]
    assert best.values.tolist() == [[7, "Seven", 3], [9, "Nine", 2], [8, "8", 1]]
    everything = recommender.recommend("d", k=3, exclude_seen=False)
    assert everything["item"].tolist() == [7, 5, 9]  # 5 ties with 9 and has the lower index
    assert recommender.recommend("d", k=1).values.tolist() == [[7, "Seven", 3]]


def test_many_users_are_the_single_ones_one_below_the_other(fitted):
    recommender = fitted("neumf")
    table = recommender.recommend([3, 1, 3], k=4)
    assert table.columns.tolist() == ["user", "item", "name", "score"]
    assert table["user"].tolist() == [3] * 4 + [1] * 4 + [3] * 4
    for start, user in ((0, 3), (4, 1), (8, 3)):
        block = table.iloc[start : start + 4].drop(columns="user").reset_index(drop=True)
        pd.testing.assert_frame_equal(block, recommender.recommend(user, k=4))
    same = recommender.recommend(pd.Series([3, 1, 3]), k=4)
    pd.testing.assert_frame_equal(same, table)
    assert recommender.recommend([]).columns.tolist() == table.columns.tolist()


def test_users_who_have_everything_and_k_beyond_the_catalogue():
    table = pd.DataFrame({"user": list("aaab"), "item": [1, 2, 3, 1]})
    recommender = Recommender("gmf", epochs=1).fit(table)
    assert recommender.recommend("a").empty
    assert recommender.recommend("a").columns.tolist() == ["item", "name", "score"]
    assert sorted(recommender.recommend("a", 99, exclude_seen=False)["item"]) == [1, 2, 3]
    assert sorted(recommender.recommend("b", k=99)["item"]) == [2, 3]
    both = recommender.recommend(["a", "b"], k=99)
    assert both["user"].tolist() == ["b", "b"]


@pytest.mark.parametrize("name", MODELS)
def test_scores_are_the_models_predictions_in_falling_order_without_what_is_seen(fitted, name):
    recommender = fitted(name)
    data = recommender.data
    seen = set(data.item_ids[data.items_of(4)].tolist())
    table = recommender.recommend(data.user_ids[4], k=data.n_items)
    assert set(table["item"]) == set(data.item_ids.tolist()) - seen
    assert (np.diff(table["score"]) <= 0).all()
    index = {raw: i for i, raw in enumerate(data.item_ids.tolist())}
    items = np.array([index[raw] for raw in table["item"]])
    expected = recommender.model.predict(np.full(len(items), 4), items)
    np.testing.assert_allclose(table["score"], expected, rtol=1e-5)
    assert table["name"].tolist() == [data.item_name(i) for i in items]


def test_the_catalogue_is_scored_a_block_at_a_time(fitted, monkeypatch):
    recommender = fitted("neumf")
    users = recommender.data.user_ids[[7, 3, 11]]
    whole = recommender.recommend(users, k=50)
    for name in ("BLOCK_PAIRS", "BLOCK_SCORES"):
        monkeypatch.setattr(f"ncf_numpy.evaluation.catalogue.{name}", 64)
    assert recommender.recommend(users, k=50).equals(whole)


def test_probabilities_that_round_to_one_do_not_tie(plays):
    recommender = Recommender("mf", epochs=1).fit(plays)
    for _, W, _ in recommender.model.parameters():
        W[:] = 0
    favourites = [8, 3, 5]
    recommender.model.item_embedding.W[favourites, -1] = [60, 50, 40]  # b_i: all are sigmoid 1.0
    best = recommender.recommend(1, k=3, exclude_seen=False)
    assert best["score"].tolist() == [1, 1, 1]
    assert best["item"].tolist() == plays.item_ids[favourites].tolist()


@pytest.mark.parametrize("name", NEURAL)
def test_similar_items_are_those_of_a_slow_cosine(fitted, name):
    recommender = fitted(name)
    data, W = recommender.data, recommender.model.item_embedding.W.astype(np.float64)
    vectors = [list(row[:-1]) if name == "mf" else list(row) for row in W]  # not the item bias
    dot = lambda a, b: sum(x * y for x, y in zip(a, b))  # noqa: E731
    mine = vectors[10]
    cosines = [dot(v, mine) / (dot(v, v) * dot(mine, mine)) ** 0.5 for v in vectors]
    nearest = sorted(range(data.n_items), key=lambda i: -cosines[i])[1:6]  # 0 is the item itself
    table = recommender.similar_items(data.item_ids[10], k=5)
    assert table["item"].tolist() == data.item_ids[nearest].tolist()
    assert table["name"].tolist() == [data.item_name(i) for i in nearest]
    np.testing.assert_allclose(table["score"], [cosines[i] for i in nearest], atol=1e-5)
    assert len(recommender.similar_items(data.item_ids[10], k=10**6)) == data.n_items - 1


def test_similar_items_of_itemknn_are_its_own(plays):
    recommender = Recommender("itemknn", neighbours=20, shrink=5).fit(plays)
    items, similarities = ItemKNN(20, 5).fit(plays).similar_items(10, 6)
    table = recommender.similar_items(plays.item_ids[10], k=6)
    assert table["item"].tolist() == plays.item_ids[items].tolist()
    assert table["score"].tolist() == similarities.tolist()
    assert len(recommender.similar_items(plays.item_ids[10], k=100)) <= 20


def test_popularity_knows_no_likeness(fitted):
    with pytest.raises(ValueError, match="popularity does not compare items"):
        fitted("popularity").similar_items(1001)


def test_unknown_ids_say_what_to_do(fitted):
    recommender = fitted("gmf")
    with pytest.raises(KeyError, match=r"no user 99999 in the data.*1, 2, 3, .*fold_in\(items"):
        recommender.recommend(99999)
    with pytest.raises(KeyError, match="no user '1' in the data, whose users are 1, 2, 3"):
        recommender.recommend("1")
    with pytest.raises(KeyError, match="no user -1"):
        recommender.recommend([1, -1])
    with pytest.raises(KeyError, match="no item has the id 'Drowsy Heron'.*'Drowsy Herons'"):
        recommender.similar_items("Drowsy Heron")
    found = recommender.find_item("drowsy herons")
    with pytest.raises(KeyError, match=f"no item has the id 'drowsy herons'.*is {found}"):
        recommender.similar_items("drowsy herons")
    assert recommender.data.item_name(recommender.data.item_ids.tolist().index(found)) == (
        "Drowsy Herons"
    )


@pytest.mark.parametrize("k", [0, -1, 2.5])
def test_k_is_a_positive_integer(fitted, k):
    with pytest.raises(ValueError, match="k must be an integer of at least 1"):
        fitted("gmf").recommend(1, k=k)
    with pytest.raises(ValueError, match="k must be an integer of at least 1"):
        fitted("gmf").similar_items(1001, k=k)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("neumf", ["GMF", "MLP", "bias"]),
        ("gmf", ["GMF", "bias"]),
        ("mlp", ["MLP", "bias"]),
        ("mf", ["inner product", "user bias", "item bias", "bias"]),
        ("itemknn", ["neighbours"]),
    ],
)
def test_contributions_add_up_to_the_logit(fitted, name, parts):
    recommender = fitted(name)
    data, model = recommender.data, recommender.model
    user, item = 11, 17
    why = recommender.explain(data.user_ids[user], data.item_ids[item])
    score = model.predict if name == "itemknn" else model.forward
    logit = float(score(np.array([user]), np.array([item]))[0])
    assert list(why.contributions) == parts
    assert sum(why.contributions.values()) == pytest.approx(logit, abs=1e-5)
    assert why.logit == pytest.approx(logit, abs=1e-5)
    assert (why.item, why.name) == (data.item_ids[item], data.item_name(item))
    predicted = float(model.predict(np.array([user]), np.array([item]))[0])
    assert why.score == pytest.approx(predicted, rel=1e-5)
    assert f"{why.logit:+.3f}  in all" in str(why)


def test_the_contribution_of_a_branch_is_what_goes_when_it_is_silenced(plays):
    recommender = Recommender("neumf", epochs=2).fit(plays)
    model, pair = recommender.model, (np.array([11]), np.array([17]))
    model.tower[-1][0].b[:] = 5  # no ReLU is off, so every term of the output counts
    why = recommender.explain(plays.user_ids[11], plays.item_ids[17])
    before = model.forward(*pair)[0]
    model.output.W[8:] = 0  # 8 factors of GMF come first, then the tower's 8
    assert why.contributions["MLP"] == pytest.approx(before - model.forward(*pair)[0], abs=1e-5)
    model.output.W[:8] = 0
    assert model.forward(*pair)[0] == pytest.approx(why.contributions["bias"])


def test_nearest_are_the_users_own_items_without_the_item_itself(fitted):
    recommender = fitted("neumf")
    data = recommender.data
    own = data.item_ids[data.items_of(11)].tolist()
    why = recommender.explain(data.user_ids[11], own[0], k=len(own))
    assert set(why.nearest["item"]) == set(own[1:])
    alike = recommender.similar_items(own[0], k=data.n_items)
    expected = alike[alike["item"].isin(own)]["item"].tolist()
    assert why.nearest["item"].tolist() == expected
    assert why.nearest.columns.tolist() == ["item", "name", "similarity"]


def test_a_data_frame_may_have_counts_times_and_names():
    table = pd.DataFrame(
        {"user": [1, 1, 2], "item": list("xyx"), "count": [1, 5, 2], "name": ["Ex", "Wy", "Ex"]}
    )
    data = Recommender("popularity").fit(table.assign(timestamp=[30, 20, 10])).data
    assert data.counts.tolist() == [1, 5, 2]
    assert data.timestamps.tolist() == [30, 20, 10]
    assert data.item_names.tolist() == ["Ex", "Wy"]


def test_data_that_is_no_data():
    with pytest.raises(ValueError, match="item"):
        Recommender().fit(pd.DataFrame({"user": [1], "artist": [2]}))
    with pytest.raises(TypeError, match="Interactions, a DataFrame or .*, got list"):
        Recommender().fit([(1, 2)])


def test_validation_keeps_the_best_epoch_and_what_is_held_out_stays_seen(plays):
    recommender = Recommender("neumf", epochs=4, lr=0.02).fit(plays, validation=True)
    history = recommender.history
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    best = history.sort_values(["hr", "ndcg"])["epoch"].iloc[-1]
    assert history[history["chosen"]]["epoch"].tolist() == [best]
    assert recommender.data is plays
    baseline = Recommender("popularity").fit(plays, validation=True)
    assert 0 < baseline.history["hr"][0] < 1
    counts = np.bincount(plays.items)
    assert baseline.recommend(1, k=1, exclude_seen=False)["score"][0] == counts.max()


def test_one_seed_one_result(plays, fitted):
    again = Recommender("gmf", epochs=2).fit(plays).recommend(1)
    pd.testing.assert_frame_equal(again, fitted("gmf").recommend(1))
    other = Recommender("gmf", epochs=2, seed=1).fit(plays).recommend(1)
    assert again["score"].tolist() != other["score"].tolist()


def test_ctrl_c_keeps_the_last_finished_epoch(plays, fitted, monkeypatch):
    steps_an_epoch = -(-5 * len(plays) // 256)
    calls = []

    def interrupted_in_epoch_3(*batch):
        calls.append(1)
        if len(calls) == 2 * steps_an_epoch + 5:
            raise KeyboardInterrupt
        return step(*batch)

    step = training.train_step
    monkeypatch.setattr(training, "train_step", interrupted_in_epoch_3)
    recommender = Recommender("gmf", epochs=9)
    with pytest.raises(KeyboardInterrupt):
        recommender.fit(plays)
    assert recommender.history["epoch"].tolist() == [1, 2]
    pd.testing.assert_frame_equal(recommender.recommend(1), fitted("gmf").recommend(1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "svd"}, "model must be one of mf, .*; got 'svd'"),
        ({"factors": 0}, "factors must be an integer of at least 1, got 0"),
        ({"layers": (7, 4)}, "layers must begin with an even width"),
        ({"epochs": 0}, "epochs must be"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"negatives": 0}, "negatives must be"),
        ({"patience": 0}, "patience must be"),
        ({"lr": -1}, "lr must be"),
        ({"neighbours": 0}, "neighbours must be"),
        ({"shrink": -1}, "shrink must be"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_settings_are_checked_at_once(settings, message):
    with pytest.raises(ValueError, match=message):
        Recommender(**settings)


def test_before_fit_it_says_so():
    recommender = Recommender("gmf")
    assert repr(recommender) == "Recommender('gmf', not fitted)"
    calls = (
        lambda: recommender.recommend(1),
        lambda: recommender.similar_items(1),
        lambda: recommender.fold_in([1]),
        lambda: recommender.explain(1, 1),
        lambda: recommender.save("x"),
        lambda: recommender.find_item("x"),
    )
    for call in calls:
        with pytest.raises(RuntimeError, match="call fit"):
            call()


@pytest.mark.parametrize("name", MODELS)
def test_fitting_no_pairs_ended_in_a_division_by_zero(name, plays):
    nothing = plays.take(np.zeros(len(plays), bool))
    for validation in (False, True):
        with pytest.raises(ValueError, match="no interactions: the data holds no pair"):
            Recommender(name).fit(nothing, validation)


@pytest.mark.parametrize(
    "arguments", [{"on_epoch": print}, {"checkpoint": "c"}, {"resume": True}], ids=str
)
def test_what_a_baseline_cannot_use_was_silently_ignored(plays, arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"popularity has no epochs.*without {name}="):
        Recommender("popularity").fit(plays, **arguments)


def test_patience_without_held_out_items_was_silently_ignored(plays):
    with pytest.raises(ValueError, match=r"patience=3 needs held-out items.*validation=True"):
        Recommender("gmf", patience=3).fit(plays)


def test_an_open_file_was_called_damaged(tmp_path, plays):
    recommender = Recommender("popularity").fit(plays)
    recommender.save(tmp_path / "m.npz")
    with open(tmp_path / "m.npz", "rb") as file:
        with pytest.raises(TypeError, match="name of a file.*got BufferedReader"):
            Recommender.load(file)
        with pytest.raises(TypeError, match="name of a file.*got BufferedReader"):
            recommender.save(file)


def test_on_epoch_is_a_function(plays):
    with pytest.raises(TypeError, match="on_epoch must be a function.*got 3"):
        Recommender("gmf", epochs=1).fit(plays, on_epoch=3)
