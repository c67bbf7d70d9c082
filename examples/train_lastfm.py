"""Train popularity, item-kNN, GMF, MLP and NeuMF on Last.fm and recommend artists by name.

python examples/train_lastfm.py                                # real data if found, else sample
python examples/train_lastfm.py --data FOLDER                  # HetRec folder or NCF files
python examples/train_lastfm.py --model neumf --preset snippet
"""

import argparse
import pathlib
import signal
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from ncf_numpy import GMF, MLP, NeuMF, RowAdam, fit, plots
from ncf_numpy.datasets import (
    artist_names,
    download,
    find_dataset,
    leave_one_out,
    load_lastfm_2k,
    load_ncf_files,
    sample_lastfm,
)
from ncf_numpy.datasets.downloads import Connection
from ncf_numpy.evaluation.baselines import ItemKNN, Popularity
from ncf_numpy.evaluation.metrics import evaluate

BASELINES = ("popularity", "itemknn")
MODELS = (*BASELINES, "gmf", "mlp", "neumf")
PRESETS = {  # the paper's settings at 8 factors, and those of the two tutorials
    "paper": {"factors": 8, "layers": (64, 32, 16, 8), "batch_size": 256, "epochs": 20},
    "notebook": {"factors": 32, "layers": (64, 32, 16, 8), "batch_size": 1024, "epochs": 10},
    "snippet": {"factors": 8, "layers": (64, 16, 8), "batch_size": 128, "epochs": 10, "alpha": 0.5},
}


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        epilog="The presets: " + "; ".join(f"{name} {values}" for name, values in PRESETS.items()),
    )
    parser.add_argument("--model", choices=("all", *MODELS), default="all")
    parser.add_argument("--preset", choices=PRESETS, default="paper")
    parser.add_argument("--factors", type=int, help="of GMF and of NeuMF's GMF branch")
    parser.add_argument("--layers", type=parse_layers, help="tower widths, such as 64,32,16,8")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--negatives", type=int, default=4, help="per positive and epoch")
    parser.add_argument("--lr", type=float, default=1e-3, help="Adam's learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=pathlib.Path, metavar="DIR", help="where the data lies")
    parser.add_argument("--dataset", choices=("auto", "lastfm-2k", "sample"), default="auto")
    parser.add_argument(
        "--listener", type=int, default=0, help="row number of whom to recommend to"
    )
    parser.add_argument("--artist", help="whose likes to list (default: the most popular)")
    for name, what in {"--plot": "curves of the neural models", "--plot-table": "table"}.items():
        parser.add_argument(name, metavar="FILE.png", help=f"draw the {what} (needs matplotlib)")
    arguments = parser.parse_args()
    for name, value in {"alpha": None, **PRESETS[arguments.preset]}.items():
        if getattr(arguments, name, None) is None:
            setattr(arguments, name, value)
    if arguments.data and arguments.dataset == "sample":
        parser.error("--dataset sample is made up on the spot and takes no --data")
    if arguments.plot and arguments.model in BASELINES:
        parser.error(f"--plot draws epochs, and {arguments.model} has none")
    return parser, arguments


def parse_layers(text):
    """'64,32,16,8' -> (64, 32, 16, 8)."""
    try:
        return tuple(int(width) for width in text.strip("[]() ").split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected widths such as 64,32,16,8, got {text!r}"
        ) from None


def find_lastfm(arguments):
    """The folder of the real data, downloaded if need be; None for the sample."""
    if arguments.data or arguments.dataset == "sample":
        return arguments.data
    folder = find_dataset("lastfm-2k")
    if folder is not None:
        return folder
    if arguments.dataset == "lastfm-2k":
        return download("lastfm-2k")
    print("No Last.fm data here: trying to download it (files.grouplens.org) ...", flush=True)
    try:
        return download("lastfm-2k", connection=Connection(timeout=5, attempts=1))
    except OSError as error:
        print(f"NOT REAL DATA: this is a made-up sample, because {error}")
        return None


def load_split(arguments, rng):
    """The split to train on, and the oracle if the data is the made-up sample."""
    folder = find_lastfm(arguments)
    if folder is None:
        interactions, oracle = sample_lastfm()
        return leave_one_out(interactions, rng), oracle
    if folder.is_dir() and any(folder.glob("*.train.rating")):
        hetrec = find_dataset("lastfm-2k") if "lastfm" in folder.name else None
        names = artist_names(hetrec) if hetrec else None
        return load_ncf_files(folder, rng, item_names=names), None
    return leave_one_out(load_lastfm_2k(folder), rng), None


def build(name, arguments, n_users, n_items, rng):
    """A fresh neural model."""
    if name == "gmf":
        return GMF(n_users, n_items, arguments.factors, rng)
    if name == "mlp":
        return MLP(n_users, n_items, arguments.layers, rng)
    factors, alpha = arguments.factors, arguments.alpha
    return NeuMF(n_users, n_items, factors, arguments.layers, rng, branch_weight=alpha)


def train_neural(name, split, arguments):
    """A trained model, its history and its row of the table.

    Validation chooses the number of epochs; for the test column the model is then trained that long
    on the validation items too, as the baselines are.
    """
    start = time.perf_counter()
    model, history = train_once(name, split, arguments, arguments.epochs)
    chosen = history[history["chosen"]].iloc[0]
    row = {"epoch": int(chosen["epoch"]), "loss": chosen["loss"]}
    row |= scores(model, split.validation, "validation")
    everything = replace(split, train=split.train_and_validation(), validation=None)
    model, _ = train_once(name, everything, arguments, row["epoch"])
    row |= scores(model, split.test, "test")
    return model, history, row | {"seconds": time.perf_counter() - start}


def train_once(name, split, arguments, epochs):
    """A fresh model trained on split.train, and its history."""
    rng = np.random.default_rng(arguments.seed)
    model = build(name, arguments, split.train.n_users, split.train.n_items, rng)
    settings = {"batch_size": arguments.batch_size, "negatives": arguments.negatives}
    optimizer = RowAdam(lr=arguments.lr)
    return model, fit(model, split, rng, epochs=epochs, optimizer=optimizer, **settings)


def fit_baseline(make, split):
    """A baseline and its row: for the test column it may also see the validation items."""
    start = time.perf_counter()
    row = scores(make().fit(split.train), split.validation, "validation")
    baseline = make().fit(split.train_and_validation())
    row |= scores(baseline, split.test, "test")
    return baseline, row | {"seconds": time.perf_counter() - start}


def scores(scorer, holdout, name):
    result = evaluate(scorer, holdout)
    return {f"HR@10 {name}": result.hr, f"NDCG@10 {name}": result.ndcg}


def print_table(rows):
    table = pd.DataFrame(rows).set_index("model")
    digits = dict.fromkeys(table, "{:.4f}") | {"epoch": "{:.0f}", "seconds": "{:.1f}"}
    formatters = {column: digits[column].format for column in table}
    print("\n" + table.to_string(formatters=formatters, na_rep="", index_names=False))


def recommend(scorer, interactions, user, k=10):
    """The k artists of highest score that the user does not have."""
    items = np.arange(interactions.n_items)
    score = scorer.predict(np.full(len(items), user), items)
    score[interactions.items_of(user)] = -np.inf
    return np.argsort(-score, kind="stable")[:k]


def similar(model, item, k=10):
    """The k artists whose embeddings have the largest cosine with this one's."""
    W = model.item_embedding.W  # (n_items, K)
    directions = W / np.linalg.norm(W, axis=1, keepdims=True)
    cosine = directions @ directions[item]  # (n_items,)
    cosine[item] = -np.inf
    return np.argsort(-cosine, kind="stable")[:k]


def print_columns(title, columns):
    """Artist names side by side."""
    table = pd.DataFrame({name: pd.Series(names) for name, names in columns.items()}).fillna("")
    table.index += 1
    print(f"\n{title}\n{table.map(lambda name: name[:32]).to_string(justify='left')}")


def train_all(names, split, arguments):
    """{name: scorer}, {name: history} of the neural ones, and the rows of the table."""
    scorers, histories, rows = {}, {}, []
    for name in names:
        print(f"training {name} ...", flush=True)
        if name == "popularity":
            scorers[name], row = fit_baseline(Popularity, split)
        elif name == "itemknn":
            scorers[name], row = fit_baseline(lambda: ItemKNN(neighbours=400, shrink=10), split)
        else:
            scorers[name], histories[name], row = train_neural(name, split, arguments)
        rows.append({"model": name, "epoch": np.nan, "loss": np.nan, **row})
    return scorers, histories, rows


def print_recommendations(scorers, interactions, user):
    """What a listener has, next to what the last model and item-kNN would add."""
    names = all_names(interactions)
    columns = {"listens to": names[interactions.items_of(user)[:10]]}
    for name in dict.fromkeys([list(scorers)[-1], *scorers.keys() & {"itemknn"}]):
        columns[f"{name} recommends"] = names[recommend(scorers[name], interactions, user)]
    print_columns(f"For listener {interactions.user_ids[user]}:", columns)


def print_similar(scorers, interactions, item):
    """The artists nearest to one, for the last neural model and for item-kNN."""
    names = all_names(interactions)
    columns = {}
    for name, scorer in reversed(scorers.items()):
        if isinstance(scorer, ItemKNN):
            columns[name] = names[scorer.similar_items(item, 10)[0]]
        elif hasattr(scorer, "item_embedding") and not columns:
            columns[name] = names[similar(scorer, item)]
    if columns:
        print_columns(f"Artists similar to {names[item]}:", columns)


def all_names(interactions):
    return np.array([interactions.item_name(i) for i in range(interactions.n_items)], object)


def draw_table(rows, file):
    """The test columns as bars; the oracle, if there is one, as the line that bounds them."""
    table = pd.DataFrame(rows).set_index("model")[["HR@10 test", "NDCG@10 test"]]
    oracle = table.loc["(oracle)"] if "(oracle)" in table.index else None
    plots.comparison_bars(table.drop(index="(oracle)", errors="ignore"), file, best=oracle)


def run(arguments):
    for file in filter(None, (arguments.plot, arguments.plot_table)):
        plots.check_file(file)
    rng = np.random.default_rng(arguments.seed)
    split, oracle = load_split(arguments, rng)
    train = split.train
    size = (
        f"{train.n_users:,} listeners, {train.n_items:,} artists, {len(train):,} pairs to train on"
    )
    print("\n".join([f"{train.source}: {size}", split.protocol, *split.notes]), flush=True)

    names = MODELS if arguments.model == "all" else (arguments.model,)
    for name in set(names) - set(BASELINES):  # so that a wrong size is told now
        build(name, arguments, train.n_users, train.n_items, rng)
    scorers, histories, rows = train_all(names, split, arguments)
    if oracle is not None:
        best = scores(oracle, split.validation, "validation") | scores(oracle, split.test, "test")
        rows.append({"model": "(oracle)", **best})
    print_table(rows)
    if oracle is not None:
        print("The oracle knows how the sample was made: no model can be better in expectation.")

    everything = split.train_and_validation()
    most_popular = int(np.bincount(everything.items).argmax())
    item = everything.find_item(arguments.artist) if arguments.artist else most_popular
    print_recommendations(scorers, everything, arguments.listener)
    print_similar(scorers, everything, item)
    if arguments.plot:
        plots.training_curves(histories, arguments.plot)
    if arguments.plot_table:
        draw_table(rows, arguments.plot_table)


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
