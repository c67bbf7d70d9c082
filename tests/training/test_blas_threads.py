import os
import subprocess
import sys
import types

import numpy as np
import pytest

from ncf_numpy import MF, Recommender, Trainer
from ncf_numpy.datasets import Interactions
from ncf_numpy.evaluation.ease import EASE
from ncf_numpy.training import blas_threads as module
from ncf_numpy.training.blas_threads import VARIABLES, blas_threads, controls


class Library:
    """A BLAS library whose count of threads is a number."""

    def __init__(self, count):
        self.count = count

    def get(self):
        return self.count

    def set(self, count):
        self.count = count


@pytest.fixture
def libraries(monkeypatch):
    """Two libraries of 4 and 2 threads in place of the real ones, and no variable set."""
    found = [Library(4), Library(2)]
    monkeypatch.setattr(module, "controls", lambda: [(each.get, each.set) for each in found])
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return found


def counts(libraries):
    return [library.count for library in libraries]


def test_one_thread_inside_and_what_was_before_outside(libraries):
    with blas_threads():
        assert counts(libraries) == [1, 1]
    assert counts(libraries) == [4, 2]


def test_a_number_that_is_asked_for(libraries):
    with blas_threads(3):
        assert counts(libraries) == [3, 3]
    assert counts(libraries) == [4, 2]


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_is_set_is_respected(libraries, monkeypatch, name):
    monkeypatch.setenv(name, "2")
    with blas_threads():
        assert counts(libraries) == [4, 2]
    with blas_threads(1):  # but an argument is nearer than the environment
        assert counts(libraries) == [1, 1]
    assert counts(libraries) == [4, 2]


def test_an_error_inside_restores_too(libraries):
    with pytest.raises(KeyboardInterrupt), blas_threads():
        raise KeyboardInterrupt
    assert counts(libraries) == [4, 2]


def test_the_largest_number_holds_and_the_last_one_out_restores(libraries):
    first, second, third = blas_threads(1), blas_threads(3), blas_threads(1)
    first.__enter__()
    second.__enter__()
    assert counts(libraries) == [3, 3]
    third.__enter__()
    first.__exit__(None, None, None)
    assert counts(libraries) == [3, 3]
    second.__exit__(None, None, None)
    assert counts(libraries) == [1, 1]
    third.__exit__(None, None, None)
    assert counts(libraries) == [4, 2]


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2"])
def test_a_number_that_is_none(threads):
    with pytest.raises(ValueError, match="threads must be"), blas_threads(threads):
        pass


def test_nothing_to_set_does_no_harm(monkeypatch):
    monkeypatch.setattr(module, "controls", list)
    with blas_threads(1):
        pass


def test_the_openblas_of_this_numpy_is_set_and_restored():
    found = controls()
    if not found:
        pytest.skip("no BLAS whose threads can be counted")
    get_count, set_count = found[0]
    before = get_count()
    try:
        set_count(2)
        with blas_threads(1):
            assert get_count() == 1
        assert get_count() == 2
    finally:
        set_count(before)


def test_another_blas_is_reached_by_threadpoolctl_where_it_is_installed(monkeypatch):
    monkeypatch.setattr(module, "OPENBLAS", ())
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)  # its import raises ImportError
    assert controls() == []
    library = Library(4)
    library.get_num_threads, library.set_num_threads = library.get, library.set
    blas = types.SimpleNamespace(lib_controllers=[library])
    controller = types.SimpleNamespace(select=lambda user_api: {"blas": blas}[user_api])
    stand_in = types.SimpleNamespace(ThreadpoolController=lambda: controller)
    monkeypatch.setitem(sys.modules, "threadpoolctl", stand_in)
    with blas_threads(1):
        assert library.count == 1
    assert library.count == 4


@pytest.mark.parametrize(("threads", "expected"), [(None, 1), (3, 3)])
def test_a_training_has_one_thread_or_as_many_as_it_is_told(libraries, threads, expected):
    plays = Interactions(np.arange(6) // 2, np.arange(6), np.arange(3), np.arange(6))
    split = types.SimpleNamespace(train=plays, validation=None)
    rng = np.random.default_rng(0)
    trainer = Trainer(MF(3, 6, 2, rng), split, rng, threads=threads, negatives=1)
    seen = []
    trainer.run(2, after_epoch=lambda: seen.append(counts(libraries)))
    assert seen == [[expected, expected]] * 2
    assert counts(libraries) == [4, 2]


@pytest.mark.parametrize(
    ("name", "threads", "expected"),
    [("gmf", None, 1), ("gmf", 3, 3), ("ease", None, 4), ("ease", 3, 3)],
)
@pytest.mark.filterwarnings("ignore::ncf_numpy.recommender.report.NotLearned")
def test_a_recommender_trains_with_the_threads_it_is_told(
    libraries, monkeypatch, name, threads, expected
):
    seen = []

    def fitted(model, train, fit=EASE.fit):
        seen.append(libraries[0].count)
        return fit(model, train)

    monkeypatch.setattr(EASE, "fit", fitted)
    plays = Interactions(np.arange(6) // 2, np.arange(6), np.arange(3), np.arange(6))
    if name == "gmf":
        one_epoch = Recommender(name, training="paper", epochs=1)
        one_epoch.fit(plays, threads=threads, on_epoch=lambda _: seen.append(libraries[0].count))
    else:
        Recommender(name).fit(plays, threads=threads)
    assert set(seen) == {expected}
    assert counts(libraries) == [4, 2]


def test_two_overlapping_fits_and_a_predicting_thread_leave_the_count_as_it_was():
    # in a process of its own, where no variable has set the count
    code = """
import threading
import numpy as np
from ncf_numpy.training.blas_threads import blas_threads, controls

[(get_count, set_count), *_] = controls()
set_count(2)
seen, stop = set(), threading.Event()
a = np.ones((64, 64), np.float32)

def fit(n):
    for _ in range(n):
        with blas_threads():
            (a @ a).sum()
            seen.add(get_count())

def predict():
    while not stop.is_set():
        (a @ a).sum()

predicting = threading.Thread(target=predict)
fits = [threading.Thread(target=fit, args=(n,)) for n in (200, 300)]
for thread in (predicting, *fits):
    thread.start()
for thread in fits:
    thread.join()
stop.set()
predicting.join()
print(sorted(seen), get_count())
"""
    if not controls():
        pytest.skip("no BLAS whose threads can be counted")
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[0] == "[1] 2"
