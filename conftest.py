"""What holds for all tests: where doctests are, which warnings are expected, what signals do."""

import signal
from importlib.util import find_spec

# Not searched for doctests: scripts, and what needs PyTorch where it is not installed.
collect_ignore_glob = [
    "ncf_numpy/learn/exercises/solutions/*",  # scripts, not modules
    "tests/*/conftest.py",  # of several folders in one command, all by one name
]
collect_ignore = [] if find_spec("torch") else ["ncf_numpy/to_torch/models.py"]


def pytest_configure(config):
    """Most tests train for an epoch or two on a handful of pairs, and know what that is worth."""
    ignore = "ignore::ncf_numpy.recommender.report.NotLearned"
    config.addinivalue_line("filterwarnings", ignore)
    heed_signals()


def heed_signals():
    """Handle the signals that nohup, or the & of a script, has ignored: children would inherit it.

    So a program that a test starts ends by Ctrl-C and SIGHUP, however the suite was started.
    """
    for name, handler in {"SIGINT": signal.default_int_handler, "SIGHUP": lambda *_: None}.items():
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)
