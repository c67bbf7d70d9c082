"""Pairs weighed by their counts: the gradient of the weighted loss, and what the example does."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ncf_numpy import GMF, BinaryCrossEntropyWithLogits
from ncf_numpy.datasets import Interactions, leave_one_out, sample_lastfm

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def lab(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    import counts_lab

    yield counts_lab
    sys.modules.pop("counts_lab")


def test_the_gradient_of_the_weighted_loss_is_its_slope(lab):
    rng = np.random.default_rng(0)
    z, labels = rng.normal(0, 2, 9), rng.integers(0, 2, 9).astype(float)
    loss = lab.WeightedLoss()
    loss.weights = rng.uniform(0.5, 7, 9)
    loss.forward(z, labels)
    dz = loss.backward()
    for b in range(9):
        step = np.zeros(9)
        step[b] = 1e-5
        slope = (loss.forward(z + step, labels) - loss.forward(z - step, labels)) / 2e-5
        assert dz[b] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_a_pair_of_weight_3_is_three_pairs_through_the_whole_model(lab):
    users, items, labels = np.array([0, 1, 1]), np.array([2, 0, 1]), np.array([1.0, 1.0, 0.0])
    weighted, plain = lab.WeightedLoss(), BinaryCrossEntropyWithLogits()
    weighted.weights = np.array([3.0, 1.0, 1.0])
    gradients = []
    for rows, loss in (([0, 1, 2], weighted), ([0, 0, 0, 1, 2], plain)):
        model = GMF(2, 3, 4, np.random.default_rng(1), dtype=np.float64)
        loss.forward(model.forward(users[rows], items[rows]), labels[rows])
        model.backward(len(rows) * loss.backward())  # sums, not means
        tables = model.user_embedding.dW.to_dense(), model.item_embedding.dW.to_dense()
        gradients.append([*tables, model.output.dW, model.output.db])
    for mine, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_a_positive_weighs_what_its_count_says_and_a_negative_1(lab):
    data = Interactions.from_columns([0, 0, 1], [0, 1, 2], counts=[1, 9, 99])
    objective = lab.weighted(2, 1)(data, batch_size=4, negatives=1)
    seen = {}
    for users, items, labels in objective.batches(np.random.default_rng(0)):
        for pair in zip(users, items, labels, objective.loss.weights):
            seen[pair[:2]] = pair[2:]
    for pair, count in {(0, 0): 1, (0, 1): 9, (1, 2): 99}.items():
        assert seen[pair] == pytest.approx((1, 1 + 2 * np.log(1 + count)), rel=1e-6)
    assert all(weight == 1 for label, weight in seen.values() if label == 0)


def test_a_cell_is_trained_once_and_reported(lab, tmp_path, monkeypatch, capsys):
    plays = sample_lastfm()[0]
    counted = replace(plays, counts=1.0 + np.arange(len(plays)) % 50)
    split = leave_one_out(counted, np.random.default_rng(0))
    monkeypatch.setattr(lab, "load_lastfm_2k", lambda folder: counted)
    monkeypatch.setattr(lab, "SETTINGS", [(0, 1), (1, 1)])
    where = ["--data", "x", "--csv", str(tmp_path / "c.csv"), "--epochs", "1", "--seeds", "3"]
    assert lab.main([*where, "--models", "gmf"]) == 0
    table = pd.read_csv(tmp_path / "c.csv")
    without, with_counts = table.to_dict("records")
    expected, _ = lab.train("gmf", split, 3, 1, 1, 1)
    assert with_counts["ndcg"] == pytest.approx(expected["ndcg"], abs=1e-5)
    difference = with_counts["ndcg"] - without["ndcg"]
    assert with_counts["difference"] == pytest.approx(difference, abs=2e-5)
    monkeypatch.setattr(lab, "train", None)  # else it would be called again
    assert lab.main([*where, "--models", "gmf"]) == 0
    assert capsys.readouterr().out.count("*") == 2  # one setting is chosen, in each of two reports
