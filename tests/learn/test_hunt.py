import inspect
import os
import re

import numpy as np
import pytest

from ncf_numpy.__main__ import main
from ncf_numpy.core import layers, losses, models, row_gradient
from ncf_numpy.core.layers import Dense
from ncf_numpy.learn import hunt
from ncf_numpy.learn.bugs import BUGS, planted
from ncf_numpy.learn.hunt import Place

SOURCES = {
    f"{module.__name__.split('.')[-1]}.py": inspect.getsource(module).splitlines()
    for module in (layers, losses, models, row_gradient)
}

# The line each bug breaks in NeuMF, as it stands in the source; read off the chain rule.
RIGHT_LINE = {
    "product-rule": "dp_G = dphi_G * self.q_G",
    "dropped-repeats": "np.add.at(sums.reshape(-1), cells.reshape(-1), further.reshape(-1))",
    "missing-mean": "dz = (sigmoid(self.z) - self.labels) / len(self.z)",
    "second-mean": "self.db = np.ones(len(dy), dy.dtype).dot(dy)",
    "flipped-sign": "dz = (sigmoid(self.z) - self.labels) / len(self.z)",
    "no-bias-gradient": "self.db = np.ones(len(dy), dy.dtype).dot(dy)",
    "relu-passes-all": "dx = dy * (self.x > 0)",
    "swapped-halves": "dp_M, dq_M = dphi_M[:, :D], dphi_M[:, D:]",
    "reversed-rows": "dx = dy.dot(self.W.T)",
    "ignored-upstream": "dx = dy.dot(self.W.T)",
    "one-percent": "self.dW = self.x.T.dot(dy)",
    "transposed-weight": "dx = dy.dot(self.W.T)",
    "stale-cache": "self.x = x",
}

# What the symptom text claims about the arrays: those it says fail, and the factor if it names one.
TABLES = {"user_embedding.W", "item_embedding.W"}
TOWER = {"dense1.W", "dense1.b", "dense2.W", "dense2.b"}
EVERYTHING = {"dlogits", "output.W", "output.b"} | TOWER | TABLES
BIASES = {"dense1.b", "dense2.b", "output.b"}
MATRICES = {"dense1.W", "dense2.W", "output.W"}
FAILS = {
    "product-rule": ({"user_embedding.W"}, None),
    "dropped-repeats": (TABLES, None),
    "missing-mean": (EVERYTHING, 6),  # the batch of the check is six
    "second-mean": (BIASES, 1 / 6),
    "flipped-sign": (EVERYTHING, -1),
    "no-bias-gradient": (BIASES, None),
    "relu-passes-all": (TABLES | TOWER, None),
    "swapped-halves": (TABLES, None),
    "reversed-rows": (TABLES | TOWER, None),
    "ignored-upstream": (TABLES | TOWER, None),
    "one-percent": (MATRICES, 1.01),
    "transposed-weight": (TABLES | {"dense1.W", "dense1.b"}, None),
    "stale-cache": (MATRICES, None),
}


@pytest.fixture(scope="module")
def all_symptoms():
    return {name: hunt.symptoms(bug) for name, bug in BUGS.items()}


def play(capsys, monkeypatch, number, *answers):
    """Hunt with these answers, then the end of the input; -> exit status, output, errors."""
    remaining = list(answers)

    def answer(prompt=""):
        if not remaining:
            raise EOFError
        return remaining.pop(0)

    monkeypatch.setattr("builtins.input", answer)
    status = main(["hunt", *([] if number is None else [str(number)])])
    return status, *capsys.readouterr()


def test_the_expectations_cover_all_bugs():
    assert RIGHT_LINE.keys() == FAILS.keys() == BUGS.keys()


@pytest.mark.parametrize("name", BUGS)
def test_every_bug_has_its_line_and_its_explanation(name):
    bug = BUGS[name]
    _, place = hunt.culprit(bug)
    line = SOURCES[place.file][place.line - 1]
    assert line.split("  # ")[0].strip() == RIGHT_LINE[name]
    assert place in hunt.places(bug)
    text = hunt.explain(bug)
    assert text.startswith(f"{place}\n    right:  {RIGHT_LINE[name]}\n    wrong:  ")
    assert all(part and part in text for part in (bug.summary, bug.symptom, bug.why))
    assert bug.symptom.endswith(".") and bug.why.endswith(".")


