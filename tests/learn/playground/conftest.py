"""The playground on its own server and, with Pyodide, from a static host.

Pyodide's files are taken from the folder that NCF_NUMPY_PYODIDE names.
"""

import functools
import http.server
import os
import threading
from pathlib import Path

import pytest

from ncf_numpy.learn.playground.server import Server

NO_PYODIDE = "NCF_NUMPY_PYODIDE names no folder with Pyodide"


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """(folder, address) of a static host."""
    from page_driver import Host

    folder = tmp_path_factory.mktemp("host")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Host, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def pyodide():
    source = os.environ.get("NCF_NUMPY_PYODIDE")
    if not source:
        pytest.skip(NO_PYODIDE)
    return Path(source)


@pytest.fixture(scope="module", params=["server", "pyodide"])
def address(request, tmp_path_factory):
    if request.param == "server":
        with Server(seconds=20) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield server.address
            server.shutdown()
    else:
        source = request.getfixturevalue("pyodide")
        folder, origin = request.getfixturevalue("host")
        from page_driver import SITE

        SITE["build"](source, folder / "docs" / "playground")
        yield f"{origin}/docs/playground/index.html"


@pytest.fixture
def page(browser, resize, address):
    from page_driver import Page

    resize(1440, 900)
    yield Page(browser, address).open()
    assert browser.get_log("browser") == []
