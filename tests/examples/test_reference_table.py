"""The reference table: what is run, what is made of it, and that the pages equal the CSV files."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from snippets import ROOT, text_of

from ncf_numpy.datasets import load_ncf_files

pytestmark = pytest.mark.usefixtures("examples_on_the_path")


# reference_settings.py


@pytest.mark.parametrize("model", ["itemknn", "ease", "ials", "bpr", "neumf"])
def test_six_settings_lie_in_the_six_parts_of_each_range(model):
    from reference_settings import Between, draw, space

    settings = draw(model, "ml-1m")
    assert len(settings) == 6 and settings == draw(model, "ml-1m")
    for name, values in space(model, "ml-1m").items():
        drawn = [setting[name] for setting in settings]
        if isinstance(values, Between):
            ratio = math.log(values.high / values.low)
            places = [6 * math.log(number / values.low) / ratio for number in drawn]
            # two digits: a draw may be rounded over the edge of its part, by less than .2 of it
            assert np.abs(np.sort(places) - np.arange(6) - 0.5).max() < 0.7
        else:
            n = len(values.values)
            assert sorted(drawn) == sorted(list(values.values) * (6 // n))


def test_networks_of_movielens_have_at_most_16_factors():
    from reference_settings import draw

    assert {each["factors"] for each in draw("gmf", "ml-1m")} == {8, 16}
    assert {each["factors"] for each in draw("gmf", "deepcf-lastfm")} == {8, 16, 32}
    assert draw("popularity", "ml-1m") == [{}]


# reference_table.py


def reference_table(folder, tmp_path, *models):
    import reference_table

    where = ["--results", str(tmp_path / "results"), "--ranks", str(tmp_path / "ranks")]
    arguments = ["--data", str(folder), *where, "--models", *models]
    assert reference_table.main(arguments) == 0
    return reference_table.Table(tmp_path / "results", tmp_path / "ranks")


@pytest.fixture(scope="module")
def table(folder, tmp_path_factory, examples_on_the_path):
    return reference_table(folder, tmp_path_factory.mktemp("table"), "popularity", "ease")


def test_every_setting_is_tried_and_the_best_on_validation_is_measured(table):
    runs = table.read("runs")
    assert runs.groupby(["model", "part"]).size().to_dict() == {
        ("popularity", "search"): 1,
        ("popularity", "test"): 1,
        ("ease", "search"): 6,
        ("ease", "test"): 1,  # nothing is random in it
    }
    tried = runs[(runs["model"] == "ease") & (runs["part"] == "search")]
    assert tried["sampled_hr"].isna().all()  # a search never ranks test items
    best = tried.sort_values(["validation_hr", "validation_ndcg"])["setting"].iloc[-1]
    assert runs["setting"].iloc[-1] == best
    assert (runs[runs["part"] == "test"]["peak_mb"] > 10).all()


def test_the_figures_of_popularity_are_those_of_counting(table, folder):
    split = load_ncf_files(folder, np.random.default_rng(0), validation=False)
    n_i = np.bincount(split.train.items, minlength=split.train.n_items)
    has = [set(split.train.items[split.train.users == user]) for user in split.test.users]
    hits = {"sampled": [], "full": []}
    for row, (item, candidates) in enumerate(zip(split.test.items, split.test.candidates)):
        unseen = [i for i in range(split.train.n_items) if i not in has[row] and i != item]
        for ranking, others in (("sampled", candidates), ("full", unseen)):
            hits[ranking].append(sum(n_i[i] >= n_i[item] for i in others) < 10)
    figures = table.read("figures").query("model == 'popularity' and measure == 'HR'")
    for ranking, found in hits.items():
        (row,) = figures[figures["ranking"] == ranking].to_dict("records")
        assert row["figure"] == pytest.approx(np.mean(found), abs=1e-5)
        assert row["low"] < row["figure"] < row["high"]


def test_what_is_finished_is_not_run_again(folder, tmp_path, monkeypatch):
    import reference_table as module

    reference_table(folder, tmp_path, "popularity")
    before = (tmp_path / "results" / "runs.csv").read_bytes()
    monkeypatch.setattr(module.multiprocessing, "get_context", None)  # calling it would raise
    reference_table(folder, tmp_path, "popularity")
    assert (tmp_path / "results" / "runs.csv").read_bytes() == before
    monkeypatch.undo()
    lines = before.splitlines(keepends=True)  # an interruption before the last run
    (tmp_path / "results" / "runs.csv").write_bytes(b"".join(lines[:-1]))
    reference_table(folder, tmp_path, "popularity")
    assert len(pd.read_csv(tmp_path / "results" / "runs.csv")) == 2


def test_models_with_epochs_are_trained_by_their_settings(folder):
    import reference_table as module

    split = module.load(folder, 0)
    sizes = split.train.n_users, split.train.n_items
    for model, setting in [
        ("neumf", {"factors": 4, "lr": 0.01, "negatives": 2, "hidden_layers": 2}),
        ("bpr", {"factors": 4, "lr": 0.1, "l2": 0.01}),
    ]:
        trained, epoch = module.fit(model, setting, split, split.train, seed=0)
        width = 4 + (8 if model == "neumf" else 1)  # [16, 8, 4] looks up 8 a side; MF has a bias
        assert trained.user_embedding.W.shape == (sizes[0], width) and epoch >= 1


def test_a_user_has_a_list_for_each_seed():
    from reference_table import over_seeds

    def run(*ranks):
        return {"users": np.array([0, 1]), "items": np.array([5, 6]), "full_ranks": np.array(ranks)}

    found = over_seeds([run(0, 20), run(0, 3), run(12, 20)], "full")
    assert found.mean("HR", 10) == pytest.approx(3 / 6)
    assert found.users.tolist() == [0, 1] * 3
    always_the_same = over_seeds([run(0, 20)], "full")
    assert always_the_same.mean("HR", 10) == 1 / 2 and len(always_the_same.ranks) == 6


def test_models_whose_ranks_are_elsewhere_keep_their_rows(table, folder, tmp_path):
    from reference_table import Table

    (tmp_path / "results").mkdir()
    for name in ("runs", "figures", "differences"):
        (tmp_path / "results" / f"{name}.csv").write_bytes(
            (table.results / f"{name}.csv").read_bytes()
        )
    elsewhere = Table(tmp_path / "results", tmp_path / "no ranks")
    elsewhere.summarise(folder.name)
    assert elsewhere.read("figures").equals(table.read("figures"))
    assert elsewhere.read("differences").equals(table.read("differences"))


# reference_report.py


def hand_made(low):
    """A Report of two models on Last.fm: EASE is .02 ahead, by an interval that begins at `low`."""
    from reference_report import Report

    report = Report.__new__(Report)
    place = {"data": "deepcf-lastfm", "ranking": "sampled", "measure": "HR"}
    figures = [("ease", 0.9), ("neumf", 0.88)]
    report.figures = pd.DataFrame(
        [{**place, "model": m, "figure": f, "low": f - 0.01, "high": f + 0.01} for m, f in figures]
    )
    pair = {"a": "ease", "b": "neumf", "difference": 0.02, "low": low, "high": 0.03}
    report.differences = pd.DataFrame([{**place, **pair}])
    run = {"data": "deepcf-lastfm", "model": "ease", "seed": 0, "setting": "l2=300", "epoch": 0}
    cost = {"cpu_seconds": 2.0, "peak_mb": 200}
    test = {"sampled_hr": 0.9, "sampled_ndcg": 0.6, "full_hr": 0.4, "full_ndcg": 0.3}
    report.runs = pd.DataFrame(
        [
            {**run, "part": "search", **cost, "validation_hr": 0.8},
            {**run, "part": "test", **cost, **test},
        ]
    )
    return report


def test_a_winner_is_named_only_where_the_interval_excludes_0():
    clear, unclear = (
        hand_made(low).verdict("deepcf-lastfm", "sampled", "HR") for low in (0.001, -0.001)
    )
    assert clear[:3] == ["EASE 0.9000", "NeuMF 0.8800", "+0.0200 [+0.0010, +0.0300]"]
    assert clear[3] == "EASE, of 2 models run" and unclear[3].startswith("none")
    assert clear[4:] == ["NeuMF 0.8800", "+0.0200 [+0.0010, +0.0300]"]


def test_a_model_that_was_not_compared_with_the_best_leaves_no_winner():
    report = hand_made(0.001)
    third = report.figures.iloc[-1:].assign(model="gmf", figure=0.5)
    report.figures = pd.concat([report.figures, third])
    assert report.winner("deepcf-lastfm", "sampled", "HR") is None


def test_what_has_not_been_run_stays_empty():
    report = hand_made(0.001)
    assert report.verdict("ml-1m", "sampled", "HR")[0] == "not run"
    rows = {line.split(" | ")[0]: line for line in report.of_ranking("deepcf-lastfm", "sampled")}
    assert rows["| MLP"] == "| MLP | 0 of 3 |  |  |  |  |  |  |"
    assert rows["| EASE"].startswith("| EASE | 1 | 0.9000 | 0.8900 to 0.9100 |  | 0.6000 |")
    last_fm, all_items = (line.split("|")[2:-1] for line in report.summary()[-2:])
    assert set(all_items) == {"  "}
    assert " *0.8736* " in last_fm and not any("**" in cell for cell in last_fm)  # MF, from before
    costs = {line.split(" | ")[0]: line for line in report.costs("deepcf-lastfm")}
    assert costs["| EASE"] == "| EASE | 1 | l2=300 | 0.8000 |  | 2.0 | 2 | 200 |"
    assert costs["| MLP"] == "| MLP |  |  |  |  |  |  |  |"


def test_the_pages_say_what_the_csv_says():
    import paper_report
    from reference_report import PAGES, Report

    parts = Report().parts()
    expected = [(page, name, parts[name]) for page, names in PAGES.items() for name in names]
    for rule, rows in paper_report.parts(paper_report.read(paper_report.EPOCHS)):
        expected.append(("docs/explanation/results.md", rule, paper_report.markdown(rows, rule)))
    for page, name, lines in expected:
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        shown = text_of(page).split(start)[1].split(end)[0]
        assert shown == "\n".join(lines) + "\n", f"{page}: {name}"


def test_no_result_has_a_row_for_a_user():
    # the licences of the data forbid to pass them on
    for path in (ROOT / "docs" / "results" / "reference").iterdir():
        assert path.suffix == ".csv"
        assert not {"user", "users", "item", "items"} & set(pd.read_csv(path, nrows=1).columns)


# ensemble.py


class Table:
    """A model whose logits stand in a table."""

    def __init__(self, logits):
        self.logits = np.array(logits, float)

    def forward(self, users, items):
        return self.logits[users, items]


def test_the_mean_of_models_is_that_of_their_logits():
    from ensemble import Mean

    scorer = Mean([Table([[1, 2], [3, 4]]), Table([[3, -2], [0, 0]])])
    assert scorer.predict([0, 0, 1], [0, 1, 1]).tolist() == [2, 0, 2]


def test_a_fused_model_ranks_as_the_mean_of_its_parts(monkeypatch, capsys):
    import ensemble

    from ncf_numpy.datasets import leave_one_out, sample_lastfm
    from ncf_numpy.evaluation.metrics import rank_positives

    split = leave_one_out(sample_lastfm()[0].filter(41, 5), np.random.default_rng(0))
    monkeypatch.setattr(ensemble, "fine_tuned", lambda model, *how: model)
    found = ensemble.scorers(split, factors=4, epochs=2)
    assert len(found) == 8
    ranks = [
        rank_positives(found[name], split.test)
        for name in ("mean of a GMF and the MLP", "NeuMF pre-trained from these two")
    ]
    assert np.mean(ranks[0] == ranks[1]) > 0.99  # float32 rounds the two sums differently


def test_the_ensemble_prints_its_rows_and_the_comparison(monkeypatch, capsys):
    import ensemble

    perfect = SimpleNamespace(predict=lambda users, items: -np.arange(len(users)))
    reverse = SimpleNamespace(predict=lambda users, items: np.arange(len(users)))
    names = "mean of three GMFs", "NeuMF pre-trained from these two"
    monkeypatch.setattr(
        ensemble, "scorers", lambda split, factors, epochs: dict(zip(names, (perfect, reverse)))
    )
    assert ensemble.main([]) == 0
    printed = capsys.readouterr().out
    assert "| mean of three GMFs | 1.0000 | 1.0000 |" in printed
    assert "| NeuMF pre-trained from these two | 0.0000 | 0.0000 |" in printed
    assert "1.0000, 95% interval 1.0000 to 1.0000" in printed
