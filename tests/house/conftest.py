import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ncf_numpy


@pytest.fixture
def run_in_a_copy(tmp_path):
    """run(file, text, code, **environment): run code with a copy of the package and one file more.

    file is its path below ncf_numpy/; the code runs in tmp_path, and its exit status has to be 0.
    """

    def run(file, text, code, **environment):
        package = tmp_path / "ncf_numpy"
        shutil.copytree(Path(ncf_numpy.__file__).parent, package)
        (package / file).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONUTF8": "1", **environment},
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run
