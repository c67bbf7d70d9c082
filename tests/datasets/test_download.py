import contextlib
import errno
import hashlib
import io
import os
import tarfile
import time
import zipfile

import pytest
from stand_in_server import cut, hanging, serving, slow, status, whole, without_length

from ncf_numpy.data.whole_file import part_file
from ncf_numpy.datasets import DATASETS, downloads, network
from ncf_numpy.datasets.dataset import Dataset, Part
from ncf_numpy.datasets.downloads import Connection, check, fetch

PLAYS = b"user,item,plays\n" + b"7,1,30\n" * 40_000  # 280,016 bytes: more than one block
NAMES = "item,name\n1,아이유\n".encode()


def sha256(body):
    return "sha256:" + hashlib.sha256(body).hexdigest()


PLAYS_CSV = Part("https://host.example/data/plays.csv", len(PLAYS), sha256(PLAYS))


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as server:
        yield server


@pytest.fixture
def get(server, tmp_path):
    """get(part, replies) fetches a data set of that part into tmp_path/cache/plays."""

    def run(part, *replies, folder=tmp_path / "cache" / "plays", **settings):
        server.replies["/data/" + part.name] = list(replies)
        settings = {"timeout": 60, "attempts": 3, "pause": 0, "progress": False} | settings
        dataset = Dataset("plays", "Plays", "none", (part,))
        return fetch(dataset, folder, Connection(server.url, **settings))

    return run


def zipped(*entries):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, text in entries:
            archive.writestr(name, text)
    return body.getvalue()


def tarred(*entries, link=None):
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as archive:
        for name, text in entries:
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
        if link:
            info = tarfile.TarInfo(link)
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(info)
    return body.getvalue()


MEMBERS = (
    Part("in/plays.csv", len(PLAYS), sha256(PLAYS)),
    Part("in/names.csv", checksum=sha256(NAMES)),
)
GOOD = ("in/plays.csv", PLAYS), ("in/names.csv", NAMES), ("in/README", b"not wanted")


def archive_part(body, suffix="zip", members=MEMBERS):
    return Part(f"https://host.example/data/all.{suffix}", len(body), sha256(body), members)


def left_behind(tmp_path):
    return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("how", [whole, slow, without_length])
def test_the_file_arrives_whole(get, tmp_path, how):
    folder = get(PLAYS_CSV, how(PLAYS))
    assert (folder / "plays.csv").read_bytes() == PLAYS
    assert left_behind(tmp_path) == ["cache", "cache/plays", "cache/plays/plays.csv"]


@pytest.mark.parametrize("failure", [cut(PLAYS), status(503), status(429), whole(b"")])
def test_a_passing_failure_is_tried_again(get, server, failure):
    folder = get(PLAYS_CSV, failure, failure, whole(PLAYS))
    assert (folder / "plays.csv").read_bytes() == PLAYS
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("reply", "n_requests", "message"),
    [
        (cut(PLAYS), 3, "the file broke off after 140,008 of 280,016 bytes"),
        (status(503), 3, "the server answered 503 Service Unavailable"),
        (status(403), 1, "the server answered 403 Forbidden"),
        (status(404), 1, "the server answered 404 Not Found"),
        (whole(b"", "text/csv"), 3, "the server sent an empty file"),
        (whole(b"Sign in", "text/html; charset=utf-8"), 1, "sent a web page instead of the file"),
        (whole(b"\n <!DOCTYPE html>" + PLAYS), 1, "sent a web page instead of the file"),
        (whole(PLAYS[:-1] + b"1"), 1, "plays.csv has sha256 [0-9a-f]{64}, expected"),
        (whole(PLAYS + b"7,2,1\n"), 1, "plays.csv has 280,022 bytes, expected 280,016"),
        (without_length(PLAYS[:-7]), 3, "the file broke off after 280,009 of 280,016 bytes"),
    ],
)
def test_a_failure_leaves_nothing_and_says_how_to_do_it_by_hand(
    get, server, tmp_path, reply, n_requests, message
):
    with pytest.raises(OSError, match=message) as error:
        get(PLAYS_CSV, reply)
    assert left_behind(tmp_path) == []
    assert len(server.requests) == n_requests
    text = str(error.value)
    assert "https://host.example/data/plays.csv (280,016 bytes, sha256 " in text
    assert hashlib.sha256(PLAYS).hexdigest() in text
    assert f"as {tmp_path / 'cache' / 'plays' / 'plays.csv'} and run this again" in text


def test_a_hanging_server_is_given_up(get, tmp_path):
    start = time.monotonic()
    with pytest.raises(OSError, match="no byte came within 0.2 seconds"):
        get(PLAYS_CSV, hanging(PLAYS), timeout=0.2, attempts=2)
    assert time.monotonic() - start < 60  # each attempt would take two minutes
    assert left_behind(tmp_path) == []


def test_nobody_listens(tmp_path):
    dataset = Dataset("plays", "Plays", "none", (PLAYS_CSV,))
    connection = Connection("http://127.0.0.1:9", timeout=30, attempts=2, pause=0)
    with pytest.raises(OSError, match="no connection to 127.0.0.1:9 .*refused.* By hand"):
        fetch(dataset, tmp_path / "new", connection)
    assert left_behind(tmp_path) == []


def test_the_pause_between_attempts_doubles(get, monkeypatch):
    pauses = []
    monkeypatch.setattr(network.time, "sleep", pauses.append)
    with pytest.raises(OSError, match="503"):
        get(PLAYS_CSV, status(503), attempts=4, pause=1.5)
    assert pauses == [1.5, 3.0, 6.0]


