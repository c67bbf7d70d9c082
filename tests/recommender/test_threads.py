"""A pool of threads asks one recommender: every answer is the one that it gives alone."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from small_models import taken_by

from ncf_numpy.core.models import Model
from ncf_numpy.core.optimizers import Adam
from ncf_numpy.datasets import Interactions
from ncf_numpy.recommender import turns
from ncf_numpy.recommender.fitting import Fitting
from ncf_numpy.recommender.models import MODELS
from ncf_numpy.recommender.recommender import Recommender

THREADS, SMALL = 4, turns.SMALL
SETTINGS = {"factors": 4, "layers": (8, 4), "epochs": 1, "batch_size": 512}


def plays(n_users=60, n_items=200, seed=0):
    pairs = np.random.default_rng(seed).permutation(n_users * n_items)[: n_users * 8]
    users, items = np.divmod(np.sort(pairs), n_items)
    names = {"user_ids": np.arange(n_users) + 7, "item_ids": np.arange(n_items) * 3}
    return Interactions.from_indices(users, items, *names.values())


@pytest.fixture(scope="module", params=list(MODELS))
def recommender(request):
    options = taken_by(request.param, **SETTINGS)
    return Recommender(request.param, **options).fit(plays(), validation=True)


def few_steps(recommender):
    """What `fold_in` takes, to be quick: a baseline learns no row, and takes nothing."""
    return {"steps": 3} if isinstance(recommender.model, Model) else {}


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Python changes threads a thousand times as often as by default; all ask side by side."""
    monkeypatch.setattr(turns, "SMALL", 0)
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


def questions(recommender):
    """{public method: a function of a number that asks something else for every number}."""
    users, items = recommender.data.user_ids, recommender.data.item_ids
    folded = [recommender.fold_in(items[[n, n + 9]], **few_steps(recommender)) for n in range(5)]

    def fold_in(n):
        return recommender.fold_in(
            [items[n % 50], items[n % 7 + 60]], **few_steps(recommender)
        ).recommend(5)

    asked = {
        "recommend": lambda n: recommender.recommend(users[n % 60], k=5),
        "recommend to several": lambda n: recommender.recommend(users[n % 50 : n % 50 + 3], k=4),
        "similar_items": lambda n: recommender.similar_items(items[n % 200], k=5),
        "similar_users": lambda n: recommender.similar_users(users[n % 60], k=5),
        "find_item": lambda n: recommender.find_item(str(items[n % 200])),
        "explain": lambda n: recommender.explain(users[n % 60], items[n % 199]),
        "fold_in": fold_in,
        "a new user's recommend": lambda n: folded[n % 5].recommend(5),
        "a new user's explain": lambda n: folded[n % 5].explain(items[n % 200]),
    }
    if recommender.settings["model"] == "popularity":  # to which no items are alike
        asked = {name: ask for name, ask in asked.items() if "similar" not in name}
        asked = {name: ask for name, ask in asked.items() if "explain" not in name}
    return asked


def text(answer):
    """All of an answer, to the last bit."""
    if hasattr(answer, "nearest"):
        parts = answer.item, answer.score.hex(), answer.logit.hex(), answer.contributions
        return f"{parts} {text(answer.nearest)}"
    if hasattr(answer, "to_dict"):
        return repr(answer.to_dict("list"))
    return repr(answer)


def ask_all(recommender, n_calls):
    """-> (number of answers, of them wrong or an error) when THREADS ask everything at once."""
    asked = questions(recommender)
    alone = {name: [text(ask(n)) for n in range(60)] for name, ask in asked.items()}
    start = threading.Barrier(THREADS)

    def work(thread):
        start.wait()
        wrong = []
        for call in range(n_calls):
            n = (call * 7 + thread * 13) % 60
            for name, ask in asked.items():
                try:
                    if text(ask(n)) != alone[name][n]:
                        wrong.append((name, n))
                except Exception as error:
                    wrong.append((name, n, repr(error)))
        return wrong

    with ThreadPoolExecutor(THREADS) as pool:
        wrong = [each for found in pool.map(work, range(THREADS)) for each in found]
    return THREADS * n_calls * len(asked), wrong


def test_a_pool_of_threads_got_wrong_lists_and_errors(recommender):
    n, wrong = ask_all(recommender, 8)
    assert n >= 160 and wrong == []


