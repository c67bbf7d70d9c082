"""What a fitted recommender answers, in raw ids: lists of items, what is alike, and why."""

import copy

import numpy as np

from ..core.checks import check_count
from ..core.layers import sigmoid
from ..evaluation.baselines import Baseline, ItemKNN
from .explain import Explanation, contributions
from .fold_in import FoldedUser, fold_in
from .lists import best
from .models import PAIRWISE
from .vectors import nearest, similarities, vectors
from .write import write_csv

USERS_PER_BLOCK = 4096


class Answers:
    """The questions; `Recommender` has data, model and settings, and the indices of raw ids."""

    def recommend(self, user, k=10, exclude_seen=True, *, only=None, without=None):
        """The k items with the highest scores: a DataFrame with columns item, name, score.

        user: a raw id; or a list, array or Series of them, and then the first column is user.
        only: raw ids of the items to choose from, such as what is in stock; without: of items that
        nobody is to get.
        score: the probability (of neural models; a baseline's own score otherwise). Items are
        ranked by the logit, since a probability near 1 rounds to 1 and would tie; ties go to the
        lower index. Where itemknn knows of no item like those a user has, the most popular ones
        fill up the list, with score 0. There are fewer than k rows where fewer items are left; none
        for a user who has everything. KeyError for a user or an item that is not in data;
        FloatingPointError where training has left scores that are not finite.

        The whole catalogue is scored, a block of users at a time: memory does not grow with users
        x items. For all users: `write_recommendations`.
        """
        known = self._known()
        k = check_count(k, 1, "k")
        users = np.atleast_1d(np.asarray(user, dtype=object))
        if users.ndim > 1:
            raise ValueError(f"user must be a raw id or a list of them, got shape {users.shape}")
        rows = np.array([known._user_index(each) for each in users], np.intp)
        table = known._lists(rows, k, exclude_seen, known._candidates(only, without))
        return table if np.ndim(user) else table.drop(columns="user")

    def write_recommendations(
        self, path, users=None, k=10, exclude_seen=True, *, only=None, without=None, progress=False
    ):
        """A CSV file with columns user, item, name, score: the lists of all users, or of these.

        Arguments as in `recommend`; progress: a bar on stderr. The file takes the old one's place
        only when it is complete. OSError naming the path otherwise.
        """
        known = self._known()
        k = check_count(k, 1, "k")
        rows = np.arange(known.data.n_users)
        if users is not None:
            rows = np.array([known._user_index(each) for each in users], np.intp)
        candidates = known._candidates(only, without)
        blocks = [rows[a : a + USERS_PER_BLOCK] for a in range(0, len(rows), USERS_PER_BLOCK)]
        tables = (known._lists(block, k, exclude_seen, candidates) for block in blocks or [rows])
        write_csv(path, tables, len(blocks), progress=progress)

    def similar_items(self, item, k=10):
        """The k items most like a raw item id: a DataFrame with columns item, name, score.

        What score is: `vectors.similarities`. itemknn gives no more than its neighbours with at
        least one user in common. KeyError for an item not in data, with the closest names;
        ValueError for popularity, to which no two items are alike.
        """
        known = self._known()
        k = check_count(k, 1, "k")
        return known._table(*nearest(known.model, known._item_index(item), k))

    def similar_users(self, user, k=10):
        """The k users most like a raw user id: a DataFrame with columns user, score.

        score is the cosine of the vectors, or of the rows of 0 and 1 where a model has none.
        KeyError for a user not in data; ValueError for popularity.
        """
        import pandas as pd

        known = self._known()
        k = check_count(k, 1, "k")
        rows, scores = nearest(known.model, known._user_index(user), k, "user")
        return pd.DataFrame({"user": known.data.user_ids[rows], "score": scores})

    def user_vectors(self):
        """What the model has learned of each user: a DataFrame (n_users, D) by raw id.

        Columns say which factor it is, of which branch of NeuMF, or a bias. ValueError for a
        baseline that has no vectors.
        """
        return self._known()._vectors("user")

    def item_vectors(self):
        """What the model has learned of each item: a DataFrame (n_items, D) by raw id."""
        return self._known()._vectors("item")

    def find_item(self, name):
        """The raw id of the item with this name, in any case; KeyError with the closest names."""
        known = self._known()
        return known.data.item_ids[known.data.find_item(name)]

    def fold_in(self, items, *, steps=100, lr=0.03):
        """Somebody new who has these items: -> FoldedUser, with recommend(k) and explain(item).

        items: raw ids, at least one; those that repeat count once. One user row is learned and all
        else stays as it is; the same items give the same row. KeyError for an unknown item.
        """
        known = self._known()
        indices = known._item_indices(items, "items")
        if not len(indices):
            raise ValueError("fold_in needs at least one item that the new user has")
        rng = np.random.default_rng(known.settings["seed"])
        how = {"steps": steps, "lr": lr, "pairwise": known.settings["model"] in PAIRWISE}
        return FoldedUser(known, fold_in(known.model, indices, rng, **how), indices)

    def explain(self, user, item, k=3):
        """What the parts of the model add to the logit of user and item, raw ids -> Explanation.

        nearest: the k items of the user that are most like this one, itself left out.
        """
        known = self._known()
        u = known._user_index(user)
        return known._explain(known.model, u, known._seen(u), item, k)

    def _known(self):
        """A copy for one call: what another thread's `fit` learns replaces nothing in the midst."""
        if self.model is None:
            raise RuntimeError(
                "this recommender knows nobody yet: call fit(data), or Recommender.load"
            )
        return copy.copy(self)

    def _lists(self, rows, k, exclude_seen, candidates):
        """The lists of user indices (U,) as a DataFrame: user, item, name, score."""
        seen = [self.data.items_of(u) for u in rows] if exclude_seen else None
        how = {"excluded": seen, "candidates": candidates}
        row, items, scores = best(self.model, self.data, rows, k, **how)
        table = self._table(items, scores)
        table.insert(0, "user", self.data.user_ids[rows[row]])
        return table

    def _candidates(self, only, without):
        """Indices of the items to choose from, or None for all; ValueError where none is left."""
        if only is None and without is None:
            return None
        left = np.arange(self.data.n_items) if only is None else self._item_indices(only, "only")
        if without is not None:
            left = np.setdiff1d(left, self._item_indices(without, "without"))
        if not len(left):
            raise ValueError("only and without leave no item to choose from")
        return left

    def _table(self, items, scores):
        import pandas as pd

        distinct, row = np.unique(items, return_inverse=True)
        names = np.array([self.data.item_name(i) for i in distinct], object)[row]
        columns = {"item": self.data.item_ids[items], "name": names}
        return pd.DataFrame({**columns, "score": scores})

    def _vectors(self, side):
        import pandas as pd

        W, columns = vectors(self.model, side)
        ids = {"user": self.data.user_ids, "item": self.data.item_ids}[side]
        return pd.DataFrame(W, index=pd.Index(ids, name=side), columns=columns, copy=True)

    def _explain(self, model, user, seen, item, k):
        k = check_count(k, 1, "k")
        index = self._item_index(item)
        parts = contributions(model, user, index)
        logit = check_finite(sum(parts.values()))
        alike = check_finite(similarities(self.model, index))  # (n_items,)
        order = seen[np.argsort(-alike[seen], kind="stable")]
        order = order[order != index][:k]
        if isinstance(model, ItemKNN):
            order = order[alike[order] > 0]
        nearest_own = self._table(order, alike[order]).rename(columns={"score": "similarity"})
        score = logit if isinstance(model, Baseline) else float(sigmoid(np.float64(logit)))
        name = self.data.item_name(index)
        return Explanation(self.data.item_ids[index], name, score, logit, parts, nearest_own)

    def _seen(self, user):
        return np.sort(self.data.items_of(user))

    def _user_index(self, raw):
        index = self._users.find(raw)
        if index is None:
            raise KeyError(
                f"no user {raw!r} in the data, whose users are {self._users}; "
                "for somebody new: fold_in(items=[...]), or --has ITEM ... on the command line"
            )
        return index

    def _item_index(self, raw):
        index = self._items.find(raw)
        if index is not None:
            return index
        try:
            named = self.data.item_ids[[self.data.find_item(str(raw))]].tolist()
            hint = f"by that name there is {named[0]!r}"
        except KeyError as error:
            hint = f"the data's items are {self._items}, and {error.args[0]}"
        raise KeyError(f"no item has the id {raw!r}; {hint}")

    def _item_indices(self, items, name):
        """Distinct indices, ascending, of a list of raw ids."""
        if isinstance(items, (str, bytes)) or not np.iterable(items):
            raise TypeError(f"{name} must be a list of raw ids such as [{items!r}], got {items!r}")
        return np.array(sorted({self._item_index(item) for item in items}), np.intp)


def check_finite(scores):
    """Return them, or raise: a NaN would be sorted to the end as if it were a bad score."""
    if not np.isfinite(scores).all():
        raise FloatingPointError("scores are not all finite numbers: try a lower learning rate")
    return scores
