"""The pages about the mathematics: their examples run, and the lines they quote are in the code."""

import doctest
import importlib
import inspect
import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import ncf_numpy
from ncf_numpy.models import NeuMF

ROOT = Path(ncf_numpy.__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = ["backprop.md", "adam.md", "ko.md"]
TEXTS = {page: (DOCS / page).read_text(encoding="utf-8") for page in PAGES}
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEAD = re.compile(r"# (\w+)\.py, ([\w.]+)$")  # of a block that quotes


def blocks(page):
    return [match[1] for match in FENCE.finditer(TEXTS[page])]


def quotes(page):
    """[(file, function, line), ...] of all blocks that begin with `# file.py, function`."""
    found = []
    for block in blocks(page):
        head, *lines = block.splitlines()
        if match := HEAD.match(head):
            found += [(match[1], match[2], line) for line in lines if line.strip()]
    return found


def source_lines(module, function):
    owner = importlib.import_module(f"ncf_numpy.{module}")
    for name in function.split("."):
        owner = getattr(owner, name)
    return [line.strip() for line in inspect.getsource(owner).splitlines()]


def headings(text):
    """The anchors GitHub gives to a page's headings."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_an_example_or_a_quotation(page):
    for block in blocks(page):
        assert block.startswith(">>> ") or HEAD.match(block.splitlines()[0]), block


@pytest.mark.parametrize("page", PAGES)
def test_every_quoted_line_stands_in_the_function_it_is_said_to_be_from(page):
    for module, function, line in quotes(page):
        assert line.strip() in source_lines(module, function), f"{module}.{function}: {line}"


def test_the_pages_quote_what_they_are_about():
    functions = {(module, function) for module, function, _ in quotes("backprop.md")}
    for layer in ("Embedding", "Dense", "ReLU", "Sigmoid"):
        assert ("layers", f"{layer}.backward") in functions
    for loss in ("BinaryCrossEntropy", "BinaryCrossEntropyWithLogits"):
        assert ("losses", f"{loss}.backward") in functions
    for model in ("MF", "GMF", "MLP", "NeuMF"):
        assert ("models", f"{model}.backward") in functions
    assert ("optimizers", "Adam.step") in functions
    functions = {function for _, function, _ in quotes("adam.md")}
    expected = {"Adam.step", "RowAdam._move", "RowAdam._add_gradients", "RowAdam.lr"}
    expected |= {f"MissedSteps.{name}" for name in ("grow", "as_one", "one_step", "__init__")}
    assert functions >= expected - {"RowAdam.lr"}


def test_the_table_of_neumf_is_its_forward_and_its_backward():
    forward, backward = inspect.getsource(NeuMF.forward), inspect.getsource(NeuMF.backward)
    rows = re.findall(r"^\| ?(`.+`|) \| `(.+)` \| .+ \|$", TEXTS["backprop.md"], re.MULTILINE)
    assert len(rows) == 8
    ours = [(forward.index(a.strip("`")) if a else None, backward.index(b)) for a, b in rows]
    # forward is read from the last line up, backward from the first down
    read_up = [position for position, _ in ours if position is not None]
    assert read_up == sorted(read_up, reverse=True)
    down = [b for _, b in ours]
    assert down[:-2] == sorted(down[:-2]) and min(down[-2:]) > down[-3]


@pytest.mark.parametrize("page", PAGES)
def test_every_example_runs_and_prints_what_the_page_shows(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    examples = "\n".join(block for block in blocks(page) if block.startswith(">>> "))
    test = doctest.DocTestParser().get_doctest(examples, {}, page, str(DOCS / page), 0)
    report = []
    with np.printoptions():  # the page sets its own
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        result = runner.run(test, out=report.append)
    assert result.failed == 0, "".join(report)
    assert result.attempted == len(test.examples) > 5


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    text = FENCE.sub("", TEXTS[page])
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = DOCS / path if path else DOCS / page
        assert file.exists(), target
        if anchor:
            assert anchor in headings(file.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("page", PAGES)
def test_every_formula_is_one_that_github_shows(page):
    text = FENCE.sub("", TEXTS[page])
    assert "$$" not in text  # there Markdown would take the backslash of a thin space
    math = re.findall(r"^```math\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    for paragraph in prose.split("\n\n"):
        assert paragraph.count("$") % 2 == 0, paragraph
        math += paragraph.split("$")[1::2]
    for formula in math:
        assert formula.count("{") == formula.count("}"), formula
    for inline in re.findall(r"\$([^$]*)\$", prose):
        assert not re.search(r"\\[^a-zA-Z]", inline), inline


def test_the_figure_is_drawn_by_its_script(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="matplotlib draws the figure")
    script = runpy.run_path(str(ROOT / "examples" / "error_against_step.py"))
    few = np.array([1e-4, 1e-5])
    measure = script["measure"]
    monkeypatch.setitem(script["plot"].__globals__, "STEPS", few)
    monkeypatch.setitem(script["plot"].__globals__, "measure", lambda m: measure(m, few, 20))
    path = tmp_path / "images" / "figure.svg"
    script["plot"](path)
    assert capsys.readouterr().out == f"wrote {path}\n"
    for svg in (path, script["IMAGE"]):  # a new one, and the one that the page shows
        root = ElementTree.parse(svg).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
