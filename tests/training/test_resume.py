"""Training that is stopped and goes on, in this process and in others, to the same last bit."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import ncf_numpy
from ncf_numpy.core.models import GMF, MF, NeuMF
from ncf_numpy.core.optimizers import SGD, Adagrad, Adam
from ncf_numpy.datasets import leave_one_out, sample_lastfm
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.safe_file import read_file, write_file
from ncf_numpy.training.checkpoint import load_checkpoint, save_checkpoint
from ncf_numpy.training.objectives import Pairwise, Pointwise
from ncf_numpy.training.row_adam import RowAdam
from ncf_numpy.training.trainer import Trainer

ROOT = str(Path(ncf_numpy.__file__).parents[1])
SECONDS = ["train_seconds", "evaluate_seconds"]
OPTIMIZERS = {
    "sgd": lambda: SGD(0.5, l2=0.01),
    "adagrad": lambda: Adagrad(0.1),
    "adam": Adam,
    "row_adam": RowAdam,
    "lazy": lambda: RowAdam(lazy=True),
}
# The child asks for its signals, which a test run in the background may have switched off.
MAIN = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from ncf_numpy.__main__ import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.fixture(scope="module")
def plays():
    return sample_lastfm()[0]


def same_arrays(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def without_seconds(header):
    rows = [{k: v for k, v in row.items() if k not in SECONDS} for row in header.pop("history")]
    return json.dumps([header, rows], sort_keys=True)  # NaN equals NaN in text


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_resumes_to_the_last_bit(plays, tmp_path, name):
    split = leave_one_out(plays, np.random.default_rng(0))

    def trainer():
        rng = np.random.default_rng(1)
        model = NeuMF(plays.n_users, plays.n_items, 3, (8, 4), rng, dtype=np.float64)
        # 5 * 21,473 rows / 160 = 672 steps an epoch: RowAdam's tables of 1,024 grow in the second
        return Trainer(model, split, rng, optimizer=OPTIMIZERS[name](), batch_size=160)

    straight, first, second = trainer(), trainer(), trainer()
    for half in (straight, first):
        half.run_epoch()
        half.run_epoch()
        half.best_score = (2.0, 2.0)  # so that the best epoch stays the second
    straight.run_epoch()
    straight.run_epoch()
    save_checkpoint(tmp_path / "half", first)
    load_checkpoint(tmp_path / "half", second)
    second.run_epoch()
    second.run_epoch()
    save_checkpoint(tmp_path / "straight", straight)
    save_checkpoint(tmp_path / "resumed", second)
    header, arrays = read_file(tmp_path / "straight", "checkpoint")
    resumed_header, resumed_arrays = read_file(tmp_path / "resumed", "checkpoint")
    same_arrays(arrays, resumed_arrays)
    assert without_seconds(header) == without_seconds(resumed_header)
    assert header["epoch"] == 4
    straight.restore_best()
    second.restore_best()
    for (_, W, _), (_, V, _) in zip(straight.model.parameters(), second.model.parameters()):
        np.testing.assert_array_equal(W, V)


def run_train(*arguments):
    environment = {**os.environ, "PYTHONPATH": ROOT, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, "train", "--dataset", "sample", *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def test_n_epochs_and_n_more_in_a_new_process_are_2n(tmp_path):
    for name, epochs, more in (("two", 4, []), ("one", 2, []), ("one", 4, ["--resume"])):
        out = tmp_path / f"{name}.npz"
        child = run_train("--save", out, "--validation", "--epochs", epochs, *more)
        _, errors = child.communicate(timeout=300)
        assert child.returncode == 0, errors
    for kind, suffix in (("checkpoint", ".checkpoint"), ("recommender", "")):
        header, arrays = read_file(f"{tmp_path / 'two.npz'}{suffix}", kind)
        resumed, resumed_arrays = read_file(f"{tmp_path / 'one.npz'}{suffix}", kind)
        same_arrays(arrays, resumed_arrays)
        assert without_seconds(header) == without_seconds(resumed)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_training_keeps_the_last_finished_epoch(tmp_path, plays, name):
    if os.name == "nt":
        pytest.skip("Windows has no way to send one process a SIGINT")
    out = tmp_path / "m.npz"
    child = run_train("--save", out, "--model", "gmf", "--epochs", "100000")
    while not Path(f"{out}.checkpoint").exists():
        assert child.poll() is None, child.stderr.read()
        time.sleep(0.01)
    child.send_signal(getattr(signal, name))
    _, errors = child.communicate(timeout=600)
    assert child.returncode == 130
    finished = len(Recommender.load(out).history)
    sentence = f"interrupted: {out} keeps epoch {finished}, the last finished one; the same"
    assert sentence in errors and "Traceback" not in errors
    assert list(tmp_path.glob(".*")) == []
    if finished < 40:  # and it is what that many epochs give
        straight = Recommender("gmf", epochs=finished).fit(plays).recommend([1, 2])
        pd.testing.assert_frame_equal(Recommender.load(out).recommend([1, 2]), straight)


def test_interrupted_amid_the_books_of_an_epoch_the_checkpoint_decides(
    plays, tmp_path, monkeypatch
):
    copies = []

    def interrupted_at_the_third(trainer):  # before training, after epoch 1, after epoch 2
        copies.append(1)
        if len(copies) == 3:
            raise KeyboardInterrupt
        return copy_weights(trainer)

    copy_weights = Trainer.copy_weights
    monkeypatch.setattr(Trainer, "copy_weights", interrupted_at_the_third)
    recommender = Recommender("gmf", epochs=5)
    with pytest.raises(KeyboardInterrupt):
        recommender.fit(plays, checkpoint=tmp_path / "c")
    assert recommender.history["epoch"].tolist() == [1]
    monkeypatch.undo()
    straight = Recommender("gmf", epochs=1).fit(plays).recommend(1)
    pd.testing.assert_frame_equal(recommender.recommend(1), straight)


def test_interrupted_before_the_first_epoch_nothing_is_saved(tmp_path, capsys, monkeypatch):
    from ncf_numpy.__main__ import main
    from ncf_numpy.training import trainer as training

    def interrupt(*batch):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train_step", interrupt)
    status = main(["train", "--dataset", "sample", "--save", str(tmp_path / "m.npz")])
    assert status == 130
    assert "interrupted before the end of an epoch: nothing is saved" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_patience_counts_on_over_a_break(plays, tmp_path):
    path = tmp_path / "c"
    settings = {"lr": 0.05, "patience": 2}
    straight = Recommender("gmf", epochs=30, **settings).fit(plays, validation=True)
    n = len(straight.history)
    assert 2 < n < 30
    Recommender("gmf", epochs=n - 1, **settings).fit(plays, validation=True, checkpoint=path)
    again = Recommender("gmf", epochs=30, **settings)
    again.fit(plays, validation=True, checkpoint=path, resume=True)
    pd.testing.assert_frame_equal(
        again.history.drop(columns=SECONDS), straight.history.drop(columns=SECONDS)
    )


def test_a_finished_training_trains_no_more(plays, tmp_path):
    path = tmp_path / "c"
    done = Recommender("gmf", epochs=2).fit(plays, checkpoint=path)
    again = Recommender("gmf", epochs=2).fit(plays, checkpoint=path, resume=True)
    pd.testing.assert_frame_equal(again.history, done.history)
    pd.testing.assert_frame_equal(again.recommend(1), done.recommend(1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"factors": 9}, "trained with other data, factors= or layers=: resume with the same"),
        ({"lr": 0.5}, "trained with lr=0.001, this run has lr=0.5: resume with lr=0.001"),
        ({"batch_size": 99}, "trained with batch_size=256, this run has batch_size=99"),
        ({"negatives": 1}, "trained with negatives=4, this run has negatives=1"),
        ({"seed": 1}, "trained with seed=0, this run has seed=1"),
        ({"model": "mf"}, "trained with model=gmf, this run has model=mf"),
    ],
)
def test_other_settings_are_refused(plays, tmp_path, change, message):
    path = tmp_path / "c"
    Recommender("gmf", epochs=1).fit(plays, checkpoint=path)
    with pytest.raises(ValueError, match=message):
        Recommender(**{"model": "gmf", **change}).fit(plays, checkpoint=path, resume=True)


def test_other_data_and_other_optimizers_are_refused(plays, tmp_path):
    rng = np.random.default_rng(0)
    split = SimpleNamespace(train=plays, validation=None)
    model = MF(plays.n_users, plays.n_items, 2, rng)
    save_checkpoint(tmp_path / "c", Trainer(model, split, rng))
    with pytest.raises(
        ValueError, match="trained with optimizer=RowAdam, this run has optimizer=Adam"
    ):
        load_checkpoint(tmp_path / "c", Trainer(model, split, rng, optimizer=Adam()))
    less = SimpleNamespace(train=plays.take(plays.users > 0), validation=None)
    with pytest.raises(ValueError, match="trained with other data or held-out items"):
        load_checkpoint(tmp_path / "c", Trainer(model, less, rng))


def test_nothing_to_resume(plays, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Recommender("gmf").fit(plays, checkpoint=tmp_path / "nowhere", resume=True)
    with pytest.raises(ValueError, match="checkpoint=PATH"):
        Recommender("gmf").fit(plays, resume=True)
    with pytest.raises(ValueError, match="itemknn has no epochs.*resume="):
        Recommender("itemknn").fit(plays, resume=True)


def test_a_model_file_is_no_checkpoint(plays, tmp_path):
    Recommender("popularity").fit(plays).save(tmp_path / "m.npz")
    rng = np.random.default_rng(0)
    split = SimpleNamespace(train=plays, validation=None)
    trainer = Trainer(GMF(plays.n_users, plays.n_items, 2, rng), split, rng)
    with pytest.raises(ValueError, match="holds a recommender, expected a checkpoint"):
        load_checkpoint(tmp_path / "m.npz", trainer)


class Momentum:
    """As somebody would add it: velocity = mu velocity - lr g;  W += velocity."""

    def __init__(self, lr=0.1, mu=0.9):
        self.lr, self.mu = lr, mu
        self.velocity = {}  # name -> W's shape

    def step(self, parameters):
        for name, W, dW in parameters:
            g = dW.to_dense() if hasattr(dW, "to_dense") else dW
            self.velocity[name] = self.mu * self.velocity.get(name, 0) - self.lr * g
            W += self.velocity[name]


def trainer_with(plays, optimizer):
    rng = np.random.default_rng(1)
    split = SimpleNamespace(train=plays, validation=None)
    model = GMF(plays.n_users, plays.n_items, 3, rng)
    return Trainer(model, split, rng, optimizer=optimizer, batch_size=1024)


def test_momentum_was_resumed_without_its_velocity(plays, tmp_path):
    straight, half = trainer_with(plays, Momentum()), trainer_with(plays, Momentum())
    straight.run(4)
    half.run(2)
    save_checkpoint(tmp_path / "c", half)
    resumed = trainer_with(plays, Momentum())
    load_checkpoint(tmp_path / "c", resumed)
    assert np.abs(resumed.optimizer.velocity["output.W"]).max() > 0
    resumed.run(4)
    for (name, W, _), (_, V, _) in zip(
        straight.model.parameters(), resumed.model.parameters(), strict=True
    ):
        np.testing.assert_array_equal(W, V, err_msg=name)


def test_another_mu_was_accepted(plays, tmp_path):
    trainer = trainer_with(plays, Momentum())
    trainer.run(1)
    save_checkpoint(tmp_path / "c", trainer)
    with pytest.raises(ValueError, match="trained with mu=0.9, this run has mu=0.5"):
        load_checkpoint(tmp_path / "c", trainer_with(plays, Momentum(mu=0.5)))


def test_a_number_that_training_changes_is_restored_and_not_compared(plays, tmp_path):
    class Decaying(Momentum):
        def step(self, parameters):
            super().step(parameters)
            self.lr *= 0.99

    straight, half = trainer_with(plays, Decaying()), trainer_with(plays, Decaying())
    straight.run(2)
    half.run(1)
    save_checkpoint(tmp_path / "c", half)
    resumed = trainer_with(plays, Decaying())
    load_checkpoint(tmp_path / "c", resumed)
    assert resumed.optimizer.lr == half.optimizer.lr < 0.1
    resumed.run(2)
    np.testing.assert_array_equal(straight.model.output.W, resumed.model.output.W)


def test_what_a_checkpoint_cannot_keep_is_refused_before_it_is_lost(plays, tmp_path):
    trainer = trainer_with(plays, Momentum())
    trainer.optimizer.schedule = [0.1, 0.01]
    with pytest.raises(TypeError, match="Momentum.schedule is a list"):
        save_checkpoint(tmp_path / "c", trainer)


def test_another_objective_is_refused(plays, tmp_path):
    rng = np.random.default_rng(0)
    split = SimpleNamespace(train=plays, validation=None)
    sizes = {"batch_size": 1024, "negatives": 1}
    trainers = [
        Trainer(MF(plays.n_users, plays.n_items, 2, rng), split, rng, objective=each, **sizes)
        for each in (Pairwise, Pointwise)
    ]
    save_checkpoint(tmp_path / "c", trainers[0])
    with pytest.raises(ValueError, match="trained with loss=BPR, this run has no loss"):
        load_checkpoint(tmp_path / "c", trainers[1])


def test_a_checkpoint_of_the_first_version_is_resumed(plays, tmp_path):
    straight, half = trainer_with(plays, None), trainer_with(plays, None)
    straight.run(2)
    half.run(1)
    save_checkpoint(tmp_path / "c", half)
    header, arrays = read_file(tmp_path / "c", "checkpoint")
    header["t"] = header.pop("optimizer")["t"]  # it had the number of steps alone
    write_file(tmp_path / "c", "checkpoint", header, arrays)
    resumed = trainer_with(plays, None)
    load_checkpoint(tmp_path / "c", resumed)
    resumed.run(2)
    np.testing.assert_array_equal(straight.model.output.W, resumed.model.output.W)


def test_the_best_weights_come_back_and_not_the_latest(tmp_path):
    split = leave_one_out(sample_lastfm()[0], np.random.default_rng(0))
    trainers = []
    for _ in range(2):
        rng = np.random.default_rng(1)
        model = GMF(split.train.n_users, split.train.n_items, 2, rng)
        trainers.append(Trainer(model, split, rng, batch_size=4096))
    trained, loaded = trainers
    trained.run_epoch()
    trained.best_score = (2.0, 2.0)  # none that comes is better
    for _ in range(2):
        trained.run_epoch()
    best = [W.copy() for W in trained.best_weights]
    latest = [W.copy() for _, W, _ in trained.model.parameters()]
    assert not any(np.array_equal(a, b) for a, b in zip(best, latest))
    save_checkpoint(tmp_path / "c", trained)
    load_checkpoint(tmp_path / "c", loaded)
    for found, W in zip(loaded.best_weights, best):
        np.testing.assert_array_equal(found, W)
    for (_, found, _), W in zip(loaded.model.parameters(), latest):
        np.testing.assert_array_equal(found, W)
    assert (loaded.best_epoch, loaded.best_score, loaded.epoch) == (1, (2.0, 2.0), 3)
    loaded.restore_best()
    for (_, found, _), W in zip(loaded.model.parameters(), best):
        np.testing.assert_array_equal(found, W)


def test_other_items_of_the_same_users_are_other_data(tmp_path):
    split = leave_one_out(sample_lastfm()[0], np.random.default_rng(0))
    train, held_out = split.train, split.validation
    others = replace(held_out, candidates=held_out.candidates[:, ::-1])

    def trainer(split):
        rng = np.random.default_rng(1)
        return Trainer(GMF(train.n_users, train.n_items, 2, rng), split, rng, batch_size=4096)

    save_checkpoint(tmp_path / "c", trainer(split))
    load_checkpoint(tmp_path / "c", trainer(split))
    shifted = train.from_indices(
        train.users, (train.items + 1) % train.n_items, train.user_ids, train.item_ids
    )
    for other in (replace(split, validation=others), replace(split, train=shifted)):
        with pytest.raises(ValueError, match="was trained with other data or held-out"):
            load_checkpoint(tmp_path / "c", trainer(other))
