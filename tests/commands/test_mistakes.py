"""A command that cannot do what was asked says so at once, in one sentence, and writes nothing."""

import re
import shlex

import pandas as pd
import pytest

from ncf_numpy.__main__ import build_parser, main, one_line
from ncf_numpy.commands.evaluate import split_of

PLAYS = pd.DataFrame({"user": [1, 1, 1, 2, 2, 3], "item": [5, 6, 7, 5, 6, 7]})


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
        ("evaluate --data nowhere --lr -1", 1, "--lr must be a finite number above 0"),
        ("evaluate --data nowhere --log no/l.csv", 1, "there is no folder"),
        ("pretrain --data nowhere --alpha nan", 1, r"alpha must be in \[0, 1\], got nan"),
        # spoke of something else
        ("pretrain --data nowhere --fine-tune-lr inf", 1, "--fine-tune-lr must be in"),
        (
            "train --data nowhere --save m --layers 0,1",
            1,
            "every width in layers must be an",
        ),
        ("pretrain --data nowhere --seed -1", 1, "seed must be an integer of at least 0, got -1"),
        ("step --data nowhere --seed -1", 1, "seed must be an integer of at least 0, got -1"),
        ("step --data nowhere --html a --steps -1", 1, "steps must be an integer of at least 1"),
        ("step --data nowhere --factors 99999999999", 1, r"must be below 2\*\*31, got 99999999999"),
        ("pretrain --data nowhere --layers 8,99999999999", 1, r"must be below 2\*\*31, got 9999"),
        ("train --data nowhere --save m", 1, "no file or folder nowhere"),
        ("train --data https://a.b/c.csv --save m", 1, "https://a.b/c.csv is an address: download"),
        ("evaluate --dataset ncf --data ftp://a.b/c", 1, "ftp://a.b/c is an address: download"),
        (
            "train --data plays.csv --save m --min-rating 2",
            1,
            "min-rating 2.0 needs --rating-column",
        ),
        ("train --data plays.csv --save m --user-column x", 1, "no column 'x'; it has 'user'"),
        (
            "train --data nowhere --save m --model popularity --resume",
            1,
            "popularity: it has no epochs",
        ),
        # named no option that would need less
        (
            "train --quiet --data plays.csv --save m --factors 2147483647",
            1,
            "ask for less, such as",
        ),
        # wrote into the current folder
        ("train --data plays.csv --save ''", 2, "train: --save is empty"),
        ("train --data '' --save m", 2, "train: --data is empty"),
        ("step --min-rating 1 --rating-column ''", 2, "step: --rating-column is empty"),
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


def test_an_error_of_several_lines_is_one_line():
    assert one_line(ValueError("a\nb\n")) == "a b"


def test_a_blank_was_shown_for_a_character_of_a_path_that_ends_a_line(capsys):
    assert main(["train", "--data", "no\u2028\r\x85data", "--save", "m.npz"]) == 1
    assert r"no\u2028\r\x85data" in capsys.readouterr().err
    assert one_line(FileNotFoundError(2, "No such file", "a\nb")) == r"a\nb: No such file"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("train --data plays.csv --data other.csv --save m", "--data: given twice"),
        ("train --data plays.csv --save m --save n", "--save: given twice"),
        (
            "evaluate --data plays.csv --model itemknn --model popularity",
            "--model: given twice: name all after one --model",
        ),
        ("evaluate --data plays.csv --k 10 --k 5", "--k: given twice: name all after one --k"),
    ],
)
def test_of_an_option_given_twice_the_first_was_unused(folder, capsys, arguments, message):
    with pytest.raises(SystemExit) as end:
        main(shlex.split(arguments))
    assert end.value.code == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["plays.csv"]


def test_hold_out_beside_an_own_test_file_was_unused(folder, capsys):
    users, items = [u for u in range(1, 13) for _ in range(4)], [i % 7 for i in range(48)]
    table = pd.DataFrame({"user": users, "item": items, "time": range(48)})
    table.to_csv("timed.csv", index=False)
    table.assign(item=[(i + 5) % 7 for i in items]).to_csv("test.csv", index=False)
    ask = "evaluate --model popularity --quiet --test test.csv --hold-out"
    assert main([*ask.split(), "latest", "--data", "timed.csv"]) == 1
    assert "--hold-out latest needs times" in capsys.readouterr().err
    splits = []
    for which in ("latest", "random"):
        words = [*ask.split(), which, "--data", "timed.csv", "--timestamp-column", "time"]
        splits.append(split_of(build_parser().parse_args(words)).validation.items.tolist())
    assert splits[0] == [table["item"][4 * u + 3] for u in range(12)] != splits[1]


def test_what_no_candidate_is_left_of_is_said_in_options(folder, capsys):
    train = "train --quiet --data plays.csv --save m --model"
    assert main([*train.split(), "popularity"]) == 0
    assert main(["recommend", "m", "--user", "1", "--only", "5", "--without", "5"]) == 1
    assert "--only and --without leave no item" in capsys.readouterr().err
    assert main([*train.split(), "itemknn", "--use-counts"]) == 1
    assert "or leave out --use-counts" in capsys.readouterr().err


@pytest.mark.parametrize(
    "ask", ["train --save m --model itemknn", "evaluate --model popularity itemknn"]
)
def test_the_log_of_a_model_without_epochs_was_not_written(folder, capsys, ask):
    assert main([*ask.split(), "--data", "plays.csv", "--log", "log.csv"]) == 1
    assert "--log does not apply to" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["plays.csv"]


@pytest.mark.parametrize("sep", ["\t", "\x01", "，"])
def test_the_separator_that_an_error_advised_was_not_understood(folder, capsys, sep):
    PLAYS.to_csv("t.txt", index=False)
    text = (folder / "t.txt").read_text().replace(",", sep)
    (folder / "t.txt").write_text(text, encoding="utf-8")
    train = "train --quiet --data t.txt --model popularity --save m"
    advised = "--sep tab"
    if sep != "\t":
        assert main(shlex.split(train)) == 1
        advised = re.search("--sep .*$", capsys.readouterr().err)[0]
    for option in (advised, advised.replace("tab", r"'\t'")):
        assert main(shlex.split(f"{train} {option}")) == 0
