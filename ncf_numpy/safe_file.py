"""One safe file: a header and named arrays in an .npz that is either whole or not there at all.

A file is written beside its place and moved there in one step: a crash, a full disk or kill -9
leaves the old file as it was. Nothing is pickled, so to read a file never runs what is in it. A
sha256 over all it holds tells a damaged file from a good one.
"""

import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np

FORMAT = "ncf_numpy"
# Goes up when older code could not make sense of a file. Code reads its own version and all older
# ones, and refuses newer ones with a sentence.
VERSION = 1


def write_file(path, kind, header, arrays):
    """Write header, anything JSON can hold, and arrays {name: array} to exactly this path.

    kind says what the file is, such as "recommender"; `read_file` must be told the same. Raises
    OSError naming the path if it cannot be written; a file that was there is then still there.
    """
    header = {"format": FORMAT, "version": VERSION, "kind": kind, **header}
    members = {"header": pack(header), **arrays}
    members["sha256"] = np.frombuffer(digest(members), np.uint8)
    place = Path(os.path.realpath(path))  # a symbolic link stays one
    # The number of the process keeps two that save to one path out of each other's way.
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    archive = io.BytesIO()  # in memory first: a zip cut off by a full disk complains when collected
    np.savez(archive, **members)
    try:
        with open(part, "wb") as file:
            file.write(archive.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, place)
    except OSError as error:
        raise OSError(
            error.errno, f"cannot save ({error.strerror}); nothing there has changed", str(path)
        ) from error
    finally:
        part.unlink(missing_ok=True)


def read_file(path, kind):
    """The (header, arrays) that `write_file` wrote to path as this kind.

    Raises OSError if the file cannot be opened, ValueError naming the path if it is damaged, of
    another kind, written by a newer version, or no file of this project at all.
    """
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                members = {name: archive[name] for name in archive.files}
            expected = members.pop("sha256").tobytes()
            header = unpack(members["header"])
            is_ours = header["format"] == FORMAT
        except Exception as error:  # damage can make the zip and npy readers raise anything
            raise ValueError(
                f"{path} is damaged, or not a file that ncf_numpy saved "
                f"({type(error).__name__}: {error})"
            ) from error
    if not is_ours or digest(members) != expected:
        raise ValueError(
            f"{path} is damaged: its content does not have the sha256 it was saved with"
        )
    if header["version"] > VERSION:
        raise ValueError(
            f"{path} has format version {header['version']}, and this ncf_numpy reads up to "
            f"{VERSION}: a newer ncf_numpy is needed"
        )
    if header["kind"] != kind:
        raise ValueError(f"{path} holds a {header['kind']}, expected a {kind}")
    del members["header"]
    return header, members


def pack(content):
    """Anything JSON can hold -> (n,) uint8: text in any script, without NumPy's pickled objects."""
    return np.frombuffer(json.dumps(content).encode("ascii"), np.uint8)


def unpack(packed):
    """What `pack` was given."""
    return json.loads(packed.tobytes().decode("ascii"))


def digest(arrays):
    """The sha256 of the arrays' names, dtypes, shapes and bytes."""
    hasher = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        hasher.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        hasher.update(array.reshape(-1).view(np.uint8))
    return hasher.digest()
