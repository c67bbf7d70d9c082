"""Where PyTorch is not installed, the file that needs it is not searched for doctests."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["ncf_numpy/to_torch/models.py"]


def pytest_configure(config):
    """Most tests train for an epoch or two on a handful of pairs, and know what that is worth."""
    ignore = "ignore::ncf_numpy.recommender.report.NotLearned"
    config.addinivalue_line("filterwarnings", ignore)
