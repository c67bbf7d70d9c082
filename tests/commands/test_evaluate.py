"""What `evaluate` prints, against the library on the same split."""

import re

import numpy as np
import pytest

from ncf_numpy import __main__ as command_line
from ncf_numpy.__main__ import main
from ncf_numpy.commands import evaluate as evaluate_command
from ncf_numpy.commands.training_options import make_recommender
from ncf_numpy.data.own_test import with_own_test
from ncf_numpy.datasets import leave_one_out, load_interactions, sample_lastfm
from ncf_numpy.evaluation.baselines import ItemKNN, Popularity
from ncf_numpy.evaluation.comparison import compare, confidence_interval
from ncf_numpy.evaluation.metrics import evaluate
from ncf_numpy.evaluation.ranking import evaluate_catalogue

SAMPLE = ["evaluate", "--dataset", "sample", "--quiet", "--model"]
MODELS = {"popularity": Popularity, "itemknn": ItemKNN}


def generator():
    return np.random.default_rng(0).spawn(1)[0]  # as the command splits with --seed 0


def printed(arguments, capsys):
    """The lines of each table, a blank between every two words."""
    assert main(arguments) == 0
    tables = capsys.readouterr().out.strip().split("\n\n")
    return [[" ".join(line.split()) for line in table.splitlines()] for table in tables]


@pytest.fixture(scope="module")
def measured():
    """{model: {ranking: Evaluation}} on the sample."""
    split = leave_one_out(sample_lastfm()[0], generator())
    train, found = split.train_and_validation(), {}
    for name, baseline in MODELS.items():
        model = baseline().fit(train)
        full = evaluate_catalogue(model, split.test, train)
        found[name] = {"sampled": evaluate(model, split.test), "full": full}
    return found


def cells(evaluation, columns):
    """The figures of these (measure, k), then their intervals, as the table shows them."""
    figures = [f"{evaluation.mean(*column):.4f}" for column in columns]
    intervals = ["[{:.4f}, {:.4f}]".format(*confidence_interval(evaluation, *c)) for c in columns]
    return " ".join(figures + intervals)


def test_a_row_has_figures_their_intervals_and_what_they_rest_on(measured, capsys):
    (table,) = printed([*SAMPLE, *MODELS], capsys)
    head, *rows = table
    assert head == (
        "model HR@10 NDCG@10 MRR 95% of HR@10 95% of NDCG@10 95% of MRR trained on ranked against "
        "epoch seconds"
    )
    for row, (name, found) in zip(rows, measured.items(), strict=True):
        figures = cells(found["sampled"], [("HR", 10), ("NDCG", 10), ("MRR", 10)])
        assert row.startswith(f"{name} {figures} train+validation 99 sampled - ")


def test_several_k_measures_and_rankings_come_from_one_training(measured, capsys):
    asked = [
        "--k",
        "5",
        "20",
        "--measures",
        "precision",
        "MAP",
        "MRR",
        "--ranking",
        "sampled",
        "full",
    ]
    (table,) = printed([*SAMPLE, *MODELS, *asked], capsys)
    assert table[0].startswith("model precision@5 MAP@5 MRR precision@20 MAP@20 95% of precision@5")
    columns = [("precision", 5), ("MAP", 5), ("MRR", 5), ("precision", 20), ("MAP", 20)]
    expected = [
        f"{name} {cells(evaluation, columns)} train+validation {evaluation.against} - "
        for name, found in measured.items()
        for evaluation in found.values()
    ]
    assert len(table) == 1 + len(expected) == 5
    for row, start in zip(table[1:], expected):
        assert row.startswith(start)


def test_compare_prints_every_pair_for_each_ranking(measured, capsys):
    _, sampled, full = printed(
        [*SAMPLE, *MODELS, "--compare", "HR", "--ranking", "sampled", "full"], capsys
    )
    for (title, head, row), ranking in (sampled, "sampled"), (full, "full"):
        of_one = {name: found[ranking] for name, found in measured.items()}
        expected = compare(of_one, "HR").iloc[0]
        assert title == f"HR at 10 against {of_one['itemknn'].against} items"
        assert head == "a b difference low high p p_holm better"
        numbers = [
            f"{value:.4f}" for value in expected[["difference", "low", "high", "p", "p_holm"]]
        ]
        assert row == " ".join(["itemknn popularity", *numbers, "itemknn"])


