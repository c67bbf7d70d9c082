"""The notebook is what its script says, its cells hold, and its first cell finds the package."""

import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ncf_numpy.__main__ import COMMANDS
from ncf_numpy.core.gradcheck import numerical_gradient
from ncf_numpy.learn.bugs import BUGS

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import notebook as generator  # noqa: E402

CELLS = list(generator.cells(generator.SCRIPT.read_text(encoding="utf-8")))
CODE = [source for _, kind, source in CELLS if kind == "code"]
TEXT = "\n\n".join(source for _, kind, source in CELLS if kind == "markdown")
WRITE = "write it anew: python tools/notebook.py"


@pytest.fixture(scope="module")
def notebook():
    return json.loads(generator.NOTEBOOK.read_text(encoding="utf-8"))


def test_a_script_becomes_cells():
    script = (
        "# no cell\n\n# %% [markdown]\n# # Title\n#\n#     code\n\n# %%\na = 1\n# %magic x\n\n\n"
    )
    script += "# %%\n# a comment\nb = 2\n"
    assert list(generator.cells(script)) == [
        (1, "markdown", "# Title\n\n    code"),
        (2, "code", "a = 1\n%magic x"),
        (3, "code", "# a comment\nb = 2"),
    ]


def test_the_committed_notebook_is_that_of_the_script_cell_for_cell(notebook):
    committed = [("".join(cell["source"]), cell["cell_type"]) for cell in notebook["cells"]]
    assert len(CELLS) > 50
    for (number, kind, source), there in zip(CELLS, committed):
        assert there == (source, kind), f"cell {number}: {WRITE}"
    assert len(committed) == len(CELLS), WRITE


def test_its_outputs_are_there_and_say_nothing_of_the_machine_they_come_from(notebook):
    assert generator.NOTEBOOK.stat().st_size < 500_000
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1)), WRITE
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3
    assert not [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    said = [output.get("text") or output["data"].get("text/plain") for output in outputs]
    assert not re.search(r"/(home|root|tmp|work|usr)\b|site-packages", str(said))
    assert "600 listeners x 400 artists" in str(said)  # the sample: no row of real data


def test_backward_by_hand_against_differences_and_the_bug_that_is_caught(capsys):
    until_training = next(i for i, source in enumerate(CODE) if "import GMF, MLP, fit" in source)
    names = {}
    for source in CODE[:until_training]:
        # without drawing, which is test_plots.py's; and a magic is not Python
        if "plots." not in source:
            exec(re.sub(r"^%.*$", "", source, flags=re.MULTILINE), names)
    out = capsys.readouterr().out
    assert out.count("by hand to 1e-12") == 6
    assert "not found" not in out and "item_embedding.W[2, " in out
    assert re.search(r"step 200  loss 0\.00", out)

    model = names["small_model"]()
    users, items, labels = (names[name] for name in ("users", "items", "labels"))

    def loss():  # without the package's losses
        z = model.forward(users, items)
        return float(np.mean(np.log1p(np.exp(-z)) + (1 - labels) * z))

    for (name, W, _), gradient in zip(model.parameters(), names["by_hand"].items()):
        assert gradient[0] == name
        np.testing.assert_allclose(gradient[1], numerical_gradient(loss, W), atol=1e-9)


def by_hand(right="", wrong=""):
    """The notebook's gradients by hand, {name: array}, with a line changed, as section 9 asks."""
    start = next(i for i, source in enumerate(CODE) if "def small_model" in source)
    end = next(i for i, source in enumerate(CODE) if source.count("by_hand") > 2)
    code = "\n".join([*CODE[start:end], CODE[end].split("loss = ")[0]])
    assert not right or code.count(right) == 1
    code = code.replace(right, wrong) if right else code
    names = {"np": np}
    exec(code, names)
    return names


def test_the_answers_of_your_turn(capsys):
    answers = TEXT.split("<b>Answers</b>")[1]
    right = by_hand()["by_hand"]

    # 1: without / B
    wrong = by_hand("dz = (y_hat - labels) / B", "dz = y_hat - labels")["by_hand"]
    for name, array in right.items():
        np.testing.assert_allclose(wrong[name], 3 * array)
    assert "$B = 3$ times too large" in answers

    # 2: without the gate
    wrong = by_hand("da = dphi_M * (a > 0)", "da = dphi_M")["by_hand"]
    differ = {name: ~np.isclose(wrong[name], array) for name, array in right.items()}
    assert not differ["output.W"].any() and not differ["output.b"].any()
    assert differ["dense1.W"].any() and differ["dense1.b"].any()
    for table in ("user_embedding.W", "item_embedding.W"):
        assert not differ[table][:, :2].any() and differ[table][:, 2:].any()

    # 3: without repeats
    names = by_hand("np.array([3, 1, 3]), np.array([2, 2, 5])", "np.array([3, 1, 0]), np.arange(3)")
    np.testing.assert_array_equal(names["naive"], names["dU"])

    # 5: what the best constant prediction costs
    shares = [1 / 2, 1 / 11]
    costs = [-s * np.log(s) - (1 - s) * np.log(1 - s) for s in shares]
    assert [f"{cost:.2f}" for cost in costs] == ["0.69", "0.30"]
    assert "0.69 a pair for one negative and 0.30 for ten" in " ".join(answers.split())

    # 6: small embeddings
    small = by_hand("redraw_embeddings(model, rng)", "redraw_embeddings(model, rng, 0.01)")[
        "by_hand"
    ]
    for table in ("user_embedding.W", "item_embedding.W"):
        assert np.abs(small[table][:, :2]).max() < 0.05 * np.abs(right[table][:, :2]).max()
        assert np.abs(small[table][:, 2:]).max() > 0.2 * np.abs(right[table][:, 2:]).max()


def test_commands_and_bugs_that_the_text_names_exist():
    commands = {command.__name__.rsplit(".")[-1] for command in COMMANDS}
    named = set(re.findall(r"python -m ncf_numpy (\w+)", TEXT))
    assert "exercise" in named and named <= commands
    assert set(re.findall(r'BUGS\["(.+?)"\]', TEXT)) <= set(BUGS)
    assert f"lists all {len(BUGS)}" in " ".join(TEXT.split())
    for path in re.findall(r"`[^`]*?((?:docs|examples|ncf_numpy)/[\w/]+\.\w+)`", TEXT):
        assert (ROOT / path).is_file(), path
    assert TEXT.count("$$") % 2 == 0
    for formula in TEXT.replace("$$", "$").split("$")[1::2]:
        assert formula.count("{") == formula.count("}"), formula


@pytest.fixture
def bare_machine(tmp_path, monkeypatch):
    """An empty working folder of a Python without the package; -> (folder, calls of pip)."""
    calls = []
    found = importlib.util.find_spec("json")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    missing = importlib.machinery.ModuleSpec("ncf_numpy", None)  # as of a folder without code
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: missing if name == "ncf_numpy" else found
    )
    monkeypatch.setattr(subprocess, "run", lambda command, check: calls.append(command))
    return tmp_path, calls


