"""What a report says, and the comparisons it rests on."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from ncf_numpy.data.interactions import Interactions
from ncf_numpy.data.split import Holdout
from ncf_numpy.recommender.report import Report, comparison, hit_chances, lead

GOOD = Report(
    model="gmf",
    pairs=480,
    epochs=30,
    batch_size=32,
    loss=0.2,
    base_rate=0.2,
    how="trial",
    held_out=60,
    candidates=52,
    k=10,
    hr={"model": 0.98, "chance": 0.19, "popularity": 0.14, "itemknn": 1.0},
    lead={"chance": 40.0, "popularity": 20.0, "itemknn": -1.0},
)


def test_the_base_rate_has_the_loss_of_its_entropy():
    # One pair in five is a positive: -(0.2 ln 0.2 + 0.8 ln 0.8) = 0.3219 + 0.1785
    assert GOOD.base_loss == pytest.approx(0.5004, abs=1e-4)
    assert replace(GOOD, base_rate=1.0).base_loss == 0


def test_what_has_learned_is_said_with_its_figures():
    assert GOOD.verdict == "learned" and GOOD.advice == ""
    text = str(GOOD)
    for part in ("HR@10 0.980 on 60 held-out items", "popularity 0.140", "item-kNN 1.000", "0.500"):
        assert part in text
    assert "all 480 pairs were trained on" in text
    assert "\n" not in GOOD.line and "HR@10 0.98" in GOOD.line


@pytest.mark.parametrize(
    ("changes", "verdict", "advice"),
    [
        ({"loss": 0.66}, "not learned", "no better than the base rate"),
        ({"lead": {"chance": 2.9, "popularity": 9.0}}, "not learned", "better than chance"),
        ({"lead": {"chance": 9.0, "popularity": 2.9}}, "not learned", "better than chance"),
        ({"held_out": 19}, "too few pairs to tell", "Only 19 pairs"),
        ({"held_out": 1}, "too few pairs to tell", "Only 1 pair could"),
        ({"held_out": 0, "hr": {}, "lead": {}}, "too few pairs to tell", "Only 0 pairs"),
        ({"how": "", "held_out": 0, "hr": {}, "lead": {}}, "not measured", "All 480 pairs were"),
        (
            {"how": "", "held_out": 0, "hr": {}, "lead": {}, "loss": 0.49},
            "not learned",
            "Train longer",
        ),
        # one pair in a hundred is a positive: .6 is far above .056, and yet where training begins
        ({"loss": 0.6, "base_rate": 0.01}, "not learned", "Train longer"),
        ({"loss": 7e26, "follows_data": True}, "not learned", "Take a smaller lr="),
        ({"lead": {**GOOD.lead, "itemknn": -3.1}}, "learned", "model='itemknn'"),
    ],
)
def test_what_has_not_learned_is_said_with_what_to_do(changes, verdict, advice):
    report = replace(GOOD, **changes)
    assert report.verdict == verdict
    assert advice in report.advice and report.advice in str(report)
    assert report.line.startswith(verdict)


def test_the_best_of_many_epochs_has_to_lead_by_more():
    lucky = replace(GOOD, lead={"chance": 3.5, "popularity": 3.5})
    assert lucky.verdict == "learned"
    assert replace(lucky, choices=20).verdict == "not learned"  # sqrt(9 + 2 ln 20) = 3.87


def test_a_tie_counts_as_chance_would_have_it():
    # One held-out item, 0, among 1 to 4; scores with ties, and every order of equal ones.
    class Scores:
        def predict(self, users, items):
            return np.array([2.0, 3.0, 2.0, 2.0, 1.0])[items]

    held_out = Holdout([0], [0], [[1, 2, 3, 4, -1]])
    for k in range(1, 6):
        orders = [
            order for order in itertools.permutations(range(5)) if order[0] == 1 and order[-1] == 4
        ]
        hits = np.mean([order.index(0) < k for order in orders])
        assert hit_chances(Scores(), held_out, k) == pytest.approx([hits])


def test_a_lead_by_hand():
    hits, others = np.array([1.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 0.0])
    # Differences 1, 1, 0, 0: mean 0.5, standard deviation 0.5, standard error 0.5 / 2.
    assert lead(hits, others) == pytest.approx(2)
    # Where all are equal the standard error is taken as half a hit: 1 / (0.5 / 4)
    assert lead(np.ones(4), np.zeros(4)) == pytest.approx(8)


def test_the_comparison_is_with_baselines_of_the_training_pairs():
    # Two groups of users; each user's held-out item is had by the others of the group.
    users, items = np.divmod(np.arange(20 * 60), 60)
    in_group = (users % 2 == items % 2) & (items != users)
    data = Interactions.from_columns(users[in_group], items[in_group])
    held_out = Holdout(
        np.arange(20), np.arange(20), [[i for i in range(60) if i % 2 != u % 2] for u in range(20)]
    )
    fields = comparison(np.zeros(20, int), held_out, data)
    assert (fields["k"], fields["candidates"], fields["held_out"]) == (6, 30, 20)
    assert fields["hr"]["model"] == fields["hr"]["itemknn"] == 1
    assert fields["hr"]["chance"] == pytest.approx(6 / 31)
    assert fields["lead"]["itemknn"] == 0
    assert fields["lead"]["chance"] == pytest.approx((1 - 6 / 31) / (0.5 / 20))
    fewer = comparison(np.zeros(20, int), held_out, data, without=("itemknn",))
    assert list(fewer["hr"]) == ["model", "chance", "popularity"]
    assert math.isfinite(fields["lead"]["popularity"])
