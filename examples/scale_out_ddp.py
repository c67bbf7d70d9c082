"""Go on training a NumPy model with several processes: data-parallel, by torch.distributed.

python examples/scale_out_ddp.py                                     # synthetic data, 2 processes
python examples/scale_out_ddp.py --data plays.csv --save model.npz --processes 4

Every process holds the whole model and takes every n-th row of each batch; gradients are averaged
before each step, so all models stay the same. Process 0 trains the first epoch in NumPy, and
also evaluates and saves by NumPy. docs/how-to/scaling.md says what this costs and when it pays.
"""

import argparse
import datetime
import os
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ncf_numpy import NegativeSampler, Recommender, epoch_batches, evaluate
from ncf_numpy.commands.data_options import add_data_options, find_data, load_split
from ncf_numpy.commands.training_options import widths
from ncf_numpy.core.build import MODELS
from ncf_numpy.data.sampling import count_batches
from ncf_numpy.recommender.report import NotLearned
from ncf_numpy.to_torch.export import from_torch, to_torch

try:
    import torch
    import torch.distributed as dist
    from torch.nn.functional import binary_cross_entropy_with_logits
    from torch.nn.parallel import DistributedDataParallel
except ImportError:
    torch = None  # main says what to install, --help works without

EPILOG = """
on several machines, each with the same data and the same NumPy, for instance two with four
processes each:
  torchrun --nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-endpoint HOST:29500 \\
      examples/scale_out_ddp.py --data plays.csv --save model.npz
"""
OPTIONS = {
    "factors": (int, None, "factors of GMF and MF (default: 8)"),
    "layers": (widths, None, "the tower of MLP (default: 64,32,16,8)"),
    "epochs": (int, 5, "after the first, which is NumPy's"),
    "batch-size": (int, 1024, "pairs per step, of all processes together"),
    "negatives": (int, 4, "unseen items drawn for each pair"),
    "lr": (float, 1e-3, "learning rate of Adam"),
    "seed": (int, 0, "makes results reproducible"),
}
A_DAY = datetime.timedelta(days=1)  # the others wait for process 0 at its first epoch


def parse_arguments(argv=None):
    parser = argparse.ArgumentParser(
        description="Train a model for an epoch in NumPy, export it to PyTorch, and go on with "
        "several processes. Without --data: on synthetic plays.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_options(parser, splits=True)
    neural = list(MODELS)
    group = parser.add_argument_group("model and training")
    group.add_argument("--model", choices=neural, default="neumf", help="(default: neumf)")
    for name, (kind, default, text) in OPTIONS.items():
        text = text if default is None else f"{text} (default: {default})"
        metavar = "N,N,..." if kind is widths else "N"
        group.add_argument(f"--{name}", type=kind, default=default, metavar=metavar, help=text)
    group.add_argument("--save", metavar="FILE.npz", help="write a recommender there")
    group = parser.add_argument_group("processes")
    group.add_argument(
        "--processes", type=int, default=2, metavar="N", help="on this machine (default: 2)"
    )
    group.add_argument(
        "--sparse",
        action="store_true",
        help="exchange only the rows that a batch has read; the tables' Adam is then lazy",
    )
    arguments = parser.parse_args(argv)
    if arguments.data is None and arguments.dataset == "auto":
        arguments.dataset = "sample"
    for name, least in {"processes": 1, "epochs": 0}.items():
        if getattr(arguments, name) < least:
            parser.error(f"--{name} must be at least {least}, got {getattr(arguments, name)}")
    if arguments.save and not Path(arguments.save).absolute().parent.is_dir():
        parser.error(f"--save: there is no folder {Path(arguments.save).absolute().parent}")
    return arguments


def take_step(model, optimizers, users, items, labels):
    """One step of all processes on their joined batch, users, items and labels (B,) in NumPy.

    Each passes the same batch. Returns this process's part of the mean loss; the parts sum to it.
    """
    n, B = dist.get_world_size(), len(labels)
    mine = slice(dist.get_rank(), None, n)
    users, items, labels = (torch.from_numpy(column[mine]) for column in (users, items, labels))
    logits = model(users, items)  # (B / n,), a row more in some processes, perhaps none
    losses = binary_cross_entropy_with_logits(logits, labels.to(logits.dtype), reduction="sum")
    part = losses / B
    for optimizer in optimizers:
        optimizer.zero_grad()
    (part * n).backward()  # DistributedDataParallel divides by n what it sums over the processes
    for optimizer in optimizers:
        optimizer.step()
    return part.item()


def distribute(module, lr, sparse=False):
    """The module as all processes train it, with process 0's weights in each; its optimizers."""
    optimizers = make_optimizers(module, lr, sparse)
    return DistributedDataParallel(module), optimizers


def make_optimizers(module, lr, sparse):
    """Adam; or, where a table's gradient has its batch's rows only, lazy Adam for the tables."""
    tables = [module.user_embedding, module.item_embedding]
    for table in tables:
        table.sparse = sparse
    if not sparse:
        return [torch.optim.Adam(module.parameters(), lr)]
    rows = [table.weight for table in tables]
    others = [W for name, W in module.named_parameters() if "embedding" not in name]
    return [torch.optim.SparseAdam(rows, lr), torch.optim.Adam(others, lr)]


def train_epoch(model, optimizers, batches):
    """A step for every batch; returns the mean of the batches' losses, in every process."""
    parts = [take_step(model, optimizers, *batch) for batch in batches]
    loss = torch.tensor(sum(parts) / len(parts))
    dist.all_reduce(loss)
    return loss.item()


def train(arguments):
    """What every process does, from the data to the end."""
    first = dist.get_rank() == 0
    split = load_split(arguments, np.random.default_rng(arguments.seed))
    names = ("factors", "layers", "batch_size", "negatives", "lr", "seed")
    settings = {name: getattr(arguments, name) for name in names}
    recommender = Recommender(arguments.model, epochs=1, **settings)
    show = Progress(first, split, arguments)
    if first:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotLearned)  # after one epoch, and others follow
            recommender.fit(split.train, progress=show.bars)
        show.epoch(0, recommender.history["loss"].iloc[0], recommender.model)
        start = recommender.model
    else:  # the right shapes are enough: the weights come from process 0
        rng = np.random.default_rng(arguments.seed)
        sizes = split.train.n_users, split.train.n_items
        start = MODELS[arguments.model](*sizes, recommender.settings, rng)
    model, optimizers = distribute(to_torch(start), arguments.lr, arguments.sparse)

    sampler = NegativeSampler(split.train)
    sizes = {"batch_size": arguments.batch_size, "negatives": arguments.negatives}
    n_batches = count_batches(split.train, sampler, **sizes)
    for epoch in range(1, arguments.epochs + 1):
        rng = np.random.default_rng([arguments.seed, epoch])  # all processes draw the same batches
        batches = epoch_batches(split.train, sampler, rng, **sizes)
        loss = train_epoch(model, optimizers, show.bar(batches, epoch, n_batches))
        if first:
            recommender.model = from_torch(model.module)
            show.epoch(epoch, loss, recommender.model)
    if first:
        show.test(recommender.model)
        if arguments.save:
            recommender.report = None  # it is of the first epoch
            recommender.save(arguments.save)
            print(f"saved {arguments.save}")


