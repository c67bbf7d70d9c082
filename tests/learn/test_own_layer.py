"""The exercises in which a whole backward is written: its judge is the numerical derivative."""

import re

import pytest

from ncf_numpy.learn import exercises
from ncf_numpy.learn.exercises import judge

NAMES = exercises.numbers()
GATE, BILINEAR = exercises.solved(NAMES[12]), exercises.solved(NAMES[11])


def backward(number, body):
    """The script with another backward."""
    text = exercises.blank(NAMES[number])
    lines = "".join(f"        {line}\n" for line in body.strip().splitlines())
    return re.sub(r" *\.\.\.  # answer: .*\n", lambda _: lines, text)


def with_edit(number, right, wrong):
    text = exercises.solved(NAMES[number])
    assert text.count(right) == 1
    return text.replace(right, wrong)


def test_a_backward_in_words_of_ones_own_is_right():
    # sum over all three axes, and the two summands of dx in the other order
    assert judge(
        11,
        backward(
            11,
            """
import numpy
self.dA = numpy.einsum("b,bk,bl->kl", dz, self.p, self.q)
return numpy.einsum("b,kl,bl->bk", dz, self.A, self.q), (self.p @ self.A) * dz.reshape(-1, 1)
""",
        ),
    ).solved
    assert judge(
        12,
        backward(
            12,
            """
slope = dy * self.x * self.g * (1 - self.g)
self.db = slope.sum(0)
self.dW = self.x.T @ slope
return slope @ self.W.T + self.g * dy
""",
        ),
    ).solved


def test_the_judge_is_the_derivative_of_the_learners_own_forward():
    twice = with_edit(12, "y = x * self.g", "y = 2 * x * self.g")
    verdict = judge(12, twice)
    assert not verdict.solved and verdict.name == "dW"  # the backward has not followed
    followed = twice.replace("dg = dy * self.x", "dg = 2 * dy * self.x")
    followed = followed.replace("dx = dy * self.g +", "dx = 2 * dy * self.g +")
    assert judge(12, followed).solved


@pytest.mark.parametrize(
    ("number", "right", "wrong", "name", "words"),
    [
        (11, "self.p.T @ dpA", "self.p @ dpA", "backward", ["raises"]),
        (11, "self.p.T @ dpA", "dpA.T @ self.p", "dA", ["transposed"]),
        (11, "self.p.T @ dpA", "self.p.T @ dpA / len(dz)", "dA", ["divided by 5"]),
        (11, "self.p.T @ dpA", "self.p.T @ self.q", "dA", ["dz", "`q` stands"]),
        (11, "self.p.T @ dpA", "self.q.T @ dpA", "dA", ["place of `p`"]),
        (11, "dpA @ self.A.T", "dpA @ self.A", "dp", ["`A` must be transposed"]),
        (
            11,
            "dpA @ self.A.T",
            "self.q @ self.A.T",
            "dp",
            ["factor `dz[:, None]`", "place of `dpA`"],
        ),
        (11, "dpA @ self.A.T", "-dpA @ self.A.T", "dp", ["sign"]),
        (11, "dz[:, None] * (self.p @ self.A)", "self.p @ self.A", "dq", ["factor `dz[:, None]`"]),
        (11, "dz[:, None] * (self.p @ self.A)", "dz[:, None] * self.p", "dq", [""]),
        (11, "        return dp, dq", "        return dq, dp", "dp", [""]),
        (12, "dg = dy * self.x", "dg = dy", "dW", ["factor `x` is missing", "place of `dg`"]),
        (12, "dg * self.g * (1 - self.g)", "dg * self.g", "dW", ["factor `1 - g` is missing"]),
        (12, "dg * self.g * (1 - self.g)", "dg", "dW", ["", "missing"]),
        (12, "self.x.T @ da", "self.x.T @ dg", "dW", ["`dg` stands in the place of `da`"]),
        (12, "da.sum(axis=0)", "da.mean(axis=0)", "db", ["mean"]),
        (12, "da.sum(axis=0)", "da.sum(axis=1)", "db", ["axis", "shape"]),
        (12, "da.sum(axis=0)", "dy.sum(axis=0)", "db", ["`dy` stands in the place of `da`"]),
        (12, "dy * self.g + da @ self.W.T", "dy * self.g", "dx", ["`da @ W.T` is missing"]),
        (12, "dy * self.g + da @ self.W.T", "da @ self.W.T", "dx", ["`dy * g` is missing"]),
        (12, "da @ self.W.T", "da @ self.W", "dx", ["`W` must be transposed"]),
        (12, "dy * self.g + da", "dy * self.g - da", "dx", ["sign"]),
        (12, "dy * self.g + da", "self.g + da", "dx", ["factor `dy` is missing"]),
    ],
)
def test_a_wrong_gradient_is_found_and_its_cause_named(number, right, wrong, name, words):
    verdict = judge(number, with_edit(number, right, wrong))
    assert not verdict.solved and verdict.name == name
    assert any(word in verdict.cause + verdict.fault for word in words)
    if name != "backward":
        assert len(verdict.hints) == 3 and verdict.hints[2].startswith(f"{name} = [")


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("dx = dy * self.g", "dy *= self.g\n        dx = dy", "writes into dy"),
        ("self.db = da.sum(axis=0)", "self.x += 0.5\n        self.db = da.sum(axis=0)", "into x"),
        ("self.db = da.sum(axis=0)", "self.db = getattr(self, 'db', 0) + da.sum(0)", "grows"),
        ("        return dx", "        return None", "must be a number"),
        ("self.db = da.sum(axis=0)", "db = da.sum(axis=0)", "missing"),
        ("y = x * self.g", "y = x * 0", "does not depend on"),
    ],
)
def test_the_contract_of_a_layer_is_held(right, wrong, fault):
    verdict = judge(12, with_edit(12, right, wrong))
    assert not verdict.solved and fault in verdict.fault


def test_a_layer_that_is_not_checked_is_missed():
    verdict = judge(12, re.sub(r"\ncheck_layer\(.*\n", "\n", GATE))
    assert not verdict.solved and "put check_layer(layer, ...) back" in verdict.fault


def test_a_backward_that_uses_the_first_forward_for_ever_is_found():
    stale = GATE.replace("self.x = x\n", "self.x = x if not hasattr(self, 'x') else self.x\n")
    assert judge(12, stale).name == "dW"


def test_other_numbers():
    for text, number in ((GATE, 12), (BILINEAR, 11)):
        for seed in (1, 2, 3):
            assert judge(number, text.replace("default_rng(0)", f"default_rng({seed})")).solved
