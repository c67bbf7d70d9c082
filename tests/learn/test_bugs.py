import traceback

import numpy as np
import pytest
from small_models import ITEMS, LABELS, USERS, builders

from ncf_numpy.core.gradcheck import (
    GradientError,
    check_gradients,
    numerical_gradient,
    redraw_embeddings,
)
from ncf_numpy.core.layers import Dense, Embedding
from ncf_numpy.core.losses import BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from ncf_numpy.learn.bugs import BUGS, Bug, Edit, planted

MODELS = builders(layers=(16, 8, 4), dtype=np.float64)

TABLES = {"user_embedding.W", "item_embedding.W"}
BIASES = {"dense1.b", "dense2.b", "output.b"}
MATRICES = {"dense1.W", "dense2.W", "output.W"}
DENSE1 = {"dense1.W", "dense1.b"}
DENSE2 = {"dense2.W", "dense2.b"}
OUTPUT = {"output.W", "output.b"}

# Which arrays each bug makes wrong, read off the chain rule: what lies below it, and nothing else.
WRONG = {
    "product-rule": {"user_embedding.W"},  # the item's factor keeps its right derivative
    "dropped-repeats": TABLES,
    "missing-mean": {"dlogits"} | TABLES | DENSE1 | DENSE2 | OUTPUT,
    "second-mean": BIASES,
    "flipped-sign": {"dlogits"} | TABLES | DENSE1 | DENSE2 | OUTPUT,
    "no-bias-gradient": BIASES,
    "relu-passes-all": TABLES | DENSE1 | DENSE2,
    "swapped-halves": TABLES,
    "reversed-rows": TABLES | DENSE1 | DENSE2,
    "ignored-upstream": TABLES | DENSE1 | DENSE2,
    "one-percent": MATRICES,
    "transposed-weight": TABLES | DENSE1,  # of the output's one column it is the same thing
    "stale-cache": MATRICES,
}


def check(name, users=USERS, items=ITEMS, labels=LABELS):
    """The model is built inside, so a planted bug is there from the first forward on."""
    rng = np.random.default_rng(0)
    model = MODELS[name](rng)
    redraw_embeddings(model, rng)
    return check_gradients(model, BinaryCrossEntropyWithLogits(), users, items, labels)


def functions(bug):
    return [vars(edit.owner)[edit.function] for edit in bug.edits]


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize("name", MODELS)
def test_each_bug_is_caught_where_it_shows_and_harmless_elsewhere(bug, name):
    with planted(BUGS[bug]):
        if name not in BUGS[bug].models:
            check(name)
            return
        with pytest.raises(GradientError) as error:
            check(name)
    arrays = {array for array, _, _ in MODELS[name](np.random.default_rng(0)).parameters()}
    wrong = {line.split("[")[0] for line in str(error.value).splitlines()}
    assert wrong == WRONG[bug] & (arrays | {"dlogits"})
    check(name)


def test_the_expectations_cover_all_bugs():
    assert WRONG.keys() == BUGS.keys()


@pytest.mark.parametrize("bug", BUGS)
def test_each_bug_is_undone(bug):
    before = functions(BUGS[bug])
    with planted(BUGS[bug]):
        assert not any(f is g for f, g in zip(functions(BUGS[bug]), before, strict=True))
    assert all(f is g for f, g in zip(functions(BUGS[bug]), before, strict=True))
    with pytest.raises(ZeroDivisionError), planted(BUGS[bug]):
        raise ZeroDivisionError
    assert all(f is g for f, g in zip(functions(BUGS[bug]), before, strict=True))


@pytest.mark.parametrize("bug", ["missing-mean", "flipped-sign"])
def test_a_bug_of_the_loss_is_in_the_plain_loss_too(bug):
    p, loss = np.array([0.2, 0.7, 0.9]), BinaryCrossEntropy()

    def error():
        loss.forward(p, LABELS[:3])
        dp = loss.backward()
        return abs(dp - numerical_gradient(lambda: loss.forward(p, LABELS[:3]), p)).max()

    assert error() < 1e-8
    with planted(BUGS[bug]):
        assert error() > 0.1
    assert error() < 1e-8


def test_dropped_repeats_does_what_the_famous_line_does():
    # G[ids] += g keeps of a row used twice the last gradient only
    embedding = Embedding(7, 5, np.random.default_rng(0), dtype=np.float64)
    dy = np.random.default_rng(1).normal(size=(6, 5))
    famous = np.zeros((7, 5))
    famous[USERS] += dy
    embedding.forward(USERS)
    with planted(BUGS["dropped-repeats"]):
        embedding.backward(dy)
        np.testing.assert_array_equal(embedding.dW.to_dense(), famous)


def test_dropped_repeats_is_invisible_without_repeats():
    # why the batch of a check must repeat users and items by construction
    with planted(BUGS["dropped-repeats"]):
        check("neumf", np.arange(6), np.arange(6)[::-1])


def test_a_bug_names_its_models_and_says_what_it_does():
    for name, bug in BUGS.items():
        assert name == name.lower() and " " not in name
        assert set(bug.models) <= set(MODELS) and bug.models
        assert str(bug) == bug.summary and "\n" not in bug.summary


def test_a_bug_out_of_date_cannot_be_planted_and_leaves_nothing_behind():
    good = Edit(Dense, "backward", "dx = dy.dot(self.W.T)", "dx = dy")
    before = Dense.backward
    for text in ("no such line", "self."):  # absent, and there more than once
        stale = Bug("", ("mlp",), (good, Edit(Dense, "forward", text, "")))
        with (
            pytest.raises(RuntimeError, match=r"once in Dense\.forward: bugs\.py is out of date"),
            planted(stale),
        ):
            pytest.fail("planted")
        assert Dense.backward is before


def test_a_debugger_sees_the_true_file_and_line_of_a_planted_function():
    true = Dense.backward.__code__
    with planted(BUGS["transposed-weight"]):
        code = Dense.backward.__code__
        assert (code.co_filename, code.co_firstlineno) == (true.co_filename, true.co_firstlineno)
        assert list(code.co_lines())[-1][2] == list(true.co_lines())[-1][2]
        with pytest.raises(RuntimeError) as error:
            Dense(2, 3, np.random.default_rng(0)).backward(np.ones(3))
    frame = traceback.extract_tb(error.value.__traceback__)[1]
    assert frame.line == "check_upstream(self, dy)"


def test_two_bugs_can_be_planted_one_in_the_other():
    before = Dense.backward
    with planted(BUGS["reversed-rows"]):
        outer = Dense.backward
        with planted(BUGS["one-percent"]):
            assert Dense.backward not in (before, outer)
        assert Dense.backward is outer
    assert Dense.backward is before
