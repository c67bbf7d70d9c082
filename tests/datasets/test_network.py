"""Servers that are not who they say, that send elsewhere, or that never come to an end."""

import contextlib
import io
import re
import ssl
import time
import tracemalloc
from pathlib import Path

import pytest
from stand_in_server import serving, whole

from ncf_numpy.datasets import DATASETS, network
from ncf_numpy.datasets.dataset import Dataset, Part
from ncf_numpy.datasets.downloads import check, fetch
from ncf_numpy.datasets.network import Connection

PLAYS = b"user,item,plays\n" + b"7,1,30\n" * 1000
PART = Part("https://host.example/data/plays.csv", len(PLAYS))
CERTIFICATE = Path(__file__).parent / "certificates" / "localhost.pem"


@pytest.fixture(autouse=True)
def directly(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


@contextlib.contextmanager
def secure():
    """A server with a certificate for localhost that nobody has signed."""
    with serving() as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, CERTIFICATE.with_suffix(".key"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.url = server.url.replace("http:", "https:")
        yield server


def get(url, folder, **settings):
    settings = {"timeout": 60, "attempts": 2, "pause": 0, "progress": False} | settings
    return fetch(Dataset("plays", "Plays", "none", (PART,)), folder, Connection(url, **settings))


def to(url):
    def reply(handler):
        handler.send_response(302)
        handler.send_header("Location", url)
        handler.end_headers()

    return reply


def dripping(body, head):
    """A byte every few milliseconds, the head at once or dripping too: no single wait is long."""

    def reply(handler):
        if not head:
            handler.head(None)
        for byte in head + body:
            if handler.server.stopped.wait(0.02):
                return
            handler.wfile.write(bytes([byte]))

    return reply


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(tmp_path):
    with secure() as server:
        server.replies["/data/plays.csv"] = [whole(PLAYS)]
        with pytest.raises(
            OSError, match="certificate of 127.0.0.1:.* is not to be trusted"
        ) as error:
            get(server.url, tmp_path / "new", attempts=4, pause=60)
    assert "By hand: save" in str(error.value)
    assert server.requests == [] and list(tmp_path.iterdir()) == []


def test_a_certificate_for_another_host_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))  # now somebody does
    with secure() as server:
        server.replies["/data/plays.csv"] = [whole(PLAYS)]
        with pytest.raises(OSError, match="not to be trusted .*127.0.0.1"):
            get(server.url, tmp_path / "new")
        folder = get(server.url.replace("127.0.0.1", "localhost"), tmp_path / "new")
    assert (folder / "plays.csv").read_bytes() == PLAYS


def test_a_redirect_from_https_to_http_was_followed(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with secure() as server, serving() as plain:
        plain.replies["/data/plays.csv"] = [whole(PLAYS)]
        for url in (f"{plain.url}/data/plays.csv", "ftp://127.0.0.1/x", "file:///etc/passwd"):
            server.replies["/data/plays.csv"] = [to(url)]
            with pytest.raises(OSError, match="[Rr]edirect.* (http|ftp|.file)"):
                get(server.url.replace("127.0.0.1", "localhost"), tmp_path / "new")
        server.replies["/data/plays.csv"] = [to("/elsewhere.csv")]
        server.replies["/elsewhere.csv"] = [whole(PLAYS)]
        folder = get(server.url.replace("127.0.0.1", "localhost"), tmp_path / "new")
    assert plain.requests == []
    assert (folder / "plays.csv").read_bytes() == PLAYS


def test_a_mirror_may_redirect_within_http(tmp_path):
    with serving() as server:
        server.replies["/data/plays.csv"] = [to(f"{server.url}/elsewhere.csv")]
        server.replies["/elsewhere.csv"] = [whole(PLAYS)]
        folder = get(server.url, tmp_path)
    assert (folder / "plays.csv").read_bytes() == PLAYS


def test_the_body_of_a_redirect_filled_the_memory(tmp_path):
    def reply(handler):
        to("/elsewhere.csv")(handler)
        with contextlib.suppress(OSError):
            for _ in range(128):
                handler.wfile.write(bytes(2**20))

    with serving() as server:
        server.replies["/data/plays.csv"] = [reply]
        server.replies["/elsewhere.csv"] = [whole(PLAYS)]
        tracemalloc.start()
        try:
            folder = get(server.url, tmp_path)
            assert tracemalloc.get_traced_memory()[1] < 2**25
        finally:
            tracemalloc.stop()
    assert (folder / "plays.csv").read_bytes() == PLAYS


def chunked(*pieces):
    """Sends these pieces as they are, the lengths and ends of chunks among them."""

    def reply(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):
            for piece in pieces:
                handler.wfile.write(piece)

    return reply


FAR_PORT = "http://127.0.0.1:99999999999999999999/"
NOT_HTTP = [*map(to, ("http://[::1/", "http://a..b/", FAR_PORT)), chunked(b"-5\r\n")]


@pytest.mark.parametrize("reply", NOT_HTTP)
def test_an_answer_that_is_not_http_was_a_bare_value_error(tmp_path, reply):
    with serving() as server:
        server.replies["/data/plays.csv"] = [reply]
        with pytest.raises(OSError, match="plays could not be downloaded: .*By hand: save"):
            get(server.url, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_to_an_invalid_address_left_its_connection_open():
    response, headers = io.BytesIO(), {"location": "http://[::1/"}
    with pytest.raises(ValueError, match="IPv6"):
        network.SafeRedirects().http_error_302(None, response, 302, "Found", headers)
    assert response.closed


def test_a_mirror_without_a_valid_address_was_a_bare_value_error(tmp_path):
    with pytest.raises(OSError, match="not valid HTTP .*By hand: save"):
        get("http://[::1", tmp_path / "new")


HOSTILE = "\x1b[31m"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (lambda handler: handler.send_error(404, HOSTILE), r"answered 404 \x1b[31m."),
        (lambda handler: handler.wfile.write(b"\x1b[31m\r\n\r\n"), r"\x1b[31m"),
        (lambda handler: handler.wfile.write(b"HTTP/9\x1b[31m 200 OK\r\n\r\n"), r"HTTP/9\x1b[31m"),
        (to(f"file:///{HOSTILE}"), r"'file:///\x1b[31m'"),
        (to(f"ftp://a/{HOSTILE}"), "'ftp://a/%1B[31m'"),
        (to(f"http://[{HOSTILE}/"), "Invalid IPv6 URL"),
        (to("/data/plays.csv"), "answered 302 and redirects without an end: Found."),
    ],
)
def test_the_text_of_a_server_commanded_the_terminal(tmp_path, reply, message):
    with serving() as server:
        server.replies["/data/plays.csv"] = [reply]
        with pytest.raises(OSError, match=re.escape(message)) as error:
            get(server.url, tmp_path / "new")
    assert str(error.value).isprintable()


