"""kill -9 in the middle of a save, full disks, folders one may not write to: the old file stays."""

import contextlib
import errno
import os
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from processes import fork, forked, in_new_process, main

from ncf_numpy.core.models import GMF
from ncf_numpy.data import whole_file
from ncf_numpy.datasets import Interactions
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.training.checkpoint import arrays_of, load_checkpoint, save_checkpoint
from ncf_numpy.training.trainer import Trainer

pytestmark = [
    pytest.mark.robustness,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
]
NOBODY = 65534


class Saved:
    """Two states of a recommender with 10 MB of weights, to be saved in turn to one path."""

    def __init__(self, path):
        self.path, self.states = path, [self.fitted(users, seed=users) for users in (9_000, 10_000)]

    @staticmethod
    def fitted(n_users, seed):
        users = np.repeat(np.arange(n_users), 2)
        items = np.tile([0, 1, 1, 2], n_users // 2)
        ids = {"user_ids": np.arange(n_users), "item_ids": [*"abcd"]}
        data = Interactions(users=users, items=items, **ids)
        options = {"factors": 256, "epochs": 1, "batch_size": 8192, "negatives": 1, "seed": seed}
        return Recommender("gmf", **options).fit(data)

    def save(self, which):
        self.states[which].save(self.path)

    def load(self):
        """The number of the state that the file holds."""
        loaded = Recommender.load(self.path)
        which = [state.data.n_users for state in self.states].index(loaded.data.n_users)
        state = self.states[which]
        assert loaded.settings == state.settings
        for (name, W, _), (_, V, _) in zip(loaded.model.parameters(), state.model.parameters()):
            np.testing.assert_array_equal(W, V, name)
        return which


class Checkpoint(Saved):
    """The same of a checkpoint: weights, best weights and moments after one and two epochs."""

    def __init__(self, path):
        self.path, self.states = path, [self.trained(epochs) for epochs in (1, 2)]

    @staticmethod
    def trained(epochs):
        rng = np.random.default_rng(0)
        users, items = np.repeat(np.arange(10_000), 2), np.tile([0, 1, 1, 2], 5_000)
        data = Interactions(users=users, items=items, user_ids=range(10_000), item_ids=[*"abcd"])
        split = SimpleNamespace(train=data, validation=None)
        model = GMF(data.n_users, data.n_items, 64, rng)
        trainer = Trainer(model, split, rng, batch_size=8192, negatives=1)
        for _ in range(epochs):
            trainer.run_epoch()
        return trainer

    def save(self, which):
        save_checkpoint(self.path, self.states[which])

    def load(self):
        loaded = self.trained(0)
        load_checkpoint(self.path, loaded)
        state = self.states[loaded.epoch - 1]
        assert repr(loaded.rows) == repr(state.rows)  # in which NaN equals NaN
        assert loaded.rng.bit_generator.state == state.rng.bit_generator.state
        expected = arrays_of(state)
        for name, array in arrays_of(loaded).items():
            np.testing.assert_array_equal(array, expected[name], name)
        return loaded.epoch - 1


def kill_saves(kind, path, trials):
    """Kill a process that saves, at moments spread over all of a save; -> what was found then."""
    saved = {"recommender": Saved, "checkpoint": Checkpoint}[kind](path)
    rng, tally, folder = np.random.default_rng(0), Counter(), Path(path).parent
    saved.save(0)
    before, longest = 0, 0.1
    for _ in range(trials):
        listen, speak = os.pipe()

        def save(which=1 - before, speak=speak):
            os.write(speak, b"<")
            saved.save(which)
            os.write(speak, b">")

        child = fork(save)
        os.read(listen, 1)
        time.sleep(rng.uniform(0, longest))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(speak)
        finished = os.read(listen, 1) == b">"
        os.close(listen)
        longest *= 0.9 if finished else 1.03  # one save in five ends before it is killed
        after = saved.load()
        parts = len(list(folder.glob(".*.part")))
        assert parts <= 1, "the part of a killed save outlives the next save"
        assert after == 1 - before or not finished
        tally["ended before the kill" if finished else "killed"] += 1
        tally["killed with half a file written"] += parts
        tally["old state" if after == before else "new state"] += 1
        before = after
    saved.save(before)
    assert [path.name for path in folder.iterdir()] == [Path(path).name]
    return tally


@pytest.mark.parametrize("kind", ["recommender", "checkpoint"])
def test_kill_9_at_any_moment_of_a_save(tmp_path, kind, capsys):
    tally = in_new_process("test_disks.kill_saves", kind, str(tmp_path / "file"), 100)
    with capsys.disabled():
        print(f"\n100 saves of a {kind} killed: {tally}")
    assert min(tally["old state"], tally["new state"]) >= 10
    assert tally["killed with half a file written"] >= 5


@contextlib.contextmanager
def disk(folder, options):
    """A file system of its own at folder, which root can make."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"no disk to fill, only root can mount one: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def plays():
    users, items = np.repeat(np.arange(60), 2), np.tile([0, 1, 1, 2], 30)
    return Interactions(users=users, items=items, user_ids=range(60), item_ids=[*"abcd"])


@pytest.fixture(scope="module")
def small():
    return Recommender("gmf", epochs=1, factors=4).fit(plays())


@pytest.fixture(scope="module")
def large():
    return Recommender("gmf", epochs=1, factors=1024).fit(plays())  # 260 KB


def is_still(path, recommender):
    """Whether the file at path loads as this recommender, and there is no other beside it."""
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    return Recommender.load(path).settings == recommender.settings


def test_a_full_disk(tmp_path, small, large):
    with disk(tmp_path / "disk", "size=100k") as folder:
        path = folder / "m.npz"
        small.save(path)
        message = r"cannot save \(No space left on device\)\. Any existing file is unchanged\. .*"
        with pytest.raises(OSError, match=message + r"choose another path.*m\.npz") as error:
            large.save(path)
        assert error.value.errno == errno.ENOSPC
        assert is_still(path, small)
        large.save(tmp_path / "elsewhere.npz")  # the way out
    assert Recommender.load(tmp_path / "elsewhere.npz").settings == large.settings


def test_a_disk_that_is_read_only(tmp_path, small, large):
    with disk(tmp_path / "disk", "size=1m") as folder:
        small.save(folder / "m.npz")
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        with pytest.raises(OSError, match=r"cannot save \(Read-only file system\)\. Any exist"):
            large.save(folder / "m.npz")
        assert is_still(folder / "m.npz", small)


@pytest.mark.parametrize("mode", [0o555, 0o666], ids=["not writable", "not to be entered"])
def test_a_folder_without_rights(tmp_path, small, large, mode):
    path = tmp_path / "locked" / "m.npz"
    path.parent.mkdir()
    small.save(path)
    path.parent.chmod(mode)
    tmp_path.chmod(0o755)
    root = os.geteuid() == 0
    try:
        if root:  # who may write anywhere
            os.seteuid(NOBODY)
        with pytest.raises(PermissionError, match=r"cannot save \(Permission denied\)") as error:
            large.save(path)
    finally:
        if root:
            os.seteuid(0)
        path.parent.chmod(0o755)
    assert error.value.filename == str(path)
    assert is_still(path, small)


@pytest.mark.parametrize(
    ("place", "error", "message"),
    [
        ("nowhere/m.npz", FileNotFoundError, "cannot save .No such file or directory.*m.npz"),
        ("a folder", IsADirectoryError, "cannot save: this is a folder, .* not a file.*a folder"),
        ("a file/m.npz", NotADirectoryError, "cannot save .Not a directory.*a file/m.npz"),
        ("x" * 300, OSError, "cannot save .File name too long.*xxx"),
    ],
)
def test_places_where_no_file_can_be(tmp_path, small, place, error, message):
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a file").write_bytes(b"")
    with pytest.raises(error, match=message) as raised:
        small.save(tmp_path / place)
    assert raised.value.filename == str(tmp_path / place)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a file", "a folder"]


@contextlib.contextmanager
def mounted(file):
    """The file is mounted onto itself, as `docker run -v m.npz:/m.npz` mounts one."""
    made = subprocess.run(["mount", "--bind", file, file], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"only root can mount a file: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", file], check=True)


@pytest.mark.parametrize("name", ["m.npz", "a b\t\\c.npz"])
def test_a_single_file_that_a_container_shares_was_found_out_after_training(
    tmp_path, small, large, name, monkeypatch, capsys
):
    path = tmp_path / name
    small.save(path)
    data = "user,item\n" + "".join(f"{u},{i}\n" for u in range(4) for i in range(5) if u != i)
    (tmp_path / "plays.csv").write_text(data, encoding="utf-8")
    command = ["train", "--model", "gmf", "--data", str(tmp_path / "plays.csv"), "--save"]
    with mounted(path):
        with pytest.raises(OSError, match="cannot save: this file is mounted.*mount its folder"):
            large.save(path)
        assert main([*command, str(path)]) == 1
        assert "this file is mounted" in capsys.readouterr().err
        monkeypatch.setattr(whole_file, "is_mounted", lambda _: False)  # mounted only now
        with pytest.raises(OSError, match="cannot save .Device or resource busy.. Any ") as error:
            large.save(path)
        assert error.value.errno == errno.EBUSY and error.value.filename == str(path)
    (tmp_path / "plays.csv").unlink()
    assert is_still(path, small)


def train_on_a_filling_disk(folder, disk):
    """A training whose second checkpoint finds the disk full; and again when there is room."""
    rows = [f"{u},{i}\n" for u in range(60) for i in range(9) if (u + i) % 2]
    data = Path(folder) / "plays.csv"
    data.write_text("user,item\n" + "".join(rows), encoding="utf-8")
    text = f"train --quiet --model gmf --factors 512 --epochs 4 --data {data} --save"
    straight, model = [*text.split(), f"{folder}/straight.npz"], [*text.split(), f"{disk}/m.npz"]
    assert main(straight) == 0
    failed = forked(main, model)
    names = sorted(path.name for path in Path(disk).iterdir())
    subprocess.run(["mount", "-o", "remount,size=10m", disk], check=True)
    assert main([*model, "--resume"]) == 0
    weights = [
        [W.tolist() for _, W, _ in Recommender.load(path[-1]).model.parameters()]
        for path in (straight, model)
    ]
    return {"failed": failed, "names": names, "same": weights[0] == weights[1]}


def test_a_disk_that_fills_up_during_training_loses_no_finished_epoch(tmp_path):
    with disk(tmp_path / "disk", "size=800k") as folder:  # one checkpoint is 560 KB
        found = in_new_process("test_disks.train_on_a_filling_disk", str(tmp_path), str(folder))
    status, text = found["failed"]
    assert status == 1
    assert re.fullmatch(r"train: .*m\.npz\.checkpoint: cannot save \(No space .*\n", text), text
    assert found["names"] == ["m.npz.checkpoint"]
    assert found["same"]
