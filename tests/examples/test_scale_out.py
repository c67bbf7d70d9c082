"""Two processes are as one: their first step is NumPy's on the joined batch; a whole training."""

import copy
import re
import signal
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ncf_numpy import SGD, Adam, BinaryCrossEntropyWithLogits, NeuMF, Recommender, train_step
from ncf_numpy.to_torch.export import to_torch, weights

torch = pytest.importorskip("torch", reason="torch is an optional extra")
sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
import scale_out_ddp  # noqa: E402

# Process 0 takes rows 0, 2, 4, 6 and process 1 rows 1, 3, 5: 4 against 3, users 0 and 1 and items
# 4 and 5 in both; user 0 also twice in one of them.
BATCH = (
    np.array([0, 0, 1, 1, 2, 0, 3]),
    np.array([4, 4, 4, 5, 5, 6, 0]),
    np.array([1, 0, 1, 1, 0, 0, 1], np.float32),
)
ONE_ROW = tuple(column[:1] for column in BATCH)  # nothing is left for process 1
CASES = [
    (optimizer, sparse, batch, dtype)
    for optimizer in ("sgd", "adam")
    for sparse in (False, True)
    for batch in ("joined", "one row")
    for dtype in ("float32", "float64")
]
BATCHES = {"joined": BATCH, "one row": ONE_ROW}
LR, EPS = 0.1, 1e-8


def make_model(dtype):
    rng = np.random.default_rng(0)
    model = NeuMF(5, 7, 2, (8, 4), rng, branch_weight=0.3, dtype=dtype)
    for _, W, _ in model.parameters():
        W[:] = rng.normal(0, 0.5, W.shape)
    return model


def work(rank, meeting, n, folder):
    """One of the two processes: a first step of every case, then the example from data to file."""
    dist = torch.distributed
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=n)
    exported = {dtype: to_torch(make_model(dtype)) for dtype in ("float32", "float64")}
    states, parts = {}, {}
    for number, (name, sparse, batch, dtype) in enumerate(CASES):
        module = copy.deepcopy(exported[dtype])
        if rank == 1:  # what process 1 begins with does not matter
            torch.nn.init.zeros_(module.output.weight)
        model, optimizers = scale_out_ddp.distribute(module, LR, sparse)
        for optimizer in optimizers if name == "adam" else ():
            if isinstance(optimizer, torch.optim.Adam):  # adds eps after the correction of its root
                optimizer.param_groups[0]["eps"] = EPS / np.sqrt(1 - 0.999)
        if name == "sgd":
            optimizers = [torch.optim.SGD(model.parameters(), LR)]
        part = scale_out_ddp.take_step(model, optimizers, *BATCHES[batch])
        parts[f"{number}"] = part
        states |= {f"{number} {n}": W.numpy() for n, W in model.module.state_dict().items()}
    np.savez(folder / f"states{rank}.npz", **states)
    np.savez(folder / f"parts{rank}.npz", **parts)
    arguments = ["--epochs", "1", "--batch-size", "4096", "--save", str(folder / "model.npz")]
    scale_out_ddp.train(scale_out_ddp.parse_arguments(arguments))
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where two processes have left what they did."""
    folder = tmp_path_factory.mktemp("two")
    handler = signal.getsignal(signal.SIGTERM)
    scale_out_ddp.start_processes(work, 2, folder)
    signal.signal(signal.SIGTERM, handler)
    return folder


@pytest.mark.parametrize(
    "number", range(len(CASES)), ids=lambda number: "-".join(map(str, CASES[number]))
)
def test_the_first_step_of_two_processes_is_numpy_s_on_the_joined_batch(folder, number):
    name, _, batch, dtype = CASES[number]
    model, loss = make_model(dtype), BinaryCrossEntropyWithLogits()
    before = {name: W.copy() for name, W in weights(model).items()}
    value = train_step(
        model, loss, SGD(LR) if name == "sgd" else Adam(LR, eps=EPS), *BATCHES[batch]
    )
    bound = 1e-6 if dtype == "float32" else 1e-12
    assert max(abs(W - before[place]).max() for place, W in weights(model).items()) > 0.01
    for rank in (0, 1):
        states = np.load(folder / f"states{rank}.npz")
        for place, W in weights(model).items():
            assert states[f"{number} {place}"].dtype == dtype
            assert abs(states[f"{number} {place}"] - W).max() <= bound, place
    parts = [float(np.load(folder / f"parts{rank}.npz")[str(number)]) for rank in (0, 1)]
    assert sum(parts) == pytest.approx(value, rel=1e-6)
    assert (parts[1] == 0) == (batch == "one row")


def test_both_processes_have_the_same_bits(folder):
    first, second = (np.load(folder / f"states{rank}.npz") for rank in (0, 1))
    assert all(np.array_equal(first[name], second[name]) for name in first.files)


def test_the_example_goes_on_from_numpy_and_comes_back_to_it(folder):
    recommender = Recommender.load(folder / "model.npz")
    settings = recommender.settings
    assert settings["epochs"] == 1 and settings["batch_size"] == 4096
    numpy_s = Recommender("neumf", epochs=1, batch_size=4096).fit(recommender.data)
    difference = [
        abs(W - start).max()
        for (_, W, _), (_, start, _) in zip(
            recommender.model.parameters(), numpy_s.model.parameters()
        )
    ]
    # one more epoch, of some 26 steps of Adam at a rate of .001: it moved on, from there
    assert all(1e-3 < moved < 0.05 for moved in difference)
    user = recommender.data.user_ids[0]
    assert not set(recommender.recommend(user)["item"]) & set(
        recommender.data.item_ids[recommender.data.items_of(0)]
    )


def test_the_guide_s_measured_figures_are_those_of_the_benchmarks():
    root = Path(__file__).parents[2]
    guide = (root / "docs" / "how-to" / "scaling.md").read_text(encoding="utf-8")
    results = root / "benchmarks" / "results"
    shown = {}
    for name, table in re.findall(r"<!-- measured: (\w+) -->\n(.*?)<!-- end -->", guide, re.DOTALL):
        cells = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
        shown[name] = [[float(cell.replace(",", "")) for cell in row] for row in cells]
    columns = ["interactions", "users", "items", "epoch", "us per interaction", "peak GB"]
    measured = pd.read_csv(results / "scale.csv")[columns]
    np.testing.assert_allclose(shown["scale"], measured, rtol=0.02)

    steps = pd.read_csv(results / "two_threads.csv").query("batch == 256")
    steps = steps.pivot(index="factors", columns="threads", values="ours RowAdam")
    measured = steps.assign(ratio=steps[1] / steps[2]).reset_index()
    np.testing.assert_allclose(shown["train_step"], measured, rtol=0.01)

    steps = pd.read_csv(results / "ddp.csv")
    steps["rows"] = steps["users"] + steps["items"]
    steps = steps.pivot(index=["rows", "batch"], columns="implementation")
    single = ["numpy", "torch dense", "two dense", "torch sparse", "two sparse"]
    columns = [("cpu ms", name) for name in single]
    columns += [("MB exchanged", name) for name in ("two dense", "two sparse")]
    np.testing.assert_allclose(shown["ddp"], steps[columns].reset_index(), rtol=0.01)