@pytest.mark.parametrize("name", BUGS)
def test_the_check_finds_what_the_symptom_text_says(name, all_symptoms):
    *_, table, sentences = all_symptoms[name]
    arrays, factor = FAILS[name]
    assert {re.split(r"[\[:]", sentence)[0] for sentence in sentences} == arrays
    assert set(table["array"]) == EVERYTHING
    if factor:
        for sentence in sentences:
            named = re.search(r"each by the factor (\S+)", sentence)
            pair = re.search(r"analytic (\S+), numerical (\S+);", sentence)
            ratio = float(named[1]) if named else float(pair[1]) / float(pair[2])
            assert ratio == pytest.approx(factor, rel=1e-4)


def test_the_loss_curves_do_what_the_symptom_texts_say(all_symptoms):
    curves = {name: curve for name, (_, curve, *_) in all_symptoms.items()}
    right = all_symptoms["one-percent"][0]
    assert right[0] > 0.6 and right[-1] < 0.01  # it learns
    for name in ("missing-mean", "flipped-sign", "ignored-upstream"):
        assert np.isinf(curves[name]).all()
    for name in ("product-rule", "relu-passes-all"):
        assert curves[name][-1] < 0.2 and (curves[name][4:] > 2 * right[4:]).all()
    for name in ("no-bias-gradient", "second-mean"):
        assert curves[name][3] < right[3]  # wrong, and faster
    # one third of the labels is 1: always to say so costs log(3) - 2/3 log(2) = 0.637
    assert (abs(curves["reversed-rows"] - 0.637) < 0.02).all()
    assert abs(curves["one-percent"] - right).max() < 0.05


def test_the_curve_is_that_of_right_code_again_after_a_hunt(all_symptoms):
    assert np.array_equal(hunt.loss_curve(), all_symptoms["stale-cache"][0])
    assert hunt.gradient_check()[1] == []


@pytest.mark.parametrize("name", BUGS)
def test_the_listing_shows_the_wrong_line_at_its_true_number(name):
    edit, place = hunt.culprit(BUGS[name])
    lines = hunt.code_as_it_runs(BUGS[name]).splitlines()
    (shown,) = [line for line in lines if line.split()[:1] == [str(place)]]
    assert edit.wrong.split("\n")[0].strip() in shown
    assert RIGHT_LINE[name] not in shown or RIGHT_LINE[name] in edit.wrong
    assert not any("  # " in line for line in lines)
    # and all other lines are those of the file
    for line in lines:
        if line and line != shown:
            file, number, text = re.match(r" *([\w.]+):(\d+)(?:  (.*))?", line).groups()
            true = re.sub(r"  # .*", "", SOURCES[file][int(number) - 1])
            assert (text or "") == true.rstrip()


def test_every_suspect_runs_in_a_step_of_neumf():
    called = set()
    for owner, function in hunt.SUSPECTS:
        before = getattr(owner, function)

        def spy(*arguments, before=before, key=(owner, function)):
            called.add(key)
            return before(*arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, function, spy)
            hunt.gradient_check()
    assert called == set(hunt.SUSPECTS)


@pytest.mark.parametrize(
    "text", ["layers.py:98", "layers 98", "ncf_numpy/core/layers.py:98", " layers.py, 98 "]
)
def test_a_line_may_be_named_in_several_ways(text):
    assert hunt.parse_place(text) == Place("layers.py", 98)


@pytest.mark.parametrize("text", ["", "98", "layers", "dense backward", "layers.py:x"])
def test_anything_else_is_answered_with_the_form(text):
    with pytest.raises(ValueError, match=r"expected FILE:LINE such as layers\.py:98, got "):
        hunt.parse_place(text)


def test_a_guess_is_told_whether_the_function_was_right():
    bug = BUGS["second-mean"]
    _, (file, line) = hunt.culprit(bug)
    assert hunt.judge(bug, Place(file, line)) == (True, f"Yes, layers.py:{line} it is.")
    right = (False, "You are in the right function, but that is not the line.")
    assert hunt.judge(bug, Place(file, line - 1)) == right
    first = inspect.getsourcelines(Dense.forward)[1]
    assert hunt.judge(bug, Place(file, first)) == (False, "That function is right.")
    assert hunt.judge(bug, Place(file, 1))[1].startswith("That line is not part of a step")