class Progress:
    """What process 0 prints; of the others nothing is heard."""

    def __init__(self, first, split, arguments):
        self.first, self.split = first, split
        self.bars = first and sys.stderr.isatty()
        self.start = time.perf_counter()
        if first:
            train = split.train
            print("\n".join([repr(train), split.protocol, *split.notes]))
            print(f"{dist.get_world_size()} processes, {arguments.batch_size:,} rows a step")
            print("epoch    loss  HR@10 validation  NDCG@10 validation  seconds", flush=True)

    def bar(self, batches, epoch, total):
        return tqdm(batches, f"epoch {epoch}", total, leave=False, disable=not self.bars)

    def epoch(self, number, loss, model):
        seconds = time.perf_counter() - self.start
        result = evaluate(model, self.split.validation)
        by = "  (NumPy, process 0)" if number == 0 else ""
        numbers = f"{number:5}  {loss:.4f}  {result.hr:16.4f}  {result.ndcg:18.4f}  {seconds:7.1f}"
        print(numbers + by, flush=True)
        self.start = time.perf_counter()

    def test(self, model):
        result = evaluate(model, self.split.test)
        print(f"test items: HR@10 {result.hr:.4f}, NDCG@10 {result.ndcg:.4f}", flush=True)


def work(rank, meeting, n, arguments):
    """One process: join the others at `meeting`, train, leave; an error ends in one line."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // arguments.processes))
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=n, timeout=A_DAY)
    try:
        train(arguments)
    except (OSError, ValueError, KeyError, FloatingPointError) as error:
        sys.exit(f"error: {error}" if dist.get_rank() == 0 else 1)
    finally:
        dist.destroy_process_group()


def start_processes(work, n, *arguments):
    """work(rank, meeting, n, *arguments) in n processes of this machine, which end as it ends."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as if by Ctrl-C
    with tempfile.TemporaryDirectory() as folder:  # a file to meet at: no port that may be in use
        meeting = (Path(folder) / "meeting").as_uri()
        torch.multiprocessing.spawn(work, (meeting, n, *arguments), n, daemon=True)


def main():
    arguments = parse_arguments()
    if torch is None:
        sys.exit("error: this needs PyTorch: pip install -e '.[torch]'")
    if "RANK" in os.environ:  # torchrun has started this process, and others elsewhere
        work(-1, "env://", -1, arguments)
        return
    try:
        find_data(arguments)  # downloads it, if need be, once
        start_processes(work, arguments.processes, arguments)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    except torch.multiprocessing.ProcessExitedException as error:
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
