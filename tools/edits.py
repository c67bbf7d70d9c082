"""Edits of meaning: does a test notice that the wrong set, the wrong row or no argument is used?

    python tools/edits.py               # all of tools/edits.txt
    python tools/edits.py --only split  # those whose file or lines hold this text

`mutate.py` changes an operator where the mathematics is; here are mistakes that a person makes:
fitted on the test items, the latest weights for the best, an option that is read and not used. Each
edit is made in a copy of the package, and the tests named for it have to fail. Exit status 1 if one
survives, 2 if one fits no line any more.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tools" / "edits.txt"
MEMORY = 4 * 2**30  # bytes of address space for the tests of an edit


class Edit(NamedTuple):
    """One mistake: in `file` of the package, `before` becomes `after`; `tests` have to notice."""

    file: str
    before: str
    after: str
    tests: list


def read_edits(text):
    """The edits of a list; ValueError for a block that is none.

    A block is a file, lines that begin with "- " and "+ ", and arguments of pytest after "! ".
    """
    edits = []
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if not lines:
            continue
        parts = {
            sign: "\n".join(line[2:] for line in lines if line.startswith(f"{sign} "))
            for sign in "-+!"
        }
        if not parts["-"] or not parts["!"] or len(parts) < 3:
            raise ValueError(f"expected a file and lines with -, + and !, got\n{block}")
        edits.append(Edit(lines[0], parts["-"], parts["+"], parts["!"].split()))
    return edits


def apply(edit, package):
    """Make an edit in a copy of the package; ValueError unless its lines are there once."""
    path = package / edit.file
    source = path.read_text(encoding="utf-8")
    if source.count(edit.before) != 1:
        n = source.count(edit.before)
        raise ValueError(f"{edit.file} holds these lines {n} times, expected once:\n{edit.before}")
    path.write_text(source.replace(edit.before, edit.after), encoding="utf-8")


def is_killed(edit):
    """Whether the tests of an edit fail on it."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("ncf_numpy", "tests", "examples", "docs", "tools"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, Path(folder) / name, ignore=ignored)
        for name in ("setup.cfg", "conftest.py", "README.md", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        apply(edit, Path(folder) / "ncf_numpy")
        environment = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        tests = [f"tests/{each}" if ".py" in each else each for each in edit.tests]
        done = subprocess.run(
            [*command, *tests],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            preexec_fn=limit_memory,
        )
    if done.returncode not in (0, 1):
        raise ValueError(f"pytest {' '.join(tests)} ended with {done.returncode}:\n{done.stdout}")
    return done.returncode == 1


def limit_memory():
    """What reads a device without an end is to fail, and not to take the machine with it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="TEXT", default="", help="edits that hold this text")
    parser.add_argument("--list", type=Path, default=LIST, metavar="FILE", help=str(LIST.name))
    options = parser.parse_args(arguments)
    edits = read_edits(options.list.read_text(encoding="utf-8"))
    edits = [edit for edit in edits if options.only in f"{edit.file}\n{edit.before}\n{edit.after}"]
    survived, n_killed = [], 0
    for edit in edits:
        try:
            killed = is_killed(edit)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
        n_killed += killed
        if not killed:
            survived.append(edit)
            print(f"SURVIVED in {edit.file}:\n- {edit.before}\n+ {edit.after}\n", flush=True)
    print(f"{n_killed} of {len(edits)} killed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
