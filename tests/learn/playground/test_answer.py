"""Verdicts: each wrong rewrite is located at its first wrong line, no right one is called wrong."""

import json

import numpy as np
import pytest
import rewrites

from ncf_numpy.core import layers, losses, models, optimizers
from ncf_numpy.learn.bugs import BUGS
from ncf_numpy.learn.playground.answer import answer
from ncf_numpy.learn.playground.edits import FUNCTIONS, original_text
from ncf_numpy.learn.playground.step import plays


def ask(edits, **step):
    return answer({"step": step, "edits": edits})


def judged(reply, function):
    """The findings of a text; of a function of the core that runs as it is, those of its calls."""
    names = function, f"your {function}"
    return [f for f in reply["findings"] if f["function"] in names or f["file"] in names]


SMALL = {"factors": 3, "layers": [6, 4, 3], "size": 5, "seed": 3}
SIZES = [SMALL, pytest.param({}, marks=pytest.mark.robustness)]  # takes seconds


@pytest.mark.parametrize("sizes", SIZES, ids=["small", "as shown"])
@pytest.mark.parametrize("title", rewrites.WRONG)
def test_wrong_rewrite_is_located_at_its_first_wrong_line(title, sizes):
    function, source, step = rewrites.WRONG[title]
    first = ask({function: source}, **{**sizes, **step})["first"]
    assert first is not None
    assert (first["file"], first["line"]) == (f"your {function}", rewrites.wrong_line(source))


@pytest.mark.parametrize("sizes", SIZES, ids=["small", "as shown"])
@pytest.mark.parametrize("title", rewrites.RIGHT)
def test_right_rewrite_is_green_or_not_judged(title, sizes):
    function, source, step = rewrites.RIGHT[title]
    reply = ask({function: source}, **{**sizes, **step})
    assert reply["error"] is None
    assert reply["first"] is None
    verdicts = {found["verdict"] for found in judged(reply, function)}
    assert "right" in verdicts <= {"right", "not judged"}


@pytest.mark.parametrize("model", ["mf", "gmf", "mlp", "neumf"])
def test_planted_bugs_are_located_when_they_come_as_edits(model):
    for name, bug in BUGS.items():
        if model not in bug.models:
            continue
        edits, lines = {}, {}
        for edit in bug.edits:
            function = f"{edit.owner.__name__}.{edit.function}"
            text = original_text(function)
            edits[function] = text.replace(edit.right, edit.wrong)
            lines[function] = text[: text.index(edit.right)].count("\n") + 1
        first = ask(edits, model=model)["first"]
        assert first["line"] == lines.get(first["function"]), name


def test_the_core_as_an_edit_is_right_everywhere():
    """Each function of the step replaced by its own text: all results are right."""
    used = [f for f in FUNCTIONS if not f.startswith(("GMF", "MLP", "MF", "BPR", "Adagrad", "SGD"))]
    reply = ask({function: original_text(function) for function in used})
    assert reply["error"] is None
    assert {found["verdict"] for found in reply["findings"]} == {"right", "not judged"}
    assert reply["value"] == ask({})["value"]


CUBE = {
    "ReLU.forward": "def forward(self, x):\n    self.x = x\n    self.y = x**3\n    return self.y\n",
    "ReLU.backward": "def backward(self, dy):\n    dx = 3 * self.x**2 * dy\n    return dx\n",
}


def test_backward_is_judged_by_the_learners_own_forward():
    """A cube in the place of the ReLU: its backward is right, that of the ReLU no longer is."""
    reply = ask(CUBE)
    assert {found["verdict"] for found in judged(reply, "ReLU.backward")} == {"right"}
    assert reply["first"]["function"] == "ReLU.forward"
    assert "original" in reply["first"]["by"]
    alone = ask({"ReLU.forward": CUBE["ReLU.forward"]})
    wrong = [found for found in judged(alone, "ReLU.backward") if found["verdict"] == "wrong"]
    assert {found["by"] for found in wrong} == {"the derivative of the loss"}


