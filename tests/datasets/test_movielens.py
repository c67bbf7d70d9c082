import zipfile

import numpy as np
import pytest

from ncf_numpy.datasets import load_lastfm_2k, load_movielens
from ncf_numpy.datasets.catalogue import dataset_at
from ncf_numpy.datasets.published.movielens import EVERY_RATING

FILES_100K = {
    "u.data": "7\t2\t3\t881250949\n7\t1\t5\t881250948\n3\t1\t4\t891717742\n",
    "u.item": "1|Les Misérables (1995)|01-Jan-1995||http://x|0|1\n2|unknown||||1|0\n",
}
FILES_1M = {
    "ratings.dat": "7::2::3::881250949\n7::1::5::881250948\n3::1::4::891717742\n",
    "movies.dat": "1::Les Misérables (1995)::Drama|Musical\n2::Alien: One (1979)::Horror\n",
}


def as_folder(tmp_path, files):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("latin-1"))
    return folder


def as_zip(tmp_path, files, inside="ml/"):
    path = tmp_path / "ml.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(inside + name, text.encode("latin-1"))
    return path


@pytest.mark.parametrize("place", [as_folder, as_zip])
@pytest.mark.parametrize(
    ("files", "source", "second"),
    [(FILES_100K, "MovieLens 100K", "unknown"), (FILES_1M, "MovieLens 1M", "Alien: One (1979)")],
)
def test_both_formats_from_a_folder_and_a_zip(tmp_path, place, files, source, second):
    data = load_movielens(str(place(tmp_path, files)))
    assert (data.user_ids.tolist(), data.item_ids.tolist()) == ([3, 7], [1, 2])
    assert (data.users.tolist(), data.items.tolist()) == ([0, 1, 1], [0, 0, 1])
    assert data.counts.tolist() == [4, 5, 3]
    assert data.timestamps.tolist() == [891717742, 881250948, 881250949]
    assert data.item_names.tolist() == ["Les Misérables (1995)", second]
    assert (data.source, data.notes) == (source, (EVERY_RATING,))


FILES_10M = {
    "ratings.dat": "7::2::3.5::881250949\n7::1::5::881250948\n3::1::4::891717742\n",
    "movies.dat": "1::Les Misérables (1995)::Drama\n2::アキラ (1988)::Anime\n",
}
FILES_LATEST = {
    "ratings.csv": "userId,movieId,rating,timestamp\n7,2,3.5,881250949\n7,1,5.0,881250948\n"
    "3,1,4.0,891717742\n",
    "movies.csv": 'movieId,title,genres\n1,"Misérables, Les (1995)",Drama\n2,Akira,Anime\n',
    "tags.csv": "userId,movieId,tag,timestamp\n",
}


@pytest.mark.parametrize("place", [as_folder, as_zip])
@pytest.mark.parametrize(
    ("files", "source", "titles"),
    [
        (FILES_10M, "MovieLens 10M", ["Les Misérables (1995)", "アキラ (1988)"]),
        (FILES_LATEST, "MovieLens (", ["Misérables, Les (1995)", "Akira"]),
    ],
)
def test_10m_was_read_as_1m_and_later_releases_were_not_known(
    tmp_path, place, files, source, titles
):
    path = place(tmp_path, {name: text.encode().decode("latin-1") for name, text in files.items()})
    dataset = dataset_at(path)
    assert dataset.load is load_movielens
    data = dataset.load(path, min_rating=3.5)
    assert data.counts.tolist() == [4, 5, 3.5]
    assert data.item_names.tolist() == titles
    assert data.source.startswith(source)
    assert len(load_movielens(path, min_rating="all")) == 3


@pytest.mark.parametrize("files", [FILES_100K, FILES_1M])
def test_a_threshold(tmp_path, files):
    data = load_movielens(as_folder(tmp_path, files), min_rating=4)
    assert (data.users.tolist(), data.items.tolist()) == ([0, 1], [0, 0])
    assert data.source.endswith(", rating >= 4")
    assert data.notes == ("Pairs with rating below 4, dropped: 1.",)


@pytest.mark.parametrize(
    ("files", "changed", "message"),
    [
        (FILES_1M, {"ratings.dat": "1::2::3::4\n1::2::five::4\n"}, r"ratings.dat, line 2: rating "),
        (FILES_1M, {"ratings.dat": "1::2::3::4\n1::2::3::4::5\n"}, r"dat, line 2: got 5 fields"),
        (FILES_1M, {"ratings.dat": "1,2,3,4\n"}, r"ratings.dat, line 1: expected 4 fields"),
        (FILES_1M, {"movies.dat": "1::A::B\n\n2\n::C\n"}, r"movies.dat, line 4: movieId is ''"),
        (FILES_1M, {"movies.dat": "x::A::B\n"}, r"movies.dat, line 1: movieId is 'x'"),
        (FILES_100K, {"u.data": "1\t2\t3\n"}, r"u.data, line 1: expected 4 fields.* got 3"),
        (FILES_100K, {"u.item": "1\tA\n"}, r"u.item, line 1: expected 2 fields.*, got"),
    ],
)
@pytest.mark.parametrize("place", [as_folder, as_zip])
def test_malformed_files(tmp_path, place, files, changed, message):
    with pytest.raises(ValueError, match=message):
        load_movielens(place(tmp_path, files | changed))


