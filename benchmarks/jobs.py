"""Seconds for whole jobs: the first ten of all users, and fitting item-kNN and implicit ALS.

    pip install -e '.[bench]' && pip install implicit cornac
    python benchmarks/jobs.py FOLDER/ml-1m                 # a folder of NCF files, for the fits

*top 10* lists the ten best items for each of 20,000 users among 20,000 items, without the 50 that
a user has. The weights are random, since what they are makes no difference to the time: MF with 32
factors, and NeuMF with 8 factors and layers 64, 32, 16, 8. Implementations take turns; medians are
reported. The peak is this process's after the first run of ours, before other libraries are loaded.
A library that is not installed is left out.
"""

import statistics
import subprocess
import sys
from pathlib import Path

import machine
import numpy as np
from scale import peak_gigabytes

from ncf_numpy import MF, ImplicitALS, ItemKNN, NeuMF
from ncf_numpy.datasets import load_ncf_files
from ncf_numpy.evaluation.top_k import top_k

K, HAS = 10, 50


def draw(model, rng):
    """The model, with weights large enough to tell items apart."""
    for _, W, _ in model.parameters():
        W[:] = rng.normal(0, 0.3, W.shape)
    return model


def top_10_mf(arguments):
    """{implementation: function} for MF, whose scores are one matrix product."""
    n_users, n_items, rng = arguments.users, arguments.items, np.random.default_rng(0)
    model, has = draw(MF(n_users, n_items, 32, rng), rng), rng.integers(0, n_items, (n_users, HAS))
    users = np.arange(n_users)
    yield "ours", lambda: top_k(model, users, K, n_items, excluded=has)

    def of_implicit():
        from implicit.cpu.als import AlternatingLeastSquares
        from scipy.sparse import csr_matrix

        als = AlternatingLeastSquares(factors=32, num_threads=arguments.threads)
        als.user_factors = model.user_embedding.W[:, :32].copy()
        als.item_factors = model.item_embedding.W[:, :32].copy()
        rows = np.repeat(users, HAS), has.ravel()
        seen = csr_matrix((np.ones(has.size, np.float32), rows), (n_users, n_items))
        return lambda: als.recommend(users, seen, N=K, filter_already_liked_items=True)

    def of_pytorch():
        import torch

        torch.set_num_threads(arguments.threads)
        p, q = (torch.from_numpy(W.W) for W in (model.user_embedding, model.item_embedding))
        seen = torch.from_numpy(has)

        def run():
            for block in torch.arange(n_users).split(256):
                scores = p[block] @ q.T
                scores.scatter_(1, seen[block], -torch.inf)
                scores.topk(K)

        return run

    yield "implicit", of_implicit
    yield "pytorch", of_pytorch


def top_10_neumf(arguments):
    """{implementation: function} for a tower, which PyTorch runs user by user or some at a time."""
    n_users, n_items, rng = arguments.users, arguments.items, np.random.default_rng(0)
    model = draw(NeuMF(n_users, n_items, 8, (64, 32, 16, 8), rng), rng)
    has = rng.integers(0, n_items, (n_users, HAS))
    yield "ours", lambda: top_k(model, np.arange(n_users), K, n_items, excluded=has)

    def of_pytorch(users_at_a_time):
        import torch
        from pytorch_neumf import PyTorchNeuMF

        torch.set_num_threads(arguments.threads)
        theirs, seen = PyTorchNeuMF(n_users, n_items, 8), torch.from_numpy(has)

        def run():
            with torch.no_grad():
                for block in torch.arange(n_users).split(users_at_a_time):
                    users = block.repeat_interleave(n_items)
                    items = torch.arange(n_items).repeat(len(block))
                    scores = theirs(users, items).reshape(len(block), n_items)
                    scores.scatter_(1, seen[block], -torch.inf)
                    scores.topk(K)

        return run

    yield "pytorch, user by user", lambda: of_pytorch(1)
    yield "pytorch, 8 users at a time", lambda: of_pytorch(8)


