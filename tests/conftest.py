import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import ncf_numpy.__main__

# A deadline, and the check for slow draws, measure how busy the machine is.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def interruptible():
    """Where tests run in the background, SIGINT is ignored, and would be by their children too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def data_dir():
    """data_dir("ml-1m") is that folder of the real data, or skips the test."""

    def find(name):
        root = os.environ.get("NCF_NUMPY_DATA")
        if not root:
            pytest.skip("NCF_NUMPY_DATA is not set: no real data")
        folder = Path(root) / name
        if not folder.is_dir():
            pytest.skip(f"no {name} in NCF_NUMPY_DATA")
        return folder

    return find


@pytest.fixture(autouse=True)
def shell_speaks_of_options(monkeypatch):
    """No error that a test brings to the shell names an argument or a call of Python."""
    in_options = ncf_numpy.__main__.in_options

    def checked(text, parser):
        written = in_options(text, parser)
        unquoted = re.sub(r"(?<!\w)'[^']*'|\"[^\"]*\"|pandas\.\S+", "", written)
        python = re.findall(r"\b[a-z]\w*=(?!=)|\b\w+\(|^[a-z]\w*_\w+ (?:must|is)", unquoted)
        assert not python, f"{python} in {written}"
        return written

    monkeypatch.setattr(ncf_numpy.__main__, "in_options", checked)


@pytest.fixture(autouse=True)
def strict_arithmetic():
    """No test passes through an overflow, a division by zero or a NaN out of nothing."""
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        yield
