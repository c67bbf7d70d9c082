"""From raw ids to indices and back, for one fitted recommender."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.checks import check_count, check_switch
from ..core.layers import sigmoid
from ..evaluation.baseline import Baseline
from ..evaluation.baselines import ItemKNN
from .explain import Explanation, contributions
from .lists import best
from .vectors import similarities, vectors

if TYPE_CHECKING:
    import pandas as pd

    from ..core.models import Model
    from ..data.interactions import Interactions
    from .report import Report


class Known:
    """What `fit` has learned, and how raw ids are looked up in it."""

    settings: dict[str, Any]
    data: Interactions
    model: Model | Baseline
    history: pd.DataFrame
    report: Report

    def _known(self):
        """A copy for one call: what another thread's `fit` learns replaces nothing in the midst."""
        if self.model is None:
            raise RuntimeError(
                "this Recommender is not fitted: call fit(data), or load one with "
                "Recommender.load(path)"
            )
        return copy.copy(self)

    def _lists(self, rows, k, exclude_seen, candidates):
        """The lists of user indices (U,) as a DataFrame: user, item, name, score."""
        exclude_seen = check_switch("exclude_seen", exclude_seen)
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
            raise ValueError("only= and without= leave no item to choose from")
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
            known = self._users.written_as(raw)
            hint = f"there is {known!r}, of type {type(known).__name__}"
            hint = "for a new user: fold_in(items=[...])" if known is None else hint
            raise KeyError(f"no user {raw!r} in the data, whose users are {self._users}; {hint}")
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
        return np.array(sorted({self._item_index(item) for item in listed(name, items)}), np.intp)


def listed(name, ids):
    """The raw ids of a list, an array or a Series; TypeError for one id, and for a table."""
    if isinstance(ids, (str, bytes)) or not np.iterable(ids):
        raise TypeError(f"{name} must be a list of raw ids such as [{ids!r}], got {ids!r}")
    if isinstance(ids, Mapping) or getattr(ids, "ndim", 1) != 1:
        got = type(ids).__name__
        raise TypeError(f"{name} must be a list of raw ids, or one column, got a {got}")
    return ids.tolist() if hasattr(ids, "tolist") else ids


def check_finite(scores):
    """Return them, or raise: a NaN would be sorted to the end as if it were a bad score."""
    if not np.isfinite(scores).all():
        raise FloatingPointError("scores are not all finite numbers: try a lower learning rate")
    return scores
