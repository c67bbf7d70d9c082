"""Judge a learner's script: run it, compare each answer, and say what is wrong and why.

    verdict = judge(number, source)        # number of the exercise, text of the script

A pure function: it reads no file but the solutions of this package, prints nothing, and gives plain
data, `verdict._asdict()`. It runs the script, so it is for a learner's own, in a process that may
be stopped. The reference is the learner's script with the solution's answers (script.py): each
`check` compares with the value that the reference had there.
"""

import contextlib
import copy
import io
import linecache
import sys
import traceback
import warnings
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import texts
from .diagnosis import find_cause
from .own_layer import examine
from .repairs import find_repair, find_same_error
from .script import MARK, merge, snapshot
from .values import axes, find_fault

running = ContextVar("running", default=None)  # the Run that a `check` belongs to


class Verdict(NamedTuple):
    """What came out; all of it numbers, texts and lists of them.

    exercise: its number; solved: whether all answers are right; right: the names of the right
    answers; name: that of the first wrong one, or ""; line: the line of the script to look at, or
    0; fault: what is wrong with it; cause: why, where that could be shown, else ""; hints: three,
    the last with the right value; output: what the script printed.
    """

    exercise: int
    solved: bool
    right: list
    name: str = ""
    line: int = 0
    fault: str = ""
    cause: str = ""
    hints: list = ()
    output: str = ""


class Question(NamedTuple):
    """What the reference knows about one `check`."""

    label: str
    right: object
    scope: dict  # the variables before the answer
    blank: int  # its number in Merged.blanks

    @property
    def call(self):
        return f'check("{self.label}", ...)' if self.label else "check_layer(layer, ...)"


class Stop(SystemExit):
    """Ends a script at its first wrong answer; `why` gives the fields of the Verdict about it."""

    def __init__(self, why):
        super().__init__(1)
        self.why = why


def judge(number, source):
    """Judge the script of exercise `number`, given as text. -> Verdict.

    ValueError for a number that no exercise has. What the script raises becomes part of the
    verdict; KeyboardInterrupt is passed on.
    """
    return Run(number, source).verdict()


def check(name, value):
    """In an exercise: compare an answer; a wrong one ends the script with what is wrong."""
    (running.get() or judge_caller()).check(name, value)


def check_layer(layer, *inputs):
    """In an exercise: compare a layer's backward with the numerical derivative of its forward."""
    (running.get() or judge_caller()).check_layer(layer, inputs)


class Recorder:
    """Takes the place of a Run while the reference runs: it notes what each `check` is given."""

    def __init__(self):
        self.questions, self.output = [], io.StringIO()

    def mark(self, number, scope):
        self.number, self.scope = number, snapshot(scope)

    def check(self, label, value):
        self.questions.append(Question(label, copy.deepcopy(value), self.scope, self.number))

    def check_layer(self, layer, inputs):
        self.questions.append(Question("", None, {}, -1))


