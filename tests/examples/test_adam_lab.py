"""The three Adams side by side, run as a user runs it."""

import os
import pathlib
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "adam_lab.py"


def run(*arguments, status=0):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def table(out):
    """{(epoch, optimizer): [loss, HR, seconds, from dense]}."""
    rows = [line.split() for line in out.splitlines()]
    return {(int(r[0]), r[1]): [*map(float, r[2:])] for r in rows if len(r) == 6 and r[0].isdigit()}


def test_rowadam_is_dense_adam_and_lazy_is_not():
    out = run("--epochs", 2, "--batch-size", 1024)
    rows = table(out)
    assert list(rows) == [(e, o) for e in (1, 2) for o in ("dense", "RowAdam", "lazy")]
    for epoch in (1, 2):
        dense, row, lazy = (rows[epoch, name] for name in ("dense", "RowAdam", "lazy"))
        assert row[:2] == dense[:2] and lazy[0] != dense[0]
        assert dense[3] == 0 and 0 < row[3] <= 1e-7 and lazy[3] > 1e-2
    assert "RowAdam follows dense Adam; lazy Adam is another algorithm." in out
    best = max(rows[epoch, "lazy"][1] for epoch in (1, 2))
    assert f"lazy {best:.4f}." in out


def test_float32_speaks_of_rounding():
    out = run("--epochs", 1, "--dtype", "float32", "--batch-size", 1024)
    assert "In float32 paths part by rounding alone" in out
    assert "RowAdam follows dense Adam" not in out


def test_published_files(data_dir):
    out = run("--epochs", 1, "--data", data_dir("deepcf-lastfm"), "--batch-size", 4096)
    assert "1,741 users, 2,665 items" in out
    assert table(out)[1, "RowAdam"][3] <= 1e-7


def test_the_curves_are_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="the plot extra is not installed")
    run("--epochs", 1, "--batch-size", 4096, "--plot", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_bad_input_ends_in_a_sentence():
    assert "error: no" in run("--data", "no/such/folder", status=1)
    out = run("--epochs", 0, status=2)
    assert "expected an integer of at least 1, got '0'" in out
