"""Saved recommenders and checkpoints are hostile: the saved bits come back, or a ValueError."""

import io
import json
import pickle
import zipfile
import zlib

import numpy as np
import pytest
from damage import mutations, truncations
from small_models import taken_by

from ncf_numpy.core.models import NeuMF
from ncf_numpy.core.optimizers import Adagrad, Adam
from ncf_numpy.datasets import Interactions, leave_one_out
from ncf_numpy.recommender.models import MODELS
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.recommender.saved import state_of
from ncf_numpy.safe_file import digest, pack, read_file
from ncf_numpy.training.checkpoint import arrays_of, load_checkpoint, save_checkpoint
from ncf_numpy.training.row_adam import RowAdam
from ncf_numpy.training.trainer import Trainer

pytestmark = pytest.mark.robustness

MUTATIONS = 1200  # of each of the ten files
OPTIMIZERS = {
    "row_adam": RowAdam,
    "lazy": lambda: RowAdam(lazy=True),
    "adam": Adam,
    "adagrad": lambda: Adagrad(0.1),
}


def plays(text_ids):
    rng = np.random.default_rng(5)
    keys = np.sort(rng.choice(12 * 15, 70, replace=False))
    users = np.array([f"사용자 {u}" for u in range(12)], object) if text_ids else np.arange(12) - 3
    return Interactions.from_columns(
        users[keys // 15], keys % 15, item_names={3: "아이유", 4: "Sigur Rós"}, source="made up"
    )


class SavedRecommender:
    """The file of a recommender; `load` gives all that is in it as one bytes object."""

    kind = "recommender"

    def __init__(self, name, path):
        self.name, self.path = name, path
        options = taken_by(name, epochs=2, factors=3, layers=(8, 4), seed=3)
        recommender = Recommender(name, **options)
        recommender.fit(plays(text_ids=name in ("neumf", "mlp")), validation=True)
        recommender.history = recommender.history.assign(train_seconds=0.5, evaluate_seconds=0.5)
        recommender.save(path)
        self.content, self.all = path.read_bytes(), self.load()

    def load(self):
        recommender = Recommender.load(self.path)
        data = recommender.data
        lists = [data.user_ids.tolist(), data.item_ids.tolist(), data.item_names.tolist()]
        texts = [recommender.settings, lists, recommender.history.to_csv(), data.source]
        arrays = {"users": data.users, "items": data.items, **state_of(recommender.model)}
        assert recommender.recommend(lists[0][0], 2)["score"].notna().all()
        return digest(arrays) + json.dumps(texts).encode()


class SavedCheckpoint:
    """The same for a checkpoint, which is loaded into a new trainer."""

    kind = "checkpoint"

    def __init__(self, name, path):
        self.name, self.path = name, path
        self.split = leave_one_out(plays(text_ids=False), np.random.default_rng(0))
        trainer = self.trainer()
        for _ in range(2):
            trainer.run_epoch()
            trainer.rows[-1] |= {"train_seconds": 0.5, "evaluate_seconds": 0.5}
        save_checkpoint(path, trainer, {"seed": 1})
        self.fresh = self.trainer()
        self.content, self.all = path.read_bytes(), self.load()

    def trainer(self):
        rng = np.random.default_rng(1)
        model = NeuMF(12, 15, 2, (4, 2), rng)
        return Trainer(model, self.split, rng, optimizer=OPTIMIZERS[self.name](), batch_size=64)

    def load(self):
        trainer = self.fresh
        before = self.all_of(trainer)
        try:
            load_checkpoint(self.path, trainer, {"seed": 1})
        except ValueError:
            assert self.all_of(trainer) == before  # nothing was taken over
            raise
        self.fresh = self.trainer()
        loaded = self.all_of(trainer)
        if loaded != getattr(self, "all", loaded):
            trainer.run_epoch()  # another file that is valid can be gone on from
        return loaded

    @staticmethod
    def all_of(trainer):
        t, rng = getattr(trainer.optimizer, "t", 0), trainer.rng.bit_generator.state
        best = [trainer.best_epoch, *trainer.best_score]
        texts = json.dumps([t, rng, trainer.epoch, trainer.rows, best])
        return digest(arrays_of(trainer)) + texts.encode()


FILES = [(SavedRecommender, name) for name in MODELS]
FILES += [(SavedCheckpoint, name) for name in OPTIMIZERS]


@pytest.fixture(params=FILES, ids=lambda param: f"{param[0].kind}-{param[1]}")
def saved(request, tmp_path):
    make, name = request.param
    return make(name, tmp_path / "한글 model.npz")


def outcome(saved, content):
    """refused, same or other. Any exception but a ValueError that names the file fails the test."""
    saved.path.write_bytes(content)
    try:
        return "same" if saved.load() == saved.all else "other"
    except ValueError as error:
        assert str(saved.path) in str(error)
        return "refused"


def tally(saved, contents, what, capsys):
    """{outcome: how often}, printed."""
    outcomes = [outcome(saved, content) for content in contents]
    counts = {each: outcomes.count(each) for each in ("refused", "same", "other")}
    with capsys.disabled():
        print(f"\n  {saved.kind}, {what}: {len(outcomes):,} tried, {counts}", end="")
    return counts


def test_every_truncation_is_refused(saved, capsys):
    counts = tally(saved, truncations(saved.content), "truncations", capsys)
    assert (counts["same"], counts["other"]) == (0, 0)


def test_a_damaged_file_gives_the_saved_bits_or_a_value_error(saved, capsys):
    seed = zlib.crc32(saved.name.encode())
    damaged = mutations(saved.content, np.random.default_rng(seed), MUTATIONS)
    counts = tally(saved, damaged, f"mutations of seed {seed}", capsys)
    assert counts["other"] == 0
    assert counts["refused"] > MUTATIONS / 2  # the rest: dates, and bytes in front of the zip


def sealed(header, arrays):
    """What is written by somebody who knows how to make the sha256."""
    members = {"header": pack(header), **arrays}
    members["sha256"] = np.frombuffer(digest(members), np.uint8)
    body = io.BytesIO()
    np.savez(body, **members)
    return body.getvalue()


def misfits(array):
    """Arrays that must not be taken for this one."""
    yield np.array(array.reshape(-1)[0])
    yield from (array[:0], array[:-1], np.concatenate([array, array]), array[None])
    if array.itemsize > 1:
        yield array.astype(array.dtype.newbyteorder())
    for dtype in (np.float16, np.float64, np.int8, np.int16, np.uint32, bool):
        if np.dtype(dtype) != array.dtype:
            yield array.astype(dtype)
    values = (np.nan, np.inf, -np.inf) if array.dtype.kind == "f" else ()
    if array.dtype.kind == "i":
        values = -1, np.iinfo(array.dtype).min, np.iinfo(array.dtype).max
    for value in values:
        spoilt = array.copy()
        spoilt.reshape(-1)[-1] = value
        yield spoilt


def test_arrays_that_do_not_fit_are_refused_though_the_sha256_is_right(saved, capsys):
    header, arrays = read_file(saved.path, saved.kind)
    assert outcome(saved, sealed(header, arrays)) == "same"
    contents = []
    for name, array in arrays.items():
        rest = {other: each for other, each in arrays.items() if other != name}
        contents += [sealed(header, rest)] if name != "item_names" else []  # they may lack
        with np.errstate(all="ignore"):
            spoilt = list(misfits(array))
        if name in ("user_ids", "item_ids"):  # any other numbers are ids too
            like = array.shape, np.dtype(np.int64)
            spoilt = [each for each in spoilt if (each.shape, each.dtype) != like]
        contents += [sealed(header, {**arrays, name: each}) for each in spoilt]
    for extra in ("extra", "model.", "model.extra", "weights.extra", "../extra", ""):
        contents.append(sealed(header, {**arrays, extra: np.zeros(3, np.float32)}))
    counts = tally(saved, contents, "right sha256, wrong arrays", capsys)
    assert (counts["same"], counts["other"]) == (0, 0)


JUNK = [
    *(None, True, -1, 0, 2, 2.5, np.nan, np.inf, 1e308, 2**63, 10**30, "", "x", "9" * 50),
    *([], [[]], {}, [1], {"a": 1}, [{"a": 1}, {"b": 1}], list(range(1000)), [10**9, 10**9]),
    *({"epoch": 1}, [{"epoch": 10**30}], [{"epoch": "1"}], [[0, 1]] * 3, ["a", "b"], [None]),
]


def hostile_headers(header):
    """header with one of its values, or of the values in it, missing or replaced by junk."""
    for name in header:
        yield {other: value for other, value in header.items() if other != name}
        yield from ({**header, name: junk} for junk in JUNK)
        if isinstance(header[name], dict):
            yield from ({**header, name: inner} for inner in hostile_headers(header[name]))


def test_headers_of_junk_are_refused_or_harmless(saved, capsys):
    header, arrays = read_file(saved.path, saved.kind)
    contents = [sealed(spoilt, arrays) for spoilt in hostile_headers(header)]
    counts = tally(saved, contents, "right sha256, junk in the header", capsys)
    assert counts["refused"] > len(contents) / 2  # the rest: another seed, source, lr, ...


class Exploit:
    def __reduce__(self):
        return (open, ("pwned", "w"))


def npz(members, method=zipfile.ZIP_STORED):
    """A zip of [(name, bytes), ...]."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return body.getvalue()


def npy(text, data=b""):
    """An .npy file with this text for a header."""
    head = text.encode("latin-1").ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + data


def encrypted(content):
    """The same zip, whose first entry says that a password is needed."""
    flags = content.index(b"PK\x01\x02") + 8
    return content[:flags] + b"\x01" + content[flags + 1 :]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_code_runs_and_no_trick_of_a_zip_works(saved, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(saved.path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    pickled = pickle.dumps(Exploit())
    objects = "{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    call = "{'descr': __import__('os').mkdir('pwned'), 'fortran_order': False, 'shape': (), }"
    as_array = io.BytesIO()
    np.save(as_array, np.array([Exploit()], object), allow_pickle=True)
    deep = b"[" * 200_000  # of JSON: as many calls of a parser inside each other
    deep_header = io.BytesIO()
    np.savez(deep_header, header=np.frombuffer(deep, np.uint8), sha256=np.zeros(32, np.uint8))
    contents = [pickled, as_array.getvalue(), npy(objects, pickled), npy(call), b"", b"PK"]
    contents += [deep, deep_header.getvalue(), encrypted(saved.content)]
    for place, (name, _) in enumerate(members):
        for content in (pickled, as_array.getvalue(), npy(objects, pickled), npy(call), deep):
            contents.append(npz([*members[:place], (name, content), *members[place + 1 :]]))
        contents.append(npz([*members, members[place]]))  # twice
        contents.append(npz([*members, (name.removesuffix(".npy"), members[place][1])]))
        contents.append(npz([*members[:place], (f"../{name}", b""), *members[place + 1 :]]))
    contents += [npz(members, method) for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)]
    contents.append(npz([("inner.zip", saved.content)]))
    contents.append(npz([*members, ("/etc/passwd", b"x"), ("..\\x", b"x")]))
    counts = tally(saved, contents, "pickles and zip tricks", capsys)
    assert (counts["same"], counts["other"]) == (0, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [saved.path.name]
