"""Train popularity, item-kNN, GMF, MLP and NeuMF on Last.fm and recommend artists by name.

python examples/train_lastfm.py                                # real data if found, else sample
python examples/train_lastfm.py --data FOLDER                  # any set in docs/how-to/data.md
python examples/train_lastfm.py --model neumf --preset snippet
"""

import argparse
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ncf_numpy import ItemKNN, Popularity, RowAdam, evaluate, fit, plots
from ncf_numpy.commands.training_options import widths
from ncf_numpy.core.build import MODELS
from ncf_numpy.core.checks import check_ids, check_widths
from ncf_numpy.datasets import download, find_dataset, leave_one_out, load_split, sample_lastfm
from ncf_numpy.datasets.downloads import Connection
from ncf_numpy.evaluation.top_k import largest, top_k
from ncf_numpy.recommender.vectors import similarities

BASELINES = {"popularity": Popularity, "itemknn": lambda: ItemKNN(neighbours=400, shrink=10)}
NAMES = (*BASELINES, "gmf", "mlp", "neumf")
SIZES = {"factors": int, "layers": widths, "epochs": int, "batch-size": int}
PRESETS = {  # the paper's settings at 8 factors, and those of the two tutorials
    "paper": {"factors": 8, "layers": (64, 32, 16, 8), "batch_size": 256, "epochs": 20},
    "notebook": {"factors": 32, "layers": (64, 32, 16, 8), "batch_size": 1024, "epochs": 10},
    "snippet": {"factors": 8, "layers": (64, 16, 8), "batch_size": 128, "epochs": 10, "alpha": 0.5},
}


