"""The page as a file: its numbers are NumPy's, its bugs the planted ones, and it stands alone."""

import functools
import json
import re

import numpy as np
import pytest

from ncf_numpy.__main__ import main
from ncf_numpy.core.losses import BinaryCrossEntropyWithLogits
from ncf_numpy.core.optimizers import Adam
from ncf_numpy.datasets import Interactions, sample_lastfm
from ncf_numpy.learn.bugs import BUGS
from ncf_numpy.learn.stepper.batch import build_model, choose_batch
from ncf_numpy.learn.stepper.page import build_page, texts
from ncf_numpy.learn.stepper.trace import trace_step
from ncf_numpy.learn.stepper.variants import plane

PLAYS = sample_lastfm()[0]


@functools.cache
def make(name="neumf", size=6, steps=0, plays=PLAYS, **sizes):
    """(trace, page) of a model, each made once."""
    batch = choose_batch(plays, np.random.default_rng(0), size)
    model = build_model(name, plays, np.random.default_rng(1), **sizes)
    loss, optimizer = BinaryCrossEntropyWithLogits(), Adam(0.01)
    trace = trace_step(model, loss, optimizer, batch.users, batch.items, batch.labels)
    return trace, build_page(trace, model, loss, optimizer, batch, steps=steps)


def data_of(page):
    return json.loads(re.search(r'data-json="data">(.+?)</script>', page, re.DOTALL)[1])


@pytest.fixture(scope="module")
def neumf():
    return make(steps=5)


def test_the_page_needs_nothing_from_outside(neumf):
    _, page = neumf
    assert not re.search(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=\"(?!data:)", page)
    assert "@import" not in page
    papers = {chapter["paper"][1] for chapter in texts()["story"].values() if "paper" in chapter}
    assert set(re.findall(r"https?://[^\s\"'`)]+", page)) <= {"http://www.w3.org/2000/svg", *papers}


def test_every_array_is_numpys_to_four_digits(neumf):
    trace, page = neumf
    data = data_of(page)
    for record, shown in zip(trace.records, data["records"], strict=True):
        packed = data["arrays"][shown["v"]]
        assert packed["s"] == list(record.value.shape)
        expected = [float(f"{x:.4g}") for x in record.value.reshape(-1)]
        assert packed["v"] == expected


@pytest.mark.parametrize("bug", ["dropped-repeats", "missing-mean", "stale-cache"])
def test_the_numbers_of_a_bug_are_those_of_the_planted_bug(neumf, bug):
    trace, page = neumf
    data = data_of(page)
    changes = data["bugs"][bug]["changes"]
    batch = choose_batch(PLAYS, np.random.default_rng(0))
    model = build_model("neumf", PLAYS, np.random.default_rng(1))
    arguments = model, BinaryCrossEntropyWithLogits(), Adam(0.01)
    wrong = trace_step(*arguments, batch.users, batch.items, batch.labels, bug=BUGS[bug])
    differing = [
        k
        for k, (a, b) in enumerate(zip(trace.records, wrong.records))
        if (a.value != b.value).any()
    ]
    assert [k for k in map(int, changes) if "v" in changes[str(k)]] == differing
    for number, change in changes.items():
        record = wrong.records[int(number)]
        shown = data["arrays"][change.get("v", data["records"][int(number)]["v"])]["v"]
        assert shown == [float(f"{x:.4g}") for x in record.value.reshape(-1)]
        for code, hole in change.get("holes", {}).items():
            array = data["arrays"][hole["a"]]["v"]
            assert array == [float(f"{x:.4g}") for x in record.holes[code].array.reshape(-1)]
    assert any(change.get("failing") for change in changes.values())


def test_where_a_bug_is_planted_the_right_formula_has_another_value(neumf):
    """And nowhere else: what follows is computed rightly, from wrong operands."""
    trace, page = neumf
    data = data_of(page)
    for bug in data["bugs"].values():
        planted_in = {place.split(".")[0] for place, _, _ in bug["edits"]}
        for number, change in bug["changes"].items():
            record = trace.records[int(number)]
            if "right" in change:
                owner = record.function.partition(".")[0]
                assert owner in planted_in or (owner, planted_in) == ("Embedding", {"GroupById"})
    dW = data["bugs"]["one-percent"]["changes"]
    number, change = next(iter(dW.items()))
    right, wrong = (np.array(data["arrays"][change[key]]["v"]) for key in ("right", "v"))
    np.testing.assert_allclose(wrong, 1.01 * right, rtol=1e-3)


def test_every_bug_of_the_model_is_on_its_switch(neumf):
    _, page = neumf
    assert set(data_of(page)["bugs"]) == {
        name for name, bug in BUGS.items() if "neumf" in bug.models
    }


