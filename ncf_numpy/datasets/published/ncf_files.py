"""The file format of the NCF paper: train ratings, one test item a user, 99 published negatives.

    name.train.rating, name.test.rating    user <TAB> item <TAB> rating [<TAB> timestamp]
    name.test.negative                     (user,item) <TAB> negative <TAB> negative ...

Ids count from 0. Published files have quirks; they are kept as published, counted, and reported.
Two files may lie beside them: item_map.tsv (ncf_item, title) names the items, and
id_map_to_hetrec.npz (user_id, artist_id) has the raw ids of DeepCF's split of Last.fm 2K.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ...core.checks import check_count, check_generator
from ...data.interactions import Interactions
from ...data.sampling import PairIndex
from ...data.split import (
    Holdout,
    Split,
    cold_items,
    counted,
    draw_candidates,
    hold_out,
    last_two,
    without,
)
from ..dataset import Dataset, Part
from ..ncf_ids import names_of_items, raw_ids
from ..reading.negatives import read_negatives
from ..reading.numerals import shown
from ..reading.raw_table import RawTable
from ..reading.text_files import TextFile

SUFFIXES = ".train.rating", ".test.rating", ".test.negative"
COLUMNS = "user", "item", "rating", "timestamp"
HOLD_OUTS = "latest", "random"
LARGEST_GAP = 1000  # ids more than there are fields in the files


def load_ncf_files(
    prefix: str | Path,
    rng: np.random.Generator,
    *,
    validation: bool | str = True,
    n_candidates: int = 99,
    item_names: Mapping | None = None,
) -> Split:
    """Read `prefix.train.rating`, `prefix.test.rating` and `prefix.test.negative`.

    The number of users and items comes from all three files: an item may have no training row. Any
    rating > 0 is a positive. Raw ids come from `id_map_to_hetrec.npz` if it lies beside the files,
    else they are the files' own numbers. Test candidates are the published ones, even where they
    hold the test item or items of the user's train: `notes` counts them.

    Parameters
    ----------
    prefix : str or Path
        "folder/ml-1m", one of the three files, or a folder that holds just one such triple.
    rng : Generator
        Draws the validation candidates and random validation items.
    validation : bool or str
        Hold one more item of each user out of train: the "latest" by the fourth column, or a
        "random" one. True: the latest if the times differ. (The published files of the paper have
        times; those in which they are 0 have been rebuilt.)
    n_candidates : int
        Items outside the user's train and validation that it is ranked against.
    item_names : {raw item id: name}
        By default those of `item_map.tsv`, or Last.fm 2K's artists.

    Returns
    -------
    Split

    Raises
    ------
    FileNotFoundError
        Naming what is missing.
    ValueError
        With file and line.
    """
    check_generator(rng)
    check_count(n_candidates, 1, "n_candidates")
    if not isinstance(validation, bool) and validation not in HOLD_OUTS:
        raise ValueError(
            f"validation must be True, False or one of {HOLD_OUTS}, got {validation!r}"
        )
    train_file, test_file, negative_file = _triple(Path(prefix))
    train_table, test_table = read_ratings(train_file), read_ratings(test_file)
    candidates = read_negatives(negative_file, test_file, test_table)

    tables = {train_file: train_table, test_file: test_table}
    users, items = (
        {file: table[column].to_numpy() for file, table in tables.items()}
        for column in ("user", "item")
    )
    n_users, n_items = _count("user", users), _count("item", items | {negative_file: candidates})
    user_ids, item_ids = raw_ids(train_file.parent, n_users, n_items)
    names = names_of_items(train_file.parent, item_ids, item_names)
    source = f"{train_file.name.removesuffix(SUFFIXES[0])} (NCF files)"
    if not (train_table["rating"] > 0).any():
        raise ValueError(f"{train_file} has no rating > 0, so nothing to train on")
    everything, notes = _training_pairs(train_table, user_ids, item_ids, names, source)

    order = np.argsort(test_table["user"].to_numpy(), kind="stable")
    test = Holdout(
        test_table["user"].to_numpy()[order],
        test_table["item"].to_numpy()[order],
        candidates[order],
        test_table["rating"].to_numpy()[order],
    )
    notes += _oddities(everything, test)
    protocol = "The published test items, each ranked against its published negatives"
    train, held_out = everything, None
    if validation == "latest" and everything.timestamps is None:
        raise ValueError(
            f"{train_file}: no item is the latest, since its fourth column has no times that "
            "differ; use validation='random'"
        )
    if validation:
        by_time = everything.timestamps is not None and validation != "random"
        how = "the latest" if by_time else "a random"
        protocol += f"; {how} training item of each user is the validation item"
        train, held_out, n_ties = _hold_out_one(everything, n_candidates, rng, by_time)
        ties = "Users with ties at their latest training timestamp, broken at random"
        notes.append(counted(ties, n_ties))
    notes.append(counted("Items without a training row", cold_items(train)))
    return Split(train, held_out, test, f"{protocol}.", tuple(filter(None, notes)))


def _triple(prefix: Path) -> list[Path]:
    if prefix.is_dir():
        found = sorted(prefix.glob(f"*{SUFFIXES[0]}"))
        if len(found) != 1:
            names = ", ".join(path.name for path in found) or "none"
            raise FileNotFoundError(
                f"{prefix} should hold exactly one *{SUFFIXES[0]}, found {names}; "
                "give the prefix, such as folder/ml-1m"
            )
        prefix = found[0]
    for suffix in SUFFIXES:
        prefix = Path(str(prefix).removesuffix(suffix))
    files = [Path(f"{prefix}{suffix}") for suffix in SUFFIXES]
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise FileNotFoundError(f"no {', '.join(missing)} in {prefix.parent}")
    return files


def read_ratings(path: Path) -> pd.DataFrame:
    """user, item, rating and, if there is a fourth column, timestamp: whole numbers, but rating."""
    first = _text(path).first_record()
    if first is None:
        raise ValueError(f"{path} is empty, expected the columns {', '.join(COLUMNS[:3])}")
    if len(first) not in (3, 4):
        raise ValueError(
            f"{path}, line 1: expected user, item, rating and perhaps a time, with tabs between "
            f"them, got {shown(first, 200)}"
        )
    names = COLUMNS[: len(first)]
    table = RawTable.from_file(replace(_text(path), columns=names), names)
    columns = {
        name: table.numbers(name, 0) if name == "rating" else table.whole_numbers(name)
        for name in names
    }
    table.drop_unusable()
    return pd.DataFrame(columns)


def _count(column: str, ids: Mapping[Path, np.ndarray]) -> int:
    """{file: (rows, ...) ids} -> 1 + the largest, if that is what counting from 0 can lead to."""
    file = max(ids, key=lambda each: ids[each].max())
    largest, n_ids = ids[file].max(), sum(each.size for each in ids.values())
    if largest >= n_ids + LARGEST_GAP:
        row = ids[file].reshape(len(ids[file]), -1).max(axis=1).argmax()
        line = _text(file).lines([row])[0]
        raise ValueError(
            f"{file}, line {line}: {column} {largest} is too large: ids count from 0, and there "
            f"are {n_ids:,} in the files"
        )
    return 1 + largest


def _text(path: Path) -> TextFile:
    return TextFile(path, (), False, "\t", False)


def _training_pairs(table, user_ids, item_ids, names, source) -> tuple[Interactions, list[str]]:
    positive = table[table["rating"] > 0]
    timestamps = None
    if "timestamp" in table and table["timestamp"].nunique() > 1:
        timestamps = positive["timestamp"].to_numpy()
    pairs = Interactions.from_indices(
        positive["user"].to_numpy(),
        positive["item"].to_numpy(),
        user_ids,
        item_ids,
        positive["rating"].to_numpy(),
        timestamps,
        names,
        source,
    )
    constant = "timestamp" in table and timestamps is None
    return pairs, [
        counted("Training rows with rating 0, not used as positives", len(table) - len(positive)),
        counted("Training rows that repeat a pair, ratings summed", len(positive) - len(pairs)),
        "All training timestamps are equal, so they order nothing." if constant else "",
    ]


def _oddities(train: Interactions, test: Holdout) -> list[str]:
    """What is wrong with the published test, counted against all published training pairs."""
    index = PairIndex(train)
    known = index.contains(test.users[:, None], test.candidates)  # (E, C)
    own = (test.candidates == test.items[:, None]).any(axis=1)  # (E,)
    leaked = index.contains(test.users, test.items)  # (E,)
    n_negatives, n_users = np.sum(test.candidates >= 0), known.any(axis=1).sum()
    spread = f"(of {n_negatives:,}; users concerned: {n_users:,})"
    return [
        counted("Users whose test item is among their own negatives", own),
        counted(f"Negatives that are items of the user's own train {spread}", known),
        counted("Test items that their user has in train as well", leaked),
    ]


def _hold_out_one(
    everything: Interactions, n_candidates: int, rng: np.random.Generator, by_time: bool
) -> tuple[Interactions, Holdout, int]:
    per_user = np.diff(everything.offsets)
    users = np.flatnonzero((per_user >= 2) & (per_user < everything.n_items))
    if not len(users):
        raise ValueError("no user has two training items, so none can be held out for validation")
    untimed = everything if by_time else replace(everything, timestamps=None)
    rows, _, n_ties = last_two(untimed, users, rng)
    candidates = draw_candidates(everything, users, n_candidates, rng)
    return without(everything, rows), hold_out(everything, rows, candidates), n_ties


def load_training_pairs(path: Path) -> Interactions:
    """The train file alone."""
    return load_ncf_files(path, np.random.default_rng(0), validation=False).train


def load_split(path: Path, rng: np.random.Generator, hold_out: str | None = None) -> Split:
    return load_ncf_files(path, rng, validation=hold_out or True)


PAPER = "https://raw.githubusercontent.com/hexiangnan/neural_collaborative_filtering/master/Data"


def _part(name: str, blob: str, size: int | None = None) -> Part:
    """A file of the authors' Git repository, which names each by a checksum of its content."""
    return Part(f"{PAPER}/{name}", size, f"git:{blob}")


