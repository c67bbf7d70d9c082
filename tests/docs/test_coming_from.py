"""The right-hand column of docs/how-to/coming_from.md runs; the left needs other packages."""

import re

import numpy as np
import pytest
from snippets import text_of

from ncf_numpy import Recommender, evaluate
from ncf_numpy.datasets import leave_one_out, load_interactions
from ncf_numpy.evaluation.ranking import evaluate_catalogue

RATINGS = "userId,movieId,rating,timestamp\n" + "".join(
    f"{user},{movie},{1 + (user * movie) % 5},{1000 + movie}\n"
    for user in range(1, 31)
    for movie in range(10, 22)
    if (user + movie) % 2 == 0 or (user * movie) % 3 == 1
)
PAGE = text_of("docs/how-to/coming_from.md")
ROW = re.compile(r"^\| ([^|]+) \| (.+?) \| ([^|]+) \|$", re.MULTILINE)
SECTIONS = re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("library", "text"), SECTIONS, ids=[name for name, _ in SECTIONS])
def test_every_step_of_ours_runs_in_the_order_of_the_table(library, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ratings.csv").write_text(RATINGS, encoding="utf-8")
    every = load_interactions(
        "ratings.csv", user="userId", item="movieId", rating="rating", min_rating=1
    )
    split = leave_one_out(every, np.random.default_rng(0), validation=False)
    names = {
        "Recommender": Recommender,
        "evaluate": evaluate,
        "evaluate_catalogue": evaluate_catalogue,
        "leave_one_out": leave_one_out,
        "load_interactions": load_interactions,
        "np": np,
        "split": split,
        "model": Recommender("popularity").fit(split.train).model,
        "rows": np.array([0, 1]),
        "columns": np.array([1, 2]),
    }
    steps = [row for row in ROW.findall(text) if row[0] not in ("step", "---")]
    assert len(steps) > 6
    for step, _, ours in steps:
        if ours != "nothing to do":
            assert re.fullmatch(r"`[^`]+`", ours), step
            exec(ours.strip("`"), names)
