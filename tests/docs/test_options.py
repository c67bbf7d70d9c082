"""Every option of the commands for one's own data is in a command that test_snippets.py runs."""

import argparse
import shlex

import pytest
from snippets import PAGES, blocks, commands

from ncf_numpy.__main__ import build_parser

FIGURES = {"--plot"}  # which needs matplotlib; tests/commands/test_plots.py runs it


def shown():
    """{command: words of all its examples} that are run from beginning to end."""
    words = {}
    for page in PAGES:
        for block in blocks(page, "commands"):
            for command in commands(block.text):
                program, name = shlex.split(command)[:3], shlex.split(command)[3:4]
                if program == ["python", "-m", "ncf_numpy"] and "FOLDER/" not in command:
                    words.setdefault("".join(name), set()).update(shlex.split(command))
    return words


@pytest.mark.parametrize("names", ["train evaluate", "recommend", "similar", "vectors"])
def test_an_option_had_no_example(names):
    (commands_of,) = (
        action.choices
        for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    options = {
        option
        for name in names.split()
        for action in commands_of[name]._actions
        for option in action.option_strings
        if option.startswith("--")
    }
    known = shown()
    examples = set().union(*(known[name] for name in names.split()))
    assert options - examples - FIGURES - {"--help", "--debug"} == set()
