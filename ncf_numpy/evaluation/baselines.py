"""What a neural recommender has to beat: counting, and one matrix inverse.

`Popularity` recommends to everybody what most people have; `ItemKNN` recommends what is had by the
same people as the items you have; `EASE` solves for the best such item-to-item weights. None has a
gradient, all are fitted in seconds, and they often match neural models (Ferrari Dacrema et al.
2021, TOIS 39(2)).
"""

import numpy as np

from ..core.layers import check_ids
from ..data.sampling import check_count

PAIRS_PER_GATHER = 4096
USERS_PER_BLOCK = 1024


class Popularity:
    """score(u, i) = n_i, how many users have item i in train, whoever u is.

    Source: ItemPop in He et al. 2017, section 4.1; TopPop in Cremonesi et al. 2010, RecSys.
    """

    def __init__(self):
        self.n_users = self.n_items = None
        self.n_i = None  # (n_items,)

    def fit(self, train):
        """Count the users of each item; returns self."""
        self.n_users, self.n_items = train.n_users, train.n_items
        self.n_i = np.bincount(train.items, minlength=train.n_items).astype(np.float64)
        return self

    def predict(self, users, items):
        """users (B,), items (B,) -> scores (B,)."""
        users, items = _check_pairs(self, users, items)
        return self.n_i[items]


class ItemKNN:
    """Items are alike when the same people have them; u gets what is like the items of u.

        sim(i, j) = |U_i & U_j| / (sqrt(n_i n_j) + shrink),    sim(i, i) = 0
        score(u, i) = sum of sim(i, j) over those items j of u that are among i's nearest

    U_i are the n_i users of item i, so with shrink = 0 this is the cosine of two columns of the 0/1
    matrix user x item; a larger `shrink` trusts items with few users less. Each item to be scored
    keeps its `neighbours` nearest items, equally near ones in the order of their indices.
    (Deshpande & Karypis cut the lists of u's own items instead: with 50 neighbours on MovieLens-1M,
    HR@10 is then .608, not .668.)
    Source: Sarwar et al. 2001, WWW; Deshpande & Karypis 2004, TOIS 22(1); the sum is not divided by
    the similarities' total, as Cremonesi et al. 2010, RecSys, advise for ranking.
    """

    def __init__(self, neighbours=50, shrink=0):
        check_count(neighbours, 1, "neighbours")
        if not 0 <= shrink < np.inf:
            raise ValueError(f"shrink must be a finite number of at least 0, got {shrink!r}")
        self.neighbours = neighbours
        self.shrink = float(shrink)
        self.n_users = self.n_items = None
        self.items_of = None  # for each user, the array of its items
        self.nearest = None  # (n_items, N) items, the nearest first; N = min(neighbours, n_items)
        self.similarities = None  # (n_items, N) float32

    def fit(self, train):
        """Find every item's neighbours; returns self. Memory for one row of sim at a time."""
        self.n_users, self.n_items = train.n_users, train.n_items
        self.items_of = np.split(train.items, train.offsets[1:-1])
        n_i = np.bincount(train.items, minlength=train.n_items)  # (n_items,)
        by_item = train.users[np.argsort(train.items, kind="stable")]  # (n,)
        users_of = np.split(by_item, np.cumsum(n_i)[:-1])
        self.nearest = np.empty((train.n_items, min(self.neighbours, train.n_items)), np.intp)
        self.similarities = np.empty(self.nearest.shape, np.float32)
        for i, users in enumerate(users_of):
            had_too = np.concatenate([train.items[:0], *(self.items_of[u] for u in users)])
            shared = np.bincount(had_too, minlength=train.n_items)  # (n_items,) |U_i & U_j|
            shared[i] = 0
            sim = shared / (np.sqrt(n_i[i].clip(1) * n_i.clip(1)) + self.shrink)  # (n_items,)
            self.nearest[i] = np.argsort(-sim, kind="stable")[: self.neighbours]
            self.similarities[i] = sim[self.nearest[i]]
        return self

    def predict(self, users, items):
        """users (B,), items (B,) -> scores (B,) float32."""
        users, items = _check_pairs(self, users, items)
        scores = np.empty(len(users), np.float32)
        for start in range(0, len(users), PAIRS_PER_GATHER):
            rows = slice(start, start + PAIRS_PER_GATHER)
            distinct, row = np.unique(users[rows], return_inverse=True)  # (U,), (B,)
            has = _has(self, distinct)  # (U, n_items)
            near = self.nearest[items[rows]]  # (B, N)
            scores[rows] = (self.similarities[items[rows]] * has[row[:, None], near]).sum(axis=1)
        return scores

    def similar_items(self, item, k):
        """The k nearest: -> items (k,), similarities (k,), the nearest first.

        Fewer than k where fewer have a user in common with `item`, or where k > neighbours.
        """
        _check_fitted(self)
        check_count(k, 1, "k")
        (item,) = check_ids([item], self.n_items, "item")
        n_alike = np.count_nonzero(self.similarities[item, :k])
        return self.nearest[item, :n_alike], self.similarities[item, :n_alike]


