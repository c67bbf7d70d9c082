"""python -m ncf_numpy evaluate: leave-one-out figures of one or more models on the same split."""

import sys
import time

import numpy as np
import pandas as pd

from .. import plots
from ..core.checks import check_count
from ..datasets import sample_lastfm
from ..evaluation.metrics import evaluate
from ..recommender.models import build, has_epochs
from ..training.row_adam import RowAdam
from ..training.trainer import fit
from .data_options import add_data_options, check_outputs, load_split
from .printing import print_table
from .train import check_place, write_log
from .training_options import add_model_option, add_training_options, make_recommender


def add_parser(commands):
    parser = commands.add_parser(
        "evaluate",
        help="measure models on held-out items",
        description="Hold out two items of each user, train on the rest, choose the epoch by one "
        "and report how high the other is ranked. Files of the NCF paper bring their own test "
        "items. Baselines are fitted on all but the test items. "
        "Exit status: 0 done, 1 error, 2 usage, 130 interrupted.",
        epilog="example: python -m ncf_numpy evaluate --dataset sample --model itemknn neumf",
    )
    add_data_options(parser)
    add_model_option(parser, nargs="+", default=["neumf"], help="one or more (default: neumf)")
    parser.add_argument("--k", type=int, default=10, metavar="N", help="HR@N (default: 10)")
    parser.add_argument("--log", metavar="FILE.csv", help="a row per model and epoch")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the table (needs matplotlib)")
    parser.add_argument("--quiet", action="store_true", help="print the table only")
    add_training_options(parser)
    parser.set_defaults(run=run)


def run(arguments):
    if arguments.plot:
        plots.check_file(arguments.plot)
    check_outputs(arguments, arguments.log, arguments.plot)
    if arguments.log:
        check_place(arguments.log)
    check_count(arguments.k, 1, "k")
    recommenders = {name: make_recommender(name, arguments) for name in arguments.model}
    rng = np.random.default_rng(arguments.seed or 0)
    split = load_split(arguments, rng.spawn(1)[0])
    if not arguments.quiet:
        print("\n".join([repr(split.train), split.protocol, *split.notes]), file=sys.stderr)
    rows, histories = [], []
    for name, recommender in recommenders.items():
        start = time.perf_counter()
        model, history = fitted(recommender.settings, split, arguments)
        seconds = time.perf_counter() - start
        result = evaluate(model, split.test, arguments.k)
        scores = {f"HR@{result.k}": result.hr, f"NDCG@{result.k}": result.ndcg, "MRR": result.mrr}
        epoch = history["epoch"][history["chosen"]].max() if len(history) else "-"
        rows.append({"model": name, **scores, "epoch": epoch, "seconds": f"{seconds:.1f}"})
        histories.append(history.assign(model=name))
        if arguments.log:
            write_log(pd.concat(histories), arguments.log)
    print_table(pd.DataFrame(rows))
    if arguments.plot:
        table = pd.DataFrame(rows).set_index("model")[[f"HR@{arguments.k}", f"NDCG@{arguments.k}"]]
        plots.comparison_bars(table, arguments.plot, best=best_possible(split, arguments))
    return 0


def best_possible(split, arguments):
    """{measure: what the oracle of the sample reaches}; {} for all else, where nobody knows."""
    filtered = (arguments.min_per_user, arguments.min_per_item) != (None, None)
    if arguments.dataset != "sample" or filtered:
        return {}
    result = evaluate(sample_lastfm()[1], split.test, arguments.k)
    return {f"HR@{result.k}": result.hr, f"NDCG@{result.k}": result.ndcg}


def fitted(settings, split, arguments):
    """A trained model and its history, which is empty for a baseline."""
    rng = np.random.default_rng(settings["seed"])
    model = build(settings, split.train.n_users, split.train.n_items, rng)
    if not has_epochs(settings["model"]):
        return model.fit(split.train_and_validation()), pd.DataFrame()
    training = {key: settings[key] for key in ("epochs", "patience", "batch_size", "negatives")}
    progress = False if arguments.quiet else None
    optimizer = RowAdam(settings["lr"])
    history = fit(model, split, rng, optimizer=optimizer, progress=progress, **training)
    return model, history
