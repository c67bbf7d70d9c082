"""What a neural recommender has to beat: counting.

`Popularity` recommends to everybody what most people have; `ItemKNN` recommends what is had by the
same people as the items you have. Neither has a gradient, both are fitted in seconds, and they
often match neural models (Ferrari Dacrema et al. 2021, TOIS 39(2)); so do `EASE` and `ImplicitALS`.
"""

import copy

import numpy as np

from ..core.checks import check_count, check_ids, check_pairs
from .top_k import largest

PAIRS_PER_GATHER = 4096


class Baseline:
    """What all share: fit(train) -> self, then predict(users (B,), items (B,)) -> scores (B,).

    `learned` names the arrays that `fit` makes; `shapes` says what they are, before there are any.
    """

    learned = ()

    def __init__(self):
        self.n_users = self.n_items = None
        self.items_of = None  # for each user, the array of its items

    def know(self, data):
        """Remember who has what."""
        self.n_users, self.n_items = data.n_users, data.n_items
        self.items_of = np.split(data.items, data.offsets[1:-1])

    def restore(self, data, arrays):
        """Make this baseline what the fitted one was: arrays {name: array}, of its `learned`."""
        self.know(data)
        for name in self.learned:
            setattr(self, name, arrays[name])

    def with_one_user(self, items):
        """A copy that knows a single user, number 0, who has these items; it shares the rest."""
        one = copy.copy(self)
        one.n_users, one.items_of = 1, [items]
        return one

    def similarities_to(self, item):
        """How alike each item is to this one: -> (n_items,). ValueError where none are compared."""
        raise ValueError(
            f"{type(self).__name__.lower()} does not compare items with each other: fit another "
            "model, such as itemknn or neumf"
        )

    def similarities_to_user(self, user):
        """How alike each user is to this one, the cosine of their rows of 0 and 1: -> (n_users,).

        |I_u & I_v| / sqrt(n_u n_v), for users u and v with n_u and n_v items.
        """
        n = np.array([len(items) for items in self.items_of])  # (n_users,)
        (has,) = has_items(self, [user])  # (n_items,)
        row = np.repeat(np.arange(self.n_users), n)
        shared = np.bincount(row, has[np.concatenate(self.items_of)], self.n_users)
        return shared / np.sqrt(n[user].clip(1) * n.clip(1))

    def vectors(self, side):
        """The vectors of "user" or "item": -> (n, K). ValueError for a baseline without."""
        raise ValueError(
            f"{type(self).__name__.lower()} has no {side} vectors: fit another model, such as ials "
            "or neumf"
        )

    def _check_fitted(self):
        if self.n_items is None:
            raise RuntimeError(f"{type(self).__name__} knows nothing before fit(train)")

    def _check_pairs(self, users, items):
        self._check_fitted()
        users = check_ids(users, self.n_users, "users")
        items = check_ids(items, self.n_items, "items")
        check_pairs(users, items)
        return users, items


class Popularity(Baseline):
    """score(u, i) = n_i, how many users have item i in train, whoever u is.

    use_counts: n_i is the sum of their counts, such as all plays of item i.
    Source: ItemPop in He et al. 2017, section 4.1; TopPop in Cremonesi et al. 2010, RecSys.
    """

    learned = ("n_i",)

    def __init__(self, use_counts=False):
        super().__init__()
        self.use_counts = use_counts
        self.n_i = None  # (n_items,)

    def shapes(self, n_users, n_items):
        """{name: (shape, dtype)} of what is learned from so many users and items."""
        return {"n_i": ((n_items,), np.float64)}

    def fit(self, train):
        """Count the users of each item; returns self. ValueError where counts are missing."""
        self.know(train)
        counts = counts_of(train) if self.use_counts else None
        self.n_i = np.bincount(train.items, counts, train.n_items).astype(np.float64)
        return self

    def predict(self, users, items):
        """users (B,), items (B,) -> scores (B,)."""
        users, items = self._check_pairs(users, items)
        return self.n_i[items]

    def scores(self, users):
        """users (U,) -> scores (U, n_items)."""
        return np.tile(self.n_i, (len(users), 1))

    def similarities_to_user(self, user):
        """No two users differ: ValueError."""
        raise ValueError(
            "popularity does not compare users with each other: fit another model, such as "
            "itemknn or neumf"
        )

    def contributions(self, user, item):
        """{part: what it adds to the score of (user, item)}."""
        part = "sum of its counts" if self.use_counts else "users who have it"
        return {part: float(self.predict([user], [item])[0])}


