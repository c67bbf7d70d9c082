"""What `import ncf_numpy` gives, and what it does not drag in."""

import subprocess
import sys

import ncf_numpy

PUBLIC = """
Embedding Dense Bias ReLU Sigmoid RowGradient BinaryCrossEntropy BinaryCrossEntropyWithLogits BPR
MF GMF MLP NeuMF SGD Adagrad Adam RowAdam Trainer fit train_step NegativeSampler epoch_batches
evaluate Evaluation compare Popularity ItemKNN EASE ImplicitALS Recommender
check_gradients check_layer numerical_gradient GradientError
"""


def test_public_names_are_importable_from_the_package():
    for name in PUBLIC.split():
        assert getattr(ncf_numpy, name).__module__.startswith("ncf_numpy."), name


def test_importing_the_package_imports_no_framework():
    code = "import sys, ncf_numpy; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "pandas" in loaded
    assert not loaded & {"torch", "jax", "tensorflow", "keras", "scipy", "sklearn", "matplotlib"}
