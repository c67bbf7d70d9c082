"""Last.fm 2K: who played which artist how often, from HetRec 2011.

The files hold one line for each listener and artist with the number of plays, and the artists'
names. There are no listening times, so "leave the latest out" is undefined for this data set and
a hold-out has to be random.
"""

from __future__ import annotations

from pathlib import Path

from ...data.interactions import Interactions
from ..dataset import Dataset, Part
from ..reading.folders import find_file
from ..reading.names import named, read_names
from ..tabular import load_interactions

PLAYS = "user_artists.dat"
ARTISTS = "artists.dat"
LAYOUT = {"sep": "\t", "quotes": False}


def load_lastfm_2k(
    source: str | Path, *, min_per_user: int = 20, min_per_item: int = 5
) -> Interactions:
    """Read `user_artists.dat` and `artists.dat` from hetrec2011-lastfm-2k.zip or its folder.

    counts are plays; raw ids are Last.fm's userID and artistID. The default thresholds leave 1,741
    listeners and 2,665 artists, the selection of DeepCF (AAAI 2019); with 0, 0 all 1,892 and 17,632
    stay.
    Source: Cantador, Brusilovsky, Kuflik, HetRec 2011, https://grouplens.org/datasets/hetrec-2011/

    Parameters
    ----------
    source : str or Path
        The folder or the zip.
    min_per_user, min_per_item : int
        As for `Interactions.filter`.

    Returns
    -------
    Interactions

    Raises
    ------
    FileNotFoundError
        Naming the missing file.
    ValueError
        With file and line.
    """
    plays = load_interactions(
        find_file(source, PLAYS),
        user="userID",
        item="artistID",
        count="weight",
        whole_ids=True,
        bad_rows=None,
        source="Last.fm 2K (HetRec 2011)",
        **LAYOUT,
    )
    return named(plays, artist_names(source)).filter(min_per_user, min_per_item)


def artist_names(source: str | Path) -> dict[int, str]:
    """The names in `artists.dat`.

    Parameters
    ----------
    source : str or Path
        The folder or the zip.

    Returns
    -------
    {artistID: name}

    Raises
    ------
    FileNotFoundError
        Naming the missing file.
    ValueError
        With file and line.
    """
    return read_names(find_file(source, ARTISTS), "id", "name", **LAYOUT)


DATASETS = (
    Dataset(
        "lastfm-2k",
        "Last.fm 2K (HetRec 2011): 92,834 plays of 1,892 listeners",
        "non-commercial use (Last.fm); cite Cantador, Brusilovsky, Kuflik, HetRec 2011",
        (
            Part(
                "https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-2k.zip",
                None,
                "sha256:6738f48195667ff03caaab4d32ca9a3133d8cc026b7c3cdaf6ce1010e913c59c",
                (
                    Part(
                        PLAYS,
                        1_296_455,
                        "sha256:001400dc3c7d2667fca6e4ea6dc6acc31a9dd28ad5cd0f74cea988c019934d3b",
                    ),
                    Part(
                        ARTISTS,
                        1_925_879,
                        "sha256:c173881362c6b28551368fecb3c0be5a6a30a6cd859e1f5775413dfe46d48648",
                    ),
                ),
            ),
        ),
        folders=("hetrec2011-lastfm-2k",),
        sign=(PLAYS,),
        load=load_lastfm_2k,
        options=("min_per_user", "min_per_item"),
    ),
)
