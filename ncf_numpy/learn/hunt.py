"""Bug hunt: one line of the core is wrong; from its symptoms, say which.

A hunter gets what a real one has: a loss curve beside the right one, and a gradient check. The code
is there to be read as it now runs, and says nothing; the symptoms do.
"""

import inspect
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..core.gradcheck import GradientError, check_gradients, redraw_embeddings
from ..core.layers import Dense, Embedding, ReLU
from ..core.losses import BinaryCrossEntropyWithLogits
from ..core.models import NeuMF
from ..core.optimizers import SGD
from ..core.row_gradient import GroupById
from ..training.trainer import train_step
from .bugs import planted

POINTS, STEPS_A_POINT, BATCH = 10, 60, 64

# Every function of the core on the way of NeuMF's gradient, in the order of a step.
SUSPECTS = [
    (NeuMF, "forward"),
    (Embedding, "forward"),
    (Dense, "forward"),
    (ReLU, "forward"),
    (BinaryCrossEntropyWithLogits, "forward"),
    (BinaryCrossEntropyWithLogits, "backward"),
    (NeuMF, "backward"),
    (Dense, "backward"),
    (ReLU, "backward"),
    (Embedding, "backward"),
    (GroupById, "sum"),
]


class Place(NamedTuple):
    file: str
    line: int

    def __str__(self):
        return f"{self.file}:{self.line}"


class Source(NamedTuple):
    """A function of the core as text."""

    file: str
    first: int  # number of its first line
    text: str

    def __contains__(self, place):
        last = self.first + self.text.count("\n") - 1
        return place.file == self.file and self.first <= place.line <= last

    def with_edit(self, edit):
        return self._replace(text=self.text.replace(edit.right, edit.wrong))

    def line(self, place):
        return re.sub(r"  # .*", "", self.text.splitlines()[place.line - self.first]).strip()

    def numbered(self):
        """The code without its comments: that of an exchanged line would give it away."""
        lines = enumerate(re.sub(r"  # .*", "", self.text).splitlines(), start=self.first)
        return "\n".join(
            f"{Place(self.file, number)!s:>18}  {line}".rstrip() for number, line in lines
        )


def source_of(owner, function):
    function = getattr(owner, function)
    lines, first = inspect.getsourcelines(function)
    return Source(Path(inspect.getsourcefile(function)).name, first, "".join(lines))


def place_of(edit):
    """The line that an edit changes."""
    source = source_of(edit.owner, edit.function)
    before = source.text[: source.text.index(edit.right)]
    return Place(source.file, source.first + before.count("\n"))


def places(bug):
    """All lines that count as found: the same idea may stand in more than one model."""
    return [place_of(edit) for edit in bug.edits]


def culprit(bug):
    """The edit that acts in NeuMF, and its place."""
    edit = next(edit for edit in bug.edits if (edit.owner, edit.function) in SUSPECTS)
    return edit, place_of(edit)


def code_as_it_runs(bug):
    """Every suspect with numbered lines, the planted one among them."""
    edits = {(edit.owner, edit.function): edit for edit in bug.edits}
    listing = []
    for suspect in SUSPECTS:
        source = source_of(*suspect)
        if suspect in edits:
            source = source.with_edit(edits[suspect])
        listing.append(source.numbered())
    return "\n\n".join(listing)


def parse_place(text):
    """ "layers.py:98", "layers 98" and the like -> Place; ValueError for anything else."""
    match = re.fullmatch(r"\s*(?:\S*[/\\])?(\w+?)(?:\.py)?[\s:,]+(\d+)\s*", text)
    if not match:
        raise ValueError(f"expected FILE:LINE such as layers.py:98, got {text.strip()!r}")
    return Place(f"{match[1]}.py", int(match[2]))


def judge(bug, place):
    """What to answer to a guess: whether it is right, and a sentence."""
    found = places(bug)
    if place in found:
        return True, f"Yes, {place} it is."
    inside = [source_of(*suspect) for suspect in SUSPECTS]
    right = [source_of(edit.owner, edit.function) for edit in bug.edits]
    if any(place in source for source in right):
        return False, "You are in the right function, but that is not the line."
    if any(place in source for source in inside):
        return False, "That function is right."
    return False, "That line is not part of a step of NeuMF; l lists those that are."


def hints(bug):
    """Three sentences, each of which says more: how to read the symptoms, where, and why."""
    edit, place = culprit(bug)
    where = f"The line is in {edit.owner.__name__}.{edit.function}, in {place.file}."
    return [bug.symptom, where, f"What the right line does: {bug.why}"]


def explain(bug):
    """The line, right and wrong, and the three sentences about it."""
    edit, place = culprit(bug)
    source = source_of(edit.owner, edit.function)
    right, wrong = source.line(place), source.with_edit(edit).line(place)
    return (
        f"{place}\n    right:  {right}\n    wrong:  {wrong}\n\n"
        f"What it does: {bug.summary}.\n\nSymptoms: {bug.symptom}\n\nWhy: {bug.why}"
    )


def loss_curve():
    """Mean loss (POINTS,) of every STEPS_A_POINT steps; inf once it has overflowed."""
    rng = np.random.default_rng(1)
    users, items = np.divmod(np.arange(24 * 24), 24)
    labels = 1.0 * (users % 3 == items % 3)  # three tastes
    model = NeuMF(24, 24, 4, (16, 8, 4), rng, dtype=np.float64)
    redraw_embeddings(model, rng, 0.5)
    loss, optimizer = BinaryCrossEntropyWithLogits(), SGD(lr=1.0)
    values = np.full(POINTS * STEPS_A_POINT, np.inf)
    with np.errstate(all="ignore"):
        for step in range(len(values)):
            rows = rng.integers(len(users), size=BATCH)
            batch = users[rows], items[rows], labels[rows]
            value = train_step(model, loss, optimizer, *batch)
            if not value < 1e6:
                break
            values[step] = value
    return values.reshape(POINTS, STEPS_A_POINT).mean(axis=1)


def gradient_check():
    """-> the check's table and its sentences about what is wrong, of six pairs that repeat."""
    users, items = np.array([3, 1, 3, 0, 2, 1]), np.array([2, 5, 2, 1, 5, 0])
    labels = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
    rng = np.random.default_rng(0)
    model = NeuMF(7, 9, 4, (16, 8, 4), rng, dtype=np.float64)
    redraw_embeddings(model, rng)
    try:
        table = check_gradients(model, BinaryCrossEntropyWithLogits(), users, items, labels)
    except GradientError as error:
        return error.table, str(error).splitlines()
    return table, []


def symptoms(bug):
    """-> right curve (POINTS,), curve with the bug (POINTS,), check's table and sentences."""
    right = loss_curve()
    with planted(bug):
        return right, loss_curve(), *gradient_check()
