"""The server: the page's own requests run; whatever another page or person can send does not."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from ncf_numpy.learn.playground.server import Server


@pytest.fixture(scope="module")
def server():
    with Server() as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield one
        one.shutdown()


@pytest.fixture
def asked(server, monkeypatch):
    """The requests that reached the process which runs code."""
    requests = []

    def ask(request):
        requests.append(request)
        return {"error": None}

    monkeypatch.setattr(server.workshop, "ask", ask)
    monkeypatch.setattr(server.workshop, "stop", lambda: requests.append("stop"))
    return requests


def send(server, method="POST", path="/ask", body=b"{}", **changes):
    """(status, text, headers) of a request as the page makes it, but for some headers.

    A header given as None is left out; a list sends it several times.
    """
    headers = {
        "Host": server.origin.removeprefix("http://"),
        "Origin": server.origin,
        "X-Token": server.token,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=120)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, values in headers.items():
        for value in values if isinstance(values, list) else [values]:
            if value is not None:
                connection.putheader(name, value)
    try:
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, response.read().decode(), response.headers
    finally:
        connection.close()


def test_the_pages_own_request_runs(server, asked):
    assert send(server, body=b'{"want": "trace"}')[0] == 200
    assert send(server, path="/stop")[0] == 200
    assert asked == [{"want": "trace"}, "stop"]


@pytest.mark.parametrize(
    "changes",
    [
        {"X_Token": None},
        {"X_Token": "wrong"},
        {"X_Token": ""},
        {"X_Token": "caf\u00e9"},
        {"Host": "localhost:80"},
        {"Host": "evil.example"},
        {"Host": None},
        {"Host": "127.0.0.1"},
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": None},
        {"Content_Length": None},
        {"Content_Length": "-1"},
        {"Content_Length": str(2 << 20)},
        {"Content_Length": None, "Transfer_Encoding": "chunked"},
    ],
    ids=str,
)
def test_request_that_is_not_the_pages_is_refused(server, asked, changes):
    status, text, headers = send(server, **changes)
    assert 400 <= status < 500
    assert "refused" in text or status == 400
    assert not [name for name in headers if name.lower().startswith("access-control")]
    assert asked == []


@pytest.mark.parametrize("header", ["Host", "Origin", "X_Token"])
def test_header_that_is_sent_twice_is_refused(server, asked, header):
    good = {"Host": server.origin[7:], "Origin": server.origin, "X_Token": server.token}[header]
    assert send(server, **{header: [good, good]})[0] == 403
    assert asked == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/ask", "/stop", "/ask?want=step"])
def test_no_other_method_runs_anything(server, asked, method, path):
    status, _, headers = send(server, method=method, path=path, body=b"")
    assert status in (404, 501)
    assert not [name for name in headers if name.lower().startswith("access-control")]
    assert asked == []


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 100_000])
def test_body_that_is_no_object_is_refused(server, asked, body):
    assert send(server, body=body)[0] == 400
    assert asked == []


def test_page_is_served_without_the_token_and_to_no_other_host(server):
    for name in server.files:
        status, text, headers = send(server, method="GET", path=f"/{name}", body=b"")
        assert status == 200
        assert server.token not in text
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert send(server, method="GET", path="/", Host="evil.example", body=b"")[0] == 403
    for path in ("/../setup.cfg", "/%2e%2e/setup.cfg", "/playground.html", "/answer.py"):
        assert send(server, method="GET", path=path, body=b"")[0] == 404


def test_server_listens_on_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    other = socket.socket()
    try:
        other.settimeout(1)
        address = socket.gethostbyname(socket.gethostname())
        if not address.startswith("127."):
            with pytest.raises(OSError):
                other.connect((address, server.server_port))
    finally:
        other.close()


def test_tokens_differ():
    with Server() as one, Server() as two:
        assert one.token != two.token
        assert len(one.token) >= 40


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_command_prints_the_address_and_a_signal_ends_it(name):
    command = [sys.executable, "-m", "ncf_numpy", "playground", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            assert "http://127.0.0.1:" in line and "#token=" in line
            process.send_signal(getattr(signal, name))
            assert process.wait(timeout=120) == 0
        finally:
            process.kill()  # else a command that goes on would hold up the suite for ever


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_port_that_cannot_be_is_named(port, capsys):
    from ncf_numpy.__main__ import main

    assert main(["playground", "--no-browser", f"--port={port}"]) == 1
    assert "--port" in capsys.readouterr().err


def test_port_that_is_taken_is_named(server, capsys):
    from ncf_numpy.__main__ import main

    assert main(["playground", "--no-browser", f"--port={server.server_port}"]) == 1
    assert str(server.server_port) in capsys.readouterr().err


def test_whole_way_from_request_to_verdict(server):
    source = "def backward(self, dy):\n    return dy\n"
    body = json.dumps({"want": "trace", "edits": {"ReLU.backward": source}}).encode()
    status, text, _ = send(server, body=body)
    assert status == 200
    assert json.loads(text)["first"]["line"] == 2
