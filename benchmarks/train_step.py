"""Milliseconds per training step of NeuMF: ours against PyTorch and JAX, interleaved in one run.

    pip install -e '.[bench]' && python benchmarks/train_step.py

Same sizes (MovieLens-1M: 6,040 users, 3,706 items), same batches, float32, Adam with lr 1e-3. Each
implementation runs a block of steps in turn, round after round, so that a drift of the machine's
speed meets them all; the median over the rounds is reported. Above 1, ours is faster. A
cell is on disk when it is done: results/train_step.csv.

--clock cpu counts the processor time of the process instead of the time that passes: what a step
costs where other processes want the same cores, as long as there is one thread.
"""

import argparse
import statistics
import subprocess
import sys
import time

import machine
import numpy as np

from ncf_numpy import Adam, BinaryCrossEntropyWithLogits, NeuMF, RowAdam, train_step

N_USERS, N_ITEMS = 6040, 3706
N_BATCHES = 64


def make_batches(batch_size, rng):
    """Users uniform; one item in five a popular one (Zipf), the others uniform negatives."""
    popularity = 1 / np.arange(1, N_ITEMS + 1)
    popularity /= popularity.sum()
    batches = []
    for _ in range(N_BATCHES):
        users = rng.integers(0, N_USERS, batch_size)
        items = rng.integers(0, N_ITEMS, batch_size)
        labels = (np.arange(batch_size) % 5 == 0).astype(np.float32)
        items[labels == 1] = rng.choice(N_ITEMS, int(labels.sum()), p=popularity)
        batches.append((users, items, labels))
    return batches


def ours(factors, batches):
    """{name: run(n_steps)} for the three optimizers of this package."""
    layers = (8 * factors, 4 * factors, 2 * factors, factors)

    def implementation(optimizer):
        model = NeuMF(N_USERS, N_ITEMS, factors, layers, np.random.default_rng(0))
        loss = BinaryCrossEntropyWithLogits()

        def run(n_steps):
            for k in range(n_steps):
                train_step(model, loss, optimizer, *batches[k % N_BATCHES])

        return run

    return {
        "ours RowAdam": implementation(RowAdam()),
        "ours lazy": implementation(RowAdam(lazy=True)),
        "ours dense": implementation(Adam()),
    }


def pytorch(factors, batches, threads):
    """The usual four-table module under Adam (default and fused) and SparseAdam."""
    import torch
    from pytorch_neumf import PyTorchNeuMF

    torch.set_num_threads(threads)
    tensors = [tuple(torch.from_numpy(column) for column in batch) for batch in batches]

    def implementation(sparse, **options):
        torch.manual_seed(0)
        model = PyTorchNeuMF(N_USERS, N_ITEMS, factors, sparse=sparse)
        loss = torch.nn.BCEWithLogitsLoss()
        if sparse:
            dense = [*model.tower.parameters(), *model.output.parameters()]
            optimizers = [
                torch.optim.SparseAdam([table.weight for table in model.tables()]),
                torch.optim.Adam(dense, fused=True),
            ]
        else:
            optimizers = [torch.optim.Adam(model.parameters(), **options)]

        def run(n_steps):
            for k in range(n_steps):
                users, items, labels = tensors[k % N_BATCHES]
                for optimizer in optimizers:
                    optimizer.zero_grad()
                loss(model(users, items), labels).backward()
                for optimizer in optimizers:
                    optimizer.step()

        return run

    return {
        "torch Adam": implementation(False),
        "torch fused": implementation(False, fused=True),
        "torch sparse": implementation(True),
    }


