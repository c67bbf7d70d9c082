"""examples/scale_out_ddp.py as a user starts it: alone, by torchrun, wrongly, and broken off."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from ncf_numpy import Recommender

pytestmark = pytest.mark.robustness
pytest.importorskip("torch", reason="torch is an optional extra")

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "examples" / "scale_out_ddp.py"
SHORT = ("--epochs", "2", "--factors", "4", "--layers", "16,8")


def start(*arguments, by=()):
    """The example, started with arguments, in a new process group."""
    command = [sys.executable, *by, str(SCRIPT), *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )


def run(*arguments, by=(), status=0):
    process = start(*arguments, by=by)
    out, err = process.communicate()
    assert process.returncode == status, out + err
    return out, err


def epochs(out):
    """[(epoch, loss, HR@10, NDCG@10), ...] as printed."""
    rows = re.findall(r"^ +(\d+) +([\d.]+) +([\d.]+) +([\d.]+) +[\d.]+", out, re.MULTILINE)
    return [tuple(map(float, row)) for row in rows]


def test_two_processes_end_where_one_does(tmp_path):
    printed = {}
    for n in (1, 2):
        out, err = run(*SHORT, "--processes", n, "--save", tmp_path / f"{n}.npz")
        assert f"\n{n} processes, 1,024 rows a step\n" in out and err == ""
        printed[n] = epochs(out)
    assert [row[0] for row in printed[1]] == [0, 1, 2]
    for one, two in zip(printed[1], printed[2]):
        assert two == pytest.approx(one, abs=0.01)  # rounding moves a rank here and there
    one, two = (Recommender.load(tmp_path / f"{n}.npz") for n in (1, 2))
    assert one.report is two.report is None  # the only one there was is of the first epoch
    for (name, W, _), (_, other, _) in zip(one.model.parameters(), two.model.parameters()):
        assert abs(W - other).max() < 1e-2, name


def test_sparse_gradients_train_too():
    rows = epochs(run(*SHORT, "--sparse")[0])
    assert rows[2][1] < rows[1][1] < rows[0][1]


def test_torchrun_starts_it_as_well(tmp_path):
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    out, _ = run(*SHORT, "--save", tmp_path / "model.npz", by=torchrun)
    assert "\n2 processes, " in out and len(epochs(out)) == 3
    assert len(Recommender.load(tmp_path / "model.npz").recommend(1, k=3)) == 3


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("--data", "nowhere"), 1, "nowhere"),
        (("--data", SCRIPT), 1, "scale_out_ddp.py"),
        (("--model", "gmf", "--factors", "0"), 1, "error: factors must be"),
        (("--processes", "0"), 2, "--processes must be at least 1, got 0"),
        (("--save", "nowhere/model.npz"), 2, "--save: there is no folder"),
    ],
)
def test_a_mistake_is_one_sentence(arguments, status, sentence):
    _, err = run(*arguments, status=status)
    assert sentence in err and "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
@pytest.mark.parametrize(
    ("number", "only_the_parent"),
    [(signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGTERM, True)],
)
def test_a_signal_ends_all_processes(number, only_the_parent):
    process = start("--epochs", "100000")
    while not process.stdout.readline().startswith("    1  "):
        assert process.poll() is None
    group = os.getpgid(process.pid)
    if only_the_parent:
        process.send_signal(number)
    else:
        os.killpg(group, number)
    _, err = process.communicate()
    assert process.returncode == 130 and "Traceback" not in err
    for _ in range(600):  # the last of the group may take a moment to go
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("a process is left")


def test_the_benchmark_measures_every_implementation(tmp_path):
    sizes = ("--sizes", "300x200", "--batches", "64", "--rounds", "1", "--seconds", "0")
    script = ROOT / "benchmarks" / "ddp.py"
    command = [sys.executable, str(script), *sizes, "--results", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    rows = pd.read_csv(tmp_path / "ddp.csv").set_index("implementation")
    assert (rows[["ms", "cpu ms"]] > 0).all(axis=None)
    # Rows of 8 + 32 floats, and 2,048 + 32, 512 + 16, 128 + 8 and 16 + 1 weights beside them.
    assert rows.loc["two dense", "MB exchanged"] == pytest.approx((500 * 160 + 4 * 2761) / 1e6)
    assert rows.loc["two sparse", "MB exchanged"] < (64 * 168 + 4 * 2761) / 1e6
    assert rows.loc["numpy", "MB exchanged"] == 0
