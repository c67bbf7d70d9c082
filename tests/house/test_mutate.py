"""The mutation tester: what it changes, and that it tells a killed mutant from a survivor."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "mutate.py"
pytest.importorskip("resource", reason="mutate.py forks: Linux and macOS only")
spec = importlib.util.spec_from_file_location("mutate", TOOL)
mutate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mutate)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x = (a + b) * c", {"x = (a - b) * c", "x = (a + b) / c"}),
        ("x += 1", {"x -= 1", "x = 1", "pass", "x += 2", "x += 0"}),
        ("x = a < b", {"x = a <= b", "x = a >= b"}),
        ("x = a is not None", {"x = a is None"}),
        ("x = -a", {"x = (a)"}),
        ("x = a and b", {"x = a or b"}),
        ("x = a[:K]", {"x = a[:]", "x = a[K:]"}),
        ("x = a[0:K]", {"x = a[0:]", "x = a[:K]", "x = a[1:K]", "x = a[-1:K]"}),
        ("x = f(a, axis=1)", {"x = f(a)", "x = f(a, axis=2)", "x = f(a, axis=0)"}),
        ("x = np.maximum(a, b)", {"x = np.minimum(a, b)"}),
        ("x = a.T", {"x = (a)"}),
        ("x = 0.5", {"x = 1.0"}),
        ("x = True", {"x = False"}),
        ("raise ValueError(f'{1 + 2}')", {"pass"}),
        ("while not a: f()", {"while (a): f()", "while not a: pass"}),
    ],
)
def test_each_kind_of_mutant(old, new):
    found = mutate.mutants_of("f.py", f"def g(a, b, c):\n    {old}\n")
    assert {mutant.new for mutant in found} == new
    assert {(mutant.line, mutant.old) for mutant in found} == {(2, old)}


def test_text_annotations_and_first_bindings_are_left_alone():
    source = 'def g(a: "x[1]") -> "y < 1":\n    """Say 1 + 1."""\n    b = f"{a + 1}"\n'
    assert mutate.mutants_of("f.py", source) == []


def test_every_listed_equivalent_is_a_mutant_with_a_reason():
    listed = mutate.read_equivalents(mutate.EQUIVALENT.read_text(encoding="utf-8"))
    package = mutate.ROOT / "ncf_numpy"
    known, total = set(), 0
    for file in mutate.TESTS:
        found = mutate.mutants_of(file, (package / file).read_text(encoding="utf-8"))
        known |= {(m.file, m.old, m.new) for m in found}
        total += len(found)
    assert set(listed) <= known
    assert all(len(reason) > 10 for reason in listed.values())
    assert len(listed) <= 0.05 * total


def test_a_list_of_equivalents_that_is_malformed_raises():
    assert mutate.read_equivalents("# why\n\nf.py\n- a\n+ b\n= c\n") == {("f.py", "a", "b"): "c"}
    with pytest.raises(ValueError, match="expected lines"):
        mutate.read_equivalents("f.py\n+ b\n- a\n= c\n")


def test_killed_survived_and_equivalent_are_told_apart(tmp_path):
    (tmp_path / "ncf_numpy").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "setup.cfg").write_text("[tool:pytest]\n", encoding="utf-8")
    code = "def g(a, b):\n    return a + abs(b)\n"
    (tmp_path / "ncf_numpy" / "tiny.py").write_text(code, encoding="utf-8")
    test = (
        "import sys, pathlib\n"
        "namespace = {}\n"
        "exec(pathlib.Path('ncf_numpy/tiny.py').read_text(), namespace)\n"
        "def test_g():\n    assert namespace['g'](2, 3) == 5\n"
    )
    (tmp_path / "tests" / "test_tiny.py").write_text(test, encoding="utf-8")
    listed = tmp_path / "list.txt"
    listed.write_text("", encoding="utf-8")
    status, out = of_tiny(tmp_path)
    assert status == 1  # without abs it survives: 3 is positive
    assert "tiny.py:2\n- return a + abs(b)\n+ return a + (b)\n" in out
    assert "3 mutants: 2 killed (0 by timeout), 0 equivalent, 1 survived: score 66.7%" in out
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").count("test_tiny.py::test_g") == 2
    entry = "tiny.py\n- return a + abs(b)\n+ return a + (b)\n= b is never negative\n"
    listed.write_text(entry, encoding="utf-8")
    assert of_tiny(tmp_path)[0] == 0
    listed.write_text(entry.replace("abs(b)", "c"), encoding="utf-8")
    status, out = of_tiny(tmp_path, "--sample", "1")
    assert status == 1
    assert "listed as equivalent, but no mutant: tiny.py" in out


def of_tiny(folder, *options):
    """Run the tool on tiny.py, in a new process since it forks: -> its status, what it prints."""
    code = (
        f"import gc, pathlib, sys; sys.path.insert(0, {str(TOOL.parent)!r}); import mutate\n"
        "mutate.ROOT = pathlib.Path.cwd()\n"
        "mutate.EQUIVALENT = mutate.ROOT / 'list.txt'\n"
        "mutate.TESTS = {'tiny.py': [['test_tiny.py']]}\n"
        "mutate.warm_up = gc.freeze\n"
        "sys.exit(mutate.main())\n"
    )
    command = [sys.executable, "-c", code, "--csv", "out.csv", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout
