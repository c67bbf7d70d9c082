"""Mutation testing: does a test notice when one operator, sign, index or constant is wrong?

    python tools/mutate.py                       # all mutants of the mathematics files
    python tools/mutate.py --sample 60 --seed 1  # a sample, for CI
    python tools/mutate.py core/losses.py --csv out.csv

Each mutant is one small change in a copy of the package, in a temporary folder. A forked child runs
the tests of that file on it and stops at the first failure: the mutant is killed. A mutant that all
tests pass has survived: either a test is missing or the change means the same. The second kind is
listed, with the reason, in equivalent_mutants.txt. Exit status 1 if a mutant survives unlisted, or
if an entry of that list fits no mutant. Needs os.fork: Linux or macOS.
"""

import argparse
import ast
import csv
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
EQUIVALENT = ROOT / "tools" / "equivalent_mutants.txt"
TIMEOUT = 60  # seconds of wall clock for one run of pytest
MEMORY = 8 * 2**30  # bytes of address space

# What runs on each file's mutants, one stage after the other; a later one sees only survivors of
# those before. Tests that compare source text or measure time are left out, for they would kill for
# no reason, and those that take seconds: what they alone notice counts as survived.
SLOW = "after_2000_training_steps or after_6000_prescribed_steps"
UNTIMED = "not fast"
TESTS = {
    "core/checks.py": [
        ["core/test_layers.py", "-k", UNTIMED],
        ["core/test_habits.py", "core/test_losses.py", "core/test_optimizers.py"],
        ["core/test_models.py"],
        ["data/test_sampling.py", "data/test_split.py"],
        ["evaluation/test_ease.py", "evaluation/test_wrong_arguments.py"],
    ],
    "core/layers.py": [
        ["core/test_layers.py", "-k", UNTIMED],
        ["core/test_habits.py", "core/test_models.py"],
    ],
    "core/losses.py": [["core/test_losses.py", "core/test_bpr.py"]],
    "core/models.py": [
        ["core/test_habits.py", "core/test_models.py"],
        ["core/test_properties.py"],
    ],
    "core/optimizers.py": [["core/test_habits.py", "core/test_optimizers.py"]],
    "core/row_gradient.py": [["core/test_row_gradient.py"]],
    "training/row_adam.py": [
        ["training/test_deferred_updates.py", "training/test_row_adam_calls.py"],
        ["training/test_row_adam.py", "-k", f"not ({SLOW})"],
    ],
    "training/moments.py": [
        ["training/test_deferred_updates.py", "training/test_row_adam_calls.py"],
        ["training/test_row_adam.py", "-k", f"not ({SLOW})"],
    ],
    "training/deferred_updates.py": [
        ["training/test_deferred_updates.py", "training/test_row_adam_calls.py"],
        ["training/test_row_adam.py", "-k", f"not ({SLOW})"],
    ],
    "data/sampling.py": [["data/test_sampling.py"], ["evaluation/test_wrong_arguments.py"]],
    "evaluation/metrics.py": [
        ["evaluation/test_metrics.py"],
        ["evaluation/test_measures.py", "evaluation/test_wrong_arguments.py"],
    ],
}

BINARY = {"+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "%": "*", "**": "*", "@": "*"}
BINARY |= {"&": "|", "|": "&"}
COMPARISON = {"<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"]}
COMPARISON |= {"==": ["!="], "!=": ["=="], "is": ["is not"], "is not": ["is"]}
COMPARISON |= {"in": ["not in"], "not in": ["in"]}
PAIRS = "min max, minimum maximum, argmin argmax, any all, zeros ones, zeros_like ones_like"
PAIRS += ", sum mean, log log1p, hstack vstack, float32 float64"
NAMES = {a: b for pair in PAIRS.split(", ") for a, b in (pair.split(), pair.split()[::-1])}
UNWRAPPED = {"abs", "sqrt", "exp", "sort", "sorted", "reversed", "astype", "clip"}
TEXTS = {"right": "left", "left": "right"}


