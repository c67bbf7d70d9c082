import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ncf_numpy
from ncf_numpy.__main__ import main
from ncf_numpy.learn import exercises
from ncf_numpy.learn.exercises import ANSWER, SOLUTIONS, compare, find_fault, locals_of

ROOT = Path(ncf_numpy.__file__).parents[1]
NAMES = list(exercises.numbers().values())
TEXTS = {name: (SOLUTIONS / name).read_text(encoding="utf-8") for name in NAMES}
ANSWERS = [(name, match) for name in NAMES for match in ANSWER.finditer(TEXTS[name])]


def ids(case):
    return case if isinstance(case, str) else case[2].strip()


def run_with(name, match, value, tmp_path):
    """Run a solution in which one answer is replaced; -> what stopped it."""
    path = tmp_path / name
    line = f"{match[1]}{match[2]} = {value}"
    text = TEXTS[name][: match.start()] + line + TEXTS[name][match.end() :]
    path.write_text(text, encoding="utf-8")
    return exercises.run(path)


def compared(name, match):
    """The name under which an answer is compared, as a pattern: loops number theirs, dz is dz_2."""
    call = re.search(r'compare\(\s*f?"([^"]+)"', TEXTS[name][match.end() :])[1]
    assert call.split("_{")[0].startswith(match[2].split("_")[0])
    return re.sub(r"\\{.*?\\}", r"\\d", re.escape(call))


# The exercises


def test_there_are_ten_in_rising_order():
    assert list(exercises.numbers()) == list(range(1, 11))
    titles = [exercises.title(name) for name in NAMES]
    assert [title.split(":")[0] for title in titles] == [f"Exercise {n}" for n in range(1, 11)]


@pytest.mark.parametrize("name", NAMES)
def test_every_solution_passes(name, capsys):
    assert exercises.run(SOLUTIONS / name) == ""
    out = capsys.readouterr().out
    assert out.splitlines()[-1].startswith(f"Exercise {int(name[:2])} solved.")
    # every answer is compared, those in a loop more than once
    assert out.count("  right  ") >= len(ANSWER.findall(TEXTS[name])) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_stops_at_its_first_blank_and_names_it(name, capsys):
    fault = exercises.run(ROOT / "examples" / "exercises" / name)
    first = compared(name, next(ANSWER.finditer(TEXTS[name])))
    message = rf"  wrong  {first} is missing: it is still `\.\.\.`\n         hint: .+"
    assert re.fullmatch(message, fault)
    assert "right" not in capsys.readouterr().out


@pytest.mark.parametrize(("name", "match"), ANSWERS, ids=ids)
def test_every_blank_left_empty_is_named(name, match, tmp_path):
    fault = run_with(name, match, "...", tmp_path)
    assert re.match(rf"  wrong  {compared(name, match)} is missing", fault)


@pytest.mark.parametrize(("name", "match"), ANSWERS, ids=ids)
def test_every_answer_a_little_wrong_is_named_with_its_error_and_a_hint(name, match, tmp_path):
    # one number less by a tenth of a millionth, or where that vanishes in a zero, shifted
    wrong = f"np.asarray({match[3]}, float) * (1 - 1e-7) - 1e-7"
    fault = run_with(name, match, wrong, tmp_path)
    assert re.match(rf"  wrong  {compared(name, match)} is off by \d", fault)
    assert re.search(r"\n         hint: \S", fault)


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_is_its_solution_without_the_answers(name):
    exercise_text = (ROOT / "examples" / "exercises" / name).read_text(encoding="utf-8")
    assert exercise_text == exercises.blank(name)
    pairs = list(zip(exercise_text.splitlines(), TEXTS[name].splitlines(), strict=True))
    blanks = [ours for ours, theirs in pairs if ours != theirs]
    assert all(re.fullmatch(r" *\w+ = \.\.\.  # .+", line) for line in blanks)
    assert len(blanks) == TEXTS[name].count("# answer:")
    assert "answer:" not in exercise_text + exercises.solved(name)


def test_exercise_one_is_the_arithmetic_a_reader_does_on_paper():
    # p = [1, 2], q = [3, -1], h = [.5, 1], b = .5: phi = [3, -2], logit = 1.5 - 2 + .5 = 0,
    # y_hat = 1/2, dlogit = 1/2 - 1; dh = -.5 [3, -2]; dphi = -.5 [.5, 1]; dp = dphi q; dq = dphi p
    # p - .1 dp = [1 + .075, 2 - .05]. Afterwards q = [3.025, -.9], h = [.65, .9], b = .55:
    # logit = .65 * 1.075 * 3.025 - .9 * 1.95 * .9 + .55 = 2.113719 - 1.5795 + .55 = 1.084219
    end = runpy.run_path(str(SOLUTIONS / NAMES[0]))
    assert (end["dlogit"], end["dh"], end["dphi"]) == (-0.5, [-1.5, 1], [-0.25, -0.5])
    assert (end["dp"], end["dq"], end["p_new"]) == ([-0.75, 0.5], [-0.25, -1], [1.075, 1.95])
    assert end["again"] == pytest.approx(np.log1p(np.exp(-1.084219)), abs=1e-6)