def test_an_answer_writes_nothing_that_another_thread_could_read(recommender):
    model = recommender.model
    owners = [recommender, model, *(layer for _, layer in getattr(model, "layers", list)())]

    def state():
        return [(name, id(value)) for owner in owners for name, value in vars(owner).items()]

    asked = questions(recommender)
    for ask in asked.values():
        ask(0)
    before, kept = state(), [dict(vars(owner)) for owner in owners]  # kept: no id is used again
    for ask in asked.values():
        ask(1)
    assert state() == before and len(kept) == len(owners)


@pytest.mark.robustness
def test_two_thousand_calls_of_every_method_in_each_of_four_threads(recommender, capsys):
    n, wrong = ask_all(recommender, 2000)
    with capsys.disabled():
        print(f"\n{recommender.settings['model']}: {n:,} answers, {len(wrong)} wrong")
    assert wrong == []


class Turn:
    """Stands in for the lock, and counts."""

    taken, is_held = 0, False

    def __enter__(self):
        self.taken, self.is_held = self.taken + 1, True

    def __exit__(self, *error):
        self.is_held = False


@pytest.fixture
def turn(monkeypatch):
    """The stand-in; a table that is made and a step of Adam note whether it is held."""
    turn = Turn()
    turn.seen = []

    def noting(function):
        def noted(*arguments, **options):
            turn.seen.append(turn.is_held)
            return function(*arguments, **options)

        return noted

    monkeypatch.setattr(turns, "_lock", turn)
    monkeypatch.setattr(turns, "HAS_GIL", True)
    monkeypatch.setattr(pd, "DataFrame", noting(pd.DataFrame))
    monkeypatch.setattr(Adam, "step", noting(Adam.step))
    return turn


IN_TURNS = {
    "recommend": lambda r, new: r.recommend(7),
    "similar_items": lambda r, new: r.similar_items(3),
    "similar_users": lambda r, new: r.similar_users(7),
    "explain": lambda r, new: r.explain(7, 3),
    "fold_in": lambda r, new: r.fold_in([3], steps=1),
    "a new user's recommend": lambda r, new: new.recommend(),
    "a new user's explain": lambda r, new: new.explain(3),
}


@pytest.mark.parametrize("method", list(IN_TURNS))
def test_threads_took_twice_the_time_of_one_in_a_small_catalogue(method, turn, monkeypatch):
    gmf = Recommender("gmf", **taken_by("gmf", **SETTINGS)).fit(plays())
    new, ask = gmf.fold_in([3, 6], steps=1), IN_TURNS[method]
    for small, taken in (SMALL, 1), (200 * 4, 1), (0, 0):
        monkeypatch.setattr(turns, "SMALL", small)
        turn.taken, turn.seen[:] = 0, []
        ask(gmf, new)
        assert turn.taken == taken and turn.seen and set(turn.seen) == {bool(taken)}
    monkeypatch.setattr(turns, "SMALL", SMALL)
    monkeypatch.setattr(turns, "HAS_GIL", False)
    ask(gmf, new)
    assert turn.taken == 0


def test_how_many_numbers_an_answer_is_on_decides_whether_it_takes_turns(turn, monkeypatch):
    gmf = Recommender("gmf", **taken_by("gmf", **SETTINGS)).fit(plays())
    ease = Recommender("ease").fit(plays())
    new = gmf.fold_in([3, 6], steps=1)

    def taken(small, ask):
        monkeypatch.setattr(turns, "SMALL", small)
        turn.taken = 0
        ask()
        return turn.taken

    for n, ask in (
        (200 * 4, lambda: gmf.recommend(7)),  # items x factors
        (3 * 200 * 4, lambda: gmf.recommend([7, 8, 9])),
        (200, lambda: ease.recommend(7)),
        (60 * 4, lambda: gmf.similar_users(7)),
        (60, lambda: ease.similar_users(7)),
        (2 * 5 * 4, lambda: gmf.fold_in([3, 6], steps=1)),  # with four negatives each
        (200 * 4, lambda: new.recommend()),
    ):
        assert taken(n, ask) == 1 and taken(n - 1, ask) == 0


