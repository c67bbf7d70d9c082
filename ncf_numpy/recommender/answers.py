"""What a fitted recommender answers, in raw ids: lists of items, what is alike, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.checks import check_count
from ..evaluation.baseline import Baseline
from .fold_in import FoldedUser, fold_in
from .known import Known, listed
from .models import PAIRWISE
from .turns import numbers, turn
from .vectors import nearest
from .write import write_csv

if TYPE_CHECKING:
    import pandas as pd

    from ..core.types import RawId
    from .explain import Explanation

USERS_PER_BLOCK = 4096


class Answers(Known):
    """The questions that a `Recommender` answers once it is fitted."""

    def recommend(
        self,
        user: RawId | Collection[RawId],
        k: int = 10,
        exclude_seen: bool = True,
        *,
        only: Iterable[RawId] | None = None,
        without: Iterable[RawId] | None = None,
    ) -> pd.DataFrame:
        """The k items with the highest scores.

        Items are ranked by the logit, since a probability near 1 rounds to 1 and would tie; ties go
        to the lower index. A baseline gives score 0 to items of which it has learned nothing for a
        user; the most popular of them come first. The whole catalogue is scored, a block of users
        at a time: memory does not grow with users x items. For all users:
        `write_recommendations`.

        Parameters
        ----------
        user : raw id, or a list, array or Series of them
        k : int
        exclude_seen : bool
            Leave out what a user has.
        only : list of raw ids
            The items to choose from, such as what is in stock.
        without : list of raw ids
            Items that are never recommended.

        Returns
        -------
        DataFrame
            Columns item, name, score; of a list of users, user first. score is a neural model's
            probability, a baseline's own score. There are fewer than k rows where fewer items are
            left; none for a user who has everything.

        Raises
        ------
        KeyError
            For a user or an item that is not in the data.
        ValueError
            For a k below 1, or where only and without leave no item.
        FloatingPointError
            Where training has left scores that are not finite.
        RuntimeError
            Before `fit`.
        """
        known = self._known()
        k = check_count(k, 1, "k")
        users = np.asarray(user, dtype=object)
        is_lone = not users.ndim and (isinstance(user, (str, bytes)) or not np.iterable(user))
        if users.ndim != 1 and not is_lone:
            got = f"shape {users.shape}" if users.ndim else f"a {type(user).__name__}"
            raise ValueError(f"user must be a raw id or a list of them, got {got}")
        rows = np.array([known._user_index(each) for each in np.atleast_1d(users)], np.intp)
        candidates = known._candidates(only, without)
        with turn(len(rows) * numbers(known.model)):
            table = known._lists(rows, k, exclude_seen, candidates)
            return table.drop(columns="user") if is_lone else table

    def write_recommendations(
        self,
        path: str | Path,
        users: Iterable[RawId] | None = None,
        k: int = 10,
        exclude_seen: bool = True,
        *,
        only: Iterable[RawId] | None = None,
        without: Iterable[RawId] | None = None,
        progress: bool = False,
    ) -> None:
        """Write the lists of all users, or of some, to a CSV file with columns user, item, name,
        score.

        The file takes the old one's place only when it is complete.

        Parameters
        ----------
        path : str or Path
        users : list of raw ids
            By default all.
        k : int
        exclude_seen : bool
        only, without : list of raw ids
            As for `recommend`.
        progress : bool
            Show a bar on stderr.

        Raises
        ------
        OSError
            If it cannot be written, with the path.
        KeyError, ValueError, FloatingPointError, RuntimeError
            As `recommend`.
        """
        known = self._known()
        k = check_count(k, 1, "k")
        rows = np.arange(known.data.n_users)
        if users is not None:
            users = listed("users", users)
            rows = np.array([known._user_index(each) for each in users], np.intp)
        candidates = known._candidates(only, without)
        blocks = [rows[a : a + USERS_PER_BLOCK] for a in range(0, len(rows), USERS_PER_BLOCK)]
        tables = (known._lists(block, k, exclude_seen, candidates) for block in blocks or [rows])
        write_csv(path, tables, len(blocks), progress=progress)

    def similar_items(self, item: RawId, k: int = 10) -> pd.DataFrame:
        """The k items most like one item. What alike means: `vectors.similarities`.

        Parameters
        ----------
        item : raw id
        k : int

        Returns
        -------
        DataFrame
            Columns item, name, score. itemknn gives no more than its neighbours with at least one
            user in common.

        Raises
        ------
        KeyError
            For an item that is not in the data, with the closest names.
        ValueError
            For popularity, to which no two items are alike, or a k below 1.
        """
        known = self._known()
        k = check_count(k, 1, "k")
        row = known._item_index(item)
        with turn(numbers(known.model)):
            return known._table(*nearest(known.model, row, k))

    def similar_users(self, user: RawId, k: int = 10) -> pd.DataFrame:
        """The k users most like one user.

        Parameters
        ----------
        user : raw id
        k : int

        Returns
        -------
        DataFrame
            Columns user, score: the cosine of the vectors, or of the rows of 0 and 1 where a model
            has none.

        Raises
        ------
        KeyError
            For a user who is not in the data.
        ValueError
            For popularity, or a k below 1.
        """
        import pandas as pd

        known = self._known()
        k = check_count(k, 1, "k")
        row = known._user_index(user)
        with turn(numbers(known.model, "user")):
            rows, scores = nearest(known.model, row, k, "user")
            return pd.DataFrame({"user": known.data.user_ids[rows], "score": scores})

    def user_vectors(self) -> pd.DataFrame:
        """What the model has learned of each user.

        Returns
        -------
        DataFrame
            (n_users, D) by raw id. Columns say which factor it is, of which branch of NeuMF, or a
            bias.

        Raises
        ------
        ValueError
            For a baseline that has no vectors.
        """
        return self._known()._vectors("user")

    def item_vectors(self) -> pd.DataFrame:
        """What the model has learned of each item.

        Returns
        -------
        DataFrame
            (n_items, D) by raw id, as `user_vectors`.

        Raises
        ------
        ValueError
            For a baseline that has no vectors.
        """
        return self._known()._vectors("item")

    def find_item(self, name: str) -> RawId:
        """The raw id of the item with this name, in any case.

        Parameters
        ----------
        name : str

        Returns
        -------
        raw id

        Raises
        ------
        KeyError
            For a name that no item has, with the closest ones.
        """
        known = self._known()
        return known.data.item_ids[known.data.find_item(name)]

    def fold_in(
        self, items: Iterable[RawId], *, steps: int | None = None, lr: float | None = None
    ) -> FoldedUser:
        """Create a temporary user from a list of items.

        One user row is learned; the model does not change.

        Parameters
        ----------
        items : list of raw ids
            At least one; those that repeat count once. The same items give the same row.
        steps, lr : int, float
            Of Adam, by default 100 and 0.03; a baseline has no row to learn and takes neither.

        Returns
        -------
        FoldedUser
            With recommend(k) and explain(item).

        Raises
        ------
        KeyError
            For an item that is not in the data.
        TypeError, ValueError
            For items that are no list, or none, and for steps or lr of a baseline.
        """
        known = self._known()
        indices = known._item_indices(items, "items")
        if not len(indices):
            raise ValueError("fold_in needs at least one item that the new user has")
        rng = np.random.default_rng(known.settings["seed"])
        given = {"steps": steps, "lr": lr}
        how = {name: value for name, value in given.items() if value is not None}
        if how and isinstance(known.model, Baseline):
            leave = ", ".join(f"{name}={value!r}" for name, value in how.items())
            raise ValueError(f"{known.settings['model']} has no row to learn: leave out {leave}")
        how["pairwise"] = known.settings["model"] in PAIRWISE
        return FoldedUser(known, fold_in(known.model, indices, rng, **how), indices)

    def explain(self, user: RawId, item: RawId, k: int = 3) -> Explanation:
        """What the parts of the model add to the logit of a user and an item.

        Parameters
        ----------
        user, item : raw id
        k : int
            How many of the user's own items that are most like this one to name.

        Returns
        -------
        Explanation

        Raises
        ------
        KeyError
            For a user or an item that is not in the data.
        ValueError
            For a model without defined parts, or a k below 1.
        """
        known = self._known()
        u = known._user_index(user)
        with turn(numbers(known.model)):
            return known._explain(known.model, u, known._seen(u), item, k)
