"""The command line with argument lists made up from good, nasty and contradictory parts.

Whatever they are: exit status 0 and what was asked for; or 1 or 2 and a sentence on stderr, in
words of the command line; never a traceback, and never a changed data file.
"""

import contextlib
import io
import os
import random
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import ncf_numpy
from ncf_numpy.__main__ import build_parser, main
from ncf_numpy.commands import data_options
from ncf_numpy.evaluation.measures import MEASURES
from ncf_numpy.recommender.models import MODELS
from ncf_numpy.recommender.recommender import Recommender

pytestmark = pytest.mark.robustness
TIMES = int(os.environ.get("NCF_NUMPY_FUZZ", 1))  # how many times as many examples
ROOT = Path(ncf_numpy.__file__).parents[1]
N_PROCESSES = 80 * TIMES

HUGE = "99999999999999999999"
NUMBER = [
    "0",
    "1",
    "2",
    "3",
    "-1",
    "1.5",
    "1e3",
    "nan",
    "inf",
    "-inf",
    "",
    " 2",
    "x",
    "½",
    "２",
    HUGE,
]
REAL = [*NUMBER, "0.01", "1e-320", "1e38", "1e300", "1e308"]
WIDTHS = ["8,4", "2", "7", "4,", ",", "", "4,0", "4,-1", "4.0", "x", f"4,{HUGE}", "4 2", "[4,2]"]
OLD = ["plays.csv", "dates.csv", "names.csv", "empty.csv", "folder", "model.npz", "half.npz", "no",
       "no/where.csv", "", ".", "곡.csv", "x" * 300, "\udcff", "a\nb"]  # fmt: skip
