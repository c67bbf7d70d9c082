"""Runs a task so that whatever the learner's code does, a reply says what happened."""

import contextlib
import io
import warnings

import numpy as np

from .edits import EditError, lines_passed

MOST_OUTPUT = 10_000  # characters of what the learner's code prints


def guarded(task):
    """What a task returns, with what it prints and the error that ends it, if one does."""
    output, reply = Output(), {"error": None}
    with contextlib.redirect_stdout(output), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            reply |= task()
        except EditError as error:
            reply["error"] = describe(error.function, error.line, str(error))
        except KeyboardInterrupt as error:
            reply["error"] = explain(error) | {"message": "the time was up here: an endless loop?"}
        except (Exception, SystemExit) as error:
            reply["error"] = explain(error)
    return {"output": output.getvalue(), **reply}


class Output(io.StringIO):
    """Keeps what is printed, up to a bound: a loop that prints has to fit, too."""

    def write(self, text):
        room = MOST_OUTPUT - self.tell()
        super().write(text[:room] if room > 0 else "")
        return len(text)


def explain(raised):
    """An error, with the learner's line it passed last, if any."""
    message = str(raised) if type(raised) is ValueError else f"{type(raised).__name__}: {raised}"
    passed = lines_passed(raised.__traceback__)
    if not passed:
        return describe(None, None, message)
    deep = isinstance(raised, RecursionError)  # its last line is any, its first the cause
    return describe(*passed[0 if deep else -1], f"{type(raised).__name__}: {raised}")


def describe(function, line, message):
    return {"function": function, "line": line, "message": message}