READING = {"load": load_training_pairs, "split": load_split}
DATASETS = (
    Dataset(
        "ncf-ml-1m",
        "MovieLens 1M in the NCF paper's split",
        "research use, no redistribution without permission (GroupLens); cite Harper & Konstan "
        "2015",
        (
            _part("ml-1m.train.rating", "31ba384fd58dac8fbd09d2dfc6616431f3563ab5"),
            _part("ml-1m.test.rating", "1b79e03c96710c3b0c35deb19155ef74f7965a02", 128_039),
            _part("ml-1m.test.negative", "c82844fb99d021f94751a6f915a230a1e8b8da92", 2_891_424),
        ),
        folders=("ml-1m",),
        **READING,
    ),
    Dataset(
        "ncf-pinterest-20",
        "Pinterest (users with at least 20 pins) in the NCF paper's split",
        "as the NCF authors' repository says",
        (
            _part("pinterest-20.train.rating", "99813f8ed7486c36fa0f405e3f400db5d6fed0be"),
            _part("pinterest-20.test.rating", "87fdbd13bced61c51f2842e2a667e83b9b0084e3", 807_267),
            _part("pinterest-20.test.negative", "b752ccdc14df423b9484771440ff4a73e4a4a304"),
        ),
        folders=("pinterest-20",),
        **READING,
    ),
    Dataset(
        "ncf",
        "any data in the NCF paper's format, such as DeepCF's split of Last.fm 2K",
        "its own",
        sign=("*.train.rating", "*.test.rating"),
        **READING,
    ),
)
