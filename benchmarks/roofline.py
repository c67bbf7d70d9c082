"""Where a step's time goes, against what its matrix products and memory traffic must cost.

    python benchmarks/roofline.py

Each part of a step is timed. What it must cost is counted: 2 n m k floating-point operations for a
matrix product (n, m) @ (m, k), and the bytes of table rows and optimizer state it reads and writes.
The machine's own speed is measured too: the very matrix products of the step, bare and without
anything around them, and the copying of an array that does not fit in cache. NumPy does one thing
after the other, so the bound of a part is the sum of the two, not their maximum.
"""

import itertools
import statistics
import time

import machine
import numpy as np
from train_step import N_ITEMS, N_USERS, make_batches

from ncf_numpy import BinaryCrossEntropyWithLogits, NeuMF, RowAdam

PARTS = ("catch_up", "forward", "loss", "backward", "step")
FLOAT = 4  # bytes


def time_parts(model, batches, n_steps):
    """{part: median seconds} over n_steps training steps."""
    loss, optimizer = BinaryCrossEntropyWithLogits(), RowAdam()
    times = {part: [] for part in PARTS}
    for users, items, labels in itertools.islice(itertools.cycle(batches), n_steps):
        clock = [time.perf_counter()]
        optimizer.catch_up(model.lookups(users, items))
        clock.append(time.perf_counter())
        logits = model.forward(users, items)
        clock.append(time.perf_counter())
        loss.forward(logits, labels)
        dlogits = loss.backward()
        clock.append(time.perf_counter())
        model.backward(dlogits)
        clock.append(time.perf_counter())
        optimizer.step(model.parameters())
        clock.append(time.perf_counter())
        for part, (start, end) in zip(PARTS, itertools.pairwise(clock)):
            times[part].append(end - start)
    return {part: statistics.median(values) for part, values in times.items()}


def shapes(model, B):
    """[(n, m, k), ...] of the matrix products of forward, and of backward."""
    sizes = [dense.W.shape for dense in (*(dense for dense, _ in model.tower), model.output)]
    forward = [(B, n_in, n_out) for n_in, n_out in sizes]
    backward = [(n_in, B, n_out) for n_in, n_out in sizes]  # dW = x^T dy
    backward += [(B, n_out, n_in) for n_in, n_out in sizes]  # dx = dy W^T
    return {"forward": forward, "backward": backward}


def flops(products):
    return sum(2 * n * m * k for n, m, k in products)


def traffic(model, B, n_distinct):
    """{part: bytes} of table rows and of optimizer state; activations stay in cache."""
    K = model.user_embedding.W.shape[1]
    n_weights = sum(W.size for name, W, _ in model.parameters() if "embedding" not in name)
    read, distinct = 2 * B * FLOAT * K, n_distinct * FLOAT * K  # bytes of table rows
    return {
        "catch_up": 6 * distinct,  # W read and written; m, v read, and written down for the step
        "forward": 2 * read,  # W read, its rows written
        "backward": read,  # what comes back to the rows, written
        "step": read + 6 * distinct + 7 * FLOAT * n_weights,  # dy; the sums, m, v twice; g, m, v, W
    }


def bare_seconds(products, repeats):
    """Seconds for these matrix products alone, operands ready and results in place."""
    rng = np.random.default_rng(0)
    operands = []
    for n, m, k in products:
        a, b = rng.random((n, m), np.float32), rng.random((m, k), np.float32)
        operands.append((a, b, np.empty((n, k), np.float32)))
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for a, b, out in operands:
            np.matmul(a, b, out=out)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def copy_bandwidth(megabytes, repeats=7):
    """Bytes per second of reading and writing in a copy."""
    source = np.ones(megabytes * 2**20 // 8)
    target = np.zeros_like(source)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        np.copyto(target, source)
        times.append(time.perf_counter() - start)
    return 2 * source.nbytes / statistics.median(times)


def measure(factors, B, n_steps, bandwidth):
    """One row per part of a step."""
    rng = np.random.default_rng(0)
    layers = (8 * factors, 4 * factors, 2 * factors, factors)
    model = NeuMF(N_USERS, N_ITEMS, factors, layers, rng)
    batches = make_batches(B, rng)
    n_distinct = sum(len(np.unique(ids)) for users, items, _ in batches for ids in (users, items))
    seconds = time_parts(model, batches, n_steps)
    products = shapes(model, B)
    bytes_moved = traffic(model, B, n_distinct / len(batches))
    for part in PARTS:
        matmul = bare_seconds(products[part], n_steps) if part in products else 0.0
        n_bytes = bytes_moved.get(part, 0)
        bound = matmul + n_bytes / bandwidth
        n_flops = flops(products.get(part, []))
        yield {
            "factors": factors,
            "batch": B,
            "part": part,
            "ms": seconds[part] * 1e3,
            "MFLOP": n_flops / 1e6,
            "MB": n_bytes / 1e6,
            "GFLOP/s possible": n_flops / matmul / 1e9 if matmul else np.nan,
            "GFLOP/s": n_flops / seconds[part] / 1e9 if matmul else np.nan,
            "GB/s possible": bandwidth / 1e9 if n_bytes else np.nan,
            "GB/s": n_bytes / seconds[part] / 1e9 if n_bytes else np.nan,
            "bound ms": bound * 1e3,
            "bound / ms": bound / seconds[part],
        }


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--factors", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    machine.limit_threads(arguments.threads)
    about = machine.describe()
    print(about)
    results = machine.Results(arguments.results, "roofline", about)
    bandwidth = copy_bandwidth(64)
    for factors in arguments.factors:
        for row in measure(factors, arguments.batch, arguments.steps, bandwidth):
            results.add({"threads": arguments.threads, **row})


if __name__ == "__main__":
    main()