class EASE:
    """A linear model without hidden layer: every item is predicted from all the others at once.

        P = (X^T X + l2 I)^-1,    B[j, i] = -P[j, i] / P[i, i] for j != i,    B[i, i] = 0
        score(u, i) = sum of B[j, i] over the items j of u

    X is the 0/1 matrix user x item, and B minimises |X - X B|^2 + l2 |B|^2 among all matrices with
    a zero diagonal, which keeps an item from predicting itself. Needs time n_items^3 and memory for
    four n_items x n_items matrices of float64: .4 GB for the 3,706 items of MovieLens-1M.
    Source: Steck 2019, WWW, equation 8.
    """

    def __init__(self, l2=500):
        if not 0 < l2 < np.inf:
            raise ValueError(f"l2 must be a finite number above 0, got {l2!r}")
        self.l2 = float(l2)
        self.n_users = self.n_items = None
        self.items_of = None  # for each user, the array of its items
        self.B = None  # (n_items, n_items) float32

    def fit(self, train):
        """Solve for B; returns self."""
        self.n_users, self.n_items = train.n_users, train.n_items
        self.items_of = np.split(train.items, train.offsets[1:-1])
        G = self.l2 * np.eye(train.n_items)  # (n_items, n_items)
        for start in range(0, train.n_users, USERS_PER_BLOCK):
            users = range(train.n_users)[start : start + USERS_PER_BLOCK]
            X = _has(self, users).astype(np.float32)  # (U, n_items); its counts are exact
            G += X.T @ X  # (n_items, U) @ (U, n_items)
        P = np.linalg.inv(G)
        self.B = (P / -np.diag(P)).astype(np.float32)  # column i by -P[i, i]
        np.fill_diagonal(self.B, 0)
        return self

    def predict(self, users, items):
        """users (B,), items (B,) -> scores (B,) float32."""
        users, items = _check_pairs(self, users, items)
        scores = np.empty(len(users), np.float32)
        order = np.argsort(users, kind="stable")  # (B,) the pairs of a user side by side
        distinct, starts = np.unique(users[order], return_index=True)
        for user, pairs in zip(distinct, np.split(order, starts[1:])):
            scores[pairs] = self.B[np.ix_(self.items_of[user], items[pairs])].sum(axis=0)
        return scores


def _has(baseline, users):
    """Which items each of U users has: -> bool (U, n_items)."""
    has = np.zeros((len(users), baseline.n_items), bool)
    for row, user in enumerate(users):
        has[row, baseline.items_of[user]] = True
    return has


def _check_fitted(baseline):
    if baseline.n_items is None:
        raise RuntimeError(f"{type(baseline).__name__} knows nothing before fit(train)")


def _check_pairs(baseline, users, items):
    _check_fitted(baseline)
    users = check_ids(users, baseline.n_users, "users")
    items = check_ids(items, baseline.n_items, "items")
    if len(users) != len(items):
        raise ValueError(f"users and items must pair up, got {len(users)} and {len(items)}")
    return users, items