def jax_jit(factors, batches):
    """One jitted step with donated buffers, and a jitted scan over all 64 batches at once."""
    import jax
    import jax.numpy as jnp

    f = factors
    widths = [8 * f, 4 * f, 2 * f, f]
    rng = np.random.default_rng(0)

    def uniform(n_in, n_out, limit):
        return jnp.asarray(rng.uniform(-limit, limit, (n_in, n_out)), jnp.float32)

    def table(n, k):
        return jnp.asarray(rng.normal(0, 0.01, (n, k)), jnp.float32)

    weights = {
        "p_G": table(N_USERS, f), "q_G": table(N_ITEMS, f),
        "p_M": table(N_USERS, 4 * f), "q_M": table(N_ITEMS, 4 * f),
        "tower": [
            (uniform(a, b, (6 / (a + b)) ** 0.5), jnp.zeros(b))
            for a, b in zip(widths, widths[1:])
        ],
        "output": (uniform(2 * f, 1, (3 / (2 * f)) ** 0.5), jnp.zeros(1)),
    }  # fmt: skip

    def mean_loss(w, users, items, labels):
        phi_M = jnp.concatenate([w["p_M"][users], w["q_M"][items]], axis=1)
        for W, b in w["tower"]:
            phi_M = jnp.maximum(phi_M @ W + b, 0)
        phi = jnp.concatenate([w["p_G"][users] * w["q_G"][items], phi_M], axis=1)
        W, b = w["output"]
        z = (phi @ W + b)[:, 0]
        return jnp.mean(jnp.maximum(z, 0) - z * labels + jnp.log1p(jnp.exp(-jnp.abs(z))))

    def adam(state, batch):
        w, m, v, t = state
        value, g = jax.value_and_grad(mean_loss)(w, *batch)
        t = t + 1
        alpha = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        w = jax.tree.map(lambda w, m, v: w - alpha * m / (jnp.sqrt(v) + 1e-8), w, m, v)
        return (w, m, v, t), value

    step = jax.jit(adam, donate_argnums=0)
    scan = jax.jit(lambda state, stack: jax.lax.scan(adam, state, stack), donate_argnums=0)
    on_device = [
        tuple(jnp.asarray(c) for c in (u.astype(np.int32), i.astype(np.int32), y))
        for u, i, y in batches
    ]
    stack = tuple(jnp.stack(column) for column in zip(*on_device))

    def start():
        copy = jax.tree.map(jnp.array, weights)
        zeros = jax.tree.map(jnp.zeros_like, weights)
        return copy, zeros, jax.tree.map(jnp.zeros_like, weights), jnp.zeros((), jnp.float32)

    states = {"step": start(), "scan": start()}

    def run_step(n_steps):
        state = states["step"]
        for k in range(n_steps):
            state, value = step(state, on_device[k % N_BATCHES])
        value.block_until_ready()
        jax.block_until_ready(state)
        states["step"] = state

    def run_scan(n_steps):
        state = states["scan"]
        for _ in range(n_steps // N_BATCHES):
            state, _ = scan(state, stack)
        jax.block_until_ready(state)
        states["scan"] = state

    return {"jax step": run_step, "jax scan": run_scan}


def measure(factors, batch_size, threads, seconds, least_rounds, clock):
    """{implementation: median ms a step} over the rounds that fit in `seconds`, or least_rounds."""
    batches = make_batches(batch_size, np.random.default_rng(1))
    implementations = ours(factors, batches)
    for library in (lambda: pytorch(factors, batches, threads), lambda: jax_jit(factors, batches)):
        try:
            implementations |= library()
        except ImportError as error:
            print(f"left out: {error}", file=sys.stderr)
    times = {name: [] for name in implementations}
    for run in implementations.values():
        run(N_BATCHES)
    end, n_rounds = time.perf_counter() + seconds, 0
    while n_rounds < least_rounds or time.perf_counter() < end:
        n_rounds += 1
        for name, run in implementations.items():
            start = clock()
            run(N_BATCHES)
            times[name].append((clock() - start) / N_BATCHES * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def compare(cell):
    """Add the ratios that are asked for most: above 1 is ours faster."""
    torch_ms = [ms for name, ms in cell.items() if name.startswith("torch")]
    ratios = {}
    if torch_ms:
        ratios["best torch / ours"] = min(torch_ms) / cell["ours RowAdam"]
    if "jax scan" in cell:
        ratios["jax scan / ours"] = cell["jax scan"] / cell["ours RowAdam"]
    return cell | ratios


def one_thread_count(arguments, threads):
    """All cells with this limit on threads, appended to the CSV one by one."""
    machine.limit_cores(threads)
    results = machine.Results(arguments.results, "train_step", about(), anew=False)
    options = arguments.seconds, arguments.least_rounds, machine.CLOCKS[arguments.clock]
    for factors in arguments.factors:
        for batch_size in arguments.batches:
            cell = compare(measure(factors, batch_size, threads, *options))
            where = {"clock": arguments.clock, "threads": threads}
            results.add({**where, "factors": factors, "batch": batch_size, **cell})


def about():
    return machine.describe("torch", "jax", "jaxlib")


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--factors", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--batches", type=int, nargs="+", default=[128, 256, 512, 1024])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=8, help="for each cell (default: 8)")
    parser.add_argument("--least-rounds", type=int, default=5)
    parser.add_argument("--clock", choices=machine.CLOCKS, default="wall")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        one_thread_count(arguments, arguments.child)
        return
    print(about())
    machine.Results(arguments.results, "train_step", about())
    for threads in arguments.threads:
        command = [sys.executable, *sys.argv, "--child", str(threads)]
        subprocess.run(command, check=True, env=machine.environment(threads))


if __name__ == "__main__":
    main()