def test_a_hunt_from_the_first_guess_to_the_line(capsys, monkeypatch):
    number = list(BUGS).index("product-rule") + 1
    _, place = hunt.culprit(BUGS["product-rule"])
    status, out, err = play(capsys, monkeypatch, number, "h", "what", "layers.py:1", str(place))
    assert (status, err) == (0, "")
    assert re.search(r"user_embedding\.W +\(7, 12\) +84 +0 +\S+ +1\.00 +WRONG\n", out)
    assert re.search(r"item_embedding\.W +\(9, 12\) +108 +0 +\S+ +2\.00 +right\n", out)
    order = ["Hunt 1 of 13", "with the bug", "Gradient check", "user_embedding.W fails and item"]
    order += ["got 'what'", "not part of a step", f"Yes, {place} it is.", "Why: phi = p * q"]
    positions = [out.index(text) for text in order]
    assert positions == sorted(positions)
    assert max(map(len, out.splitlines())) <= 80


def test_giving_up_explains_all_the_same(capsys, monkeypatch):
    status, out, _ = play(capsys, monkeypatch, 3, "q")
    assert status == 1
    assert "overflow" in out and "Why: The value of the loss is a mean" in out


@pytest.mark.parametrize("answers", [[], ["h"], ["layers.py:1"]])
def test_the_end_of_the_input_gives_nothing_away(answers, capsys, monkeypatch):
    status, out, _ = play(capsys, monkeypatch, 3, *answers)
    assert status == 1 and out.endswith("python -m ncf_numpy hunt 3\n")
    assert "right:" not in out and "Why:" not in out
    assert not re.search(r"losses\.py:\d", out)


@pytest.mark.parametrize("name", BUGS)
def test_three_hints_say_more_and_more_and_never_the_line(name, capsys, monkeypatch):
    bug = BUGS[name]
    edit, place = hunt.culprit(bug)
    hints = hunt.hints(bug)
    assert hints[0] == bug.symptom and bug.why in hints[2]
    assert f"{edit.owner.__name__}.{edit.function}, in {place.file}" in hints[1]
    assert str(place) not in " ".join(hints)
    number = list(BUGS).index(name) + 1
    out = " ".join(play(capsys, monkeypatch, number, "h", "h", "hint", "h")[1].split())
    positions = [out.index(f"Hint {n} of 3: {' '.join(hints[n - 1].split())}") for n in (1, 2, 3)]
    assert positions == sorted(positions) and "no more hints" in out[positions[2] :]


def test_the_list_is_shown_on_request(capsys, monkeypatch):
    _, out, _ = play(capsys, monkeypatch, 9, "l")
    assert "dx = dy[::-1].dot(self.W.T)\n" in out


def test_in_a_window_of_24_lines_nothing_runs_out_of_it(capsys, monkeypatch):
    """Each time it waits for an answer or for Enter, at most 24 lines have come."""
    screens, answers = [], ["l", "q"]

    def answer(prompt=""):
        screens.append(capsys.readouterr().out + prompt)
        return answers.pop(0) if prompt else ""

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("ncf_numpy.commands.hunt.is_terminal", lambda stream: True)
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: os.terminal_size((80, 24)))
    bug = list(BUGS.values())[0]
    assert main(["hunt", "1"]) == 1
    assert max(len(screen.splitlines()) for screen in screens) <= 24
    shown = "".join(screens)
    for line in hunt.code_as_it_runs(bug).splitlines():
        assert line in shown


def test_without_a_number_some_bug_is_drawn(capsys, monkeypatch):
    _, out, _ = play(capsys, monkeypatch, None)
    assert 1 <= int(re.match(r"Hunt (\d+) of 13", out)[1]) <= 13


@pytest.mark.parametrize("number", [0, 14])
def test_a_number_out_of_range_is_a_usage_error(number, capsys, monkeypatch):
    status, out, err = play(capsys, monkeypatch, number)
    assert (status, out, err) == (2, "", f"there are hunts 1 to 13, got {number}\n")


def test_nothing_stays_planted_when_a_hunt_is_interrupted(monkeypatch):
    before = Dense.backward

    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(hunt, "gradient_check", interrupt)
    with pytest.raises(KeyboardInterrupt):
        hunt.symptoms(BUGS["one-percent"])
    assert Dense.backward is before
    with planted(BUGS["one-percent"]):
        assert Dense.backward is not before
