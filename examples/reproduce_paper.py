"""Runs any cell of the NCF paper's tables and figures and prints the paper's figure beside ours.

    python examples/reproduce_paper.py --data FOLDER/ml-1m --table 2 --factors 8
    python examples/reproduce_paper.py --data FOLDER/ml-1m --figure 6 --plot curves.png

A cell is one training run: data, model, settings, seed. When it is finished its epochs are appended
to a CSV, and it is not run again. Each epoch is measured on validation and on test, so that the
honest choice of epoch and the authors' can both be read from the file.
"""

import argparse
import dataclasses
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import paper_report

from ncf_numpy import GMF, MLP, SGD, NeuMF, RowAdam, Trainer
from ncf_numpy.datasets import leave_one_out, load_movielens, load_ncf_files
from ncf_numpy.evaluation.baselines import ItemKNN, Popularity
from ncf_numpy.evaluation.ease import EASE
from ncf_numpy.evaluation.implicit_als import ImplicitALS
from ncf_numpy.evaluation.metrics import evaluate
from ncf_numpy.training.factorisation import bpr_mf, logistic_mf

CLOSED_FORM = {"popularity": Popularity, "itemknn": ItemKNN, "ease": EASE, "ials": ImplicitALS}
PART_LR, PART_EPOCHS = 1e-3, 20  # of the GMF and the MLP that pre-training starts from
NEURAL = ("gmf", "mlp", "neumf", "pretrained", "pretrained-sgd")
SOURCE_SETTINGS = {  # of what is not the paper's: those of its source, a fixed number of epochs
    "mf": {"factors": 192, "negatives": 8, "lr": 0.002, "batch_size": 1024, "epochs": 256},
    "bpr": {"negatives": 1, "lr": 0.1, "batch_size": 4096, "epochs": 50},
}


@dataclass(frozen=True)
class Cell:
    """One training run.

    layers: "64-32-16-8", "" for a model without tower. trained_on: "train", where a validation item
    of each user is held out, or "all", where it is not, as in the authors' code. A closed-form
    baseline carries its settings in its name, such as "itemknn-50", and has one epoch, 0.
    """

    data: str
    model: str
    factors: int
    layers: str
    negatives: int
    lr: float
    batch_size: int
    epochs: int
    trained_on: str
    seed: int

    def __str__(self):
        size = f" f={self.factors}" if self.factors else ""
        tower = f" [{self.layers}]" if self.layers else ""
        negatives = f", {self.negatives} negatives" if self.negatives else ""
        return (
            f"{self.data} {self.model}{size}{tower}{negatives}, {self.trained_on}, seed {self.seed}"
        )


class Runner:
    """Runs cells on the NCF files in `folder`, keeping weights for pre-training in `weights`."""

    def __init__(self, folder, csv, weights):
        self.folder, self.csv, self.weights = folder, csv, weights

    def finish(self, cell):
        """Run the cell unless the CSV has it."""
        if cell not in finished(self.csv):
            self.run(cell)

    def run(self, cell):
        """Train and measure the cell, append its rows; returns its model, of the best epoch."""
        print(cell, flush=True)
        rng = np.random.default_rng(cell.seed)
        split = load(self.folder, rng, validation=cell.trained_on == "train")
        if is_closed_form(cell.model):
            model, rows = measure_closed_form(cell, split)
        else:
            model, rows = measure_epochs(cell, self.trainer(cell, split, rng), split.test)
        if cell not in finished(self.csv):
            append(self.csv, cell, rows)
        return model

    def trainer(self, cell, split, rng):
        """The trainer of the cell's model, before its first epoch."""
        settings = {"batch_size": cell.batch_size, "lr": cell.lr}
        if cell.model == "mf":
            settings["negatives"] = cell.negatives
            return logistic_mf(split, rng, factors=cell.factors, **settings)
        if cell.model == "bpr":
            return bpr_mf(split, rng, factors=cell.factors, **settings)
        sizes = split.train.n_users, split.train.n_items
        widths = tuple(int(width) for width in cell.layers.split("-") if width)
        if cell.model == "gmf":
            model = GMF(*sizes, cell.factors, rng)
        elif cell.model == "mlp":
            model = MLP(*sizes, widths, rng)
        elif cell.model == "neumf":
            model = NeuMF(*sizes, cell.factors, widths, rng)
        else:
            model = NeuMF.from_pretrained(*self.parts(cell, split))
        optimizer = SGD(cell.lr) if cell.model == "pretrained-sgd" else RowAdam(cell.lr)
        settings = {"batch_size": cell.batch_size, "negatives": cell.negatives}
        return Trainer(model, split, rng, optimizer=optimizer, **settings)

    def parts(self, cell, split):
        """The trained GMF and MLP that a pre-trained NeuMF starts from."""
        common = {"lr": PART_LR, "epochs": PART_EPOCHS}
        gmf = dataclasses.replace(cell, model="gmf", layers="", **common)
        mlp = dataclasses.replace(cell, model="mlp", **common)
        return [self.trained(part, split) for part in (gmf, mlp)]

    def trained(self, cell, split):
        """The cell's model with the weights of its best epoch, from a file if there is one."""
        name = "_".join(str(value) for value in dataclasses.astuple(cell))
        path = self.weights / f"{name}.npz"
        if path.is_file():
            model = self.trainer(cell, split, np.random.default_rng(cell.seed)).model
            with np.load(path, allow_pickle=False) as saved:
                for parameter, W, _ in model.parameters():
                    W[:] = saved[parameter]
            return model
        model = self.run(cell)
        self.weights.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{parameter: W for parameter, W, _ in model.parameters()})
        return model


