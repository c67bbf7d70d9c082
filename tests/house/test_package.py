"""What `import ncf_numpy` gives, and what it does not drag in."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import ncf_numpy
import ncf_numpy.datasets

PUBLIC = """
Embedding Dense Bias ReLU Sigmoid RowGradient BinaryCrossEntropy BinaryCrossEntropyWithLogits BPR
MF GMF MLP NeuMF SGD Adagrad Adam RowAdam Trainer fit train_step NegativeSampler epoch_batches
evaluate Evaluation compare Popularity ItemKNN EASE ImplicitALS Recommender
check_gradients check_layer numerical_gradient GradientError
"""
BLOCKED = "import sys; sys.modules['pandas'] = sys.modules['tqdm'] = None\n"
SETTING = """
import numpy as np
from ncf_numpy import *
from ncf_numpy.core.gradcheck import redraw_embeddings
from ncf_numpy.datasets import Interactions, leave_one_out, sample_lastfm
rng = np.random.default_rng(0)
model, loss = NeuMF(7, 9, 2, (8, 4), rng, dtype=np.float64), BinaryCrossEntropyWithLogits()
batch = np.array([3, 1, 3]), np.array([2, 5, 2]), np.array([1.0, 0.0, 1.0])
"""


def in_new_process(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_public_names_are_importable_from_the_package():
    assert set(PUBLIC.split()) <= set(ncf_numpy.__all__)
    for name in ncf_numpy.__all__:
        assert getattr(ncf_numpy, name).__module__.startswith("ncf_numpy."), name


@pytest.mark.parametrize("package", [ncf_numpy, ncf_numpy.datasets])
def test_lazy_names_are_those_written_out_for_editors(package):
    for_editors = {}
    for block in ast.parse(Path(package.__file__).read_text(encoding="utf-8")).body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            for line in block.body:
                home = importlib.import_module("." * line.level + line.module, package.__name__)
                for_editors |= {alias.name: home for alias in line.names}
    assert sorted(for_editors) == sorted(package.__all__)
    assert set(dir(package)) >= set(package.__all__)
    for name, home in for_editors.items():
        assert getattr(package, name) is getattr(home, name), name


def test_a_name_that_is_none_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'ncf_numpy' has no attribute 'Nmf'"):
        ncf_numpy.Nmf  # noqa: B018


def test_importing_the_package_imports_no_framework_and_no_pandas():
    loaded = in_new_process("import sys, ncf_numpy; print(*sys.modules)")
    heavy = {"torch", "jax", "tensorflow", "keras", "scipy", "sklearn", "matplotlib"}
    assert not {name.split(".")[0] for name in loaded} & (heavy | {"pandas", "tqdm"})


@pytest.mark.parametrize(
    "code",
    [
        "train_step(model, loss, Adam(), *batch)",
        "redraw_embeddings(model, rng); check_gradients(model, loss, *batch)",
        "plays, _ = sample_lastfm()\n"
        "model = GMF(plays.n_users, plays.n_items, 2, rng)\n"
        "rows = fit(model, leave_one_out(plays, rng), rng, epochs=1, progress=False)\n"
        "assert rows[0]['chosen'] and rows[0]['loss'] < 0.7",
        "from ncf_numpy.learn.stepper.trace import trace_step\n"
        "assert len(trace_step(model, loss, Adam(), *batch).records) > 30",
    ],
    ids=["a step", "gradient check", "training without a bar", "trace"],
)
def test_numpy_alone_is_enough_for(code):
    in_new_process(BLOCKED + SETTING + code)