NEW = ["new.out", "folder", "no/new.out", "", "plays.csv", "곡.out", "x" * 300, "a\nb", "new.png"]
COLUMN = ["user", "item", "n", "when", "name", "", "곡", "no"]
ID = ["1", "2", "-1", "1_0", "１", "ann", "곡", "", "x y", "\udcff", "\x1b[31m", HUGE, "9" * 5000]
DATA = {
    "--data": OLD,
    "--dataset": ["auto", "csv", "sample", "ml-1m", "ncf-ml-1m", "lastfm-2k", "", "x"],
    **{f"--{name}-column": COLUMN for name in data_options.COLUMNS},
    "--min-rating": [*REAL, "all"],
    "--names": ["user,item,n,when,name", "user,item", "a,,b", "a,a", ""],
    "--sep": [",", "tab", "::", "blank", ""],
    "--quotes": ["yes", "no", "x"],
    "--encoding": ["utf-8", "cp949", "utf-16", "hex", "klingon", ""],
    "--date-format": ["%Y-%m-%d", "%d/%m/%Y", "%", ""],
    "--bad-rows": ["raise", "drop", "x"],
    "--min-per-user": NUMBER,
    "--min-per-item": NUMBER,
}
FLAG = [None]
TRAINING = {
    **dict.fromkeys(["--factors", "--batch-size", "--negatives", "--patience"], NUMBER),
    **{
        "--neighbours": NUMBER,
        "--seed": NUMBER,
        "--lr": REAL,
        "--shrink": REAL,
        "--layers": WIDTHS,
        "--training": ["paper", "", "x"],
        "--l2": REAL,
        "--regularisation": REAL,
        "--weight": REAL,
        "--branch-weight": REAL,
        "--use-counts": FLAG,
    },
}
MODEL = [*MODELS, "", "svd"]
MEASURE = [*MEASURES, "", "x"]
HOLD_OUT = ["latest", "random", "x"]
ODD = {name: FLAG for name in ("--debugger", "--help", "--", "extra", "-", "", "-1")}
# command -> arguments that work, and options to add, with the values to draw from
COMMANDS = {
    "train": (
        ["--data", "plays.csv", "--save", "new.npz", "--epochs", "1"],
        {**DATA, **TRAINING, "--model": MODEL, "--save": NEW, "--log": NEW, "--plot": NEW,
         "--validation": FLAG, "--resume": FLAG, "--quiet": FLAG,
         "--epochs": ["0", "2", "x", HUGE]},
    ),
    "evaluate": (
        ["--data", "plays.csv", "--epochs", "1", "--quiet"],
        {**DATA, **TRAINING, "--hold-out": HOLD_OUT, "--model": MODEL, "--k": NUMBER, "--log": NEW,
         "--plot": NEW, "--quiet": FLAG, "--epochs": ["0", "2", "x", HUGE], "--test": OLD,
         "--measures": MEASURE, "--ranking": ["sampled", "full", "x"],
         "--compare": [None, *MEASURE]},
    ),
    "pretrain": (
        ["--data", "plays.csv", "--epochs", "1", "--fine-tune-epochs", "1", "--quiet"],
        {**DATA, "--hold-out": HOLD_OUT, "--factors": NUMBER, "--layers": WIDTHS, "--alpha": REAL,
         "--lr": REAL,
         "--fine-tune-lr": REAL, "--optimizer": ["sgd", "adam", ""], "--seed": NUMBER,
         "--fine-tune-epochs": ["0", "-1", "x", "", HUGE], "--epochs": ["0", "2", "x", HUGE]},
    ),
    "recommend": (
        ["model.npz", "--user", "1"],
        {"--user": ID, "--has": ID, "--k": NUMBER, "--seen": FLAG, "--only": ID, "--without": ID,
         "--all": FLAG, "--csv": NEW, "names.npz": FLAG, "plays.csv": FLAG},
    ),
    "similar": (
        ["model.npz", "--item", "1"],
        {"--item": ID, "--user": ID, "--k": NUMBER, "half.npz": FLAG},
    ),
    "vectors": (
        ["model.npz", "--items", "new.out"],
        {"--users": NEW, "--items": NEW, "half.npz": FLAG},
    ),
    "step": (
        ["--data", "plays.csv", "--no-pause"],
        {**DATA, "--model": MODEL, "--loss": ["bce", ""], "--optimizer": ["sgd", ""], "--lr": REAL,
         "--factors": NUMBER, "--layers": WIDTHS, "--user": ID, "--batch": NUMBER, "--seed": NUMBER,
         "--html": NEW, "--steps": ["0", "2", "-1", "x", HUGE], "--json": NEW},
    ),
    "gradcheck": (
        ["--model", "gmf"],
        {"--model": MODEL, "--plot": ["new.svg", "no/new.svg", "new.out", ""],
         "--bug": ["missing-mean", "swapped-halves", ""], "--list-bugs": FLAG},
    ),
    "exercise": (
        ["--folder", "exercises"],
        {**{number: FLAG for number in ("1", "0", "-1", "13", HUGE, "x")}, "--solution": FLAG,
         "--hint": ["1", "3", "0", "4", "x"], "--report": ["new.json", "new.txt", "no/x.json", ""],
         "--folder": ["exercises", "plays.csv", ""]},
    ),
    "hunt": ([], {number: FLAG for number in ("0", "-1", "14", HUGE, "x", "1.5")}),
    "download": (
        [],
        {"lastfm-3k": FLAG, "": FLAG, "--base-url": ["ftp://x", "x", ""], "--quiet": FLAG,
         "--folder": ["folder", "plays.csv", ""]},
    ),
    "playground": (  # with a port that cannot be: else it would serve until Ctrl-C
        ["--port", "-1"],
        {"--port": ["65536", "x", HUGE, ""], "--no-browser": FLAG},
    ),
    "version": ([], {}),
}  # fmt: skip
WEIGHTS = [8, 5, 2, 6, 4, 2, 5, 1, 1, 0.3, 1, 0.3, 0.2]  # how often each is drawn
DOWNLOADED = {"ml-1m", "ncf-ml-1m", "lastfm-2k"}
INTERNALS = re.compile(
    "Traceback|Error:|has no attribute|unhashable|not supported between|out of bounds|broadcast|"
    "NoneType|not iterable|object is not|invalid literal|too large to convert|dimension exceeded|"
    "did not converge|positional argument|index-sized|encountered in"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of data, models and nonsense; the network is out of reach."""
    folder = tmp_path_factory.mktemp("cli")
    rows = [(u, i) for u in range(6) for i in range(8) if (u + i) % 3]
    table = "".join(f"{u},{i},{u + i + 1},{10 * u + i}\n" for u, i in rows)
    files = {
        "plays.csv": "user,item,n,when\n" + table,
        "dates.csv": "user,item,when\nann,x,2020-01-01\nann,y,nonsense\n",
        "names.csv": "user,item,name\nann,x,Ex\nann,y,\x1b[31mRed\nbob,x,곡\nbob,z,Zed\n",
        "곡.csv": "user,item\n민준,아이유\n",
        "empty.csv": "",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "folder").mkdir()
    for name, options in {"model": [], "names": ["--name-column", "name"]}.items():
        source = str(folder / f"{'plays' if name == 'model' else name}.csv")
        train = ["train", "--data", source, "--epochs", "1", "--quiet", *options]
        assert main([*train, "--save", str(folder / f"{name}.npz")]) == 0
    whole = (folder / "model.npz").read_bytes()
    (folder / "half.npz").write_bytes(whole[: len(whole) // 2])
    return folder


def command_line(rng):
    """A command that works, with up to three options more or, now and then, something odd."""
    command = rng.choices(list(COMMANDS), WEIGHTS)[0]
    base, options = COMMANDS[command]
    arguments = list(base) if rng.random() < 0.95 else rng.sample(base, len(base) // 2)
    for _ in range(rng.randrange(4)):
        names = options if options and rng.random() < 0.95 else ODD
        option = rng.choice(list(names))
        value = rng.choice(names[option])
        if option in arguments and rng.random() < 0.95:  # instead of it: twice would be refused
            place = arguments.index(option)
            del arguments[place : place + 1 + (value is not None)]
        if value is None:
            arguments.append(option)
        else:
            arguments += [f"{option}={value}"] if rng.random() < 0.2 else [option, value]
    return [command, *arguments]


def test_every_option_of_every_command_is_among_those_drawn():
    (subparsers,) = (a for a in build_parser()._actions if isinstance(a.choices, dict))
    assert set(subparsers.choices) == set(COMMANDS)
    for name, parser in subparsers.choices.items():
        base, options = COMMANDS[name]
        here = {option for option in parser._option_string_actions if option.startswith("--")}
        assert here - {"--help", "--debug"} <= {*base, *options}, name


def data_files(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def check(status, out, err, arguments):
    """Status, stdout and stderr fit together, and whoever reads them learns what is the matter."""
    assert not INTERNALS.search(err), err
    command, lines = arguments[0], err.splitlines()
    if status == 0:
        return
    if status == 2:
        assert out == "" and lines, err
        assert lines[0].startswith("usage: ") or len(lines) == 1, err
        return
    assert status == 1
    if command in ("gradcheck", "exercise", "hunt"):  # a wrong gradient, a blank, a hunt given up
        assert "WRONG" in out or "solved; wrote" in out or lines, err
        return
    assert lines[-1].startswith(f"{command}: ") and len(lines[-1]) > len(command) + 12, err


def check_result(arguments):
    """What a command that succeeded has written can be used."""
    values = {name: value for name, value in zip(arguments, arguments[1:])}
    values |= dict(argument.split("=", 1) for argument in arguments if "=" in argument)
    if arguments[0] == "train" and "--help" not in arguments:
        assert Recommender.load(values["--save"]).recommend([]).empty


@pytest.fixture
def no_network(monkeypatch):
    def refuse(name):
        raise OSError(f"cannot download {name}: this test is not connected")

    monkeypatch.setattr(data_options, "download", refuse)
    monkeypatch.setattr(data_options, "find_dataset", lambda name: None)
    monkeypatch.setattr(sys, "stdin", io.StringIO("l\nh\nnonsense\nlayers.py:1\n"))


@pytest.mark.parametrize("seed", range(20 * TIMES))
def test_any_argument_list_is_carried_out_or_refused_in_a_sentence(
    folder, no_network, monkeypatch, seed
):
    monkeypatch.chdir(folder)
    rng, before = random.Random(seed), data_files(folder)
    for _ in range(100):
        carry_out(command_line(rng))
        assert data_files(folder) == before


def carry_out(arguments):
    """main, in this process, with all of its output checked."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
        np.errstate(all="warn"),
    ):
        warnings.simplefilter("ignore", RuntimeWarning)  # of a learning rate of 1e38
        try:
            status = main(arguments)
        except SystemExit as stop:  # of argparse
            status = stop.code
    check(status, out.getvalue(), err.getvalue(), arguments)
    if status == 0:
        check_result(arguments)


def test_a_sample_of_them_in_processes_of_their_own(folder):
    """As above, through python -m, with what argv, the encoding and the exit status add."""
    rng, before = random.Random(-1), data_files(folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    environment["NCF_NUMPY_DATA"] = str(folder)
    statuses = []
    for _ in range(N_PROCESSES):
        arguments = command_line(rng)
        if not DOWNLOADED.isdisjoint(arguments):
            continue
        program = [sys.executable, "-W", "ignore::RuntimeWarning", "-m", "ncf_numpy", *arguments]
        done = subprocess.run(
            program, cwd=folder, env=environment, capture_output=True, stdin=subprocess.DEVNULL
        )
        out, err = (text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
        check(done.returncode, out, err, arguments)
        statuses.append(done.returncode)
    assert set(statuses) == {0, 1, 2}
    assert data_files(folder) == before
