"""Where output goes: found out before anything is read, not after an hour of training.

A place is good if a file can be written there and if none of the data that was given is lost by it.
Names say little: a link, a hard link, another spelling or another folder may be the same file.
"""

import os
import re
from pathlib import Path

from ..data.whole_file import check_place
from ..datasets.catalogue import cache_folder

# How the files begin that commands write: a saved model or checkpoint, a log, lists, vectors, a
# report of exercises. One that is empty holds nothing that could be lost.
OWN = re.compile(
    rb"\Z|PK\x03\x04.{26}header\.npy|(model,)?epoch,|user,item,name,score\s|"
    rb'(user|item),(factor|GMF|MLP) 1[,\s]|\{\s+"folder": ',
    re.DOTALL,
)
# Two lines with what separates fields
TABLE = re.compile(rb"[^\n]*([,;\t|]|::)[^\n]*\n[^\n]*([,;\t|]|::)")


def check_outputs(arguments, *places):
    """Raise unless a file can be written at each of these paths, and no data is lost by it.

    places: None for what is not asked for. Data are the files and folders that were given, those in
    NCF_NUMPY_DATA and in the cache, and whatever else is a table: a command that reads a model was
    not told the data. Only what a command has written may be written over. OSError for a place that
    cannot be written, ValueError for one that is data, or that is named twice.
    """
    places = [place for place in places if place]
    given = [getattr(arguments, name, None) for name in ("data", "test")]
    model = [arguments.file] if hasattr(arguments, "file") else []
    data = [path for path in (*given, os.environ.get("NCF_NUMPY_DATA"), cache_folder()) if path]
    for place in places:
        check_place(place)
    for number, place in enumerate(places):
        if any(is_same_file(place, other) for other in model + places[:number]):
            raise ValueError(f"{place} is named for more than one thing: it would be overwritten")
        lost = [file for file in (file_lost(place, Path(path)) for path in data) if file]
        if is_table(place):
            lost.append("a table that no command has written")
        if lost:
            raise ValueError(
                f"{place} would overwrite data: it is {lost[0]}. Name another file, or delete "
                "this one if it is not data"
            )


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
    """Whether a command has written this file."""
    return OWN.match(beginning(path)) is not None


def is_table(path):
    """Whether there is a table here that no command has written."""
    return os.path.isfile(path) and TABLE.match(beginning(path)) is not None and not is_own(path)


def beginning(path):
    with open(path, "rb") as file:
        return file.read(4096)
