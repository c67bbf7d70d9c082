"""What a recommender is asked that it cannot answer: an error at once, with value and way out."""

import numpy as np
import pandas as pd
import pytest

from ncf_numpy.datasets import Interactions, load_interactions, sample_lastfm
from ncf_numpy.recommender.recommender import Recommender

PLAYS = pd.DataFrame({"user": [1, 1, 1, 2, 2, 3], "item": [5, 6, 7, 5, 6, 7]})


@pytest.fixture(scope="module")
def recommender():
    return Recommender("gmf", epochs=1).fit(PLAYS)


def test_patience_from_numpy_could_not_be_saved(tmp_path):
    plays = sample_lastfm()[0]
    recommender = Recommender("gmf", epochs=1, patience=np.int64(2)).fit(plays, validation=True)
    recommender.save(tmp_path / "m.npz")
    assert Recommender.load(tmp_path / "m.npz").settings["patience"] == 2


@pytest.mark.parametrize("k", [-1, 0, None, "2", True])
def test_explain_left_out_the_last_items_for_a_negative_k(recommender, k):
    with pytest.raises(ValueError, match="k must be an integer of at least 1"):
        recommender.explain(1, 5, k=k)
    with pytest.raises(ValueError, match="k must be an integer of at least 1"):
        recommender.fold_in([5]).explain(6, k=k)


def test_fold_in_took_a_text_for_the_list_of_its_characters():
    recommender = Recommender("popularity").fit(pd.DataFrame({"user": [1, 1], "item": ["a", "b"]}))
    with pytest.raises(TypeError, match=r"items must be a list of raw ids such as \['ab'\]"):
        recommender.fold_in("ab")
    with pytest.raises(TypeError, match="items must be a list of raw ids"):
        recommender.fold_in(5)


@pytest.mark.parametrize("steps", [-1, 2.5, "2"])
def test_fold_in_did_nothing_for_negative_steps(recommender, steps):
    with pytest.raises(ValueError, match="steps must be an integer of at least 0"):
        recommender.fold_in([5], steps=steps)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "ask",
    [
        lambda r: r.recommend(1, exclude_seen=False),
        lambda r: r.similar_items(5),
        lambda r: r.explain(1, 5),
    ],
)
def test_a_score_that_is_no_number_was_recommended_last(ask):
    """One step of 1e38 leaves weights whose products overflow; no later loss tells of them."""
    recommender = Recommender("gmf", epochs=1, lr=1e38, batch_size=10**6)
    with np.errstate(all="ignore"):
        recommender.fit(PLAYS)
        with pytest.raises(FloatingPointError, match="not all finite.* a lower learning rate"):
            ask(recommender)


@pytest.mark.parametrize("raw", [[5], {5: 1}, {5}, slice(5)])
def test_an_unhashable_id_was_a_type_error_of_the_interpreter(recommender, raw):
    with pytest.raises(KeyError, match="no user"):
        recommender.recommend([raw, 1])
    with pytest.raises(KeyError, match="no item has the id"):
        recommender.similar_items(raw)


def test_a_table_of_users_was_an_error_about_hashing(recommender):
    with pytest.raises(ValueError, match=r"a raw id or a list of them, got shape \(2, 2\)"):
        recommender.recommend([[1, 2], [3, 1]])


@pytest.mark.parametrize("name", ["factors", "epochs", "batch_size", "negatives", "neighbours"])
def test_a_size_beyond_an_index_was_an_overflow_in_numpy(name):
    with pytest.raises(ValueError, match=f"{name} must be below 2\\*\\*31, got 1000"):
        Recommender(**{name: 10**20})


@pytest.mark.parametrize("shrink", ["a", np.ones(2)])
def test_shrink_that_is_no_number_was_compared_with_one(shrink):
    with pytest.raises(ValueError, match="shrink must be in"):
        Recommender(shrink=shrink)


def test_a_model_that_cannot_be_hashed():
    with pytest.raises(ValueError, match=r"model must be one of .*; got \['gmf'\]"):
        Recommender(["gmf"])


def test_a_list_in_a_cell_was_an_error_in_pandas():
    table = pd.DataFrame({"user": [0, []], "item": [1, 2]})
    with pytest.raises(
        TypeError, match=r"the DataFrame's 'user' holds no numbers or texts but \[\]"
    ):
        Recommender("popularity").fit(table)


def test_a_name_that_is_no_text_was_an_attribute_error(recommender):
    with pytest.raises(TypeError, match="an item's name is a text, got 5"):
        recommender.find_item(5)


def test_bpr_without_a_pair_to_compare_divided_by_zero():
    users, items = np.divmod(np.arange(6), 3)
    everything = Interactions.from_indices(users, items, ["a", "b"], range(3))
    with pytest.raises(ValueError, match="every user has every item: BPR compares"):
        Recommender("bpr", epochs=1).fit(everything)


