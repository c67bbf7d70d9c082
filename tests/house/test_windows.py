"""What would stop it on Windows and macOS, as far as that shows on another system.

docs/project/platforms.md says what is played here, and what nobody has run.
"""

import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import windows

import ncf_numpy
from ncf_numpy.__main__ import COMMANDS

ROOT = Path(ncf_numpy.__file__).parents[1]
CONSOLES = "cp949", "cp437"
PLAYS = "listener,artist\n" + "".join(
    f"{who},{what}\n"
    for who in ("민준", "서연", "José", "ann")
    for what in ("아이유", "뉴진스", "Sigur Rós", "Björk")
    if (who, what) != ("민준", "뉴진스")
)
TRAIN = "train --data plays.csv --user-column listener --item-column artist --epochs 1 --save m.npz"
# Each command with its exit status; what each prints goes to a console that knows few characters.
RUNS = [
    (0, "step --no-pause"),
    (0, "step --html step.html --json step.json"),
    (0, "exercise"),
    (1, "exercise 1 --hint 3"),
    (1, "exercise --report report.json"),
    (1, "hunt 2"),
    (1, "gradcheck --bug dropped-repeats"),
    (0, f"{TRAIN} --model neumf --log log.csv"),
    (0, f"{TRAIN} --model neumf --log log.csv --resume"),
    (0, "recommend m.npz --user 민준"),
    (1, "recommend m.npz --user 지우"),
    (0, "recommend m.npz --all --csv all.csv"),
    (0, "similar m.npz --item 아이유"),
    (0, "vectors m.npz --users users.csv"),
    (0, "evaluate --dataset sample --model popularity"),
    (
        0,
        "pretrain --dataset sample --epochs 1 --fine-tune-epochs 1 --factors 2 --layers 4,2",
    ),
    (0, "download"),
    (0, "version"),
]


def environment(folder, console="utf-8"):
    """As on Windows: the console's own encoding, and `windows.pretend` in every process."""
    (folder / "sitecustomize.py").write_text(
        "import windows\nwindows.pretend()\n", encoding="utf-8"
    )
    paths = [folder, Path(windows.__file__).parent, ROOT]
    own = {"PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONIOENCODING": console}
    return {**os.environ, **own, "PYTHONUTF8": "0", "OPENBLAS_NUM_THREADS": "1"}


def escapes(text):
    r"""What stands for a character that a console does not know: {"\\xe9", "\\u2713"}."""
    return set(re.findall(r"\\(?:x..|u.{4}|U.{8})", text))


@pytest.fixture
def windows_folder(tmp_path):
    """A folder with PLAYS; Python that is started in `environment` of it runs as on Windows."""
    (tmp_path / "plays.csv").write_text(PLAYS, encoding="utf-8")
    return tmp_path


def python(folder, *arguments, console="utf-8"):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(folder, console),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
    )


def test_every_command_is_run_here():
    names = {command.__name__.rsplit(".", 1)[1] for command in COMMANDS}
    assert {line.split()[0] for _, line in RUNS} | {"playground"} == names


@pytest.mark.robustness
@pytest.mark.parametrize("console", CONSOLES)
def test_every_command_prints_to_a_console_that_knows_few_characters(windows_folder, console):
    given = f"{PLAYS} {RUNS}"
    names = escapes(given.encode(console, "backslashreplace").decode(console))
    for status, line in RUNS:
        done = python(windows_folder, "-m", "ncf_numpy", *line.split(), console=console)
        text = (done.stdout + done.stderr).decode(console)
        assert done.returncode == status and "Traceback" not in text, f"{line}\n{text}"
        assert escapes(text) <= names, line
    left = {path.name for path in windows_folder.iterdir() if path.name.endswith(".part")}
    assert not left


