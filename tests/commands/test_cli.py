"""The command line as people meet it: their file, their ids, their console, their mistakes."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ncf_numpy
from ncf_numpy import __main__ as command_line
from ncf_numpy.__main__ import main
from ncf_numpy.datasets import sample_lastfm
from ncf_numpy.recommender.recommender import Recommender

ROOT = Path(ncf_numpy.__file__).parents[1]
GUIDE = ROOT / "docs" / "how-to" / "recommender.md"


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """An empty folder with the guide's plays.csv in it, and in it we are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NCF_NUMPY_DATA", raising=False)
    (tmp_path / "plays.csv").write_text(blocks("csv")[0], encoding="utf-8")
    return tmp_path


@pytest.fixture
def with_example(in_folder):
    """The same folder, with examples/plays.csv."""
    (in_folder / "examples").mkdir()
    shutil.copy(ROOT / "examples" / "plays.csv", in_folder / "examples")
    return in_folder


def blocks(language):
    text = GUIDE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(*arguments, **environment):
    """Run the program in a new process; -> status, stdout and stderr as bytes."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    own = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", "-m", "ncf_numpy", *arguments]
    done = subprocess.run(
        command, env={**inherited, **own, **environment}, capture_output=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


TRAIN = shlex.split(
    "train --data plays.csv --user-column listener --item-column artist --epochs 2 --save m.npz"
)


def test_the_guides_five_lines_of_python(with_example, capsys):
    first, more = blocks("python")[:2]
    assert len([line for line in first.splitlines() if line]) == 6
    names = {}
    exec(first, names)
    recommender = names["recommender"]
    table = recommender.recommend("민준", k=3)
    assert capsys.readouterr().out == f"{table}\n{recommender.report}\n"
    has = recommender.data.user_ids[recommender.data.users] == "민준"
    has = set(recommender.data.item_ids[recommender.data.items[has]])
    assert len(table) == 3 and not has & set(table["item"])
    exec(more, names)
    assert "in all" in capsys.readouterr().out
    assert not {"아이유", "BTS"} & set(names["new"].recommend(9)["item"])
    pd.testing.assert_frame_equal(names["recommender"].recommend("민준", k=3), table)


def test_the_guides_shell_commands(with_example):
    three, more = blocks("sh")[:2]
    assert len(three.splitlines()) == 3
    printed = []
    for line in (three + more).splitlines():
        python, dash_m, package, *arguments = shlex.split(line)
        assert (python, dash_m, package) == ("python", "-m", "ncf_numpy")
        status, out, err = run(*arguments)
        assert status == 0, err.decode()
        printed.append(out.decode("utf-8"))
    train, recommend, similar, has, evaluate = printed
    assert train == ""
    assert recommend.split()[:3] == ["item", "name", "score"]
    assert len(recommend.splitlines()) == 4
    assert len(similar.splitlines()) == len(has.splitlines()) == 4
    assert [line.split()[0] for line in evaluate.splitlines()] == [
        "model", "popularity", "itemknn", "gmf"
    ]  # fmt: skip


def test_the_command_line_says_what_the_library_says(in_folder, capsys):
    assert main([*TRAIN, "--quiet", "--seed", "5", "--layers", "8,4", "--factors", "3"]) == 0
    assert capsys.readouterr() == ("", "")
    recommender = Recommender.load("m.npz")
    assert recommender.settings["layers"] == [8, 4]
    assert (recommender.settings["seed"], recommender.settings["factors"]) == (5, 3)
    assert main(["recommend", "m.npz", "--user", "jin", "--k", "2"]) == 0
    best = recommender.recommend("jin", k=2)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    expected = [[i, n, f"{s:.4f}"] for i, n, s in best.values]
    assert lines == [["item", "name", "score"], *expected]
    assert main(["recommend", "m.npz", "--user", "jin", "ann", "--seen"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + 2 * 6
    assert main(["similar", "m.npz", "--item", "RADIOHEAD", "--k", "1"]) == 0  # by name
    assert capsys.readouterr().out.split()[3] == recommender.similar_items("Radiohead")["item"][0]


def test_numbers_on_the_command_line_are_ids_where_ids_are_numbers(tmp_path, capsys):
    path = str(tmp_path / "m.npz")
    Recommender("popularity").fit(sample_lastfm()[0]).save(path)
    assert main(["recommend", path, "--user", "3", "--k", "1"]) == 0
    assert main(["recommend", path, "--user", "three"]) == 1
    assert "recommend: no user 'three' in the data, whose users are 1, 2" in capsys.readouterr().err
    assert main(["recommend", path, "--has", "1001", "drowsy herons", "--k", "1"]) == 0


def test_epochs_are_lines_where_there_is_no_terminal_and_a_log_on_request(in_folder, capsys):
    assert main([*TRAIN, "--validation", "--log", "log.csv"]) == 0
    out, err = capsys.readouterr()
    assert out == "" and "\r" not in err
    assert len(re.findall(r"^epoch [12]/2  loss 0\.\d{4}  HR@10 .* s left$", err, re.M)) == 2
    assert err.splitlines()[-1] == "saved m.npz"
    log = pd.read_csv("log.csv", encoding="utf-8")
    assert log["epoch"].tolist() == [1, 2]
    assert {"loss", "hr", "ndcg", "train_seconds"} <= set(log)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("train --save m.npz", "train: no data: give --data FILE_OR_FOLDER, or --dataset sample"),
        ("train --data nowhere.csv --save m.npz", "nowhere.csv"),
        ("train --data plays.csv --save m.npz", "'?user'?"),
        (
            "train --data . --save m.npz",
            r"train: cannot recognise the data in \. \(contains plays.csv\); .* give plays.csv",
        ),
        ("train --dataset sample --save no/m.npz", "cannot save no/m.npz: there is no folder"),
        (
            "train --dataset sample --save m.npz --resume",
            "nothing to resume: there is no m.npz.checkpoint",
        ),
        ("train --dataset sample --rating-column x --save m.npz", "--rating-column does not apply"),
        ("train --dataset sample --layers 7,3 --save m.npz", "layers must begin with an even"),
        ("recommend plays.csv --user 1", "plays.csv is damaged, or not a file that ncf_numpy"),
        ("recommend nowhere.npz --user 1", "^recommend: nowhere.npz: No such file or directory"),
        ("evaluate --dataset csv", "--dataset csv needs --data"),
    ],
)
def test_a_mistake_is_one_sentence(in_folder, capsys, arguments, sentence):
    assert main(shlex.split(arguments)) == 1
    out, err = capsys.readouterr()
    assert re.search(sentence, err)
    assert len(err.splitlines()) == 1 and out == ""
    assert [path.name for path in in_folder.iterdir()] == ["plays.csv"]
    with pytest.raises((OSError, ValueError)):
        main([*shlex.split(arguments), "--debug"])


def test_without_a_command_there_is_a_list_of_what_to_do_learning_first(capsys):
    assert main([]) == 0
    out, err = capsys.readouterr()
    lines = [line.split("  ")[1] for line in out.splitlines() if line.startswith("  ")]
    commands = [line.removeprefix("python -m ncf_numpy ").split() for line in lines]
    learning = ["step", "exercise", "hunt", "playground", "gradcheck"]
    assert [words[0] for words in commands][:5] == learning
    for words in commands:
        assert command_line.build_parser().parse_args(words).command == words[0]
    assert err == "" and max(map(len, out.splitlines())) <= 100


def test_the_help_lists_the_learning_commands_first(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    found = re.findall(r"^    (\w+)", capsys.readouterr().out, re.MULTILINE)
    learning = ["step", "exercise", "hunt", "playground", "gradcheck"]
    assert found[:5] == learning and "train" in found


def test_every_command_has_help_with_an_example(capsys):
    commands = [module.__name__.rsplit(".")[-1] for module in command_line.COMMANDS]
    assert {"train", "evaluate", "recommend", "similar", "gradcheck", "version"} <= set(commands)
    for command in commands:
        with pytest.raises(SystemExit) as stop:
            main([command, "--help"])
        text = " ".join(capsys.readouterr().out.split())
        assert stop.value.code == 0
        assert f"example: python -m ncf_numpy {command}" in text
        assert "--debug" in text


def test_the_console_script_is_the_same_program():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    scripts = setup["options.entry_points"]["console_scripts"].split("\n")
    assert "ncf-numpy = ncf_numpy.__main__:main" in scripts


def test_version(capsys):
    assert main(["version"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("ncf_numpy ") and f"NumPy {np.__version__}" in out


def test_a_console_in_cp949_shows_what_it_can(in_folder):
    table = pd.DataFrame({"user": ["민준", "민준", "a"], "item": ["아이유", "Sigur Rós 😀", "é"]})
    Recommender("popularity").fit(table).save("m.npz")
    console = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp949"}
    status, out, err = run("recommend", "m.npz", "--has", "é", "--k", "3", **console)
    assert (status, err) == (0, b"")
    shown = out.decode("cp949")
    assert "아이유" in shown and r"Sigur R\xf3s \U0001f600" in shown
    status, out, err = run("recommend", "m.npz", "--user", "é", **console)
    assert status == 1 and b"Traceback" not in err
    status, out, err = run("similar", "m.npz", "--item", "x", **console)
    assert status == 1 and b"Traceback" not in err


def test_a_home_that_cannot_be_written_does_not_matter(in_folder):
    (in_folder / "file").write_text("", encoding="utf-8")
    home = {name: str(in_folder / "file") for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME")}
    status, _, err = run(*TRAIN, "--model", "gmf", **home)
    assert status == 0, err.decode()
    assert run("recommend", "m.npz", "--user", "ann", **home)[0] == 0


def test_a_disk_that_is_full(in_folder):
    pytest.importorskip("resource", reason="no limit on file sizes on this system")
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "from ncf_numpy.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, "train", "--dataset", "sample", "--save", "m.npz"]
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "m.npz.checkpoint: cannot save (File too large). Any existing file is" in done.stderr
    assert [path.name for path in in_folder.iterdir()] == ["plays.csv"]


@pytest.mark.skipif(os.name == "nt", reason="no pipes of a shell")
def test_a_reader_who_has_had_enough(in_folder):
    Recommender("popularity").fit(sample_lastfm()[0]).save("m.npz")
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "ncf_numpy", "recommend", "m.npz", "--user", "1"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, env=environment, stdout=write, stderr=subprocess.PIPE, timeout=120
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def folder_of(tmp_path, kind):
    """A data folder (a prefix for "ncf prefix") with 4 users x 6 items, each user with 4 items."""
    pairs = [(u, i) for u in range(4) for i in range(6) if (u + i) % 3]
    held_out = [(u, -u % 3) for u in range(4)]
    files = {
        "csv": {"d.csv": "user,item\n" + "".join(f"{u},{i}\n" for u, i in pairs)},
        "lastfm-2k": {
            "user_artists.dat": "userID\tartistID\tweight\r\n"
            + "".join(f"{u}\t{i}\t5\r\n" for u, i in pairs),
            "artists.dat": "id\tname\turl\tpictureURL\n"
            + "".join(f"{i}\tBand {i}\tu\tp\n" for i in range(6)),
        },
        "ml-100k": {
            "u.data": "".join(f"{u}\t{i}\t4\t{100 + i}\n" for u, i in pairs),
            "u.item": "".join(f"{i}|Film {i}|x\n" for i in range(6)),
        },
        "ncf": {
            "x.train.rating": "".join(f"{u}\t{i}\t1\t0\n" for u, i in pairs),
            "x.test.rating": "".join(f"{u}\t{i}\t1\t0\n" for u, i in held_out),
            "x.test.negative": "".join(f"({u},{i})\t{i + 3}\n" for u, i in held_out),
        },
    }  # fmt: skip
    for name, text in files[kind].items():
        (tmp_path / name).write_bytes(text.encode())
    return tmp_path / "d.csv" if kind == "csv" else tmp_path


@pytest.mark.parametrize("kind", ["csv", "lastfm-2k", "ml-100k", "ncf"])
def test_every_kind_of_data_is_recognised(tmp_path, capsys, kind):
    path = str(folder_of(tmp_path, kind))
    out = str(tmp_path / "m.npz")
    least = ["--min-per-user", "0", "--min-per-item", "0"] if kind == "lastfm-2k" else []
    train = ["train", "--data", path, *least, "--model", "itemknn", "--save", out]
    assert main(train) == 0
    data = Recommender.load(out).data
    assert (len(data), data.n_users, data.n_items) == (16, 4, 6)
    named = {"lastfm-2k": "Band 2", "ml-100k": "Film 2"}.get(kind, "2")
    assert data.item_name(2) == named
    capsys.readouterr()
    models = ["--model", "popularity", "gmf", "--epochs", "1"]
    assert main(["evaluate", "--data", path, *least, *models]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "model", "popularity", "gmf"
    ]  # fmt: skip
    if kind == "ncf":
        assert main(["train", "--data", f"{path}/x", "--model", "popularity", "--save", out]) == 0
        assert main([*train, "--min-per-user", "2"]) == 1
        assert "--min-per-user does not apply to --dataset ncf" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["hetrec2011-lastfm-2k", "deepcf-lastfm", "ml-100k"])
def test_real_data_from_folder_to_recommendations(data_dir, tmp_path, capsys, name):
    out = str(tmp_path / "m.npz")
    data = ["--data", str(data_dir(name))]
    assert main(["train", *data, "--model", "popularity", "--save", out]) == 0
    user = str(Recommender.load(out).data.user_ids[0])
    capsys.readouterr()
    assert main(["recommend", out, "--user", user, "--k", "5"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6
