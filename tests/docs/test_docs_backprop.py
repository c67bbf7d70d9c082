"""The pages about the mathematics quote what they are about, in formulas that GitHub shows."""

import inspect
import re
import runpy
from xml.etree import ElementTree

import numpy as np
import pytest
from snippets import QUOTED, ROOT, blocks, prose, text_of

from ncf_numpy.core.models import NeuMF


def quoted(page):
    """{(file, function), ...} of all blocks that begin with `# file.py, function`."""
    return {QUOTED.match(b.text.splitlines()[0]).groups() for b in blocks(page, "quotation")}


def test_the_pages_quote_what_they_are_about():
    functions = quoted("docs/explanation/backprop.md")
    for layer in ("Embedding", "Dense", "ReLU", "Sigmoid"):
        assert ("core/layers", f"{layer}.backward") in functions
    for loss in ("BinaryCrossEntropy", "BinaryCrossEntropyWithLogits"):
        assert ("core/losses", f"{loss}.backward") in functions
    for model in ("MF", "GMF", "MLP", "NeuMF"):
        assert ("core/models", f"{model}.backward") in functions
    assert ("core/optimizers", "Adam.step") in functions
    functions = {function for _, function in quoted("docs/explanation/adam.md")}
    expected = {"RowAdam._move", "RowAdam._update_moments"}
    expected |= {f"DeferredUpdates.{name}" for name in ("grow", "as_one", "one_step", "__init__")}
    assert functions >= expected
    assert "Adam.step" not in functions  # which backprop.md quotes


def test_the_table_of_neumf_is_its_forward_and_its_backward():
    forward, backward = inspect.getsource(NeuMF.forward), inspect.getsource(NeuMF.backward)
    rows = re.findall(
        r"^\| ?(`.+`|) \| `(.+)` \| .+ \|$", text_of("docs/explanation/backprop.md"), re.MULTILINE
    )
    assert len(rows) == 8
    ours = [(forward.index(a.strip("`")) if a else None, backward.index(b)) for a, b in rows]
    # forward is read from the last line up, backward from the first down
    read_up = [position for position, _ in ours if position is not None]
    assert read_up == sorted(read_up, reverse=True)
    down = [b for _, b in ours]
    assert down[:-2] == sorted(down[:-2]) and min(down[-2:]) > down[-3]


@pytest.mark.parametrize(
    "page", ["docs/explanation/backprop.md", "docs/explanation/adam.md", "docs/tutorials/ko.md"]
)
def test_every_formula_is_one_that_github_shows(page):
    math = [block.text for block in blocks(page, "formula")]
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    assert "$$" not in text  # there Markdown would take the backslash of a thin space
    for paragraph in text.split("\n\n"):
        assert paragraph.count("$") % 2 == 0, paragraph
        math += paragraph.split("$")[1::2]
    for formula in math:
        assert formula.count("{") == formula.count("}"), formula
    for inline in re.findall(r"\$([^$]*)\$", text):
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
