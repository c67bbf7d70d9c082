"""Interactions of the size and shape of Last.fm 360K, synthetic: no download, any size.

    python benchmarks/generate.py 17300000 FOLDER        # writes users.npy and items.npy

At 17.3 M pairs there are 275,000 listeners and 160,000 artists. A smaller size is what a smaller
sample of listeners would be: users shrink with n, so that each keeps some 63 artists, and artists
with n^0.42, which leads from 360K down to the 17,632 artists and 92,834 pairs of Last.fm 2K.
"""

import argparse
import pathlib

import numpy as np

N_PAIRS, N_USERS, N_ITEMS = 17_300_000, 275_000, 160_000
HEAPS = 0.42


def sizes(n):
    """The numbers of users and items that n pairs have."""
    return round(N_USERS * n / N_PAIRS), round(N_ITEMS * (n / N_PAIRS) ** HEAPS)


def long_tailed_pairs(n, rng):
    """users (n,), items (n,) int64: distinct pairs, ascending by user, then item.

    The artists of a listener are log-normal in number (sigma 0.5), and the listeners of an artist
    fall as 1 / (rank + 10), in an order of artists that has nothing to do with their numbers.
    """
    n_users, n_items = sizes(n)
    activity = np.cumsum(rng.lognormal(0, 0.5, n_users))
    popularity = np.cumsum(1 / (np.arange(n_items) + 10))
    number = rng.permutation(n_items)
    keys = np.empty(0, np.int64)
    while len(keys) < n:
        n_draws = n - len(keys) + n // 4
        users = np.searchsorted(activity, np.sort(rng.random(n_draws)) * activity[-1])
        ranks = np.searchsorted(popularity, rng.random(n_draws) * popularity[-1])
        keys = np.unique(np.append(keys, users * n_items + number[ranks]))
    keys = keys[np.sort(rng.permutation(len(keys))[:n])]
    return np.divmod(keys, n_items)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("n", type=int, help="number of pairs")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    users, items = long_tailed_pairs(arguments.n, np.random.default_rng(arguments.seed))
    arguments.folder.mkdir(parents=True, exist_ok=True)
    np.save(arguments.folder / "users.npy", users)
    np.save(arguments.folder / "items.npy", items)


if __name__ == "__main__":
    main()
