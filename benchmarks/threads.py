"""Four threads that ask one recommender, against the same questions one after the other.

    python benchmarks/threads.py

Each cell is the time of four threads / the time of one that asks the questions of all four: the
median of rounds, in which the ways take turns. The last two columns are the median of the row's
methods: `without turns` asks small catalogues side by side as large ones are
(`ncf_numpy/recommender/turns.py`); `on one core` holds the four threads to one core, on Linux.
The models are fitted for one epoch: how long an answer takes does not depend on what was learned.
"""

import math
import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import machine
import numpy as np

from ncf_numpy import Recommender
from ncf_numpy.data.interactions import Interactions
from ncf_numpy.recommender import turns
from ncf_numpy.recommender.models import MODELS, has_epochs

THREADS, N_USERS, PER_USER, SECONDS = 4, 2000, 8, 0.1
SIZES = 200, 20_000
METHODS = ["recommend", "fold_in", "a new user's", "similar_items", "similar_users", "explain"]
TOO_LARGE = {("ease", 20_000)}  # three gigabytes


def fitted(model, n_items):
    pairs = np.random.default_rng(0).permutation(N_USERS * n_items)[: N_USERS * PER_USER]
    users, items = np.divmod(np.sort(pairs), n_items)
    data = Interactions.from_indices(users, items, np.arange(N_USERS), np.arange(n_items))
    options = {"epochs": 1} if has_epochs(model) else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of one epoch it has not learned
        return Recommender(model, **options).fit(data)


def questions(recommender):
    """{method: a function of a number that asks something else for every number}."""
    n_items = recommender.data.n_items
    folded = recommender.fold_in([1, 2, 3])
    asked = {
        "recommend": lambda n: recommender.recommend(n),
        "fold_in": lambda n: recommender.fold_in([n, n + 1, n + 2]),
        "a new user's": lambda n: folded.recommend(1 + n % 20),
    }
    if recommender.settings["model"] != "popularity":  # to which no items are alike
        asked |= {
            "similar_items": lambda n: recommender.similar_items(n),
            "similar_users": lambda n: recommender.similar_users(n),
            "explain": lambda n: recommender.explain(n, (n + 50) % n_items),
        }
    return asked


def hold_to(cores):
    """Let every thread of this process run on these cores alone, where the system can (Linux)."""
    for thread in os.listdir("/proc/self/task") if cores else ():
        os.sched_setaffinity(int(thread), cores)


def compare(ask, pool, rounds):
    """Time of threads / of one: (as it is, without turns, on one core), the median of rounds."""
    once = []
    for number in range(20):
        start = time.perf_counter()
        ask(number)
        once.append(time.perf_counter() - start)
    n_calls = math.ceil(SECONDS / THREADS / np.median(once))
    small = turns.SMALL

    def work(thread):
        for call in range(n_calls):
            ask((call * 7 + thread * 13) % 100)

    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    ways = [(map, small, cores), (pool.map, small, cores), (pool.map, 0, cores)]
    ways += [(pool.map, small, {min(cores)})] if cores else []

    seconds = np.full((rounds, 4), np.nan)
    for each in seconds:
        for way, (run, turns.SMALL, used) in enumerate(ways):
            hold_to(used)
            start = time.perf_counter()
            list(run(work, range(THREADS)))
            each[way] = time.perf_counter() - start
    turns.SMALL = small
    hold_to(cores)
    return np.median(seconds[:, 1:] / seconds[:, :1], axis=0)


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--items", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    machine.limit_threads(1)
    about = machine.describe()
    print(about)
    results = machine.Results(arguments.results, "threads", about)
    with ThreadPoolExecutor(THREADS) as pool:
        for n_items in arguments.items:
            for model in arguments.models:
                if (model, n_items) in TOO_LARGE:
                    continue
                found = {
                    name: compare(ask, pool, arguments.rounds)
                    for name, ask in questions(fitted(model, n_items)).items()
                }
                row = {"model": model, "items": n_items}
                row |= {name: found.get(name, [np.nan])[0] for name in METHODS}
                _, free, one_core = np.median(list(found.values()), axis=0)
                results.add(row | {"without turns": free, "on one core": one_core})


if __name__ == "__main__":
    main()
