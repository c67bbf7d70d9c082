"""Makes this process believe that it runs on Windows, as far as that can be played elsewhere.

The package, and nothing that it imports, sees an `os` and a `signal` without what only POSIX has,
and none of the POSIX modules. Whoever moves or deletes an open file is refused, as there. Paths,
the console's window, other people's locks and the processes of Windows are not played.
"""

import builtins
import contextlib
import errno
import os
import signal
import sys
import types

POSIX_MODULES = "fcntl grp posix pty pwd readline resource syslog termios tty"
POSIX_OS = """
    O_CLOEXEC O_DIRECTORY O_NOCTTY O_NOFOLLOW O_NONBLOCK WNOHANG chown chroot confstr ctermid
    fchdir fchmod fchown fdatasync fork forkpty getegid geteuid getgid getgroups getloadavg
    getpgid getpriority getresuid getsid getuid killpg lchown lockf major memfd_create minor
    mkfifo mknod nice openpty pathconf posix_fadvise posix_fallocate posix_spawn pread preadv
    pwrite pwritev readv register_at_fork sched_getaffinity sched_setaffinity sched_yield
    sendfile setegid seteuid setgid setgroups setpgid setpriority setsid setuid statvfs sync
    sysconf sysconf_names tcgetpgrp ttyname uname wait wait3 wait4 writev
"""
POSIX_SIGNAL = """
    ITIMER_REAL SIGALRM SIGBUS SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP
    SIGUSR1 SIGUSR2 alarm getitimer pause pthread_kill pthread_sigmask setitimer siginterrupt
    sigpending sigwait
"""


def pretend():
    """From now on, what the package imports is what Windows has."""
    import numpy  # noqa: F401  what lies below sees the system that it was built for
    import pandas  # noqa: F401

    there = {
        "os": without(os, POSIX_OS, name="nt"),
        "signal": without(signal, POSIX_SIGNAL),
        **dict.fromkeys(POSIX_MODULES.split()),
    }
    real_import = builtins.__import__

    def import_(name, globals=None, locals=None, fromlist=(), level=0):
        asking = (globals or {}).get("__name__", "")
        if asking.split(".")[0] not in ("ncf_numpy", "__main__") or level or name not in there:
            return real_import(name, globals, locals, fromlist, level)
        if there[name] is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return there[name]

    builtins.__import__ = import_
    sys.addaudithook(refuse_open_files)


def without(module, names, **changed):
    """A copy of a module that lacks these names."""
    copy = types.ModuleType(module.__name__)
    vars(copy).update(vars(module) | changed)
    for name in names.split():
        vars(copy).pop(name, None)
    return copy


def refuse_open_files(event, arguments):
    """PermissionError where a file that is open in this process is moved, replaced or deleted."""
    n_paths = {"os.rename": 2, "os.remove": 1}.get(event, 0)
    for path in map(os.fsdecode, arguments[:n_paths]):
        if os.path.realpath(path) in open_files():
            raise PermissionError(errno.EACCES, "Access is denied", path)


def open_files():
    """The paths of the files that this process holds open; none where the system does not say."""
    held = set()
    with contextlib.suppress(FileNotFoundError):  # no /proc
        for number in os.listdir("/proc/self/fd"):
            with contextlib.suppress(FileNotFoundError):  # the one that lists the others
                held.add(os.readlink(f"/proc/self/fd/{number}"))
    return held
