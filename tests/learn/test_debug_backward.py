import ast
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ncf_numpy

ROOT = Path(ncf_numpy.__file__).parents[1]
PROGRAM = ROOT / "examples" / "debug_backward.py"
TEXT = PROGRAM.read_text(encoding="utf-8")
COMMANDS = [
    line.split("(Pdb) ")[1].split("  # ")[0].strip()
    for line in TEXT.splitlines()
    if line.startswith("    (Pdb) ")
]


def walk(commands):
    """([(command, what pdb answered), ...], errors) of the program under pdb."""
    done = subprocess.run(
        [sys.executable, "-m", "pdb", str(PROGRAM)],
        input="\n".join(commands) + "\n",
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    first, *answers = done.stdout.split("(Pdb) ")
    assert PROGRAM.name in first
    return list(zip(commands, answers, strict=True)), done.stderr


@pytest.fixture(scope="module")
def transcript():
    """The walk in the docstring."""
    return walk(COMMANDS)


def answer(transcript, command):
    (found,) = [text for given, text in transcript[0] if given == command]
    return found.strip()


def test_the_walk_runs_to_its_end_without_an_error(transcript):
    answers, errors = transcript
    assert errors == ""
    assert [text for _, text in answers if "***" in text or "Error" in text] == []
    assert COMMANDS[-1] == "q"


def test_the_first_stop_is_the_line_before_the_backward(transcript):
    number = int(COMMANDS[0].split()[1])
    assert TEXT.splitlines()[number - 1] == "model.backward(dlogits)"
    assert "-> model.backward(dlogits)" in transcript[0][1][1]


def test_each_stop_is_where_the_walk_says(transcript):
    # s, then c after each breakpoint of a function, in the order of backward
    stops = [text for command, text in transcript[0] if command in ("s", "c")]
    places = [re.search(r"(\w+)\.py\(\d+\)(\w+)\(", stop) for stop in stops[1:]]
    assert [place.groups() for place in places] == [("models", "backward")] + 3 * [
        ("layers", "backward")
    ]


def test_every_formula_of_the_walk_is_true(transcript):
    formulas = [(c, text) for c, text in transcript[0] if c.startswith(("p np.all", "p np.array"))]
    assert len(formulas) == 5
    assert {text.strip() for _, text in formulas} == {"True"}


def test_the_numbers_of_the_walk_are_those_of_the_program(transcript, capsys):
    end = runpy.run_path(str(PROGRAM))
    assert capsys.readouterr().out == f"loss {end['value']:.4f}, gradients of 8 arrays\n"
    model, labels = end["model"], end["labels"]
    shown = np.array(re.findall(r"-?\d\.\d+", answer(transcript, "p dlogits")), float)
    by_hand = (1 / (1 + np.exp(-end["logits"])) - labels) / 6
    np.testing.assert_allclose(shown, by_hand, atol=1e-8)
    assert (shown < 0).tolist() == (labels == 1).tolist()
    assert answer(transcript, "p self.ids") == "array([2, 5, 2, 1, 5, 0])"
    assert answer(transcript, "p self.dW.rows") == "array([0, 1, 2, 5])"
    assert answer(transcript, "p self.dW.shape") == str(model.output.dW.shape) == "(5, 1)"
    assert answer(transcript, "p dq_G.shape, dq_M.shape") == "((6, 2), (6, 3))"
    gates = (model.tower[-1][1].x > 0).sum(axis=1)
    assert answer(transcript, "p (self.x > 0).sum(axis=1)") == repr(gates)


def test_the_program_is_ten_lines():
    body = [
        node for node in ast.parse(TEXT).body if not isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    *statements, report = body[1:]  # after the docstring
    assert len(statements) == 10 and "print" in ast.unparse(report)
