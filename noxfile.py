"""All that is tested, on every supported Python, with the newest and the oldest packages allowed.

nox                    # all of it, one session after the other: an hour and a half of computing
nox -s tests-3.13      # one Python
nox -s oldest          # Python 3.11 with the lower bounds of setup.cfg
nox -s agree           # compare the numbers that the sessions so far have trained to
nox -s coverage        # which lines and branches of the package the default suite runs
nox -s robustness      # hostile files, kills, fuzzing, load, mutants

A Python that is not installed is named and skipped. Sessions without a version run on the Python of
nox itself. Tests of real data, in a browser and against torch skip here unless the environment has
them.
"""

import configparser
from pathlib import Path

import nox

PYTHONS = ["3.11", "3.12", "3.13", "3.14", "3.15"]
NUMBERS = Path("build", "agree")
# What a second thread can change is the order of the sums in a product of matrices.
PRODUCTS = (
    "layers losses models optimizers row_gradient row_adam gradcheck training properties "
    "numerical_range checkpoint resume baselines ease recommender fold_in pretraining"
)
# Left out: they run whole examples, benchmarks and tools, which CI does with one Python.
SLOW = (
    "adam_lab benchmarks docs_backprop mutate page_browser reference_table scale_out "
    "science_examples snippets train_lastfm"
)

nox.options.sessions = ["tests", "oldest", "agree", "coverage", "robustness"]
nox.options.error_on_missing_interpreters = False


@nox.session(python=PYTHONS)
def tests(session):
    """The newest packages there are for this Python."""
    session.install("--upgrade", "-e", ".[test,plot]")
    run_tests(session)


@nox.session(python=PYTHONS[0])
def oldest(session):
    """Exactly the lower bounds of setup.cfg, and a pyparsing that the old matplotlib can call."""
    session.install("-e", ".", *oldest_packages("test", "plot"), "pyparsing < 3.3")
    run_tests(session)


@nox.session
def agree(session):
    """Every environment that was tested has trained to the same numbers, within stated bounds."""
    session.install("-e", ".")
    session.run("python", "tools/agree.py", "compare", *sorted(map(str, NUMBERS.glob("*.npz"))))


@nox.session
def coverage(session):
    """Fails below what setup.cfg asks for; `coverage html` then shows the lines that are left."""
    session.install("--upgrade", "-e", ".[test,plot,coverage]")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-q", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def robustness(session):
    """What takes minutes, and how a test of the mathematics would notice if it were wrong."""
    session.install("--upgrade", "-e", ".[test,plot]")
    session.run("pytest", "-q", "-m", "robustness", *session.posargs)


def run_tests(session):
    """The numbers for `agree`, then the tests; what stands after `--` goes to pytest.

    With one thread of the BLAS the default suite without SLOW, with two PRODUCTS.
    """
    session.run("python", "-m", "pip", "list", "--format=freeze")
    one, two = ({"OPENBLAS_NUM_THREADS": n, "MPLBACKEND": "Agg"} for n in "12")
    for environment in (one, two):
        name = f"{session.name}, {environment['OPENBLAS_NUM_THREADS']} BLAS threads.npz"
        session.run("python", "tools/agree.py", "write", str(NUMBERS / name), env=environment)
    left_out = [f"--ignore-glob=tests/*/test_{name}.py" for name in SLOW.split()]
    session.run("pytest", "-q", *left_out, *session.posargs, env=one)
    products = [str(*Path("tests").glob(f"*/test_{name}.py")) for name in PRODUCTS.split()]
    session.run("pytest", "-q", *products, *session.posargs, env=two)


def oldest_packages(*extras):
    """["numpy==2.0", ...]: what setup.cfg requires, each at its lower bound."""
    setup = configparser.ConfigParser()
    setup.read("setup.cfg", encoding="utf-8")
    wanted = [setup["options"]["install_requires"]]
    wanted += [setup["options.extras_require"][extra] for extra in extras]
    return [line.replace(" >= ", "==") for line in "\n".join(wanted).split("\n") if line]
