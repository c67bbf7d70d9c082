"""python -m ncf_numpy gradcheck: compare every hand-written gradient with finite differences."""

import contextlib
import sys

import numpy as np

from .. import plots
from ..core.build import MODELS
from ..core.gradcheck import GradientError, check_gradients, redraw_embeddings
from ..core.losses import BinaryCrossEntropyWithLogits
from ..learn import step_error
from ..learn.bugs import BUGS, planted
from .outputs import check_outputs

SETTINGS = {"factors": 8, "layers": (64, 32, 16, 8)}
USERS = np.array([3, 1, 3, 0, 2, 1])  # (B,)
ITEMS = np.array([2, 5, 2, 1, 5, 0])  # (B,)
LABELS = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])  # (B,)


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
    parser.add_argument(
        "--plot",
        metavar="FILE.png",
        help="draw the largest error against the step, in float64 and float32 (needs matplotlib)",
    )
    parser.set_defaults(run=run)


def run(arguments):
    if arguments.list_bugs:
        if arguments.model or arguments.bug or arguments.plot:
            print("--list-bugs checks nothing: give it alone", file=sys.stderr)
            return 2
        print("\n".join(BUGS))
        return 0
    bug = BUGS.get(arguments.bug)
    shows_in = bug.models if bug else tuple(MODELS)
    names = [arguments.model] if arguments.model else list(shows_in)
    if names[0] not in shows_in:
        print(f"{arguments.bug} shows in {', '.join(shows_in)}, not in {names[0]}", file=sys.stderr)
        return 2
    if arguments.plot:
        plots.check_file(arguments.plot)
    check_outputs(arguments, arguments.plot)
    wrong = any([check(name, bug) for name in names])
    if arguments.plot:
        draw(names, bug, arguments.plot)
    return 1 if wrong else 0


def check(name, bug):
    """Print the table of one model; True if it found a wrong gradient."""
    model = make(name, np.float64)
    try:
        with planted(bug) if bug else contextlib.nullcontext():
            loss = BinaryCrossEntropyWithLogits()
            table, message = check_gradients(model, loss, USERS, ITEMS, LABELS), None
    except GradientError as error:
        table, message = error.table, str(error)
    print(f"{type(model).__name__}, batch of {len(USERS)}, float64")
    print(table.to_string(index=False, formatters={"rel_error": "{:.1e}".format}))
    what = bug or "a gradient is not the derivative of the loss"
    print(f"WRONG: {what}\n{message}\n" if message else "right\n")
    return message is not None


def make(name, dtype):
    """A model whose embeddings are large enough to be checked; equal weights for every dtype."""
    rng = np.random.default_rng(0)
    model = MODELS[name](7, 9, SETTINGS, rng, dtype=dtype)
    redraw_embeddings(model, rng)
    return model


def draw(names, bug, file):
    """A panel for each model: the largest error of its gradients at each step."""
    with plots.style(), planted(bug) if bug else contextlib.nullcontext():
        axes = plots.panels(len(names), width=4.2, height=3.6, sharey=True)
        for name, ax in zip(names, axes):
            steps, errors = step_error.STEPS, {}
            for dtype in (np.float64, np.float32):
                model, loss = make(name, dtype), BinaryCrossEntropyWithLogits()
                measured = step_error.measure(model, loss, USERS, ITEMS, LABELS, steps)
                errors[np.dtype(dtype).name] = measured["worst"]
            plots.error_against_step(steps, errors, axes=ax, label="worst relative error")
            ax.set_title(type(model).__name__)
    plots.finish(axes[0].figure, file)