class Mutant(NamedTuple):
    file: str
    line: int
    old: str  # the lines changed, stripped and joined
    new: str
    source: str  # the whole file


def mutants_of(file, source):
    """Every mutant of a source text, each once, in the order of the text."""
    found = {}
    for start, stop, text in sorted(changes(source)):
        mutated = source[:start] + text + source[stop:]
        if mutated != source and mutated not in found:
            found[mutated] = Mutant(file, *changed_lines(source, mutated), mutated)
    return list(found.values())


def changed_lines(before, after):
    """(number of the first line that differs, the lines before, the lines after)."""
    a, b = before.splitlines(), after.splitlines()
    first = next(n for n, (x, y) in enumerate(zip(a, b)) if x != y)
    a, b = a[first:], b[first:]
    while len(a) > 1 and len(b) > 1 and a[-1] == b[-1]:
        a, b = a[:-1], b[:-1]
    return first + 1, *(" ".join(line.strip() for line in lines) for lines in (a, b))


def changes(source):
    """Yield (start, stop, text): what to put in place of source[start:stop]."""
    source.encode("ascii")  # so that the column of a node, in bytes, is one in characters
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def span(node):
        start = starts[node.lineno - 1] + node.col_offset
        return start, starts[node.end_lineno - 1] + node.end_col_offset

    def between(left, right, table):
        """Changes of the operator that stands between two nodes, be there brackets or not."""
        start, stop = span(left)[1], span(right)[0]
        token = re.search(r"is not|not in|[a-z]+|[-+*/%@&|<>=!]+", source[start:stop])
        for text in table.get(token.group(), []):
            yield start + token.start(), start + token.end(), text

    binary = {old: [new] for old, new in BINARY.items()}
    augmented = {f"{old}=": [f"{new}=", "="] for old, new in BINARY.items()}
    for node, names in code_nodes(ast.parse(source)):
        if isinstance(node, ast.BinOp):
            yield from between(node.left, node.right, binary)
        elif isinstance(node, ast.AugAssign):
            yield from between(node.target, node.value, augmented)
            yield *span(node), "pass"
        elif isinstance(node, ast.Compare):
            for left, right in zip([node.left, *node.comparators], node.comparators):
                yield from between(left, right, COMPARISON)
        elif isinstance(node, ast.BoolOp):
            for left, right in zip(node.values, node.values[1:]):
                yield from between(left, right, {"and": ["or"], "or": ["and"]})
        elif isinstance(node, ast.UnaryOp):
            yield *span(node), f"({ast.unparse(node.operand)})"
        elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
            if not isinstance(node.test, ast.UnaryOp):  # `not x` has become x already
                yield *span(node.test), f"not ({ast.unparse(node.test)})"
        elif isinstance(node, ast.Slice):
            yield from ((*span(node), text) for text in other_slices(node))
        elif isinstance(node, ast.Constant):
            yield from ((*span(node), text) for text in other_constants(node.value))
        elif isinstance(node, (ast.Name, ast.Attribute)):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in NAMES:
                yield span(node)[1] - len(name), span(node)[1], NAMES[name]
            elif name == "T":
                yield *span(node), f"({ast.unparse(node.value)})"
        elif isinstance(node, ast.Call):
            if called(node) in UNWRAPPED and not method_of_module(node):
                yield *span(node), f"({ast.unparse(node.func.value)})"
            elif called(node) in UNWRAPPED:
                yield *span(node), f"({ast.unparse(node.args[0])})"
            yield from ((*span(node), text) for text in without_one_keyword(node))
        elif isinstance(node, ast.Return) and node.value is not None:
            yield *span(node), "return None"
        elif removable(node, names):
            yield *span(node), "pass"


