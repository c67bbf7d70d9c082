"""Many calls, much data, many cycles: memory and open files stay where they are."""

import gc
import os
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from processes import PACKAGE, in_new_process

from ncf_numpy.datasets import sample_lastfm
from ncf_numpy.recommender.recommender import Recommender

resource = pytest.importorskip("resource", reason="no count of memory on this system")
pytestmark = [
    pytest.mark.robustness,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc to ask for memory"),
]
MB = 2**20
N_PAIRS = 10**7


def resident():
    """Bytes of memory this process has at the moment."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def open_files():
    return len(os.listdir("/proc/self/fd"))


def calls(recommender, n, rng):
    """n calls of what a shop asks: known users, items, and every now and then somebody new."""
    data = recommender.data
    for number in range(n):
        if number % 100 == 0:
            somebody = recommender.fold_in(rng.choice(data.item_ids, 5, replace=False).tolist())
        kind = number % 5
        if kind == 4:
            table = recommender.similar_items(rng.choice(data.item_ids))
        else:
            table = somebody.recommend() if kind == 3 else recommender.recommend(number % 600 + 1)
        assert len(table) == 10


def serve(n_warm_up, n, n_traced):
    """MB the process grew by in n calls after a warm-up, and MB of Python's in n_traced more."""
    recommender, rng = (
        Recommender("neumf", epochs=1).fit(sample_lastfm()[0]),
        np.random.default_rng(0),
    )
    calls(recommender, n_warm_up, rng)
    before, start = resident(), time.process_time()
    calls(recommender, n, rng)
    seconds, after = time.process_time() - start, resident()
    tracemalloc.start()
    calls(recommender, 100, rng)
    traced = tracemalloc.get_traced_memory()[0]
    calls(recommender, n_traced, rng)
    gc.collect()
    return {
        "grew": (after - before) / MB,
        "of Python": (tracemalloc.get_traced_memory()[0] - traced) / MB,
        "resident": after / MB,
        "seconds": seconds,
    }


def test_ten_thousand_recommendations_leave_no_memory_behind(capsys):
    found = in_new_process("test_load.serve", 1_000, 10_000, 500)
    with capsys.disabled():
        print(f"\n10,000 calls: {found}")
    assert found["grew"] < 4
    assert found["of Python"] < 0.5


def cycles(folder, n_warm_up, n):
    """MB and open files that n cycles of fit, save and load add after a warm-up."""
    data, path = sample_lastfm()[0], Path(folder) / "m.npz"
    answers = []
    for number in range(n_warm_up + n):
        if number == n_warm_up:
            before, files = resident(), open_files()
        fitted = Recommender("neumf", epochs=1, batch_size=1024).fit(
            data, checkpoint=f"{path}.checkpoint"
        )
        fitted.save(path)
        answers.append(Recommender.load(path).recommend(1)["score"].tolist())
    assert answers[0] == answers[-1]
    return {
        "grew": (resident() - before) / MB,
        "files": open_files() - files,
        "resident": resident() / MB,
        "left": sorted(path.name for path in Path(folder).iterdir()),
    }


def test_fifty_cycles_of_fit_save_and_load_grow_by_nothing(tmp_path, capsys):
    found = in_new_process("test_load.cycles", str(tmp_path), 10, 50)
    with capsys.disabled():
        print(f"\n50 cycles: {found}")
    assert found["grew"] < 4
    assert found["files"] == 0
    assert found["left"] == ["m.npz", "m.npz.checkpoint"]


def generate(folder):
    """Write the pairs of benchmarks/generate.py, made in a process whose memory does not count."""
    sys.path.insert(0, str(PACKAGE.parent / "benchmarks"))
    from generate import long_tailed_pairs

    users, items = long_tailed_pairs(N_PAIRS, np.random.default_rng(0))
    np.save(f"{folder}/users.npy", users)
    np.save(f"{folder}/items.npy", items)


def fit_much(folder):
    """Fit NeuMF for an epoch on a table of 10^7 raw ids, save it, load it and ask it."""
    names = "users", "items"
    users, items = (np.load(f"{folder}/{name}.npy") for name in names)
    table = pd.DataFrame({"user": users + 10**9, "item": items + 10**9})  # ids, not row numbers
    del users, items
    start = time.process_time()
    options = {"factors": 8, "layers": (16, 8), "epochs": 1, "batch_size": 8192, "negatives": 1}
    recommender = Recommender("neumf", **options).fit(table)
    seconds = time.process_time() - start
    recommender.save(f"{folder}/m.npz")
    user = recommender.data.user_ids[0]
    first = recommender.recommend(user)
    pd.testing.assert_frame_equal(Recommender.load(f"{folder}/m.npz").recommend(user), first)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KB
    return {
        "data": repr(recommender.data),
        "loss": recommender.history["loss"].iloc[-1],
        "seconds": seconds,
        "peak": peak / 2**30,
    }


def test_ten_million_interactions_fit_into_four_gigabytes(tmp_path, capsys):
    in_new_process("test_load.generate", str(tmp_path))
    found = in_new_process("test_load.fit_much", str(tmp_path))
    with capsys.disabled():
        print(f"\n10^7 interactions: {found}")
    assert found["data"].startswith("Interactions(10,000,000 pairs, ")
    assert found["loss"] < np.log(2)
    assert found["peak"] < 4
