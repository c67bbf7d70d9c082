"""Train popularity, item-kNN, GMF, MLP and NeuMF on Last.fm and recommend artists by name.

python examples/train_lastfm.py                                # real data if found, else sample
python examples/train_lastfm.py --data FOLDER                  # any set in docs/how-to/data.md
python examples/train_lastfm.py --model neumf --preset snippet
"""

import argparse
import signal
import time
import warnings

import numpy as np
import pandas as pd

from ncf_numpy import Recommender, evaluate, plots
from ncf_numpy.commands.training_options import widths
from ncf_numpy.datasets import download, find_dataset, leave_one_out, load_split, sample_lastfm
from ncf_numpy.datasets.downloads import Connection
from ncf_numpy.recommender.models import options_of
from ncf_numpy.recommender.report import NotLearned

MODELS = "popularity", "itemknn", "gmf", "mlp", "neumf"
PAPER = dict(factors=8, layers=(64, 32, 16, 8), batch_size=256, epochs=20, negatives=4, lr=1e-3)
PRESETS = {  # the paper's settings at 8 factors, and where the two tutorials differ
    "paper": PAPER,
    "notebook": PAPER | dict(factors=32, batch_size=1024, epochs=10),
    "snippet": PAPER | dict(layers=(64, 16, 8), batch_size=128, epochs=10, branch_weight=0.5),
}
FIGURES = ["HR@10 validation", "NDCG@10 validation", "HR@10 test", "NDCG@10 test"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], epilog=str(PRESETS))
    parser.add_argument("--model", choices=("all", *MODELS), default="all")
    parser.add_argument("--preset", choices=PRESETS, default="paper", help="described below")
    for name, value in {**PAPER, "seed": 0}.items():
        kind = widths if name == "layers" else type(value)
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help="default: the preset's")
    parser.add_argument("--data", metavar="DIR", help="where the data lies")
    parser.add_argument("--dataset", choices=("auto", "lastfm-2k", "sample"), default="auto")
    parser.add_argument("--listener", type=int, default=0, help="row of whom to recommend to")
    parser.add_argument("--artist", help="whose likes to list (default: the most popular)")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the curves of the neural models")
    parser.add_argument("--plot-table", metavar="FILE.png", help="draw the table")
    parser.set_defaults(seed=0, training="paper", neighbours=400, shrink=10)
    parser.set_defaults(**PRESETS[parser.parse_known_args()[0].preset])
    a = parser.parse_args()
    if a.data and a.dataset == "sample":
        parser.error("--dataset sample is synthetic and takes no --data")
    if a.plot and a.model in ("popularity", "itemknn"):
        parser.error(f"--plot does not apply to {a.model}: it has no epochs")
    return parser, a


def find_lastfm(a, rng):
    """The split to train and test on, and the oracle of the sample: real data have none."""
    folder = a.data or (find_dataset("lastfm-2k") if a.dataset != "sample" else None)
    if folder is None and a.dataset == "lastfm-2k":
        folder = download("lastfm-2k")
    elif folder is None and a.dataset == "auto":
        print("No Last.fm data here: trying to download it (files.grouplens.org) ...", flush=True)
        try:
            folder = download("lastfm-2k", connection=Connection(timeout=5, attempts=1))
        except OSError as error:
            print(f"NOT REAL DATA: this is a synthetic sample, because {error}")
    if folder is not None:
        return load_split(folder, rng), None
    plays, oracle = sample_lastfm()
    return leave_one_out(plays, rng), oracle


def untrained(name, a):
    """A Recommender with those settings that its model takes."""
    takes = [*options_of(name), "seed"]
    return Recommender(name, **{n: value for n, value in vars(a).items() if n in takes})


