"""The examples that check the paper: what they compute, on data small enough to know the answer."""

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ncf_numpy.datasets import Holdout, leave_one_out, sample_lastfm

EXAMPLES = Path(__file__).parents[2] / "examples"


pytestmark = pytest.mark.usefixtures("examples_on_the_path")


# reproduce_paper.py


def reproduce(folder, tmp_path, *options):
    import reproduce_paper

    where = ["--csv", str(tmp_path / "epochs.csv"), "--weights", str(tmp_path / "weights")]
    assert reproduce_paper.main(["--data", str(folder), *where, *options]) == 0
    return pd.read_csv(tmp_path / "epochs.csv")


def test_a_cell_is_run_once(folder, tmp_path, capsys, monkeypatch):
    import reproduce_paper

    options = ["--models", "gmf", "popularity", "--epochs", "2", "--seeds", "0", "1"]
    table = reproduce(folder, tmp_path, *options)
    # two seeds of two epochs, and popularity, which has no seed
    assert table["model"].tolist() == ["gmf", "gmf", "popularity", "gmf", "gmf"]
    assert table["epoch"].tolist() == [1, 2, 0, 1, 2]
    assert table["test_hr"].between(0, 1).all()
    printed = capsys.readouterr().out
    assert "| small | gmf | 8 | 4 | 0.001 | 2 |" in printed
    monkeypatch.setattr(reproduce_paper.Runner, "run", None)  # calling it would raise
    assert len(reproduce(folder, tmp_path, *options)) == 5
    assert "| small | gmf | 8 | 4 | 0.001 | 2 |" in capsys.readouterr().out


def test_the_choice_of_epoch_decides_what_is_trained_on(folder, tmp_path):
    options = ["--models", "gmf", "--epochs", "1", "--seeds", "0", "--choose"]
    table = reproduce(folder, tmp_path, *options, "test")
    assert table["trained_on"].tolist() == ["all"]
    assert table["validation_hr"].isna().all()
    table = reproduce(folder, tmp_path, *options, "refit")
    assert table["trained_on"].tolist() == ["all", "train"]
    assert table["validation_hr"].notna().tolist() == [False, True]


def test_pretraining_keeps_its_parts(folder, tmp_path, monkeypatch):
    import reproduce_paper

    monkeypatch.setattr(reproduce_paper, "PART_EPOCHS", 2)
    options = ["--layers", "16-8", "--epochs", "1", "--seeds", "0"]
    table = reproduce(folder, tmp_path, "--models", "pretrained", *options)
    assert table["model"].tolist() == ["gmf"] * 2 + ["mlp"] * 2 + ["pretrained"] * 2
    start = table[table["model"] == "pretrained"].iloc[0]
    assert start["epoch"] == 0 and math.isnan(start["loss"])
    # another optimizer starts from the same weights, read from a file
    again = reproduce(folder, tmp_path, "--models", "pretrained-sgd", "--lr", "0.1", *options)
    assert again["model"].tolist()[6:] == ["pretrained-sgd"] * 2
    assert again.iloc[6]["validation_ndcg"] == start["validation_ndcg"]
    # the parts are there as cells of their own
    parts = ["--models", "gmf", "mlp", "--layers", "16-8", "--epochs", "2", "--seeds", "0"]
    assert len(reproduce(folder, tmp_path, *parts)) == 8


def test_cells_of_the_tables_and_figures():
    import reproduce_paper

    def cells(*options):
        arguments = ["--data", "ml-1m", "--seeds", "0", *options]
        return reproduce_paper.cells_of(reproduce_paper.build_parser().parse_args(arguments))

    table_2 = cells("--table", "2", "--factors", "8")
    assert [cell.model for cell in table_2] == ["neumf", "pretrained"]
    assert {cell.layers for cell in table_2} == {"64-32-16-8"}
    depths = cells("--table", "3", "--factors", "16")
    assert [cell.layers for cell in depths] == [
        *["16", "32-16", "64-32-16", "128-64-32-16", "256-128-64-32-16"]
    ]
    assert {cell.factors for cell in cells("--figure", "4", "--models", "gmf")} == {8, 16, 32, 64}
    curves = cells("--figure", "6")
    assert {(c.model, c.factors) for c in curves} == {
        *[(model, 8) for model in ("gmf", "mlp", "neumf")],
        ("neumf", 16),
    }
    negatives = cells("--figure", "7", "--models", "neumf")
    assert [cell.negatives for cell in negatives] == list(range(1, 11))
    assert {cell.factors for cell in negatives} == {16}
    (mf,) = cells("--models", "mf", "--factors", "8", "--lr", "1", "--epochs", "3")
    assert (mf.factors, mf.lr, mf.epochs, mf.trained_on) == (192, 0.002, 256, "all")


