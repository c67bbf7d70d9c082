"""python -m ncf_numpy evaluate: leave-one-out figures of one or more models on the same split."""

import time

import numpy as np
import pandas as pd

from .. import plots
from ..core.checks import check_count
from ..data.own_test import with_own_test
from ..data.terminal import say
from ..datasets import sample_lastfm
from ..evaluation.metrics import evaluate
from ..recommender.course import plan_of
from ..recommender.models import build, has_epochs, objective_of
from ..training.plan import watched
from ..training.row_adam import RowAdam
from ..training.trainer import fit
from .data_options import (
    add_data_options,
    find_data,
    load_split,
    load_table,
    load_timed,
)
from .figures import add_figure_options, comparisons, figures_of, measured, ties_of
from .outputs import check_outputs
from .printing import print_table
from .train import write_log
from .training_options import (
    add_model_option,
    add_training_options,
    make_recommender,
    memory_line,
)


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
    add_data_options(parser, splits=True)
    add_model_option(parser, nargs="+", default=["neumf"], help="one or more (default: neumf)")
    add_figure_options(parser)
    parser.add_argument("--test", metavar="FILE", help="a CSV file of test items of your own, with "
                        "the columns of --data; default: one item of each user")  # fmt: skip
    parser.add_argument("--log", metavar="FILE.csv", help="a row per model and epoch")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the table (needs matplotlib)")
    parser.add_argument("--quiet", action="store_true", help="print the table only")
    add_training_options(parser)
    parser.set_defaults(run=run)


def run(arguments):
    if arguments.plot:
        plots.check_file(arguments.plot)
    check_outputs(arguments, arguments.log, arguments.plot)
    for k in arguments.k:
        check_count(k, 1, "k")
    if arguments.compare and len(set(arguments.model)) < 2:
        raise ValueError("--compare needs two models or more after --model")
    if arguments.log and not any(has_epochs(name) for name in arguments.model):
        names = " and ".join(arguments.model)
        raise ValueError(f"--log does not apply to {names}: no model here has epochs")
    recommenders = {name: make_recommender(name, arguments) for name in arguments.model}
    split = split_of(arguments)
    if not arguments.quiet:
        say("\n".join([repr(split.train), split.protocol, *split.notes]))
    rows, histories, evaluations = [], [], {}
    for name, recommender in recommenders.items():
        memory = memory_line(name, split.train)
        if memory and not arguments.quiet:
            say(memory)
        evaluations[name], history, seconds = tried(recommender.settings, split, arguments)
        trained_on = "train" if len(history) else "train+validation"
        epoch = history["epoch"][history["chosen"]].max() if len(history) else "-"
        for ranking, evaluation in evaluations[name].items():
            figures, intervals = figures_of(evaluation, arguments)
            rows.append(
                {"model": name, **figures, **intervals, "trained on": trained_on,
                 "ranked against": evaluation.against, **ties_of(ranking, split),
                 "epoch": epoch, "seconds": f"{seconds:.1f}"}
            )  # fmt: skip
        histories.append(history.assign(model=name))
        if arguments.log:
            write_log(pd.concat(histories), arguments.log)
    print_table(pd.DataFrame(rows))
    if arguments.compare:
        for title, table in comparisons(evaluations, arguments):
            print(f"\n{title}")
            print_table(table)
    if arguments.plot:
        draw(evaluations, split, arguments)
    return 0


def split_of(arguments):
    """The Split to train and test on, with the test items of --test where there are some."""
    rng = np.random.default_rng(arguments.seed or 0).spawn(1)[0]
    if arguments.test is None:
        return load_split(arguments, rng)
    reader, _ = find_data(arguments)
    if reader != "csv":
        raise ValueError(f"--test needs --data FILE.csv, not {reader} files")
    data = load_timed(arguments)
    try:
        test = load_table(arguments.test, arguments)
    except ValueError as error:
        raise ValueError(f"{error} (the file of --test needs the columns of --data)") from error
    return with_own_test(data, test, rng)


def draw(evaluations, split, arguments):
    """HR and NDCG at the first k of the first ranking, a group of bars for each model."""
    k, ranking = arguments.k[0], arguments.ranking[0]
    columns = {
        f"{measure}@{k}": {
            name: found[ranking].mean(measure) for name, found in evaluations.items()
        }
        for measure in ("HR", "NDCG")
    }
    best = best_possible(split, arguments) if ranking == "sampled" else {}
    plots.comparison_bars(pd.DataFrame(columns), arguments.plot, best=best)


def best_possible(split, arguments):
    """{measure: what the oracle of the sample reaches}; {} for all else, where it is not known."""
    filtered = (arguments.min_per_user, arguments.min_per_item) != (None, None)
    if arguments.dataset != "sample" or filtered:
        return {}
    result = evaluate(sample_lastfm()[1], split.test, arguments.k[0])
    return {f"HR@{result.k}": result.hr, f"NDCG@{result.k}": result.ndcg}


def tried(settings, split, arguments):
    """Train a model, measure it and let it go: -> {ranking: Evaluation}, history, seconds."""
    start = time.perf_counter()
    model, history = fitted(settings, split, arguments)
    seconds = time.perf_counter() - start
    return measured(model, split, arguments), history, seconds


def fitted(settings, split, arguments):
    """A trained model and its history, which is empty for a baseline."""
    rng = np.random.default_rng(settings["seed"])
    model = build(settings, split.train.n_users, split.train.n_items, rng)
    if not has_epochs(settings["model"]):
        return model.fit(split.train_and_validation()), pd.DataFrame()
    plan = plan_of(settings, len(split.train))
    rates = {name: settings[name] for name in ("patience", "negatives", "lr")}
    epochs, patience = watched(plan, len(split.train), **rates)
    training = {"epochs": epochs, "patience": patience, "batch_size": plan.batch_size}
    progress = False if arguments.quiet else None
    optimizer = RowAdam(settings["lr"])
    options = {"optimizer": optimizer, "progress": progress, "negatives": settings["negatives"]}
    objective = objective_of(settings["model"])
    return model, fit(model, split, rng, objective=objective, **options, **training)