def put_archive(path, name):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "")


def test_the_first_cell_says_what_to_do_where_the_package_is_not(bare_machine):
    folder, calls = bare_machine
    put_archive(folder / "other.zip", "other/layers.py")
    with pytest.raises(ModuleNotFoundError, match="upload its .zip, or set SOURCE"):
        exec(CODE[0], {})
    assert calls == []


@pytest.mark.parametrize("name", ["ncf-main.zip", "ncf_numpy-0.1.0-py3-none-any.whl"])
def test_the_first_cell_installs_an_archive_beside_it(bare_machine, name):
    folder, calls = bare_machine
    put_archive(
        folder / name, "ncf_numpy/core/layers.py" if "whl" in name else "r/ncf_numpy/core/layers.py"
    )
    exec(CODE[0], {})
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    assert calls == [[*pip, str(folder / name), "matplotlib"]]


@pytest.mark.parametrize("working_folder", [".", "clone", "clone/examples"])
def test_the_first_cell_uses_a_clone_around_it_or_beside_it(
    bare_machine, monkeypatch, working_folder
):
    folder, calls = bare_machine
    (folder / "clone" / "examples").mkdir(parents=True)
    (folder / "clone" / "ncf_numpy").mkdir()
    (folder / "clone" / "ncf_numpy" / "layers.py").write_text("", encoding="utf-8")
    monkeypatch.chdir(folder / working_folder)
    exec(CODE[0], {})
    assert calls[0][-3:] == ["-e", str(folder / "clone"), "matplotlib"]
    assert sys.path[0] == str(folder / "clone")


def test_the_first_cell_takes_the_source_that_is_named(bare_machine):
    _, calls = bare_machine
    exec(CODE[0].replace('SOURCE = ""', 'SOURCE = "git+https://host.example/r"'), {})
    assert calls[0][-2:] == ["git+https://host.example/r", "matplotlib"]