def hand_made():
    """Two runs of one setting, epochs 1 to 3, and the same trained on everything."""
    rows = []
    for trained_on, seed, validation, test in [
        ("train", 0, (0.5, 0.7, 0.6), (0.4, 0.5, 0.9)),
        ("train", 1, (0.5, 0.6, 0.8), (0.4, 0.5, 0.3)),
        ("all", 0, (None, None, None), (0.42, 0.52, 0.41)),
        ("all", 1, (None, None, None), (0.60, 0.62, 0.64)),
    ]:
        for epoch, (hr, test_hr) in enumerate(zip(validation, test), start=1):
            settings = {"data": "ml-1m", "model": "neumf", "factors": 8, "layers": "64-32-16-8"}
            settings |= {"negatives": 4, "lr": 0.001, "batch_size": 256, "epochs": 3}
            measured = {"validation_hr": hr, "validation_ndcg": hr, "test_hr": test_hr}
            measured |= {"test_ndcg": test_hr / 2, "train_seconds": 10.0, "loss": 0.1}
            rows.append(
                settings | {"trained_on": trained_on, "seed": seed, "epoch": epoch} | measured
            )
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("rule", "epochs", "hr"),
    [
        ("validation", "2 3", (0.5 + 0.3) / 2),  # .7 and .8 are validation's best
        ("refit", "2 3", (0.52 + 0.64) / 2),  # the same epochs, of the runs on everything
        ("test", "2 3", (0.52 + 0.64) / 2),
    ],
)
def test_the_rules_by_hand(rule, epochs, hr):
    import paper_report

    (row,) = paper_report.summary(hand_made(), rule).to_dict("records")
    assert row["chosen"] == epochs
    assert row["hr"] == pytest.approx(hr)
    assert row["ndcg"] == pytest.approx(hr / 2)
    assert row["seconds"] == 30 and row["seeds"] == 2
    assert row["published"] == "0.6880/0.4100 (NCF table 2)"
    on_test = {"validation": (0.9 + 0.5) / 2, "refit": (0.52 + 0.64) / 2, "test": (0.52 + 0.64) / 2}
    assert row["on_test"] == pytest.approx(on_test[rule])  # .9 and .5 are the best of the same runs


def test_epochs_are_listed_in_the_order_of_the_seeds():
    import paper_report

    table = hand_made()
    table["seed"] = table["seed"].map({0: 1, 1: 0})  # the CSV may hold seed 1 first
    assert paper_report.summary(table, "validation")["chosen"].tolist() == ["3 2"]


def test_the_test_rule_takes_the_best_test_epoch():
    import paper_report

    table = hand_made()
    table.loc[(table["trained_on"] == "all") & (table["epoch"] == 1), "test_hr"] = 0.99
    assert paper_report.summary(table, "test")["chosen"].tolist() == ["1 1"]
    assert paper_report.summary(table, "refit")["chosen"].tolist() == ["2 3"]


def test_tables_are_written_into_their_places(tmp_path):
    import paper_report

    path = tmp_path / "results.md"
    places = [f"<!-- {rule} -->\nold\n<!-- end of {rule} -->\n" for rule in paper_report.RULES]
    rows = {rule: paper_report.markdown(hand_made(), rule) for rule in paper_report.RULES}
    path.write_text("Before.\n" + "Between.\n".join(places) + "After.\n", encoding="utf-8")
    for _ in range(2):  # twice is as good as once
        paper_report.fill(path, rows)
        text = path.read_text(encoding="utf-8")
        assert text.startswith("Before.\n<!-- validation -->\n| data |")
        assert text.endswith("<!-- end of test -->\nAfter.\n")
        assert text.count("Between.\n") == 2 and "old" not in text
        assert text.count("| ml-1m | neumf | 8 64-32-16-8 | 4 | 0.001 | 2 |") == 3
        assert text.count("| 2 3 of 3 | ") == 3 and text.count(" | 30 | ") == 3


def test_the_results_page_has_a_place_for_every_table():
    import paper_report

    text = (EXAMPLES.parent / "docs" / "explanation" / "results.md").read_text(encoding="utf-8")
    for rule in paper_report.RULES:
        assert text.count(f"<!-- {rule} -->\n") == text.count(f"<!-- end of {rule} -->") == 1


