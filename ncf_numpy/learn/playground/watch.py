"""Calls of a function seen from outside: each value it computes, by line, and what it hands on.

A `Call` compares a frame's arrays before and after every line, so it sees an assignment in any
form: `dx = ...`, `dx *= 2`, `np.add.at(dW, ids, dy)`, a slice, a loop. Of a line that runs often
the last value stays. What others will read are its results: what it returns, the attributes of its
object, the arguments with which it calls layers, and of an optimizer the weights.
"""

import copy
import itertools
from dataclasses import dataclass, field

import numpy as np

from ...core.row_gradient import RowGradient
from ..stepper.derivatives import tracing

MOST_NUMBERS = 200_000  # of a value: a larger one is not looked at


@dataclass
class Change:
    """A value that a line gave to a name."""

    line: int
    name: str  # "dx", or "self.dW" whatever the first argument is called
    value: object
    part: str  # of an optimizer: the parameter that was updated
    order: int


@dataclass
class Call:
    """One call. `results` has what others will read: "return", "self.dW", "output.backward" ..."""

    function: str
    owner: object
    first: str  # what the function calls its object
    names: tuple  # of the other arguments
    entry: tuple  # copies of the object and the other arguments, as they were
    changes: dict = field(default_factory=dict)  # (line, name, part) -> Change, in order
    results: dict = field(default_factory=dict)
    places: dict = field(default_factory=dict)  # result -> (line, order) that gave it
    assigned: dict = field(default_factory=dict)  # name -> (line, order) that last set it, if only
    last_line: int = 0  # to what it was
    error: BaseException | None = None
    end: int = 0  # the order of its end

    def place_of(self, name, value):
        """(line, order) that gave a result its value; of one that is missing, the end."""
        place = None if value is None else self.places.get(name) or self.assigned.get(name)
        return place or (self.last_line, self.end)

    def written(self, name):
        """A name as the function writes it: "self.dW" where its object is called self."""
        return f"{self.first}.{name[5:]}" if name.startswith("self.") else name


class Watch:
    """The tracer of one call. A listener hears of each line before it runs and of each change.

    place: line -> the first line of its statement, or None where a change counts for nothing.
    """

    def __init__(self, frame, function, *, clock=None, parameters=None, place=None, listener=None):
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount]
        values = tuple(frame.f_locals[name] for name in names)
        self.call = Call(function, values[0], names[0], names[1:], copy.deepcopy(values))
        self.frame, self.arguments, self.place = frame, values[1:], place or int
        self.parameters = parameters or parameters_in(values[1:])
        self.clock, self.listener = clock or itertools.count(), listener
        self.line, self.part, self.before = None, "", {}
        self.before = self.state()

    def state(self):
        """name -> (its value, what tells it from another), of names and attributes."""
        names = dict(self.frame.f_locals)
        names |= attributes_of(names.pop(self.call.first, None))
        for value in names.values():
            self.part = self.parameters.get(id(value), self.part)
        return {name: (value, kind_of(value)) for name, value in names.items() if kind_of(value)}

    def __call__(self, frame, event, argument):
        if event == "exception":
            self.call.error = argument[1]
        elif event == "line":
            self.call.error = None  # what was raised before has been caught
            self.settle()
            self.line, self.call.last_line = self.place(frame.f_lineno), frame.f_lineno
            if self.listener:
                self.listener.before_line(self)
        elif event == "return":
            self.settle()
            self.finish(argument)
        return self

    def settle(self):
        """Take note of what the line that has just run changed."""
        after = self.state()
        for name, (value, kind) in after.items():
            same = self.before.get(name, (None, None))[1] == kind
            if same or self.line is None:
                continue
            key = self.line, name, self.part
            self.call.changes.pop(key, None)
            change = Change(self.line, name, copy.deepcopy(value), self.part, next(self.clock))
            self.call.changes[key] = change
            self.call.places[name] = change.line, change.order
            if id(value) in self.parameters:
                self.call.places[self.parameters[id(value)]] = change.line, change.order
            if self.listener:
                self.listener.after_change(self, change)
        self.before = after

    def finish(self, returned):
        results = attributes_of(self.call.owner)
        for parameters in self.arguments if self.call.function.endswith(".step") else ():
            results |= {name: W for name, W, _ in parameters}
        if self.call.error is None:
            results["return"] = returned
        results = {name: value for name, value in results.items() if kind_of(value)}
        self.call.results = copy.deepcopy(results) | self.call.results
        self.call.end = next(self.clock)
        self.call.places["return"] = self.call.last_line, self.call.end

    def hand_on(self, key, argument):
        """The call gives an argument to a layer: "output.backward"."""
        self.call.results[key] = copy.deepcopy(argument)
        self.call.places[key] = self.frame.f_lineno, next(self.clock)


def attributes_of(owner):
    """{"self.dW": ..., "self.m[output.W]": ...}: what an object remembers."""
    found = {}
    for name, value in getattr(owner, "__dict__", {}).items():
        if isinstance(value, dict):
            found |= {f"self.{name}[{key}]": part for key, part in value.items()}
        else:
            found[f"self.{name}"] = value
    return found


def parameters_in(arguments):
    """{id(W): name} of an optimizer's list of parameters, if that is what a call is given."""
    if len(arguments) == 1 and isinstance(arguments[0], list):
        return {id(W): name for name, W, _ in arguments[0]}
    return {}


def kind_of(value):
    """What makes two values the same; None for what is not a number."""
    if isinstance(value, RowGradient):
        return "rows", np.asarray(value.ids).tobytes(), np.asarray(value.dy).tobytes()
    if isinstance(value, (bool, complex, np.bool_, np.complexfloating)):
        return None
    if isinstance(value, (int, float, np.generic)):
        return "number", str(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.size <= MOST_NUMBERS:
        return value.dtype.str, value.shape, value.tobytes()
    return None


def run_call(function, call, *, lines=True, listener=None):
    """Run a function on what a call began with. -> a Call; an error it raises is kept there.

    lines: whether to look at every line, or at the results alone.
    """
    owner, *arguments = copy.deepcopy(call.entry)
    watches = []

    def trace(frame, event, argument):
        if frame.f_code is not function.__code__ or watches:
            return None
        watches.append(Watch(frame, call.function, listener=listener))
        frame.f_trace_lines = lines
        for box, layer in owner.layers() if hasattr(owner, "layers") else ():
            for method in ("forward", "backward"):
                pass_on(layer, method, f"{box}.{method}", watches[0])
        return watches[0]

    error = None
    try:
        with tracing(trace):
            function(owner, *arguments)
    except Exception as raised:
        error = raised
    if not watches:
        return Call(call.function, owner, "self", (), call.entry, error=error)
    watches[0].call.error = error
    return watches[0].call


def pass_on(layer, method, key, watch):
    """From now on the watch hears what this layer's method is given."""
    original = getattr(layer, method)

    def heard(argument):
        watch.hand_on(key, argument)
        return original(argument)

    setattr(layer, method, heard)
