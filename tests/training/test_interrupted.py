"""Interrupted, killed, or without a place to write to: one test for each way it once went wrong."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from stand_in_server import serving, whole

import ncf_numpy
from ncf_numpy import safe_file
from ncf_numpy import temporary_files as leftovers
from ncf_numpy.__main__ import main
from ncf_numpy.datasets import DATASETS, downloads, sample_lastfm
from ncf_numpy.datasets.catalogue import Dataset, Part
from ncf_numpy.recommender import recommender as recommender_module
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.safe_file import npz_of, read_file, write_file
from ncf_numpy.temporary_files import is_running
from ncf_numpy.training import trainer as training

ROOT = str(Path(ncf_numpy.__file__).parents[1])
GONE = 2**31 - 1  # no process has this number: Linux stops at 2**22, macOS at 99,998
TRAIN = ["train", "--dataset", "sample", "--model", "gmf", "--epochs", "1", "--save"]


def name_of_somebody_elses_part(place, process):
    return place.with_name(f".{place.name}.{process}-{process}.part")


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
    monkeypatch.setattr(safe_file.os, "replace", replace)
    path = tmp_path / "m.npz"
    assert main([*TRAIN, str(path), "--quiet"]) == 130
    assert f"interrupted: {path} keeps epoch 1, the last finished one" in capsys.readouterr().err
    assert len(Recommender.load(path).history) == 1
    path.unlink()
    assert main([*TRAIN[:4], "itemknn", "--save", str(path), "--quiet"]) == 0
    calls.clear()
    assert main([*TRAIN[:4], "itemknn", "--save", str(path), "--quiet"]) == 130
    assert capsys.readouterr().err == f"interrupted: {path} is saved\n"


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


def test_the_parts_of_killed_saves_piled_up(tmp_path):
    place = tmp_path / "m[1].npz"
    theirs = [name_of_somebody_elses_part(place, each) for each in (GONE, os.getppid())]
    other = [tmp_path / f".other.npz.{GONE}-1.part", tmp_path / f"m[1].npz.{GONE}-1.part"]
    for path in (*theirs, *other):
        path.write_bytes(b"half a file")
    write_file(place, "recommender", {}, {})
    assert sorted(tmp_path.iterdir()) == sorted([place, theirs[1], *other])


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot say which processes there are")
def test_a_process_is_known_to_run_or_not(monkeypatch):
    assert is_running(os.getpid()) and is_running(1)
    assert not is_running(GONE) and not is_running(10**30)

    def not_yours(*_):
        raise PermissionError

    monkeypatch.setattr(leftovers.os, "kill", not_yours)
    assert is_running(GONE)


def test_the_scratch_folders_of_killed_downloads_piled_up(plays_to_download, tmp_path, monkeypatch):
    scratch_folders = []
    monkeypatch.setattr(downloads, "check", lambda path, _: scratch_folders.append(path.parent))
    folder = tmp_path / "cache"
    killed = folder / f".download-{GONE}-abc_1"
    running = folder / f".download-{os.getppid()}-abc_1"
    for scratch in (killed, running):
        scratch.mkdir(parents=True)
        (scratch / "plays.csv").write_bytes(b"7,1")
    assert main(plays_to_download) == 0
    assert sorted(folder.iterdir()) == [running, folder / "plays.csv"]
    assert [scratch.name.split("-")[1] for scratch in scratch_folders] == [str(os.getpid())]
    killed.mkdir()
    assert main(plays_to_download) == 0  # though there is nothing left to fetch
    assert sorted(folder.iterdir()) == [running, folder / "plays.csv"]


def test_two_threads_that_saved_to_one_path_wrote_into_one_file(tmp_path, monkeypatch):
    path, fsync = tmp_path / "m.npz", os.fsync
    first_has_written, second_is_done = threading.Event(), threading.Event()

    def wait_for_the_second(descriptor):
        if threading.current_thread() is first:
            first_has_written.set()
            second_is_done.wait(60)
        fsync(descriptor)

    monkeypatch.setattr(safe_file.os, "fsync", wait_for_the_second)
    arrays = {"x": np.zeros(1000)}
    first = threading.Thread(target=write_file, args=(path, "recommender", {"by": 1}, arrays))
    first.start()
    assert first_has_written.wait(60)
    write_file(path, "recommender", {"by": 2}, {})
    assert read_file(path, "recommender")[0]["by"] == 2
    second_is_done.set()
    first.join()
    assert read_file(path, "recommender")[0]["by"] == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_saving_to_a_device_replaced_the_device(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="cannot save: name a file, this is none.*pipe"):
        write_file(tmp_path / "pipe", "recommender", {}, {})
    assert (tmp_path / "pipe").is_fifo()
    assert list(tmp_path.iterdir()) == [tmp_path / "pipe"]


def test_the_clearing_away_hid_why_a_save_had_failed(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "file" / "m.npz", tmp_path / ("x" * 300)):
        with pytest.raises(OSError, match=r"cannot save \(.*or save to another place") as error:
            write_file(place, "recommender", {}, {})
        assert error.value.filename == str(place)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["folder"], "cannot save folder: this is a folder, name a file in it"),
        (["m.npz", "--log", "no/log.csv"], "cannot save no/log.csv: there is no folder"),
        (["m.npz", "--log", "folder"], "cannot save folder: this is a folder"),
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


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_full_disk_under_the_log_was_not_named(tmp_path, capsys):
    path = tmp_path / "m.npz"
    assert main([*TRAIN, str(path), "--quiet", "--log", "/dev/full"]) == 1
    said = capsys.readouterr().err
    assert said == "train: /dev/full: cannot write the log (No space left on device)\n"
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

    save = recommender_module.save_checkpoint
    monkeypatch.setattr(recommender_module, "save_checkpoint", save_first)
    monkeypatch.setattr("ncf_numpy.training.checkpoint.read_file", read_torn)
    recommender = Recommender("gmf", epochs=3)
    with pytest.raises(KeyboardInterrupt):
        recommender.fit(sample_lastfm()[0], checkpoint=tmp_path / "c")
    assert recommender.model is None  # rather than weights of epoch 1 under a history of two
    monkeypatch.undo()
    recommender.fit(sample_lastfm()[0], checkpoint=tmp_path / "c", resume=True)
    assert len(recommender.history) == 3
