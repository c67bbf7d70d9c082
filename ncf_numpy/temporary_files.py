"""Temporary files of processes that were killed: the next one that comes by clears them away.

Whoever makes a temporary file or folder puts the number of its process into the name. Where no
process has this number any more, nobody will finish the file.
"""

import contextlib
import os
import re
import shutil
from pathlib import Path


def remove_leftovers(folder, pattern):
    """Delete what processes that are gone have left in a folder.

    pattern: a regular expression for whole names, whose first group is the number of the process.
    What a running process has made stays, and so does what cannot be deleted.
    """
    with contextlib.suppress(OSError):
        for path in Path(folder).iterdir():
            match = re.fullmatch(pattern, path.name)
            if match and not is_running(int(match[1])):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def is_running(process):
    """Whether there is a process of this number; always True on Windows, which has no such test."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)  # signal 0 only asks
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        pass
    return True
