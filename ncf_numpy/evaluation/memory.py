"""Refuse a computation before it starts where the machine has not the memory that it needs.

An allocation beyond the memory does not fail on Linux: the process is killed later, without a word.
"""

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")  # a container's limit, which the machine's own figures ignore


def check_memory(needed, purpose, way_out):
    """Raise MemoryError if `needed` bytes are more than are available; silent where none knows."""
    available = available_memory()
    if available is not None and needed > available:
        raise MemoryError(
            f"{purpose} needs {needed / 1e9:,.1f} GB of memory, and {available / 1e9:,.1f} GB are "
            f"available: {way_out}"
        )


def available_memory():
    """Bytes that this process may still allocate, as far as the system says; None where not."""
    known = [of_the_machine(), of_the_container(), of_the_process()]
    return min((n for n in known if n is not None), default=None)


def of_the_machine():
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        fields = dict(line.split(":") for line in lines)
        return 1024 * int(fields["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        names = getattr(os, "sysconf_names", {})
        if {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(names):
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return None


def of_the_container():
    try:
        limit, used = (
            int((CGROUP / f"memory.{name}").read_text(encoding="ascii"))
            for name in ("max", "current")
        )
    except (OSError, ValueError):  # "max" is no limit
        return None
    return max(0, limit - used)


def of_the_process():
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        pages = 0
    return max(0, limit - pages * resource.getpagesize())
