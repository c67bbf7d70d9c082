"""What is printed, and the streams it is printed to: neither can be trusted to be harmless.

Names, ids and paths come from strangers. A terminal obeys what control characters in them say, and
others hide or reorder what is read. `printable` is what all such text passes on its way out.
"""

import contextlib
import os
import re
import sys
import threading
import unicodedata

# Control and format characters (among them those of direction, and tags), lone halves of a pair,
# and separators of lines and paragraphs.
NOT_SHOWN = "Cc", "Cf", "Cs", "Zl", "Zp"
# Letters and marks without a shape (as the Hangul filler), and the plane of tags
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2065\u2800\u3164\ufe00-\ufe0d\uffa0"
    "\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
JOINERS = "\u200c\u200d"  # Persian, Hindi and some emoji are written with these two

_lock = threading.Lock()
_inside = []  # one True for each context of standard_streams that is open at this moment
_restore = contextlib.ExitStack()  # what the last one out of them does


def printable(text):
    r"""text on one line, with escapes in place of what a terminal obeys or does not show.

    >>> printable("a\x1b[31m\u202eb\n")
    'a\\x1b[31m\\u202eb\\n'
    """
    return re.sub(r"[^ -~]", _shown, str(text))


def printable_lines(text):
    """The same of a text whose line ends are its own."""
    return "\n".join(map(printable, text.split("\n")))


def _shown(found):
    character = found[0]
    hidden = unicodedata.category(character) in NOT_SHOWN or INVISIBLE.match(character)
    return ascii(character)[1:-1] if hidden and character not in JOINERS else character


def is_terminal(stream):
    """Whether this stream is a terminal; it may be closed, or None as in a service."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def say(text):
    """Print to stderr; that it can no longer be read stops nothing."""
    with contextlib.suppress(OSError, ValueError):
        print(printable_lines(text), file=sys.stderr, flush=True)


@contextlib.contextmanager
def standard_streams():
    """In this context stdin, stdout and stderr can be used, also where they are closed or None.

    The null device stands in for them. It takes the lowest free number: nothing that is opened
    later, such as a model's file, gets the number of a stream to which libraries write. They are
    the whole process's: where contexts overlap in several threads, the last one out restores them.
    """
    with _lock:
        for name in ("stdin", "stdout", "stderr"):
            _stand_in(name)
        _inside.append(True)
    try:
        yield
    finally:
        with _lock:
            _inside.pop()
            if not _inside:
                _restore.close()


def _stand_in(name):
    stream = getattr(sys, name)
    if stream is None or stream.closed:
        null = open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8")  # noqa: SIM115
        setattr(sys, name, _restore.enter_context(null))
        _restore.callback(setattr, sys, name, stream)