def parse_arguments():
    presets = "; ".join(f"{name} {values}" for name, values in PRESETS.items())
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], epilog=presets)
    parser.add_argument("--model", choices=("all", *NAMES), default="all")
    parser.add_argument("--preset", choices=PRESETS, default="paper", help="described below")
    for name, kind in SIZES.items():
        parser.add_argument(f"--{name}", type=kind, help="default: the preset's")
    parser.add_argument("--negatives", type=int, default=4, help="per positive and epoch")
    parser.add_argument("--lr", type=float, default=1e-3, help="Adam's learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, metavar="DIR", help="where the data lies")
    parser.add_argument("--dataset", choices=("auto", "lastfm-2k", "sample"), default="auto")
    parser.add_argument("--listener", type=int, default=0, help="row of whom to recommend to")
    parser.add_argument("--artist", help="whose likes to list (default: the most popular)")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the curves of the neural models")
    parser.add_argument("--plot-table", metavar="FILE.png", help="draw the table")
    a = parser.parse_args()
    for name, value in {"alpha": None, **PRESETS[a.preset]}.items():
        setattr(a, name, value if getattr(a, name, None) is None else getattr(a, name))
    if a.data and a.dataset == "sample":
        parser.error("--dataset sample is synthetic and takes no --data")
    if a.plot and a.model in BASELINES:
        parser.error(f"--plot draws epochs, and {a.model} has none")
    return parser, a


def find_lastfm(a):
    """The folder of the real data, downloaded if need be; None for the sample."""
    folder = a.data or (find_dataset("lastfm-2k") if a.dataset != "sample" else None)
    if folder or a.dataset == "sample":
        return folder
    if a.dataset == "lastfm-2k":
        return download("lastfm-2k")
    print("No Last.fm data here: trying to download it (files.grouplens.org) ...", flush=True)
    try:
        return download("lastfm-2k", connection=Connection(timeout=5, attempts=1))
    except OSError as error:
        print(f"NOT REAL DATA: this is a synthetic sample, because {error}")
        return None


def train(name, split, a, epochs):
    """A model trained on split.train, and its history; a baseline has none."""
    if name in BASELINES:
        return BASELINES[name]().fit(split.train), None
    rng, how = np.random.default_rng(a.seed), {}
    if name == "neumf" and a.alpha is not None:
        how["branch_weight"] = a.alpha
    model = MODELS[name](split.train.n_users, split.train.n_items, vars(a), rng, **how)
    settings = {"batch_size": a.batch_size, "negatives": a.negatives, "optimizer": RowAdam(a.lr)}
    return model, fit(model, split, rng, epochs=epochs, **settings)


def measure(name, split, a):
    """A model, its history and its row of the table.

    Validation chooses the epoch; for test, a model is trained as long on validation items, too.
    """
    print(f"training {name} ...", flush=True)
    start, row = time.perf_counter(), {"epoch": np.nan, "loss": np.nan}
    model, history = train(name, split, a, a.epochs)
    if history is not None:
        row |= history.loc[history["chosen"], ["epoch", "loss"]].iloc[0].to_dict()
    row |= scores(model, split.validation, "validation")
    everything = replace(split, train=split.train_and_validation(), validation=None)
    model, _ = train(name, everything, a, None if history is None else int(row["epoch"]))
    row |= scores(model, split.test, "test")
    return model, history, row | {"seconds": time.perf_counter() - start}


def scores(scorer, holdout, name):
    result = evaluate(scorer, holdout)
    return {f"HR@10 {name}": result.hr, f"NDCG@10 {name}": result.ndcg}


def print_columns(title, data, columns):
    """Artists side by side, by name; columns: {head: rows of the data}."""
    names = {head: [data.item_name(i)[:32] for i in rows] for head, rows in columns.items()}
    table = pd.DataFrame({head: pd.Series(column) for head, column in names.items()}).fillna("")
    print(f"\n{title}\n{table.set_index(table.index + 1).to_string(justify='left')}")


def print_artists(models, data, listener, item):
    """Artists for a listener, and those like an artist, of the last model and of item-kNN."""
    has, alike = data.items_of(listener), {}
    columns = {"listens to": has[:10]}
    for name in dict.fromkeys([list(models)[-1], *models.keys() & {"itemknn"}]):
        best = top_k(models[name], [listener], 10, data.n_items, excluded=[has])[1]
        columns[f"{name} recommends"] = best
        if name != "popularity":
            likeness = similarities(models[name], item)  # (n_items,)
            others = np.where(np.arange(data.n_items) == item, -np.inf, likeness)
            nearest = largest(others, 10)
            alike[name] = nearest[likeness[nearest] != 0]  # item-kNN: 0 is no neighbour
    print_columns(f"For listener {data.user_ids[listener]}:", data, columns)
    if alike:
        print_columns(f"Artists similar to {data.item_name(item)}:", data, alike)


def run(a):
    for file in filter(None, (a.plot, a.plot_table)):
        plots.check_file(file)
    rng, folder, oracle = np.random.default_rng(a.seed), find_lastfm(a), None
    if folder is None:
        plays, oracle = sample_lastfm()
    split = leave_one_out(plays, rng) if oracle else load_split(folder, rng)
    data, n = split.train_and_validation(), len(split.train)
    size = f"{data.n_users:,} listeners, {data.n_items:,} artists, {n:,} pairs to train on"
    print("\n".join([f"{data.source}: {size}", split.protocol, *split.notes]), flush=True)
    check_widths(a.layers)
    check_ids([a.listener], data.n_users, "--listener")
    item = np.bincount(data.items).argmax() if a.artist is None else data.find_item(a.artist)
    names = NAMES if a.model == "all" else (a.model,)
    models, histories, rows = zip(*(measure(name, split, a) for name in names))
    table = pd.DataFrame(rows, names)
    if oracle:
        best = scores(oracle, split.validation, "validation") | scores(oracle, split.test, "test")
        table.loc["(oracle)", list(best)] = list(best.values())
    digits = dict.fromkeys(table, "{:.4f}") | {"epoch": "{:.0f}", "seconds": "{:.1f}"}
    formatters = {column: digits[column].format for column in table}
    print("\n" + table.to_string(formatters=formatters, na_rep=""))
    if oracle:
        print("The oracle knows how the sample was made: no model can be better in expectation.")
    print_artists(dict(zip(names, models)), data, a.listener, item)
    if a.plot:
        plots.training_curves({n: h for n, h in zip(names, histories) if h is not None}, a.plot)
    if a.plot_table:
        bars, best = table.loc[list(names), ["HR@10 test", "NDCG@10 test"]], table.index[-1]
        plots.comparison_bars(
            bars, a.plot_table, best=table.loc[best, bars.columns] if oracle else None
        )


def main():
    parser, arguments = parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as if by Ctrl-C
    try:
        run(arguments)
    except KeyboardInterrupt:
        parser.exit(130, "interrupted\n")
    except (OSError, ValueError, KeyError, IndexError, ImportError) as error:
        parser.exit(1, f"error: {error}\n")


if __name__ == "__main__":
    main()
