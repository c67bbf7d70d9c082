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
# report of exercises, values of a step. One that is empty holds nothing that could be lost.
OWN = re.compile(
    rb"\Z|PK\x03\x04.{26}header\.npy|(model,)?epoch,|user,item,name,score\s|"
    rb'(user|item),(factor|GMF|MLP) 1[,\s]|\{\s+"folder": |\{"model": ',
    re.DOTALL,
)
# A picture or a page may be a command's; beside data it is not taken for one.
PICTURE = re.compile(rb"\x89PNG|<\?xml|%PDF-|<!doctype html>\s<html lang=")


def check_outputs(arguments, *places):
    """Raise unless a file can be written at each of these paths, and no data is lost by it.

    places: None for what is not asked for. Data are the files and folders that were given, those in
    NCF_NUMPY_DATA and in the cache, and whatever else no command has written: a command that reads
    a model was not told the data. OSError for a place that cannot be written, ValueError for one
    that is data, or that is named twice.
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
        lost = [path for path in data if is_same_file(place, path)]
        if not may_be_replaced(place, data):
            lost.append("a file that no command has written")
        if lost:
            raise ValueError(
                f"{place} would overwrite data: it is {lost[0]}. Name another file, or delete "
                "this one if it is not needed"
            )


def is_same_file(a, b):
    """Whether two paths are one file, now or once it is written."""
    try:
        return os.path.samefile(a, b)
    except OSError:
        a, b = (os.path.normcase(os.path.realpath(path)) for path in (a, b))
        return a == b


def may_be_replaced(place, data):
    """Whether there is nothing here yet, or what a command has written.

    data: files, folders, and how the names of files begin.
    """
    if not os.path.isfile(place):
        return True
    with open(place, "rb") as file:
        beginning = file.read(4096)
    beside_data = any(is_within(place, Path(path)) for path in data)
    return bool(OWN.match(beginning) or (PICTURE.match(beginning) and not beside_data))


def is_within(place, given):
    """Whether place is anywhere in a folder of data, or beside files whose names begin so."""
    if given.is_file():
        return False
    folder = given if given.is_dir() else given.parent
    return any(
        Path(path(folder)) in Path(path(place)).parents
        for path in (os.path.abspath, os.path.realpath)
    )
