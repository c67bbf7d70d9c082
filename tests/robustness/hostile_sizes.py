"""Small files that say, or are, very much: each a call that must be refused cheaply."""

import gzip
import io
import zipfile
from functools import partial
from pathlib import Path

import numpy as np

from ncf_numpy.core.models import NeuMF
from ncf_numpy.datasets import (
    Interactions,
    leave_one_out,
    load_interactions,
    load_lastfm_2k,
    load_ncf_files,
)
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.safe_file import pack, read_file, write_file
from ncf_numpy.training.checkpoint import load_checkpoint, save_checkpoint
from ncf_numpy.training.trainer import Trainer

HUGE = 10**12


def plays():
    keys = np.random.default_rng(0).choice(8 * 9, 40, replace=False)
    return Interactions.from_columns(keys // 9, keys % 9)


def peak():
    """The most megabytes this process has had; getrusage would count its parent's too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def warm_up(folder):
    """Use every module once, so that what is measured is the files'."""
    path = Path(folder) / "good.csv"
    path.write_text("user,item\n" + "1,2\n3,4\n" * 1000, encoding="utf-8")
    load_interactions(path)
    Recommender("neumf", factors=2, layers=(4, 2), epochs=1).fit(plays()).save(path)
    Recommender.load(path)


def cases(folder):
    """{what is wrong: a call without arguments}."""
    folder = Path(folder)
    return {
        **hostile_recommenders(folder),
        **hostile_checkpoints(folder),
        **hostile_tables(folder),
        **hostile_ncf_files(folder),
    }


def hostile_recommenders(folder):
    good = folder / "good.npz"
    Recommender("neumf", factors=2, layers=(4, 2), epochs=1).fit(plays()).save(good)
    header, arrays = read_file(good, "recommender")
    settings = header["settings"]
    rows = [{f"column{i}": 1} for i in range(20_000)]
    resealed = {
        "10^9 factors": ({"settings": {**settings, "factors": 10**9}}, {}),
        "layers of 10^9": ({"settings": {**settings, "layers": [10**9, 10**9]}}, {}),
        "10^6 layers": ({"settings": {**settings, "layers": [2] * 10**6}}, {}),
        "10^12 factors of MF": ({"settings": {**settings, "model": "mf", "factors": HUGE}}, {}),
        "20,000 columns of history": ({"history": rows}, {}),
        "a user with 10^12 items": ({}, {"offsets": np.array([0, HUGE] + [40] * 7)}),
        "ids that are nested": ({}, {"user_ids": np.frombuffer(b"[" * 10**6, np.uint8)}),
        "a name for each of 10^6 items": ({}, {"item_names": pack(["x"] * 10**6)}),
    }
    calls = {}
    for number, (what, (changed, other)) in enumerate(resealed.items()):
        path = folder / f"resealed{number}.npz"
        write_file(path, "recommender", {**header, **changed}, {**arrays, **other})
        calls[what] = partial(Recommender.load, path)
    with zipfile.ZipFile(good) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for what, shape in {
        "10^12 numbers declared": f"({HUGE},)",
        "10^24 numbers declared": f"({HUGE}, {HUGE})",
        "a negative number declared": "(-1, -40)",
        "10^12 numbers of no bytes": f"({HUGE}, 0)",
    }.items():
        path = folder / f"{what}.npz"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, npy(shape) if name == "items.npy" else content)
        calls[what] = partial(Recommender.load, path)
    path = folder / "bomb.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("header.npy", "w") as file,
    ):
        for _ in range(16):
            file.write(bytes(2**24))
    calls["256 MB of zeros in a deflated array"] = partial(Recommender.load, path)
    path = folder / "lies.npz"
    path.write_bytes(with_sizes(good.read_bytes(), 0xFFFF_FFF0))
    calls["4 GB in a zip's directory"] = partial(Recommender.load, path)
    path = folder / "declared.npy"
    path.write_bytes(npy(f"({HUGE},)"))
    calls["an .npy of 10^12 numbers"] = partial(Recommender.load, path)
    return calls


def npy(shape):
    text = f"{{'descr': '<i4', 'fortran_order': False, 'shape': {shape}, }}"
    head = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + bytes(160)


def with_sizes(content, size):
    """A zip whose directory says that every member is as long as that."""
    content, place = bytearray(content), 0
    while (place := content.find(b"PK\x01\x02", place + 1)) > 0:
        content[place + 20 : place + 28] = size.to_bytes(4, "little") * 2
    return bytes(content)


