"""Archives are hostile: damaged, lying about their size, or small files of very much text.

What must not grow is measured in a process of its own, whose memory is limited besides.
"""

import gzip
import json
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import hostile_sizes
import numpy as np
import pytest
from damage import mutations, truncations

import ncf_numpy
from ncf_numpy.datasets import load_interactions, load_lastfm_2k, load_ncf_files
from ncf_numpy.datasets.catalogue import DATASETS
from ncf_numpy.datasets.dataset import Dataset, Part
from ncf_numpy.datasets.downloads import Connection, fetch

pytestmark = pytest.mark.robustness

MUTATIONS = 500  # of each of the 6 archives
PLAYS = b"userID\tartistID\tweight\n" + b"".join(b"%d\t%d\t%d\n" % (i, i % 7, i) for i in range(99))
ARTISTS = b"id\tname\n" + b"".join(b"%d\tartist %d\n" % (i, i) for i in range(7))
MEMBERS = {"lastfm/user_artists.dat": PLAYS, "lastfm/artists.dat": ARTISTS}


def zipped(members, method=zipfile.ZIP_DEFLATED):
    body = BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return body.getvalue()


def tarred(members):
    body = BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, BytesIO(content))
    return body.getvalue()


def table(data):
    return repr([data.user_ids[data.users], data.item_ids[data.items], data.counts.tolist()])


def read_zip(path):
    data = load_lastfm_2k(path, min_per_user=0, min_per_item=0)
    return table(data) + repr(data.item_names.tolist())


def read_gzip(path):
    return table(load_interactions(path, user="userID", item="artistID", count="weight"))


def read_id_map(path):
    texts = {"train": "0\t0\t1\n1\t2\t1\n", "test": "0\t1\t1\n", "negative": "(0,1)\t2\n"}
    for name, suffix in (("train", "train.rating"), ("test", "test.rating")):
        (path.parent / f"toy.{suffix}").write_text(texts[name], encoding="utf-8")
    (path.parent / "toy.test.negative").write_text(texts["negative"], encoding="utf-8")
    split = load_ncf_files(path.parent / "toy", np.random.default_rng(0), validation=False)
    return repr([split.train.user_ids, split.train.item_ids])


def id_map():
    body = BytesIO()
    np.savez(body, user_id=np.array([70, 80]), artist_id=np.array([5, 10**12, 7]))
    return body.getvalue()


def read_members(path):
    """Fetch a data set whose archive was saved by hand; unlike all real ones it has no checksum."""
    part = Part(f"https://x/{path.name}", None, "", tuple(Part(name) for name in MEMBERS))
    folder = fetch(Dataset("made-up", "", "", (part,)), path.parent, Connection())
    files = [folder / name for name in ("user_artists.dat", "artists.dat")]
    contents = repr([file.read_bytes() for file in files])
    for file in files:
        file.unlink()
    return contents


ARCHIVES = {  # the file's name -> (content, its reader)
    "hetrec.zip": (zipped(MEMBERS), read_zip),
    "stored.zip": (zipped(MEMBERS, zipfile.ZIP_STORED), read_zip),
    "plays.tsv.gz": (gzip.compress(PLAYS, mtime=0), read_gzip),
    "id_map_to_hetrec.npz": (id_map(), read_id_map),
    "download.zip": (zipped(MEMBERS), read_members),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_damaged_archive_gives_what_was_in_it_or_an_error_that_names_it(name, tmp_path, capsys):
    content, read = ARCHIVES[name]
    path = tmp_path / name
    path.write_bytes(content)
    whole = read(path)
    seed = zlib.crc32(name.encode())
    damaged = [*truncations(content), *mutations(content, np.random.default_rng(seed), MUTATIONS)]
    n_refused = 0
    for each in damaged:
        path.write_bytes(each)
        try:
            assert read(path) == whole
        except (ValueError, OSError) as error:
            assert name in str(error)
            n_refused += 1
    with capsys.disabled():
        print(f"\n  {name}, seed {seed}: {len(damaged):,} tried, {n_refused:,} refused", end="")
    assert n_refused > len(damaged) / 2


def test_a_damaged_tar_ends_in_an_os_error_or_in_files(tmp_path, capsys):
    path, content = tmp_path / "download.tar.gz", tarred(MEMBERS)
    n_refused = 0
    for each in mutations(content, np.random.default_rng(6), MUTATIONS):
        path.write_bytes(each)
        try:
            read_members(path)
        except OSError as error:
            assert path.name in str(error)
            n_refused += 1
    assert [file.name for file in tmp_path.iterdir()] == [path.name]  # nothing is left behind
    with capsys.disabled():
        print(f"\n  {path.name}: {MUTATIONS} tried, {n_refused} refused", end="")


def test_no_tar_of_the_catalogue_is_unpacked_without_a_checksum():
    """A zip has the length and a checksum of each member; a compressed tar has neither."""
    archives = [part for each in DATASETS.values() for part in each.parts if part.members]
    assert len(archives) >= 4
    assert all(part.checksum or part.name.endswith(".zip") for part in archives)


LIMITED = """
import json, pickle, resource, sys
import hostile_sizes

hostile_sizes.warm_up(sys.argv[1])
with open(sys.argv[2], "rb") as file:
    cases = pickle.load(file)
used = hostile_sizes.peak()
resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30,) * 2)
for name, call in cases.items():
    try:
        message = f"nothing was wrong: {call()}"
    except (ValueError, OSError) as error:
        message = str(error)
    print(json.dumps([name, message[:400], hostile_sizes.peak() - used]), flush=True)
    used = hostile_sizes.peak()
"""


def test_no_file_asks_for_memory_that_it_does_not_hold(tmp_path, capsys):
    if not sys.platform.startswith("linux"):
        pytest.skip("peaks of memory are read from Linux' /proc")
    calls = tmp_path / "calls.pickle"
    calls.write_bytes(pickle.dumps(hostile_sizes.cases(tmp_path)))
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(Path(ncf_numpy.__file__).parents[1])])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), str(calls)],
        env=environment,
        capture_output=True,
        encoding="utf-8",
    )
    assert result.returncode == 0, result.stderr[-3000:]
    outcomes = [json.loads(line) for line in result.stdout.splitlines()]
    with capsys.disabled():
        for name, _, megabytes in outcomes:
            print(f"\n  {name}: refused with {megabytes} MB", end="")
    assert len(outcomes) >= 20
    for name, message, megabytes in outcomes:
        assert str(tmp_path) in message, (name, message)
        assert "MemoryError" not in message, (name, message)
        assert megabytes < 200, (name, message)
