"""One BLAS thread while training, because more of them cost time at nearly every size.

OpenBLAS, which multiplies NumPy's matrices, divides any product of more than 262,144 multiply-adds
among threads, one a core, and these wait for their next share by spinning. A training step makes
dozens of such products, each of some ten microseconds: the threads gain nothing, and where another
process wants the core, a step waits for its turn in every one of them.
docs/explanation/performance.md has the figures.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Iterator

import numpy as np

from ..core.checks import check_count

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
OPENBLAS = ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}")

_lock = threading.Lock()
_asked = []  # what each with block that is open at this moment asked for
_before = []  # [(set, count), ...] from before the first of them


@contextlib.contextmanager
def blas_threads(threads: int | None = None) -> Iterator[None]:
    """A context with this many BLAS threads; the count is the whole process's.

    Where blocks overlap in several threads of Python, the largest number asked for holds, and the
    last one out restores what was before the first. Without effect where NumPy's BLAS is another
    than OpenBLAS and threadpoolctl is not installed.

    Parameters
    ----------
    threads : int
        By default one, unless OPENBLAS_NUM_THREADS or OMP_NUM_THREADS is set: then nothing changes.

    Yields
    ------
    None

    Raises
    ------
    ValueError
        For a number below 1.
    """
    if threads is None and any(os.environ.get(name) for name in VARIABLES):
        yield
        return
    threads = 1 if threads is None else threads
    check_count(threads, 1, "threads")
    with _lock:
        if not _asked:
            _before[:] = [(set_count, get_count()) for get_count, set_count in controls()]
        _asked.append(threads)
        _apply()
    try:
        yield
    finally:
        with _lock:
            _asked.remove(threads)
            _apply()


def _apply():
    for set_count, before in _before:
        set_count(max(_asked, default=before))


def controls():
    """[(get, set), ...] for the thread count of NumPy's BLAS; [] where it cannot be reached.

    OpenBLAS itself is asked, not threadpoolctl, which lets one thread of Python alone set the count
    of OpenBLAS: the last one out could not restore it. It is for MKL and all others.
    """
    for name in OPENBLAS:
        with contextlib.suppress(AttributeError, OSError):
            library = ctypes.CDLL(np._core._multiarray_umath.__file__)
            names = name.format("get_num_threads"), name.format("set_num_threads")
            return [tuple(getattr(library, each) for each in names)]
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return []
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    return [(library.get_num_threads, library.set_num_threads) for library in libraries]
