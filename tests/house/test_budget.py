"""The core stays readable in one sitting: how much there is of it, and what it may import."""

import ast
from pathlib import Path

import pytest

import ncf_numpy

PACKAGE = Path(ncf_numpy.__file__).parent
EXAMPLES = PACKAGE.parent / "examples"

# Each file of the core and what of the package it may import; all may import NumPy and little else.
CORE = {
    "checks": set(),
    "row_gradient": set(),
    "layers": {"checks", "row_gradient"},
    "losses": {"checks", "layers"},
    "models": {"checks", "layers"},
    "optimizers": {"checks", "row_gradient"},
    "table": set(),
    "build": {"models"},
    "gradcheck": {"checks", "layers", "row_gradient", "table"},
}
READ_FIRST = ["layers", "losses", "models", "optimizers"]  # in this order
FOREIGN = {"functools", "itertools", "math", "numbers", "numpy"}
GENERATOR_MAKERS = {"default_rng", "Generator", "SeedSequence", "BitGenerator", "PCG64"}


def read(path):
    return path.read_text(encoding="utf-8")


def tree_of(name):
    return ast.parse(read(PACKAGE / "core" / f"{name}.py"))


def code_lines(function):
    """The source lines that hold code of the function: no docstring, comment or blank line."""
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    lines = {function.lineno}
    for part in (function.args, *body):
        for node in ast.walk(part):
            if hasattr(node, "lineno"):
                lines |= {node.lineno, node.end_lineno}
    return len(lines)


def functions(tree):
    return [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]


def imports(tree):
    """(modules from outside, modules of this package) that a file imports."""
    foreign, own = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            foreign |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            own |= {node.module} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            foreign.add(node.module)
    return foreign, own


def global_randomness(tree):
    """Uses of a random state that is not an explicit generator."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {
            "np.random",
            "numpy.random",
        }:
            found += [ast.unparse(node)] if node.attr not in GENERATOR_MAKERS else []
        elif isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name in ("random", "numpy.random")]
        elif isinstance(node, ast.ImportFrom) and node.module in ("random", "numpy.random"):
            found += [f"from {node.module}"] * (
                not {a.name for a in node.names} <= GENERATOR_MAKERS
            )
    return found


def test_the_scans_find_what_they_look_for():
    docstring = '    """Two\n    lines."""\n\n    # why\n'
    tree = ast.parse(f"def f(a):\n{docstring}    b = [\n        a,\n    ]\n    return b")
    assert code_lines(functions(tree)[0]) == 5  # def, three of the list, return
    assert imports(ast.parse("import os\nfrom .layers import x\nfrom . import models")) == (
        {"os"},
        {"layers", "models"},
    )
    for text in ("np.random.seed(0)", "import random", "from numpy.random import rand"):
        assert len(global_randomness(ast.parse(text))) == 1
    assert global_randomness(ast.parse("np.random.default_rng(0).normal()")) == []


def not_blank(names):
    lines = [line for name in names for line in read(PACKAGE / "core" / f"{name}.py").splitlines()]
    return sum(bool(line.strip()) for line in lines)


def test_the_core_is_the_files_named_here():
    assert {path.stem for path in (PACKAGE / "core").glob("*.py")} == {"__init__", *CORE}


def test_what_is_read_first_is_at_most_600_lines_and_the_core_1050():
    # Two more models of the size of NeuMF, 55 lines each, still fit.
    assert not_blank(READ_FIRST) <= 600
    assert not_blank(CORE) <= 1050


@pytest.mark.parametrize("name", CORE)
def test_no_core_file_is_longer_than_300_lines(name):
    assert len(read(PACKAGE / "core" / f"{name}.py").splitlines()) <= 300


@pytest.mark.parametrize("name", CORE)
def test_no_function_is_longer_than_forty_lines_of_code(name):
    too_long = {f.name: code_lines(f) for f in functions(tree_of(name)) if code_lines(f) > 40}
    assert not too_long


@pytest.mark.parametrize("name", CORE)
def test_the_core_imports_only_numpy_and_itself_downwards(name):
    foreign, own = imports(tree_of(name))
    assert foreign <= FOREIGN | (
        {"pandas"} if name == "table" else set()
    )  # there it may be missing
    assert own <= CORE[name]


@pytest.mark.parametrize("name", READ_FIRST)
def test_the_core_has_no_machinery_on_the_path_of_a_gradient(name):
    # no __call__, metaclass, closure or decorator but classmethod: a debugger walks straight on
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.ClassDef):
            assert not node.keywords and not node.decorator_list
        if isinstance(node, ast.FunctionDef):
            assert node.name != "__call__"
            assert [ast.unparse(d) for d in node.decorator_list] in ([], ["classmethod"])
            assert functions(ast.Module(node.body, [])) == []
        assert not isinstance(node, (ast.Assert, ast.Global, ast.Nonlocal))


def test_no_code_uses_global_random_state():
    files = [*PACKAGE.rglob("*.py"), *EXAMPLES.rglob("*.py")]
    assert len(files) > len(CORE)
    found = {path.name: global_randomness(ast.parse(read(path))) for path in files}
    assert {name: uses for name, uses in found.items() if uses} == {}


def test_no_file_of_the_package_is_longer_than_can_be_read_at_once():
    files = [path for path in PACKAGE.rglob("*.py*") if path.suffix in (".py", ".pyi")]
    lengths = {str(path.relative_to(PACKAGE)): len(read(path).splitlines()) for path in files}
    assert len(lengths) > 100
    assert {name: n for name, n in lengths.items() if n > 320} == {}
