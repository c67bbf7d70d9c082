"""Last.fm 2K: who played which artist how often, from HetRec 2011.

The files hold one line for each listener and artist with the number of plays, and the artists'
names. There are no listening times, so "leave the latest out" is undefined for this data set and
a hold-out has to be random.
"""

from __future__ import annotations

from pathlib import Path

from ..data.interactions import Interactions
from .reading.fixed_columns import read_columns
from .reading.folders import find_file

PLAYS = "user_artists.dat"
ARTISTS = "artists.dat"


def load_lastfm_2k(
    source: str | Path, *, min_per_user: int = 20, min_per_item: int = 5
) -> Interactions:
    """Read `user_artists.dat` and `artists.dat` from hetrec2011-lastfm-2k.zip or its folder.

    counts are plays; raw ids are Last.fm's userID and artistID. The default thresholds leave 1,741
    listeners and 2,665 artists, the selection of DeepCF (AAAI 2019); with 0, 0 all 1,892 and 17,632
    stay.  Raises FileNotFoundError naming the missing file, ValueError with file and line.

    Source: Cantador, Brusilovsky, Kuflik, HetRec 2011, https://grouplens.org/datasets/hetrec-2011/
    """
    plays = read_columns(
        find_file(source, PLAYS), {"userID": int, "artistID": int, "weight": float}
    )
    everything = Interactions.from_columns(
        plays["userID"],
        plays["artistID"],
        plays["weight"],
        item_names=artist_names(source),
        source="Last.fm 2K (HetRec 2011)",
    )
    return everything.filter(min_per_user, min_per_item)


def artist_names(source: str | Path) -> dict[int, str]:
    """artistID -> name, from `artists.dat`."""
    artists = read_columns(find_file(source, ARTISTS), {"id": int, "name": str})
    return dict(zip(artists["id"].tolist(), artists["name"].tolist()))
