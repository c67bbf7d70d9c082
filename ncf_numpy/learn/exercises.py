"""Exercises: a script with blanks, and `compare`, which says which blank is wrong, how, and why.

Only the solved scripts are written by hand (learn/solutions). An exercise is its solution with
`...` for the value of every line marked as an answer, so the two cannot drift apart, and an
installed package, which has no examples folder, can write the exercises anew.
"""

import contextlib
import io
import re
import runpy
import sys
import traceback
from pathlib import Path

import numpy as np

SOLUTIONS = Path(__file__).parent / "solutions"
ANSWER = re.compile(r"^( *)(.+?) = (.+)  # answer: (.+)$", re.MULTILINE)
RTOL, ATOL = 1e-9, 1e-12


def compare(name, yours, expected, hint):
    """Print that `name` is right, or end the script with what is wrong about it, and a hint.

    yours: a number or array, or `...` where the blank is still empty; expected: likewise.
    """
    fault = find_fault(yours, np.asarray(expected))
    if fault:
        sys.exit(f"  wrong  {name} {fault}\n         hint: {hint}")
    print(f"  right  {name}")


def find_fault(yours, expected):
    """A phrase that says how an answer differs from the expected array, or None."""
    if yours is ...:
        return "is missing: it is still `...`"
    try:
        yours = np.asarray(yours, float)
    except (TypeError, ValueError):
        return f"should be a number or an array, but is {yours!r}"
    if yours.shape != expected.shape:
        turned = yours.ndim == 2 and yours.shape == expected.T.shape
        shapes = f"has shape {yours.shape}, should have {expected.shape}"
        return shapes + (": it is transposed" if turned else "")
    wrong = ~np.isclose(yours, expected, RTOL, ATOL)
    if not wrong.any():
        return None
    off = np.where(wrong, np.abs(yours - expected), 0)
    off[np.isnan(off)] = np.inf
    index = np.unravel_index(off.argmax(), off.shape)
    place = f"[{', '.join(map(str, index))}]" if index else ""
    text = f"is off by {off.max():.3g}: yours{place} is {yours[index]:.6g}"
    text += f", should be {expected[index]:.6g}"
    if off.size > 1:
        text += f" ({wrong.sum()} of {off.size} entries differ)"
    return text + find_pattern(yours, expected)


def find_pattern(yours, expected):
    """What one mistake would explain all differences, as the end of a sentence, or nothing."""
    known = np.abs(expected) > ATOL
    if known.any() and np.array_equal(known, np.abs(yours) > ATOL):
        ratios = yours[known] / expected[known]
        if np.allclose(ratios, ratios[0], 1e-6, 0):
            return f"; all is {ratios[0]:.6g} times what it should be"
    if expected.ndim and np.allclose(yours, expected[::-1], RTOL, ATOL):
        return "; the rows are in reverse order"
    return ""


def locals_of(function, *arguments):
    """Call a function and return its local variables as they were at its end: {name: value}.

    So an exercise knows every intermediate of a model's backward, and the model needs no hook.
    """
    found = {}

    def watch(frame, event, _):
        if event == "return" and frame.f_code is function.__code__:
            found.update(frame.f_locals)

    outer = sys.getprofile()
    sys.setprofile(watch)
    try:
        function(*arguments)
    finally:
        sys.setprofile(outer)
    return found


def numbers():
    """{1: "01_one_pair.py", ...}: the exercises in rising order."""
    names = sorted(path.name for path in SOLUTIONS.glob("[0-9]*.py"))
    return {int(name[:2]): name for name in names}


def title(name):
    """The first sentence of an exercise's docstring."""
    return read(SOLUTIONS / name).split('"""')[1].split(". ")[0].split("\n")[0].rstrip(".")


def solved(name):
    """The text of a solution."""
    return ANSWER.sub(r"\1\2 = \3  # \4", read(SOLUTIONS / name))


def blank(name):
    """The text of an exercise: its solution without the answers."""
    return ANSWER.sub(r"\1\2 = ...  # \4", read(SOLUTIONS / name))


def write(folder):
    """Write the exercises that are not yet in the folder; what is there stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in numbers().values():
        path = folder / name
        if not path.exists():
            path.write_text(blank(name), encoding="utf-8")


def run(path):
    """Run an exercise as a script. -> "" if it comes to its end, else what stopped it and where."""
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as stop:
        return str(stop.code)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [
            f"  line {frame.lineno}: {frame.line}\n"
            for frame in frames
            if frame.filename == str(path)
        ]
        return f"{''.join(own[:1])}  {type(error).__name__}: {error}"
    return ""


def run_silently(path):
    """The same without output."""
    with contextlib.redirect_stdout(io.StringIO()):
        return run(path)


def read(path):
    return path.read_text(encoding="utf-8")
