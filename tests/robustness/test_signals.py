"""SIGINT and SIGTERM at any line: one sentence, status 130, and training goes on from the disk."""

import hashlib
import io
import os
import re
import signal
import time
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from processes import PACKAGE, Lines, command, forked, in_new_process, main, moments
from stand_in_server import hanging, serving, whole

from ncf_numpy.datasets import DATASETS
from ncf_numpy.datasets.dataset import Dataset, Part
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.safe_file import read_file

pytestmark = [
    pytest.mark.robustness,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
]
SIGNALS = [signal.SIGINT, signal.SIGTERM]
SECONDS = ["train_seconds", "evaluate_seconds"]
EPOCHS = 3
# What Python's own objects say if they are interrupted before they have been set up.
HALF_MADE = r"Exception ignored in: <(function ZipFile.__del__|http.client.HTTPResponse) .*\n"
COMPLAINT = HALF_MADE + r"(  .*\n|Traceback.*\n)*AttributeError: .*\n"


def checkerboard(path):
    """40 users x 30 items in one CSV: 600 pairs, 12 steps an epoch."""
    rows = [f"{u},{i}\n" for u in range(40) for i in range(30) if (u + i) % 2]
    path.write_text("user,item\n" + "".join(rows), encoding="utf-8")


def training(folder, epochs=EPOCHS, model="neumf", seed=0):
    """The arguments of a small training in folder, which writes folder/m.npz."""
    text = f"train --quiet --validation --model {model} --factors 4 --layers 8,4 --epochs {epochs}"
    places = ["--data", folder / "plays.csv", "--save", folder / "m.npz"]
    return [*map(str, [*text.split(), "--seed", seed, *places])]


def content(path):
    """What a saved model says, as one text: all but how long its training took."""
    header, arrays = read_file(path, "recommender")
    Recommender.load(path)
    for row in header["history"]:
        for name in SECONDS:
            row.pop(name)
    header["settings"].pop("epochs")
    header.pop("report")  # which is made after the last epoch: an interruption may come before it
    sums = {name: hashlib.sha256(array).hexdigest() for name, array in arrays.items()}
    return repr(sorted({**header, **sums}.items()))


def states(folder):
    """The contents of m.npz after each number of epochs, 0 being another model; and its bytes."""
    assert main(training(folder, 1, seed=9)) == 0
    old = (folder / "m.npz").read_bytes()
    found = [content(folder / "m.npz")]
    for epochs in range(1, EPOCHS + 1):
        assert main(training(folder, epochs)) == 0
        found.append(content(folder / "m.npz"))
    assert len(set(found)) == EPOCHS + 1
    return found, old


def interrupt_training(folder, n, how):
    """n trials per phase and signal; -> how often which phase was hit, and which state was left.

    how: "once", "twice", the second time within some milliseconds, or "killed" with kill -9.
    """
    folder, rng = Path(folder), np.random.default_rng(0)
    checkerboard(folder / "plays.csv")
    known, old = states(folder)
    model, checkpoint = folder / "m.npz", folder / "m.npz.checkpoint"
    lines = Lines()
    model.write_bytes(old)
    checkpoint.unlink(missing_ok=True)  # as before each trial, or there are more lines than then
    assert lines.main(*training(folder)) == 0
    tally = Counter()
    for line in moments(lines.phases, n * 2, rng):
        model.write_bytes(old)
        checkpoint.unlink(missing_ok=True)
        number = signal.SIGKILL if how == "killed" else SIGNALS[tally["trials"] % 2]
        again = 10 ** rng.uniform(-4.5, -2) if how == "twice" else None
        status, text = forked(Lines(line, number, again).main, *training(folder))
        said = (line, status, text)
        left = known.index(content(model))
        parts = [path.name for path in folder.glob(".*")]
        if how == "once":
            assert status == 130 and re.fullmatch("interrupted.*\n", text), said
            assert left == 0 or f"keeps epoch {left}, the last" in text, said
            assert parts == []
        if how == "killed":
            assert (status, text) == (-signal.SIGKILL, "") and len(parts) <= 1, said
        resume = ["--resume"] if checkpoint.exists() else []
        assert main([*training(folder), *resume]) == 0
        assert content(model) == known[-1], said
        assert len(list(folder.iterdir())) == 3, "what a killed save left is still there"
        tally += Counter(
            ["trials", lines.phases[line], f"epoch {left}"] + ["resumed"] * len(resume)
        )
        tally["half a file"] += len(parts)
    return tally


