"""python -m ncf_numpy step: one training step, number by number, in the terminal or on a page."""

import json
import os
from pathlib import Path

import numpy as np

from ..core.build import MODELS
from ..core.checks import check_count, check_sizes, check_widths
from ..data.terminal import printable, say
from ..data.whole_file import write_whole
from ..learn.stepper import terminal
from ..learn.stepper.batch import LOSSES, OPTIMIZERS, RATES, build_model, choose_batch, pair_up
from ..learn.stepper.page import build_page
from ..learn.stepper.trace import trace_step
from ..recommender.models import owners
from .data_options import add_data_options, load_data
from .outputs import check_outputs
from .training_options import widths

SIZES = {"factors": 4, "layers": (8, 6, 4)}
MOST = {"batch": 100, "factors": 128, "layers": 256, "steps": 10_000}
MOST_LAYERS = 8


def add_parser(commands):
    parser = commands.add_parser(
        "step",
        help="step through one training step, number by number",
        description="Run one training step on a few interactions and step through it: every value "
        "of forward, loss, backward and update with its formula, the numbers in it, its line of "
        "code and, for gradients, the numerical gradient. Keys: Enter next, b back, f and r to "
        "forward and backward, g numerical check here, w weights, q quit. In a pipe it prints all.",
        epilog="example: python -m ncf_numpy step --model neumf --html step.html --steps 50",
    )
    parser.add_argument("--model", choices=MODELS, default="neumf")
    parser.add_argument("--loss", choices=LOSSES, default="logits")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="adam")
    rates = ", ".join(f"{name} {rate}" for name, rate in RATES.items())
    parser.add_argument("--lr", type=float, help=f"learning rate (default: {rates})")
    parser.add_argument("--factors", type=int, metavar="K", help="default 4")
    parser.add_argument(
        "--layers", type=widths, metavar="N,N", help="layers of the MLP (default: 8,6,4)"
    )
    parser.add_argument("--user", metavar="ID", help="raw id of the first user (default: drawn)")
    parser.add_argument("--batch", type=int, default=6, metavar="B", help="pairs (default: 6)")
    parser.add_argument("--seed", type=int, default=0, help="default 0")
    parser.add_argument("--no-pause", action="store_true", help="print everything and exit")
    parser.add_argument("--html", metavar="FILE", help="write a page that opens from disk")
    parser.add_argument(
        "--steps", type=int, default=0, metavar="N", help="on the page: also train for N steps"
    )
    parser.add_argument("--json", metavar="FILE", help="write the trace, unrounded")
    add_data_options(parser)
    parser.set_defaults(run=run)


def run(arguments):
    if arguments.steps and not arguments.html:
        say("--steps needs --html: training is shown on the page")
        return 2
    check_count(arguments.seed, 0, "seed")
    if arguments.steps:
        check_sizes(steps=arguments.steps)
    for name, size in SIZES.items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, size)
        elif arguments.model not in owners(name):
            raise ValueError(f"--{name} is not an option of {arguments.model}: leave it out")
    check_sizes(batch=arguments.batch, factors=arguments.factors)
    if len(arguments.layers or ()) > MOST_LAYERS:
        raise ValueError(
            f"--layers must name at most {MOST_LAYERS} widths, got {len(arguments.layers)}: every "
            "number of the step is computed twice and shown"
        )
    for name, most in MOST.items():
        largest = np.max(getattr(arguments, name))
        if largest > most:
            raise ValueError(
                f"--{name} must be at most {most:,}, got {largest:,}: every number of the step is "
                "computed twice and shown"
            )
    check_widths(arguments.layers)
    check_outputs(arguments, arguments.html, arguments.json)
    if arguments.data is None and arguments.dataset == "auto":
        arguments.dataset = "sample"
    plays = load_data(arguments)
    rng = np.random.default_rng(arguments.seed)
    batch = choose_batch(plays, rng, arguments.batch, arguments.user)
    model = build_model(arguments.model, plays, rng, arguments.factors, arguments.layers)
    if arguments.loss == "bpr":
        batch = pair_up(batch, rng)
    loss = LOSSES[arguments.loss]()
    rate = RATES[arguments.optimizer] if arguments.lr is None else arguments.lr
    optimizer = OPTIMIZERS[arguments.optimizer](rate)
    trace = trace_step(model, loss, optimizer, batch.users, batch.items, batch.labels)
    if arguments.html:
        docs = link_to_docs(Path(arguments.html))
        try:
            page = build_page(
                trace, model, loss, optimizer, batch, steps=arguments.steps, docs=docs
            )
        except np.linalg.LinAlgError as error:  # the plane of points that are not finite
            raise FloatingPointError(
                f"with a learning rate of {rate:g} the weights do not stay finite: try a lower --lr"
            ) from error
        write(arguments.html, page, "open it in a browser")
    if arguments.json:
        write(
            arguments.json, json.dumps(trace.to_dict()), f"{len(trace.records)} values, unrounded"
        )
    if not (arguments.html or arguments.json):
        terminal.run(trace, batch, pause=False if arguments.no_pause else None)
    return 0


def link_to_docs(page):
    """backprop.md as seen from a page inside the repository; "" from elsewhere."""
    root = Path(__file__).resolve().parents[2]
    docs, folder = root / "docs" / "explanation" / "backprop.md", page.resolve().parent
    if not (docs.is_file() and folder.is_relative_to(root)):
        return ""
    return Path(os.path.relpath(docs, folder)).as_posix()


def write(name, text, what):
    write_whole(name, text.encode("utf-8", "backslashreplace"))
    print(printable(f"{name}: {os.path.getsize(name) / 1e6:.2f} MB; {what}"))
