"""Which model wins, by how much, and with what certainty: the runs of the reference table.

    python examples/reference_table.py --data FOLDER/deepcf-lastfm FOLDER/ml-1m

Six settings of every model are tried on validation items; the best is run with three seeds, and its
test items are ranked among their published candidates and among all items. A finished run is
appended to runs.csv and is not run again, so the command may be interrupted and repeated.
reference_report.py prints the table.

The ranks stay in a folder of their own: they are rows of the users, which the licences of the data
do not let us publish. From them come figures.csv, with an interval for each figure, and
differences.csv, with a paired interval for each pair of models.
"""

import argparse
import functools
import math
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from reference_settings import draw, name_of
from reproduce_paper import tower

from ncf_numpy import RowAdam, Trainer, compare
from ncf_numpy.core.build import MODELS as NEURAL
from ncf_numpy.datasets import leave_one_out, load_ncf_files, sample_lastfm
from ncf_numpy.evaluation.build import BASELINES, OPTIONS
from ncf_numpy.evaluation.comparison import confidence_interval
from ncf_numpy.evaluation.metrics import Evaluation, evaluate
from ncf_numpy.evaluation.ranking import evaluate_catalogue
from ncf_numpy.safe_file import read_arrays
from ncf_numpy.training.blas_threads import blas_threads
from ncf_numpy.training.factorisation import bpr_mf

RESULTS = Path(__file__).parent.parent / "docs" / "results" / "reference"
MODELS = ("popularity", "itemknn", "ease", "ials", "bpr", "mf", "gmf", "mlp", "neumf")
ALWAYS_THE_SAME = ("popularity", "itemknn", "ease")  # nothing random in them: one seed
SEEDS = (0, 1, 2)
EPOCHS, PATIENCE = {"bpr": 50}, 8  # validation chooses among the epochs; others have 20
RANKINGS, MEASURES = ("sampled", "full"), ("HR", "NDCG")  # recall is HR: one item is held out
RUN = ["data", "model", "part", "setting", "seed"]  # part: "search", or "test" for the best setting


def seeds_of(model):
    return SEEDS[:1] if model in ALWAYS_THE_SAME else SEEDS


def fit(model, setting, split, train, seed):
    """Train one model: -> the model, the epoch that validation chose (0 for a baseline).

    A baseline has no epoch to choose and is fitted on `train`; all others train on split.train.
    """
    rng = np.random.default_rng(seed)
    sizes = train.n_users, train.n_items
    if model in BASELINES:
        return BASELINES[model](*sizes, OPTIONS[model] | setting, rng).fit(train), 0
    if model == "bpr":
        trainer = bpr_mf(split, rng, **setting)
    else:
        factors = setting["factors"]
        widths = tower(factors, setting.get("hidden_layers", 0)).split("-")
        shape = {"factors": factors, "layers": tuple(map(int, widths))}
        network = NEURAL[model](*sizes, shape, rng)
        optimizer, negatives = RowAdam(setting["lr"]), setting["negatives"]
        trainer = Trainer(network, split, rng, optimizer=optimizer, negatives=negatives)
    trainer.run(EPOCHS.get(model, 20), PATIENCE)
    return trainer.model, trainer.best_epoch


@functools.lru_cache(maxsize=1)
def load(folder, seed):
    """The files in a folder, with random validation items; "sample" is the synthetic data."""
    if str(folder) == "sample":  # one split for all seeds: every model ranks the same test items
        return leave_one_out(sample_lastfm()[0], np.random.default_rng(0))
    return load_ncf_files(folder, np.random.default_rng(seed), validation="random")


def run(folder, model, part, setting, seed):
    """One run: -> its row of runs.csv, its ranks (None for a search)."""
    split = load(folder, seed)
    everything = split.train_and_validation()
    train = split.train if part == "search" else everything
    with blas_threads(1):
        start = time.process_time()
        trained, epoch = fit(model, setting, split, train, seed)
        row = {"epoch": epoch, "cpu_seconds": round(time.process_time() - start, 1)}
        if part == "search":
            found = {"validation": evaluate(trained, split.validation)}
        else:
            found = {
                "sampled": evaluate(trained, split.test),
                "full": evaluate_catalogue(trained, split.test, everything),
            }
    for name, each in found.items():
        row |= {f"{name}_hr": round(each.hr, 5), f"{name}_ndcg": round(each.ndcg, 5)}
    if part == "search":
        return row, None
    row["peak_mb"] = peak_megabytes()
    ranks = {f"{name}_ranks": each.ranks for name, each in found.items()}
    return row, {"users": split.test.users, "items": split.test.items, **ranks}


def peak_megabytes():
    """The largest memory this process has had so far, as Linux counts it; NaN elsewhere.

    (`ru_maxrss` begins with the memory of the process that started this one.)
    """
    status = Path("/proc/self/status")
    if not status.is_file():
        return math.nan
    (line,) = (x for x in status.read_text(encoding="ascii").splitlines() if "VmHWM" in x)
    return round(int(line.split()[1]) / 2**10)


