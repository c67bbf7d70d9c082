"""Implicit feedback has no dislikes: an item that a user does not have, drawn at random, stands in.

`NegativeSampler` draws those items, `epoch_batches` mixes them with the positives into one epoch of
mini-batches, and `PairIndex` says whether a user has an item. All three number the pair (u, i) as
u * n_items + i, one sorted array of integers, and let `np.searchsorted` do the looking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import check_count, check_generator, check_ids
from .interactions import Interactions, check_interactions

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import ArrayLike

    from ..core.types import Array, Batches, Ids

CHUNK_ROWS = 2**19  # rows of an epoch in memory at a time: some 50 MB while they are mixed


class PairIndex:
    """Which (user, item) pairs are in `train`: memory for the pairs, not for users x items.

    Parameters
    ----------
    train : Interactions
    """

    def __init__(self, train: Interactions) -> None:
        check_interactions(train)
        self.n_users, self.n_items = train.n_users, train.n_items
        self.keys = np.append(train.pair_keys, np.iinfo(np.int64).max)  # no search runs off the end

    def contains(self, users: ArrayLike, items: ArrayLike) -> Array:
        """Whether each pair is in train.

        A user or an item out of range, such as the -1 that pads candidates, is in no pair.

        Parameters
        ----------
        users, items : integers of shapes that broadcast

        Returns
        -------
        booleans of that shape
        """
        users, items = np.asarray(users, np.int64), np.asarray(items, np.int64)
        in_range = (users >= 0) & (users < self.n_users) & (items >= 0) & (items < self.n_items)
        keys = np.where(in_range, users, 0) * self.n_items + items
        return in_range & (self.keys[np.searchsorted(self.keys, keys)] == keys)


class NegativeSampler:
    """Draws items a user does not have in `train`, uniformly, with neither rejection nor a mask.

    Let user u have the items s_0 < s_1 < ...; then s_j - j is the number of unseen items below s_j.
    The r-th unseen item, r = 0, 1, ..., has jumped over every s_j with s_j - j <= r, so it is

        r + #{ j : s_j - j <= r }.

    By hand, with 6 items of which u has 1, 2 and 4: s_j - j is 1, 1, 2. Then r = 0 jumps over none
    and is item 0; r = 1 jumps over two and is item 3; r = 2 jumps over three and is item 5.

    A held-out item is not in `train` and may be drawn. Excluding it would tell the model, by its
    absence, which item the test asks for.

    Parameters
    ----------
    train : Interactions

    Attributes
    ----------
    n_unseen : (n_users,) integers
        What is left to draw.
    exhausted : (n_users,) booleans
        True where that is 0.

    Examples
    --------
    >>> from ncf_numpy.datasets import Interactions
    >>> u = Interactions(users=[0, 0, 0], items=[1, 2, 4], user_ids=["u"], item_ids=[*"abcdef"])
    >>> sampler = NegativeSampler(u)
    >>> drawn = sampler.sample(np.zeros(100, np.intp), np.random.default_rng(0))
    >>> sorted(set(drawn.tolist()))
    [0, 3, 5]
    """

    def __init__(self, train: Interactions) -> None:
        check_interactions(train)
        self.n_items = train.n_items
        self.first = train.offsets[:-1]  # (n_users,) where each user's pairs begin
        self.n_unseen = train.n_items - np.diff(train.offsets)  # (n_users,)
        self.exhausted = self.n_unseen == 0  # (n_users,)
        j = np.arange(len(train)) - self.first[train.users]  # (n,) 0, 1, ... within a user
        self.keys = train.pair_keys - j  # (n,) u * n_items + (s_j - j), ascending still

    def sample(self, users: Ids, rng: Generator) -> Array:
        """Draw one unseen item for each user of a batch.

        Parameters
        ----------
        users : (B,) integers
            Ascending ones are fastest.
        rng : Generator

        Returns
        -------
        (B,) integers

        Raises
        ------
        ValueError
            For a user who has every item.
        TypeError, IndexError
            For ids that are no rows.
        """
        check_generator(rng)
        users = check_ids(users, len(self.n_unseen), "users")
        if self.exhausted[users].any():
            user = users[self.exhausted[users]][0]
            raise ValueError(
                f"user {user} has all {self.n_items} items in train, so there is no negative to "
                "draw: leave out the users of sampler.exhausted"
            )
        r = rng.integers(self.n_unseen[users])  # (B,) which of the user's unseen items
        upto = np.searchsorted(self.keys, users * self.n_items + r, side="right")  # (B,)
        return r + upto - self.first[users]


def epoch_batches(
    train: Interactions,
    sampler: NegativeSampler,
    rng: Generator,
    *,
    batch_size: int = 256,
    negatives: int = 4,
) -> Batches:
    """One epoch, shuffled: every pair of train once, with label 1, and its negatives, with label 0.

    Only the last batch is short. The positives of a user who has every item come without negatives.
    The epoch is never in memory whole. The positives are shuffled and cut into chunks, of about
    100,000 where negatives = 4; a chunk gets its negatives and is shuffled with them. So a negative
    comes in the same chunk as its positive, and memory does not grow with `negatives`.
    Source: He et al. 2017, section 3.1; the authors' code, which draws again every epoch.

    Parameters
    ----------
    train : Interactions
    sampler : NegativeSampler
        Of train.
    rng : Generator
    batch_size : int
    negatives : int
        Freshly drawn items of the same user, for each pair.

    Returns
    -------
    iterator of users, items, labels
        (B,) intp, (B,) intp, (B,) float32.

    Raises
    ------
    ValueError
        For a batch_size below 1, or negatives below 0.
    """
    check_count(batch_size, 1, "batch_size")
    check_count(negatives, 0, "negatives")
    return _batches(_chunks(train, sampler, rng, negatives), rng, batch_size)


def count_batches(
    train: Interactions, sampler: NegativeSampler, *, batch_size: int = 256, negatives: int = 4
) -> int:
    """How many batches `epoch_batches` yields for the same arguments.

    Parameters
    ----------
    train : Interactions
    sampler : NegativeSampler
    batch_size, negatives : int

    Returns
    -------
    int

    Raises
    ------
    ValueError
        As `epoch_batches`.
    """
    check_count(batch_size, 1, "batch_size")
    check_count(negatives, 0, "negatives")
    n_served = np.count_nonzero(~sampler.exhausted[train.users])
    n_rows = len(train) + negatives * n_served
    return -(-n_rows // batch_size)


def _chunks(train, sampler, rng, negatives):
    """Cut the shuffled positives into chunks and add to each its negatives, not yet mixed."""
    order = rng.permutation(len(train))
    n_positives = max(1, CHUNK_ROWS // (1 + negatives))
    for start in range(0, len(order), n_positives):
        chunk = np.sort(order[start : start + n_positives])  # ascending, so sample() is fast
        users, items = train.users[chunk], train.items[chunk]
        served = np.repeat(users[~sampler.exhausted[users]], negatives)
        labels = np.zeros(len(users) + len(served), np.float32)
        labels[: len(users)] = 1
        unseen = sampler.sample(served, rng)
        yield np.concatenate([users, served]), np.concatenate([items, unseen]), labels


def _batches(chunks, rng, batch_size):
    """Shuffle each chunk and slice it; rows too few for a batch wait for the next chunk."""
    rest = np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.float32)
    for chunk in chunks:
        order = rng.permutation(len(rest[2]) + len(chunk[2]))
        pairs = zip(rest, chunk, strict=True)
        users, items, labels = (np.concatenate(pair)[order] for pair in pairs)
        n_whole = len(labels) // batch_size * batch_size
        for start in range(0, n_whole, batch_size):
            rows = slice(start, start + batch_size)
            yield users[rows], items[rows], labels[rows]
        rest = users[n_whole:], items[n_whole:], labels[n_whole:]
    if len(rest[2]):
        yield rest
