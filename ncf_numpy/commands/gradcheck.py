"""python -m ncf_numpy gradcheck: compare every hand-written gradient with finite differences."""

import contextlib
import sys

import numpy as np

from ..gradcheck import GradientError, check_gradients, redraw_embeddings
from ..learn.bugs import BUGS, planted
from ..losses import BinaryCrossEntropyWithLogits
from ..models import GMF, MF, MLP, NeuMF

MODELS = {
    "mf": lambda rng: MF(7, 9, 8, rng, dtype=np.float64),
    "gmf": lambda rng: GMF(7, 9, 8, rng, dtype=np.float64),
    "mlp": lambda rng: MLP(7, 9, (64, 32, 16, 8), rng, dtype=np.float64),
    "neumf": lambda rng: NeuMF(7, 9, 8, (64, 32, 16, 8), rng, dtype=np.float64),
}


def add_parser(commands):
    parser = commands.add_parser(
        "gradcheck",
        help="compare every gradient with finite differences",
        description="Check every gradient of the models on six pairs in which users and items "
        "repeat. Exit status: 0 right, 1 a wrong gradient, 2 usage.",
        epilog="example: python -m ncf_numpy gradcheck --model neumf --bug dropped-repeats",
    )
    parser.add_argument("--model", choices=MODELS, help="one model only (default: all of them)")
    parser.add_argument("--bug", choices=BUGS, metavar="NAME", help="plant this bug first")
    parser.add_argument("--list-bugs", action="store_true", help="print the bugs' names and stop")
    parser.set_defaults(run=run)


def run(arguments):
    if arguments.list_bugs:
        print("\n".join(BUGS))
        return 0
    bug = BUGS.get(arguments.bug)
    shows_in = bug.models if bug else tuple(MODELS)
    names = [arguments.model] if arguments.model else list(shows_in)
    if names[0] not in shows_in:
        print(f"{arguments.bug} shows in {', '.join(shows_in)}, not in {names[0]}", file=sys.stderr)
        return 2
    return 1 if any([check(name, bug) for name in names]) else 0


def check(name, bug):
    """Print the table of one model; True if it found a wrong gradient."""
    users = np.array([3, 1, 3, 0, 2, 1])
    items = np.array([2, 5, 2, 1, 5, 0])
    labels = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
    rng = np.random.default_rng(0)
    model = MODELS[name](rng)
    redraw_embeddings(model, rng)
    try:
        with planted(bug) if bug else contextlib.nullcontext():
            loss = BinaryCrossEntropyWithLogits()
            table, message = check_gradients(model, loss, users, items, labels), None
    except GradientError as error:
        table, message = error.table, str(error)
    print(f"{type(model).__name__}, batch of {len(users)}, float64")
    print(table.to_string(index=False, formatters={"rel_error": "{:.1e}".format}))
    what = bug or "a gradient is not the slope of the loss"
    print(f"WRONG: {what}\n{message}\n" if message else "right\n")
    return message is not None
