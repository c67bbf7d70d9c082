import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from learners import script

import ncf_numpy
from ncf_numpy.__main__ import main
from ncf_numpy.learn import exercises
from ncf_numpy.learn.exercises import judge, report
from ncf_numpy.learn.exercises.texts import ANSWER, notes
from ncf_numpy.learn.exercises.values import find_fault

ROOT = Path(ncf_numpy.__file__).parents[1]
NAMES = exercises.numbers()
ANSWERS = [
    (number, match[2], count)
    for number, name in NAMES.items()
    for count, match in enumerate(ANSWER.finditer(exercises.solved(name)))
]


# The texts


def test_they_are_numbered_from_one_without_a_gap():
    assert len(NAMES) >= 12 and list(NAMES) == list(range(1, len(NAMES) + 1))
    titles = [exercises.title(name) for name in NAMES.values()]
    assert [title.split(":")[0] for title in titles] == [f"Exercise {n}" for n in NAMES]


@pytest.mark.parametrize("name", NAMES.values())
def test_an_exercise_shows_no_answer_no_hint_and_no_mistake(name):
    text, solved = exercises.blank(name), exercises.solved(name)
    assert "# hint" not in text + solved and "# mistake" not in text + solved
    total, filled = exercises.filled(name, text)
    assert total == max(1, len(ANSWER.findall(solved))) and filled == 0
    assert exercises.filled(name, solved) == (total, total)
    assert "end of answer" not in text


@pytest.mark.parametrize("name", NAMES.values())
def test_every_answer_has_two_hints_and_no_right_value_stands_in_the_script(name):
    assert all(len(note.hints) == 2 for note in notes(name).values())
    text = exercises.blank(name)
    assert not re.search(r"\.backward\((?!self)", re.sub(r"# .*|output.*|dense.*", "", text))


# The judge


@pytest.mark.parametrize("number", NAMES)
def test_every_solution_is_right(number):
    verdict = judge(number, exercises.solved(NAMES[number]))
    assert verdict.solved and verdict.fault == verdict.cause == "" and report(verdict) == ""
    assert verdict.output.endswith("\n")
    assert f"Exercise {number} solved." in verdict.output.splitlines()[-1]
    assert verdict.output.count("  right  ") == len(verdict.right) >= 3


@pytest.mark.parametrize("number", NAMES)
def test_every_exercise_stops_at_its_first_blank_and_names_it(number):
    text = exercises.blank(NAMES[number])
    verdict = judge(number, text)
    assert not verdict.solved and verdict.right == []
    assert verdict.fault == "is missing: it is still `...`" and verdict.cause == ""
    line = text.splitlines()[verdict.line - 1]
    assert "..." in line or "def backward" in line
    assert len(verdict.hints) == 3


@pytest.mark.parametrize(("number", "name", "count"), ANSWERS)
def test_every_answer_a_little_wrong_is_found_in_its_line(number, name, count):
    lines = exercises.solved(NAMES[number]).splitlines()
    at = [n for n, line in enumerate(lines) if ANSWER.match(line)][count]
    # one number less by a ten-millionth, or, where that vanishes in a zero, shifted
    lines[at] = re.sub(
        r"= (.+?)  # answer", r"= np.asarray(\1, float) * (1 - 1e-7) - 1e-7  # answer", lines[at]
    )
    verdict = judge(number, "\n".join(lines))
    assert not verdict.solved and verdict.line == at + 1 and verdict.cause == ""
    assert verdict.name.split("_")[0] == name.split("_")[0] and "is not right" in verdict.fault


def test_a_verdict_is_plain_data():
    verdict = judge(3, script(3, "dW", "dW = x.T @ dy / len(x)"))
    assert json.loads(json.dumps(verdict._asdict()))["name"] == "dW"


def test_the_number_comes_last_of_three_hints_and_nowhere_before():
    verdict = judge(1, script(1, "dp", "dp = [1.5, 0.5]"))
    assert verdict.hints[2] == "dp = [-0.75,  0.5 ]"
    text = report(verdict)
    assert "yours[0] = 1.5" in text and "0.75" not in text
    assert [report(verdict, n).count("hint") for n in (1, 2, 3)] == [1, 2, 3]


def test_an_answer_may_be_a_list_and_later_lines_calculate_with_it():
    text = exercises.solved(NAMES[1]).replace("phi = p * q", "phi = [3, -2]")
    text = text.replace("dp = dphi * q", "dp = (-0.75, 0.5)")
    assert judge(1, text).solved


def test_a_hint_is_given_when_numpy_raises():
    verdict = judge(3, script(3, "dx", "dx = dy @ W"))
    assert verdict.fault.startswith("raises ValueError: matmul") and "`W`" in verdict.cause
    assert "transposed" in verdict.cause and len(verdict.hints) == 3 and verdict.line > 0