def code_nodes(tree):
    """Yield (node, names bound before it in its function), but no text, annotation or import."""

    def walk(node, names):
        yield node, names
        if isinstance(node, ast.FunctionDef):
            names = {a.arg for a in node.args.args + node.args.kwonlyargs}
        for field, child in ast.iter_fields(node):
            for each in child if isinstance(child, list) else [child]:
                skipped = (ast.JoinedStr, ast.Import, ast.ImportFrom)
                if field in ("annotation", "returns") or isinstance(each, skipped):
                    continue
                if isinstance(each, ast.AST):
                    yield from walk(each, names)
                    if isinstance(each, ast.Assign):
                        stored = (n for target in each.targets for n in ast.walk(target))
                        names |= {n.id for n in stored if isinstance(n, ast.Name)}

    yield from walk(tree, set())


def other_constants(value):
    if isinstance(value, bool):
        return [repr(not value)]
    if isinstance(value, int):
        return [repr(value + 1), repr(value - 1)]
    if isinstance(value, float):
        return [repr(2 * value) if value else "1.0"]
    return [repr(TEXTS[value])] if isinstance(value, str) and value in TEXTS else []


def other_slices(node):
    """a[x:] and a[:x] become each other and a[:]; a[x:y] loses one end."""
    low, high = (ast.unparse(end) if end else "" for end in (node.lower, node.upper))
    if node.step or not (low or high):
        return []
    return [f"{low}:", f":{high}"] if low and high else [":", f"{high}:{low}"]


def without_one_keyword(call):
    """The call without each of its keyword arguments in turn."""
    for left_out in call.keywords:
        if left_out.arg:
            rest = [keyword for keyword in call.keywords if keyword is not left_out]
            yield ast.unparse(ast.Call(call.func, call.args, rest))


def called(call):
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", None)


def method_of_module(call):
    """Whether it is f(x) or np.f(x) or math.f(x), not x.f()."""
    owner = getattr(call.func, "value", None)
    return owner is None or (isinstance(owner, ast.Name) and owner.id in ("np", "math"))


def removable(statement, names):
    """Statements without which the code still runs: no docstring, no first binding of a name."""
    if isinstance(statement, ast.Assign):
        plain = [target for target in statement.targets if isinstance(target, ast.Name)]
        return all(target.id in names for target in plain) and not any(
            isinstance(target, ast.Tuple) for target in statement.targets
        )
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return isinstance(statement, (ast.Expr, ast.Raise)) and not is_text


def read_equivalents(text):
    """{(file, old, new): reason} of blocks `file`, `- old`, `+ new`, `= reason`."""
    entries = {}
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        if lines:
            file, old, new, reason = lines
            marks = [line[:2] for line in (old, new, reason)]
            if marks != ["- ", "+ ", "= "]:
                raise ValueError(f"{EQUIVALENT.name}: expected lines `- + =`, got {lines}")
            entries[file, old[2:], new[2:]] = reason[2:]
    return entries


class FirstFailure:
    """A pytest plugin that remembers which test failed first."""

    name = ""

    def pytest_runtest_logreport(self, report):
        if report.failed and not self.name:
            self.name = report.nodeid.rpartition("/")[2]


def run_tests(folder, stages, quiet=True):
    """("killed", test), ("timeout", "") or ("survived", ""), in a child for each stage."""
    for arguments in stages:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            status = 3
            try:
                status = _child(folder, arguments, write, quiet)
            finally:
                os._exit(status)
        os.close(write)
        with os.fdopen(read, encoding="utf-8") as pipe:
            test = pipe.read()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return "timeout", f"signal {os.WTERMSIG(status)}"
        if os.WEXITSTATUS(status) not in (0, 1, 2, 4):  # 2, 4: a test, conftest.py not importable
            raise RuntimeError(f"pytest {arguments} ended with status {os.WEXITSTATUS(status)}")
        if os.WEXITSTATUS(status):
            return "killed", test or "import"
    return "survived", ""


def _child(folder, arguments, write, quiet):
    import pytest

    sys.dont_write_bytecode = quiet  # a stale .pyc of the mutated file would hide the mutant
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    if quiet:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(TIMEOUT if quiet else 0)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    first = FirstFailure()
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-o", "addopts="]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is imported already
    paths = [f"tests/{a}" if a.endswith(".py") else a for a in arguments]
    paths = [path for path in paths if not path.endswith(".py") or Path(path).exists()]
    status = pytest.main([*options, *paths], plugins=[first])
    os.write(write, first.name.encode())
    return int(status)


