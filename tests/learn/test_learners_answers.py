"""No wrong answer passes, no right one fails, and the cause of a wrong one is named."""

import numpy as np
import pytest
from learners import NAMES, RENAMED, learners, read, script

from ncf_numpy.learn.exercises import judge, solved
from ncf_numpy.learn.exercises.texts import ANSWER

WRONG, RIGHT = read("wrong.txt"), read("right.txt")
# The seed, and whether the variables are renamed; one of three is enough for every day.
VARIATIONS = [
    pytest.param(0, False, id="as it is", marks=pytest.mark.robustness),
    pytest.param(7, False, id="other numbers", marks=pytest.mark.robustness),
    pytest.param(3, True, id="other numbers and names"),
]
PASS = {"phi = p * q", "W -= alpha*m/(np.sqrt(v)+eps)"}  # of the learners' answers

# What must be in the cause that is named for an answer of learners.json, in its order.
WORDS = """sign|product rule|rounded|-|1/B|1/B|sign|axis|sign|transposed|1/B|axis|summed|transposed
`x`|writes into `dy`|np.maximum|last|divided by 3|transposed|bias|1/B|sigmoid|axis|second axis
product rule|items|axis|bias|ReLU|gate|halves|halves|halves|1 - beta1|`t`|inside|-|second axis
unweighted|second term"""
WORDS = WORDS.replace("\n", "|").split("|")


@pytest.mark.parametrize(("seed", "renamed"), VARIATIONS)
def test_no_wrong_answer_passes_and_the_cause_is_named(seed, renamed):
    named, known = 0, 0
    for answer in WRONG:
        verdict = judge(*answer[:1], script(*answer[:3], seed, renamed))
        assert not verdict.solved and verdict.fault, answer
        words = {word for word in answer.words} | {RENAMED.get(word, word) for word in answer.words}
        known += bool(words)
        named += any(word in verdict.cause for word in words)
    assert known > 550 and named >= 0.97 * known


@pytest.mark.parametrize(("seed", "renamed"), VARIATIONS)
def test_no_right_answer_fails(seed, renamed):
    for answer in RIGHT:
        verdict = judge(answer.exercise, script(*answer[:3], seed, renamed))
        assert verdict.solved, (answer, verdict)


@pytest.mark.parametrize("number", range(len(learners())))
def test_the_cause_of_a_learners_answer_is_named(number):
    answer = learners()[number]
    text = script(answer["exercise"], answer["blank"], answer["answer"])
    verdict = judge(answer["exercise"], text)
    assert verdict.solved == (answer["answer"] in PASS)
    assert verdict.solved or WORDS[number] in verdict.cause


def test_an_unknown_mistake_gets_no_invented_cause():
    rng = np.random.default_rng(5)
    tried = 0
    for number, name in NAMES.items():
        seen = []
        for match in ANSWER.finditer(solved(name)):
            seen.append(match[2])
            noise = rng.normal(size=8).round(3).tolist()
            answers = [
                f"{match[2]} = np.resize({noise}, np.shape({match[3]}))",
                f"{match[2]} = ({match[3]}) + {rng.normal():.3f}",
                f"{match[2]} = ({match[3]}) * np.resize({noise}, np.shape({match[3]})) + 0.217",
            ]
            for lines in answers:
                verdict = judge(number, script(number, f"{match[2]}#{seen.count(match[2])}", lines))
                assert not verdict.solved
                # one change of the line, as in `p + 0.2` for `p`, is a cause that is true
                assert verdict.cause == "" or "stands in the place of" in verdict.cause
                tried += 1
    assert tried > 200
