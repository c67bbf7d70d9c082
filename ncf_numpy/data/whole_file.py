"""A file that is complete or does not exist, whatever else writes beside it.

It is written under a random name, at which no link can be planted, and moved to its place in one
step. While it is written it is locked: a temporary file without a lock was left by a process that
was killed, and the next writer removes it. Process numbers could not tell, since two
containers that share a folder give out the same ones.
"""

import contextlib
import errno
import os
import re
import secrets
import stat
import time
from pathlib import Path

try:
    import fcntl
except ImportError:  # on Windows, where a file that is open cannot be removed
    fcntl = None

PART = re.compile(r"\.ncf_numpy-[0-9a-f]{32}\.part")
DAY = 24 * 60 * 60  # seconds after which a part counts as left where there are no locks
PUBLIC, PRIVATE = 0o666, 0o600  # permissions before the umask


def write_whole(path, content):
    """Write these bytes to exactly this path, as `replacing` does."""
    with replacing(path) as part:
        part.write(content)


@contextlib.contextmanager
def replacing(path):
    """A binary file to write to; at the end all of it is at this path, or nothing has changed.

    A symbolic link stays one. A file that was there hands its permissions on, and its owner where
    that is allowed; a new file has the permissions of the umask. Raises OSError naming the path.
    """
    place = regular_place(path)
    try:
        remove_stale(place.parent)
        with part_file(place.parent, PRIVATE if place.exists() else PUBLIC) as part:
            yield part
            move(part, place)
    except OSError as error:
        raise OSError(
            error.errno,
            f"cannot save ({error.strerror}). Any existing file is unchanged. Fix the problem or "
            "choose another path",
            str(path),
        ) from error


def check_path(path):
    """Raise TypeError unless path is a name: an open file is refused."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(
            f"path must be the name of a file, a text or a Path, got {type(path).__name__}"
        )


def regular_place(path):
    """The file that path stands for, links followed; OSError if nothing can take its place."""
    check_path(path)
    place = Path(os.path.realpath(path))
    if os.path.exists(place):
        if not os.path.isfile(place):  # but a folder, a pipe or a device
            problem = "cannot save: this is a folder, a pipe or a device, not a file"
            raise OSError(errno.EISDIR, problem, str(path))
        if is_mounted(place):
            problem = "cannot save: this file is mounted, and cannot be replaced; mount its folder"
            raise OSError(errno.EBUSY, problem, str(path))
    return place


def is_mounted(place):
    """Whether a file is a mount point, as one is that a container shares by its name. On Linux."""
    name = re.sub(rb"[\\\s]", lambda found: b"\\%03o" % ord(found[0]), os.fsencode(place))
    try:
        mounts = Path("/proc/self/mountinfo").read_bytes()
    except OSError:
        return False
    return any(line.split(b" ")[4] == name for line in mounts.splitlines())


def check_place(path, verb="save"):
    """Raise OSError naming the path where `write_whole` could not write a file; tries it out."""
    place = regular_place(path)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.stat(place)  # a name that is too long, or a circle of links
        with part_file(place.parent) as part:
            part.write(bytes(4096))
            part.flush()
            os.fsync(part.fileno())
    except (FileNotFoundError, NotADirectoryError) as error:
        problem = f"cannot {verb} {path}: there is no folder {place.parent}"
        raise type(error)(problem) from error
    except OSError as error:
        raise OSError(error.errno, f"cannot {verb} ({error.strerror})", str(path)) from error


def open_regular(path):
    """A binary file to read; OSError for a pipe or a device, which may have no end, unopened."""
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # open() says so of a folder
        raise OSError(errno.EINVAL, "this is a pipe or a device, not a file", str(path))
    return open(path, "rb")


@contextlib.contextmanager
def part_file(folder, permissions=PUBLIC):
    """A new binary file in this folder, open and locked; it is gone at the end, unless `move`d."""
    path, part = None, None
    try:
        while part is None:
            path = Path(folder, f".ncf_numpy-{secrets.token_hex(16)}.part")
            part = _create(path, permissions)
        with part:
            yield part
    finally:
        with contextlib.suppress(OSError, TypeError):
            os.unlink(path)


def move(part, place):
    """Give a `part_file` its place, with owner and permissions of the file that it replaces."""
    part.flush()
    with contextlib.suppress(FileNotFoundError):
        if os.name == "posix":
            _take_over(part.fileno(), os.stat(place))
    os.fsync(part.fileno())
    if os.name == "nt":  # no open file can be moved there
        part.close()
    os.replace(part.name, place)


def remove_stale(folder):
    """Delete the temporary files in this folder that no process is writing, where allowed."""
    remove = _remove_unlocked if fcntl else _remove_old
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for path in [entry.path for entry in entries if PART.fullmatch(entry.name)]:
            with contextlib.suppress(OSError):
                remove(path)


def _create(path, permissions):
    """The file, open and locked; None if it was taken for a stale one before it was locked."""
    how = {"opener": lambda name, flags: os.open(name, flags, permissions)}  # O_EXCL is in flags
    part = open(path, "xb", **how)  # noqa: SIM115
    if _lock(part.fileno()) is not False and path.exists():
        return part
    part.close()
    return None


def _lock(descriptor):
    """True: it is ours; False: another process has locked it; None: there are no locks here."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems
        return None
    return True


def _remove_unlocked(path):
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        is_ours = _lock(descriptor)
        if is_ours:  # and stays so until it is gone: its writer, if there is one, will see that
            os.unlink(path)
    finally:
        os.close(descriptor)
    if is_ours is None:
        _remove_old(path)


def _remove_old(path):
    if time.time() - os.lstat(path).st_mtime > DAY:
        os.unlink(path)


def _take_over(descriptor, old):
    """Owner, group and permissions of the old file; without its group, none for the group."""
    new, permissions = os.fstat(descriptor), stat.S_IMODE(old.st_mode) & 0o777
    for owner in (old.st_uid, -1):  # -1 leaves it: without root rights only the group may change
        if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
            with contextlib.suppress(OSError):
                os.fchown(descriptor, owner, old.st_gid)
                break
    if os.fstat(descriptor).st_gid != old.st_gid:
        permissions &= ~0o070
    if stat.S_IMODE(new.st_mode) != permissions:
        os.fchmod(descriptor, permissions)
