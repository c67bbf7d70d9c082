"""What is not searched for doctests: scripts, and what needs PyTorch where it is not installed."""

from importlib.util import find_spec

collect_ignore_glob = [
    "ncf_numpy/learn/exercises/solutions/*",  # scripts, not modules
    "tests/*/conftest.py",  # of several folders in one command, all by one name
]
collect_ignore = [] if find_spec("torch") else ["ncf_numpy/to_torch/models.py"]


def pytest_configure(config):
    """Most tests train for an epoch or two on a handful of pairs, and know what that is worth."""
    ignore = "ignore::ncf_numpy.recommender.report.NotLearned"
    config.addinivalue_line("filterwarnings", ignore)
