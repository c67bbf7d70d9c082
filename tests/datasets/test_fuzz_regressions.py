"""What fuzzing found, each fault by its symptom; tests/robustness/test_fuzz_*.py look for more."""

import re
import shlex

import numpy as np
import pandas as pd
import pytest

from ncf_numpy.__main__ import main, sentence
from ncf_numpy.data.split import draw_candidates
from ncf_numpy.datasets import Holdout, Interactions, leave_one_out, sample_lastfm
from ncf_numpy.recommender.recommender import Recommender

PLAYS = pd.DataFrame({"user": [1, 1, 1, 2, 2, 3], "item": [5, 6, 7, 5, 6, 7]})


@pytest.fixture(scope="module")
def recommender():
    return Recommender("gmf", epochs=1).fit(PLAYS)


# Recommender


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


@pytest.mark.parametrize("steps", [-1, 2.5, None])
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


# Data


def test_a_timestamp_beyond_64_bits_became_the_earliest():
    late = np.array([1, 2**63 + 5], np.uint64)
    with pytest.raises(ValueError, match=r"timestamps\[1\] is 9223372036854775813, .* 64 bits"):
        Interactions.from_columns([1, 1], [1, 2], timestamps=late)
    with pytest.raises(ValueError, match=r"timestamps\[0\] is 1e\+19, .* whole seconds"):
        Interactions.from_columns([1, 1], [1, 2], timestamps=[1e19, 0])
    latest = np.array([2**63 - 1, -(2**63)])
    data = Interactions.from_columns([1, 1], [1, 2], timestamps=latest)
    assert data.timestamps.tolist() == latest.tolist()


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        ([1, True], "mixed-integer such as 1"),  # were one user
        ([1, "a"], "mixed-integer such as 1"),  # could be trained with, and not be saved
        ([2**70, 1], "beyond 64 bits"),
        ([-1, 2**63], "beyond 64 bits"),
        ([b"a", b"b"], "bytes such as b'a'"),
        ([(1, 2), (3, 4)], r"mixed such as \(1, 2\)"),
        ([[1], [2]], r"mixed such as \[1\]"),
        (pd.to_datetime(["2020", "2021"]), "datetime64"),
    ],
)
def test_ids_that_no_file_could_hold_were_found_out_after_training(ids, kind):
    with pytest.raises(TypeError, match=f"users: ids must .*{kind}"):
        Interactions.from_columns(ids, [1, 2])


@pytest.mark.parametrize(
    "ids", [pd.Series([7, 3], dtype=object), pd.Categorical([7, 3]), pd.array([7, 3], "Int64")]
)
def test_integers_in_any_column_are_integers(ids):
    data = Interactions.from_columns(ids, ["x", "y"])
    assert data.user_ids.tolist() == [3, 7]
    assert data.users.tolist() == [0, 1] and data.items.tolist() == [1, 0]


@pytest.mark.parametrize("column", ["ab", {1, 2}, 5, None, np.ones((2, 2), int)])
def test_a_text_for_a_column_was_an_index_error_in_numpy(column):
    with pytest.raises(TypeError, match="users must be a list or an array"):
        Interactions.from_columns(column, [1, 2])


def test_counts_that_are_no_numbers_did_not_say_which_column():
    with pytest.raises(ValueError, match="counts must be numbers: .*'many'"):
        Interactions.from_columns([1], [1], ["many"])


def test_a_list_in_a_cell_was_an_error_in_pandas():
    table = pd.DataFrame({"user": [0, []], "item": [1, 2]})
    with pytest.raises(
        TypeError, match=r"the DataFrame's 'user' holds no numbers or texts but \[\]"
    ):
        Recommender("popularity").fit(table)


def test_a_name_that_is_no_text_was_an_attribute_error(recommender):
    with pytest.raises(TypeError, match="an item's name is a text, got 5"):
        recommender.find_item(5)


# Split


def test_candidates_of_user_minus_one_were_negative_items():
    data, rng = Interactions.from_columns(PLAYS["user"], PLAYS["item"]), np.random.default_rng(0)
    for user in (-1, 3):
        with pytest.raises(IndexError, match=rf"users must be in \[0, 3\), got {user}"):
            draw_candidates(data, np.array([user]), 2, rng)
    with pytest.raises(ValueError, match="n must be an integer of at least 1, got -1"):
        draw_candidates(data, np.array([0]), -1, rng)


def test_a_table_that_is_no_interactions_had_no_attribute_offsets():
    with pytest.raises(TypeError, match="expected Interactions, .* got DataFrame"):
        leave_one_out(PLAYS, np.random.default_rng(0))


@pytest.mark.parametrize("column", ["counts", "timestamps"])
def test_a_hold_out_took_a_column_of_any_length(column):
    with pytest.raises(ValueError, match=rf"{column}: expected \(E,\), one for each user"):
        Holdout([0], [1], [[2]], **{column: [1, 2, 3]})


