"""What a static host may do wrong, and what a page of another port may ask."""

import functools
import http.server
import threading

import pytest

from ncf_numpy.learn.playground.server import Server

pytest.importorskip("selenium", reason="selenium is not installed")
from page_driver import SITE, Host, Page  # noqa: E402


def failing(browser, address):
    page = Page(browser, address)
    browser.get("about:blank")
    browser.get(address)
    page.until("document.querySelector('.status')?.dataset.kind === 'bad'", 60)
    browser.get_log("browser")
    return page.text(".status")


@pytest.mark.parametrize("name", ["pyodide.asm.wasm", "pyodide.mjs", SITE["NUMPY"]])
def test_changed_or_missing_file_is_refused(browser, host, pyodide, name):
    folder, origin = host
    SITE["build"](pyodide, folder / "broken")
    path = folder / "broken" / "pyodide" / name
    path.write_bytes(path.read_bytes() + b"\n")
    assert "could not be loaded" in failing(browser, f"{origin}/broken/index.html")
    path.unlink()
    assert "could not be loaded" in failing(browser, f"{origin}/broken/index.html")


def test_files_may_stand_at_another_address(browser, pyodide, host, tmp_path):
    other = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Host, directory=str(pyodide))
    )
    threading.Thread(target=other.serve_forever, daemon=True).start()
    folder, origin = host
    elsewhere = f"http://127.0.0.1:{other.server_port}/"
    SITE["build"](pyodide, folder / "elsewhere", elsewhere)
    assert list((folder / "elsewhere" / "pyodide").iterdir()) == []
    page = Page(browser, f"{origin}/elsewhere/index.html").open()
    other.shutdown()
    other.server_close()
    assert page.first() is None


def test_build_refuses_a_file_it_does_not_know(pyodide, tmp_path):
    for name in SITE["SHA256"]:
        (tmp_path / name).write_bytes((pyodide / name).read_bytes())
    (tmp_path / "pyodide.mjs").write_text("alert(1)")
    with pytest.raises(ValueError, match="pyodide.mjs has the SHA-256"):
        SITE["build"](tmp_path, tmp_path / "site")


def test_page_of_another_port_runs_nothing(browser, host):
    folder, origin = host
    (folder / "other.html").write_text("<!doctype html><title>another page</title>")
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asked = []
        server.workshop.ask = lambda request: asked.append(request) or {}
        browser.get(f"{origin}/other.html")
        script = """const done = arguments[arguments.length - 1];
            const [address, token] = [arguments[0], arguments[1]];
            const options = [{mode: "no-cors", headers: {"Content-Type": "text/plain"}},
              {headers: {"Content-Type": "application/json", "X-Token": token}}, {mode: "no-cors"}];
            const send = (more) => fetch(`${address}/ask`, {method: "POST", body: "{}", ...more});
            Promise.all(options.map((more) => send(more).then((r) => r.type, () => "failed")))
              .then(done);"""
        kinds = browser.execute_async_script(script, server.origin, server.token)
        server.shutdown()
    browser.get_log("browser")
    assert set(kinds) <= {"opaque", "failed"}  # nothing that the other page can read
    assert asked == []