def test_compare_needs_two_models(capsys):
    assert main([*SAMPLE, "popularity", "--compare"]) == 1
    assert "--compare needs two models or more after --model" in capsys.readouterr().err


def test_a_test_file_of_your_own(tmp_path, capsys):
    pairs = [(f"u{u}", i) for u in range(12) for i in range(9) if (u * i + u) % 4 < 2]
    later = pairs[::3]
    for name, part in ("now.csv", [p for p in pairs if p not in later]), ("later.csv", later):
        text = "who,what\n" + "".join(f"{u},{i}\n" for u, i in part)
        (tmp_path / name).write_text(text)
    now, then = str(tmp_path / "now.csv"), str(tmp_path / "later.csv")
    data, test = (load_interactions(path, user="who", item="what") for path in (now, then))
    split = with_own_test(data, test, generator())
    columns = ["--user-column", "who", "--item-column", "what"]
    command = ["evaluate", "--data", now, "--test", then, *columns, "--model", "popularity"]
    asked = ["--measures", "recall", "--k", "3", "--ranking", "sampled", "full"]
    assert main([*command, *asked]) == 0
    out, err = capsys.readouterr()
    assert split.protocol in err and all(note in err for note in split.notes)
    head, sampled, full = (" ".join(line.split()) for line in out.splitlines())
    assert "ranked against ties of own test items epoch" in head
    train = split.train_and_validation()
    model = Popularity().fit(train)
    one = evaluate(model, split.test)
    assert sampled.startswith(
        f"popularity {cells(one, [('recall', 3)])} train+validation 99 sampled "
    )
    assert " never in one list - " in sampled
    all_items = evaluate_catalogue(model, split.test, train)
    assert full.startswith(
        f"popularity {cells(all_items, [('recall', 3)])} train+validation all 9 "
    )
    assert " in consecutive places - " in full


def test_a_test_file_does_not_go_with_data_that_brings_its_own(tmp_path, capsys):
    test = tmp_path / "test.csv"
    test.write_text("user,item\n1,2\n")
    assert main([*SAMPLE, "popularity", "--test", str(test)]) == 1
    assert "--test needs --data FILE.csv, not sample files" in (capsys.readouterr().err)


def fitted_by(name, split, *options):
    """The model that evaluate makes of a split."""
    parser = command_line.build_parser()
    given = ["evaluate", "--dataset", "sample", "--model", name, "--quiet", *options]
    arguments = parser.parse_args(given)
    settings = make_recommender(name, arguments).settings
    return evaluate_command.fitted(settings, split, arguments)[0]


def test_baselines_are_fitted_with_the_validation_items_and_without_the_test_items():
    split = leave_one_out(sample_lastfm()[0], np.random.default_rng(0))
    model = fitted_by("popularity", split)
    n_items = split.train.n_items
    expected = np.bincount(split.train.items, minlength=n_items)
    expected += np.bincount(split.validation.items, minlength=n_items)
    np.testing.assert_array_equal(model.n_i, expected)


@pytest.mark.parametrize("command", [
    "evaluate --dataset sample --model gmf --epochs 1 --batch-size 4096 --factors 2 --quiet",
    "evaluate --dataset sample --model popularity --quiet",  # of which the split alone is drawn
    "step --no-pause --factors 2 --layers 4,2",
    "pretrain --dataset sample --epochs 1 --fine-tune-epochs 1 --factors 2 --layers 4,2 --quiet",
])  # fmt: skip
def test_the_seed_decides_what_is_drawn(capsys, command):
    said = []
    for seed in ("0", "0", "1"):
        assert command_line.main([*command.split(), "--seed", seed]) == 0
        said.append(re.sub(r"\d+\.\d\n", "\n", capsys.readouterr().out))  # but the seconds
    assert said[0] == said[1] != said[2]


def test_the_seed_decides_how_a_model_begins_and_not_only_the_split():
    split = leave_one_out(sample_lastfm()[0], np.random.default_rng(0))
    small = ["--epochs", "1", "--batch-size", "4096", "--factors", "2", "--seed"]
    first, again, other = (
        fitted_by("gmf", split, *small, seed).item_embedding.W for seed in ("3", "3", "4")
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
