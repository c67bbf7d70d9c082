"""Rewrites of the core's functions as learners write them, right and wrong.

A block of right.txt and wrong.txt begins with "== FUNCTION: what it is", or, of a layer of the
learner's own, with "== layer for ReLU: what it is". In a wrong one the first wrong line ends with
the comment `# wrong`.
"""

from pathlib import Path

MODELS = {"MF": "mf", "GMF": "gmf", "MLP": "mlp", "NeuMF": "neumf"}
OPTIMIZERS = {"SGD": "sgd", "Adagrad": "adagrad", "Adam": "adam"}
LOSSES = {"BinaryCrossEntropy": "bce", "Sigmoid": "bce", "BPR": "bpr"}


def cases(name):
    """{title: (key among the edits, source, the step it is seen in)} of a file."""
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    found = {}
    for block in f"\n{text}".split("\n== ")[1:]:
        title, _, source = block.partition("\n")
        function = title.partition(": ")[0]
        key, _, replaced = function.partition(" for ")
        step = {"replaces": replaced} if replaced else step_of(function.partition(".")[0])
        found[title] = key, source.strip() + "\n", step
    return found


def step_of(owner):
    """Settings of a step in which a class takes part; BPR needs an even number of pairs."""
    step = {"model": MODELS.get(owner, "neumf"), "optimizer": OPTIMIZERS.get(owner, "adam")}
    step |= {"loss": LOSSES.get(owner, "logits")}
    return step | ({"size": 6} if owner == "BPR" else {})


def wrong_line(source):
    """The line that carries the comment."""
    (line,) = (n for n, text in enumerate(source.splitlines(), 1) if text.endswith("# wrong"))
    return line


RIGHT, WRONG = cases("right.txt"), cases("wrong.txt")
