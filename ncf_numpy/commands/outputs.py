"""Where output goes: found out before anything is read, not after an hour of training.

A place is good if a file can be written there and if none of the data that was given is lost by it.
Names say little: a link, a hard link, another spelling or another folder may be the same file.
"""

import os
from pathlib import Path

from ..data.whole_file import check_place
from ..datasets.catalogue import cache_folder

# How the files begin that training writes: a saved model or checkpoint, and a log.
OWN = b"PK\x03\x04", b"header.npy", b"epoch,"


def check_outputs(arguments, *places):
    """Raise unless a file can be written at each of these paths, and no data is lost by it.

    places: None for what is not asked for. The data are the files and folders that were given, and
    those in NCF_NUMPY_DATA and in the cache. One of them may be written over only where it is a
    model, a checkpoint or a log of an earlier training. OSError for a place that cannot be written,
    ValueError for one that is data, or that is named twice.
    """
    places = check_places(places)
    given = arguments.data, getattr(arguments, "test", None)
    data = [path for path in (*given, os.environ.get("NCF_NUMPY_DATA"), cache_folder()) if path]
    for place in places:
        lost = [file for file in (file_lost(place, Path(path)) for path in data) if file]
        if lost:
            raise ValueError(
                f"{place} would overwrite data: it is {lost[0]}. Name another file, or delete "
                "this one if it is none"
            )


def check_tables(model, *places):
    """Raise unless tables can be written at these paths, and neither is the model or the other."""
    check_places(places, [model])


def check_places(places, others=()):
    """Return the places that are not None; raise unless a file can be written at each.

    ValueError for a place that is another one, or one of the others.
    """
    places = [place for place in places if place]
    for number, place in enumerate(places):
        check_place(place)
        if any(is_same_file(place, other) for other in (*others, *places[:number])):
            raise ValueError(f"{place} is named for more than one thing: it would be overwritten")
    return places


def is_same_file(a, b):
    """Whether two paths are one file, now or once it is written."""
    try:
        return os.path.samefile(a, b)
    except OSError:
        a, b = (os.path.normcase(os.path.realpath(path)) for path in (a, b))
        return a == b


def file_lost(place, given):
    """The file of the data that writing to place would destroy, or None.

    given: a file, a folder of files or of such folders, or how the names of files begin.
    """
    if not os.path.exists(place):
        return None
    if given.is_file():
        return given if is_same_file(place, given) else None
    folder = given if given.is_dir() else given.parent
    files = (*folder.glob("*"), *folder.glob("*/*"))
    found = next((file for file in files if is_same_file(place, file)), None)
    return None if found is None or is_own(found) else found


def is_own(path):
    """Whether an earlier training wrote this file."""
    with open(path, "rb") as file:
        start = file.read(64)
    saved, header, log = OWN
    return start.startswith(log) or (start.startswith(saved) and header in start)
