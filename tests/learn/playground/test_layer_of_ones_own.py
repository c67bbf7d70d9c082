"""A layer of the learner's own in a step: judged by the derivatives of its own forward."""

import json

import numpy as np
import pytest
import rewrites

from ncf_numpy.core import layers, models
from ncf_numpy.learn.playground.answer import answer
from ncf_numpy.learn.playground.edits import original_text
from ncf_numpy.learn.playground.layer import EXAMPLE, REPLACED

MENDED = EXAMPLE.replace("dx = dy\n", "dx = dy / (1 + np.exp(-self.x))\n")
SWISH = rewrites.RIGHT["layer for ReLU: swish with a weight"][1]


def ask(text, replaces="ReLU", edits=(), **more):
    step = {"replaces": replaces} if replaces else {}
    return answer({"step": step, "edits": {"layer": text, **dict(edits)}} | more)


def test_example_is_wrong_in_one_line_and_right_once_it_is_mended():
    """softplus' = sigmoid, so at x the gradient is dy / (1 + e^-x): smaller than the example's."""
    first = ask(EXAMPLE)["first"]
    assert (first["file"], first["line"], first["name"]) == ("your layer", 10, "dx")
    assert 0 < first["would_be"] / first["is"] < 1
    assert ask(MENDED)["first"] is None


def test_forward_of_an_own_layer_is_never_judged_and_its_gradients_are():
    reply = ask(SWISH)
    verdicts = {(f["function"], f["name"]): f["verdict"] for f in reply["findings"]}
    assert verdicts["Swish.forward", "s"] == verdicts["Swish.forward", "y"] == "not judged"
    assert verdicts["Swish.backward", "ds"] == verdicts["Swish.backward", "gradient"] == "right"


def test_it_is_drawn_trained_and_shown_as_any_layer():
    reply = ask(SWISH)
    boxes = {box["name"]: box for box in reply["view"]["boxes"]}
    assert boxes["relu1"]["kind"] == "Swish"
    assert [t["name"] for t in boxes["output"]["tables"]] == ["W", "b"]
    updates = {r["box"] for r in reply["view"]["records"] if r["phase"] == "update"}
    assert {"relu1.beta", "relu2.beta"} <= updates
    curve = ask(SWISH, want="curve", steps=3)
    assert curve["error"] is None
    assert curve["edited"] != curve["original"] == answer({"want": "curve", "steps": 3})["original"]


def test_core_is_as_it_was_after_it():
    before = {name: getattr(models, name) for name in REPLACED}
    ask(MENDED)
    ask("class Softplus:\n    pass\n")
    assert {name: getattr(models, name) for name in REPLACED} == before
    assert not hasattr(layers, "Softplus")


def test_code_of_a_model_may_name_it():
    """In the tower that __init__ builds: no `replaces` is needed, and it is judged all the same."""
    tower = "self.tower = make_tower(self.widths, rng, dtype)"
    own = "self.tower = [(dense, Softplus()) for dense, _ in make_tower(self.widths, rng, dtype)]"
    text = original_text("NeuMF.__init__")
    assert text.count(tower) == 1
    edits = {"NeuMF.__init__": text.replace(tower, own)}
    assert ask(MENDED, replaces=None, edits=edits)["first"] is None
    assert ask(EXAMPLE, replaces=None, edits=edits)["first"]["file"] == "your layer"


def test_layer_that_a_forward_makes_for_itself_is_judged_by_what_it_hands_on():
    """It is no layer of the model; so it is the model's backward that hands on a wrong value."""
    forward = original_text("NeuMF.forward").replace(
        "logits = self.output",
        "self.extra = Softplus()\n    phi = self.extra.forward(phi)\n    logits = self.output",
    )
    backward = original_text("NeuMF.backward").replace(
        "dphi_G, dphi_M = dphi[:, :K]",
        "dphi = self.extra.backward(dphi)\n    dphi_G, dphi_M = dphi[:, :K]",
    )
    edits = {"NeuMF.forward": forward, "NeuMF.backward": backward}
    assert ask(MENDED, replaces=None, edits=edits)["first"] is None
    assert ask(EXAMPLE, replaces=None, edits=edits)["first"]["function"] == "NeuMF.backward"


@pytest.mark.parametrize(
    ("text", "replaces", "line", "part"),
    [
        ("x = 1\n", "ReLU", 1, "class"),
        ("class Softplus\n", "ReLU", 1, "Python"),
        ("class Softplus:\n    pass\n", "ReLU", 1, "forward"),
        (EXAMPLE.replace("def parameters", "def weights"), "ReLU", 1, "parameters"),
        (EXAMPLE.replace("class Softplus", "class Dense"), "ReLU", 1, "Dense"),
        (EXAMPLE.replace("Softplus:", "Softplus:\n    a = 1 / 0"), "ReLU", 2, "ZeroDivision"),
        (EXAMPLE.replace("self.x = x", "self.x = y"), "ReLU", 5, "NameError"),
        (EXAMPLE, "Dense", None, "n_in, n_out"),
        (EXAMPLE, None, None, "replaces"),
        (EXAMPLE, "Bias", None, "NeuMF"),
        (EXAMPLE, "Sigmoid", None, "NeuMF"),  # the loss on logits needs none
        (EXAMPLE, "Tower", None, "ReLU, Dense"),
    ],
)
def test_layer_that_cannot_be_is_told_with_its_line(text, replaces, line, part):
    error = ask(text, replaces)["error"]
    assert error["line"] == line
    assert part in error["message"]


def test_place_without_a_layer_is_told():
    assert "layer" in answer({"step": {"replaces": "ReLU"}})["error"]["message"]


def test_gradient_that_is_never_set_is_named():
    text = SWISH.replace("self.gradient = (du * self.x).sum().reshape(1)", "pass")
    first = ask(text)["first"]
    assert (first["file"], first["name"], first["of"]) == ("your layer", "dbeta", "dL/dbeta")
    json.dumps(first, allow_nan=False)


def test_weights_of_an_own_layer_can_be_set():
    before = ask(SWISH)["value"]
    step = {"replaces": "ReLU", "weights": {"relu1.beta": [3.0]}}
    reply = answer({"step": step, "edits": {"layer": SWISH}})
    assert reply["error"] is None
    assert np.isfinite(reply["value"]) and reply["value"] != before
