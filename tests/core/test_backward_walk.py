"""What a debugger's user walks through: the Python lines of one backward pass, and how deep."""

import sys
from pathlib import Path

import numpy as np
import pytest
from small_models import builders

import ncf_numpy
from ncf_numpy.core.losses import BinaryCrossEntropyWithLogits

PACKAGE = str(Path(ncf_numpy.__file__).parent)

MODELS = builders(factors=8, layers=(64, 32, 16, 8))


class Walk:
    """Counts the line events in the package's own frames, and how many of those are stacked."""

    def __init__(self):
        self.lines, self.stacks = 0, set()

    def __call__(self, frame, event, argument):
        stack = []
        caller = frame
        while caller is not None:
            if caller.f_code.co_filename.startswith(PACKAGE):
                stack.append(caller.f_code.co_name)
            caller = caller.f_back
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        self.lines += event == "line"
        self.stacks.add(tuple(reversed(stack)))
        return self

    def of(self, function, *arguments):
        outer = sys.gettrace()
        sys.settrace(self)
        try:
            return function(*arguments)
        finally:
            sys.settrace(outer)


def walk_back(name):
    """The walks through loss.backward and model.backward, on six pairs that repeat."""
    model, loss = MODELS[name](np.random.default_rng(0)), BinaryCrossEntropyWithLogits()
    logits = model.forward(np.array([3, 1, 3, 0, 2, 1]), np.array([2, 5, 2, 1, 5, 0]))
    loss.forward(logits, np.array([1, 0, 1, 0, 0, 1]))
    of_loss, of_model = Walk(), Walk()
    dlogits = of_loss.of(loss.backward)
    of_model.of(model.backward, dlogits)
    return of_loss, of_model


def test_the_walk_counts_what_it_should():
    def helper():
        return 1

    walk = Walk()
    walk.of(helper)
    assert (walk.lines, walk.stacks) == (0, set())  # not of the package
    walk.of(ncf_numpy.ReLU().parameters)
    assert (walk.lines, walk.stacks) == (1, {("parameters",)})


@pytest.mark.parametrize("name", MODELS)
def test_no_frame_is_deeper_than_model_layer_helper(name):
    of_loss, of_model = walk_back(name)
    assert max(map(len, of_loss.stacks)) <= 2
    assert max(map(len, of_model.stacks)) <= 3
    assert all(stack[0] == "backward" for stack in of_loss.stacks | of_model.stacks)
    # each layer's backward is one step from the model's
    assert ("backward", "backward") in of_model.stacks


def test_a_backward_of_neumf_with_its_loss_is_at_most_ninety_lines():
    of_loss, of_model = walk_back("neumf")
    assert of_loss.lines + of_model.lines <= 90