def fit_item_knn(arguments):
    """{implementation: function} for item-kNN by cosine with 50 neighbours."""
    train = load_ncf_files(arguments.folder, np.random.default_rng(0), validation=False).train
    yield "ours", lambda: ItemKNN(neighbours=50).fit(train)

    def of_implicit():
        from implicit.nearest_neighbours import CosineRecommender

        pairs = matrix(train)
        theirs = CosineRecommender(K=50, num_threads=arguments.threads)
        return lambda: theirs.fit(pairs, show_progress=False)

    def of_cornac():
        from cornac.data import Dataset
        from cornac.models import ItemKNN as Theirs

        ones = np.ones(len(train))
        data = Dataset.from_uir(list(zip(train.users.tolist(), train.items.tolist(), ones)), seed=0)
        options = {"k": 50, "num_threads": arguments.threads, "verbose": False}
        return lambda: Theirs(similarity="cosine", **options).fit(data)

    yield "implicit", of_implicit
    yield "cornac", of_cornac


def fit_ials(arguments):
    """{implementation: function} for implicit ALS with 64 factors, 12 epochs."""
    train = load_ncf_files(arguments.folder, np.random.default_rng(0), validation=False).train
    yield "ours", lambda: ImplicitALS(factors=64, epochs=12).fit(train)

    def of_implicit(solver):
        from implicit.cpu.als import AlternatingLeastSquares

        pairs, options = matrix(train), {"factors": 64, "iterations": 12, "random_state": 0}
        options |= {"use_cg": solver == "CG", "num_threads": arguments.threads}
        return lambda: AlternatingLeastSquares(**options).fit(pairs, show_progress=False)

    yield "implicit, exact", lambda: of_implicit("exact")
    yield "implicit, three steps of CG", lambda: of_implicit("CG")


def matrix(train):
    """The pairs as a scipy matrix, users x items."""
    from scipy.sparse import csr_matrix

    ones = np.ones(len(train), np.float32)
    return csr_matrix((ones, (train.users, train.items)), (train.n_users, train.n_items))


JOBS = {
    "top 10, MF": top_10_mf,
    "top 10, NeuMF-8": top_10_neumf,
    "fit item-kNN": fit_item_knn,
    "fit iALS-64": fit_ials,
}


def measure(job, arguments):
    """{implementation: median seconds} of those installed, who take turns; and our peak in GB."""
    (ours, run), *others = job(arguments)
    run()
    implementations, peak = {ours: run}, peak_gigabytes()
    for name, prepare in others:
        try:
            implementations[name] = prepare()
        except ImportError as error:
            print(f"left out: {name} ({error})", file=sys.stderr)
    clock, times = machine.CLOCKS[arguments.clock], {name: [] for name in implementations}
    for _ in range(arguments.repeats):
        for name, implementation in implementations.items():
            start = clock()
            implementation()
            times[name].append(clock() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}, peak


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("folder", type=Path, help="a data set of NCF files, for the fits")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=machine.CLOCKS, default="wall")
    parser.add_argument("--append", action="store_true", help="keep the rows of earlier runs")
    arguments = parser.parse_args()
    if len(arguments.jobs) > 1:  # a process each: a peak is of one job
        for number, name in enumerate(arguments.jobs):
            append = ["--append"] if number or arguments.append else []
            subprocess.run([sys.executable, *sys.argv, "--jobs", name, *append], check=True)
        return
    machine.limit_threads(arguments.threads)
    about = machine.describe("implicit", "torch", "cornac", "scipy")
    print(about)
    results = machine.Results(arguments.results, "jobs", about, anew=not arguments.append)
    (name,) = arguments.jobs
    seconds, peak = measure(JOBS[name], arguments)
    for implementation, value in seconds.items():
        row = {"clock": arguments.clock, "threads": arguments.threads, "job": name}
        row["users"] = arguments.users if name.startswith("top 10") else ""
        row |= {
            "implementation": implementation,
            "seconds": value,
            "ours / theirs": seconds["ours"] / value,
        }
        results.add(row | {"peak GB": peak if implementation == "ours" else np.nan})


if __name__ == "__main__":
    main()
