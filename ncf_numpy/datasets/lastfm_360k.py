"""Last.fm 360K: 17 million (listener, artist, plays), in two forms.

    the notebook's three CSVs   lastfm_play.csv    user_id,artist_id,plays
                                lastfm_artist.csv  artist_id,artist_name
                                lastfm_user.csv    user_id,gender,age,country
    the original                usersha1-artmbid-artname-plays.tsv, no header

There are no listening times, so a hold-out has to be random.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ..data.interactions import Interactions, names_of
from .reading.folders import contents, find_file
from .reading.text_files import TextFile
from .tabular import load_interactions

PLAYS, ARTISTS, USERS = "lastfm_play.csv", "lastfm_artist.csv", "lastfm_user.csv"
ORIGINAL = "usersha1-artmbid-artname-plays.tsv"
COLUMNS = "user", "mbid", "name", "plays"


def load_lastfm_360k(
    source: str | Path, *, min_per_user: int = 0, min_per_item: int = 0
) -> Interactions:
    """Read either form from a folder (or a zip); counts are plays.

    Raw ids are the CSVs' numbers or, in the original, the listener's SHA-1 and the artist's
    MusicBrainz id, or the artist's name where that is empty. Listeners' gender, age and country
    are read and not used: `notes` says so.  min_per_user, min_per_item: as `Interactions.filter`.
    Raises FileNotFoundError that says what there is instead, ValueError with file and line.

    Source: Celma 2010, http://ocelma.net/MusicRecommendationDataset/
    """
    there = contents(source, f"{PLAYS} or {ORIGINAL}")
    if PLAYS in there:
        everything = _notebook(source)
    elif ORIGINAL in there:
        everything = _original(source)
    else:
        raise FileNotFoundError(
            f"{source} holds neither {PLAYS} nor {ORIGINAL} but {', '.join(list(there)[:10])}"
        )
    if max(min_per_user, min_per_item) > 1:
        return everything.filter(min_per_user, min_per_item)
    return everything


def _notebook(source: str | Path) -> Interactions:
    plays = load_interactions(
        find_file(source, PLAYS),
        user="user_id",
        item="artist_id",
        count="plays",
        whole_ids=True,
        source="Last.fm 360K (three CSVs)",
    )
    file = TextFile.sniff(find_file(source, ARTISTS), ["artist_id", "artist_name"])
    artists = file.read(["artist_id", "artist_name"]).astype(object)
    artists = artists[artists["artist_name"] != ""]
    names = dict(zip(artists["artist_id"], artists["artist_name"]))  # both are texts
    notes = plays.notes
    nameless = sum(raw not in names for raw in map(str, plays.item_ids.tolist()))
    if nameless:
        notes += (f"Artists without a name in {ARTISTS}, called by their id: {nameless:,}.",)
    if USERS in contents(source, USERS):
        notes += (_unused(source),)
    return replace(plays, item_names=names_of(plays.item_ids.astype(str), names), notes=notes)


def _unused(source: str | Path) -> str:
    file = TextFile.sniff(find_file(source, USERS), ["user_id"])
    listeners = len(file.read(["user_id"]))
    columns = ", ".join(name for name in file.columns if name != "user_id")
    return (
        f"{USERS}: {columns} of {listeners:,} listeners are read and not used; the models know a "
        "listener by what was played."
    )


def _original(source: str | Path) -> Interactions:
    path = find_file(source, ORIGINAL)
    file = TextFile.sniff(path, COLUMNS, columns=COLUMNS, sep="\t", quotes=False)
    table = file.read(COLUMNS)
    table["artist"] = _mbid_or_name(table["mbid"].cat, table["name"].cat)
    table.index = pd.RangeIndex(1, len(table) + 1)  # a note names rows as the file's lines
    nameless = int(np.sum(table["mbid"] == ""))
    plays = load_interactions(
        table,
        item="artist",
        count="plays",
        item_name="name",
        bad_rows="drop",
        source="Last.fm 360K",
    )
    if not nameless:
        return plays
    note = f"Rows without a MusicBrainz id, whose artist is called by name: {nameless:,}."
    return replace(plays, notes=(*plays.notes, note))


def _mbid_or_name(mbid, name) -> pd.Categorical:
    """Two categorical columns (n,) -> one: the MusicBrainz id or, where that is empty, the name."""
    texts, distinct = pd.factorize(np.r_[mbid.categories, name.categories])
    has_mbid = (mbid.categories != "")[mbid.codes]
    codes = np.where(has_mbid, mbid.codes, len(mbid.categories) + name.codes)
    return pd.Categorical.from_codes(texts[codes], distinct)
