"""A type checker finds nothing wrong in a user's script but the misuses, and each of those."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ncf_numpy
import ncf_numpy.datasets

pytest.importorskip("mypy", reason="mypy is not installed: pip install -e '.[lint]'")

ROOT = Path(ncf_numpy.__file__).parent.parent
STUBS = sorted(path.stem for path in (ROOT / "ncf_numpy" / "core").glob("*.pyi"))

RIGHT = """
import numpy as np
from ncf_numpy import *
from ncf_numpy.core.gradcheck import redraw_embeddings
from ncf_numpy.datasets import *

rng = np.random.default_rng(0)
plays, oracle = sample_lastfm(seed=1)
split = leave_one_out(plays, rng)
sampler = NegativeSampler(split.train)
model = NeuMF(plays.n_users, plays.n_items, 8, (32, 16, 8), rng)
history = fit(model, split, rng, optimizer=RowAdam(lr=0.002), epochs=3, batch_size=512)
results = {
    "neumf": evaluate(model, split.test),
    "item-kNN": evaluate(ItemKNN(neighbours=80).fit(split.train), split.test),
    "EASE": evaluate(EASE(l2=200).fit(split.train_and_validation()), split.test),
    "best possible": evaluate(oracle, split.test, k=10),
}
for name, result in results.items():
    print(f"{name}: HR@10 {result.hr:.3f}, recall@5 {result.mean('recall', 5):.3f}")
print(compare(results, "HR", draws=1000), history)

loss, optimizer = BinaryCrossEntropyWithLogits(), Adam(1e-3)
for users, items, labels in epoch_batches(split.train, sampler, rng, batch_size=256):
    logits = model.forward(users, items)
    value: float = loss.forward(logits, labels)
    model.backward(loss.backward())
    optimizer.step(model.parameters())
gradient = model.item_embedding.dW
if gradient is not None:
    print(value, gradient.rows, gradient.to_dense().shape)

exact = GMF(7, 9, 4, rng, dtype=np.float64)
redraw_embeddings(exact, rng)
print(check_gradients(exact, loss, np.array([3, 1, 3]), [2, 5, 2], np.array([1.0, 0.0, 1.0])))
print(check_layer(Dense(3, 2, rng, dtype=np.float64), rng.normal(size=(4, 3))))

