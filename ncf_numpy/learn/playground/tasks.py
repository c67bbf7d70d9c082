"""What the page may ask for beside a trace and a check: all plain JSON."""

import copy
import functools
import re

import numpy as np

from ...core.build import MODELS
from .. import exercises, hunt
from ..bugs import BUGS
from ..bugs import planted as planted_bug
from ..stepper.trace import run_step
from .edits import FUNCTIONS, original_text, planted
from .judge import RIGHT
from .judged_trace import judged_trace
from .layer import EXAMPLE, REPLACED
from .prepare import prepare
from .step import DEFAULTS, LOSSES, MOST, OPTIMIZERS, RATES, build_step, check_whole, plays

MOST_STEPS = 200


def catalogue(request):
    """Everything the page offers: settings, functions with their texts, bugs as edits."""
    return {
        "defaults": DEFAULTS,
        "rates": RATES,
        "limits": MOST,
        "models": {name: classes_of(name) for name in MODELS},
        "losses": {name: loss.__name__ for name, loss in LOSSES.items()},
        "optimizers": {name: optimizer.__name__ for name, optimizer in OPTIMIZERS.items()},
        "users": plays().user_ids.tolist(),
        "items": plays().item_names.tolist(),
        "functions": {name: original_text(name) for name in FUNCTIONS},
        "layer": {"text": EXAMPLE, "replaces": REPLACED},
        "exercises": [
            {"number": number, "title": exercises.title(name), "text": exercises.blank(name)}
            for number, name in exercises.numbers().items()
        ],
        "hunts": len(BUGS),
        "bugs": {name: bug_as_edits(bug) for name, bug in BUGS.items()},
    }


def classes_of(model):
    """The classes of the core that run in a step of a model, its own first."""
    built = build_step({"model": model}).model
    layers = [type(layer).__name__ for _, layer in built.layers()]
    return list(dict.fromkeys([type(built).__name__, *layers, "GroupById"]))


def bug_as_edits(bug):
    """A planted bug as texts that a learner can read and fix."""
    edits = {}
    for edit in bug.edits:
        function = f"{edit.owner.__name__}.{edit.function}"
        edits[function] = original_text(function).replace(edit.right, edit.wrong)
    return {"summary": bug.summary, "models": list(bug.models), "edits": edits}


def exercise(request):
    """The verdict on the script of an exercise, as `exercises.judge` gives it."""
    check_whole("number", request.get("number"), 1, max(exercises.numbers()))
    return exercises.judge(request["number"], str(request.get("source", "")))._asdict()


def hunt_reply(request):
    """A bug to find: its symptoms and the code as it runs; or, to a guess, whether that is it."""
    return guessed(request) if "guess" in request else hunted(request)


def bug_of(request):
    check_whole("number", request.get("number"), 1, len(BUGS))
    return list(BUGS.values())[request["number"] - 1]


def hunted(request):
    """Loss curves without and with the bug, which gradients are right, all lines, three hints."""
    bug = bug_of(request)
    with planted_bug(bug):
        wrong = hunt.loss_curve()
        records = judged_trace(prepare({}))["view"]["records"]
    verdicts = {}
    for record in records:
        if record["phase"] == "backward" and "verdict" in record:
            name = f"{record['box']}, {record['name']}"
            verdicts[name] = verdicts.get(name, True) and record["verdict"] == RIGHT
    return {
        "right": right_curve(),
        "wrong": numbers(wrong),
        "arrays": [{"name": name, "right": right} for name, right in verdicts.items()],
        "code": list(map(described, hunt.SUSPECTS, hunt.code_as_it_runs(bug).split("\n\n"))),
        "hints": hunt.hints(bug),
    }


@functools.cache
def right_curve():
    return numbers(hunt.loss_curve())


def described(suspect, listing):
    """A function of the listing, line by line with its place."""
    owner, function = suspect
    lines = [re.match(r" *(\S+)(?:  )?(.*)", line).groups() for line in listing.splitlines()]
    return {
        "function": f"{owner.__name__}.{function}",
        "lines": [{"place": place, "text": text} for place, text in lines if text.strip()],
    }


def guessed(request):
    bug = bug_of(request)
    found, said = hunt.judge(bug, hunt.parse_place(str(request["guess"])))
    return {"found": found, "said": said, "explanation": hunt.explain(bug) if found else ""}


def curves(request):
    """The loss of the same batch before each of some steps: of the core, and with the edits."""
    steps = request.get("steps", 50)
    check_whole("steps", steps, 1, MOST_STEPS)
    prepared = prepare(request)
    found = {"original": losses_of(original_step(request.get("step", {})), steps)}
    if request.get("edits"):
        with planted(prepared.edits):
            found["edited"] = losses_of(prepared.step, steps)
    return found


def original_step(settings):
    """The step without a layer of the learner's own, nor the weights that only this one has."""
    plain = {**settings, "replaces": None, "weights": {}}
    names = {name for name, _, _ in build_step(plain).model.parameters()}
    weights = settings.get("weights", {})
    return build_step({**plain, "weights": {name: weights[name] for name in names & {*weights}}})


def losses_of(step, steps):
    """The loss before each step of training on the one batch; None once it is not a number."""
    parts = copy.deepcopy((step.model, step.loss, step.optimizer))
    values = [run_step(*parts, *step.arguments) for _ in range(steps)]
    return numbers(values)


def numbers(values):
    return [float(value) if np.isfinite(value) else None for value in values]
