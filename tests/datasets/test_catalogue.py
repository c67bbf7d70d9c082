import hashlib
import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from stand_in_server import serving, status, whole

from ncf_numpy.__main__ import main
from ncf_numpy.datasets import DATASETS, download, find_dataset
from ncf_numpy.datasets.catalogue import cache_folder
from ncf_numpy.datasets.downloads import Connection, digest

NCF = "/hexiangnan/neural_collaborative_filtering/master/Data/pinterest-20."
PINTEREST = {  # made up, so there is nothing to compare them with: see `server`
    "train.rating": b"0\t1\t1\n",
    "test.rating": b"0\t2\t1\n",
    "test.negative": b"(0,2)\t0\t3\n",
}


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    """A home of our own, in which nothing has been downloaded yet."""
    for name in ("NCF_NUMPY_DATA", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    return tmp_path


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    known = DATASETS["ncf-pinterest-20"]
    parts = tuple(replace(part, size=None, checksum="") for part in known.parts)
    monkeypatch.setitem(DATASETS, known.name, replace(known, parts=parts))
    with serving() as server:
        server.replies = {NCF + name: [whole(body)] for name, body in PINTEREST.items()}
        yield server


def put(folder, dataset):
    folder.mkdir(parents=True)
    for name in DATASETS[dataset].files:
        (folder / name).write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", None, ".cache/ncf_numpy"),
        ("linux", "XDG_CACHE_HOME", "elsewhere/ncf_numpy"),
        ("darwin", None, "Library/Caches/ncf_numpy"),
        ("win32", "LOCALAPPDATA", "elsewhere/ncf_numpy"),
        ("win32", None, "AppData/Local/ncf_numpy"),
    ],
)
def test_the_cache_folder_of_each_platform(home, monkeypatch, platform, variable, expected):
    monkeypatch.setattr(sys, "platform", platform)
    if variable:
        monkeypatch.setenv(variable, str(home / "elsewhere"))
    assert cache_folder() == home / expected


