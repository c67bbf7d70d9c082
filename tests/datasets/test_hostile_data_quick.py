"""What hostile data files once did, one test for each symptom; tests/robustness has thousands."""

import gzip
import io
import os
import tarfile
import zipfile

import numpy as np
import pytest
from stand_in_server import serving, without_length

from ncf_numpy.datasets import (
    load_interactions,
    load_lastfm_2k,
    load_lastfm_360k,
    load_movielens,
    load_ncf_files,
    network,
)
from ncf_numpy.datasets.dataset import Dataset, Part
from ncf_numpy.datasets.downloads import Connection, fetch
from ncf_numpy.datasets.reading import decompression

HETREC = {
    "user_artists.dat": b"userID\tartistID\tweight\n2\t7\t30\n2\t5\t4\n",
    "artists.dat": b"id\tname\turl\n5\tFive\tu\n7\tSeven\tu\n",
}


@pytest.fixture
def load(tmp_path):
    """load(loader, {file: bytes}, ...): the result of a loader of a folder with these files."""

    def write_and_load(loader, files, *arguments, **settings):
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        return loader(tmp_path, *arguments, **settings)

    return write_and_load


def hetrec(load, plays=b"", artists=b""):
    names = zip(HETREC, (plays, artists))
    files = {name: HETREC[name] + more for name, more in names}
    return load(load_lastfm_2k, files, min_per_user=0, min_per_item=0)


@pytest.mark.parametrize(
    ("plays", "artists", "message"),
    [
        (b"1\x002\t5\t1\n", b"", "user_artists.dat, line 4: not utf-8 .a NUL byte"),
        (b"", b"9\tA\0bc\tu\n", "artists.dat, line 4: not utf-8 .a NUL byte"),
        (b"1.\t5\t1\n", b"", r"user_artists.dat, line 4: userID is '1.', expected a whole"),
        (b"1e-400\t5\t1\n", b"", r"line 4: userID is '1e-400', expected a whole number"),
        (b"1_0\t5\t1\n", b"", r"line 4: userID is '1_0', expected a whole number"),
        ("١\t5\t1\n".encode(), b"", r"line 4: userID is '١', expected a whole number"),
        (b"1\t5\t1_0\n", b"", r"line 4: weight is '1_0', expected a finite number"),
        (b"9\t5\t1e308\n9\t5\t1e308\n", b"", "line 4: weight is '1e308', expected a finite"),
        (b"\t\t\n", b"", "line 4: userID is ''"),
        (b"", b"9\tNi\rne\tu\n", "artists.dat, line 5: id is 'ne', expected"),
        (b"9" * 10**6 + b"\t5\t1\n", b"", r"line 4: .*(field limit|999\.\.\., expected a whole)"),
    ],
)
def test_a_field_that_was_read_as_something_else_or_had_no_line(load, plays, artists, message):
    with pytest.raises(ValueError, match=message) as error:
        hetrec(load, plays, artists)
    assert len(str(error.value)) < 500


def test_ids_beyond_2_to_the_53_were_rounded_when_another_was_written_as_a_float(load):
    data = hetrec(load, b"9007199254740993\t5\t1\n")
    assert data.user_ids.tolist() == [2, 2**53 + 1]
    with pytest.raises(ValueError, match="line 5: userID is '1e3'"):
        hetrec(load, b"9007199254740993\t5\t1\n1e3\t5\t1\n")


def test_a_byte_order_mark_hid_the_first_column(load):
    files = {name: b"\xef\xbb\xbf" + content for name, content in HETREC.items()}
    data = load(load_lastfm_2k, files, min_per_user=0, min_per_item=0)
    assert data.item_names.tolist() == ["Five", "Seven"]


MOVIELENS = {
    "ratings.dat": b"7::2::3::881250949\n3::1::4::891717742\n",
    "movies.dat": b"1::One::Drama\n2::Two\x85 \x1c::Horror\n",
}


def test_a_title_with_a_control_character_was_cut_into_two_lines(load):
    assert load(load_movielens, MOVIELENS).item_names.tolist() == ["One", "Two\x85 \x1c"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"x7::1::3::9\n", "ratings.dat, line 3: user is 'x7', expected a whole number"),
        (b"7::1e3::3::9\n", "ratings.dat, line 3: item is '1e3', expected a whole number"),
        (b"7::1\x1f3::9\n", r"ratings.dat, line 3: holds the control character b'\\x1f'"),
        (b"7::1::3::4\x009\n", "ratings.dat, line 3: not utf-8 .a NUL byte"),
    ],
)
def test_one_id_that_is_no_number_made_texts_of_all_of_them(load, line, message):
    files = {**MOVIELENS, "ratings.dat": MOVIELENS["ratings.dat"] + line}
    with pytest.raises(ValueError, match=message):
        load(load_movielens, files)


