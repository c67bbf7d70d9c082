"""Synthetic Last.fm data: plays that need no download, with a known best possible score.

Every band has a style (the noun of its name) and is loud or quiet, fast or slow (the adjective).
Every listener likes two styles, and wants loud or quiet, fast or slow. Liking comes from the two
matching, an XOR: no bias of the listener plus bias of the band can express it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import check_ids
from ..data.interactions import Interactions
from ..data.split import Holdout

if TYPE_CHECKING:
    from ..core.types import Array, Ids

N_USERS, N_ARTISTS = 600, 400
MEAN_ARTISTS = 30.0, 46.0  # expected artists of a listener, uniform between these
TAIL = 1.6  # odds fall as popularity rank ** -TAIL
STYLE, MATCH = 3.0, 1.6  # log-odds of a liked style; of loudness or speed as wanted

ADJECTIVES = (  # for quiet slow, loud slow, quiet fast, loud fast bands
    ("Drowsy", "Velvety", "Lukewarm", "Mumbling", "Woolly", "Dusky"),
    ("Thundering", "Lumbering", "Booming", "Ponderous", "Growling", "Trombonic"),
    ("Whispering", "Nimble", "Skittish", "Feathery", "Pattering", "Fluttering"),
    ("Clattering", "Frantic", "Rattling", "Screeching", "Galloping", "Percussive"),
)
NOUNS = (  # one row per style
    ("Teapots", "Colanders", "Ladles", "Saucepans", "Whisks", "Butterdishes"),
    ("Rhubarbs", "Parsnips", "Artichokes", "Turnips", "Gherkins", "Marrows"),
    ("Ottomans", "Footstools", "Sideboards", "Wardrobes", "Lampshades", "Doormats"),
    ("Herons", "Puffins", "Lapwings", "Cormorants", "Nuthatches", "Dotterels"),
    ("Cardigans", "Mittens", "Bootlaces", "Waistcoats", "Bonnets", "Galoshes"),
    ("Isotherms", "Drizzles", "Hailstones", "Fogbanks", "Sleetfalls", "Barometers"),
)


@dataclass(frozen=True, eq=False)
class Oracle:
    """The scorer that knows how the plays were made: no model ranks better in expectation.

    Listener u has artist a with probability pi[u, a], independently of all else. Show the oracle
    a set C of artists of which u has exactly one, drawn as the test item of `leave_one_out`
    and its candidates are. That the one is x has probability proportional to

        pi[u, x] * prod over y in C, y != x of (1 - pi[u, y])
            =  pi[u, x] / (1 - pi[u, x]) * prod over y in C of (1 - pi[u, y]),

    because every choice of x leaves u with equally many artists, so that drawing x and then the
    rest of C is equally likely. The last product is the same for all x: the posterior follows the
    odds, which grow with pi, and no order has a higher expected hit ratio than descending pi.
    (`sample_lastfm` filters users and artists by their totals, which removes next to nothing and is
    ignored here. In a validation hold-out, whose candidates may hold the test item, the posterior
    is approximate.)

    Parameters
    ----------
    log_odds : (n_users, n_items) floats
        log(pi / (1 - pi)), for the indices of the filtered Interactions.
    """

    log_odds: Array

    def predict(self, users: Ids, items: Ids) -> Array:
        """The log-odds of each pair.

        Parameters
        ----------
        users, items : (B,) integers

        Returns
        -------
        (B,) floats

        Raises
        ------
        TypeError, IndexError
            For ids that are no rows.
        """
        n_users, n_items = self.log_odds.shape
        users = check_ids(users, n_users, "users")
        return self.log_odds[users, check_ids(items, n_items, "items")]

    def best_hit_ratio(self, holdout: Holdout, k: int = 10) -> float:
        """Expected HR@k of the best possible ranking of a test hold-out, from the posteriors.

        Parameters
        ----------
        holdout : Holdout
        k : int

        Returns
        -------
        float
        """
        items = np.column_stack([holdout.items, holdout.candidates])  # (E, 1 + C)
        scores = np.where(items < 0, -np.inf, self.log_odds[holdout.users[:, None], items])
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))  # (E, 1 + C)
        posterior = odds / odds.sum(axis=1, keepdims=True)  # (E, 1 + C)
        return float(np.sort(posterior, axis=1)[:, -k:].sum(axis=1).mean())


def sample_lastfm(seed: int = 0) -> tuple[Interactions, Oracle]:
    """About 600 listeners x 400 invented artists, 30 to 46 artists a listener, counts are plays.

    Users and artists are filtered as the real data is (20 and 5); there are no timestamps.
    Raw ids: listeners from 1, artists from 1001.

    Parameters
    ----------
    seed : int

    Returns
    -------
    plays : Interactions
    oracle : Oracle
        The scorer that knows how they were made.

    Examples
    --------
    >>> plays, oracle = sample_lastfm()
    >>> plays.item_name(0)
    'Ponderous Dotterels'
    """
    rng = np.random.default_rng(seed)
    names, style, traits = _artists(rng)  # (A,), (A,), (A, 2)
    popularity = -TAIL * np.log(rng.permutation(N_ARTISTS) + 1.0)  # (A,) Zipf's law, a long tail
    likes = rng.random((N_USERS, len(NOUNS))).argsort(axis=1) < 2  # (U, styles)
    wants = rng.choice([-1, 1], size=(N_USERS, 2))  # (U, 2)
    affinity = STYLE * likes[:, style] + MATCH * (wants @ traits.T)  # (U, A)
    size = rng.uniform(*MEAN_ARTISTS, size=N_USERS)  # (U,)
    log_odds = _with_expected_size(popularity + affinity, size)  # (U, A)

    has = rng.random(log_odds.shape) < _sigmoid(log_odds)  # (U, A)
    users, artists = np.nonzero(has)
    noise = rng.standard_normal(len(users))
    plays = np.ceil(np.exp(4 + 0.3 * affinity[users, artists] + noise))
    ids = 1001 + np.arange(N_ARTISTS)
    everything = Interactions.from_columns(
        1 + users,
        ids[artists],
        plays,
        item_names=dict(zip(ids.tolist(), names)),
        source="synthetic plays",
    )
    kept = everything.filter(20, 5)
    return kept, Oracle(log_odds[np.ix_(kept.user_ids - 1, kept.item_ids - 1001)])


def _artists(rng: np.random.Generator) -> tuple[list[str], np.ndarray, np.ndarray]:
    kinds = rng.permutation(np.arange(N_ARTISTS) % (len(ADJECTIVES) * len(NOUNS)))  # (A,)
    style, pace = np.divmod(kinds, len(ADJECTIVES))  # (A,), (A,)
    traits = 2 * np.column_stack([pace % 2, pace // 2]) - 1  # (A, 2): -1 quiet, 1 loud; slow, fast
    unused = {
        (s, p): [f"{a} {n}" for a in ADJECTIVES[p] for n in NOUNS[s]]
        for s in range(len(NOUNS))
        for p in range(len(ADJECTIVES))
    }
    for names in unused.values():
        rng.shuffle(names)
    return [unused[key].pop() for key in zip(style.tolist(), pace.tolist())], style, traits


def _with_expected_size(scores: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Shift each row of (U, A) log-odds so that its probabilities sum to sizes (U,): bisection."""
    low, high = np.full(len(sizes), -50.0), np.full(len(sizes), 50.0)
    for _ in range(40):
        shift = (low + high) / 2  # (U,)
        too_few = _sigmoid(scores + shift[:, None]).sum(axis=1) < sizes  # (U,)
        low, high = np.where(too_few, shift, low), np.where(too_few, high, shift)
    return scores + shift[:, None]


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(x / 2)