def test_missing_files(tmp_path):
    folder = as_folder(tmp_path, {"links.csv": "", "movies.dat": ""})
    message = "holds none of u.data, ratings.dat, ratings.csv, but links.csv, movies.dat"
    with pytest.raises(FileNotFoundError, match=message):
        load_movielens(folder)
    (folder / "ratings.dat").write_text(FILES_1M["ratings.dat"], encoding="latin-1")
    (folder / "movies.dat").unlink()
    with pytest.raises(FileNotFoundError, match="no movies.dat in .*; found: links.csv, ratings"):
        load_movielens(folder)
    with pytest.raises(FileNotFoundError, match="no folder .*nowhere; expected one with u.data, "):
        load_movielens(tmp_path / "nowhere")


def test_bad_zips(tmp_path):
    path = as_zip(tmp_path, FILES_1M)
    whole = path.read_bytes()
    start = whole.index(b"7::2::3")  # stored, not compressed
    path.write_bytes(whole[:start] + b"8" + whole[start + 1 :])
    with pytest.raises(
        ValueError, match="ratings.dat in .*ml.zip is damaged .*CRC.*fetch it again"
    ):
        load_movielens(path)
    path.write_bytes(whole[:200])
    with pytest.raises(ValueError, match="ml.zip is neither a folder nor a whole zip"):
        load_movielens(path)
    twice = {f"{copy}/u.data": FILES_100K["u.data"] for copy in "ab"}
    as_zip(tmp_path, twice | {"u.item": FILES_100K["u.item"]})
    with pytest.raises(ValueError, match="holds u.data more than once: .*a/u.data, .*b/u.data"):
        load_movielens(path)


def test_hetrec_from_its_zip(tmp_path):
    plays = "userID\tartistID\tweight\r\n2\t7\t30\r\n9\t7\t1\r\n"
    artists = "id\tname\turl\tpictureURL\n7\tMetric\thttp://x\t\n"
    path = as_zip(tmp_path, {"user_artists.dat": plays, "artists.dat": artists}, inside="")
    data = load_lastfm_2k(path, min_per_user=0, min_per_item=0)
    assert data.counts.tolist() == [30, 1]
    assert data.item_names.tolist() == ["Metric"]
    path = as_zip(tmp_path, {"user_artists.dat": plays + "9\tx\t1\r\n"}, inside="")
    with pytest.raises(ValueError, match=r"ml.zip.user_artists.dat, line 4: artistID is 'x'"):
        load_lastfm_2k(path)


def test_the_real_100k(data_dir):
    data = load_movielens(data_dir("ml-100k"))
    assert (data.n_users, data.n_items, len(data)) == (943, 1_682, 100_000)
    assert set(np.unique(data.counts)) == {1, 2, 3, 4, 5}
    assert data.item_names[data.find_item("misérables, les (1995)")] == "Misérables, Les (1995)"
    # u.data's first line: user 196 gave film 242 three stars at 881250949
    row = np.searchsorted(data.pair_keys, 195 * 1_682 + 241)
    assert (data.counts[row], data.timestamps[row]) == (3, 881250949)
    assert data.notes == (EVERY_RATING,)


def test_a_title_with_a_control_character_was_cut_into_two_lines(tmp_path):
    files = FILES_1M | {"movies.dat": "1::One::Drama\n2::Two\x85 \x1c::Horror\n"}
    assert load_movielens(as_folder(tmp_path, files)).item_names.tolist() == ["One", "Two\x85 \x1c"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x7::1::3::9\n", "ratings.dat, line 4: user is 'x7', expected a whole number"),
        ("7::1e3::3::9\n", "ratings.dat, line 4: item is '1e3', expected a whole number"),
        ("7::1\x1f3::9\n", r"ratings.dat, line 4: holds the control character b'\\x1f'"),
        ("7::1::3::4\x009\n", "ratings.dat, line 4: not utf-8 .a NUL byte"),
    ],
)
def test_one_id_that_is_no_number_made_texts_of_all_of_them(tmp_path, line, message):
    files = FILES_1M | {"ratings.dat": FILES_1M["ratings.dat"] + line}
    with pytest.raises(ValueError, match=message):
        load_movielens(as_folder(tmp_path, files))


def test_titles_without_an_end_filled_the_memory(tmp_path):
    folder = as_folder(tmp_path, FILES_1M)
    with open(folder / "movies.dat", "wb") as file:
        file.truncate(2**40)
    with pytest.raises(ValueError, match="movies.dat, line 1: longer than 33,554,432 bytes"):
        load_movielens(folder)