def test_every_module_is_imported_without_what_only_posix_has(windows_folder):
    code = (
        "import importlib, pkgutil, ncf_numpy\n"
        "for module in pkgutil.walk_packages(ncf_numpy.__path__, 'ncf_numpy.'):\n"
        "    if not module.name.startswith(('ncf_numpy.__main__', 'ncf_numpy.to_torch.models')):\n"
        "        print(importlib.import_module(module.name).__name__)\n"
        "from ncf_numpy.data import whole_file\n"
        "assert whole_file.fcntl is None and whole_file.os.name == 'nt'\n"
    )
    done = python(windows_folder, "-c", code)
    assert done.returncode == 0, done.stderr.decode()
    assert len(done.stdout.split()) > 80


def test_a_file_that_another_program_has_open_cannot_be_replaced(windows_folder):
    code = (
        "from ncf_numpy import Recommender\n"
        "import pandas as pd\n"
        "recommender = Recommender('popularity').fit(pd.DataFrame({'user': [1, 2], 'item': 'a'}))\n"
        "recommender.save('m.npz')\n"
        "before = open('m.npz', 'rb').read()\n"
        "with open('m.npz', 'rb') as held:\n"
        "    try:\n"
        "        recommender.save('m.npz')\n"
        "    except OSError as error:\n"
        "        print(error)\n"
        "assert open('m.npz', 'rb').read() == before\n"
        "recommender.save('m.npz')\n"
        "Recommender.load('m.npz')\n"
    )
    done = python(windows_folder, "-W", "ignore", "-c", code)
    assert done.returncode == 0, done.stderr.decode()
    assert "m.npz" in done.stdout.decode() and "Access is denied" in done.stdout.decode()
    assert not list(windows_folder.glob(".ncf_numpy*"))


def test_the_playground_ends_a_loop_without_signals(windows_folder):
    code = (
        "from ncf_numpy.learn.playground.workshop import Workshop\n"
        "text = 'def backward(self, dy):\\n    {}return dy * (self.x > 0)\\n'\n"
        "with Workshop(seconds=2) as workshop:\n"
        "    for line in ('', 'while True: pass\\n    ', ''):\n"
        "        edit = {'ReLU.backward': text.format(line)}\n"
        "        print(workshop.ask({'edits': edit})['error'])\n"
    )
    done = python(windows_folder, "-c", code)
    assert done.returncode == 0, done.stderr.decode()
    first, second, third = done.stdout.decode().splitlines()
    assert first == third == "None" and "the time is up" in second


def test_no_file_has_a_name_that_windows_or_macos_refuses_or_confuses():
    names = [path.relative_to(ROOT).as_posix() for path in files_of_the_project()]
    for name in names:
        assert not re.search(r'[<>:"|?*\\\\]|[ .](/|$)', name), name
        assert not re.search(r"(^|/)(con|prn|aux|nul|(com|lpt)\d)(\.|/|$)", name, re.I), name
        assert len(name) < 120 and unicodedata.is_normalized("NFC", name), name
    assert len({name.casefold() for name in names}) == len(names) > 300


def files_of_the_project():
    for folder in ("ncf_numpy", "tests", "docs", "examples", "tools", "benchmarks"):
        for path in (ROOT / folder).rglob("*"):
            if "__pycache__" not in path.parts:
                yield path


def test_the_pretence_is_noticed(windows_folder):
    refused = {
        "import fcntl": "No module named 'fcntl'",
        "from os import fork": "cannot import name 'fork'",
        "import signal; signal.SIGKILL": "no attribute 'SIGKILL'",
        "import os; held = open('held', 'w'); os.replace('plays.csv', 'held')": "Access is denied",
        "import os; held = open('held'); os.remove('held')": "Access is denied",
    }
    code = (
        f"for line in {list(refused)!r}:\n"
        "    try:\n        exec(line)\n"
        "    except Exception as error:\n        print(error)\n"
    )
    (windows_folder / "ncf_numpy.py").write_text(code, encoding="utf-8")  # by name, the package
    done = python(windows_folder, "-c", "import ncf_numpy")
    for error, line in zip(refused.values(), done.stdout.decode().splitlines(), strict=True):
        assert error in line
