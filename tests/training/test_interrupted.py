"""Interrupted, killed, or without a place to write to: one test for each way it once went wrong."""

import errno
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from stand_in_server import serving, whole

import ncf_numpy
from ncf_numpy import safe_file
from ncf_numpy.__main__ import main
from ncf_numpy.data import whole_file
from ncf_numpy.datasets import DATASETS, downloads, sample_lastfm
from ncf_numpy.datasets.dataset import Dataset, Part
from ncf_numpy.recommender import fitting as fitting_module
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.safe_file import npz_of
from ncf_numpy.training import trainer as training

ROOT = str(Path(ncf_numpy.__file__).parents[1])
TRAIN = ["train", "--dataset", "sample", "--model", "gmf", "--epochs", "1", "--save"]


@pytest.fixture
def sigterm(monkeypatch):
    """sigterm() is the signal; a command that does not take it fails, and pytest lives."""

    def refuse(*_):
        raise AssertionError("SIGTERM would have killed the command")

    before = signal.signal(signal.SIGTERM, refuse)
    yield lambda *_, **__: signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is refuse
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def plays_to_download(monkeypatch, tmp_path):
    """The arguments that download a data set called plays from a server that has it."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    part = Part("https://host.example/data/plays.csv")
    monkeypatch.setitem(DATASETS, "plays", Dataset("plays", "Plays", "none", (part,)))
    with serving() as server:
        server.replies["/data/plays.csv"] = [whole(b"7,1,30\n")]
        folder = str(tmp_path / "cache")
        yield ["download", "plays", "--quiet", "--folder", folder, "--base-url", server.url]


def test_sigterm_killed_an_evaluation_without_a_word(monkeypatch, capsys, sigterm):
    monkeypatch.setattr(training, "train_step", sigterm)
    assert main(["evaluate", "--dataset", "sample", "--quiet"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_sigterm_left_the_scratch_folder_of_a_download(
    plays_to_download, monkeypatch, tmp_path, sigterm
):
    monkeypatch.setattr(downloads, "check", sigterm)
    assert main(plays_to_download) == 130
    assert list(tmp_path.iterdir()) == []


def test_sigterm_while_the_trained_model_was_saved_lost_it(monkeypatch, tmp_path, capsys, sigterm):
    calls = []

    def replace(part, place):
        if place.name == "m.npz" and not calls:
            calls.append(place)
            sigterm()
        return os_replace(part, place)

    os_replace = os.replace
    monkeypatch.setattr(whole_file.os, "replace", replace)
    path = tmp_path / "m.npz"
    assert main([*TRAIN, str(path), "--quiet"]) == 130
    assert f"interrupted: {path} keeps epoch 1, the last finished one" in capsys.readouterr().err
    assert len(Recommender.load(path).history) == 1
    path.unlink()
    assert main([*TRAIN[:4], "itemknn", "--save", str(path), "--quiet"]) == 0
    calls.clear()
    assert main([*TRAIN[:4], "itemknn", "--save", str(path), "--quiet"]) == 130
    assert capsys.readouterr().err == f"interrupted: {path} is saved\n"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP on this system")
@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM"])
def test_the_same_signal_from_the_shell_stopped_the_saving_of_what_was_interrupted(
    monkeypatch, tmp_path, capsys, sigterm, name
):
    number = getattr(signal, name)
    before = signal.signal(number, signal.getsignal(signal.SIGTERM))  # which pytest survives

    def run_epoch(trainer):
        if trainer.epoch == 2:
            signal.raise_signal(number)
        return one_epoch(trainer)

    def save(recommender, path):
        signal.raise_signal(number)
        save_whole(recommender, path)

    one_epoch, save_whole = training.Trainer.run_epoch, Recommender.save
    monkeypatch.setattr(training.Trainer, "run_epoch", run_epoch)
    monkeypatch.setattr(Recommender, "save", save)
    path = tmp_path / "m.npz"
    try:
        assert main(["5" if word == "1" else word for word in TRAIN] + [str(path)]) == 130
    finally:
        signal.signal(number, before)
    assert f"interrupted: {path} keeps epoch 2" in capsys.readouterr().err
    assert len(Recommender.load(path).history) == 2


def test_interrupted_after_the_last_epoch_it_said_that_there_was_nothing(
    monkeypatch, tmp_path, capsys
):
    def interrupt(trainer):
        raise KeyboardInterrupt

    monkeypatch.setattr(training.Trainer, "restore_best", interrupt)
    path = tmp_path / "m.npz"
    assert main([*TRAIN, str(path), "--quiet"]) == 130
    assert capsys.readouterr().err == (
        "interrupted: nothing new is saved; the same command with --resume goes on from "
        f"{path}.checkpoint\n"
    )
    monkeypatch.undo()
    assert main([*TRAIN, str(path), "--quiet", "--resume"]) == 0


def test_ctrl_c_while_arrays_were_packed_became_a_value_error_of_zipfile(monkeypatch):
    def torn(archive, *_, **__):
        archive._writing = True  # as an interruption between two lines of zipfile leaves it
        raise KeyboardInterrupt

    monkeypatch.setattr(safe_file.zipfile.ZipFile, "_open_to_write", torn)
    with pytest.raises(KeyboardInterrupt):
        npz_of({"x": np.zeros(3)})


def test_what_is_packed_is_what_numpy_reads(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3).T, "b": np.array([], np.uint8)}
    (tmp_path / "a.npz").write_bytes(npz_of(arrays))
    with np.load(tmp_path / "a.npz") as archive:
        assert archive.files == ["a", "b"]
        for name, array in arrays.items():
            np.testing.assert_array_equal(archive[name], array, strict=True)


@pytest.mark.skipif(os.name == "nt", reason="no locks of POSIX")
def test_the_scratch_files_of_killed_downloads_piled_up(plays_to_download, tmp_path):
    folder = tmp_path / "cache"
    folder.mkdir()
    left = folder / f".ncf_numpy-{'0' * 32}.part"
    for _ in range(2):  # the second time there is nothing left to fetch
        left.write_bytes(b"7,1")
        assert main(plays_to_download) == 0
        assert list(folder.iterdir()) == [folder / "plays.csv"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["folder"], "folder: cannot save: this is a folder"),
        (["m.npz", "--log", "no/log.csv"], "cannot save no/log.csv: there is no folder"),
        (["m.npz", "--log", "folder"], "folder: cannot save: this is a folder"),
    ],
)
def test_a_place_that_cannot_be_was_found_out_after_the_training(
    tmp_path, monkeypatch, capsys, options, message
):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    monkeypatch.setattr(training, "train_step", None)
    assert main([*TRAIN, *options]) == 1
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_disk_that_is_full_when_the_log_is_written_was_not_named(tmp_path, monkeypatch, capsys):
    path, log = tmp_path / "m.npz", tmp_path / "log.csv"

    def full(path, content):
        raise OSError(errno.ENOSPC, "cannot save (No space left on device)", str(path))

    monkeypatch.setattr("ncf_numpy.commands.train.write_whole", full)
    assert main([*TRAIN, str(path), "--quiet", "--log", str(log)]) == 1
    assert capsys.readouterr().err == f"train: {log}: cannot save (No space left on device)\n"
    assert Path(f"{path}.checkpoint").exists()
    assert main([*TRAIN, str(path), "--quiet", "--resume"]) == 0


@pytest.mark.skipif(os.name == "nt", reason="no SIGPIPE on Windows")
def test_a_training_whose_reader_went_away_ended_as_if_it_had_succeeded(tmp_path):
    listen, speak = os.pipe()
    os.close(listen)
    path = tmp_path / "m.npz"
    done = subprocess.run(
        [sys.executable, "-m", "ncf_numpy", *TRAIN, str(path)],
        env={**os.environ, "PYTHONPATH": ROOT, "OPENBLAS_NUM_THREADS": "1"},
        stderr=speak,
        stdout=subprocess.PIPE,
    )
    os.close(speak)
    assert (done.returncode, done.stdout) == (0, b"")
    assert len(Recommender.load(path).history) == 1


def test_ctrl_c_twice_left_a_model_half_of_one_epoch_and_half_of_another(monkeypatch, tmp_path):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    class Torn(dict):  # a checkpoint whose loading is interrupted when some arrays are copied
        def __getitem__(self, name):
            return interrupt() if name == "rows.m" else super().__getitem__(name)

    def read_torn(*arguments):
        header, arrays = safe_file.read_file(*arguments)
        return header, Torn(arrays)

    def save_first(path, trainer, settings):
        return save(path, trainer, settings) if trainer.epoch == 1 else interrupt()

    save = fitting_module.save_checkpoint
    monkeypatch.setattr(fitting_module, "save_checkpoint", save_first)
    monkeypatch.setattr("ncf_numpy.training.checkpoint.read_file", read_torn)
    recommender = Recommender("gmf", epochs=3)
    with pytest.raises(KeyboardInterrupt):
        recommender.fit(sample_lastfm()[0], checkpoint=tmp_path / "c")
    assert recommender.model is None  # rather than weights of epoch 1 under a history of two
    monkeypatch.undo()
    recommender.fit(sample_lastfm()[0], checkpoint=tmp_path / "c", resume=True)
    assert len(recommender.history) == 3


def test_ctrl_c_within_the_callback_of_a_weak_set_was_swallowed(tmp_path):
    entered, before = set(), sys.gettrace()

    def trace(frame, event, _):
        entered.add(Path(frame.f_code.co_filename).name)

    gc.collect()  # what others have left, so that it does not end meanwhile
    sys.settrace(trace)
    try:
        assert main([*TRAIN, str(tmp_path / "m.npz"), "--quiet"]) == 0
        gc.collect()
    finally:
        sys.settrace(before)
    assert {"row_adam.py", "safe_file.py"} <= entered
    assert not {"_weakrefset.py", "weakref.py"} & entered