def test_one_listener_who_is_no_number_made_texts_of_all_of_them(load):
    files = {
        "lastfm_play.csv": b"user_id,artist_id,plays\n0,12,30\nO,3,4\n",
        "lastfm_artist.csv": b"artist_id,artist_name\n3,Three\n",
    }
    with pytest.raises(ValueError, match="play.csv, line 3: user_id is 'O', expected a whole"):
        load(load_lastfm_360k, files)


def test_one_text_among_whole_ids_is_dropped_on_request(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("user,item\n1,2\nx,2\n", encoding="utf-8")
    assert load_interactions(path).user_ids.tolist() == ["1", "x"]
    data = load_interactions(path, whole_ids=True, bad_rows="drop")
    assert data.user_ids.tolist() == [1]
    assert data.notes == ("Rows whose user is not a whole number, dropped: 1 (line 3).",)


NCF = {
    "a.train.rating": b"0\t0\t5\n1\t2\t1\n",
    "a.test.rating": b"0\t1\t5\n",
    "a.test.negative": b"(0,1)\t2\t3\n",
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"a.train.rating": b"0\t0\t5\n1000000000000\t2\t1\n"}, "train.rating, line 2: user 1000"),
        ({"a.train.rating": b"0\t0\t5\n1\t1000000000000\t1\n"}, "train.rating, line 2: item 1000"),
        ({"a.test.negative": b"(0,1)\t2\t1000000000000\n"}, "test.negative, line 1: item 1000"),
        ({"a.test.negative": b"(0,1)\t2\t1_0\n"}, "line 1: negatives must .* got '1_0'"),
        ({"a.test.negative": b"(0," + b"1" * 5000 + b")\t2\n"}, "negative, line 1: expected"),
        ({"a.test.negative": "(0,١)\t2\n".encode()}, "negative, line 1: expected"),
    ],
)
def test_an_id_that_asked_for_memory_or_was_no_number(load, changed, message):
    with pytest.raises(ValueError, match=message):
        load(load_ncf_files, NCF | changed, np.random.default_rng(0), validation=False)


def test_one_long_line_of_negatives_was_padded_for_all_the_others(load):
    test = b"".join(b"%d\t1\t5\n" % user for user in range(100))
    negative = b"".join(b"(%d,1)\t2\n" % user for user in range(1, 100))
    files = {"a.test.rating": test, "a.test.negative": b"(0,1)" + b"\t2" * 100 + b"\n" + negative}
    with pytest.raises(ValueError, match="negative, line 1: 100 negatives, and 199 in all 100"):
        load(load_ncf_files, NCF | files, np.random.default_rng(0), validation=False)


def test_a_damaged_map_of_ids_did_not_say_which_file(load):
    body = io.BytesIO()
    np.savez(body, user_id=np.arange(2), artist_id=np.arange(4))
    files = NCF | {"id_map_to_hetrec.npz": body.getvalue()[:-40]}
    with pytest.raises(ValueError, match="id_map_to_hetrec.npz is damaged"):
        load(load_ncf_files, files, np.random.default_rng(0), validation=False)
    body = io.BytesIO()
    np.savez(body, user_id=np.array([1.5, 2]), artist_id=np.arange(4))
    files = NCF | {"id_map_to_hetrec.npz": body.getvalue()}
    with pytest.raises(ValueError, match=r"npz: user_id is float64 of shape \(2,\), not ids"):
        load(load_ncf_files, files, np.random.default_rng(0), validation=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x1f\x8buser,item\n1,2\n", "x.csv.gz is no complete gzip file"),
        (gzip.compress(b"user,item\n")[:-3], "x.csv.gz is no complete gzip file"),
        (gzip.compress(b"user,item\n" + b"1,2\n" * 9999), "x.csv.gz unpacks to more than 100"),
    ],
)
def test_a_gzip_file_that_broke_the_search_for_columns_or_unpacked_without_end(
    tmp_path, monkeypatch, content, message
):
    monkeypatch.setattr(decompression, "ALWAYS_UNPACKED", 1000)
    (tmp_path / "x.csv.gz").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load_interactions(tmp_path / "x.csv.gz")


def zipped(files, method=zipfile.ZIP_STORED):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return body.getvalue()


