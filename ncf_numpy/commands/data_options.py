"""The options that say what the data is, which train and evaluate share, and the reading of it."""

import re
import zipfile
from pathlib import Path

import numpy as np

from ..datasets import (
    download,
    find_dataset,
    leave_one_out,
    load_interactions,
    load_lastfm_2k,
    load_lastfm_360k,
    load_movielens,
    load_ncf_files,
    sample_lastfm,
)
from ..datasets.reading.folders import contents

# --dataset -> the reader of its files
READERS = {
    "csv": "csv",
    "sample": "sample",
    "lastfm-2k": "lastfm-2k",
    "lastfm-360k": "lastfm-360k",
    "lastfm-notebook": "lastfm-360k",
    "ml-100k": "movielens",
    "ml-1m": "movielens",
    "ncf-ml-1m": "ncf",
    "ncf-pinterest-20": "ncf",
}
# A file that gives its data set away -> the reader
SIGNS = {
    "user_artists.dat": "lastfm-2k",
    "u.data": "movielens",
    "ratings.dat": "movielens",
    "lastfm_play.csv": "lastfm-360k",
    "usersha1-artmbid-artname-plays.tsv": "lastfm-360k",
}
COLUMNS = {
    "user": "raw ids of users (default: user)",
    "item": "raw ids of items (default: item)",
    "count": "how often, such as plays",
    "rating": "how much, such as stars",
    "timestamp": "seconds, or dates",
    "name": "names of the items",
}

PYTHON_ADVICE = re.compile(r"\b(user|names|encoding|quotes|bad_rows)=")


def add_data_options(parser):
    group = parser.add_argument_group("data")
    group.add_argument(
        "--data",
        metavar="FILE_OR_FOLDER",
        help="a CSV or TSV file with a header; the folder or zip of hetrec2011-lastfm-2k, "
        "MovieLens 100K or 1M, or Last.fm 360K; or the NCF paper's files (folder, or folder/ml-1m)",
    )
    group.add_argument(
        "--dataset",
        choices=("auto", *READERS),
        default="auto",
        metavar="NAME",
        help=f"what it is: {', '.join(READERS)} (default: auto, found out from the files). Without "
        "--data it is looked for in NCF_NUMPY_DATA and the cache, else downloaded; sample is made",
    )
    for name, text in COLUMNS.items():
        group.add_argument(f"--{name}-column", metavar="NAME", help=f"CSV: {text}")
    group.add_argument("--min-rating", type=float, metavar="N", help="keep ratings >= N only")
    group.add_argument(
        "--min-per-user", type=int, metavar="N", help="drop users with fewer items (lastfm-2k: 20)"
    )
    group.add_argument(
        "--min-per-item", type=int, metavar="N", help="drop items with fewer users (lastfm-2k: 5)"
    )


def load_data(arguments):
    """The Interactions to train on. Of the NCF paper's files that is the train file."""
    reader, path = find_data(arguments)
    check_options(arguments, reader)
    least = {name: getattr(arguments, name) for name in ("min_per_user", "min_per_item")}
    least = {name: value for name, value in least.items() if value is not None}
    if reader == "ncf":
        return load_ncf_files(path, np.random.default_rng(0), validation=False).train
    if reader == "lastfm-2k":
        return load_lastfm_2k(path, **least)
    if reader == "csv":
        data = load_table(path, arguments)
    elif reader == "movielens":
        data = load_movielens(path, min_rating=arguments.min_rating)
    elif reader == "lastfm-360k":
        data = load_lastfm_360k(path)
    else:
        data = sample_lastfm()[0]
    return data.filter(**{"min_per_user": 0, "min_per_item": 0, **least}) if least else data


def load_table(path, arguments):
    """`load_interactions`, whose advice is in Python, with a word about the command line."""
    try:
        return load_interactions(path, min_rating=arguments.min_rating, **columns(arguments))
    except ValueError as error:
        if not PYTHON_ADVICE.search(str(error)):
            raise
        raise ValueError(
            f"{error}. (So in Python. Here columns are named by --user-column NAME and the like; "
            "what has no option, correct in the file)"
        ) from error


def load_split(arguments, rng):
    """A leave-one-out Split with a validation and a test item; the NCF paper's own, if it is."""
    reader, path = find_data(arguments)
    if reader == "ncf":
        check_options(arguments, reader)
        return load_ncf_files(path, rng)
    return leave_one_out(load_data(arguments), rng)


def find_data(arguments):
    """(reader, path), as asked for or as the files say; raises ValueError where neither does."""
    name, path = arguments.dataset, arguments.data
    if name == "auto" and path is None:
        raise ValueError("no data: give --data FILE_OR_FOLDER, or --dataset sample to try it out")
    if name == "auto":
        return reader_of(Path(path)), path
    if name == "sample" and path is not None:
        raise ValueError(f"--dataset sample is made up and reads no files: leave out --data {path}")
    if path is None and name == "csv":
        raise ValueError("--dataset csv needs --data FILE")
    if path is None and name != "sample":
        path = find_dataset(name) or download(name)
    return READERS[name], path


def reader_of(path):
    """What the files at path are, by their names."""
    if Path(f"{path}.train.rating").is_file():
        return "ncf"
    if not path.exists():
        raise FileNotFoundError(f"there is no file or folder {path}")
    if path.is_file() and not zipfile.is_zipfile(path):
        return "csv"
    names = contents(path, "data")
    if any(name.endswith(".train.rating") for name in names):
        return "ncf"
    for sign, reader in SIGNS.items():
        if sign in names:
            return reader
    found = ", ".join(list(names)[:5]) or "nothing"
    raise ValueError(f"{path} is no data set that is known here: it holds {found}")


def columns(arguments):
    """The columns that were named, as `load_interactions` calls them."""
    named = {name: getattr(arguments, f"{name}_column") for name in COLUMNS}
    named["item_name"] = named.pop("name")
    return {name: column for name, column in named.items() if column is not None}


def check_options(arguments, reader):
    """Raise for an option that this data would leave without effect."""
    meant_for = {f"{name}_column": ("csv",) for name in COLUMNS}
    meant_for["min_rating"] = ("csv", "movielens")
    meant_for |= {
        name: (*SIGNS.values(), "csv", "sample") for name in ("min_per_user", "min_per_item")
    }
    if arguments.min_rating is not None and reader == "csv" and not arguments.rating_column:
        raise ValueError("--min-rating needs --rating-column NAME")
    for name, readers in meant_for.items():
        if getattr(arguments, name) is not None and reader not in readers:
            raise ValueError(f"--{name.replace('_', '-')} does not apply to {reader} files")
