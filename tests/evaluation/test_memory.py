import subprocess
import sys

import pytest

from ncf_numpy.evaluation import memory


def test_what_is_available_is_allowed_and_one_byte_more_is_not(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 3 * 10**9)
    memory.check_memory(3 * 10**9, "this", "do that")
    with pytest.raises(
        MemoryError, match=r"^this needs 3\.0 GB .* and 3\.0 GB are available: do that$"
    ):
        memory.check_memory(3 * 10**9 + 1, "this", "do that")


def test_where_nobody_knows_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: None)
    memory.check_memory(10**30, "this", "do that")


def test_the_least_of_the_limits_counts(monkeypatch):
    for name, value in [("machine", 5), ("container", None), ("process", 4)]:
        monkeypatch.setattr(memory, f"of_the_{name}", lambda value=value: value)
    assert memory.available_memory() == 4


def test_a_container_may_use_what_its_limit_leaves(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    assert memory.of_the_container() is None
    (tmp_path / "memory.current").write_text("300\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.of_the_container() is None
    (tmp_path / "memory.max").write_text("1000\n")
    assert memory.of_the_container() == 700


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_AS is kept on Linux")
def test_a_limit_set_by_ulimit_is_known():
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); "
        "from ncf_numpy.evaluation.memory import available_memory; print(available_memory())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 0 <= int(result.stdout) < 2**30, result.stderr