@pytest.mark.parametrize("how", ["once", "twice", "killed"])
def test_a_training_interrupted_at_any_line_goes_on_to_the_same_weights(tmp_path, how, capsys):
    tally = in_new_process("test_signals.interrupt_training", str(tmp_path), 10, how)
    with capsys.disabled():
        print(f"\ntraining interrupted ({how}): {tally}")
    assert tally["trials"] == 5 * 2 * 10
    assert min(tally["epoch 0"], tally["resumed"]) > 0
    assert how == "killed" or min(tally["epoch 1"], tally["epoch 2"]) > 0


def interrupt(folder, arguments, n):
    """n trials per phase and signal of a command that leaves nothing; -> which phases were hit."""
    folder, rng, tally = Path(folder), np.random.default_rng(0), Counter()
    checkerboard(folder / "plays.csv")
    before = sorted(folder.rglob("*"))
    assert main(arguments) == 0
    lines = Lines()
    lines.main(*arguments)
    for line in moments(lines.phases, n * len(SIGNALS), rng):
        number = SIGNALS[sum(tally.values()) % 2]
        status, text = forked(Lines(line, number).main, *arguments)
        assert (status, text.splitlines()[-1:]) == (130, ["interrupted"]), (line, status, text)
        assert "Traceback" not in text and sorted(folder.rglob("*")) == before
        tally[lines.phases[line]] += 1
    return tally


@pytest.mark.parametrize(
    "text",
    [
        "evaluate --quiet --model gmf itemknn --factors 4 --epochs 2",
        "pretrain --quiet --factors 4 --layers 8,4 --epochs 1 --fine-tune-epochs 1",
    ],
)
def test_a_measuring_command_interrupted_at_any_line_says_so(tmp_path, text, capsys):
    arguments = [*text.split(), "--data", str(tmp_path / "plays.csv")]
    tally = in_new_process("test_signals.interrupt", str(tmp_path), arguments, 5)
    with capsys.disabled():
        print(f"\n{arguments[0]} interrupted: {tally}")
    assert {"sampling", "training", "evaluation"} <= set(tally)