@pytest.mark.parametrize(("pack", "suffix"), [(zipped, "zip"), (tarred, "tar.gz")])
def test_only_the_named_members_are_taken_out(get, tmp_path, pack, suffix):
    body = pack(*GOOD)
    folder = get(archive_part(body, suffix), whole(body))
    assert (folder / "plays.csv").read_bytes() == PLAYS
    assert (folder / "names.csv").read_bytes() == NAMES
    assert sorted(path.name for path in folder.iterdir()) == ["names.csv", "plays.csv"]


@pytest.mark.parametrize(("pack", "suffix"), [(zipped, "zip"), (tarred, "tar.gz")])
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ((*GOOD, ("../x", b"out")), r"holds the unsafe path '../x' and is not unpacked"),
        ((*GOOD, ("in/../../x", b"out")), r"unsafe path 'in/../../x'"),
        ((*GOOD, ("..\\x", b"out")), r"unsafe path '..\\\\x'"),
        ((*GOOD, ("/etc/x", b"out")), r"unsafe path '/etc/x'"),
        ((*GOOD, ("C:/x", b"out")), r"unsafe path 'C:/x'"),
        ((*GOOD, GOOD[1]), r"holds in/names.csv 2 times, expected once"),
        (GOOD[:1], r"holds in/names.csv 0 times, expected once; it holds in/plays.csv"),
        ((GOOD[0], ("in/names.csv", b"item\n")), r"names.csv has sha256 .* expected"),
        ((GOOD[1], ("in/plays.csv", b"item\n")), r"plays.csv has 5 bytes, expected 280,016"),
    ],
)
def test_a_bad_archive_leaves_nothing(get, tmp_path, pack, suffix, entries, message):
    body = pack(*entries)
    with pytest.raises(OSError, match=message):
        get(archive_part(body, suffix), whole(body))
    assert left_behind(tmp_path) == []


def test_a_link_in_an_archive_is_not_followed(get, tmp_path):
    body = tarred(GOOD[0], link="in/names.csv")
    with pytest.raises(OSError, match="in/names.csv in all.tar.gz is not a regular file"):
        get(archive_part(body, "tar.gz"), whole(body))
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(("pack", "suffix"), [(zipped, "zip"), (tarred, "tar.gz")])
def test_a_damaged_archive_leaves_nothing(get, tmp_path, pack, suffix):
    body = pack(*GOOD)
    damaged = body[: len(body) // 2]
    with pytest.raises(OSError, match=f"all.{suffix} is damaged"):
        get(archive_part(damaged, suffix), whole(damaged))
    assert left_behind(tmp_path) == []


def test_an_archive_saved_by_hand_is_used_and_kept(get, server, tmp_path):
    body = zipped(*GOOD)
    (tmp_path / "all.zip").write_bytes(body)
    get(archive_part(body), status(403), folder=tmp_path)
    assert server.requests == []
    assert left_behind(tmp_path) == ["all.zip", "names.csv", "plays.csv"]


def test_a_wrong_archive_saved_by_hand_is_refused_and_kept(get, tmp_path):
    (tmp_path / "all.zip").write_bytes(zipped(*GOOD[:2]))
    part = archive_part(zipped(*GOOD))
    with pytest.raises(OSError, match="all.zip has [0-9,]+ bytes, expected .* By hand: save"):
        get(part, status(403), folder=tmp_path)
    assert left_behind(tmp_path) == ["all.zip"]


def test_files_that_are_there_are_not_fetched_again(get, server):
    get(PLAYS_CSV, whole(PLAYS))
    get(PLAYS_CSV, status(403))
    assert len(server.requests) == 1


@pytest.mark.parametrize("full_at", [1, 2])  # 1: while receiving, 2: while unpacking
def test_a_full_disk_leaves_nothing(get, tmp_path, monkeypatch, full_at):
    opened = []

    class Full:
        def __init__(self, file):
            self.file = file

        def write(self, _):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def __getattr__(self, name):
            return getattr(self.file, name)

    @contextlib.contextmanager
    def opening(folder):
        opened.append(folder)
        with part_file(folder) as part:
            yield Full(part) if len(opened) == full_at else part

    monkeypatch.setattr(downloads, "part_file", opening)
    body = zipped(*GOOD)
    with pytest.raises(
        OSError, match=r"No space left on device. By hand: .* download plays --folder PATH"
    ):
        get(archive_part(body), whole(body))
    assert len(opened) == full_at
    assert left_behind(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no POSIX permissions")
def test_a_read_only_folder_is_a_sentence(get, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    root = os.geteuid() == 0
    try:
        if root:  # who may write anywhere
            os.seteuid(65534)
        with pytest.raises(OSError, match="Permission denied.* download plays --folder PATH"):
            get(PLAYS_CSV, whole(PLAYS), folder=folder / "new")
    finally:
        if root:
            os.seteuid(0)
    assert left_behind(tmp_path) == ["locked"]


def test_an_interruption_leaves_nothing(get, tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(network.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        get(PLAYS_CSV, cut(PLAYS), whole(PLAYS))
    assert left_behind(tmp_path) == []


def test_what_is_known_of_the_files_fits_the_real_ones(data_dir):
    compared = []
    for name, folder in (
        ("lastfm-2k", "hetrec2011-lastfm-2k"),
        ("ml-100k", "ml-100k"),
        ("ncf-ml-1m", "ml-1m"),
    ):
        for part in DATASETS[name].parts:
            for file in part.members or (part,):
                if file.name == "ml-1m.train.rating":
                    continue  # what is at hand may be made from ml-1m.zip, without the times
                check(data_dir(folder) / file.name, file)
                compared += [file.name] if file.checksum else []
    assert compared == [
        "user_artists.dat",
        "artists.dat",
        "u.data",
        "u.item",
        "ml-1m.test.rating",
        "ml-1m.test.negative",
    ]
