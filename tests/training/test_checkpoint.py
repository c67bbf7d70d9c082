"""Files: what was saved comes back to the bit, and what is damaged is refused with a sentence."""

import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_models import taken_by

import ncf_numpy
from ncf_numpy import safe_file
from ncf_numpy.core.models import GMF
from ncf_numpy.core.optimizers import Adam
from ncf_numpy.datasets import Interactions, leave_one_out
from ncf_numpy.recommender.models import MODELS
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.safe_file import read_file, write_file
from ncf_numpy.training.checkpoint import load_checkpoint, save_checkpoint
from ncf_numpy.training.trainer import Trainer

ROOT = str(Path(ncf_numpy.__file__).parents[1])


def run_python(code, *arguments):
    """Run code in a new process; -> the CompletedProcess, its output as text."""
    environment = {**os.environ, "PYTHONPATH": ROOT, "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", timeout=120
    )


def plays(users=("민준", "서연", "ann", "😀")):
    """12 pairs of four users; items are numbers, one of them without a name."""
    names = {7: "아이유", 8: "Sigur Rós", 9: 'the "quoted"', 10: "10"}
    items = [7, 8, 9, 8, 9, 10, 7, 10, 11, 7, 9, 11]
    return Interactions.from_columns(
        np.repeat(np.array(users, object), 3), items, item_names=names, source="twelve plays"
    )


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("users", [("민준", "서연", "ann", "😀"), (-4, 0, 17, 2**62)])
def test_what_is_loaded_predicts_the_same_bits(tmp_path, name, users):
    path = tmp_path / "한글 model.npz"
    options = taken_by(name, epochs=2, layers=(8, 4), seed=3)
    saved = Recommender(name, **options).fit(plays(users), validation=True)
    saved.save(path)
    loaded = Recommender.load(path)
    u, i = np.divmod(np.arange(4 * 5), 5)
    np.testing.assert_array_equal(loaded.model.predict(u, i), saved.model.predict(u, i))
    many = list(users)
    pd.testing.assert_frame_equal(
        loaded.recommend(many, 3), saved.recommend(many, 3), check_dtype=False
    )
    pd.testing.assert_frame_equal(loaded.history, saved.history)
    assert loaded.settings == saved.settings
    assert loaded.data.source == "twelve plays"
    assert loaded.data.item_names.tolist() == saved.data.item_names.tolist()
    assert repr(loaded) == repr(saved)


def test_a_new_process_recommends_the_same(tmp_path):
    saved = Recommender("neumf", epochs=2).fit(plays())
    saved.save(tmp_path / "m.npz")
    code = (
        "import sys; from ncf_numpy.recommender.recommender import Recommender\n"
        "r = Recommender.load(sys.argv[1])\n"
        "print(r.recommend('민준').to_csv(), r.fold_in([7, 8]).recommend().to_csv())"
    )
    result = run_python(code, tmp_path / "m.npz")
    expected = f"{saved.recommend('민준').to_csv()} {saved.fold_in([7, 8]).recommend().to_csv()}\n"
    assert (result.stderr, result.stdout) == ("", expected)


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "m.npz"
    Recommender("gmf", epochs=1).fit(plays()).save(path)
    return path


def test_any_changed_byte_is_noticed_or_changes_nothing(model_file):
    good = model_file.read_bytes()
    header, arrays = read_file(model_file, "recommender")
    rng = np.random.default_rng(0)
    refused = 0
    for place in rng.choice(len(good), 400, replace=False):
        bad = bytearray(good)
        bad[place] ^= 1 << rng.integers(8)
        model_file.write_bytes(bad)
        try:
            again, same = read_file(model_file, "recommender")
        except ValueError as error:
            assert str(model_file) in str(error)
            refused += 1
        else:  # dates and the like in the zip's own tables
            assert again == header
            assert all(np.array_equal(same[name], arrays[name]) for name in arrays)
    assert refused > 200


def test_a_truncated_file_is_refused(model_file):
    good = model_file.read_bytes()
    for length in [0, 1, 3, 100, *range(200, len(good), 97), len(good) - 1]:
        model_file.write_bytes(good[:length])
        with pytest.raises(ValueError, match="m.npz is damaged, or not a file that ncf_numpy"):
            Recommender.load(model_file)


