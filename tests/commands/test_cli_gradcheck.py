import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ncf_numpy
from ncf_numpy.__main__ import main
from ncf_numpy.learn.bugs import BUGS


def run(capsys, *arguments):
    status = main(["gradcheck", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_all_models_are_right(capsys):
    status, out, err = run(capsys)
    assert (status, err) == (0, "")
    headings = re.findall(r"^(\w+), batch of 6, float64$", out, re.MULTILINE)
    assert headings == ["MF", "GMF", "MLP", "NeuMF"]
    assert out.splitlines().count("right") == 4
    assert "WRONG" not in out


def test_one_model_and_its_table(capsys):
    status, out, _ = run(capsys, "--model", "gmf")
    lines = out.splitlines()
    assert status == 0
    assert lines[0] == "GMF, batch of 6, float64"
    assert lines[1].split() == ["array", "shape", "entries", "kinks", "rel_error", "order"]
    arrays = ["dlogits", "user_embedding.W", "item_embedding.W", "output.W", "output.b"]
    assert [line.split()[0] for line in lines[2:7]] == arrays
    # user_embedding.W: 7 users of 8 factors
    assert re.fullmatch(r"user_embedding\.W +\(7, 8\) +56 +0 +\d\.\de-\d\d +2\.00", lines[3])
    assert lines[7] == "right"


def test_a_planted_bug_is_caught_in_every_model_it_shows_in(capsys):
    status, out, _ = run(capsys, "--bug", "product-rule")
    assert status == 1
    assert re.findall(r"^(\w+), batch", out, re.MULTILINE) == ["MF", "GMF", "NeuMF"]
    assert out.count(f"WRONG: {BUGS['product-rule'].summary}\n") == 3
    assert len(re.findall(r"^user_embedding\.W\[\d, \d+\]: analytic", out, re.MULTILINE)) == 3
    assert run(capsys)[0] == 0  # and it is gone


@pytest.mark.parametrize("bug", BUGS)
def test_every_bug_fails_the_check_of_neumf(capsys, bug):
    status, out, _ = run(capsys, "--model", "neumf", "--bug", bug)
    assert status == 1
    assert f"WRONG: {BUGS[bug]}\n" in out


def test_the_list_of_bugs_is_bare_names_one_a_line(capsys):
    status, out, err = run(capsys, "--list-bugs")
    assert (status, err) == (0, "")
    assert out.splitlines() == list(BUGS)


def test_a_model_a_bug_does_not_show_in_is_a_usage_error(capsys):
    status, out, err = run(capsys, "--model", "mlp", "--bug", "product-rule")
    assert (status, out) == (2, "")
    assert err == "product-rule shows in mf, gmf, neumf, not in mlp\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gradcheck", "--bug", "typo"], "--bug: invalid choice: 'typo'.*dropped-repeats"),
        (["gradcheck", "--model", "svd"], "--model: invalid choice: 'svd'.*neumf"),
        (["gradcheck", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["nonsense"], "invalid choice: 'nonsense'"),
    ],
)
def test_usage_errors_exit_with_2(capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert re.search(message, capsys.readouterr().err)


def test_help_shows_the_exit_status_and_an_example(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["gradcheck", "--help"])
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "Exit status: 0 right, 1 a wrong gradient, 2 usage." in text
    assert "example: python -m ncf_numpy gradcheck --model neumf --bug dropped-repeats" in text


def test_it_runs_as_a_module_and_returns_its_status():
    command = [sys.executable, "-m", "ncf_numpy", "gradcheck", "--model", "mf"]
    root = str(Path(ncf_numpy.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root}
    wrong = subprocess.run(
        [*command, "--bug", "flipped-sign"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert (wrong.returncode, wrong.stderr) == (1, "")
    assert "WRONG: label minus prediction: every step goes uphill" in wrong.stdout
