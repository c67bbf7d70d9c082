"""The process that runs a learner's code: requests come in on a pipe, a line of JSON each.

    python -m ncf_numpy.learn.playground.child        # started by workshop.py, in an empty folder

It bounds accidents, an endless loop or all the memory: it is not a sandbox. The code has the rights
of the person who started the playground. What it prints cannot reach the pipe of the replies.
"""

import contextlib
import json
import os
import sys

MEMORY = 1 << 30  # bytes: NumPy and the package need a fifth of it
FILES = 1 << 20  # bytes a file may grow to
TOO_LARGE = '{"error": {"function": null, "line": null, "message": "the reply is too large"}}'
MOST_REPLY = 20 << 20  # characters


def limit(memory=MEMORY):
    """Bound memory and the size of files where the system can."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    for name, value in (("RLIMIT_AS", memory), ("RLIMIT_FSIZE", FILES), ("RLIMIT_CORE", 0)):
        with contextlib.suppress(AttributeError, ValueError, OSError):  # macOS knows no RLIMIT_AS
            resource.setrlimit(getattr(resource, name), (value, value))


def serve(requests, replies):
    """Answer each request, a line of JSON, by a line of JSON, until there are no more."""
    from .answer import answer

    line = "{}"
    while line:
        with contextlib.suppress(KeyboardInterrupt):  # one that came too late for a request
            line = requests.readline()
            text = json.dumps(answer(json.loads(line)), allow_nan=False) if line else ""
            replies.write((text if len(text) < MOST_REPLY else TOO_LARGE) + "\n")
            replies.flush()


def main():
    limit()
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):  # for the learner's code there is no terminal
        os.dup2(nothing, number)
    serve(requests, replies)


if __name__ == "__main__":
    sys.exit(main())
