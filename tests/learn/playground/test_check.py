"""The gradient check of a step with edits: every array, analytic beside numerical."""

import json

import numpy as np
import pytest

from ncf_numpy.core.gradcheck import check_gradients
from ncf_numpy.learn.playground.answer import answer
from ncf_numpy.learn.playground.edits import original_text
from ncf_numpy.learn.playground.step import build_step

SMALL = {"factors": 3, "layers": [6, 4, 3], "size": 4, "seed": 3}


def check(edits=None, **step):
    return answer({"want": "check", "step": SMALL | step, "edits": edits or {}})


def by_name(reply):
    return {array["array"]: array for array in reply["arrays"]}


@pytest.mark.parametrize("loss", ["logits", "bce", "bpr"])
@pytest.mark.parametrize("model", ["mf", "gmf", "mlp", "neumf"])
def test_core_is_right_in_every_array(model, loss):
    reply = check(model=model, loss=loss)
    assert reply["error"] is None and reply["right"]
    names = [name for name, _, _ in build_step(SMALL | {"model": model}).model.parameters()]
    first = "probabilities" if loss == "bce" else "logits"
    assert [array["array"] for array in reply["arrays"]] == [first, *names]
    assert all(array["entries"] for array in reply["arrays"])


def test_gradients_are_those_of_the_core_and_the_derivatives_those_of_its_checker():
    step = build_step(SMALL)
    step.loss.forward(step.model.forward(*step.arguments[:2]), step.arguments[2])
    step.model.backward(step.loss.backward())
    found = by_name(check())
    assert np.allclose(found["dense1.W"]["analytic"], step.model.tower[0][0].dW, rtol=1e-12)
    rows = found["user_embedding.W"]["rows"]
    assert rows == sorted(set(step.batch.users.tolist()))
    assert np.allclose(
        found["user_embedding.W"]["analytic"], step.model.user_embedding.dW.values, rtol=1e-12
    )
    check_gradients(step.model, step.loss, *step.arguments)  # agrees that all are right


def test_wrong_gradients_are_named_with_both_values():
    """One percent too large: the error of every entry of every W is 0.01 / 1.01 of it."""
    text = original_text("Dense.backward").replace("self.dW = ", "self.dW = 1.01 * ")
    reply = check({"Dense.backward": text})
    assert not reply["right"]
    wrong = [array["array"] for array in reply["arrays"] if not array["right"]]
    assert wrong == ["dense1.W", "dense2.W", "output.W"]
    worst = by_name(reply)["output.W"]
    i, j = worst["index"]
    analytic, numerical = worst["analytic"][i][j], worst["numerical"][i][j]
    assert analytic == pytest.approx(1.01 * numerical, rel=1e-6)
    assert worst["rel_error"] == pytest.approx(
        abs(analytic - numerical) / (abs(analytic) + 1e-3), rel=1e-4
    )


def test_own_forward_is_what_counts():
    """A cube for the ReLU with its own backward: right, though no line is the core's."""
    forward = "def forward(self, x):\n    self.x, self.y = x, x**3\n    return self.y\n"
    backward = "def backward(self, dy):\n    return 3 * self.x**2 * dy\n"
    assert check({"ReLU.forward": forward, "ReLU.backward": backward})["right"]
    assert not check({"ReLU.forward": forward})["right"]


def test_gradient_in_a_row_that_was_not_read_is_wrong():
    text = """def backward(self, dy):
    self.dW = np.zeros_like(self.W)
    np.add.at(self.dW, self.ids, dy)
    self.dW += 0.001 * self.W
"""
    found = by_name(check({"Embedding.backward": text}))["user_embedding.W"]
    assert not found["right"]
    assert found["rows"] == list(range(12))


@pytest.mark.parametrize("value", ["np.zeros(3)", "None", "np.full_like(self.b, np.nan)"])
def test_gradient_that_is_no_number_of_this_shape_is_wrong_and_plain_json(value):
    text = original_text("Dense.backward").replace("np.ones(len(dy), dy.dtype).dot(dy)", value)
    reply = check({"Dense.backward": text})
    json.dumps(reply, allow_nan=False)
    assert not by_name(reply)["output.b"]["right"]
    assert by_name(reply)["output.W"]["right"]


def test_error_in_the_code_has_its_line():
    error = check({"ReLU.backward": "def backward(self, dy):\n    return 1 / 0\n"})["error"]
    assert (error["function"], error["line"]) == ("ReLU.backward", 2)
