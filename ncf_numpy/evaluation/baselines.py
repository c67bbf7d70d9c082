"""What a neural recommender has to beat: counting.

`Popularity` recommends to all users what most users have; `ItemKNN` recommends what is had by the
same people as the items you have. Neither has a gradient, both are fitted in seconds, and they
often match neural models (Ferrari Dacrema et al. 2021, TOIS 39(2)); so do `EASE` and `ImplicitALS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.checks import check_count, check_ids, check_rate, check_switch
from .baseline import Baseline as Baseline
from .baseline import counts_of, has_items, users_by_item
from .top_k import largest

if TYPE_CHECKING:
    from ..core.types import Array, Ids
    from ..data.interactions import Interactions

PAIRS_PER_GATHER = 4096


class Popularity(Baseline):
    """score(u, i) = n_i, how many users have item i in train, the same for every u.

    Source: ItemPop in He et al. 2017, section 4.1; TopPop in Cremonesi et al. 2010, RecSys.

    Parameters
    ----------
    use_counts : bool
        n_i is the sum of their counts, such as all plays of item i.
    """

    learned = ("n_i",)

    def __init__(self, use_counts: bool = False) -> None:
        super().__init__()
        self.use_counts = check_switch("use_counts", use_counts)
        self.n_i: Array | None = None  # (n_items,)

    def shapes(self, n_users: int, n_items: int) -> dict[str, Any]:
        """{name: (shape, dtype)} of what is learned from so many users and items."""
        return {"n_i": ((n_items,), np.float64)}

    def fit(self, train: Interactions) -> Popularity:
        """Count the users of each item; returns self. ValueError where counts are missing."""
        self.know(train)
        counts = counts_of(train) if self.use_counts else None
        self.n_i = np.bincount(train.items, counts, train.n_items).astype(np.float64)
        return self

    def predict(self, users: Ids, items: Ids) -> Array:
        """users (B,), items (B,) -> scores (B,)."""
        users, items = self._check_pairs(users, items)
        return self.n_i[items]

    def scores(self, users: Ids) -> Array:
        """users (U,) -> scores (U, n_items)."""
        return np.tile(self.n_i, (len(users), 1))

    def similarities_to_user(self, user: int) -> Array:
        """No two users differ: ValueError."""
        raise ValueError(
            "popularity does not compare users with each other: fit another model, such as "
            "itemknn or neumf"
        )

    def contributions(self, user: int, item: int) -> dict[str, float]:
        """{part: what it adds to the score of (user, item)}."""
        part = "sum of its counts" if self.use_counts else "users who have it"
        return {part: float(self.predict([user], [item])[0])}


class ItemKNN(Baseline):
    """Items are alike when the same people have them; u gets what is like the items of u.

        sim(i, j) = |U_i & U_j| / (sqrt(n_i n_j) + shrink),    sim(i, i) = 0
        score(u, i) = sum of sim(i, j) over those items j of u that are among i's nearest

    U_i are the n_i users of item i, so with shrink = 0 this is the cosine of two columns of the 0/1
    matrix user x item.
    (Deshpande & Karypis cut the lists of u's own items instead: with 50 neighbours on MovieLens-1M,
    HR@10 is then .608, not .668.)
    Source: Sarwar et al. 2001, WWW; Deshpande & Karypis 2004, TOIS 22(1); the sum is not divided by
    the similarities' total, as Cremonesi et al. 2010, RecSys, advise for ranking.

    Parameters
    ----------
    neighbours : int
        How many nearest items each item keeps, equally near ones in the order of their indices.
    shrink : float
        A larger one trusts items with few users less.
    use_counts : bool
        The matrix has r_ui = log2(1 + count) where it had 1, which is 1 for a count of 1; sim is
        the cosine of these columns, and each j adds sim(i, j) r_uj to the score. For a new user,
        of whom only the items are known, every r is 1.

    Raises
    ------
    ValueError
        For neighbours below 1, or a shrink that is negative or not finite.
    """

    learned = ("nearest", "similarities")

    def __init__(self, neighbours: int = 50, shrink: float = 0, use_counts: bool = False) -> None:
        super().__init__()
        self.neighbours = check_count(neighbours, 1, "neighbours")
        self.shrink = check_rate("shrink", shrink)
        self.use_counts = check_switch("use_counts", use_counts)
        self.values_of = None  # for each user, the array of r_ui of their items; None: all are 1
        # (n_items, N) items, the nearest first; N = min(neighbours, n_items)
        self.nearest: Array | None = None
        self.similarities: Array | None = None  # (n_items, N) float32
        self._listed = None  # the same lists the other way round, made when first asked for

    def shapes(self, n_users: int, n_items: int) -> dict[str, Any]:
        """{name: (shape, dtype)} of what is learned from so many users and items."""
        shape = n_items, min(self.neighbours, n_items)
        return {"nearest": (shape, np.intp), "similarities": (shape, np.float32)}

    def know(self, data: Interactions) -> None:
        """Keep the interactions and counts. ValueError where counts are missing."""
        super().know(data)
        if self.use_counts:
            self.values_of = np.split(np.log2(1 + counts_of(data)), data.offsets[1:-1])

    def with_one_user(self, items: Array) -> ItemKNN:
        """As of every baseline; of this user no counts are known."""
        one = super().with_one_user(items)
        one.values_of = None
        return one

    def restore(self, data: Interactions, arrays: dict[str, Array]) -> None:
        """As of every baseline; ValueError for neighbours that are no items of the data."""
        nearest = arrays["nearest"]
        if not ((nearest >= 0) & (nearest < data.n_items)).all():
            raise ValueError(f"nearest names items outside 0..{data.n_items - 1}")
        super().restore(data, arrays)

    def fit(self, train: Interactions) -> ItemKNN:
        """Find every item's neighbours; returns self. Memory for one row of sim at a time.

        Where the users of an item have less than the catalogue, only what they have is compared.
        """
        self.know(train)
        by_item, offsets = users_by_item(train)
        users_of = np.split(by_item, offsets[1:-1])
        r = None if self.values_of is None else np.concatenate(self.values_of)  # (n,)
        squares = np.bincount(train.items, r if r is None else r**2, train.n_items)  # (n_items,)
        squares[squares == 0] = 1  # of an item that no user has
        self.nearest = np.empty((train.n_items, min(self.neighbours, train.n_items)), np.intp)
        self.similarities = np.zeros(self.nearest.shape, np.float32)
        catalogue, N = np.arange(train.n_items), self.nearest.shape[1]
        for i, users in enumerate(users_of):
            had_too = np.concatenate([train.items[:0], *(self.items_of[u] for u in users)])
            j, place = catalogue, had_too  # (J,) what is compared, and which of it they had
            if 0 < len(had_too) < train.n_items:
                j, place = np.unique(had_too, return_inverse=True)
            shared = np.bincount(place, self._products(i, users), len(j))  # (J,)
            shared[j == i] = 0
            sim = shared / (np.sqrt(squares[i] * squares[j]) + self.shrink)  # (J,)
            best = largest(sim, N)
            best = best[sim[best] > 0]
            n, near = len(best), j[best]
            self.nearest[i, :n], self.similarities[i, :n] = near, sim[best]
            if n < N:  # the first items that are alike in nothing fill it up
                free = np.ones(min(N + n, train.n_items), bool)
                free[near[near < len(free)]] = False
                self.nearest[i, n:] = np.flatnonzero(free)[: N - n]
        self._listed = None
        return self

    def _products(self, i, users):
        """r_ui r_uj of all items j of these users, one user after the other; None if all are 1."""
        if self.values_of is None:
            return None
        products = [np.empty(0)]
        for u in users:
            r = self.values_of[u]
            products.append(r[np.searchsorted(self.items_of[u], i)] * r)
        return np.concatenate(products)

    def scores(self, users: Ids) -> Array:
        """users (U,) -> scores (U, n_items) float32."""
        if self._listed is None:
            self._listed = self._items_that_list()
        items, similarities, offsets = self._listed
        has = [self.items_of[user] for user in users]
        row = np.repeat(np.arange(len(users)), [len(each) for each in has])  # (P,)
        has = np.concatenate(has)  # (P,)
        n = np.diff(offsets)[has]  # (P,) how many items list each of them
        place = np.arange(n.sum()) + np.repeat(offsets[has] - n.cumsum() + n, n)  # (G,)
        cell = np.repeat(row * self.n_items, n) + items[place]  # (G,) in the flat matrix
        size = len(users) * self.n_items
        terms = similarities[place]  # (G,)
        if self.values_of is not None:
            terms = terms * np.repeat(np.concatenate([self.values_of[u] for u in users]), n)
        sums = np.bincount(cell, terms, size)
        return sums.reshape(len(users), self.n_items).astype(np.float32)

    def _items_that_list(self):
        """For each item j the items i that have j among their nearest, and sim(i, j).

        -> items (M,), similarities (M,), offsets (n_items + 1,): those of j begin at offsets[j].
        """
        item, place = np.nonzero(self.similarities)  # (M,), (M,)
        near = self.nearest[item, place]  # (M,)
        order = np.argsort(near, kind="stable")
        offsets = np.searchsorted(near[order], np.arange(self.n_items + 1))
        return item[order], self.similarities[item, place][order], offsets

    def predict(self, users: Ids, items: Ids) -> Array:
        """users (B,), items (B,) -> scores (B,) float32."""
        users, items = self._check_pairs(users, items)
        scores = np.empty(len(users), np.float32)
        for start in range(0, len(users), PAIRS_PER_GATHER):
            rows = slice(start, start + PAIRS_PER_GATHER)
            distinct, row = np.unique(users[rows], return_inverse=True)  # (U,), (B,)
            r = has_items(self, distinct, self.values_of)  # (U, n_items)
            near = self.nearest[items[rows]]  # (B, N)
            scores[rows] = (self.similarities[items[rows]] * r[row[:, None], near]).sum(axis=1)
        return scores

    def similar_items(self, item: int, k: int) -> tuple[Array, Array]:
        """The k items nearest to one item.

        Parameters
        ----------
        item : int
        k : int

        Returns
        -------
        items, similarities : (k,) arrays
            The nearest first. Fewer than k where fewer have a user in common with `item`, or where
            k > neighbours.

        Raises
        ------
        RuntimeError
            Before `fit`.
        IndexError
            For an item that is not in the data.
        """
        self._check_fitted()
        check_count(k, 1, "k")
        (item,) = check_ids([item], self.n_items, "item")
        n_alike = np.count_nonzero(self.similarities[item, :k])
        return self.nearest[item, :n_alike], self.similarities[item, :n_alike]

    def similarities_to(self, item: int) -> Array:
        """How alike each item is to this one: -> (n_items,), 0 outside its neighbours."""
        alike = np.zeros(self.n_items, self.similarities.dtype)
        alike[self.nearest[item]] = self.similarities[item]
        return alike

    def contributions(self, user: int, item: int) -> dict[str, float]:
        """{part: what it adds to the score of (user, item)}."""
        return {"neighbours": float(self.predict([user], [item])[0])}
