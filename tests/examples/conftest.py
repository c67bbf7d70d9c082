"""The folder of examples on the path, and data in the paper's format for those that read it."""

import sys
from pathlib import Path

import numpy as np
import pytest

from ncf_numpy.datasets import leave_one_out, sample_lastfm


@pytest.fixture(scope="module")
def examples_on_the_path():
    folder = str(Path(__file__).parents[2] / "examples")
    sys.path.insert(0, folder)
    yield
    sys.path.remove(folder)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The sample, some 160 listeners of it, as files of the NCF paper."""
    folder = tmp_path_factory.mktemp("data") / "small"
    folder.mkdir()
    split = leave_one_out(
        sample_lastfm()[0].filter(41, 5), np.random.default_rng(0), validation=False
    )
    train, test = split.train, split.test
    rows = {"train": zip(train.users, train.items), "test": zip(test.users, test.items)}
    for part, pairs in rows.items():
        lines = [f"{user}\t{item}\t1\n" for user, item in pairs]
        (folder / f"small.{part}.rating").write_text("".join(lines), encoding="utf-8")
    lines = [
        "\t".join([f"({user},{item})", *map(str, negatives)]) + "\n"
        for user, item, negatives in zip(test.users, test.items, test.candidates)
    ]
    (folder / "small.test.negative").write_text("".join(lines), encoding="utf-8")
    return folder
