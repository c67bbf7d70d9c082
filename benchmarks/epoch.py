"""Seconds for one epoch, sampling + training + evaluation: ours, a PyTorch loop, cornac's NeuMF.

    pip install -e '.[bench]' && pip install cornac
    python benchmarks/epoch.py FOLDER ...                  # folders of NCF files

All train NeuMF with f factors and layers 8f, 4f, 2f, f in float32 by Adam with lr 1e-3 on the same
positives, each with 4 negatives drawn again and not in train. All rank each user's test
item among the published 99. In every repeat each starts from a new model; medians are
reported, and HR@10 after the one epoch, to show that all of them learn. --clock cpu counts the
processor time of the process: what an epoch costs where other processes want the same cores.

`batch` is rows a step. cornac counts positives instead, so its batch_size is batch // 5: its own
default of 256 is a batch of 1,280. It can score one pair or all items of a user; the second is
faster and is used.
"""

import importlib
import itertools
import statistics
import time
from pathlib import Path

import machine
import numpy as np

from ncf_numpy import NeuMF, Trainer
from ncf_numpy.datasets import load_ncf_files
from ncf_numpy.evaluation.metrics import evaluate

NEGATIVES, BLOCK = 4, 2**12
PARTS = ("sampling", "training", "evaluation")


class Lap:
    """lap() -> seconds since the lap before, by the clock that was chosen."""

    clock = time.perf_counter

    def __init__(self):
        self.last = Lap.clock()

    def __call__(self):
        now, before = Lap.clock(), self.last
        self.last = now
        return now - before


def layers(factors):
    return (8 * factors, 4 * factors, 2 * factors, factors)


def ours(split, factors, batch_size):
    """An epoch of this package: {part: seconds} and HR@10."""
    rng, train = np.random.default_rng(0), split.train
    model = NeuMF(train.n_users, train.n_items, factors, layers(factors), rng)
    trainer = Trainer(model, split, rng, batch_size=batch_size, negatives=NEGATIVES)
    lap = Lap()
    for _ in trainer.objective.batches(rng):
        pass
    sampling = lap()
    trainer.train_epoch()
    training = lap() - sampling  # an epoch draws its own negatives between its steps
    hr = evaluate(model, split.test).hr
    return {"sampling": sampling, "training": training, "evaluation": lap(), "HR@10": hr}


def pytorch(split, factors, batch_size):
    """The same by a plain PyTorch loop: vectorised sampling, fused Adam."""
    import torch
    from pytorch_neumf import PyTorchNeuMF

    torch.manual_seed(0)
    train = split.train
    model = PyTorchNeuMF(train.n_users, train.n_items, factors)
    optimizer, loss = torch.optim.Adam(model.parameters(), fused=True), torch.nn.BCEWithLogitsLoss()
    positives = torch.from_numpy(train.users), torch.from_numpy(train.items)
    is_positive = torch.zeros(train.n_users, train.n_items, dtype=torch.bool)
    is_positive[positives] = True

    lap = Lap()
    drawn_for = positives[0].repeat(NEGATIVES)
    drawn = torch.randint(train.n_items, drawn_for.shape)
    while (again := is_positive[drawn_for, drawn]).any():
        drawn[again] = torch.randint(train.n_items, (int(again.sum()),))
    order = torch.randperm((1 + NEGATIVES) * len(train))
    users = torch.cat([positives[0], drawn_for])[order]
    items = torch.cat([positives[1], drawn])[order]
    labels = (order < len(train)).float()
    seconds = {"sampling": lap()}
    for start in range(0, len(labels), batch_size):
        batch = slice(start, start + batch_size)
        optimizer.zero_grad()
        loss(model(users[batch], items[batch]), labels[batch]).backward()
        optimizer.step()
    seconds["training"] = lap()

    items = torch.from_numpy(np.column_stack([split.test.items, split.test.candidates]))
    users = torch.from_numpy(split.test.users)[:, None].expand_as(items)
    with torch.no_grad():
        blocks = zip(users.reshape(-1).split(BLOCK), items.reshape(-1).split(BLOCK))
        scores = torch.cat([model(*block) for block in blocks]).reshape(items.shape)
    hr = hit_ratio(scores.numpy(), items.numpy())
    return seconds | {"evaluation": lap(), "HR@10": hr}