def plays_archive():
    """A data set of two files in a zip, and the zip."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name in ("in/plays.csv", "in/names.csv"):
            archive.writestr(zipfile.ZipInfo(name), b"1,2\n" * 100_000)
    part = Part(
        "https://host.example/data/plays.zip",
        checksum="sha256:" + hashlib.sha256(body.getvalue()).hexdigest(),
        members=(Part("in/plays.csv"), Part("in/names.csv")),
    )
    return Dataset("plays", "Plays", "none", (part,)), body.getvalue()


def interrupt_download(folder, url, n):
    """n trials per signal; -> in which phase of the download, and what was left of two files."""
    folder, rng, tally = Path(folder) / "cache", np.random.default_rng(0), Counter()
    DATASETS["plays"] = plays_archive()[0]
    arguments = ["download", "plays", "--folder", str(folder), "--base-url", url, "--quiet"]

    def fresh():
        for path in folder.glob("*"):
            path.unlink()
        folder.exists() and folder.rmdir()

    assert main(arguments) == 0
    fresh()
    lines = Lines()
    lines.main(*arguments)
    for line in moments(lines.phases, n * len(SIGNALS), rng):
        fresh()
        number = SIGNALS[line % 2]
        status, text = forked(Lines(line, number).main, *arguments)
        if status == 0:  # the network was quicker than when its lines were counted
            continue
        said, n_complaints = re.subn(COMPLAINT, "", text.removeprefix(f"{folder}\n"))
        assert (status, said) == (130, "interrupted\n"), (line, status, text)
        left = sorted(path.name for path in folder.glob("[!.]*"))
        assert {*left} <= {"names.csv", "plays.csv"}, (line, left)
        assert all((folder / name).stat().st_size == 400_000 for name in left)
        tally[f"{lines.phases[line]}, {len(left)} files left"] += 1
        tally["complaints of Python"] += n_complaints
        tally["scratch folders left"] += len(list(folder.glob(".*")))
        assert forked(main, arguments).status == 0
        assert sorted(path.name for path in folder.iterdir()) == ["names.csv", "plays.csv"]
    return tally


def test_a_download_interrupted_at_any_line_leaves_nothing_half_done(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as server:
        server.replies["/data/plays.zip"] = [whole(plays_archive()[1])]
        url = server.url
        tally = in_new_process("test_signals.interrupt_download", str(tmp_path), url, 40)
    with capsys.disabled():
        print(f"\ndownload interrupted: {tally}")
    assert tally["downloading, 0 files left"] > 50


def wait_for(child, sign):
    """Read what a command writes to stderr up to a line that has this in it."""
    for line in child.stderr:
        if sign in line:
            return
    raise AssertionError(f"{sign!r} never came")


def end(child, number):
    """Send the signal; -> the status, and what the command then wrote to stderr."""
    child.send_signal(number)
    _, text = child.communicate(timeout=600)
    return child.returncode, text


@pytest.mark.parametrize("number", SIGNALS, ids=["SIGINT", "SIGTERM"])
def test_the_real_training_at_random_moments(tmp_path, number):
    rng = np.random.default_rng(number)
    checkerboard(tmp_path / "plays.csv")
    arguments = training(tmp_path, 60)
    arguments.remove("--quiet")
    child = command(*arguments)
    assert child.communicate(timeout=600) and child.returncode == 0
    straight = content(tmp_path / "m.npz")
    for _ in range(3):
        for path in tmp_path.glob("m.*"):
            path.unlink()
        child = command(*arguments)
        wait_for(child, f"epoch {2 * rng.integers(1, 15)}/60")  # of 60 every second is shown
        time.sleep(rng.uniform(0, 0.02))
        status, text = end(child, number)
        text = re.sub(COMPLAINT, "", text)
        said = text.splitlines()[-1]
        assert status == 130 and "Traceback" not in text, text
        kept = len(Recommender.load(tmp_path / "m.npz").history)
        assert said.startswith(f"interrupted: {tmp_path / 'm.npz'} keeps epoch {kept}, the last")
        assert sorted(path.suffix for path in tmp_path.glob("*")) == [".checkpoint", ".csv", ".npz"]
        child = command(*arguments, "--resume")
        assert child.communicate(timeout=600)[1].startswith("Inter") and child.returncode == 0
        assert content(tmp_path / "m.npz") == straight


@pytest.mark.parametrize("number", SIGNALS, ids=["SIGINT", "SIGTERM"])
def test_the_real_download_from_a_server_that_hangs(tmp_path, monkeypatch, number):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "cache"
    with serving() as server:
        server.replies["/datasets/movielens/ml-1m.zip"] = [hanging(bytes(10_000))]
        arguments = ["download", "ml-1m", "--folder", folder, "--base-url", server.url]
        child = command(*arguments)
        wait_for(child, "MovieLens 1M")
        while not server.requests:
            time.sleep(0.01)
        status, text = end(child, number)
    assert (status, text.splitlines()[-1]) == (130, "interrupted")
    assert "Traceback" not in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", SIGNALS, ids=["SIGINT", "SIGTERM"])
def test_the_example(number):
    example = PACKAGE.parent / "examples" / "train_lastfm.py"
    run = f"import runpy; runpy.run_path({str(example)!r}, run_name='__main__')"
    child = command("--dataset", "sample", "--model", "neumf", code=run)
    for line in child.stdout:
        if line.startswith("training neumf"):
            break
    time.sleep(0.5)
    assert end(child, number) == (130, "interrupted\n")
