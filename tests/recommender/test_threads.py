"""A pool of threads asks one recommender: every answer is the one that it gives alone."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from small_models import taken_by

from ncf_numpy.core.models import Model
from ncf_numpy.datasets import Interactions
from ncf_numpy.recommender.models import MODELS
from ncf_numpy.recommender.recommender import Recommender

THREADS = 4
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
def hasty():
    """Threads take turns a thousand times as often as they do by default."""
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


@pytest.mark.robustness
def test_no_method_takes_threads_longer_than_one_after_the_other(recommender, tmp_path, capsys):
    sys.setswitchinterval(0.005)
    path = tmp_path / "m.npz"
    asked = {**questions(recommender), "save": lambda n: recommender.save(path)}
    ratios = {}
    with ThreadPoolExecutor(THREADS) as pool:
        for name, ask in asked.items():
            work = partial(ask_in_turn, ask, [text(ask(n)) for n in range(60)])
            seconds = np.zeros(2)
            for _ in range(4):  # by turns, so that whatever else runs here slows both
                for way, run in enumerate((map, pool.map)):
                    start = time.perf_counter()
                    assert list(run(work, range(THREADS))) == [[]] * THREADS
                    seconds[way] += time.perf_counter() - start
            ratios[name] = seconds[1] / seconds[0]
    assert text(Recommender.load(path).recommend(7)) == text(recommender.recommend(7))
    with capsys.disabled():
        shown = ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
        print(f"\n{recommender.settings['model']}, threads / serial: {shown}")
    assert max(ratios.values()) <= 1.2


def ask_in_turn(ask, expected, thread, n_calls=500):
    """The questions of one thread, a different order for each; -> those answered wrongly."""
    numbers = [(call * 7 + thread * 13) % 60 for call in range(n_calls)]
    return [n for n in numbers if text(ask(n)) != expected[n]]


@pytest.mark.robustness
def test_threads_cost_little_more_than_one_after_the_other(recommender, capsys):
    sys.setswitchinterval(0.005)
    users = recommender.data.user_ids
    large = Recommender(**recommender.settings).fit(plays(2000, 20_000))
    ratios = []
    for _ in range(5):
        start = time.perf_counter()
        for user in np.tile(users[:50], 4):
            large.recommend(user)
        alone = time.perf_counter() - start
        start = time.perf_counter()
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(large.recommend, np.tile(users[:50], 4)))
        ratios.append((time.perf_counter() - start) / alone)
    with capsys.disabled():
        print(f"\n{recommender.settings['model']}: threads / serial {sorted(ratios)[2]:.2f}")
    assert sorted(ratios)[2] <= 1.2


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
    for data in (large, small) * 4:
        recommender.fit(data)
    stop.set()
    for asker in askers:
        asker.join()
    assert wrong == [] and seen <= answers
    assert len(seen) > len(asked) or model != "gmf"  # of both; a baseline is fitted in no time