table = load_interactions("plays.csv", user="listener", item="artist", encoding="cp949")
recommender = Recommender("neumf", factors=16, layers=(32, 16)).fit(table, validation=True)
print(recommender.recommend("ann", k=3, without=["BTS"]), recommender.report.verdict)
print(recommender.explain("ann", "BTS").contributions, recommender.fold_in(["BTS"]).recommend(k=3))
recommender.save("plays.npz")
"""

WRONG = """
GradientError: GradientError("dW is wrong")
check_gradients: check_gradients(exact, loss, users, items)
check_layer: check_layer(exact, users)
numerical_gradient: numerical_gradient(3.0, np.ones(3))
Bias: Bias(3)
Dense: Dense(3, 2)
Embedding: Embedding(3, 2, rng).forward("ann")
Embedding: model.user_embedding.w
ReLU: ReLU(0.1)
Sigmoid: Sigmoid().forward(0.5)
BPR: BPR().backward(logits)
BinaryCrossEntropy: BinaryCrossEntropy().forward(logits)
BinaryCrossEntropyWithLogits: loss.forward(logits, labels).backward()
MF: MF(7, 9, "8", rng)
GMF: GMF(7, 9, 8)
MLP: MLP(7, 9, 64, rng)
NeuMF: NeuMF(7, 9, 8, rng, (8, 4))
NeuMF: NeuMF(7, 9, 8, (8, 4), rng=0)
NeuMF: model.backward(value)
NeuMF: number: float = model.predict(users, items)
SGD: SGD()
Adagrad: Adagrad("0.1")
Adam: Adam(learning_rate=0.1)
Adam: optimizer.zero_grad()
Adam: optimizer.step(model)
RowGradient: model.user_embedding.dW.rows
NegativeSampler: NegativeSampler(split)
epoch_batches: epoch_batches(split.train, sampler, batch_size=256)
ItemKNN: ItemKNN(k=50)
Popularity: Popularity().recommend(3)
compare: compare([result])
EASE: EASE("500")
ImplicitALS: ImplicitALS(seed=0)
Evaluation: result.hr10
Evaluation: whole: int = result.ndcg
evaluate: evaluate(model, split.validation)
evaluate: evaluate(recommender, split.test)
RowAdam: RowAdam(lr=None)
Trainer: Trainer(model, plays, rng)
Trainer: Trainer(model, split, rng).run()
fit: fit(model, split, rng, epoch=3)
fit: fit(model, split, rng, batch_size="256")
train_step: train_step(model, loss, optimizer, users, items)
Recommender: Recommender(models="gmf")
Recommender: Recommender("neumf", layers=64)
Recommender: Recommender("gmf", factors="8")
Recommender: Recommender("gmf", training="papers")
Recommender: recommender.fit(5)
Recommender: recommender.fit(table, epochs=3)
Recommender: recommender.recommend("ann", kk=3)
Recommender: recommender.recommend("ann", k="3")
Recommender: recommender.recommend(None)
Recommender: recommender.similar_items()
Recommender: recommender.similar_items(["BTS"])
Recommender: recommender.explain("ann")
Recommender: recommender.explain("ann", "BTS").scores
Recommender: recommender.fold_in(3)
Recommender: recommender.save()
Recommender: recommender.report.verdicts
Recommender: recommender.model.user_embedding
Recommender: Recommender.load(3)
Interactions: Interactions.from_columns(3, 4)
Interactions: plays.n_user
Interactions: plays.counts.sum()
Interactions: plays.item_name("BTS")
Interactions: plays.filter(min_users=3)
Holdout: split.test.candidate
Split: split.validation.users
leave_one_out: leave_one_out(plays, 0)
DATASETS: DATASETS["ml-1m"].titel
find_dataset: find_dataset("ml-1m") / "ratings.dat"
load_split: load_split("ml-1m")
download: download("ml-1m", ".", force=True)
artist_names: artist_names("lastfm")["ann"]
load_lastfm_2k: load_lastfm_2k("lastfm", min_plays=3)
load_lastfm_360k: load_lastfm_360k(plays)
load_movielens: load_movielens("ml-1m", min_rating=[4])
load_ncf_files: load_ncf_files("ml-1m")
Oracle: oracle.predict(users)
sample_lastfm: sample_lastfm("seed")
load_interactions: load_interactions("plays.csv", users="listener")
load_interactions: load_interactions(3)
load_interactions: load_interactions("plays.csv", bad_rows="skip")
""".strip().splitlines()
MISUSES = [line.partition(": ")[::2] for line in WRONG]


def run(module, *arguments, folder):
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)


def lines_with_errors(script, folder):
    """{line number: message} of mypy --strict."""
    file = folder / "script.py"
    file.write_text(script, encoding="utf-8")
    options = "--strict", "--no-error-summary", "--cache-dir", folder / "cache"
    done = run("mypy", *options, file, folder=folder)
    assert not done.stderr
    found = re.findall(r"^script\.py:(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    assert done.stdout.count(" error: ") == len(found), done.stdout  # none in the package itself
    return {int(number): message for number, message in found}


def test_every_public_name_has_a_misuse():
    public = {*ncf_numpy.__all__, *ncf_numpy.datasets.__all__}
    assert {name for name, _ in MISUSES} == public
    for name, misuse in MISUSES:
        assert not misuse.startswith("#"), name


def test_strict_mypy_finds_each_misuse_in_a_users_script_and_nothing_else(tmp_path):
    first = len(RIGHT.splitlines()) + 1
    script = RIGHT + "".join(f"{misuse}\n" for _, misuse in MISUSES)
    found = lines_with_errors(script, tmp_path)
    lines = {number: misuse for number, (_, misuse) in enumerate(MISUSES, start=first)}
    missed = [misuse for number, misuse in lines.items() if number not in found]
    wrongly = {number: message for number, message in found.items() if number not in lines}
    assert not missed
    assert not wrongly


def test_the_stubs_of_the_core_say_what_the_core_says(tmp_path):
    modules = [f"ncf_numpy.core.{name}" for name in STUBS if name != "types"]  # has no source
    options = "--concise", "--ignore-missing-stub", "--mypy-config-file", ROOT / "pyproject.toml"
    done = run("mypy.stubtest", *options, *modules, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
