"""docs/tutorials/stepper.md and a written page say what the stepper does now."""

import json
import re
from pathlib import Path

import pytest

import ncf_numpy
from ncf_numpy.__main__ import main

PACKAGE = Path(ncf_numpy.__file__).parent
ROOT = PACKAGE.parent
DOCS = ROOT / "docs" / "tutorials" / "stepper.md"


def test_the_options_are_those_of_the_command(capsys):
    text = DOCS.read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["step", "--help"])
    usage = capsys.readouterr().out
    options = set(re.findall(r"`(--[a-z-]+)", text))
    assert options
    assert all(option in usage for option in options)


def test_a_page_quotes_the_core_as_it_is(tmp_path, capsys):
    page = tmp_path / "backprop.html"
    assert main(["step", "--html", str(page), "--steps", "50"]) == 0
    assert page.stat().st_size < 2e6
    data = re.search(r'data-json="data">(.+?)</script>', page.read_text(encoding="utf-8"))[1]
    for record in json.loads(data)["records"]:
        path = PACKAGE / record["file"]
        line = path.read_text(encoding="utf-8").splitlines()[record["line"] - 1]
        assert line.strip().startswith(record["code"])
