"""Learners' answers: the files in answers/, and the script that an answer makes of an exercise."""

import json
import re
from pathlib import Path
from typing import NamedTuple

from ncf_numpy.learn import exercises
from ncf_numpy.learn.exercises.texts import ANSWER

FOLDER = Path(__file__).parent / "answers"
NAMES = exercises.numbers()

# Other names for the variables of all exercises; those that are attributes, too, stay.
RENAMED = {
    "x": "inputs",
    "dy": "upstream",
    "W": "weight",
    "y": "out",
    "p": "user_vector",
    "q": "item_vector",
    "phi": "product",
    "h": "out_weight",
    "dlogits": "top",
    "dphi": "dproduct",
    "dW": "grad_W",
    "db": "grad_b",
    "z": "hidden",
    "zs": "kept",
    "da": "dact",
    "dz": "dhidden",
    "ids": "index",
    "users": "who",
    "items": "what",
    "m": "first",
    "v": "second",
    "g": "grad",
    "alpha": "size",
    "k": "ks",
    "user": "user_row",
    "dp": "grad_p",
    "labels": "truth",
    "y_hat": "prob",
    "B": "n_batch",
    "logit": "score",
    "D": "width",
    "scatter": "add_up",
    "K": "n_factors",
}


class Answer(NamedTuple):
    exercise: int
    blank: str
    lines: str
    words: tuple  # one of them must be in the cause; none: no cause is known

    def __str__(self):
        return f"{self.exercise} {self.lines}"


def read(file):
    answers = []
    for line in (FOLDER / file).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        number, blank, rest = line.split(" | ", 2)
        text, _, words = rest.rpartition(" | ") if file == "wrong.txt" else (rest, "", "-")
        name = blank.partition("#")[0]
        lines = "\n".join(part.strip() for part in f"{name} = {text}".split(";"))
        words = () if words == "-" else tuple(word.strip() for word in words.split(","))
        answers.append(Answer(int(number), blank, lines, words))
    return answers


def learners():
    """Answers as they came, each with the cause that somebody saw in it."""
    return json.loads((FOLDER / "learners.json").read_text(encoding="utf-8"))


def script(number, blank, lines, seed=0, renamed=False):
    """The solved exercise with one answer exchanged, other random numbers, and other names."""
    text = exercises.solved(NAMES[number])
    name, _, count = blank.partition("#")
    match = [match for match in ANSWER.finditer(text) if match[2] == name][int(count or 1) - 1]
    own = "\n".join(match[1] + line for line in lines.splitlines())
    text = text[: match.start()] + own + text[match.end() :]
    text = text.replace("default_rng(0)", f"default_rng({seed})")
    for old, new in RENAMED.items() if renamed else ():
        text = re.sub(rf"\b{old}\b", new, text)
    return text
