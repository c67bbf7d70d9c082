"""The README's table is what its script writes, and has one right answer."""

import importlib.util
from pathlib import Path

import ncf_numpy
from ncf_numpy import Recommender
from ncf_numpy.datasets import load_interactions

EXAMPLES = Path(ncf_numpy.__file__).parents[1] / "examples"


def test_the_table_is_what_the_script_writes():
    spec = importlib.util.spec_from_file_location("make_plays", EXAMPLES / "make_plays.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    lines = [",".join(map(str, row)) for row in script.rows()]
    text = "\n".join(["listener,artist,plays", *lines, ""])
    assert (EXAMPLES / "plays.csv").read_text(encoding="utf-8") == text


def test_what_nobody_else_of_the_taste_lacks_is_recommended():
    plays = load_interactions(EXAMPLES / "plays.csv", user="listener", item="artist")
    for model in ("itemknn", "gmf"):
        assert Recommender(model).fit(plays).recommend("민준", k=1)["item"].tolist() == ["뉴진스"]