def endless(head, again):
    def reply(handler):
        with contextlib.suppress(OSError):
            handler.wfile.write(head)
            while not handler.server.stopped.is_set():
                handler.wfile.write(again * 1000)

    return reply


CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nuser,\r\n0\r\n"


@pytest.mark.parametrize(
    "reply", [endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), endless(CHUNK, b"X: y\r\n")]
)
def test_heads_or_trailers_without_an_end_were_never_given_up(tmp_path, reply):
    with serving() as server:
        server.replies["/data/plays.csv"] = [reply]
        with pytest.raises(OSError, match="524,288 bytes of headers, and no end .*By hand: save"):
            get(server.url, tmp_path / "new")
        assert len(server.requests) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_chunks_of_one_byte_arrives_whole(tmp_path):
    body = PLAYS * 10  # more than a block
    part = Part("https://host.example/data/plays.csv", len(body))
    with serving() as server:
        pieces = b"".join(b"1\r\n%c\r\n" % byte for byte in body)
        server.replies["/data/plays.csv"] = [chunked(pieces, b"0\r\nX: y\r\n\r\n")]
        dataset = Dataset("plays", "Plays", "none", (part,))
        folder = fetch(dataset, tmp_path, Connection(server.url, attempts=1, progress=False))
    assert (folder / "plays.csv").read_bytes() == body


@pytest.mark.parametrize("head", [b"", b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n"])
def test_one_byte_at_a_time_never_timed_out(tmp_path, head):
    start = time.monotonic()
    with serving() as server:
        server.replies["/data/plays.csv"] = [dripping(PLAYS, head)]
        with pytest.raises(OSError, match="no byte came within 0.3 seconds, or fewer than 1000 in"):
            get(server.url, tmp_path / "new", timeout=0.3)
    assert time.monotonic() - start < 60  # at this pace the file would take two minutes
    assert list(tmp_path.iterdir()) == []


def test_a_slow_but_honest_server_is_waited_for(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(network.time, "monotonic", lambda: now[0])

    class Slow(io.RawIOBase):
        def readinto(self, buffer):
            now[0] += 0.9
            buffer[:1000] = bytes(1000)
            return 1000

    paced = network.Paced(Slow(), 30)
    paced.left = 2**30
    for _ in range(1000):
        assert len(paced.read(5000)) == 1000
    monkeypatch.setattr(network, "SLOWEST", 1200)
    with pytest.raises(TimeoutError):
        for _ in range(100):
            paced.read(5000)


NAMED = {"begins": r"user,item,plays", "lines": 1001}


@pytest.mark.parametrize(
    ("body", "known", "message"),
    [
        (PLAYS, NAMED, None),
        (PLAYS[:-1], NAMED, None),  # the last line without its end
        (PLAYS[:-7], NAMED, "plays.csv has 1,000 lines, expected 1,001"),
        (PLAYS[5:], NAMED, "plays.csv begins with b'item,plays.n', expected user,item,plays"),
        (b'{"error": 1}', {"begins": "user.*"}, "begins with .*error"),
    ],
)
def test_of_a_file_without_a_checksum_nothing_was_compared(tmp_path, body, known, message):
    part = Part("https://host.example/data/plays.csv", **known)
    with serving() as server:
        server.replies["/data/plays.csv"] = [whole(body)]
        connection = Connection(server.url, attempts=1, progress=False)
        dataset = Dataset("plays", "Plays", "none", (part,))
        if message is None:
            assert (fetch(dataset, tmp_path, connection) / "plays.csv").read_bytes() == body
        else:
            with pytest.raises(OSError, match=message):
                fetch(dataset, tmp_path / "new", connection)
            assert list(tmp_path.iterdir()) == []


def test_a_line_without_an_end_filled_the_memory_where_lines_were_counted(tmp_path):
    path = tmp_path / "plays.csv"
    with open(path, "wb") as file:
        file.truncate(2**26)
    tracemalloc.start()
    try:
        with pytest.raises(OSError, match="plays.csv has 1 lines, expected 3"):
            check(path, Part("https://host.example/data/plays.csv", lines=3))
        assert tracemalloc.get_traced_memory()[1] < 2**21
    finally:
        tracemalloc.stop()


def test_every_file_that_is_no_archive_has_a_checksum_or_a_shape():
    files = [part for dataset in DATASETS.values() for part in dataset.parts if not part.members]
    assert len(files) >= 9
    assert all(file.checksum or file.begins for file in files)
