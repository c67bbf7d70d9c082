"""The playground on this machine: a web server of the standard library, for one person's browser.

It listens on 127.0.0.1 alone. What runs code is a POST, and it is refused unless three things are
as only the page itself has them: the Host and the Origin, which a foreign page cannot set, and a
token in a header, which stands in the address that was opened and in no file that is served. So no
other page, link, form or user of the machine runs anything; a GET changes nothing.
"""

import hmac
import json
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .pages import TYPES, files, suffix
from .workshop import Workshop

HOST = "127.0.0.1"
MOST_BYTES = 1 << 20  # of a request
PATIENCE = 30  # seconds for a request to arrive
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Server(ThreadingHTTPServer):
    """Serves the page, and runs what it asks for in a `Workshop`."""

    daemon_threads = True
    workshop = None  # until the port is had
    allow_reuse_address = False  # on Windows it would let another program take the port, too

    def __init__(self, port=0, **workshop):
        super().__init__((HOST, port), Handler)
        self.token = secrets.token_urlsafe(32)
        self.files = files("server")
        self.workshop = Workshop(**workshop)

    @property
    def origin(self):
        return f"http://{HOST}:{self.server_port}"

    @property
    def address(self):
        """What to open: a browser never sends what follows the #."""
        return f"{self.origin}/#token={self.token}"

    def handle_error(self, request, client_address):
        """A browser that goes away in the middle of a reply is no news; other errors are."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def server_close(self):
        super().server_close()
        if self.workshop is not None:
            self.workshop.close()


class Handler(BaseHTTPRequestHandler):
    """GET gives files; POST /ask runs a request, POST /stop ends the one that runs."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "ncf_numpy", ""
    timeout = PATIENCE

    def do_GET(self):
        name = self.path.partition("?")[0].removeprefix("/") or "index.html"
        if self.headers.get_all("Host") != [self.server.origin.removeprefix("http://")]:
            self.refuse(403, "this is not the address of the playground")
        elif name not in self.server.files:
            self.refuse(404, "there is no such file")
        else:
            self.reply(200, self.server.files[name], TYPES[suffix(name)])

    def do_POST(self):
        status, why = self.objection()
        if status:
            self.refuse(status, why)
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/stop":
            self.server.workshop.stop()
            self.reply(200, "{}", TYPES[".json"])
            return
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            request = None
        if isinstance(request, dict):
            self.reply(200, json.dumps(self.server.workshop.ask(request)), TYPES[".json"])
        else:
            self.refuse(400, "a request is a JSON object")

    def objection(self):
        """(status, why) a POST is refused; (0, "") if it comes from the page."""
        only = {name: self.headers.get_all(name, []) for name in ("Host", "Origin", "X-Token")}
        token = only["X-Token"][0] if len(only["X-Token"]) == 1 else ""
        length = self.headers.get_all("Content-Length", [])
        site = self.headers.get("Sec-Fetch-Site", "same-origin")
        if only["Host"] != [self.server.origin.removeprefix("http://")]:
            return 403, "this is not the address of the playground"
        if only["Origin"] != [self.server.origin] or site != "same-origin":
            return 403, "this request comes from another page"
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            return 403, "the token is missing or wrong: open the address that was printed"
        if self.path not in ("/ask", "/stop"):
            return 404, "there is no such task"
        if self.headers.get_content_type() != "application/json":
            return 415, "a request is a JSON object"
        if len(length) != 1 or not length[0].isdecimal() or "Transfer-Encoding" in self.headers:
            return 411, "the length of the request is missing"
        if int(length[0]) > MOST_BYTES:
            return 413, f"a request has at most {MOST_BYTES:,} bytes"
        return 0, ""

    def refuse(self, status, why):
        """Say no, and end the connection: what of the request was not read must not be a next."""
        self.reply(status, json.dumps({"refused": why}), TYPES[".json"], {"Connection": "close"})

    def reply(self, status, text, kind, more=()):
        content = text.encode()
        about = {"Content-Type": kind, "Content-Length": str(len(content))}
        self.send_response(status)
        for name, value in {**HEADERS, **about, **dict(more)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """A terminal that shows an address has no use for a line a request."""
