"""A web server on this machine that answers as the data hosts might on a bad day."""

import contextlib
import http.server
import threading
import time


class Server(http.server.ThreadingHTTPServer):
    """Answers each request for a path with the next of its replies; the last one stays."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.replies = {}
        self.requests = []
        self.stopped = threading.Event()

    def handle_error(self, request, client_address):
        pass  # a client that gives up breaks the pipe


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        replies = self.server.replies.get(self.path, [status(404)])
        (replies.pop(0) if len(replies) > 1 else replies[0])(self)

    def log_message(self, *_):
        pass

    def head(self, length, kind="application/octet-stream"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()


def whole(body, kind="application/octet-stream"):
    def reply(handler):
        handler.head(len(body), kind)
        handler.wfile.write(body)

    return reply


def without_length(body):
    def reply(handler):
        handler.head(None)
        handler.wfile.write(body)

    return reply


def cut(body):
    def reply(handler):
        handler.head(len(body))
        handler.wfile.write(body[: len(body) // 2])

    return reply


def slow(body):
    def reply(handler):
        handler.head(len(body))
        for start in range(0, len(body), len(body) // 4):
            handler.wfile.write(body[start : start + len(body) // 4])
            time.sleep(0.05)

    return reply


def hanging(body):
    def reply(handler):
        handler.head(len(body))
        handler.wfile.write(body[:1000])
        handler.wfile.flush()
        handler.server.stopped.wait(120)

    return reply


def status(code):
    return lambda handler: handler.send_error(code)


@contextlib.contextmanager
def serving():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
