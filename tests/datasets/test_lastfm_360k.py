import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from ncf_numpy.datasets import load_lastfm_360k

CSVS = {
    "lastfm_play.csv": "user_id,artist_id,plays\n0,12,30\n0,3,4\n1,3,5\n",
    "lastfm_artist.csv": (
        'artist_id,artist_name\n3,"Earth, Wind & Fire"\n12,볼빨간사춘기\n13,"""x"""\n'
    ),
    "lastfm_user.csv": "user_id,gender,age,country\n0,f,22,Germany\n1,,-1,Korea\n",
}
USERS = "a" * 40, "b" * 40
MBID = "af8e4cc5-ef54-458d-a194-7b210acf638f"
TSV = "usersha1-artmbid-artname-plays.tsv"
ORIGINAL = (
    f"{USERS[1]}\t{MBID}\tThe Cure\t10\n"
    f'{USERS[1]}\t\t"Weird" Al\t3\n'  # no MusicBrainz id
    f"{USERS[0]}\t{MBID}\tCure\t2\n"
    f"{USERS[0]}\t\t\t7\n"  # nobody knows who this is
    f"{USERS[0]}\t\t311\t0\n"
)


@pytest.fixture
def write(tmp_path):
    def to(files):
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return to


def test_the_three_csvs(write):
    data = load_lastfm_360k(write(CSVS))
    assert (data.user_ids.tolist(), data.item_ids.tolist()) == ([0, 1], [3, 12])
    assert (data.users.tolist(), data.items.tolist()) == ([0, 0, 1], [0, 1, 0])
    assert data.counts.tolist() == [4, 30, 5]
    assert data.item_names.tolist() == ["Earth, Wind & Fire", "볼빨간사춘기"]
    assert data.timestamps is None
    assert data.source == "Last.fm 360K (three CSVs)"
    assert data.notes == ("lastfm_user.csv is not used: the models learn from plays alone.",)


def test_an_artist_without_a_name_is_called_by_its_id(write):
    artists = "artist_id,artist_name\n3,\n"
    data = load_lastfm_360k(write(CSVS | {"lastfm_artist.csv": artists}))
    assert data.item_names.tolist() == ["3", "12"]
    assert data.notes[0].startswith("Artists without a name in lastfm_artist.csv, called by")
    assert data.notes[0].endswith(": 2.")


def test_listeners_need_not_be_there(write):
    folder = write({name: text for name, text in CSVS.items() if name != "lastfm_user.csv"})
    assert load_lastfm_360k(folder).notes == ()


def test_thresholds(write):
    data = load_lastfm_360k(write(CSVS), min_per_item=2)
    assert data.item_names.tolist() == ["Earth, Wind & Fire"]
    assert len(data.notes) == 1


def test_the_original_table(write):
    data = load_lastfm_360k(write({TSV: ORIGINAL}))
    assert data.user_ids.tolist() == list(USERS)
    assert data.item_ids.tolist() == ['"Weird" Al', MBID]
    assert (data.users.tolist(), data.items.tolist()) == ([0, 1, 1], [1, 0, 1])
    assert data.counts.tolist() == [2, 3, 10]
    assert data.item_names.tolist() == ['"Weird" Al', "The Cure"]
    assert data.source == "Last.fm 360K"
    assert data.notes == (
        "Rows whose artist is not an id, dropped: 1 (row 4).",
        "Rows with plays 0, dropped: 1.",
        "Items with more than one name, the first kept: 1.",
        "Rows without a MusicBrainz id, whose artist is called by name: 3.",
    )


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        (
            {"a.csv": ""},
            FileNotFoundError,
            "holds neither lastfm_play.csv nor usersha1.* but a.csv",
        ),
        (
            {"lastfm_play.csv": CSVS["lastfm_play.csv"]},
            FileNotFoundError,
            "no lastfm_artist.csv in .*; found: lastfm_play.csv",
        ),
        (
            CSVS | {"lastfm_play.csv": "user_id,artist_id,plays\n0,12,30\n0,3,x\n"},
            ValueError,
            "lastfm_play.csv, line 3: plays is 'x', expected a finite number",
        ),
        (
            CSVS | {"lastfm_play.csv": "user_id,artist,plays\n0,12,30\n"},
            ValueError,
            "lastfm_play.csv has no column 'artist_id'; it has 'user_id', 'artist', 'plays'",
        ),
        ({TSV: f"{USERS[0]}\t\tCure\n"}, ValueError, "line 1: expected 4 fields.* got 3"),
    ],
)
def test_malformed_files(write, files, error, message):
    with pytest.raises(error, match=message):
        load_lastfm_360k(write(files))


def test_a_twentieth_of_the_real_size(tmp_path):
    n, n_users, n_artists = 17_302_623 // 20, 17_900, 8_000
    rng = np.random.default_rng(0)
    users = np.sort(rng.integers(0, n_users, n))
    artists = rng.integers(0, n_artists, n)
    plays = rng.integers(1, 1000, n)
    columns = {"user_id": users, "artist_id": artists, "plays": plays}
    pd.DataFrame(columns).to_csv(tmp_path / "lastfm_play.csv", index=False)
    names = {
        "artist_id": range(n_artists),
        "artist_name": [f"Artist {i}" for i in range(n_artists)],
    }
    pd.DataFrame(names).to_csv(tmp_path / "lastfm_artist.csv", index=False)

    start = time.process_time()
    data = load_lastfm_360k(tmp_path)
    seconds = time.process_time() - start
    # the independent twin: one number for each pair, and its plays summed by np.bincount
    keys, inverse = np.unique(users * n_artists + artists, return_inverse=True)
    np.testing.assert_array_equal(
        data.user_ids[data.users] * n_artists + data.item_ids[data.items], keys
    )
    np.testing.assert_array_equal(data.counts, np.bincount(inverse, weights=plays))
    assert data.item_name(3) == "Artist 3"
    assert seconds < 60 / 20 * 3  # processor time; three times the budget, for a busy machine


def test_memory_at_a_hundredth_of_the_real_size(tmp_path):
    n = 17_302_623 // 100
    rng = np.random.default_rng(0)
    columns = {"user_id": rng.integers(0, 3_589, n), "artist_id": rng.integers(0, 1_601, n)}
    pd.DataFrame({**columns, "plays": 1}).to_csv(tmp_path / "lastfm_play.csv", index=False)
    (tmp_path / "lastfm_artist.csv").write_text(CSVS["lastfm_artist.csv"], encoding="utf-8")
    tracemalloc.start()
    load_lastfm_360k(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n / 17_302_623 * 4 * 2**30  # its share of 4 GB


def test_one_listener_who_is_no_number_made_texts_of_all_of_them(write):
    files = {
        "lastfm_play.csv": "user_id,artist_id,plays\n0,12,30\nO,3,4\n",
        "lastfm_artist.csv": "artist_id,artist_name\n3,Three\n",
    }
    with pytest.raises(ValueError, match="play.csv, line 3: user_id is 'O', expected a whole"):
        load_lastfm_360k(write(files))
