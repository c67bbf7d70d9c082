"""python -m ncf_numpy train: fit a model on a file and save it. Ctrl-C keeps the last epoch."""

import signal
import sys
from pathlib import Path

from tqdm import tqdm

from .data_options import add_data_options, load_data
from .training_options import add_model_option, add_training_options, make_recommender


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
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    add_training_options(parser)
    parser.set_defaults(run=run)


def run(arguments):
    recommender = make_recommender(arguments.model, arguments)
    checkpoint = f"{arguments.save}.checkpoint"
    check_places(arguments.save, checkpoint if arguments.resume else None)

    def say(text):
        if not arguments.quiet:
            tqdm.write(text, file=sys.stderr)  # above the bars, if there are any

    def on_epoch(history):
        say(epoch_line(history, recommender.settings["epochs"]))
        if arguments.log:
            history.to_csv(arguments.log, index=False, encoding="utf-8")

    data = load_data(arguments)
    say("\n".join([repr(data), *data.notes]))
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as if by Ctrl-C
    try:
        recommender.fit(
            data,
            arguments.validation,
            progress=sys.stderr.isatty() and not arguments.quiet,
            on_epoch=on_epoch,
            checkpoint=checkpoint,
            resume=arguments.resume,
        )
    except KeyboardInterrupt:
        keep(recommender, arguments.save)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)
    recommender.save(arguments.save)
    say(f"saved {arguments.save}")
    return 0


def keep(recommender, path):
    """Save what an interrupted training has, and say what that is."""
    if recommender.model is None:
        print("interrupted before the end of an epoch: nothing is saved", file=sys.stderr)
        return
    recommender.save(path)
    print(
        f"interrupted: {path} keeps epoch {len(recommender.history)}, the last finished one; "
        "the same command with --resume goes on from there",
        file=sys.stderr,
    )


def check_places(path, checkpoint):
    """Raise before anything is read, not after an hour, where a file cannot be or is missing."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"cannot save {path}: there is no folder {folder}")
    if checkpoint and not Path(checkpoint).is_file():
        raise FileNotFoundError(f"nothing to resume: there is no {checkpoint}")


def epoch_line(history, epochs):
    """'epoch 3/20  loss 0.2712  HR@10 0.631  NDCG@10 0.372  1.2 s  20 s left'."""
    last = history.iloc[-1]
    line = f"epoch {last['epoch']:.0f}/{epochs}  loss {last['loss']:.4f}"
    if last["hr"] == last["hr"]:  # NaN without a hold-out
        line += f"  HR@10 {last['hr']:.3f}  NDCG@10 {last['ndcg']:.3f}"
    seconds = last["train_seconds"] + last["evaluate_seconds"]
    return f"{line}  {seconds:.1f} s  {seconds * (epochs - last['epoch']):.0f} s left"