def test_an_id_of_the_data_with_a_blank_was_not_found_again():
    table = pd.DataFrame({"user": ["ann ", "bob"] * 2, "item": ["x", " y", "y", "z"]})
    recommender = Recommender("popularity").fit(table)
    assert recommender.data.user_ids.tolist() == ["ann", "bob"]
    for user in ("ann ", "ann", "\tann\r"):
        assert recommender.recommend(user)["item"].tolist() == ["z"]
    assert recommender.recommend("bob", only=[" x"])["item"].tolist() == ["x"]


def test_true_was_the_user_1_and_a_mask_a_list_of_ids(recommender):
    for raw in (True, np.True_):
        with pytest.raises(KeyError, match="no user (np.)?True"):
            recommender.recommend(raw)
    with pytest.raises(KeyError, match="no item has the id True"):
        recommender.recommend(3, only=[True, False, True])


def test_an_id_of_the_other_kind_was_called_a_new_user(recommender):
    with pytest.raises(KeyError, match="no user '1' .*; there is 1, of type int"):
        recommender.recommend("1")
    texts = Recommender("popularity").fit(PLAYS.astype(str))
    with pytest.raises(KeyError, match="no user 1 .*; there is '1', of type str"):
        texts.recommend(1)


@pytest.mark.parametrize("users", [{1, 2}, {1: 2}, (u for u in [1, 2])])
def test_users_without_an_order_were_one_user(recommender, users):
    with pytest.raises(
        ValueError, match=f"a raw id or a list of them, got a {type(users).__name__}"
    ):
        recommender.recommend(users)


def test_a_text_for_the_users_to_write_was_its_characters(tmp_path):
    recommender = Recommender("popularity").fit(PLAYS.astype(str))
    for users in ("12", 1):
        with pytest.raises(TypeError, match="users must be a list of raw ids"):
            recommender.write_recommendations(tmp_path / "all.csv", users)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("items", [{5: 3, 6: 1}, PLAYS[["item"]], np.array([[5, 6]])])
def test_counts_of_a_dict_and_columns_of_a_table_were_left_out(recommender, items):
    got = type(items).__name__
    for ask in (
        lambda: recommender.fold_in(items),
        lambda: recommender.recommend(1, only=items),
        lambda: recommender.recommend(1, without=items),
    ):
        with pytest.raises(
            TypeError, match=f"must be a list of raw ids, or one column, got a {got}"
        ):
            ask()


class Tensor:
    """What an array of another library is: its elements are no hashable numbers."""

    ndim = 1

    def __iter__(self):
        return iter([np.array(5), np.array(7)])

    def tolist(self):
        return [5, 7]


def test_a_tensor_of_items_held_no_ids(recommender):
    expected = recommender.recommend(3, only=[5, 7], exclude_seen=False)
    found = recommender.recommend(3, only=Tensor(), exclude_seen=False)
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("exclude_seen", ["no", 0, None, [5]])
def test_any_text_and_any_filter_excluded_what_was_seen(recommender, exclude_seen, tmp_path):
    for ask in (
        lambda: recommender.recommend(1, 10, exclude_seen),
        lambda: recommender.write_recommendations(tmp_path / "a.csv", None, 10, exclude_seen),
        lambda: recommender.fold_in([5]).recommend(10, exclude_seen),
    ):
        with pytest.raises(ValueError, match="exclude_seen must be True or False, got"):
            ask()


def test_steps_of_a_baseline_that_learns_no_row_did_nothing(recommender):
    baseline = Recommender("itemknn").fit(PLAYS)
    with pytest.raises(ValueError, match="itemknn has no row to learn: leave out steps=5, lr=0.1"):
        baseline.fold_in([5], steps=5, lr=0.1)
    default, same, other = (
        recommender.fold_in([5], **how).recommend(1)["score"].item()
        for how in ({}, {"steps": 100, "lr": 0.03}, {"steps": 1})
    )
    assert default == same != other


def test_fit_advised_an_argument_that_fit_lacks():
    # as 1 March and 13 January 2020
    dates = ["01/03/2020", "13/01/2020"]
    table = pd.DataFrame({"user": [1, 1], "item": [2, 3], "timestamp": dates})
    message = r"date_format='%d/%m/%Y', in fit\(load_interactions\(table, ...\)\)$"
    with pytest.raises(ValueError, match=message):
        Recommender("popularity").fit(table)
    data = load_interactions(table, timestamp="timestamp", date_format="%d/%m/%Y")
    data = Recommender("popularity").fit(data).data
    assert np.diff(data.timestamps).tolist() == [-48 * 24 * 3600]
