"""What the README shows is what happens."""

import doctest
import pathlib
import re

import pytest

from ncf_numpy.__main__ import main

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_examples_run_and_print_what_they_show():
    parser = doctest.DocTestParser()
    flags = doctest.NORMALIZE_WHITESPACE
    blocks = re.findall(r"```python\n(>>>.*?)```", README, re.DOTALL)
    assert blocks
    names = {}
    for number, block in enumerate(blocks):
        test = parser.get_doctest(block, names, f"README block {number}", "README.md", 0)
        runner = doctest.DocTestRunner(optionflags=flags)
        runner.run(test, clear_globs=False)
        names |= test.globs
        assert runner.summarize(verbose=False).failed == 0


def test_the_gradient_check_prints_the_table_shown(capsys):
    command = "gradcheck --model gmf --bug dropped-repeats"
    assert f"python -m ncf_numpy {command}" in README
    assert main(command.split()) == 1
    out = capsys.readouterr().out
    shown = next(b for b in re.findall(r"```text\n(.*?)```", README, re.DOTALL) if "WRONG" in b)
    # The last digits of a relative error are rounding, and differ between processors.
    rounding = re.compile(r"\d\.\de-\d\d")
    assert rounding.sub("~", out).strip() == rounding.sub("~", shown).strip()


@pytest.mark.parametrize("marker", ["main command", "test command"])
def test_the_two_commands_stand_after_their_markers(marker):
    pattern = rf"<!-- {marker} -->\n```sh\n(pip install -e .*? && .*)\n```"
    assert len(re.findall(pattern, README)) == 1


def test_the_snippets_for_own_data_are_those_of_the_guide():
    # which tests/test_cli.py runs
    guide = (ROOT / "docs" / "recommender.md").read_text(encoding="utf-8")
    python = re.findall(r"```python\n(from.*?)```", README, re.DOTALL)
    shell = re.findall(r"```sh\n(python -m ncf_numpy train.*?)```", README, re.DOTALL)
    assert len(python) == len(shell) == 1
    assert len(python[0].split("\n\n")[1].splitlines()) == 3  # five lines with the two imports
    for snippet in python + shell:
        assert f"```{'sh' if snippet in shell else 'python'}\n{snippet}```" in guide


def test_every_link_into_the_repository_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target
