"""Raw ids and names of items, which may lie beside the files of the NCF paper's format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..data.lookup import names_of
from ..safe_file import read_arrays
from .reading.names import read_names

ID_MAP, ITEM_MAP = "id_map_to_hetrec.npz", "item_map.tsv"


def raw_ids(folder: Path, n_users: int, n_items: int) -> tuple[np.ndarray, np.ndarray]:
    """Those of `ID_MAP`, else the files' own numbers: -> (n_users,), (n_items,)."""
    path = folder / ID_MAP
    if not path.is_file():
        return np.arange(n_users), np.arange(n_items)
    ids = read_arrays(path)
    missing = {"user_id", "artist_id"} - set(ids)
    if missing:
        raise ValueError(f"{path} lacks {', '.join(sorted(missing))}; it holds {sorted(ids)}")
    user_ids, item_ids = ids["user_id"], ids["artist_id"]
    for name, column in (("user_id", user_ids), ("artist_id", item_ids)):
        if column.ndim != 1 or column.dtype.kind not in "iu":
            raise ValueError(f"{path}: {name} is {column.dtype} of shape {column.shape}, not ids")
        if len(np.unique(column)) < len(column):
            raise ValueError(f"{path}: {name} holds an id more than once")
    if (len(user_ids), len(item_ids)) != (n_users, n_items):
        raise ValueError(
            f"{path} maps {len(user_ids)} users and {len(item_ids)} items, "
            f"the files beside it hold {n_users} and {n_items}"
        )
    return user_ids, item_ids


def names_of_items(folder: Path, item_ids: np.ndarray, names: Mapping | None) -> np.ndarray | None:
    """These names, {raw item id: name}, else those of `ITEM_MAP`, else Last.fm's: -> (n_items,)."""
    if names is not None:
        return names_of(item_ids, names)
    if (folder / ITEM_MAP).is_file():
        titles = read_names(folder / ITEM_MAP, "ncf_item", "title", sep="\t", quotes=False)
        return names_of(np.arange(len(item_ids)), titles)
    if (folder / ID_MAP).is_file():
        from .catalogue import find_dataset  # which collects the data sets, those of the format too
        from .published.lastfm_2k import artist_names

        lastfm = find_dataset("lastfm-2k")
        return None if lastfm is None else names_of(item_ids, artist_names(lastfm))
    return None
