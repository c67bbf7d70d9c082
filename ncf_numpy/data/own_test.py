"""A test set of your own, such as next month's plays, beside the data to train on."""

from __future__ import annotations

import numpy as np

from .interactions import Interactions, check_interactions
from .sampling import PairIndex
from .split import Holdout, Split, counted, draw_candidates, leave_one_out


def with_own_test(
    data: Interactions,
    test: Interactions,
    rng: np.random.Generator,
    *,
    n_candidates: int = 99,
) -> Split:
    """A Split that trains on one table and is measured on the pairs of another, matched by raw ids.

    For validation one item of each user is held out of `data`, the latest where there are
    timestamps. Left out of the test, and counted in `notes`, are pairs whose user or item is not in
    `data`, pairs that are in `data` already, and users who then have every item there is. A user
    may have several test items; all are ranked against the same n_candidates items, drawn among
    those that the user has in neither.

    Parameters
    ----------
    data : Interactions
        To train on.
    test : Interactions
        To be measured on, such as next month's plays.
    rng : Generator
    n_candidates : int
        Negatives for each held-out item.

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        Where no test pair is left.
    """
    import pandas as pd

    check_interactions(test)
    inner = leave_one_out(data, rng, n_candidates=n_candidates, validation=False)
    users = pd.Index(data.user_ids).get_indexer(test.user_ids)[test.users]  # (n,) -1 is unknown
    items = pd.Index(data.item_ids).get_indexer(test.item_ids)[test.items]
    unknown_user, unknown_item = users < 0, (users >= 0) & (items < 0)
    repeated = PairIndex(data).contains(users, items)
    keep = ~(unknown_user | unknown_item | repeated)
    users, items = users[keep], items[keep]
    everything = Interactions.from_indices(
        np.concatenate([data.users, users]),
        np.concatenate([data.items, items]),
        data.user_ids,
        data.item_ids,
    )
    has_all = np.diff(everything.offsets)[users] == data.n_items
    users, items = users[~has_all], items[~has_all]
    notes = (
        counted("Test pairs of a user who is not in the training data", unknown_user),
        counted("Test pairs of an item that is not in the training data", unknown_item),
        counted("Test pairs that are in the training data already", repeated),
        counted("Test pairs of users who have every item", has_all),
    )
    if not len(users):
        ids = (
            f" Ids must be the same in both: users are {_like(data.user_ids)} to train on and "
            f"{_like(test.user_ids)} in the test, items {_like(data.item_ids)} and "
            f"{_like(test.item_ids)}"
        )
        is_strange = unknown_user.any() or unknown_item.any()
        raise ValueError(
            f"no test pair is left of {len(test):,}. {' '.join(filter(None, notes))}"
            f"{ids if is_strange else ''}"
        )
    order = np.lexsort((items, users))
    users, items = users[order], items[order]
    distinct, row = np.unique(users, return_inverse=True)
    candidates = draw_candidates(everything, distinct, n_candidates, rng)[row]
    protocol = (
        f"Own test items: {len(users):,} of {len(distinct):,} users, ranked against {n_candidates} "
        "items that the user has in neither file, drawn uniformly; one more item of each user is "
        "held out of the training data for validation."
    )
    held_out = Holdout(users, items, candidates)
    notes = (*filter(None, notes), *inner.notes)
    return Split(inner.train, inner.test, held_out, protocol, notes)


def _like(ids: np.ndarray) -> str:
    first = ids[:1].tolist()[0]
    return f"{'texts' if isinstance(first, str) else 'integers'} such as {first!r}"
