"""Packed files and files without an end: bombs, broken archives, paths that lead out, pipes."""

import gzip
import io
import os
import tarfile
import zipfile

import pytest
from stand_in_server import serving, without_length

from ncf_numpy.datasets import load_interactions, load_lastfm_2k, network
from ncf_numpy.datasets.dataset import Dataset, Part
from ncf_numpy.datasets.downloads import Connection, fetch
from ncf_numpy.datasets.reading import decompression

HETREC = {
    "user_artists.dat": b"userID\tartistID\tweight\n2\t7\t30\n2\t5\t4\n",
    "artists.dat": b"id\tname\turl\n5\tFive\tu\n7\tSeven\tu\n",
}


def zipped(files, method=zipfile.ZIP_STORED):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return body.getvalue()


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
    ("content", "message"),
    [
        (b"\x1f\x8buser,item\n1,2\n", "x.csv.gz is an incomplete gzip file"),
        (gzip.compress(b"user,item\n")[:-3], "x.csv.gz is an incomplete gzip file"),
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
        fetch(dataset, tmp_path / "cache", Connection(server.url, timeout=60, progress=False))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_or_a_device_was_read_without_an_end(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")  # into which nobody writes
    for path in (tmp_path / "pipe.csv", "/dev/zero"):
        with pytest.raises(OSError, match="this is a pipe or a device, not a file"):
            load_interactions(path)


def test_a_line_without_an_end_filled_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(decompression, "LONGEST_LINE", 1000)
    rows = "".join(f"{n},{n}\n" for n in range(1000))
    (tmp_path / "a.csv").write_text(f"user,item\n{rows}")
    assert len(load_interactions(tmp_path / "a.csv")) == 1000
    (tmp_path / "a.csv").write_text(f"user,item\n1,1\n{'x' * 300_000}\n")
    with pytest.raises(ValueError, match=r"a.csv, line 3: longer than 1,000 bytes"):
        load_interactions(tmp_path / "a.csv")
