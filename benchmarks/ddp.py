"""One training step in NumPy, in PyTorch, and by two PyTorch processes that share the batch.

    python benchmarks/ddp.py                # tables as large as MovieLens-1M's and Last.fm 360K's

NeuMF with 8 factors and layers 64, 32, 16, 8. Dense: gradients of whole tables, Adam. Sparse: of
the rows a batch has read, lazy Adam. NumPy's is RowAdam: dense Adam's numbers. One thread each.

The implementations take turns in short rounds; while one process works alone the other sleeps in a
barrier. `ms` is the time of a step in the fastest round: whatever else runs on the machine only
adds. `cpu ms` is process 0's processor time for it, the median of the rounds: waiting is not in it,
so on a busy machine it says what a quiet one could reach at best.
"""

import sys
import time
from pathlib import Path

import machine
import numpy as np

from ncf_numpy import BinaryCrossEntropyWithLogits, NeuMF, RowAdam, train_step
from ncf_numpy.to_torch.export import to_torch

try:
    import torch
    import torch.distributed as dist
except ImportError:
    torch = None
sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
from scale_out_ddp import distribute, make_optimizers, start_processes, take_step  # noqa: E402

SIZES = ["6040x3706", "275000x160000"]
IMPLEMENTATIONS = ("numpy", "torch dense", "torch sparse", "two dense", "two sparse")


def implementation(name, n_users, n_items):
    """A function of a batch that takes one step."""
    model = NeuMF(n_users, n_items, 8, (64, 32, 16, 8), np.random.default_rng(0))
    if name == "numpy":
        loss, optimizer = BinaryCrossEntropyWithLogits(), RowAdam()
        return lambda *batch: train_step(model, loss, optimizer, *batch)
    module, sparse = to_torch(model), "sparse" in name
    if name.startswith("two"):
        together, optimizers = distribute(module, 1e-3, sparse)
        return lambda *batch: take_step(together, optimizers, *batch)
    optimizers = make_optimizers(module, 1e-3, sparse)
    return lambda *batch: step_alone(module, optimizers, *batch)


def step_alone(module, optimizers, users, items, labels):
    """The step of one process, as one writes it in PyTorch."""
    users, items, labels = map(torch.from_numpy, (users, items, labels))
    logits = module(users, items)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
    return loss.item()


def measure(rank, n_users, n_items, batch, rounds, seconds):
    """{implementation: (ms, cpu ms) of a step}, by the clocks of process 0."""
    rng = np.random.default_rng(0)
    mine = [name for name in IMPLEMENTATIONS if rank == 0 or name.startswith("two")]
    steps = {name: implementation(name, n_users, n_items) for name in mine}
    times = {name: [] for name in IMPLEMENTATIONS}
    n_steps = dict.fromkeys(IMPLEMENTATIONS, 2)
    for number in range(-2, rounds):  # two rounds to warm up and to see how many steps fill a round
        for name in IMPLEMENTATIONS:
            batches = [draw(n_users, n_items, batch, rng) for _ in range(n_steps[name])]
            dist.barrier()
            start = time.perf_counter(), time.process_time()
            for each in batches if name in steps else ():
                steps[name](*each)
            now = time.perf_counter(), time.process_time()
            taken = torch.from_numpy(np.subtract(now, start) / len(batches))  # (2,)
            dist.broadcast(taken, 0)
            if number == -1:
                n_steps[name] = max(1, min(200, round(seconds / taken[1].item())))
            if number >= 0:
                times[name].append(1e3 * taken.numpy())
    each = {name: np.array(values) for name, values in times.items()}  # (rounds, 2)
    return {name: (v[:, 0].min(), np.median(v[:, 1])) for name, v in each.items()}


def draw(n_users, n_items, batch, rng):
    labels = (np.arange(batch) % 5 == 0).astype(np.float32)
    return rng.integers(0, n_users, batch), rng.integers(0, n_items, batch), labels


def megabytes(name, n_users, n_items, batch):
    """What a process's gradient weighs as it goes to the other: whole, or the rows it has read."""
    if not name.startswith("two"):
        return 0.0
    model = NeuMF(1, 1, 8, (64, 32, 16, 8), np.random.default_rng(0))
    row = model.user_embedding.W.nbytes
    others = sum(W.nbytes for _, W, _ in model.parameters()) - 2 * row
    if name == "two dense":
        return ((n_users + n_items) * row + others) / 1e6
    users, items, _ = draw(n_users, n_items, batch // 2, np.random.default_rng(0))
    n_rows = len(np.unique(users)) + len(np.unique(items))
    return (n_rows * (row + 8) + others) / 1e6  # 8: the row's number


def work(rank, meeting, n, arguments, about):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=n)
    torch.set_num_threads(1)
    results = machine.Results(arguments.results, "ddp", about) if rank == 0 else None
    for size in arguments.sizes:
        for batch in arguments.batches:
            sizes = dict(zip(("users", "items", "batch"), (*map(int, size.split("x")), batch)))
            found = measure(rank, *sizes.values(), arguments.rounds, arguments.seconds)
            for name, (ms, cpu) in found.items() if rank == 0 else ():
                weight = megabytes(name, *sizes.values())
                numbers = {"implementation": name, "ms": ms, "cpu ms": cpu, "MB exchanged": weight}
                results.add({**sizes, **numbers})
    dist.destroy_process_group()


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="USERSxITEMS")
    parser.add_argument("--batches", type=int, nargs="+", default=[1024, 16384])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.1, help="of a implementation in a round")
    arguments = parser.parse_args()
    if torch is None:
        parser.exit(1, "this needs PyTorch: pip install -e '.[torch]'\n")
    machine.limit_threads(1)
    about = machine.describe("torch")
    print(about)
    start_processes(work, 2, arguments, about)


if __name__ == "__main__":
    main()