def load(folder, rng, validation):
    """The published files of the NCF paper, or a split of the MovieLens download by time.

    Of the published files the validation item is a random one, whether they have times or not.
    """
    if (folder / "ratings.dat").is_file():
        return leave_one_out(load_movielens(folder), rng, validation=validation)
    return load_ncf_files(folder, rng, validation=validation and "random")


def is_closed_form(model):
    return model.split("-")[0] in CLOSED_FORM


def measure_epochs(cell, trainer, test):
    """Train for cell.epochs: -> the model with its best weights, a dict per epoch.

    The best epoch is validation's; without validation items it is test's, as in the authors' code.
    A pre-trained model is also measured before its first epoch.
    """
    rows, best = [], (-math.inf, -math.inf)
    starts_good = cell.model.startswith("pretrained")
    for epoch in range(0 if starts_good else 1, cell.epochs + 1):
        row = trainer.run_epoch() if epoch else {"loss": math.nan, **trainer.validate()}
        on_test = evaluate(trainer.model, test)
        rows.append(
            {
                "epoch": epoch,
                "loss": round(row["loss"], 5),
                "validation_hr": round(row["hr"], 5),
                "validation_ndcg": round(row["ndcg"], 5),
                "test_hr": round(on_test.hr, 5),
                "test_ndcg": round(on_test.ndcg, 5),
                "train_seconds": round(row.get("train_seconds", 0), 2),
            }
        )
        print(" ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
        by = (on_test.hr, on_test.ndcg) if trainer.validation is None else (row["hr"], row["ndcg"])
        if by > best:
            best, best_weights = by, trainer.copy_weights()
    for (_, W, _), weights in zip(trainer.model.parameters(), best_weights):
        W[:] = weights
    return trainer.model, rows


def measure_closed_form(cell, split):
    """Fit a baseline that has no epochs: -> the model, one row of epoch 0."""
    name, *settings = cell.model.split("-")
    numbers = [float(text) if "." in text else int(text) for text in settings]
    how = {"rng": np.random.default_rng(cell.seed)} if name == "ials" else {}
    start = time.perf_counter()
    model = CLOSED_FORM[name](*numbers, **how).fit(split.train)
    seconds = time.perf_counter() - start
    row = {"epoch": 0, "loss": math.nan}
    for part in ("validation", "test"):
        holdout = getattr(split, part)
        result = None if holdout is None else evaluate(model, holdout)
        row[f"{part}_hr"] = math.nan if result is None else round(result.hr, 5)
        row[f"{part}_ndcg"] = math.nan if result is None else round(result.ndcg, 5)
    return model, [{**row, "train_seconds": round(seconds, 2)}]


def finished(path):
    """The set of cells in the CSV."""
    names = [field.name for field in dataclasses.fields(Cell)]
    rows = paper_report.read(path, names)[names].drop_duplicates()
    return {Cell(*row) for row in rows.itertuples(index=False)}


def append(path, cell, rows):
    """Add a finished cell to the CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame([{**dataclasses.asdict(cell), **row} for row in rows])
    table.to_csv(path, mode="a", header=not path.is_file(), index=False, encoding="utf-8")


def tower(factors, depth=3):
    """The widths, halving, of a tower of `depth` hidden layers that ends at `factors`."""
    return "-".join(str(factors * 2**n) for n in range(depth, -1, -1))


def cells_of(arguments):
    """The cells that the arguments ask for, seed by seed."""
    a = arguments
    towers, negatives, models, factors = [a.layers], [a.negatives], a.models, a.factors
    if a.table == 2:
        models, factors = models or ["neumf", "pretrained"], factors or [8, 16, 32, 64]
    elif a.table in (3, 4):
        models, factors = ["mlp"], factors or [8, 16, 32, 64]
    elif a.figure == 4:
        models, factors = models or ["gmf", "mlp", "neumf", "bpr"], factors or [8, 16, 32, 64]
    elif a.figure == 7:
        factors, negatives = factors or [16], range(1, 11)
    cells = []
    if a.figure == 6 and not (models or factors):  # the paper's NeuMF is ours with 16 factors
        cells = [cell for s in a.seeds for cell in variants(a, "neumf", 16, tower(16), 4, s)]
    for seed in a.seeds:
        for f in factors or [8]:
            towers = [tower(f, depth) for depth in range(5)] if a.table in (3, 4) else [a.layers]
            for n in negatives:
                for layers in towers:
                    for model in models or ["gmf", "mlp", "neumf"]:
                        cells += variants(a, model, f, layers or tower(f), n, seed)
    return list(dict.fromkeys(cells))


def variants(arguments, model, factors, layers, negatives, seed):
    """One cell for each training set that the choice of epoch asks for."""
    a = arguments
    cell = Cell(
        data=a.data.name,
        model=model,
        factors=factors,
        layers="" if model == "gmf" else layers,
        negatives=negatives,
        lr=a.lr,
        batch_size=a.batch_size,
        epochs=a.epochs,
        trained_on="all",
        seed=seed,
    )
    if is_closed_form(model):
        nothing = {"factors": 0, "negatives": 0, "lr": 0.0, "batch_size": 0, "epochs": 0, "seed": 0}
        if model.startswith("ials"):  # its vectors start at random
            nothing["seed"] = seed
        return [dataclasses.replace(cell, layers="", **nothing)]
    if model in SOURCE_SETTINGS:
        return [dataclasses.replace(cell, layers="", **SOURCE_SETTINGS[model])]
    needs = {"validation": ["train"], "refit": ["train", "all"], "test": ["all"]}[a.choose]
    return [dataclasses.replace(cell, trained_on=part) for part in needs]


def build_parser():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="models: " + ", ".join([*NEURAL, *SOURCE_SETTINGS, *CLOSED_FORM]) + "; closed forms "
        "take their settings along: itemknn-50 or itemknn-400-10 (neighbours, shrink), ease-1320, "
        "ials-192-.007-.3-12 (factors, regularisation, weight, epochs)",
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="NCF files, or the unpacked ml-1m.zip"
    )
    parser.add_argument("--table", type=int, choices=[2, 3, 4], help="2: NeuMF; 3, 4: MLP's depth")
    parser.add_argument(
        "--figure", type=int, choices=[4, 6, 7], help="4: factors; 6: epochs; 7: negatives"
    )
    parser.add_argument("--models", nargs="+", metavar="NAME", help="default: those of the table")
    parser.add_argument("--factors", type=int, nargs="+", help="default: those of the table")
    parser.add_argument("--layers", help="such as 64-32-16-8, the default for 8 factors")
    parser.add_argument("--negatives", type=int, default=4)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--choose",
        choices=["validation", "refit", "test"],
        default="validation",
        help="the epoch: validation's best, of a model that never trains on the validation items; "
        "refit: the same epoch of a model trained on them as well; test: the authors' way, "
        "trained on everything and the best epoch on test",
    )
    parser.add_argument("--csv", type=Path, default=paper_report.EPOCHS, help="finished cells")
    parser.add_argument("--weights", type=Path, default=Path("weights"), help="for pre-training")
    parser.add_argument("--report", action="store_true", help="run nothing, print what is there")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the figure (needs matplotlib)")
    return parser


def main(argv=None):
    arguments = build_parser().parse_args(argv)
    cells = cells_of(arguments)
    runner = Runner(arguments.data, arguments.csv, arguments.weights)
    for cell in [] if arguments.report else cells:
        runner.finish(cell)
    done = finished(arguments.csv)
    wanted = pd.DataFrame([dataclasses.asdict(cell) for cell in cells if cell in done])
    missing = [cell for cell in cells if cell not in done]
    if missing:
        print(f"{len(missing)} of {len(cells)} cells have not been run, such as: {missing[0]}")
    if len(wanted):
        table = paper_report.read(arguments.csv).merge(wanted)
        paper_report.show(table, arguments.choose)
        if arguments.plot:
            paper_report.plot(table, arguments.choose, arguments.figure or 6, arguments.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
