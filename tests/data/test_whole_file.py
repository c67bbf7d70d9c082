"""Whole files beside other writers: one test for each way in which a save once went wrong."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import ncf_numpy
from ncf_numpy.data import whole_file
from ncf_numpy.data.whole_file import DAY, PART, move, part_file, remove_stale, write_whole
from ncf_numpy.safe_file import read_file, write_file

ROOT = str(Path(ncf_numpy.__file__).parents[1])
NAME = ".ncf_numpy-{}.part".format
posix = pytest.mark.skipif(os.name == "nt", reason="no locks and permissions of POSIX")

# As in two containers: each process believes that it is number 7 and its thread number 7.
SAVES = """
import os, sys, threading
os.getpid = threading.get_native_id = lambda: 7
import numpy as np
from ncf_numpy.safe_file import write_file
path, by, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sys.stdin.readline()
for number in range(n):
    write_file(path, "recommender", {"by": by}, {"x": np.full(20_000, by)})
"""


def savers(path, n, prefix=()):
    """Two processes that save n times to one path once a line is written to them."""
    return [
        subprocess.Popen(
            [*prefix, sys.executable, "-c", SAVES, str(path), str(by), str(n)],
            env={**os.environ, "PYTHONPATH": ROOT, "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for by in (1, 2)
    ]


def read_throughout(path, processes):
    """Read the file until both have ended; -> how often, and by whom it was."""
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    seen = []
    while any(process.poll() is None for process in processes):
        header, arrays = read_file(path, "recommender")
        assert (arrays["x"] == header["by"]).all()
        seen.append(header["by"])
    for process in processes:
        _, said = process.communicate()
        assert (process.returncode, said) == (0, "")
    return seen


@posix
@pytest.mark.parametrize("how", ["stand-in", "namespaces"])
def test_two_containers_with_one_volume_wrote_into_each_others_file(tmp_path, how):
    prefix = ()
    if how == "namespaces":
        prefix = ("unshare", "--pid", "--fork", "--mount-proc")
        if (
            not shutil.which("unshare")
            or subprocess.run([*prefix, "true"], capture_output=True).returncode
        ):
            pytest.skip("no PID namespaces to be had")  # fmt: skip
    path = tmp_path / "m.npz"
    write_file(path, "recommender", {"by": 0}, {"x": np.zeros(20_000)})
    seen = read_throughout(path, savers(path, 200, prefix))
    assert len(seen) > 20 and {1, 2} <= set(seen)
    assert list(tmp_path.iterdir()) == [path]


def test_the_name_of_a_part_could_be_guessed_and_a_link_planted_there(tmp_path, monkeypatch):
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    tokens = iter(["0" * 32, "1" * 32])
    monkeypatch.setattr(whole_file.secrets, "token_hex", lambda _: next(tokens))
    (tmp_path / NAME("0" * 32)).symlink_to(precious)  # by somebody who guesses well
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "m.npz", b"secret")
    assert precious.read_bytes() == b"mine"
    write_whole(tmp_path / "m.npz", b"secret")
    assert precious.read_bytes() == b"mine"
    monkeypatch.undo()
    names = set()
    for _ in range(100):
        with part_file(tmp_path) as part:
            names.add(part.name)
    assert len(names) == 100 and all(PART.fullmatch(Path(name).name) for name in names)


@posix
def test_the_part_of_a_living_process_was_deleted_as_a_leftover(tmp_path):
    place = tmp_path / "m.npz"
    with part_file(tmp_path) as part:
        os.utime(part.name, (0, 0))
        remove_stale(tmp_path)
        write_whole(place, b"theirs")
        assert Path(part.name).exists()
        part.write(b"ours")
        move(part, place)
    assert place.read_bytes() == b"ours"
    assert list(tmp_path.iterdir()) == [place]


@posix
def test_the_parts_of_killed_saves_piled_up(tmp_path):
    left, folder, link = (tmp_path / NAME(digit * 32) for digit in "123")
    other = tmp_path / ".other.part"
    precious = tmp_path / "precious"
    for path in (left, other, precious):
        path.write_bytes(b"half a file")
    folder.mkdir()
    link.symlink_to(precious)
    write_whole(tmp_path / "m.npz", b"whole")
    assert not left.exists()
    assert {folder, link, other, precious} < set(tmp_path.iterdir())


def test_without_locks_only_an_old_part_counts_as_left(tmp_path, monkeypatch):
    monkeypatch.setattr(whole_file, "fcntl", None)
    new, old = tmp_path / NAME("a" * 32), tmp_path / NAME("b" * 32)
    for path in (new, old):
        path.write_bytes(b"half a file")
    written = new.stat().st_mtime - DAY - 1
    os.utime(old, (written, written))
    write_whole(tmp_path / "m.npz", b"whole")
    assert sorted(tmp_path.iterdir()) == sorted([new, tmp_path / "m.npz"])


@posix
@pytest.mark.parametrize("moment", ["before it is locked", "as it is locked"])
def test_a_part_that_is_taken_for_a_leftover_is_written_anew(tmp_path, monkeypatch, moment):
    descriptors = []

    def lock(descriptor):
        descriptors.append(descriptor)
        if len(descriptors) > 1:
            return True
        (part,) = tmp_path.iterdir()
        part.unlink()
        return moment == "before it is locked"

    monkeypatch.setattr(whole_file, "_lock", lock)
    write_whole(tmp_path / "m.npz", b"whole")
    assert len(descriptors) == 2
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"whole"]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_save_over_a_private_file_made_it_readable_for_all(tmp_path, monkeypatch, mode):
    place, modes = tmp_path / "m.npz", []
    replace = os.replace

    def watched(part, place):
        modes.append(os.stat(part).st_mode & 0o777)
        replace(part, place)

    monkeypatch.setattr(whole_file.os, "replace", watched)
    place.write_bytes(b"old")
    place.chmod(mode)
    write_whole(place, b"new")
    assert modes == [mode] and place.stat().st_mode & 0o777 == mode
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "new", b"new")
        write_whole(place, b"newer")
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640
    assert place.stat().st_mode & 0o777 == mode


@posix
def test_while_it_is_written_a_private_file_is_private(tmp_path):
    place = tmp_path / "m.npz"
    place.write_bytes(b"old")
    place.chmod(0o600)
    with part_file(tmp_path, whole_file.PRIVATE) as part:
        assert os.stat(part.name).st_mode & 0o777 == 0o600


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give")
def test_root_saves_over_somebodys_file_and_it_stays_theirs(tmp_path):
    place = tmp_path / "m.npz"
    place.write_bytes(b"old")
    os.chown(place, 1234, 5678)
    place.chmod(0o640)
    write_whole(place, b"new")
    found = place.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (1234, 5678, 0o640)


@posix
def test_where_the_group_cannot_be_kept_the_new_group_may_not_read(tmp_path, monkeypatch):
    asked = []

    def refuse(_, owner, group):
        asked.append((owner, group))
        raise PermissionError

    monkeypatch.setattr(whole_file.os, "fchown", refuse)
    theirs = SimpleNamespace(st_mode=0o100664, st_uid=4321, st_gid=8765)
    with part_file(tmp_path) as part:
        whole_file._take_over(part.fileno(), theirs)
        assert os.stat(part.name).st_mode & 0o777 == 0o604
    assert asked == [(4321, 8765), (-1, 8765)]


def test_two_threads_that_saved_to_one_path_wrote_into_one_file(tmp_path, monkeypatch):
    path, fsync = tmp_path / "m.npz", os.fsync
    first_has_written, second_is_done = threading.Event(), threading.Event()

    def wait_for_the_second(descriptor):
        if threading.current_thread() is first:
            first_has_written.set()
            second_is_done.wait(60)
        fsync(descriptor)

    monkeypatch.setattr(whole_file.os, "fsync", wait_for_the_second)
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


def test_a_link_stays_one(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "m.npz").symlink_to(tmp_path / "there" / "v1.npz")  # which is not there yet
    for content in (b"first", b"second"):
        write_whole(tmp_path / "m.npz", content)
        assert (tmp_path / "there" / "v1.npz").read_bytes() == content
        assert (tmp_path / "m.npz").is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_saving_to_a_device_replaced_the_device(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(
        OSError, match="cannot save: this is .* a pipe or a device, not a file.*pipe"
    ):
        write_whole(tmp_path / "pipe", b"")
    assert (tmp_path / "pipe").is_fifo()
    assert list(tmp_path.iterdir()) == [tmp_path / "pipe"]


def test_a_name_as_long_as_a_name_can_be_had_no_room_for_its_part(tmp_path):
    write_whole(tmp_path / ("x" * 255), b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["x" * 255]


def test_the_clearing_away_hid_why_a_save_had_failed(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "file" / "m.npz", tmp_path / ("x" * 300)):
        with pytest.raises(OSError, match=r"cannot save \(.*or choose another path") as error:
            write_whole(place, b"")
        assert error.value.filename == str(place)
