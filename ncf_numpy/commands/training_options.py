"""The options of a model and its training, which train and evaluate share."""

import argparse

from ..evaluation.ease import EASE
from ..recommender.models import MODELS, PAPER, check_taken, owners
from ..recommender.recommender import Recommender
from .data_options import given

HELP = {
    "factors": (int, "factors of GMF and MF (default: 8), of ials (64)"),
    "epochs": (
        int,
        "passes over the data (default: 20, of ials 12; with few pairs until it has learned)",
    ),
    "batch_size": (int, "pairs per step (default: 256; with few pairs less)"),
    "negatives": (int, "unseen items drawn for each pair (default: 4)"),
    "lr": (float, "learning rate of Adam (default: 0.001)"),
    "patience": (int, "stop after this many epochs without a better one (default: never)"),
    "branch_weight": (float, "alpha of neumf: GMF's branch times alpha, MLP's times 1 - alpha"),
    "neighbours": (int, "neighbours of an item in itemknn (default: 50)"),
    "shrink": (float, "itemknn: trust items with few users less (default: 0)"),
    "l2": (float, "ease: the larger, the closer to popularity (default: 500)"),
    "regularisation": (float, "ials: the larger, the shorter the vectors (default: 0.01)"),
    "weight": (float, "ials: what an unseen item weighs (default: 0.1)"),
    "seed": (int, "makes results reproducible (default: 0)"),
}


def add_training_options(parser):
    group = parser.add_argument_group("model and training")
    group.add_argument(
        "--layers",
        type=widths,
        metavar="N,N,...",
        help="layers of the MLP: width of user and item together, then hidden layers "
        "(default: 64,32,16,8)",
    )
    group.add_argument(
        "--training",
        choices=[PAPER],
        help="the epochs and batches of the paper, 20 of 256, however few pairs there are",
    )
    group.add_argument(
        "--use-counts",
        action="store_const",
        const=True,
        help="popularity and itemknn: weigh pairs by their counts",
    )
    for name, (kind, text) in HELP.items():
        group.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar="N", help=text)


def widths(text):
    """'64,32' -> (64, 32): no brackets, which some shells take for themselves."""
    try:
        return tuple(int(width) for width in text.split(","))
    except ValueError:
        message = f"expected widths such as 64,32,16,8, got {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def make_recommender(model, arguments):
    """A Recommender with the options that were given; the others keep its own defaults.

    Where several models were named, an option goes to those that take it: ValueError if none does.
    """
    named = [arguments.model] if isinstance(arguments.model, str) else arguments.model
    options = given(arguments, ("layers", "training", "use_counts", *HELP))
    for name, value in options.items():
        if owners(name):
            check_taken(name, named, spelled(name, value))
    taken = {name: v for name, v in options.items() if model in (owners(name) or named)}
    return Recommender(model, **taken)


def spelled(name, value):
    """'--batch-size 64': an option as it is written in a shell."""
    text = ",".join(map(str, value)) if name == "layers" else value
    return f"--{name.replace('_', '-')}" + ("" if value is True else f" {text}")


def memory_line(model, data):
    """A sentence about the memory that fitting this model on data needs, "" if it is little."""
    if model != "ease":
        return ""
    n = min(data.n_users, data.n_items)
    gigabytes = EASE.memory(data.n_users, data.n_items) / 1e9
    return f"ease needs {gigabytes:.2f} GB of memory, for a matrix of {n:,} x {n:,} numbers"


def add_model_option(parser, **how):
    parser.add_argument("--model", choices=MODELS, **how)