def test_changed_content_with_a_valid_zip_is_refused(model_file):
    with np.load(model_file) as archive:
        members = dict(archive)
    members["model.output.b"] = members["model.output.b"] + 1
    np.savez(model_file, **members)
    with pytest.raises(ValueError, match="m.npz is damaged: its content does not have the sha256"):
        Recommender.load(model_file)


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "foreign"
    path.write_text("user,item\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="foreign is damaged, or not a file"):
        Recommender.load(path)
    with open(path, "wb") as file:
        np.savez(file, weights=np.ones(3))
    with pytest.raises(ValueError, match="foreign is damaged, or not a file"):
        Recommender.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ValueError, match="foreign is damaged, or not a file"):
        Recommender.load(path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Recommender.load(tmp_path / "nowhere")
    write_file(path, "checkpoint", {}, {})
    with pytest.raises(ValueError, match="foreign holds a checkpoint, expected a recommender"):
        Recommender.load(path)


class Exploit:
    def __reduce__(self):
        return (open, ("pwned", "w"))


def test_reading_never_unpickles(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open("m.npz", "wb") as file:
        np.savez(file, header=np.array([Exploit()], object), sha256=np.zeros(32, np.uint8))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Recommender.load("m.npz")
    Path("m.npz").write_bytes(pickle.dumps(Exploit()))
    with pytest.raises(ValueError, match="m.npz is damaged"):
        Recommender.load("m.npz")
    assert not Path("pwned").exists()


def test_older_versions_are_read_and_newer_ones_refused(tmp_path, monkeypatch):
    path = tmp_path / "m.npz"
    write_file(path, "recommender", {"a": 1}, {"x": np.arange(3)})
    monkeypatch.setattr(safe_file, "VERSION", 2)
    assert read_file(path, "recommender")[0]["a"] == 1
    write_file(path, "recommender", {}, {})
    monkeypatch.setattr(safe_file, "VERSION", 1)
    with pytest.raises(ValueError, match="m.npz has format version 2, and .* up to 1: a newer"):
        read_file(path, "recommender")


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "m.npz"
    write_file(path, "recommender", {"a": 1}, {})

    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match=r"cannot save \(No space left on device\).*m\.npz"):
        write_file(path, "recommender", {"a": 2}, {})
    assert read_file(path, "recommender")[0]["a"] == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_fills_up_while_saving(tmp_path):
    resource = pytest.importorskip("resource", reason="no limit on file sizes on this system")
    assert resource.RLIMIT_FSIZE is not None
    path = tmp_path / "m.npz"
    write_file(path, "recommender", {"a": 1}, {})
    code = (
        "import resource, sys, numpy as np\n"
        "from ncf_numpy.safe_file import write_file\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: write_file(sys.argv[1], 'recommender', {}, {'x': np.zeros(10**6)})\n"
        "except OSError as error: print(error)"
    )
    result = run_python(code, path)
    assert result.stderr == ""
    assert "cannot save (File too large). Any existing file is unchanged" in result.stdout
    assert read_file(path, "recommender")[0]["a"] == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_the_usual_rights_apply(tmp_path):
    real, link = tmp_path / "real.npz", tmp_path / "link.npz"
    write_file(real, "recommender", {}, {})
    try:
        link.symlink_to(real)
    except OSError:
        pytest.skip("no symbolic links on this system")
    write_file(link, "recommender", {"a": 2}, {})
    assert link.is_symlink()
    assert read_file(real, "recommender")[0]["a"] == 2
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert real.stat().st_mode == plain.stat().st_mode


@pytest.fixture
def checkpoint(tmp_path):
    """(path, a function that makes a trainer like the saved one, after 0 epochs)."""
    keys = np.random.default_rng(0).choice(8 * 9, 40, replace=False)
    pairs = Interactions.from_columns(keys // 9, keys % 9)
    split = leave_one_out(pairs, np.random.default_rng(0))

    def trainer(optimizer=None):
        rng = np.random.default_rng(1)
        model = GMF(8, 9, 2, rng)
        return Trainer(model, split, rng, optimizer=optimizer, batch_size=16)

    path = tmp_path / "m.checkpoint"
    done = trainer()
    done.run_epoch()
    save_checkpoint(path, done)
    return path, trainer


def resealed(path, header=(), arrays=()):
    good_header, good = read_file(path, "checkpoint")
    write_file(path, "checkpoint", {**good_header, **dict(header)}, {**good, **dict(arrays)})


@pytest.mark.parametrize(
    ("header", "arrays", "message"),
    [
        ({}, {"weights.output.W": np.float32([7])}, r"\(1,\), expected float32 of shape \(2, 1\)"),
        ({}, {"weights.output.W": np.ones((2, 1))}, "float64 .*expected float32"),
        ({}, {"best.output.b": np.float32([np.nan])}, "best.output.b holds NaN"),
        ({}, {"more": np.zeros(1)}, "more does not belong"),
        ({}, {"v": -np.ones(3, np.float32)}, "v holds negative sums of squares"),
        ({}, {"rows.moved": np.zeros(17, np.intp)}, "does not fit the optimizer's"),
        ({}, {"rows.moved": np.full(17, -1)}, "does not fit the optimizer's"),
        ({}, {"rows.moved": np.full(17, 2**40)}, "does not fit the optimizer's"),
        ({}, {"rows.v": -np.ones((17, 2), np.float32)}, "rows.v holds negative sums of squares"),
        (
            {"optimizer": {"t": 2**40}},
            {},
            "1 epochs are .* steps, the optimizer took 1099511627776",
        ),
        ({"optimizer": {"t": 8, "lr": float("nan")}}, {}, "lr nan is not a setting of RowAdam"),
        ({"optimizer": {"t": 8, "mu": 0.5}}, {}, "mu 0.5 is not a setting of RowAdam"),
        ({"epoch": 10**12}, {}, "history does not have a row for each of 1000000000000 epochs"),
        ({"best_epoch": 2}, {}, "the best of 1 epochs is 2"),
        ({"best_score": [1, "x"]}, {}, "the best of 1 epochs is"),
        ({"rng": {"bit_generator": "MT19937"}}, {}, "PCG64"),
        ({"history": [{"epoch": "1"}]}, {}, "not a list of rows of numbers"),
        ({"settings": 3}, {}, "TypeError"),
    ],
)
def test_a_checkpoint_that_does_not_fit_was_loaded_or_half_loaded(
    checkpoint, header, arrays, message
):
    path, trainer = checkpoint
    resealed(path, header, arrays)
    new = trainer()
    before = [W.copy() for _, W, _ in new.model.parameters()]
    with pytest.raises(ValueError, match=f"m.checkpoint is damaged.*{message}"):
        load_checkpoint(path, new)
    for (_, W, _), untouched in zip(new.model.parameters(), before):
        np.testing.assert_array_equal(W, untouched)
    assert (new.epoch, new.optimizer.t) == (0, 0)


def test_a_checkpoint_of_another_optimizer_still_says_so(checkpoint):
    path, trainer = checkpoint
    with pytest.raises(
        ValueError, match="was trained with optimizer=RowAdam, this run has optimizer=Adam"
    ):
        load_checkpoint(path, trainer(Adam()))