def test_the_naive_line_of_exercise_five_keeps_the_last_gradient():
    end = runpy.run_path(str(SOLUTIONS / "05_embedding.py"))
    assert end["dW"][3].tolist() == [1 + 4 + 16, 10 + 40 + 160]
    assert end["naive"][3].tolist() == [16, 160]


# compare


@pytest.mark.parametrize(
    ("yours", "expected", "fault"),
    [
        (..., 1.0, "is missing: it is still `...`"),
        ("two", 1.0, "should be a number or an array, but is 'two'"),
        (None, [1.0], "has shape (), should have (1,)"),
        ([1.0, 2.0], [[1.0], [2.0]], "has shape (2,), should have (2, 1)"),
        ([[1.0, 2.0]], [[1.0], [2.0]], "has shape (1, 2), should have (2, 1): it is transposed"),
        (3.0, 2.5, "is off by 0.5: yours is 3, should be 2.5; all is 1.2 times what it should be"),
        (
            [1.0, 2.0, 4.5],
            [1.0, 3.0, 4.0],
            "is off by 1: yours[1] is 2, should be 3 (2 of 3 entries differ)",
        ),
        (
            [[2.0, 0.0], [4.0, -8.0]],
            [[-1.0, 0.0], [-2.0, 4.0]],
            "is off by 12: yours[1, 1] is -8, should be 4 (3 of 4 entries differ)"
            "; all is -2 times what it should be",
        ),
        (
            [3.0, 2.0, 1.0],
            [1.0, 2.0, 3.0],
            "is off by 2: yours[0] is 3, should be 1 (2 of 3 entries differ)"
            "; the rows are in reverse order",
        ),
        (
            [1.0, np.nan],
            [1.0, 2.0],
            "is off by inf: yours[1] is nan, should be 2 (1 of 2 entries differ)",
        ),
        (2.0 + 1e-10, 2.0, None),
        ([0.0, 1e-13], [0.0, 0.0], None),
    ],
)
def test_a_fault_says_how_far_off_and_in_what_way(yours, expected, fault):
    assert find_fault(yours, np.asarray(expected)) == fault


def test_compare_ends_the_script_with_name_fault_and_hint(capsys):
    compare("dW", [1.0], [1.0], "unused")
    assert capsys.readouterr().out == "  right  dW\n"
    with pytest.raises(SystemExit) as stop:
        compare("dW", [1.0], [2.0], "look again")
    text = "  wrong  dW is off by 1: yours[0] is 1, should be 2; all is 0.5 times what it should be"
    assert stop.value.code == text + "\n         hint: look again"


def test_locals_of_sees_the_last_values_and_puts_the_profiler_back():
    def half(x):
        y = x / 2
        y = y + 1
        return y

    before = sys.getprofile()
    assert locals_of(half, 4) == {"x": 4, "y": 3}
    with pytest.raises(TypeError):
        locals_of(half, "text")
    assert sys.getprofile() is before


# The command


def command(*arguments):
    return main(["exercise", *map(str, arguments)])


def test_away_from_a_clone_the_exercises_are_written_and_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command(3) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("Exercise 3: the dense layer")
    assert captured.err.startswith("  wrong  y is missing")
    mine = tmp_path / "exercises" / "03_dense.py"
    assert sorted(path.name for path in mine.parent.iterdir()) == NAMES
    mine.write_text(exercises.solved("03_dense.py"), encoding="utf-8")
    assert command(3) == 0
    captured = capsys.readouterr()
    assert captured.out.endswith("Exercise 3 solved.\n") and captured.err == ""


def test_progress_shows_what_is_done_and_what_comes_next(tmp_path, capsys):
    exercises.write(tmp_path)
    (tmp_path / NAMES[0]).write_text(exercises.solved(NAMES[0]), encoding="utf-8")
    crash = exercises.solved(NAMES[1]).replace("y_hat = 1 /", "y_hat = nothing /")
    (tmp_path / NAMES[1]).write_text(crash, encoding="utf-8")
    assert command("--folder", tmp_path) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line[:4] for line in lines[:10]] == ["done"] + 9 * ["open"]
    assert lines[11] == "Next, exercise 2:"
    assert re.fullmatch(r"  line \d+: y_hat = nothing / \(1 \+ .*", lines[12])
    assert lines[13:] == ["  NameError: name 'nothing' is not defined"]
    for name in NAMES:
        (tmp_path / name).write_text(exercises.solved(name), encoding="utf-8")
    assert command("--folder", tmp_path) == 0
    assert capsys.readouterr().out.endswith("\nAll solved.\n")


def test_the_solution_is_printed_on_request_only(capsys):
    assert command(4, "--solution") == 0
    assert "dx = dy * is_open  # (B, n)\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([11], "there are exercises 1 to 10, got 11\n"),
        ([0], "there are exercises 1 to 10, got 0\n"),
        (["--solution"], "--solution needs the number of an exercise\n"),
    ],
)
def test_usage_errors(arguments, message, capsys):
    assert command(*arguments) == 2
    assert capsys.readouterr().err == message


def test_an_exercise_runs_as_a_plain_script_without_a_traceback():
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / "exercises" / NAMES[0])],
        env={"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 1 and done.stdout == "Forward\n"
    assert done.stderr.startswith("  wrong  phi is missing: it is still `...`\n")
