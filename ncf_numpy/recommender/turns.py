"""Threads that ask about a small catalogue take turns, because side by side they take longer.

Python runs one thread at a time, the one that holds its lock, the GIL. NumPy lets go of it in most
operations, some thirty times in an answer, and each time the system wakes a thread that waits. That
pays where an operation is long, as the scores of a large catalogue are: two cores then share the
work. In a small catalogue an operation is over before the other thread is awake, and the waking is
lost time. docs/explanation/performance.md has the figures.
"""

import os
import sys
import threading
from contextlib import nullcontext

from .vectors import vectors

SMALL = 500_000  # numbers; with more of them two cores gain more than the waking costs
HAS_GIL = getattr(sys, "_is_gil_enabled", lambda: True)()

_lock = threading.RLock()


def turn(n_numbers):
    """A context for operations on so many numbers: where these are few, one lock for all."""
    return _lock if HAS_GIL and n_numbers <= SMALL else nullcontext()


def numbers(model, side="item"):
    """How many numbers a model has learned of its n items or users: n D; n without vectors."""
    try:
        return vectors(model, side)[0].size
    except ValueError:
        return {"item": model.n_items, "user": model.n_users}[side]


def _renew():
    """A forked process has none of the threads that might hold the lock."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_renew)
