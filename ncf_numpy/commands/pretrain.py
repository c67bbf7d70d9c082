"""python -m ncf_numpy pretrain: NeuMF from a trained GMF and MLP, as in the paper."""

import numpy as np

from ..core.checks import check_count, check_rate, check_sizes, check_widths
from ..core.optimizers import SGD
from ..evaluation.metrics import evaluate
from ..training.pretraining import pretrain
from ..training.row_adam import RowAdam
from .data_options import add_data_options, load_split
from .printing import print_table
from .training_options import widths

OPTIMIZERS = {"adam": (RowAdam, 1e-4), "sgd": (SGD, 0.1)}  # with a default for the learning rate


def add_parser(commands):
    parser = commands.add_parser(
        "pretrain",
        help="train GMF and MLP, fuse them into NeuMF, fine-tune and measure it",
        description="Train GMF and MLP, fuse them into NeuMF, fine-tune it (He et al. 2017, "
        "section 3.4.1) and print validation figures of every epoch, then the test figure of the "
        "best. Exit status: 0 done, 1 error, 2 usage, 130 interrupted.",
        epilog="example: python -m ncf_numpy pretrain --dataset sample --optimizer sgd",
    )
    add_data_options(parser, splits=True)
    parser.add_argument("--factors", type=int, default=8, metavar="N", help="(default: 8)")
    parser.add_argument("--layers", type=widths, default=(64, 32, 16, 8), metavar="N,N,...")
    parser.add_argument("--alpha", type=float, default=0.5, help="weight of GMF (default: 0.5)")
    parser.add_argument("--epochs", type=int, default=20, help="of GMF and of MLP (default: 20)")
    parser.add_argument("--fine-tune-epochs", type=int, default=20, help="(default: 20)")
    parser.add_argument("--lr", type=float, default=1e-3, help="of GMF and MLP (default: 0.001)")
    parser.add_argument(
        "--optimizer",
        choices=OPTIMIZERS,
        default="adam",
        help="fine-tunes: sgd as in the paper, or adam as in its authors' README (default)",
    )
    parser.add_argument("--fine-tune-lr", type=float, help="default: 0.1 for sgd, 1e-4 for adam")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    parser.set_defaults(run=run)


def run(arguments):
    a = arguments
    check_count(a.seed, 0, "seed")
    check_sizes(factors=a.factors)
    check_widths(a.layers)
    if not 0 <= a.alpha <= 1:
        raise ValueError(f"alpha must be in [0, 1], got {a.alpha}")
    make, lr = OPTIMIZERS[a.optimizer]
    if a.fine_tune_lr is not None:
        lr = check_rate("fine_tune_lr", a.fine_tune_lr)
    rng = np.random.default_rng(a.seed)
    split = load_split(a, rng)
    model, history = pretrain(
        split,
        rng,
        factors=a.factors,
        layers=a.layers,
        alpha=a.alpha,
        lr=a.lr,
        optimizer=make(lr),
        epochs=a.epochs,
        fine_tune_epochs=a.fine_tune_epochs,
        progress=False if a.quiet else None,
    )
    print_table(history[["stage", "epoch", "loss", "hr", "ndcg", "chosen"]])
    result = evaluate(model, split.test)
    print(split.protocol)
    print(f"test: HR@{result.k} {result.hr:.4f}, NDCG@{result.k} {result.ndcg:.4f}")
    return 0
