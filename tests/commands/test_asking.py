"""recommend, similar and vectors in the shell, against the library on the same model."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ncf_numpy.__main__ import main
from ncf_numpy.datasets import load_interactions, sample_lastfm
from ncf_numpy.recommender.recommender import Recommender


@pytest.fixture(scope="module")
def ials():
    return Recommender("ials", factors=4, epochs=2).fit(sample_lastfm()[0])


@pytest.fixture
def model(ials, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ials.save("m.npz")
    return "m.npz"


def rows(capsys):
    return [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]


def ids(table):
    return [str(raw) for raw in table.iloc[:, 0]]


def test_only_and_without_take_ids_and_names(ials, model, capsys):
    some = ials.recommend(7, k=9)["item"].tolist()
    name = ials.data.item_name(ials.data.item_ids.tolist().index(some[4]))
    only = [*map(str, some[:4]), name.upper()]
    assert main(["recommend", model, "--user", "7", "--only", *only, "--k", "3"]) == 0
    assert rows(capsys) == [str(raw) for raw in some[:3]]
    assert main(["recommend", model, "--user", "7", "--without", *only, "--k", "2"]) == 0
    assert rows(capsys) == [str(raw) for raw in some[5:7]]
    has = ["--has", "1001", "1002"]
    assert main(["recommend", model, *has, "--without", str(some[0]), "--k", "400"]) == 0
    assert str(some[0]) not in rows(capsys)


def test_all_users_go_to_a_file(ials, model, capsys):
    ask = ["recommend", model, "--all", "--k", "2", "--csv", "all.csv", "--without", "1001"]
    assert main(ask) == 0
    assert capsys.readouterr().out == ""
    written = pd.read_csv("all.csv", dtype={"score": np.float32})
    users = ials.data.user_ids.tolist()
    expected = ials.recommend(users, k=2, without=[1001])
    pd.testing.assert_frame_equal(written, expected, check_exact=True)
    assert main(["recommend", model, "--user", "3", "--csv", "all.csv"]) == 0
    assert pd.read_csv("all.csv")["user"].tolist() == [3] * 10


def test_similar_users(ials, model, capsys):
    assert main(["similar", model, "--user", "3", "--k", "4"]) == 0
    assert rows(capsys) == ids(ials.similar_users(3, k=4))


def test_vectors_go_to_files_with_their_ids(ials, model):
    assert main(["vectors", model, "--users", "u.csv", "--items", "i.csv"]) == 0
    for file, side, expected in (
        ("u.csv", "user", ials.user_vectors()),
        ("i.csv", "item", ials.item_vectors()),
    ):
        written = pd.read_csv(file, index_col=side, dtype=dict.fromkeys(expected, np.float32))
        pd.testing.assert_frame_equal(written, expected, check_exact=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("recommend m.npz --all", "--all writes a file: add --csv FILE.csv"),
        ("recommend m.npz --has 1001 --csv a.csv", "give --user or --all, not --has"),
        ("recommend m.npz --all --csv m.npz", "m.npz is named for more than one thing"),
        ("recommend m.npz --user 7 --only nothing", "no item has the id 'nothing'"),
        ("vectors m.npz", "give --users FILE.csv, --items FILE.csv, or both"),
        ("vectors m.npz --users a.csv --items ./a.csv", "a.csv is named for more than one thing"),
        ("vectors m.npz --users no/a.csv", "there is no folder"),
        ("similar m.npz --user nobody", "no user 'nobody'"),
        ("train --dataset sample --model gmf --l2 3 --save a.npz", "l2 is an option of ease"),
        ("evaluate --dataset sample --model gmf ease --weight 3", "weight is an option of ials"),
        (
            "train --dataset sample --model itemknn --epochs 5 --save a.npz",
            "not of itemknn: leave out --epochs 5; itemknn takes --neighbours, --shrink",
        ),
        ("train --dataset sample --model gmf --layers 8,4 --save a.npz", "leave out --layers 8,4;"),
        (
            "evaluate --dataset sample --model popularity ease --batch-size 64",
            "not of popularity or ease: leave out --batch-size 64; popularity takes --use-counts",
        ),
        (
            "train --dataset sample --use-counts --save a.npz",
            "not of neumf: leave out --use-counts",
        ),
    ],
)
def test_what_would_do_nothing_or_harm_is_refused(arguments, message, model, capsys):
    before = Path(model).read_bytes()
    assert main(arguments.split()) == 1
    assert message in capsys.readouterr().err
    assert Path(model).read_bytes() == before


def test_an_option_goes_to_the_model_that_has_it(capsys):
    models = ["--model", "ease", "popularity", "itemknn", "--l2", "20", "--neighbours", "5"]
    assert main(["evaluate", "--dataset", "sample", *models]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["ease", "popularity", "itemknn"]
    assert "ease needs 0.01 GB of memory, for a matrix of 400 x 400 numbers" in err
    shared = ["--model", "itemknn", "gmf", "--epochs", "1", "--batch-size", "4096"]
    assert main(["evaluate", "--dataset", "sample", *shared]) == 0


def test_counts_are_used_where_that_is_asked_for(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("plays.csv").write_text("user,item,plays\n1,a,1\n1,b,9\n2,a,1\n2,c,1\n3,c,1\n3,a,1\n")
    train = "train --data plays.csv --model popularity --save m.npz --quiet --count-column plays"
    ask = ["recommend", "m.npz", "--has", "a", "--k", "1"]
    for options, item in ((["--use-counts"], "b"), ([], "c")):
        assert main([*train.split(), *options]) == 0
        assert main(ask) == 0
        assert capsys.readouterr().out.split()[3] == item


def test_a_baseline_was_not_measured_and_nobody_was_told_why(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    train = ["train", "--dataset", "sample", "--model", "popularity", "--save", "m.npz"]
    assert main(train) == 0
    said = capsys.readouterr().err
    assert (
        "not measured" in said
        and "out with --validation, or compare models with `evaluate`" in said
    )
    assert main([*train, "--validation"]) == 0
    assert "HR@10" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1_0", "１０", "+10", "10.5", "9" * 5000])
def test_the_user_10_was_found_by_texts_that_are_not_10(tmp_path, capsys, text):
    path = str(tmp_path / "m.npz")
    Recommender("popularity").fit(pd.DataFrame({"user": [10, 11], "item": [1, 2]})).save(path)
    assert main(["recommend", path, "--user", text]) == 1
    assert "no user '" in capsys.readouterr().err
    assert main(["recommend", path, "--user", "10"]) == 0


@pytest.mark.parametrize("text", ["3.0", " 3", "3 "])
def test_the_user_of_a_file_could_not_be_asked_for_as_the_file_writes_it(tmp_path, capsys, text):
    table, model = tmp_path / "plays.csv", str(tmp_path / "m.npz")
    table.write_text(f"user,item\n{text},1\n4,2\n", encoding="utf-8")
    Recommender("popularity").fit(load_interactions(table)).save(model)
    assert main(["recommend", model, "--user", text]) == 0
    assert capsys.readouterr().out.split()[-2:] == ["2", "1.0000"]  # item 1 is the user's own


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
    Recommender("itemknn").fit(pd.DataFrame({"user": [1, 1, 2], "item": [5, 6, 5]})).save(path)
    assert main(["similar", path, "--item", "99"]) == 1
    assert "no item has the id '99', and no item is called '99'" in capsys.readouterr().err
