"""The columns of a DataFrame, and what to do where those of users and of items are not there."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .numerals import shown
from .sniffing import ITEMS, USERS, renamed

MANY = 10  # columns, of a table that may have one for each item
LOOKED_AT = 100  # rows


def without_blanks(table: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """The table with wanted columns called so, where blanks around a name hide one."""
    hidden = {name: name.strip() for name in table.columns if isinstance(name, str)}
    called = {
        name: bare
        for name, bare in hidden.items()
        if bare in wanted and name not in wanted and bare not in table.columns
    }
    return table.rename(columns=called) if called else table


def check_columns(table: pd.DataFrame, wanted: Sequence[str]) -> None:
    """Raise ValueError, with the way out, unless the wanted columns are there; user, item first."""
    columns = table.columns.tolist()
    missing = [name for name in wanted if name not in columns]
    if not missing:
        return
    names = ", ".join(map(repr, missing))
    if way_out := _of_users_by_items(table, *wanted[:2]):
        raise ValueError(f"the DataFrame has users as rows and items as columns: give {way_out}")
    if inside := [name for name in missing if name in table.index.names]:
        raise ValueError(
            f"the DataFrame has {shown(inside)} in its index: give table.reset_index()"
        )
    advice = renamed(columns, wanted)
    where = ", in load_interactions(table, ...)" if "such as" in advice else ""
    there = shown(columns, 500) or "none"
    raise ValueError(f"the DataFrame has no column {names}; it has {there}{advice}{where}")


def _of_users_by_items(table: pd.DataFrame, user: str, item: str) -> str:
    """The line that makes pairs of a table with a row for each user, or "" for another table."""
    start, values = "table", table
    if item in table.columns.tolist() or not table.columns.is_unique:
        return ""
    if user in table.columns.tolist():
        start = f"table.set_index({user!r})"
        values = table.drop(columns=user)
        is_one = table[user].is_unique and _is_wide(values)
    else:
        is_one = {*table.columns.names} & {user, item} or _is_wide(values)
    if not is_one or values.columns.nlevels > 1 or values.index.nlevels > 1:
        return ""
    if start == "table" and all(isinstance(each, pd.SparseDtype) for each in values.dtypes):
        return "Interactions.from_sparse(table.sparse.to_coo(), table.index, table.columns)"
    is_turned = user in table.columns.names or item in table.index.names
    rows, across = (item, user) if is_turned else (user, item)
    return (
        f"{start}.rename_axis(index={rows!r}, columns={across!r}).unstack().loc[lambda n: n != 0]"
        ".dropna().rename('count').reset_index(), or 'rating' where the values are ratings"
    )


def _is_wide(values: pd.DataFrame) -> bool:
    """Whether these are numbers, most likely of users x items: many columns, or many zeros."""
    numeric = all(map(pd.api.types.is_numeric_dtype, values.dtypes))
    heading = [
        name for name in map(str, values.columns) if USERS.search(name) or ITEMS.search(name)
    ]
    if not numeric or values.shape[1] < 2 or len(heading) in (1, 2):
        return False
    some = values.head(LOOKED_AT)
    empty = (some.isna() | (some == 0)).to_numpy().mean()
    return values.shape[1] > MANY or empty > 1 / 4