class Table:
    """The CSV files of results, and the folder of ranks."""

    def __init__(self, results, ranks):
        self.results, self.ranks = results, ranks

    def read(self, name):
        """The rows of a CSV; empty if there is none."""
        path = self.results / f"{name}.csv"
        if not path.is_file():
            return pd.DataFrame(columns=RUN)
        return pd.read_csv(path, dtype={"setting": str}).fillna({"setting": ""})

    def finish(self, folder, model, part, settings, seed):
        """Run what is not in runs.csv yet, in one new process; returns whether anything was."""
        runs = self.read("runs")
        done = set(runs[RUN].itertuples(index=False, name=None))
        keys = [(folder.name, model, part, name_of(setting), seed) for setting in settings]
        waiting = [(key, each) for key, each in zip(keys, settings) if key not in done]
        if not waiting:
            return False
        fresh = multiprocessing.get_context("spawn")  # its memory is its own
        with ProcessPoolExecutor(1, mp_context=fresh) as process:
            for key, setting in waiting:
                print(*key, flush=True)
                row, ranks = process.submit(run, folder, model, part, setting, seed).result()
                if ranks is not None:
                    self.ranks.mkdir(parents=True, exist_ok=True)
                    np.savez(self.file_of_ranks(folder.name, model, seed), **ranks)
                self.append(dict(zip(RUN, key)) | row)
        return True

    def append(self, row):
        columns = [*RUN, "epoch", "validation_hr", "validation_ndcg"]
        columns += [f"{ranking}_{name}" for ranking in RANKINGS for name in ("hr", "ndcg")]
        columns += ["cpu_seconds", "peak_mb"]
        self.results.mkdir(parents=True, exist_ok=True)
        path = self.results / "runs.csv"
        line = pd.DataFrame([row], columns=columns)
        line.to_csv(path, mode="a", header=not path.is_file(), index=False, encoding="utf-8")

    def best_setting(self, data, model):
        """The setting with the highest HR@10, then NDCG@10, on validation."""
        runs = self.read("runs")
        tried = runs[(runs["data"] == data) & (runs["model"] == model) & (runs["part"] == "search")]
        scores = tried.set_index("setting")[["validation_hr", "validation_ndcg"]]
        return max(draw(model, data), key=lambda each: tuple(scores.loc[name_of(each)]))

    def file_of_ranks(self, data, model, seed):
        return self.ranks / f"{data}_{model}_{seed}.npz"

    def evaluations(self, data, ranking):
        """{model: Evaluation} of all whose ranks are here; a user has one list for each seed."""
        found = {}
        for model in MODELS:
            files = [self.file_of_ranks(data, model, seed) for seed in seeds_of(model)]
            if all(file.is_file() for file in files):
                found[model] = over_seeds([read_arrays(file) for file in files], ranking)
        return found

    def summarise(self, data):
        """Write the rows of one data set in figures.csv and differences.csv again."""
        figures, differences = [], []
        for ranking in RANKINGS:
            found = self.evaluations(data, ranking)
            for measure in MEASURES:
                place = {"data": data, "ranking": ranking, "measure": measure}
                for model, each in found.items():
                    low, high = confidence_interval(each, measure)
                    figure = {"figure": each.mean(measure), "low": low, "high": high}
                    figures.append({**place, "model": model, **figure})
                if len(found) > 1:
                    pairs = compare(found, measure).to_dict("records")
                    differences += [{**place, **pair} for pair in pairs]
        self.replace("figures", data, figures, ["model"])
        self.replace("differences", data, differences, ["a", "b"])

    def replace(self, name, data, rows, of):
        """Put these rows of a data set in the place of those of the same models in a CSV."""
        before = self.read(name).to_dict("records")
        models = {row[column] for row in rows for column in of}
        kept = [
            row
            for row in before
            if row["data"] != data or not models.issuperset(row[column] for column in of)
        ]
        if kept or rows:
            table = pd.DataFrame(kept + rows).round(5)
            table.to_csv(self.results / f"{name}.csv", index=False, encoding="utf-8")


def over_seeds(runs, ranking):
    """The ranks of a model's runs as one Evaluation: a user has one list for each of the seeds."""
    runs = [runs[n % len(runs)] for n in range(len(SEEDS))]  # a model that is always the same
    users, items, ranks = (
        np.concatenate([each[name] for each in runs])
        for name in ("users", "items", f"{ranking}_ranks")
    )
    holdout = SimpleNamespace(users=users, items=items)
    return Evaluation.of(ranks, holdout, np.arange(len(ranks)), 10, ranking)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders of NCF files; or sample"
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, metavar="NAME")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the CSV files")
    parser.add_argument("--ranks", type=Path, default=Path("ranks"), help="not to be published")
    arguments = parser.parse_args(argv)
    table = Table(arguments.results, arguments.ranks)
    for folder in arguments.data:
        for model in arguments.models:
            table.finish(folder, model, "search", draw(model, folder.name), SEEDS[0])
            best = [table.best_setting(folder.name, model)]
            seeds = seeds_of(model)
            if any([table.finish(folder, model, "test", best, seed) for seed in seeds]):
                table.summarise(folder.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
