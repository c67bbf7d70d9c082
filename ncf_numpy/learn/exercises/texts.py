"""The texts of the exercises: only the solved scripts are written by hand (solutions/).

An exercise is its solution with `...` for the value of every line marked as an answer, and without
the notes below that line, so the two cannot drift apart, and an installed package can write the
exercises again. The notes are for the judge:

    dW = x.T @ dy  # answer: (n_in, n_out)
    # hint: the first of two hints; the third is the right value
    # mistake: x @ dy -> what is wrong in an answer that has this value; its names in backticks
    check("dW", dW)

An answer of several lines stands between `# answer: ...` and `# end of answer`.
"""

import io
import os
import re
from pathlib import Path
from typing import NamedTuple

from ...data.whole_file import open_regular, write_whole

LONGEST = 2**20  # bytes of a script
SOLUTIONS = Path(__file__).parent / "solutions"
ANSWER = re.compile(r"^( *)(.+?) = (.+)  # answer: (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^( *)# answer: (.+)\n((?:.*\n)*?) *# end of answer\n", re.MULTILINE)
NOTE = re.compile(r"^ *# (hint|mistake)(?: (\w+))?: (.+)\n", re.MULTILINE)


class Notes(NamedTuple):
    """What a solution says about one of its answers."""

    hints: list  # two sentences
    mistakes: list  # (expression, sentence)


def numbers():
    """{1: "01_one_pair.py", ...}: the exercises in rising order."""
    names = sorted(path.name for path in SOLUTIONS.glob("[0-9]*.py"))
    return {int(name[:2]): name for name in names}


def title(name):
    """The first sentence of an exercise's docstring."""
    return annotated(name).split('"""')[1].split(". ")[0].split("\n")[0].rstrip(".")


def annotated(name):
    """The text of a solution as it is stored, with its notes."""
    return (SOLUTIONS / name).read_text(encoding="utf-8")


def read(path):
    """The text of a learner's file; ValueError if it is too long for one, or not UTF-8."""
    with open_regular(path) as file:
        content = file.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise ValueError(f"{path} is longer than {LONGEST:,} bytes: this is no exercise")
    try:
        return io.StringIO(content.decode("utf-8-sig"), newline=None).read()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8: save it as UTF-8 in your editor") from error


def number_of(text):
    """The number of the exercise that a script is, by its first line; 0 if it says none."""
    match = re.search(r'"""Exercise (\d+):', text)
    return int(match[1]) if match else 0


def solved(name):
    """The text of a solution."""
    return NOTE.sub("", annotated(name))


def blank(name):
    """The text of an exercise: its solution without the answers."""
    text = BLOCK.sub(r"\1...  # answer: \2\n", solved(name))
    return ANSWER.sub(r"\1\2 = ...  # answer: \4", text)


def notes(name):
    """{line: Notes} of the answers, by their line in `annotated`."""
    found = {}
    for number, line in enumerate(annotated(name).splitlines(keepends=True), start=1):
        note = NOTE.match(line)
        if ANSWER.match(line):
            current = found[number] = Notes([], [])
        elif not note or note[2]:
            continue
        elif note[1] == "hint":
            current.hints.append(note[3])
        else:
            current.mistakes.append(tuple(note[3].split(" -> ", 1)))
    return found


def hints_of_arrays(name):
    """{"dW": [hint, hint], ...}: the hints that name the array they are about."""
    found = {}
    for note in NOTE.finditer(annotated(name)):
        if note[2]:
            found.setdefault(note[2], []).append(note[3])
    return found


def filled(name, text):
    """How many blanks there are, and how many of them a text has filled in, without running it."""
    blanks = re.compile(r"^ *(?:.+? = )?\.\.\. *(?:#.*)?$", re.MULTILINE)
    total = len(blanks.findall(blank(name)))
    return total, max(0, total - len(blanks.findall(text)))


def write(folder):
    """Write the exercises that are not yet in the folder; what is there stays as it is."""
    if os.path.isfile(folder):
        raise NotADirectoryError(f"cannot write into {folder}: it is a file, not a folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name in numbers().values():
        path = folder / name
        if not os.path.lexists(path):  # nor a link that leads nowhere, which would be followed
            write_whole(path, blank(name).encode())