def test_a_name_that_is_not_known_is_answered_with_those_that_are():
    verdict = judge(3, script(3, "dW", "dW = layer.dW"))
    assert "'layer' is not defined" in verdict.fault
    assert verdict.cause.endswith("these are: x, dy, W, b, y")


@pytest.mark.parametrize(
    ("number", "blank", "lines", "array"),
    [
        (4, "dx", "dx = dy\ndx[x <= 0] = 0", "dy"),
        (3, "dx", "dx = dy @ W.T\nx += 1", "x"),
        (6, "p", "users.sort()\np = P[users]", "users"),
    ],
)
def test_a_right_value_that_was_written_into_an_array_that_was_given(number, blank, lines, array):
    verdict = judge(number, script(number, blank, lines))
    assert not verdict.solved and f"writes into `{array}`" in verdict.cause


def test_a_check_that_was_deleted_is_missed():
    text = exercises.blank(NAMES[3])
    gone = re.sub(r"^(y|dW|db|dx) = \.\.\..*\n|^check.*\n", "", text, flags=re.MULTILINE)
    verdict = judge(3, gone)
    assert not verdict.solved and 'check("y", ...)' in verdict.fault
    last = exercises.solved(NAMES[3]).replace('check("dx", dx)\n', "")
    assert 'check("dx", ...)' in judge(3, last).fault
    first = exercises.solved(NAMES[3]).replace('check("y", y)\n', "")
    assert 'check("y", ...) belongs' in judge(3, first).fault


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        ("y = x @@ W", "is not Python"),
        ("raise SystemExit", "ended before"),
        ("y = x @ W + b\nraise OSError(2)", "raises OSError"),
    ],
)
def test_a_script_that_does_not_come_to_its_end(edit, fault):
    verdict = judge(3, script(3, "y", edit))
    assert not verdict.solved and verdict.fault.startswith(fault)


def test_the_number_of_an_exercise_that_does_not_exist():
    with pytest.raises(ValueError, match=r"1 to 12, got 13"):
        judge(13, "")


@pytest.mark.parametrize(
    ("yours", "right", "fault"),
    [
        (..., 1.0, "still `...`"),
        ("two", 1.0, "got str 'two'"),
        (None, [1.0], "got NoneType None"),
        ({1, 2}, [1.0, 2.0], "got set {1, 2}"),
        ([1.0, 2.0], [[1.0], [2.0]], r"shape (2,), expected shape (2, 1)"),
        ([1.0, 2.0], 1.0, "shape (2,), expected one number"),
        ([1.0, 2.0, 4.5], [1.0, 3.0, 4.0], "2 of 3 numbers differ, the first is yours[1] = 2"),
        ([1.0, np.nan], [1.0, 2.0], "yours[1] is nan"),
        (3.0, 2.5, "yours = 3"),
    ],
)
def test_a_fault_says_where_and_not_what_it_should_be(yours, right, fault):
    assert fault in find_fault(yours, np.asarray(right))


@pytest.mark.parametrize(
    ("yours", "right"),
    [(2.0 + 1e-10, 2.0), ([0.0, 1e-13], [0.0, 0.0]), ([2.0], 2.0), (True, 1.0), ([1, 2], [1, 2])],
)
def test_what_is_right_but_for_rounding_and_form(yours, right):
    assert find_fault(yours, np.asarray(right)) is None


# By hand


def test_exercise_one_has_the_numbers_worked_out_by_hand():
    # phi = [1*3, 2*-1]; logit = .5*3 + 1*-2 + .5 = 0; y_hat = 1/2; loss = log 2; dlogit = -1/2
    # dh = -1/2 [3, -2]; dphi = -1/2 [.5, 1]; dp = dphi * [3, -1]; dq = dphi * [1, 2]
    by_hand = {"phi": "[3, -2]", "logit": "0", "y_hat": "0.5", "value_by_hand": "np.log(2)"}
    by_hand |= {"dlogit": "-0.5", "dh": "[-1.5, 1]", "db": "-0.5", "dphi": "[-0.25, -0.5]"}
    by_hand |= {"dp": "[-0.75, 0.5]", "dq": "[-0.25, -1]", "p_new": "[1.075, 1.95]"}
    text = exercises.blank(NAMES[1])
    for name, value in by_hand.items():
        text = text.replace(f"\n{name} = ...", f"\n{name} = {value}")
    assert judge(1, text).solved


# The command


def command(*arguments):
    return main(["exercise", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path):
    exercises.write(tmp_path)
    return tmp_path


def solve(folder, number):
    (folder / NAMES[number]).write_text(exercises.solved(NAMES[number]), encoding="utf-8")


def test_the_exercises_are_written_and_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command(3) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("Exercise 3: the dense layer")
    assert "y is missing" in captured.err and "exercise 3 --hint 2" in captured.err
    mine = tmp_path / "exercises" / NAMES[3]
    assert sorted(path.name for path in mine.parent.iterdir()) == list(NAMES.values())
    solve(mine.parent, 3)
    assert command(3) == 0
    captured = capsys.readouterr()
    assert captured.out.endswith("Exercise 3 solved.\n") and captured.err == ""


def test_without_a_number_no_script_is_run(folder, capsys):
    trap = exercises.blank(NAMES[1]).replace("\nphi = ...", "\nphi = open('trap', 'w')")
    (folder / NAMES[1]).write_text(trap, encoding="utf-8")
    solve(folder, 2)
    assert command("--folder", folder) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0].startswith("  1   1 of 11 filled in") and captured.err == ""
    assert lines[1].startswith("  2   7 of  7 filled in") and len(lines) == 15
    assert not Path("trap").exists() and not (folder / "trap").exists()


