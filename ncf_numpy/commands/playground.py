"""python -m ncf_numpy playground: change the code of a step in the browser, and see it judged."""

import contextlib
import webbrowser

from ..learn.playground.server import Server


def add_parser(commands):
    parser = commands.add_parser(
        "playground",
        help="edit the code of a training step in the browser, every value judged",
        description="Open a page on which you rewrite backward, or any other function of a "
        "training step; the first wrong line is named. The server listens on this machine alone "
        "and runs the code in a process of its own, with your rights: run only code that you have "
        "read. Ctrl-C ends it.",
        epilog="example: python -m ncf_numpy playground --port 8123 --no-browser",
    )
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="default: one that is free"
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address to open")
    parser.set_defaults(run=run)


def run(arguments):
    if not 0 <= arguments.port < 65_536:
        raise ValueError(f"--port must be from 0 (any that is free) to 65535, got {arguments.port}")
    try:
        server = Server(arguments.port)
    except PermissionError:
        raise ValueError(f"--port {arguments.port} is reserved: take one from 1024 on") from None
    except OSError as error:
        raise ValueError(f"--port {arguments.port} cannot be had: {error.strerror}") from None
    with server, contextlib.suppress(KeyboardInterrupt):
        print(f"The playground is at {server.address}\nCtrl-C ends it.", flush=True)
        if not arguments.no_browser:
            webbrowser.open(server.address)
        server.serve_forever()
    return 0
