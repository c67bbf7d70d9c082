"""python -m ncf_numpy train: fit a model on a file and save it. Ctrl-C keeps the last epoch."""

import contextlib
import sys
import warnings
from pathlib import Path

from tqdm import tqdm

from .. import plots
from ..data.terminal import is_terminal, printable_lines, say
from ..data.whole_file import write_whole
from ..recommender.models import has_epochs
from ..recommender.report import NotLearned
from .data_options import add_data_options, load_data
from .messages import in_options
from .outputs import check_outputs
from .training_options import (
    add_model_option,
    add_training_options,
    make_recommender,
    memory_line,
)

MOST_LINES = 25  # on the screen; with more epochs than twice that, only every second and so on


def add_parser(commands):
    parser = commands.add_parser(
        "train",
        help="train a model on your data and save it",
        description="Train a model on everything in a file or folder, and save it. After each "
        "epoch a checkpoint is written beside it; Ctrl-C keeps the last finished epoch. "
        "Exit status: 0 done, 1 error, 2 usage, 130 interrupted.",
        epilog="example: python -m ncf_numpy train --data plays.csv --user-column listener "
        "--item-column artist --save model.npz",
    )
    add_data_options(parser)
    add_model_option(parser, default="neumf", help="(default: neumf)")
    parser.add_argument("--save", required=True, metavar="FILE.npz", help="where the model goes")
    parser.add_argument(
        "--validation",
        action="store_true",
        help="hold out one item of each user and keep the epoch that ranks these best",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from FILE.npz.checkpoint, with the options it was trained with; "
        "--epochs may be more",
    )
    parser.add_argument("--log", metavar="FILE.csv", help="a row per epoch")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the curves (needs matplotlib)")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    add_training_options(parser)
    parser.set_defaults(run=run)


def run(arguments):
    recommender = make_recommender(arguments.model, arguments)
    checkpoint = f"{arguments.save}.checkpoint"
    check_curves(arguments)
    check_outputs(arguments, arguments.save, checkpoint, arguments.log, arguments.plot)
    if arguments.resume and not has_epochs(arguments.model):
        raise ValueError(f"--resume does not apply to {arguments.model}: it has no epochs")
    if arguments.patience is not None and not arguments.validation:
        raise ValueError("--patience needs held-out items to watch: add --validation")
    if arguments.resume and not Path(checkpoint).is_file():
        raise FileNotFoundError(f"nothing to resume: there is no {checkpoint}")

    def report(text):
        if not arguments.quiet:
            tell(text)

    def on_epoch(history):
        epochs = max(len(history), recommender.epochs_ahead)
        if len(history) % max(1, epochs // MOST_LINES) == 0:
            report(epoch_line(history, epochs))
        if arguments.log:
            write_log(history, arguments.log)

    data = load_data(arguments)
    memory = memory_line(arguments.model, data)
    report("\n".join(filter(None, [repr(data), *data.notes, memory])))
    options = {"progress": is_terminal(sys.stderr) and not arguments.quiet}
    if has_epochs(arguments.model):
        options |= {"on_epoch": on_epoch, "checkpoint": checkpoint, "resume": arguments.resume}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotLearned)  # the report says the same
            recommender.fit(data, arguments.validation, **options)
        recommender.save(arguments.save)
        learned = recommender.report
        advice = in_options(learned.advice, arguments.parser)
        report("\n".join(filter(None, [learned.line, advice, f"saved {arguments.save}"])))
    except KeyboardInterrupt:
        keep(recommender, arguments.save, checkpoint)
        draw(recommender, arguments.plot)
        return 130
    draw(recommender, arguments.plot)
    return 0


def tell(text):
    """Write text to stderr, above the bars. If it can no longer be read, training continues."""
    with contextlib.suppress(OSError, ValueError):
        tqdm.write(printable_lines(text), file=sys.stderr)


def keep(recommender, path, checkpoint):
    """Save what an interrupted training has, and say what that is."""
    again = "the same command with --resume goes on from"
    if recommender.model is not None:
        recommender.save(path)
        epochs = len(recommender.history) if has_epochs(recommender.settings["model"]) else 0
        kept = f"keeps epoch {epochs}, the last finished one; {again} there"
        text = f"interrupted: {path} {kept if epochs else 'is saved'}"
    elif Path(checkpoint).is_file():
        text = f"interrupted: nothing new is saved; {again} {checkpoint}"
    else:
        text = "interrupted before the end of an epoch: nothing is saved"
    say(text)


def write_log(history, path):
    write_whole(path, history.to_csv(index=False, lineterminator="\n").encode())


def check_curves(arguments):
    """Raise before anything is read where there will be no epochs, or no place to draw them."""
    for option, value in (("--log", arguments.log), ("--plot", arguments.plot)):
        if value and not has_epochs(arguments.model):
            raise ValueError(f"{option} does not apply to {arguments.model}: it has no epochs")
    if arguments.plot:
        plots.check_file(arguments.plot)


def draw(recommender, file):
    """The curves of the epochs there are, if a file was named."""
    if file and recommender.history is not None:
        plots.training_curves({recommender.settings["model"]: recommender.history}, file)


def epoch_line(history, epochs):
    """'epoch 3/20  loss 0.2712  HR@10 0.631  NDCG@10 0.372  1.2 s  20 s left'."""
    last = history.iloc[-1]
    line = f"epoch {last['epoch']:.0f}/{epochs}  loss {last['loss']:.4f}"
    if last["hr"] == last["hr"]:  # NaN without a hold-out
        line += f"  HR@10 {last['hr']:.3f}  NDCG@10 {last['ndcg']:.3f}"
    seconds = last["train_seconds"] + last["evaluate_seconds"]
    return f"{line}  {seconds:.1f} s  {seconds * (epochs - last['epoch']):.0f} s left"
