"""Every mutant of the files that compute is killed, or listed as equivalent with a reason."""

import pathlib
import re
import subprocess
import sys

import pytest

TOOL = pathlib.Path(__file__).parents[2] / "tools" / "mutate.py"
pytest.importorskip("resource", reason="mutate.py forks: Linux and macOS only")
pytestmark = pytest.mark.robustness


def test_no_mutant_survives():
    done = subprocess.run([sys.executable, str(TOOL)], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.splitlines()[-1]
    numbers = r"all +(\d+) mutants: (\d+) killed .*, (\d+) equivalent, 0 survived"
    mutants, killed, equivalent = map(int, re.match(numbers, last).groups())
    assert mutants > 1000 and killed + equivalent == mutants
    assert killed >= 0.95 * mutants