class ItemKNN(Baseline):
    """Items are alike when the same people have them; u gets what is like the items of u.

        sim(i, j) = |U_i & U_j| / (sqrt(n_i n_j) + shrink),    sim(i, i) = 0
        score(u, i) = sum of sim(i, j) over those items j of u that are among i's nearest

    U_i are the n_i users of item i, so with shrink = 0 this is the cosine of two columns of the 0/1
    matrix user x item; a larger `shrink` trusts items with few users less. Each item to be scored
    keeps its `neighbours` nearest items, equally near ones in the order of their indices.
    (Deshpande & Karypis cut the lists of u's own items instead: with 50 neighbours on MovieLens-1M,
    HR@10 is then .608, not .668.)
    use_counts: the matrix has r_ui = log2(1 + count) where it had 1, which is 1 for a count of 1;
    sim is the cosine of these columns, and each j adds sim(i, j) r_uj to the score. For somebody
    new, of whom only the items are known, every r is 1.
    Source: Sarwar et al. 2001, WWW; Deshpande & Karypis 2004, TOIS 22(1); the sum is not divided by
    the similarities' total, as Cremonesi et al. 2010, RecSys, advise for ranking.
    """

    learned = ("nearest", "similarities")

    def __init__(self, neighbours=50, shrink=0, use_counts=False):
        super().__init__()
        check_count(neighbours, 1, "neighbours")
        if not 0 <= shrink < np.inf:
            raise ValueError(f"shrink must be a finite number of at least 0, got {shrink!r}")
        self.neighbours = neighbours
        self.shrink = float(shrink)
        self.use_counts = use_counts
        self.values_of = None  # for each user, the array of r_ui of their items; None: all are 1
        self.nearest = None  # (n_items, N) items, the nearest first; N = min(neighbours, n_items)
        self.similarities = None  # (n_items, N) float32
        self._listed = None  # the same lists the other way round, made when first asked for

    def shapes(self, n_users, n_items):
        """{name: (shape, dtype)} of what is learned from so many users and items."""
        shape = n_items, min(self.neighbours, n_items)
        return {"nearest": (shape, np.intp), "similarities": (shape, np.float32)}

    def know(self, data):
        """Remember who has what, and how often. ValueError where counts are missing."""
        super().know(data)
        if self.use_counts:
            self.values_of = np.split(np.log2(1 + counts_of(data)), data.offsets[1:-1])

    def with_one_user(self, items):
        """As of every baseline; of this user no counts are known."""
        one = super().with_one_user(items)
        one.values_of = None
        return one

    def restore(self, data, arrays):
        """As of every baseline; ValueError for neighbours that are no items of the data."""
        nearest = arrays["nearest"]
        if not ((nearest >= 0) & (nearest < data.n_items)).all():
            raise ValueError(f"nearest names items outside 0..{data.n_items - 1}")
        super().restore(data, arrays)

    def fit(self, train):
        """Find every item's neighbours; returns self. Memory for one row of sim at a time."""
        self.know(train)
        by_item, offsets = users_by_item(train)
        users_of = np.split(by_item, offsets[1:-1])
        r = None if self.values_of is None else np.concatenate(self.values_of)  # (n,)
        squares = np.bincount(train.items, r if r is None else r**2, train.n_items)  # (n_items,)
        squares[squares == 0] = 1  # of an item that nobody has
        self.nearest = np.empty((train.n_items, min(self.neighbours, train.n_items)), np.intp)
        self.similarities = np.empty(self.nearest.shape, np.float32)
        for i, users in enumerate(users_of):
            had_too = np.concatenate([train.items[:0], *(self.items_of[u] for u in users)])
            shared = np.bincount(had_too, self._products(i, users), train.n_items)  # (n_items,)
            shared[i] = 0
            sim = shared / (np.sqrt(squares[i] * squares) + self.shrink)  # (n_items,)
            self.nearest[i] = largest(sim, self.neighbours)
            self.similarities[i] = sim[self.nearest[i]]
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

    def scores(self, users):
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

    def predict(self, users, items):
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

    def similar_items(self, item, k):
        """The k nearest: -> items (k,), similarities (k,), the nearest first.

        Fewer than k where fewer have a user in common with `item`, or where k > neighbours.
        """
        self._check_fitted()
        check_count(k, 1, "k")
        (item,) = check_ids([item], self.n_items, "item")
        n_alike = np.count_nonzero(self.similarities[item, :k])
        return self.nearest[item, :n_alike], self.similarities[item, :n_alike]

    def similarities_to(self, item):
        """How alike each item is to this one: -> (n_items,), 0 outside its neighbours."""
        alike = np.zeros(self.n_items, self.similarities.dtype)
        alike[self.nearest[item]] = self.similarities[item]
        return alike

    def contributions(self, user, item):
        """{part: what it adds to the score of (user, item)}."""
        return {"neighbours": float(self.predict([user], [item])[0])}


def users_by_item(train):
    """-> users (n,) sorted by item, offsets (n_items + 1,): item i's begin at offsets[i]."""
    order = np.argsort(train.items, kind="stable")
    return train.users[order], np.searchsorted(train.items[order], np.arange(train.n_items + 1))


def has_items(baseline, users, values_of=None):
    """Which items each of U users has: -> bool (U, n_items); or their values, float32."""
    has = np.zeros((len(users), baseline.n_items), bool if values_of is None else np.float32)
    for row, user in enumerate(users):
        has[row, baseline.items_of[user]] = True if values_of is None else values_of[user]
    return has


def counts_of(data):
    """The counts (n,) of data; ValueError if it has none."""
    if data.counts is None:
        raise ValueError(
            f"use_counts needs counts, and {data} has none: name their column, count='plays' or "
            "--count-column plays, or leave use_counts out"
        )
    return data.counts


def cosines(vectors, row):
    """The cosine of every row of vectors (n, K) with one of them: -> (n,), 0 for a zero vector."""
    norms = np.linalg.norm(vectors, axis=1)  # (n,)
    return vectors @ vectors[row] / np.maximum(norms * norms[row], 1e-30)