def test_a_list_waited_for_all_steps_of_a_new_user(turn, monkeypatch):
    monkeypatch.setattr(turns, "SMALL", SMALL)
    gmf = Recommender("gmf", **taken_by("gmf", **SETTINGS)).fit(plays())
    for steps, taken in (0, 0), (1, 1), (10, 1), (25, 3), (101, 11):
        turn.taken, turn.seen[:] = 0, []
        gmf.fold_in([3], steps=steps)
        assert turn.taken == taken and turn.seen == [True] * steps


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_waited_for_a_thread_that_it_does_not_have():
    code = """
import os, signal, threading, warnings
from ncf_numpy.recommender.turns import turn

warnings.simplefilter("ignore")  # a process with threads forks
held, done = threading.Event(), threading.Event()

def hold():
    with turn(0):
        held.set()
        done.wait()

threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if not child:
    signal.alarm(60)  # ends it, should it wait
    with turn(0):
        os._exit(0)
done.set()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_whole_file_was_called_damaged_where_two_threads_parsed_at_once(tmp_path, monkeypatch):
    """Python 3.11's parser fails if another thread comes in between: SystemError."""
    Recommender("popularity").fit(plays()).save(tmp_path / "m.npz")
    read_header, within = np.lib.format.read_array_header_1_0, []

    def read(*arguments):
        within.append(threading.get_ident())
        time.sleep(1e-4)
        assert set(within) == {threading.get_ident()}
        found = read_header(*arguments)
        within.clear()
        return found

    monkeypatch.setattr(np.lib.format, "read_array_header_1_0", read)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(Recommender.load, [tmp_path / "m.npz"] * 4 * THREADS))


def test_threads_that_save_and_load(recommender, tmp_path):
    recommender.save(tmp_path / "m.npz")
    before = (tmp_path / "m.npz").read_bytes()

    def work(thread):
        for _ in range(5):
            recommender.save(tmp_path / "m.npz")
            assert text(Recommender.load(tmp_path / "m.npz").recommend(7)) == expected
            assert text(recommender.recommend(7)) == expected
            assert (
                text(recommender.fold_in([30, 60], **few_steps(recommender)).recommend(7)) == folded
            )
        return True

    expected = text(recommender.recommend(7))
    folded = text(recommender.fold_in([30, 60], **few_steps(recommender)).recommend(7))
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(work, range(THREADS))) == [True] * THREADS
    assert [path.name for path in tmp_path.iterdir()] == ["m.npz"]
    assert len((tmp_path / "m.npz").read_bytes()) == len(before)


@pytest.mark.parametrize("validation", [False, True])
def test_while_it_was_fitted_anew_the_report_was_none_for_a_moment(monkeypatch, validation):
    recommender = Recommender("gmf", **taken_by("gmf", **SETTINGS)).fit(plays())
    before, seen, report = vars(recommender).copy(), [], Fitting.report

    def observed(fitting):
        seen.append(
            [vars(recommender)[name] is before[name] for name in ("model", "report", "data")]
        )
        return report(fitting)

    monkeypatch.setattr(Fitting, "report", observed)
    recommender.fit(plays(seed=1), validation=validation)
    assert seen == [[True] * 3]
    assert recommender.report is not before["report"] and recommender.report is not None

    def stopped(fitting):
        raise KeyboardInterrupt

    monkeypatch.setattr(Fitting, "report", stopped)
    with pytest.raises(KeyboardInterrupt):
        recommender.fit(plays(80, 900), validation=validation)
    assert recommender.data.n_items == 900 and recommender.report is None
    assert len(recommender.recommend(7)) == 10


@pytest.mark.parametrize("model", list(MODELS))
def test_while_it_is_fitted_anew_the_old_or_the_new_answers_and_never_a_mixture(model, tmp_path):
    def saved():
        recommender.save(tmp_path / "m.npz")  # so does the other thread
        return Recommender.load(tmp_path / "m.npz").recommend(7, k=50)

    recommender = Recommender(model, **taken_by(model, **SETTINGS))
    asked = [
        lambda: recommender.recommend(7, k=50),
        lambda: recommender.fold_in([30, 60], **few_steps(recommender)).recommend(50),
        saved,
    ]
    if model != "popularity":
        asked += [lambda: recommender.similar_items(30, k=50), lambda: recommender.explain(7, 30)]
    with pytest.raises(RuntimeError, match="is not fitted"):
        recommender.recommend(7)
    small, large = plays(), plays(80, 900, seed=1)
    answers = set()
    for data in (large, small):
        recommender.fit(data)
        answers.update(text(ask()) for ask in asked)
    stop, wrong, seen = threading.Event(), [], set()

    def ask():
        while not stop.is_set():
            try:
                seen.update(text(ask()) for ask in asked)
            except Exception as error:
                wrong.append(repr(error))

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    rounds = 0
    # On a loaded machine the askers may need more than four to see both.
    while rounds < 4 or (model == "gmf" and len(seen) <= len(asked) and rounds < 400):
        recommender.fit(large).fit(small)
        rounds += 1
    stop.set()
    for asker in askers:
        asker.join()
    assert wrong == [] and seen <= answers
    assert len(seen) > len(asked) or model != "gmf"  # of both; a baseline is fitted in no time
