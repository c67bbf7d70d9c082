"""Last.fm 360K: 17 million (listener, artist, plays), in two forms.

    the notebook's three CSVs   lastfm_play.csv    user_id,artist_id,plays
                                lastfm_artist.csv  artist_id,artist_name
                                lastfm_user.csv    user_id,gender,age,country: not used
    the original                usersha1-artmbid-artname-plays.tsv, no header

There are no listening times, so a hold-out has to be random.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ...data.interactions import Interactions
from ..dataset import Dataset, Part
from ..reading.folders import contents, find_file
from ..reading.names import named, read_names
from ..reading.sniffing import open_table
from ..tabular import load_interactions

PLAYS, ARTISTS, USERS = "lastfm_play.csv", "lastfm_artist.csv", "lastfm_user.csv"
ORIGINAL = "usersha1-artmbid-artname-plays.tsv"
COLUMNS = "user", "mbid", "name", "plays"


def load_lastfm_360k(
    source: str | Path, *, min_per_user: int = 0, min_per_item: int = 0
) -> Interactions:
    """Read either form from a folder (or a zip); counts are plays.

    Raw ids are the CSVs' numbers or, in the original, the listener's SHA-1 and the artist's
    MusicBrainz id, or the artist's name where that is empty.
    Source: Celma 2010, http://ocelma.net/MusicRecommendationDataset/

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
        With what there is instead.
    ValueError
        With file and line.
    """
    there = contents(source, f"{PLAYS} or {ORIGINAL}")
    if PLAYS in there:
        everything = _notebook(source, USERS in there)
    elif ORIGINAL in there:
        everything = _original(source)
    else:
        raise FileNotFoundError(
            f"{source} holds neither {PLAYS} nor {ORIGINAL} but {', '.join(list(there)[:10])}"
        )
    if max(min_per_user, min_per_item) > 1:
        return everything.filter(min_per_user, min_per_item)
    return everything


def _notebook(source: str | Path, has_users: bool) -> Interactions:
    plays = load_interactions(
        find_file(source, PLAYS),
        user="user_id",
        item="artist_id",
        count="plays",
        whole_ids=True,
        bad_rows=None,
        source="Last.fm 360K (three CSVs)",
    )
    names = read_names(find_file(source, ARTISTS), "artist_id", "artist_name")
    notes = plays.notes
    nameless = sum(raw not in names for raw in plays.item_ids.tolist())
    if nameless:
        notes += (f"Artists without a name in {ARTISTS}, called by their id: {nameless:,}.",)
    if has_users:
        notes += (f"{USERS} is not used: the models learn from plays alone.",)
    return named(plays, names).with_notes(notes)


def _original(source: str | Path) -> Interactions:
    path = find_file(source, ORIGINAL)
    file = open_table(path, COLUMNS, columns=COLUMNS, sep="\t", quotes=False)
    table = file.read(COLUMNS)
    for column in COLUMNS[:3]:  # texts, even where all are made of digits
        if table[column].dtype == np.int64:
            table[column] = table[column].astype(str).astype("category")
    mbid, name = table["mbid"].cat, table["name"].cat
    table["artist"] = _mbid_or_name(mbid, name)
    table.index = pd.RangeIndex(1, len(table) + 1)  # a note names rows as the file's lines
    nameless = int(np.sum(table["mbid"] == ""))
    plays = load_interactions(
        table[["user", "artist", "name", "plays"]],
        item="artist",
        count="plays",
        item_name="name",
        bad_rows="drop",
        source="Last.fm 360K",
    )
    if not nameless:
        return plays
    note = f"Rows without a MusicBrainz id, whose artist is called by name: {nameless:,}."
    return plays.with_notes([*plays.notes, note])


def _mbid_or_name(mbid, name) -> pd.Categorical:
    """Two categorical columns (n,) -> one: the MusicBrainz id or, where that is empty, the name."""
    texts, distinct = pd.factorize(np.r_[mbid.categories, name.categories])
    has_mbid = (mbid.categories != "")[mbid.codes]
    codes = np.where(has_mbid, mbid.codes, len(mbid.categories) + name.codes)
    return pd.Categorical.from_codes(texts[codes], distinct)


LICENCE = "non-commercial use (Last.fm); cite Celma 2010"
TUTORIAL = "https://craftsangjae.s3.ap-northeast-2.amazonaws.com/data"
DATASETS = (
    Dataset(
        "lastfm-notebook",
        "Last.fm 360K as three CSVs: 17,302,623 plays",
        LICENCE,
        (
            Part(
                f"{TUTORIAL}/{PLAYS}",
                260_058_028,
                begins="user_id,artist_id,plays",
                lines=17_302_624,
            ),
            Part(f"{TUTORIAL}/{ARTISTS}", 3_234_827, begins="artist_id,artist_name"),
            Part(f"{TUTORIAL}/{USERS}", 8_033_280, begins="user_id,gender,age,country"),
        ),
        sign=(PLAYS,),
        load=load_lastfm_360k,
        options=("min_per_user", "min_per_item"),
    ),
    Dataset(
        "lastfm-360k",
        "Last.fm 360K (Celma 2010): the original table of plays",
        LICENCE,
        (
            Part(
                "https://zenodo.org/records/6090214/files/lastfm-dataset-360K.tar.gz",
                None,
                "md5:635e6ed3fc873aa4ba33aba0ebce02b1",
                (
                    Part(
                        f"lastfm-dataset-360K/{ORIGINAL}",
                        None,
                        "md5:be672526eb7c69495c27ad27803148f1",
                    ),
                ),
            ),
        ),
        sign=(ORIGINAL,),
        load=load_lastfm_360k,
        options=("min_per_user", "min_per_item"),
    ),
)