class Run:
    """One run of a learner's script."""

    def __init__(self, number, source):
        names = texts.numbers()
        if number not in names:
            raise ValueError(f"expected the number of an exercise, 1 to {max(names)}, got {number}")
        self.number, self.name, self.source = number, names[number], source
        self.file = f"<exercise {number}>"
        self.right, self.output, self.printed_before = [], io.StringIO(), None
        self.asked, self.inside, self.in_layer, self.before = 0, None, False, {}

    def verdict(self):
        try:
            found = self.run()
        except SyntaxError as error:
            found = {"line": error.lineno or 0, "fault": f"is not Python: {error.msg}"}
        found = {"name": "the script", **found} if found else {}
        output = self.output.getvalue()
        return Verdict(self.number, not found, self.right, output=output, **found)

    def run(self):
        """-> the fields of a Verdict that say what is wrong, {} if nothing is."""
        solution, notes = texts.annotated(self.name), texts.notes(self.name)
        self.merged = merge(solution, notes, self.source)
        recorder = Recorder()
        try:
            execute(self.merged.reference, self.file, recorder)
        except Exception:  # the given lines are not as they were: judge by the solution alone
            recorder = Recorder()
            execute(merge(solution, notes, solution).reference, self.file, recorder)
        self.questions = recorder.questions
        lines = self.source.splitlines(keepends=True)
        linecache.cache[self.file] = (len(self.source), None, lines, self.file)
        try:
            execute(self.merged.watched, self.file, self)
        except Stop as stop:
            return stop.why()
        except SystemExit:
            return {"fault": "ended before its last check"}
        except Exception as error:
            return self.raised(error)
        if self.asked < len(self.questions):
            return {"fault": f"has lost a line: put {self.questions[self.asked].call} back"}
        return {}

    def mark(self, number, scope):
        """An answer begins: note what the arrays that were given look like."""
        answers = {blank.target for blank in self.merged.blanks}
        self.inside, self.scope = number, scope
        self.before = {
            name: (value, value.copy())
            for name, value in scope.items()
            if isinstance(value, np.ndarray) and name not in answers
        }

    def check(self, label, value):
        if self.printed_before is None:
            self.printed_before = self.output.tell()
        question = self.questions[self.asked] if self.asked < len(self.questions) else None
        if question is None or question.label != label:
            expected = question.call if question else "no further check"
            fault = f'has check("{label}", ...) where {expected} belongs'
            line = sys._getframe(2).f_lineno
            raise Stop(lambda: {"line": line, "fault": fault})
        fault, changed = find_fault(value, question.right), self.changed()
        if fault or changed:
            raise Stop(lambda: self.explain(question, value, fault, changed))
        if isinstance(value, (list, tuple)):  # the lines that follow calculate with it
            array = np.asarray(value).reshape(np.shape(question.right))
            self.scope[self.merged.blanks[question.blank].target] = array
        print(f"  right  {label}")
        self.right.append(label)
        self.asked, self.inside = self.asked + 1, None

    def check_layer(self, layer, inputs):
        if self.printed_before is None:
            self.printed_before = self.output.tell()
        self.in_layer = True
        wrong = examine(layer, inputs, texts.annotated(self.name), self.right)
        if wrong:
            place = getattr(type(layer), wrong.name, type(layer).backward)
            found = {"line": place.__code__.co_firstlineno, "hints": self.layer_hints(wrong.name)}
            if wrong.right is not None:
                found["hints"][2] = f"{wrong.name} = {in_digits(wrong.right)}"
            raise Stop(lambda: {**wrong.fields(), **found})
        self.asked, self.in_layer = self.asked + 1, False

    def layer_hints(self, name):
        """Two hints about an array, or about the first of the layer, and where the answer is."""
        hints = texts.hints_of_arrays(self.name)
        last = f"python -m ncf_numpy exercise {self.number} --solution"
        return [*hints.get(name, next(iter(hints.values()))), last]

    def changed(self):
        """A sentence if the answer has written into an array that was given, else ""."""
        for name, (array, copied) in self.before.items():
            if not np.array_equal(array, copied, equal_nan=array.dtype.kind == "f"):
                return (
                    f"this writes into `{name}`, which was given and which others still read: "
                    "make a new array"
                )
        return ""

    def explain(self, question, value, fault, changed):
        """The fields of a Verdict about a wrong answer."""
        blank, cause = self.merged.blanks[question.blank], changed
        if fault and not changed and value is not ...:
            earlier = self.merged.blanks[: question.blank]
            definitions = {other.target: other.right for other in earlier}
            with quiet():
                cause = find_cause(value, question.right, blank, question.scope, definitions)
        found = {"line": blank.own[-1].lineno if blank.own else 0, "cause": cause}
        found["fault"] = fault or "has the right value, but writes where it must not"
        return {"name": question.label, "hints": hints(blank, question), **found}

    def raised(self, error):
        """What to say about an exception of the script."""
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == self.file]
        line = lines[-1 if self.in_layer else 0] if lines else 0
        message = " ".join(str(error).split())
        found = {"line": line, "fault": f"raises {type(error).__name__}: {message}"}
        if self.in_layer:
            return {**found, "name": "backward", "hints": self.layer_hints("")}
        if self.inside is None or self.asked >= len(self.questions):
            return found
        question = self.questions[self.asked]
        blank = self.merged.blanks[question.blank]
        found |= {"name": question.label, "hints": hints(blank, question)}
        with quiet():
            found["cause"] = find_repair(blank, question.scope, question.right)
            found["cause"] = found["cause"] or find_same_error(blank, question.scope, error)
        if not found["cause"] and isinstance(error, NameError):
            known = ", ".join(name for name, v in question.scope.items() if axes(v) is not None)
            found["cause"] = f"that name is not known here; these are: {known}"
        return found


@contextlib.contextmanager
def quiet():
    """No warnings, neither of a learner's arithmetic nor of that of a mistake that is tried."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def execute(module, file, listener):
    """Run a script; its marks and checks go to the listener."""
    scope = {"__name__": "__main__", "__file__": file}
    scope[MARK] = lambda number: listener.mark(number, scope)
    token = running.set(listener)
    try:
        with quiet(), contextlib.redirect_stdout(listener.output):
            exec(compile(module, file, "exec"), scope)
    finally:
        running.reset(token)


def hints(blank, question):
    """The three hints: two sentences and the number."""
    return [*blank.hints, f"{question.label} = {in_digits(question.right)}"]


def in_digits(value):
    return np.array2string(np.asarray(value), precision=6, separator=", ", threshold=60)


def judge_caller():
    """Where the script was started as such: judge its text, report, and end the program."""
    source = texts.read(Path(sys._getframe(2).f_code.co_filename))
    run = Run(texts.number_of(source), source)
    verdict = run.verdict()
    print(verdict.output[run.printed_before :], end="", flush=True)
    sys.exit(report(verdict) or 0)


def report(verdict, n_hints=1):
    """A verdict as the lines that a learner reads, or "" if all is right."""
    if verdict.solved:
        return ""
    place = f"line {verdict.line}: " if verdict.line else ""
    lines = [f"  wrong  {place}{verdict.name} {verdict.fault}"]
    if verdict.cause:
        lines.append(f"         cause: {verdict.cause}")
    for number, hint in enumerate(verdict.hints[:n_hints], start=1):
        lines.append(f"         hint {number} of {len(verdict.hints)}: {hint}")
    return "\n".join(lines)