def measure(recommender, split):
    """A recommender that knows all but the test items, its history and its row of the table."""
    print(f"training {recommender.settings['model']} ...", flush=True)
    start = time.perf_counter()
    history = recommender.fit(split.train, validation=split.validation).history
    chosen = history[history["chosen"]].iloc[0]  # the epoch that ranks the validation items best
    epochs = {"epochs": int(chosen["epoch"])} if "epoch" in chosen else {}
    recommender = Recommender(**recommender.settings | epochs).fit(split.train_and_validation())
    test = evaluate(recommender.model, split.test)
    row = {"epoch": chosen.get("epoch"), "loss": chosen.get("loss")}
    row |= zip(FIGURES, (chosen["hr"], chosen["ndcg"], test.hr, test.ndcg))
    return recommender, history, row | {"seconds": time.perf_counter() - start}


def print_artists(recommenders, data, listener, artist):
    """Artists for a listener, and those like an artist, of the last model and of item-kNN."""
    user, alike = data.user_ids[listener], {}
    liked = {"listens to": [data.item_name(i) for i in data.items_of(listener)[:10]]}
    for name in dict.fromkeys([list(recommenders)[-1], *recommenders.keys() & {"itemknn"}]):
        liked[f"{name} recommends"] = recommenders[name].recommend(user)["name"]
        if name != "popularity":  # to which no two artists are alike
            alike[name] = recommenders[name].similar_items(data.item_ids[artist])["name"]
    titles = f"For listener {user}:", f"Artists similar to {data.item_name(artist)}:"
    for title, columns in zip(titles, [liked, alike] if alike else [liked]):
        short = {head: pd.Series(names, dtype=object).str[:32] for head, names in columns.items()}
        table = pd.DataFrame(short).fillna("")
        print(f"\n{title}\n{table.set_index(table.index + 1).to_string(justify='left')}")


def run(a):
    for file in filter(None, (a.plot, a.plot_table)):
        plots.check_file(file)
    names = MODELS if a.model == "all" else (a.model,)
    models = [untrained(name, a) for name in names]  # which refuses bad settings at once
    split, oracle = find_lastfm(a, np.random.default_rng(a.seed))
    data, n = split.train_and_validation(), len(split.train)
    size = f"{data.n_users:,} listeners, {data.n_items:,} artists, {n:,} pairs to train on"
    print("\n".join([f"{data.source}: {size}", split.protocol, *split.notes]), flush=True)
    if not 0 <= a.listener < data.n_users:
        raise IndexError(f"--listener must be in [0, {data.n_users}), got {a.listener}")
    artist = np.bincount(data.items).argmax() if a.artist is None else data.find_item(a.artist)
    recommenders, histories, rows = zip(*(measure(model, split) for model in models))
    table = pd.DataFrame(rows, names, dtype=float)
    if oracle:
        found = [evaluate(oracle, holdout) for holdout in (split.validation, split.test)]
        table.loc["(oracle)", FIGURES] = [x for each in found for x in (each.hr, each.ndcg)]
    rounded = {"epoch": "{:.0f}".format, "seconds": "{:.1f}".format}
    print("\n" + table.to_string(formatters=rounded, float_format="{:.4f}".format, na_rep=""))
    if oracle:
        print("The oracle knows how the sample was made: no model can be better in expectation.")
    print_artists(dict(zip(names, recommenders)), data, a.listener, artist)
    if a.plot:
        plots.training_curves({n: h for n, h in zip(names, histories) if "loss" in h}, a.plot)
    if a.plot_table:
        best = table.loc["(oracle)"] if oracle else None
        plots.comparison_bars(table.loc[list(names), FIGURES[2:]], a.plot_table, best=best)


def main():
    parser, arguments = parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as if by Ctrl-C
    warnings.simplefilter("ignore", NotLearned)  # the table shows what was learned
    try:
        run(arguments)
    except KeyboardInterrupt:
        parser.exit(130, "interrupted\n")
    except (OSError, ValueError, KeyError, IndexError, ImportError) as error:
        parser.exit(1, f"error: {error}\n")


if __name__ == "__main__":
    main()