@pytest.mark.parametrize("figure", [4, 6, 7])
def test_figures_are_drawn(figure, tmp_path):
    pytest.importorskip("matplotlib")
    import paper_report

    path = tmp_path / "figure.png"
    paper_report.plot(hand_made(), "validation", figure, path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_what_was_published_is_within_range():
    import paper_report

    published = paper_report.read(paper_report.PUBLISHED)
    assert published["hr"].between(0.4, 0.9).all()
    both = published.dropna(subset=["ndcg"])
    assert (both["ndcg"] < both["hr"]).all()  # as it must be with one held-out item


# inner_product_limits.py


def test_the_similarities_are_those_of_figure_1():
    from inner_product_limits import ITEMS, jaccard

    s = {(u, v): jaccard(ITEMS[u - 1], ITEMS[v - 1]) for u in range(1, 5) for v in range(u)[1:]}
    # the paper: s23 (.66) > s12 (.5) > s13 (.4);  s41 (.6) > s43 (.4) > s42 (.2)
    assert [s[3, 2], s[2, 1], s[3, 1]] == pytest.approx([2 / 3, 0.5, 0.4])
    assert [s[4, 1], s[4, 3], s[4, 2]] == pytest.approx([0.6, 0.4, 0.2])


def test_the_argument_needs_unit_length_and_acute_angles():
    from inner_product_limits import keeps_order, on_a_circle

    cosines = on_a_circle(degrees=9)
    kept = keeps_order(cosines)  # (40, 40, 40) by the angles of users 2, 3 and 4
    assert not kept[(cosines > 1e-9).all(axis=(0, 1))].any()
    assert kept[99 // 9, 189 // 9, 279 // 9]  # differences 90 < 99 < 171 and 81 < 90 < 180
    # lengths alone suffice, all products positive: by hand 15.1 > 5.12 > 4.2 and 1.2 > 1 > .1
    P = np.array([[1.2, 1], [0.1, 5], [1, 3], [1, 0]])
    assert keeps_order(P @ P.T) and (P @ P.T > 0).all()
    P[3] = 0.5, 1  # now 1.6, 3.5, 5.05: user 2 is nearest to user 4
    assert not keeps_order(P @ P.T)


def test_inner_product_limits_says_what_it_found(capsys):
    import inner_product_limits

    assert inner_product_limits.main([]) == 0
    printed = capsys.readouterr().out
    assert "all angles below 90 degrees: 0 keep both orders" in printed
    assert re.search(r"any angle: [1-9][\d,]* keep both, such as users 1 to 4 at 0, 99", printed)
    assert "all six similarities to 1e-1" in printed
    assert "keeps both orders: True" in printed


# evaluation_lab.py


class Table:
    def __init__(self, scores):
        self.scores = np.array(scores, float)

    def predict(self, users, items):
        return self.scores[users, items]


def test_tie_rules_by_hand():
    from evaluation_lab import tie_rules

    # the positive is item 2; one item is above, two are equal to it, two below; k = 2
    scorer = Table([[5, 3, 3, 3, 1, 0]])
    holdout = Holdout([0], [2], [[0, 1, 3, 4, 5]])
    assert tie_rules(scorer, holdout, k=2) == {
        "ranked pessimistically": 0.0,  # place 3 of 0, 1, ...
        "at random": pytest.approx(1 / 3),  # place 1, 2 or 3; only 1 is a hit
        "lower item number first": 0.0,  # item 1 comes first: place 2
        "ranked optimistically": 1.0,  # place 1
    }
    by_number = tie_rules(scorer, Holdout([0], [1], [[0, 2, 3, 4, 5]]), k=2)
    assert by_number["lower item number first"] == 1.0


def test_the_lab_s_rows(capsys):
    import evaluation_lab

    split = leave_one_out(sample_lastfm()[0].filter(38, 5), np.random.default_rng(0))
    rows = {what: (hr, ndcg) for what, hr, ndcg, _ in evaluation_lab.lab(split, epochs=6)}
    honest = rows["99 sampled negatives, ties ranked pessimistically"][0]
    assert rows["raw scores, ties ranked pessimistically"][0] == honest
    assert rows["constant scores, ties ranked pessimistically"][0] == 0
    assert rows["constant scores, ties ranked optimistically"][0] == 1
    assert rows["constant scores, ties at random"][0] == pytest.approx(10 / 100)
    masked = next(hr for what, (hr, _) in rows.items() if what.endswith("train masked"))
    unmasked = next(hr for what, (hr, _) in rows.items() if what.endswith("not masked"))
    assert unmasked < masked < honest
    assert max(rows[name][0] for name in rows if "chosen on test" in name) >= honest
    assert all(0 <= hr <= 1 for hr, _ in rows.values())


def test_the_leaky_sampler_never_draws_a_test_item():
    from evaluation_lab import excluding

    split = leave_one_out(sample_lastfm()[0].filter(38, 5), np.random.default_rng(0))
    sampler = excluding(split.test)(split.train).sampler
    drawn = sampler.sample(np.repeat(split.test.users, 200), np.random.default_rng(0))
    assert not (drawn.reshape(-1, 200) == split.test.items[:, None]).any()