def warm_up():
    """Import what every child needs, but nothing of the package, and fix hypothesis' examples."""
    import doctest  # noqa: F401
    import gc

    import hypothesis
    import pandas  # noqa: F401
    import pytest  # noqa: F401
    import tqdm  # noqa: F401

    hypothesis.settings.register_profile(
        "mutate",
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],  # one failure is enough
    )
    hypothesis.settings.load_profile("mutate")
    gc.freeze()  # a child then need not look through all this when it collects garbage


def copy_project(folder):
    ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for name in ("ncf_numpy", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "setup.cfg", folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", metavar="FILE", help=f"of {', '.join(TESTS)}")
    parser.add_argument("--sample", type=int, metavar="N", help="only N mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--csv", type=Path, help="write one row per mutant")
    arguments = parser.parse_args()
    files = arguments.files or list(TESTS)
    if unknown := set(files) - set(TESTS):
        parser.error(f"no tests are known for {', '.join(sorted(unknown))}")

    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    warm_up()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        copy_project(folder)
        sources = {f: (folder / "ncf_numpy" / f).read_text(encoding="utf-8") for f in files}
        mutants = [m for f in files for m in mutants_of(f, sources[f])]
        listed = read_equivalents(EQUIVALENT.read_text(encoding="utf-8"))
        known = {(m.file, m.old, m.new) for m in mutants}
        stale = [key for key in listed if key[0] in files and key not in known]
        if arguments.sample is not None:
            size = min(arguments.sample, len(mutants))
            mutants = random.Random(arguments.seed).sample(mutants, size)
        rows = list(judged(mutants, listed, sources, folder))
    report(rows, stale, arguments.csv)
    return int(bool(stale) or any(row["outcome"] == "survived" for row in rows))


def judged(mutants, listed, sources, folder):
    """Run each mutant and yield its row; survivors are printed as they are found."""
    for file in dict.fromkeys(m.file for m in mutants):
        path = folder / "ncf_numpy" / file
        outcome, test = run_tests(folder, TESTS[file], quiet=False)
        if outcome != "survived":
            raise SystemExit(f"the tests of {file} fail without any mutation: {test}")
        shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
        for mutant in (m for m in mutants if m.file == file):
            start = time.perf_counter()
            if (file, mutant.old, mutant.new) in listed:
                outcome, test = "equivalent", listed[file, mutant.old, mutant.new]
            else:
                path.write_text(mutant.source, encoding="utf-8")
                outcome, test = run_tests(folder, TESTS[file])
            if outcome == "survived":
                print(f"{file}:{mutant.line}\n- {mutant.old}\n+ {mutant.new}\n", flush=True)
            seconds = round(time.perf_counter() - start, 2)
            yield {**mutant._asdict(), "outcome": outcome, "by": test, "seconds": seconds}
        path.write_text(sources[file], encoding="utf-8")


def report(rows, stale, path):
    """One line with the score, one per file before it, and the CSV if asked for."""
    if path:
        with path.open("w", encoding="utf-8", newline="") as stream:
            columns = [name for name in rows[0] if name != "source"]
            writer = csv.DictWriter(stream, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    for file, old, new in stale:
        print(f"listed as equivalent, but no mutant: {file}\n- {old}\n+ {new}\n")
    for file in dict.fromkeys(row["file"] for row in rows):
        print(f"{file:<30}{summary([row for row in rows if row['file'] == file])}")
    print(f"{'all':<30}{summary(rows)}")


def summary(rows):
    n = Counter(row["outcome"] for row in rows)
    killed, seconds = n["killed"] + n["timeout"], sum(row["seconds"] for row in rows)
    return (
        f"{len(rows):>5} mutants: {killed} killed ({n['timeout']} by timeout), {n['equivalent']} "
        f"equivalent, {n['survived']} survived: score {killed / len(rows):.1%}, {seconds:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