def test_a_relative_cache_folder_is_ignored(home, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # as its specification asks
    assert cache_folder() == home / ".cache" / "ncf_numpy"


def test_find_dataset_looks_in_ones_own_folder_then_in_the_cache(home, monkeypatch):
    assert find_dataset("lastfm-2k") is None
    cached = put(home / ".cache" / "ncf_numpy" / "lastfm-2k", "lastfm-2k")
    assert find_dataset("lastfm-2k") == cached
    monkeypatch.setenv("NCF_NUMPY_DATA", str(home / "mine"))
    assert find_dataset("lastfm-2k") == cached
    own = put(home / "mine" / "hetrec2011-lastfm-2k", "lastfm-2k")
    assert find_dataset("lastfm-2k") == own
    (own / "artists.dat").unlink()  # not whole any more
    assert find_dataset("lastfm-2k") == cached


def test_the_two_forms_of_movielens_1m_are_told_apart(home, monkeypatch):
    monkeypatch.setenv("NCF_NUMPY_DATA", str(home))
    put(home / "ml-1m", "ncf-ml-1m")
    assert find_dataset("ncf-ml-1m") == home / "ml-1m"
    assert find_dataset("ml-1m") is None


def test_an_unknown_name():
    message = "no data set is called 'ml-11m'; did you mean 'ml-1.*'. there are lastfm-2k, "
    for function in (find_dataset, download):
        with pytest.raises(ValueError, match=message):
            function("ml-11m")


def test_every_checksum_is_one():
    parts = [part for dataset in DATASETS.values() for part in dataset.parts]
    parts += [member for part in parts for member in part.members]
    for part in parts:
        if part.checksum:
            algorithm, digits = part.checksum.replace("git:", "sha1:").split(":")
            assert len(bytes.fromhex(digits)) == hashlib.new(algorithm).digest_size


def test_the_id_of_a_git_blob_is_a_checksum(tmp_path):
    path = tmp_path / "hello.txt"
    path.write_bytes(b"hello\n")
    assert digest(path, "git") == "ce013625030ba8dba906f756967f9e9ca394464a"  # `git hash-object`


def test_only_movielens_latest_which_changes_and_tables_of_a_shape_have_no_checksum():
    parts = [part for dataset in DATASETS.values() for part in dataset.parts]
    names = {part.name for part in parts if not part.checksum and not part.begins}
    assert names == {"ml-latest.zip", "ml-latest-small.zip"}


def test_download_puts_it_into_the_cache_and_leaves_ones_own_folder_alone(
    home, server, monkeypatch
):
    (home / "mine").mkdir()
    monkeypatch.setenv("NCF_NUMPY_DATA", str(home / "mine"))
    connection = Connection(server.url, progress=False)
    folder = download("ncf-pinterest-20", connection=connection)
    assert folder == home / ".cache" / "ncf_numpy" / "ncf-pinterest-20" == find_dataset(folder.name)
    for name, body in PINTEREST.items():
        assert (folder / f"pinterest-20.{name}").read_bytes() == body
    assert list((home / "mine").iterdir()) == []
    download("ncf-pinterest-20", connection=connection)
    assert len(server.requests) == 3  # the second time, nothing was asked for
    own = put(home / "mine" / "pinterest-20", "ncf-pinterest-20")
    assert download("ncf-pinterest-20", connection=connection) == own


def test_all_files_or_none(home, server):
    server.replies[NCF + "test.negative"] = [status(403)]
    with pytest.raises(OSError, match="403 Forbidden.*pinterest-20.test.negative .size not known"):
        download("ncf-pinterest-20", connection=Connection(server.url, progress=False))
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"base_url": "localhost:80"}, "base_url must start with http:// or https://, got 'local"),
        ({"base_url": "file:///etc"}, "base_url must start with http:// or https://"),
        ({"attempts": 0}, "attempts must be at least 1, got 0"),
    ],
)
def test_connection_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        Connection(**settings)


def test_the_command_prints_the_folder_and_nothing_else(home, server, capsys):
    command = ["download", "ncf-pinterest-20", "--folder", str(home / "here")]
    assert main([*command, "--base-url", server.url]) == 0
    out, err = capsys.readouterr()
    assert out == f"{home / 'here'}\n"
    assert "Licence: as the NCF authors' repository says." in err
    sha256 = hashlib.sha256(b"0\t1\t1\n").hexdigest()
    line = f"pinterest-20.train.rating: 6 bytes, sha256 {sha256}, no published checksum to compare"
    assert line in err
    assert "it/s" not in err and "B/s" not in err  # no bar where stderr is no terminal
    assert main([*command, "--quiet"]) == 0
    assert capsys.readouterr() == (f"{home / 'here'}\n", "")


def test_a_terminal_shows_a_progress_bar(home, server, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    download("ncf-pinterest-20", connection=Connection(server.url))
    assert "pinterest-20.train.rating: 100%" in sys.stderr.getvalue()


def test_the_command_fails_with_a_sentence(home, server, capsys):
    path = "/datasets/hetrec2011/hetrec2011-lastfm-2k.zip"
    server.replies[path] = [whole(b"PK not the file")]
    assert main(["download", "lastfm-2k", "--base-url", server.url]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert "hetrec2011-lastfm-2k.zip has sha256 " in err
    assert "expected 6738f48195667ff03caaab4d32ca9a3133d8cc026b7c3cdaf6ce1010e913c59c" in err
    assert list(home.iterdir()) == []


def test_without_a_name_the_command_lists_what_there_is(home, capsys):
    put(home / ".cache" / "ncf_numpy" / "ml-100k", "ml-100k")
    assert main(["download"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in DATASETS)
    assert str(Path(".cache") / "ncf_numpy" / "ml-100k") in out
    assert out.count("not here yet") == len(DATASETS) - 1