@pytest.mark.parametrize("n_hints", [1, 2, 3])
def test_hints_come_one_by_one(n_hints, folder, capsys):
    assert command(3, "--hint", n_hints, "--folder", folder) == 1
    text = capsys.readouterr().err
    assert text.count(" of 3: ") == n_hints
    assert ("y = [[" in text) == (n_hints == 3)
    assert ("more: " in text) == (n_hints < 3)


def test_a_report_says_what_is_solved_and_what_is_wrong_and_why(folder, tmp_path, capsys):
    solve(folder, 1)
    wrong = script(3, "db", "db = dy.mean(axis=0)")
    (folder / NAMES[3]).write_text(wrong, encoding="utf-8")
    (folder / NAMES[4]).unlink()
    path = tmp_path / "report.json"
    assert command("--report", path, "--folder", folder) == 1
    found = json.loads(path.read_text(encoding="utf-8"))
    assert (found["solved"], found["of"]) == (1, 12)
    first, _, third, fourth, *_ = found["exercises"]
    assert first["solved"] and first["right"][0] == "phi"
    assert third["right"] == ["y", "dW"] and third["name"] == "db" and "mean" in third["cause"]
    assert "cannot be read" in fourth["fault"] and NAMES[4] in fourth["fault"]
    assert not (folder / NAMES[4]).exists()
    assert "1 of 12 solved" in capsys.readouterr().out
    assert command(1, "--report", path, "--folder", folder) == 0
    assert json.loads(path.read_text(encoding="utf-8"))["of"] == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949"])
def test_a_file_saved_by_another_editor(encoding, folder, capsys):
    text = exercises.solved(NAMES[4]).replace("# (B, n)", "# 입력 (B, n)")
    (folder / NAMES[4]).write_text(text, encoding=encoding)
    right = encoding != "cp949"
    assert command(4, "--folder", folder) == (0 if right else 1)
    assert ("is not UTF-8" in capsys.readouterr().err) != right
    report = folder / "report.json"
    assert command(4, "--report", report, "--folder", folder) == (0 if right else 1)
    assert ("is not UTF-8" in report.read_text(encoding="utf-8")) != right


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_script_without_an_end_filled_the_memory(folder, capsys):
    for number, place in ((1, "/dev/zero"), (2, "pipe")):
        (folder / NAMES[number]).unlink()
        os.symlink(place, folder / NAMES[number])
    os.mkfifo(folder / "pipe")
    with open(folder / NAMES[3], "wb") as file:
        file.truncate(2**40)
    for number, problem in ((1, "pipe or a device"), (2, "pipe or a device"), (3, "longer than")):
        assert command(number, "--folder", folder) == 1
        assert problem in capsys.readouterr().err
    assert command("--report", folder / "report.json", "--folder", folder) == 1


def test_a_link_that_leads_nowhere_was_followed_to_write_an_exercise(tmp_path):
    (tmp_path / NAMES[1]).symlink_to(tmp_path / "planted")
    exercises.write(tmp_path)
    assert not (tmp_path / "planted").exists()
    assert len(list(tmp_path.glob("*.py"))) == 12


def test_a_script_under_another_name_knows_its_number(folder):
    other = folder / "mine.py"
    other.write_text(exercises.blank(NAMES[3]), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(other)],
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 1 and "y is missing" in done.stderr


def test_the_solution_is_printed_on_request_only(capsys):
    assert command(4, "--solution") == 0
    assert "dx = dy * is_open  # answer: (B, n)\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([13], "1 to 12, got 13"),
        ([0], "1 to 12, got 0"),
        (["--solution"], "--solution needs the number"),
        ([1, "--solution", "--report", "x.json"], "one of them"),
        (["--report", "01_one_pair.py"], "got 01_one_pair.py"),
    ],
)
def test_usage_errors(arguments, message, capsys):
    assert command(*arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("solved", "status"), [(True, 0), (False, 1)])
def test_an_exercise_runs_as_a_plain_script_without_a_traceback(solved, status, folder):
    if solved:
        solve(folder, 1)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(folder / NAMES[1])],
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == status and done.stdout.startswith("Forward\n")
    assert done.stdout.count("Forward") == 1
    assert ("Exercise 1 solved" in done.stdout) == solved
    assert done.stderr == "" if solved else "phi is missing" in done.stderr
