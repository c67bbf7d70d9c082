"""Is an exception one that the package raises itself, in words of its own?

An error that escapes from NumPy or pandas, or a TypeError of the interpreter, speaks of arrays that
the caller has never seen. One of the package's own stands on a line that begins with `raise`.
"""

import traceback
from pathlib import Path

import ncf_numpy

PACKAGE = Path(ncf_numpy.__file__).parent
DOCUMENTED = ValueError, TypeError, KeyError, IndexError, RuntimeError, OSError, FloatingPointError


def outcome(call):
    """(result, None) or (None, the error); fails for an error that is not the package's own."""
    try:
        return call(), None
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{last.filename}:{last.lineno}: {last.line}"
        own = PACKAGE in Path(last.filename).parents and last.line.startswith("raise")
        if own and isinstance(error, DOCUMENTED) and len(str(error)) > 10:
            return None, error
        raise AssertionError(f"not an error of the package's own, {where}") from error