def test_the_graph_of_neumf(neumf):
    boxes = {box["name"]: box for box in data_of(neumf[1])["boxes"]}
    edges = {(source, name) for name, box in boxes.items() for source in box["from"]}
    assert edges == {
        ("user_embedding", "Embeddings"),
        ("item_embedding", "Embeddings"),
        ("Embeddings", "GMF branch, eq. 8"),
        ("Embeddings", "MLP branch, eq. 10"),
        ("MLP branch, eq. 10", "dense1"),
        ("dense1", "relu1"),
        ("relu1", "dense2"),
        ("dense2", "relu2"),
        ("GMF branch, eq. 8", "Output, eq. 12"),
        ("relu2", "Output, eq. 12"),
        ("Output, eq. 12", "output"),
        ("output", "loss"),
    }


@pytest.mark.parametrize("name", ["mf", "gmf", "mlp", "neumf"])
def test_every_box_turns_into_gradients(name):
    data = data_of(make(name)[1])
    for box in data["boxes"]:
        if box["name"] == "optimizer":
            continue
        assert box["backward"] is not None
        assert box["gradients"]
        for number, (stop, array, _) in box["gradients"].items():
            value = data["arrays"][data["records"][int(number)]["v"]]
            assert len(data["arrays"][array]["v"]) == len(value["v"])
            assert data["stops"][stop]["phase"] == "backward"


def test_each_half_of_a_row_turns_into_its_own_gradient(neumf):
    data = data_of(neumf[1])
    (box,) = [box for box in data["boxes"] if box["name"] == "Embeddings"]
    names = {data["records"][int(k)]["name"]: name for k, (_, _, name) in box["gradients"].items()}
    assert names == {"p_G": "dp_G", "p_M": "dp_M", "q_G": "dq_G", "q_M": "dq_M"}


@pytest.mark.parametrize("name", ["mf", "gmf", "mlp", "neumf"])
def test_every_stop_has_a_box(name):
    data = data_of(make(name)[1])
    names = [box["name"] for box in data["boxes"]]
    for stop in data["stops"]:
        assert stop["node"] in names
        if stop["phase"] in ("forward", "loss", "backward"):
            assert stop["node"] == stop["box"]


def test_only_edits_of_what_the_model_has_are_named(neumf):
    bugs = data_of(neumf[1])["bugs"]
    assert [place for place, _, _ in bugs["product-rule"]["edits"]] == ["NeuMF.backward"]
    assert [place for place, _, _ in bugs["missing-mean"]["edits"]] == [
        "BinaryCrossEntropyWithLogits.backward"
    ]


def test_training_is_recorded(neumf):
    data = data_of(neumf[1])
    training = data["training"]
    assert set(training["runs"]) == {"", *data["bugs"]}
    assert training["taken"] == [0, 1, 2, 3, 4, 5]
    assert len(training["labels"]) == 10  # five users, five items
    for run in training["runs"].values():
        assert len(run["losses"]) == 5
        assert all(len(points) == 20 for points in run["points"])
    right = training["runs"][""]["losses"]
    assert right[-1] < right[0]
    assert training["runs"]["flipped-sign"]["losses"][-1] > right[0]


def test_a_later_step_can_be_looked_into(neumf):
    trace, page = neumf
    data = data_of(page)
    inside, losses = data["training"]["inside"], data["training"]["runs"][""]["losses"]
    assert list(inside) == ["2", "3", "5"]
    (number,) = [k for k, r in enumerate(trace.records) if r.name == "L"]
    for step, changes in inside.items():
        assert data["arrays"][changes[str(number)]["v"]]["v"] == [losses[int(step) - 1]]


def test_the_plane_keeps_distances_of_vectors_that_lie_in_one():
    # (0, 0, 0), (3, 0, 0) and (0, 4, 0) lie in a plane of the three dimensions: 3, 4 and 5 apart
    points = plane(np.array([[[0.0, 0, 0], [3, 0, 0], [0, 4, 0]]]))[0]
    apart = np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1)
    np.testing.assert_allclose(apart, [4, 3, 5])


def test_a_name_cannot_break_the_page():
    nasty = "</script><b>&\"'"
    plays = Interactions.from_columns(
        [1, 2, 1, 3], [10, 10, 11, 12], item_names={10: nasty, 11: "TITLE", 12: '"DATA"'}
    )
    _, page = make("gmf", plays=plays)
    assert page.count("</script>") == 3
    assert nasty in data_of(page)["names"]["item"].values()


@pytest.mark.robustness  # takes seconds
def test_a_large_batch_of_the_large_model_is_below_five_megabytes():
    _, page = make(size=32, steps=50, factors=8, layers=(64, 32, 16, 8))
    assert len(page.encode("utf-8")) < 5e6


def test_the_command_writes_the_page(capsys, tmp_path):
    path = tmp_path / "out.html"
    assert main(["step", "--model", "gmf", "--html", str(path), "--steps", "3"]) == 0
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "MB; open it in a browser" in capsys.readouterr().out