def cornac(split, factors, batch_size):
    """The same by cornac with its PyTorch backend."""
    from cornac.data import Dataset
    from cornac.models import NeuMF as CornacNeuMF

    train, test = split.train, split.test
    ones = np.ones(len(train))
    data = Dataset.from_uir(list(zip(train.users.tolist(), train.items.tolist(), ones)), seed=0)
    data.dok_matrix  # noqa: B018  (cached at first use: part of loading, not of an epoch)
    model = CornacNeuMF(
        num_factors=factors,
        layers=layers(factors),
        num_epochs=1,
        batch_size=batch_size // (1 + NEGATIVES),
        num_neg=NEGATIVES,
        backend="pytorch",
        verbose=False,
        seed=0,
    )
    lap = Lap()
    for _ in data.uir_iter(model.batch_size, shuffle=True, binary=True, num_zeros=NEGATIVES):
        pass
    sampling = lap()
    model.fit(data)
    training = lap() - sampling

    items = np.column_stack([test.items, test.candidates])
    # cornac numbers the items of train; for one without a row there any column will do.
    column = np.zeros(train.n_items, np.intp)
    column[list(data.iid_map)] = list(data.iid_map.values())
    scores = [model.score(data.uid_map[u])[column[row]] for u, row in zip(test.users, items)]
    hr = hit_ratio(np.array(scores), items)
    return {"sampling": sampling, "training": training, "evaluation": lap(), "HR@10": hr}


def hit_ratio(scores, items, k=10):
    """scores, items (E, 1 + C), the positive first -> HR@k; the positive does not rank itself."""
    above = (scores[:, 1:] >= scores[:, :1]) & (items[:, 1:] != items[:, :1])
    return float((above.sum(axis=1) < k).mean())


IMPLEMENTATIONS = {  # what to run, and what it needs
    "ours": (ours, ()),
    "pytorch": (pytorch, ("torch",)),
    "cornac": (cornac, ("torch", "cornac")),
}


def installed(names):
    """{name: function} of the implementations whose libraries are there; says which are not."""
    found = {}
    for name in names:
        run, libraries = IMPLEMENTATIONS[name]
        try:
            for library in libraries:
                importlib.import_module(library)
            found[name] = run
        except ImportError as error:
            print(f"left out: {name} ({error})")
    return found


def measure(split, factors, batch_size, implementations, repeats):
    """{implementation: {part: median seconds, "HR@10": median}}, taking turns."""
    runs = {name: [] for name in implementations}
    for _ in range(repeats):
        for name, run in implementations.items():
            runs[name].append(run(split, factors, batch_size))
    return {
        name: {part: statistics.median(run[part] for run in done) for part in done[0]}
        for name, done in runs.items()
    }


def rows(split, factors, batch_size, implementations, repeats):
    """A dict for each implementation: its parts, their sum, and that sum as a multiple of ours."""
    measured = measure(split, factors, batch_size, implementations, repeats)
    epochs = {name: sum(parts[part] for part in PARTS) for name, parts in measured.items()}
    for name, parts in measured.items():
        row = {
            "factors": factors,
            "batch": batch_size,
            "implementation": name,
            **parts,
            "epoch": epochs[name],
        }
        row["pairs"] = len(split.test) * (1 + split.test.candidates.shape[1])
        if "ours" in epochs:
            row["epoch / ours"] = epochs[name] / epochs["ours"]
        yield row


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="each with one data set of NCF files")
    parser.add_argument(
        "--implementations", nargs="+", choices=IMPLEMENTATIONS, default=list(IMPLEMENTATIONS)
    )
    parser.add_argument("--batches", type=int, nargs="+", default=[256, 1280], help="rows a step")
    parser.add_argument("--factors", type=int, nargs="+", default=[8])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clock", choices=machine.CLOCKS, default="wall")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--append", action="store_true", help="keep the rows of earlier runs")
    arguments = parser.parse_args()
    machine.limit_threads(arguments.threads)
    Lap.clock = machine.CLOCKS[arguments.clock]
    about = machine.describe("torch", "cornac")
    print(about)
    implementations = installed(arguments.implementations)
    results = machine.Results(arguments.results, "epoch", about, anew=not arguments.append)
    for folder in arguments.folders:
        split = load_ncf_files(folder, np.random.default_rng(0), validation=False)
        where = {"clock": arguments.clock, "threads": arguments.threads}
        where["data"] = folder.resolve().name
        for factors, batch_size in itertools.product(arguments.factors, arguments.batches):
            for row in rows(split, factors, batch_size, implementations, arguments.repeats):
                results.add(where | row)


if __name__ == "__main__":
    main()