def hostile_checkpoints(folder):
    split = leave_one_out(plays(), np.random.default_rng(0))

    def trainer():
        rng = np.random.default_rng(1)
        return Trainer(NeuMF(8, 9, 2, (4, 2), rng), split, rng, batch_size=16)

    good = folder / "good.checkpoint"
    done = trainer()
    done.run_epoch()
    save_checkpoint(good, done)
    header, arrays = read_file(good, "checkpoint")
    calls = {}
    for number, (what, changed) in enumerate(
        {
            "an optimizer after 2^40 steps": {"optimizer": {"t": 2**40}},
            "10^12 epochs": {"epoch": HUGE, "best_epoch": HUGE},
            "a random state of 10^6 digits": {"rng": {**header["rng"], "state": "9" * 10**6}},
        }.items()
    ):
        path = folder / f"resealed{number}.checkpoint"
        write_file(path, "checkpoint", {**header, **changed}, arrays)
        calls[what] = partial(load_checkpoint, path, trainer())
    path = folder / "broadcast.checkpoint"
    one = {name: array.reshape(-1)[:1] for name, array in arrays.items()}
    write_file(path, "checkpoint", header, one)
    calls["one number for each array"] = partial(load_checkpoint, path, trainer())
    return calls


def hostile_tables(folder):
    line = b"ann," + b"x" * 95 + b"\n"
    block = gzip.compress(b"user,item\n" + line * 10**5)
    path = folder / "bomb.csv.gz"
    path.write_bytes(block * 30)  # in 0.8 MB
    calls = {"300 MB of text in a gzip file": partial(load_interactions, path)}
    path = folder / "zeros.csv.gz"
    path.write_bytes(gzip.compress(b"user,item\n") + gzip.compress(bytes(2**24)) * 16)
    calls["256 MB of zeros in a gzip file"] = partial(load_interactions, path)
    path = folder / "hetrec.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("artists.dat", "id\tname\n1\tone\n")
        with archive.open("user_artists.dat", "w") as file:
            file.write(b"userID\tartistID\tweight\n")
            for _ in range(40):
                file.write(b"1\t1\t1\n" * 10**6)
    calls["240 MB of plays in a zip"] = partial(load_lastfm_2k, path)
    for name in ("//a/user_artists.dat", "../user_artists.dat", "/user_artists.dat"):
        path = folder / f"{len(calls)}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, "userID\tartistID\tweight\n1\t1\t1\n")
            archive.writestr("artists.dat", "id\tname\n1\tone\n")
        calls[f"{name} in a zip"] = partial(load_lastfm_2k, path)
    path = folder / "line.csv"
    path.write_bytes(b"user,item\n1,2\n" + b"x" * 2**24 + b",1\n1,2,3\n")
    calls["a line of 16 MB, and a bad one"] = partial(load_interactions, path)
    return calls


def hostile_ncf_files(folder):
    texts = {"train.rating": "0\t0\t1\n", "test.rating": "0\t1\t1\n", "test.negative": "(0,1)\t2\n"}
    n = 20_000
    changes = {
        "a user called 10^12": {"train.rating": f"{HUGE}\t0\t1\n"},
        "an item called 10^12": {"train.rating": f"0\t{HUGE}\t1\n"},
        "a negative called 10^12": {"test.negative": f"(0,1)\t2\t{HUGE}\n"},
        "one user with 20,000 negatives": {
            "test.rating": "".join(f"{u}\t1\t1\n" for u in range(n)),
            "test.negative": "(0,1)" + "\t2" * n + "\n"
            + "".join(f"({u},1)\t2\n" for u in range(1, n)),
        },
    }  # fmt: skip
    calls = {}
    for number, (what, changed) in enumerate(changes.items()):
        for suffix, text in (texts | changed).items():
            (folder / f"ncf{number}.{suffix}").write_text(text, encoding="utf-8")
        rng = np.random.default_rng(0)
        calls[what] = partial(load_ncf_files, folder / f"ncf{number}", rng, validation=False)
    body = io.BytesIO()
    np.savez_compressed(body, user_id=np.zeros(2**23, np.int64), artist_id=np.arange(3))
    beside = folder / "with_map"
    beside.mkdir()
    (beside / "id_map_to_hetrec.npz").write_bytes(body.getvalue())
    for suffix, text in texts.items():
        (beside / f"toy.{suffix}").write_text(text, encoding="utf-8")
    rng = np.random.default_rng(0)
    calls["64 MB of zeros in the map of ids"] = partial(load_ncf_files, beside / "toy", rng)
    return calls