# Command line


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PLAYS.assign(name=[f"n{i}" for i in PLAYS["item"]]).to_csv("plays.csv", index=False)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        # trained on the sample, and said nothing of the file
        ("train --dataset sample --data plays.csv --save m", 1, "leave out --data plays.csv"),
        # overwrote the data
        ("train --data plays.csv --save ./plays.csv", 1, "plays.csv would overwrite data"),
        ("evaluate --data plays.csv --log plays.csv", 1, "plays.csv would overwrite data"),
        ("step --data plays.csv --html plays.csv", 1, "plays.csv would overwrite data"),
        ("step --data plays.csv --html a --json a", 1, "a is named for more than one thing"),
        # were found out after the first model, the third stage, the epoch of an hour
        ("evaluate --data nowhere --k 0", 1, "k must be an integer of at least 1, got 0"),
        ("evaluate --data nowhere --lr -1", 1, "lr must be in"),
        ("evaluate --data nowhere --log no/l.csv", 1, "there is no folder"),
        ("pretrain --data nowhere --alpha nan", 1, r"alpha must be in \[0, 1\], got nan"),
        # spoke of something else
        ("pretrain --data nowhere --seed -1", 1, "seed must be an integer of at least 0, got -1"),
        ("step --data nowhere --seed -1", 1, "seed must be an integer of at least 0, got -1"),
        ("step --data nowhere --html a --steps -1", 1, "steps must be an integer of at least 1"),
        ("step --data nowhere --factors 99999999999", 1, r"must be below 2\*\*31, got 99999999999"),
        ("pretrain --data nowhere --layers 8,99999999999", 1, r"must be below 2\*\*31, got 9999"),
        ("train --data nowhere --save m", 1, "there is no file or folder nowhere"),
        (
            "train --data plays.csv --save m --min-rating 2",
            1,
            "min-rating 2.0 needs --rating-column",
        ),
        ("train --data plays.csv --save m --user-column x", 1, "no column 'x'; it has 'user'"),
        ("train --data nowhere --save m --model popularity --resume", 1, "popularity has none"),
        # wrote into the current folder
        ("train --data plays.csv --save ''", 2, "train: save is empty"),
        ("train --data '' --save m", 2, "train: data is empty"),
        ("step --min-rating 1 --rating-column ''", 2, "step: rating-column is empty"),
    ],
)
def test_a_command_that_went_wrong_late_or_in_silence(folder, capsys, arguments, status, message):
    before = (folder / "plays.csv").read_bytes()
    assert main(shlex.split(arguments)) == status
    out, err = capsys.readouterr()
    assert re.search(message, err)
    assert len(err.splitlines()) == 1 and out == ""
    assert [path.name for path in folder.iterdir()] == ["plays.csv"]
    assert (folder / "plays.csv").read_bytes() == before


def test_widths_that_are_none_say_what_is_expected(capsys):
    with pytest.raises(SystemExit):
        main(["step", "--layers", "8,"])
    assert (
        "argument --layers: expected widths such as 64,32,16,8, got '8,'" in capsys.readouterr().err
    )


@pytest.mark.parametrize("text", ["1_0", "１０", " 10", "+10", "9" * 5000])
def test_the_user_10_was_found_by_texts_that_are_not_10(tmp_path, capsys, text):
    path = str(tmp_path / "m.npz")
    Recommender("popularity").fit(pd.DataFrame({"user": [10, 11], "item": [1, 2]})).save(path)
    assert main(["recommend", path, "--user", text]) == 1
    assert "no user '" in capsys.readouterr().err
    assert main(["recommend", path, "--user", "10"]) == 0


def test_a_name_could_command_the_terminal(tmp_path, capsys):
    path = str(tmp_path / "m.npz")
    names = {"user": [1, 2], "item": ["x", "y"], "name": ["X", "\x1b[2J\x9b1m곡\x07"]}
    Recommender("popularity").fit(pd.DataFrame(names)).save(path)
    assert main(["recommend", path, "--user", "1"]) == 0
    out = capsys.readouterr().out
    assert r"\x1b[2J\x9b1m곡\x07" in out and out.count("\n") == 2
    assert not {"\x1b", "\x9b", "\x07"} & set(out)


def test_an_item_that_is_none_was_called_no_name(tmp_path, capsys):
    path = str(tmp_path / "m.npz")
    Recommender("itemknn").fit(PLAYS).save(path)
    assert main(["similar", path, "--item", "99"]) == 1
    assert "no item has the id '99', and no item is called '99'" in capsys.readouterr().err


def test_an_error_of_several_lines_is_one_sentence():
    assert sentence(ValueError("a\nb")) == "a b"
