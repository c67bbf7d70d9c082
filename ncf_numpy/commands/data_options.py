"""The options that say what the data is, which train and evaluate share, and the reading of it."""

import argparse
import ast
import re
from dataclasses import replace

from ..datasets import download, find_dataset, leave_one_out, load_interactions, sample_lastfm
from ..datasets.catalogue import KNOWN, dataset_at
from ..datasets.reading.folders import path_of

COLUMNS = {
    "user": "raw ids of users (default: user)",
    "item": "raw ids of items (default: item)",
    "count": "how often, such as plays",
    "rating": "how much, such as stars; with --min-rating",
    "timestamp": "seconds, or dates",
    "name": "names of the items",
}
LAYOUT = "names", "sep", "quotes", "encoding", "date_format", "bad_rows"
SEPARATORS = {"tab": "\t", "blank": " ", "comma": ",", "semicolon": ";", "bar": "|"}
ESCAPE = re.compile(r"\\(t|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})")
READERS = "csv", "sample", *KNOWN


def add_data_options(parser, *, splits=False):
    """splits: whether the command holds items out, and --hold-out may say which."""
    group = parser.add_argument_group("data")
    group.add_argument(
        "--data",
        metavar="FILE_OR_FOLDER",
        help="a table (CSV, TSV or JSON lines; also packed); the folder or zip of a published data "
        "set; or files of the NCF paper's format (folder, or folder/ml-1m)",
    )
    group.add_argument(
        "--dataset",
        choices=("auto", *READERS),
        default="auto",
        metavar="NAME",
        help=f"what it is: {', '.join(READERS)} (default: auto, detected from the files). Without "
        "--data it is looked for in NCF_NUMPY_DATA and the cache, else downloaded; sample is made",
    )
    for name, text in COLUMNS.items():
        group.add_argument(f"--{name}-column", metavar="NAME", help=f"table: {text}")
    group.add_argument(
        "--min-rating", type=min_rating, metavar="N", help="keep ratings >= N only; or all"
    )
    group.add_argument(
        "--names", type=names_of, metavar="A,B,...", help="the columns of a table without a header"
    )
    group.add_argument(
        "--sep", type=separator, metavar="CHARACTER", help="what separates the fields, such as tab"
    )
    group.add_argument(
        "--quotes", choices=("yes", "no"), help='whether "a, b" is one field (default: not in TSV)'
    )
    group.add_argument("--encoding", metavar="NAME", help="such as cp949 (default: detected)")
    group.add_argument(
        "--date-format",
        metavar="FORMAT",
        help="of --timestamp-column, such as '%%m/%%d/%%Y %%H:%%M'",
    )
    group.add_argument(
        "--bad-rows",
        choices=("raise", "drop"),
        help="what to do about a row that cannot be read (default: raise an error)",
    )
    group.add_argument(
        "--min-per-user", type=int, metavar="N", help="drop users with fewer items (lastfm-2k: 20)"
    )
    group.add_argument(
        "--min-per-item", type=int, metavar="N", help="drop items with fewer users (lastfm-2k: 5)"
    )
    if splits:
        group.add_argument(
            "--hold-out",
            choices=("latest", "random"),
            help="which item of a user is held out (default: the latest, where there are times)",
        )


def min_rating(text):
    """'4' -> 4.0; 'all' stays."""
    try:
        return text if text == "all" else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, or all; got {text!r}") from None


def names_of(text):
    """'user,item,stars' -> ('user', 'item', 'stars')."""
    names = tuple(name.strip() for name in text.split(","))
    if "" in names or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"expected different names such as a,b,c, got {text!r}")
    return names


def separator(text):
    r"""'tab' -> a tab, and so is '\t'; '\x01' is the control character."""
    return ESCAPE.sub(lambda match: ast.literal_eval(f"'{match[0]}'"), SEPARATORS.get(text, text))


def load_data(arguments):
    """The Interactions to train on. Of files in the NCF paper's format that is the train file."""
    reader, path = find_data(arguments)
    check_options(arguments, reader)
    least = given(arguments, ("min_per_user", "min_per_item"))
    if reader == "csv":
        data = load_table(path, arguments)
    elif reader == "sample":
        data = sample_lastfm()[0]
    else:
        options = given(arguments, KNOWN[reader].options)
        least = {name: value for name, value in least.items() if name not in options}
        data = KNOWN[reader].load(path_of(path), **options)
    return data.filter(**{"min_per_user": 0, "min_per_item": 0, **least}) if least else data


def load_table(path, arguments):
    """`load_interactions` of a table, as the options say."""
    columns = {name: getattr(arguments, f"{name}_column") for name in COLUMNS}
    columns["item_name"] = columns.pop("name")
    columns = {name: column for name, column in columns.items() if column is not None}
    layout = given(arguments, ("min_rating", *LAYOUT))
    if "quotes" in layout:
        layout["quotes"] = layout["quotes"] == "yes"
    return load_interactions(path, **columns, **layout)


def given(arguments, names):
    """{name: value} of the options that were given."""
    values = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def load_split(arguments, rng):
    """A leave-one-out Split with a validation and a test item; the published one, if there is."""
    reader, path = find_data(arguments)
    if reader in KNOWN and KNOWN[reader].split:
        check_options(arguments, reader)
        return KNOWN[reader].split(path_of(path), rng, arguments.hold_out)
    return leave_one_out(load_timed(arguments), rng)


def load_timed(arguments):
    """As `load_data`, without times where --hold-out random asks not to look at them."""
    data = load_data(arguments)
    if arguments.hold_out == "latest" and data.timestamps is None:
        raise ValueError("--hold-out latest needs times: name their column in --timestamp-column")
    return replace(data, timestamps=None) if arguments.hold_out == "random" else data


def find_data(arguments):
    """(reader, path), as asked for or as the files say; raises ValueError where neither does."""
    name, path = arguments.dataset, arguments.data
    if name == "auto" and path is None:
        raise ValueError("no data: give --data FILE_OR_FOLDER, or --dataset sample to try it out")
    if name == "auto":
        dataset = dataset_at(path)
        return (dataset.name if dataset else "csv"), path
    if name == "sample" and path is not None:
        raise ValueError(
            f"--dataset sample is synthetic and reads no files: leave out --data {path}"
        )
    if path is None and (name == "csv" or (name in KNOWN and not KNOWN[name].parts)):
        raise ValueError(f"--dataset {name} needs --data FILE")
    if path is None and name != "sample":
        path = find_dataset(name) or download(name)
    return name, path


def check_options(arguments, reader):
    """Raise for an option that this data would leave without effect."""
    if reader == "csv":
        return
    known = KNOWN[reader].options if reader in KNOWN else ()
    if reader == "sample" or not KNOWN[reader].split:
        known = *known, "min_per_user", "min_per_item"
    names = *(f"{name}_column" for name in COLUMNS), *LAYOUT, "min_rating"
    for name in (*names, "min_per_user", "min_per_item"):
        if name not in known and getattr(arguments, name) is not None:
            option = f"--{name.replace('_', '-')}"
            raise ValueError(f"{option} does not apply to --dataset {reader}: leave it out")