@pytest.mark.parametrize("name", ["//a/b", "/a", "../a", "a/../b", "c:\\a", "..\\a"])
def test_a_path_in_a_zip_that_hung_zipfile(tmp_path, name):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(HETREC | {name: b""}))
    with pytest.raises(ValueError, match="a.zip holds the unsafe path"):
        load_lastfm_2k(path)


def test_a_zip_that_is_a_bomb_or_asks_for_a_password(tmp_path, monkeypatch):
    monkeypatch.setattr(decompression, "ALWAYS_UNPACKED", 1000)
    path = tmp_path / "a.zip"
    bomb = HETREC | {"user_artists.dat": HETREC["user_artists.dat"] + b"2\t5\t4\n" * 9999}
    path.write_bytes(zipped(bomb, zipfile.ZIP_DEFLATED))
    with pytest.raises(ValueError, match="user_artists.dat in .*a.zip unpacks to more than 100"):
        load_lastfm_2k(path)
    good = zipped(HETREC)
    flags = good.index(b"PK\x01\x02") + 8
    path.write_bytes(good[:flags] + b"\x01" + good[flags + 1 :])
    with pytest.raises(ValueError, match="user_artists.dat in .*a.zip is damaged .*encrypted"):
        load_lastfm_2k(path)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as server:
        yield server


@pytest.mark.parametrize("size", [1000, None])
def test_a_server_that_does_not_stop_filled_the_disk(server, tmp_path, monkeypatch, size):
    monkeypatch.setattr(network, "LONGEST", 1000)
    server.replies["/a.csv"] = [without_length(b"x" * 500_000)]
    dataset = Dataset("endless", "", "", (Part("https://x/a.csv", size),))
    with pytest.raises(OSError, match="a.csv has [0-9,]+ bytes, expected 1,000 at most"):
        fetch(dataset, tmp_path / "cache", Connection(server.url, timeout=5, progress=False))
    assert list(tmp_path.iterdir()) == []


def bomb(method):
    return zipped({"a.csv": b"0" * 10**6}, method)


# LZMA is method 14; there is no method 99.
UNKNOWN = zipped({"a.csv": b"1"}, zipfile.ZIP_LZMA).replace(b"\x0e\0", b"\x63\0")


def sparse_tar():
    """The header says that its file has 2^40 bytes, of which only the last 512 are there."""
    body, info = io.BytesIO(), tarfile.TarInfo("a.csv")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 512
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    for start, number in ((386, 2**40 - 512), (398, 512), (483, 2**40)):
        header[start : start + 12] = tarfile.itn(number, 12, tarfile.GNU_FORMAT)
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:]))
    body.write(bytes(header) + b"x" * 512 + bytes(1024))
    return gzip.compress(body.getvalue())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.zip", bomb(zipfile.ZIP_DEFLATED), "a.csv unpacks to more than 100 times"),
        ("a.zip", bomb(zipfile.ZIP_LZMA), "a.csv unpacks to more than 100 times"),
        ("a.tar.gz", sparse_tar(), "a.csv unpacks to more than 100 times"),
        ("a.zip", zipped({"a.csv": b"1"}).replace(b"a.csv", b"a.cs\xff"), "could not be downlo"),
        ("a.zip", UNKNOWN, "a.zip is damaged .*compression"),
    ],
)
def test_an_archive_saved_by_hand_that_is_a_bomb_or_broken(
    tmp_path, monkeypatch, name, content, message
):
    monkeypatch.setattr(decompression, "ALWAYS_UNPACKED", 1000)
    (tmp_path / name).write_bytes(content)
    part = Part(f"https://x/{name}", None, "", (Part("a.csv"),))
    with pytest.raises(OSError, match=message):
        fetch(Dataset("broken", "", "", (part,)), tmp_path, Connection(progress=False))
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_or_a_device_was_read_without_an_end(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")  # into which nobody writes
    for path in (tmp_path / "pipe.csv", "/dev/zero"):
        with pytest.raises(OSError, match="this is no file but a pipe or a device"):
            load_interactions(path)


def test_a_line_without_an_end_filled_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(decompression, "LONGEST_LINE", 1000)
    rows = "".join(f"{n},{n}\n" for n in range(1000))
    (tmp_path / "a.csv").write_text(f"user,item\n{rows}")
    assert len(load_interactions(tmp_path / "a.csv")) == 1000
    (tmp_path / "a.csv").write_text(f"user,item\n1,1\n{'x' * 300_000}\n")
    with pytest.raises(ValueError, match=r"a.csv, line 3: longer than 1,000 bytes"):
        load_interactions(tmp_path / "a.csv")