def test_first_wrong_value_says_what_it_would_be():
    """dx is half of what it should be: dy W^T of the output layer, by hand from the weights."""
    source = original_text("Dense.backward").replace("dx = dy", "dx = 0.5 * dy")
    first = ask({"Dense.backward": source})["first"]
    assert (first["box"], first["name"], first["of"]) == ("output", "dx", "dL/dx")
    assert first["code"] == "dx = 0.5 * dy.dot(self.W.T)"
    assert first["is"] == pytest.approx(first["would_be"] / 2, rel=1e-5)


@pytest.mark.parametrize(
    ("source", "line", "part"),
    [
        ("def backward(self, dy)\n    return dy\n", 1, "Python"),
        ("x = 1\n", 1, "def backward(self, dy)"),
        ("import nothing_of_this_name\ndef backward(self, dy):\n    pass\n", 1, "ModuleNotFound"),
        ("def backward(self, dy):\n    self.dW = 1\n    return dy / {}\n", 3, "TypeError"),
        ("def backward(self, dy):\n    return self.backward(dy)\n", 2, "RecursionError"),
        ("def backward(self, dy):\n    raise SystemExit(3)\n", 2, "SystemExit"),
        ("def backward(self):\n    pass\n", None, "TypeError"),
    ],
)
def test_error_has_its_line_in_the_learners_text(source, line, part):
    reply = ask({"Dense.backward": source})
    assert reply["error"]["line"] == line
    assert part in reply["error"]["message"]
    assert "ncf_numpy" not in reply["error"]["message"]


@pytest.mark.parametrize(
    ("step", "part"),
    [
        ({"model": "cnn"}, "mf, gmf, mlp, neumf"),
        ({"factors": 0}, "factors"),
        ({"layers": [7]}, "layers[0]"),
        ({"rate": "fast"}, "rate"),
        ({"rate": float("nan")}, "rate"),
        ({"users": [1, 2], "items": [1], "labels": [1]}, "equally many"),
        ({"users": [600] * 6}, "users[0]"),
        ({"labels": [2, 0, 0, 0, 0, 0]}, "labels[0]"),
        ({"weights": {"output.b": [1, 2]}}, "output.b"),
        ({"weights": {"output.c": [1]}}, "output.c"),
        ({"colour": "red"}, "colour"),
        ({"loss": "bpr", "size": 5}, "even, got 5"),
        ({"loss": "bpr", "labels": [1, 1, 1, 1, 0, 0]}, "row b + B"),
    ],
)
def test_setting_that_cannot_be_is_named(step, part):
    assert part in answer({"step": step})["error"]["message"]


def test_labels_rate_and_weights_change_the_numbers():
    before = ask({}, optimizer="sgd")
    other = ask({}, optimizer="sgd", labels=[0, 1, 1, 0, 1, 0])
    assert other["value"] != before["value"]
    faster = ask({}, optimizer="sgd", rate=5)
    assert faster["value"] == before["value"]
    heavier = ask({}, weights={"output.b": [3.0]})
    assert heavier["value"] != before["value"]


@pytest.mark.parametrize(
    ("request_", "part"),
    [
        (None, "object"),
        ([], "object"),
        ({"want": "tracing"}, "trace, check, curve"),
        ({"want": []}, "trace, check, curve"),
        ({"colour": "red"}, "'colour'"),
        ({"want": "check", "number": 3}, "'number'"),
        ({"step": 3}, "step must be an object, got 3"),
        ({"edits": []}, "edits must be an object"),
        ({"edits": {"Dense.backward": 3}}, "got 3"),
        ({"edits": {"Dense.sideways": ""}}, "Dense.backward"),
        ({"want": "curve", "steps": 0}, "steps"),
        ({"want": "hunt", "number": 99}, "number"),
        ({"want": "hunt", "number": 1, "guess": "here"}, "layers.py:98"),
        ({"want": "exercise", "number": 99, "source": ""}, "1 to"),
        ({"want": "exercise", "number": [], "source": ""}, "1 to"),
    ],
    ids=str,
)
def test_request_that_cannot_be_is_answered_with_what_is_wrong(request_, part):
    assert part in answer(request_)["error"]["message"]


