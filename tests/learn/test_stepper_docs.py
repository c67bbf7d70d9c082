"""docs/stepper.md and the example page say what the stepper does now."""

import json
import re
from pathlib import Path

import pytest

import ncf_numpy
from ncf_numpy.__main__ import main

PACKAGE = Path(ncf_numpy.__file__).parent
ROOT = PACKAGE.parent
DOCS = ROOT / "docs" / "stepper.md"
EXAMPLE = ROOT / "examples" / "backprop.html"
REBUILD = "python -m ncf_numpy step --html examples/backprop.html --steps 50"


def test_the_options_are_those_of_the_command(capsys):
    text = DOCS.read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["step", "--help"])
    usage = capsys.readouterr().out
    options = set(re.findall(r"`(--[a-z-]+)", text))
    assert options
    assert all(option in usage for option in options)


def test_the_example_page_quotes_the_core_as_it_is():
    page = EXAMPLE.read_text(encoding="utf-8")
    assert len(page) < 2e6
    data = re.search(r'data-json="data">(.+?)</script>', page)[1]
    for record in json.loads(data)["records"]:
        path = PACKAGE / record["file"]
        line = path.read_text(encoding="utf-8").splitlines()[record["line"] - 1]
        assert line.strip().startswith(record["code"]), f"out of date; write it anew: {REBUILD}"
