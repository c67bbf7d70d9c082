"""Data files are hostile: what their slow twin reads comes out, or an error with file and line."""

import functools
import re
import zlib

import numpy as np
import pytest
import slow_parsers
from damage import mutations, truncations

from ncf_numpy.datasets import (
    load_interactions,
    load_lastfm_2k,
    load_lastfm_360k,
    load_movielens,
    load_ncf_files,
)

pytestmark = pytest.mark.robustness

MUTATIONS = 500  # of each of the 14 files
NAMES = ["Sigur Rós", '"Weird" Al', "아이유", "AC/DC", "NA", "311", "Earth, Wind", "ß", "💿", "x y"]
# What is wrong with a whole file has no line.
NO_LINE = (
    "is empty|has no rows|has a header and no rows|has no column|more than one column|nothing is "
    "left of|quotation mark is opened and never closed|has no rating > 0|must be one line of neg"
)


def lines_of(rows, sep, end="\n"):
    return "".join(sep.join(map(str, row)) + end for row in rows).encode()


def pairs(rng, n_users=9, n_items=10, n=40):
    keys = rng.choice(n_users * n_items, n, replace=False)
    return [(int(key // n_items), int(key % n_items)) for key in keys]


def hetrec_files(rng):
    plays = [(2 + u, 5 * i + 1, rng.integers(1, 5000)) for u, i in pairs(rng)]
    artists = [(5 * i + 1, name, f"http://x/{i}", "") for i, name in enumerate(NAMES)]
    return {
        "user_artists.dat": lines_of([("userID", "artistID", "weight"), *plays], "\t", "\r\n"),
        "artists.dat": lines_of([("id", "name", "url", "pictureURL"), *artists], "\t"),
    }


def quoted(text):
    return '"' + text.replace('"', '""') + '"' if '"' in text or "," in text else text


def table_files(rng):
    rows = [(f"u{u}", i, quoted(NAMES[i]), rng.integers(0, 9)) for u, i in pairs(rng)]
    return {"table.csv": lines_of([("user", "item", "name", "plays"), *rows, rows[3]], ",")}


def notebook_files(rng):
    plays = [(u, 3 * i, rng.integers(0, 99)) for u, i in pairs(rng)]
    artists = [(3 * i, quoted(name)) for i, name in enumerate(NAMES)]
    users = [(u, "f", 22, "Germany") for u in range(9)]
    return {
        "lastfm_play.csv": lines_of([("user_id", "artist_id", "plays"), *plays], ","),
        "lastfm_artist.csv": lines_of([("artist_id", "artist_name"), *artists], ","),
        "lastfm_user.csv": lines_of([("user_id", "gender", "age", "country"), *users], ","),
    }


def original_files(rng):
    mbids = [f"{i}f8e4cc5-ef54" if i % 3 else "" for i in range(len(NAMES))]
    rows = [(f"{u:x}" * 8, mbids[i], NAMES[i], rng.integers(1, 99)) for u, i in pairs(rng)]
    return {"usersha1-artmbid-artname-plays.tsv": lines_of(rows, "\t")}


def movielens_files(rng, names, sep, title_sep):
    rated = pairs(rng)
    rows = [(u + 1, i + 1, rng.integers(1, 6), 881250949 + rng.integers(99)) for u, i in rated]
    titles = [(i + 1, f"Les Misérables {i} (1995)", "Drama") for i in range(10)]
    text = lines_of(titles, title_sep).decode().encode("latin-1")
    return {names[0]: lines_of(rows, sep), names[1]: text}


def ncf_files(rng):
    keys = sorted(pairs(rng, n=40))
    train = [(u, i, rng.integers(1, 6), 9 + rng.integers(99)) for u, i in keys]
    tests = [(u, int(rng.integers(10))) for u in range(9)]
    negatives = [(f"({u},{i})", *rng.integers(12, size=5)) for u, i in tests]
    return {
        "toy.train.rating": lines_of(train, "\t"),
        "toy.test.rating": lines_of([(u, i, 3, 99) for u, i in tests], "\t"),
        "toy.test.negative": lines_of(negatives, "\t"),
    }


def read_pairs(data, with_times=False):
    """What the slow twin gives, from Interactions."""
    users, items = data.user_ids[data.users].tolist(), data.item_ids[data.items].tolist()
    amounts = data.counts.tolist()
    if with_times:
        amounts = zip(amounts, data.timestamps.tolist())
    return dict(zip(zip(users, items), amounts)), dict(
        zip(data.item_ids.tolist(), data.item_names.tolist())
    )


def read_ncf(folder):
    split = load_ncf_files(folder, np.random.default_rng(0), validation=False)
    users, items = split.train.users.tolist(), split.train.items.tolist()
    test = split.test
    negatives = [[n for n in row if n >= 0] for row in test.candidates.tolist()]
    rows = sorted(zip(test.users.tolist(), test.items.tolist(), negatives))
    return dict(zip(zip(users, items), split.train.counts.tolist())), rows


def read_table(folder):
    columns = {"count": "plays", "item_name": "name"}
    return read_pairs(load_interactions(folder / "table.csv", **columns))


FORMATS = {  # name -> (make the files, load them, the slow twin)
    "hetrec": (
        hetrec_files,
        lambda folder: read_pairs(load_lastfm_2k(folder, min_per_user=0, min_per_item=0)),
        slow_parsers.hetrec,
    ),
    "table": (table_files, read_table, slow_parsers.csv_table),
    "notebook": (
        notebook_files,
        lambda folder: read_pairs(load_lastfm_360k(folder)),
        slow_parsers.notebook,
    ),
    "original": (
        original_files,
        lambda folder: read_pairs(load_lastfm_360k(folder)),
        slow_parsers.original,
    ),
    "ml-100k": (
        functools.partial(movielens_files, names=("u.data", "u.item"), sep="\t", title_sep="|"),
        lambda folder: read_pairs(load_movielens(folder), with_times=True),
        slow_parsers.movielens,
    ),
    "ml-1m": (
        functools.partial(
            movielens_files, names=("ratings.dat", "movies.dat"), sep="::", title_sep="::"
        ),
        lambda folder: read_pairs(load_movielens(folder), with_times=True),
        slow_parsers.movielens,
    ),
    "ncf": (ncf_files, read_ncf, slow_parsers.ncf),
}


class Folder:
    """A folder of one format; `judge` puts a damaged file there and compares both readers."""

    def __init__(self, path, name):
        self.path = path
        make, self.load, self.parse = FORMATS[name]
        self.files = make(np.random.default_rng(1))
        for file, content in self.files.items():
            (path / file).write_bytes(content)

    def judge(self, damaged, content):
        """right, or the kind of error; any disagreement fails the test."""
        (self.path / damaged).write_bytes(content)
        try:
            expected = self.parse(self.files | {damaged: content})
        except slow_parsers.Bad as bad:
            with pytest.raises(ValueError) as error:
                pytest.fail(f"{bad} was read as {self.load(self.path)}")
            message = str(error.value)
            named = any(str(self.path / file) in message for file in self.files)
            assert named and len(message) < 2000, message[:3000]
            if re.search(r", line [1-9]", message):
                return "error with line"
            assert re.search(NO_LINE, message), message
            return "error of the file"
        assert_same(self.load(self.path), expected)
        return "right"


def assert_same(read, expected):
    """Equal, but for the rounding of sums in another order."""
    assert read[1] == expected[1]
    assert read[0].keys() == expected[0].keys()
    values = [list(each[0][key] for key in expected[0]) for each in (read, expected)]
    np.testing.assert_allclose(*values, rtol=1e-12)


@pytest.fixture(params=FORMATS)
def folder(request, tmp_path):
    return Folder(tmp_path, request.param)


def tally(folder, damaged, contents, what, capsys):
    verdicts = [folder.judge(damaged, content) for content in contents]
    (folder.path / damaged).write_bytes(folder.files[damaged])
    counts = {each: verdicts.count(each) for each in sorted(set(verdicts))}
    with capsys.disabled():
        print(f"\n  {damaged}, {what}: {len(verdicts):,} tried, {counts}", end="")
    return counts


def test_both_readers_agree_on_whole_files(folder):
    for file, content in folder.files.items():
        assert folder.judge(file, content) == "right"


def test_truncated_files(folder, capsys):
    for file, content in folder.files.items():
        tally(folder, file, truncations(content), "truncations", capsys)


def test_damaged_files(folder, capsys):
    for file, content in folder.files.items():
        seed = zlib.crc32(file.encode())
        damaged = mutations(content, np.random.default_rng(seed), MUTATIONS)
        tally(folder, file, damaged, f"mutations of seed {seed}", capsys)
