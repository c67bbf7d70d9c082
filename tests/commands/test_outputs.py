"""No command writes over data it was given, or finds out after training that it cannot write."""

import os
import re
import shutil
from types import SimpleNamespace

import pytest

from ncf_numpy.__main__ import main
from ncf_numpy.commands.outputs import check_outputs, is_same_file
from ncf_numpy.data.whole_file import check_place
from ncf_numpy.datasets import load_interactions
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.training import trainer

NCF = {
    "x.train.rating": "".join(f"{u}\t{i}\t1\t0\n" for u in range(4) for i in range(6) if i != u),
    "x.test.rating": "".join(f"{u}\t{u}\t1\t0\n" for u in range(4)),
    "x.test.negative": "".join(f"({u},{u})\t{u + 1}\n" for u in range(4)),
    "readme.txt": "to be kept",
}
TRAIN = ["train", "--model", "gmf", "--epochs", "1", "--factors", "2", "--quiet"]


@pytest.fixture
def untrained(monkeypatch):
    """Fails where training begins: all that is refused is refused before."""

    def train(*_):
        raise AssertionError("it trains")

    monkeypatch.setattr(trainer.Trainer, "run_epoch", train)


@pytest.fixture
def plays(tmp_path, monkeypatch):
    """An empty folder with plays.csv and the folder data of NCF files; and in it we are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NCF_NUMPY_DATA", raising=False)
    pairs = "".join(f"{u},{i}\n" for u in range(4) for i in range(6) if (u + i) % 3)
    (tmp_path / "plays.csv").write_text("user,item\n" + pairs, encoding="utf-8")
    (tmp_path / "data").mkdir()
    for name, text in NCF.items():
        (tmp_path / "data" / name).write_text(text, encoding="utf-8")
    return tmp_path


def content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "options",
    [
        "--data plays.csv --save plays.csv",
        "--data plays.csv --save ./data/../plays.csv",
        "--data plays.csv --save m.npz --log plays.csv",
        "--data plays.csv --save link.csv",
        "--data link.csv --save plays.csv",
        "--data plays.csv --save hard.csv",
        "--data hard.csv --save m.npz --log plays.csv",
        "--data m.npz.checkpoint --save m.npz",  # whose checkpoint would be the data
        "--data plays.csv --save m.npz --log m.npz",
        "--data plays.csv --save m.npz --log m.npz.checkpoint",
        "--data plays.csv --save same.npz --log link.npz",
        "--data data --save m.npz --log data/x.train.rating",
        "--data data --save m.npz --log data/readme.txt",
        "--data data --save data/x.test.negative",
        "--data data/x --save m.npz --log data/x.test.rating",
        "--data data --save m.npz --log hard.rating",
        "--data linked --save m.npz --log data/x.train.rating",
        "--data data --save m.npz --plot data/cover.png",
        "--dataset sample --save m.npz --log own/ml-1m/ratings.dat",
        "--data plays.csv --save own/ml-1m/ratings.dat",
        "--data plays.csv --save elsewhere/ratings.dat",
        "--data plays.csv --save cache/ncf_numpy/ml-1m/ratings.dat",
    ],
)
def test_output_replaced_the_data_it_was_given(plays, monkeypatch, untrained, capsys, options):
    os.link("plays.csv", "hard.csv")
    os.symlink("plays.csv", "link.csv")
    os.symlink("same.npz", "link.npz")
    shutil.copy("plays.csv", "m.npz.checkpoint")
    os.link("data/x.train.rating", "hard.rating")
    os.symlink("data", "linked")
    (plays / "data" / "cover.png").write_bytes(b"\x89PNG of somebody")
    for folder in ("elsewhere", "own", "cache/ncf_numpy/ml-1m"):
        (plays / folder).mkdir(parents=True)
    (plays / "elsewhere" / "ratings.dat").write_text("1::2::3::4\n", encoding="utf-8")
    shutil.copy("elsewhere/ratings.dat", "cache/ncf_numpy/ml-1m")
    os.symlink(plays / "elsewhere", plays / "own" / "ml-1m")
    monkeypatch.setenv("NCF_NUMPY_DATA", str(plays / "own"))
    monkeypatch.setattr("ncf_numpy.plots.style", lambda: None)
    before = content(plays)
    assert main([*TRAIN, *options.split()]) == 1
    said = capsys.readouterr().err
    assert "would overwrite data" in said or "named for more than one thing" in said
    assert content(plays) == before


@pytest.mark.parametrize(
    "command",
    [
        "evaluate --model gmf --epochs 1 --data plays.csv --log hard.csv",
        "evaluate --model gmf --epochs 1 --data plays.csv --test test.csv --log test.csv",
        "step --data plays.csv --html hard.csv",
        "step --data data --json data/x.train.rating",
    ],
)
def test_so_did_the_other_commands(plays, capsys, command):
    os.link("plays.csv", "hard.csv")
    (plays / "test.csv").write_text("user,item\n0,0\n", encoding="utf-8")
    before = content(plays)
    assert main(command.split()) == 1
    assert "would overwrite data" in capsys.readouterr().err
    assert content(plays) == before


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("recommend {model} --all --csv plays.csv", "a file that no command"),
        ("recommend {model} --all --csv hard.csv", "a file that no command"),
        ("recommend {model} --all --csv {model}", "named for more than one thing"),
        ("recommend {model} --all --csv linked.npz", "named for more than one thing"),
        ("recommend {model} --all --csv own/ml-1m/ratings.dat", "would overwrite data"),
        ("vectors {model} --users plays.csv", "a file that no command"),
        ("vectors {model} --users u.csv --items hard.csv", "a file that no command"),
        ("vectors {model} --items linked.npz", "named for more than one thing"),
        ("vectors {model} --users u.csv --items ./u.csv", "named for more than one thing"),
        ("vectors {model} --items cache/ncf_numpy/x/y", "would overwrite data"),
        ("gradcheck --plot own/cover.png", "would overwrite data"),
        ("evaluate --data plays.csv --model popularity --plot own/cover.png", "overwrite data"),
        ("evaluate --data plays.csv --model popularity --log own/ml-1m/ratings.dat", "e data"),
        ("step --dataset sample --html own/ml-1m/ratings.dat", "would overwrite data"),
        ("step --dataset sample --html plays.csv", "a file that no command"),
        ("train --dataset sample --save plays.csv", "a file that no command"),
        ("train --dataset sample --save m.npz --log hard.csv", "a file that no command"),
        ("evaluate --dataset sample --log plays.csv", "a file that no command"),
        ("exercise 1 --report own/package.json", "would overwrite data"),
        ("exercise 1 --report hard.json", "a file that no command"),
        ("step --dataset sample --html answers.py", "a file that no command"),
        ("train --dataset sample --save own/ml-1m/a/b/notes", "a file that no command"),
        ("gradcheck --plot own/a/b/cover.png", "would overwrite data"),
        ("recommend {model} --all --csv mac.csv", "a file that no command"),
        ("recommend {model} --all --csv blanks.csv", "a file that no command"),
        ("recommend {model} --all --csv titled.csv", "a file that no command"),
    ],
)
def test_a_table_a_picture_or_a_report_replaced_a_file_of_the_user(
    plays, monkeypatch, capsys, command, problem
):
    model = str(plays / "m.npz")
    Recommender("gmf", epochs=1, factors=2).fit(load_interactions("plays.csv")).save(model)
    os.link("plays.csv", "hard.csv")
    os.link(model, "linked.npz")
    for path in (
        "own/ml-1m/ratings.dat",
        "own/cover.png",
        "cache/ncf_numpy/x/y",
        "own/package.json",
    ):
        (plays / path).parent.mkdir(parents=True, exist_ok=True)
        (plays / path).write_text("to be kept", encoding="utf-8")
    for path, text in {
        "answers.py": "def forward(x):\n",
        "own/ml-1m/a/b/notes": "to be kept",
        "own/a/b/cover.png": "\x89PNG",
        "mac.csv": "user,item\r1,2\r",
        "blanks.csv": "user item\n1 2\n",
        "titled.csv": "Plays of 2024\n\nuser,item\n1,2\n",
    }.items():
        (plays / path).parent.mkdir(parents=True, exist_ok=True)
        (plays / path).write_bytes(text.encode("latin-1"))
    os.link("plays.csv", "hard.json")
    monkeypatch.setenv("NCF_NUMPY_DATA", str(plays / "own"))
    monkeypatch.setattr("ncf_numpy.plots.style", lambda: None)
    before = content(plays)
    assert main(command.format(model=model).split()) == 1
    assert problem in capsys.readouterr().err
    assert content(plays) == before


def test_what_a_command_has_written_it_may_write_again(plays, monkeypatch, capsys):
    monkeypatch.setenv("NCF_NUMPY_DATA", str(plays))  # even there
    Recommender("neumf", epochs=1, factors=2).fit(load_interactions("plays.csv")).save("m.npz")
    Recommender("ials", epochs=1, factors=2).fit(load_interactions("plays.csv")).save("i.npz")
    open("u.csv", "w", encoding="utf-8").close()  # as `touch` or a scheduler makes one
    for command in (
        "recommend m.npz --all --csv u.csv",
        "vectors m.npz --users u.csv --items v.csv",
        "vectors i.npz --users v.csv --items u.csv",
        "exercise 1 --report r.json",
        "exercise --report r.json",
    ):
        assert main(command.split()) == ("exercise" in command), capsys.readouterr().err
    assert (plays / "u.csv").read_text(encoding="utf-8").startswith("item,factor 1,")


def test_a_page_and_values_of_a_step_may_be_written_again(plays, capsys):
    for _ in range(2):
        step = "step --data plays.csv --html s.html --json s.json"
        assert main(step.split()) == 0, capsys.readouterr().err


def test_a_part_of_the_split_was_overwritten_where_one_file_of_it_was_given(plays, capsys):
    negative = plays / "data" / "x.test.negative"
    negative.write_text("(0,0)\t" + "\t".join(map(str, range(10, 1300))), encoding="utf-8")
    before = negative.read_bytes()
    train = "evaluate --data data/x.train.rating --model gmf --epochs 1 --quiet --log"
    assert main([*train.split(), str(negative)]) == 1
    assert "a file that no command has written" in capsys.readouterr().err
    assert negative.read_bytes() == before


WRITING = (
    "train --model gmf --epochs 1 --data plays.csv --quiet --save {}",
    "train --model gmf --epochs 1 --data plays.csv --quiet --save n.npz --log {}",
    "evaluate --model popularity --data plays.csv --quiet --log {}",
    "evaluate --model popularity --data plays.csv --quiet --plot {}.png",
    "step --data plays.csv --html {}",
    "step --data plays.csv --json {}",
    "recommend m.npz --all --csv {}",
    "vectors m.npz --users {}",
    "vectors m.npz --users u.csv --items {}",
    "gradcheck --plot {}.png",
    "exercise 1 --report {}.json",
)
PLACES = "pipe", "full", "dangling", "circle", "x" * 300, "nowhere/x", "folder", "plays.csv/x"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.parametrize("command", WRITING)
def test_no_command_does_its_work_before_it_knows_the_place(plays, monkeypatch, capsys, command):
    Recommender("gmf", epochs=1, factors=2).fit(load_interactions("plays.csv")).save("m.npz")
    for suffix in ("", ".png", ".json"):
        os.mkfifo(f"pipe{suffix}")
        os.symlink("/dev/full", f"full{suffix}")
        os.symlink("nowhere/at/all", f"dangling{suffix}")
        os.symlink(f"circle{suffix}", f"circle{suffix}")
        os.mkdir(f"folder{suffix}")
    monkeypatch.setattr("ncf_numpy.plots.style", lambda: None)
    for work in ("data_options.find_data", "recommend.Recommender.load", "gradcheck.check",
                 "exercise.judge_file"):  # fmt: skip
        monkeypatch.setattr(f"ncf_numpy.commands.{work}", None)
    before = content(plays), sorted(plays.rglob("*"))
    for place in PLACES:
        assert main(command.format(place).split()) == 1, place
        said = capsys.readouterr().err
        assert len(said.splitlines()) == 1 and "cannot" in said, said
    assert (content(plays), sorted(plays.rglob("*"))) == before


def test_what_training_wrote_into_the_datas_folder_it_may_write_again(plays, capsys):
    train = [*TRAIN, "--data", "data", "--save", "data/m.npz", "--log", "data/log.csv"]
    assert main(train) == 0
    assert main(train) == 0
    assert main([*train[:4], "2", *train[5:], "--resume"]) == 0
    assert len(Recommender.load("data/m.npz").history) == 2
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
@pytest.mark.parametrize(
    "option", ["--save {}", "--save m.npz --log {}", "--save m.npz --plot {}.png"]
)
@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ("pipe", "this is a folder, a pipe or a device, not a file"),
        ("full", "this is a folder, a pipe or a device, not a file"),
        ("dangling", "there is no folder .*nowhere"),
        ("circle", "cannot (save|draw) .Too many levels of symbolic links"),
        ("x" * 300, "cannot (save|draw) .File name too long"),
        ("nowhere/x", "cannot (save|draw) nowhere/x(.png)?: there is no folder"),
        ("folder", "this is a folder, a pipe or a device, not a file"),
        ("plays.csv/x", "there is no folder .*plays.csv"),
    ],
)
def test_a_place_that_cannot_be_written_was_found_after_training(
    plays, untrained, monkeypatch, capsys, option, place, problem
):
    for suffix in ("", ".png"):
        os.mkfifo(f"pipe{suffix}")
        os.symlink("/dev/full", f"full{suffix}")
        os.symlink("nowhere/at/all", f"dangling{suffix}")
        os.symlink(f"circle{suffix}", f"circle{suffix}")
        os.mkdir(f"folder{suffix}")
    monkeypatch.setattr("ncf_numpy.plots.style", lambda: None)
    before = sorted(plays.rglob("*"))
    assert main([*TRAIN, "--data", "plays.csv", *option.format(place).split()]) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert re.search(problem, said), said
    assert sorted(plays.rglob("*")) == before


def test_the_checkpoints_name_was_found_too_long_after_the_first_epoch(plays, untrained, capsys):
    name = "m" * 250  # and .checkpoint after it
    assert main([*TRAIN, "--data", "plays.csv", "--save", name]) == 1
    assert "File name too long" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no POSIX permissions")
def test_a_folder_one_may_not_write_to(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    tmp_path.chmod(0o755)
    root = os.geteuid() == 0
    try:
        if root:  # who may write anywhere
            os.seteuid(65534)
        with pytest.raises(PermissionError, match="cannot save .Permission denied") as error:
            check_place(folder / "m.npz")
    finally:
        if root:
            os.seteuid(0)
    assert error.value.filename == str(folder / "m.npz")


def test_a_place_that_is_good_is_left_as_it_was(tmp_path):
    (tmp_path / "old").write_bytes(b"")
    check_outputs(SimpleNamespace(data=None), tmp_path / "old", None, tmp_path / "new")
    assert content(tmp_path) == {tmp_path / "old": b""}


def test_paths_that_are_one_file(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    os.link(tmp_path / "a", tmp_path / "b")
    os.symlink("a", tmp_path / "c")
    os.symlink("new", tmp_path / "d")
    assert is_same_file(tmp_path / "a", tmp_path / "b")
    assert is_same_file(tmp_path / "b", tmp_path / "c")
    assert is_same_file(tmp_path / "new", tmp_path / "d")
    assert not is_same_file(tmp_path / "new", tmp_path / "newer")
    assert not is_same_file(tmp_path / "a", tmp_path / "new")