def test_pairs_of_bpr_are_a_positive_and_a_negative_of_one_user():
    batch = ask({}, loss="bpr", size=8)["view"]["batch"]
    users, items, labels = ([row[k] for row in batch] for k in (0, 1, 2))
    assert labels == ["1"] * 4 + ["0"] * 4
    assert users[:4] == users[4:]
    assert len(set(users[:4])) < 4 or len(set(items)) < 8  # something repeats: gradients add up
    had = set(zip(plays().users.tolist(), plays().items.tolist()))
    pairs = list(zip(users, items))
    assert set(pairs[:4]) <= had and not had & set(pairs[4:])


def test_hunt_has_three_hints_of_which_the_second_names_the_function():
    hints = answer({"want": "hunt", "number": 1})["hints"]
    assert len(hints) == 3
    assert "user_embedding.W fails" in hints[0] and "NeuMF.backward" in hints[1]


def test_reply_is_plain_json_without_paths_and_the_core_is_untouched():
    classes = (layers.Dense, losses.BinaryCrossEntropyWithLogits, models.NeuMF, optimizers.Adam)
    before = [dict(vars(owner)) for owner in classes]
    source = "def backward(self, dy):\n    print('seen', dy.shape)\n    return 1 / 0\n"
    reply = ask({"Dense.backward": source})
    text = json.dumps(reply, allow_nan=False)
    assert "ncf_numpy/" not in text and "/home" not in text
    assert reply["output"] == "seen (6, 1)\n"
    assert [dict(vars(owner)) for owner in classes] == before


def test_same_request_has_the_same_reply():
    function, source, step = rewrites.WRONG["Dense.backward: the sign of dx"]
    assert ask({function: source}, **step) == ask({function: source}, **step)


def test_output_without_end_is_cut():
    source = "def backward(self, dy):\n    print('x' * 100_000)\n    return dy\n"
    assert len(ask({"ReLU.backward": source})["output"]) == 10_000


def test_entries_at_a_kink_are_not_compared():
    """All inputs of the first ReLU are 0: the loss has no derivative there, and nothing is red."""
    zeros = {"dense1.W": np.zeros((8, 6)).tolist(), "dense1.b": [0.0] * 6}
    reply = ask({"ReLU.backward": original_text("ReLU.backward")}, weights=zeros)
    assert reply["first"] is None


@pytest.mark.parametrize("title", ["Dense.backward: other names", "Adam.step: hats"])
def test_view_has_the_verdicts_of_an_edited_step(title):
    function, source, step = rewrites.RIGHT[title]
    view = ask({function: source}, **step)["view"]
    own = [record for record in view["records"] if record["fn"] == function]
    assert {record["file"] for record in own} == {f"your {function}"}
    assert "right" in {record["verdict"] for record in own}
    assert all(1 <= record["line"] <= source.count("\n") for record in own)


def test_a_line_that_is_the_cores_keeps_its_formula_and_another_does_not():
    source = original_text("Dense.backward").replace("dx = dy.dot", "dx = 2 * dy.dot")
    records = ask({"Dense.backward": source})["view"]["records"]
    formulas = {r["name"]: r["text"] for r in records if r["file"] == "your Dense.backward"}
    assert formulas == {"dW": "dW = x^T dy", "db": "db = sum over b of dy_b", "dx": ""}


def test_renamed_line_takes_over_the_formula_only_where_its_numbers_give_the_value():
    function, source, _ = rewrites.RIGHT["Dense.backward: einsum"]
    records = ask({function: source})["view"]["records"]
    (dW, *_) = (r for r in records if r["fn"] == function and r["name"] == "dW")
    assert dW["text"] == "dW = x^T dy"
    assert dW["code"] == 'self.dW = np.einsum("bi,bo->io", self.x, dy)'


def test_rows_of_a_bias_gradient_are_no_pairs_of_the_batch():
    source = original_text("Dense.backward").replace("self.db = ", "self.db = 2 * ")
    records = ask({"Dense.backward": source})["view"]["records"]
    axes = {r["name"]: r["axes"][0] for r in records if r["file"] == "your Dense.backward"}
    assert (axes["db"], axes["dx"]) == ("i", "b")


def test_weight_that_an_optimizer_leaves_alone_is_wrong():
    reply = ask({"SGD.step": "def step(self, parameters):\n    pass\n"}, optimizer="sgd")
    assert (reply["first"]["function"], reply["first"]["line"]) == ("SGD.step", 2)
    assert reply["view"] is not None
