"""Everything that README and docs show is run, compared or looked up; nothing can be left out."""

import importlib
import inspect
import io
import re
import runpy
import shlex
import sys

import numpy as np
import pytest
from shapes import SHAPES
from snippets import (
    PAGES,
    QUOTED,
    ROOT,
    blocks,
    commands,
    inline_commands,
    needs,
    prose,
    run,
    run_examples,
    same,
    text_of,
    understand,
    without_figures,
)

RATINGS = "userId,movieId,rating,timestamp\n" + "".join(
    f"{user},{movie},{3 + (user + movie) % 3},{1000 + movie}\n"
    for user in range(1, 6)
    for movie in range(10, 20)
    if (user * movie) % 3
)


def pages_with(*kinds):
    return [page for page in PAGES if blocks(page, *kinds)]


@pytest.fixture
def readers_folder(tmp_path, monkeypatch):
    """The folder of a reader who has the files that the pages speak of, and no terminal."""
    files = {block.mark: block.text for page in PAGES for block in blocks(page, "file")}
    files["file: ratings.csv"] = RATINGS
    files["file: examples/plays.csv"] = text_of("examples/plays.csv")
    (tmp_path / "examples").mkdir()
    for mark, text in files.items():
        (tmp_path / mark.removeprefix("file: ")).write_text(text, encoding="utf-8")
    for name, content in SHAPES.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.delenv("NCF_NUMPY_DATA", raising=False)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_has_a_rule(page):
    fences = re.findall(r"^ *(?:```|~~~)", text_of(page), re.MULTILINE)
    assert fences == ["```"] * 2 * len(blocks(page)), "a fence is indented, or does not close"
    indented = re.search(r"\n\n {4,}(?![ *-]).*", prose(page))
    assert not indented, f"a block without a fence: {indented}"
    for block in blocks(page):
        assert block.kind, f"how is this tested? {block}"
        if block.kind == "file":
            assert re.fullmatch(r"file: \S+", block.mark), f"which file is this? {block.text}"
        if block.kind == "output":
            before = blocks(page)[blocks(page).index(block) - 1]
            assert before.language in ("sh", "python") or block.mark.startswith("output: "), (
                block.text
            )


@pytest.mark.parametrize("page", pages_with("example"))
def test_examples_print_what_the_page_shows(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    with np.printoptions():  # a page may set its own
        run_examples(page, {})


@pytest.mark.parametrize("page", pages_with("quotation"))
def test_quoted_lines_stand_in_the_function_they_are_said_to_be_from(page):
    for block in blocks(page, "quotation"):
        head, *lines = block.text.splitlines()
        owner = importlib.import_module("ncf_numpy." + QUOTED.match(head)[1].replace("/", "."))
        for name in QUOTED.match(head)[2].split("."):
            owner = getattr(owner, name)
        code = [line.strip() for line in inspect.getsource(owner).splitlines()]
        for line in filter(None, map(str.strip, lines)):
            assert line in code, f"{head}: {line}"


@pytest.mark.parametrize("page", pages_with("script", "commands", "output"))
def test_a_reader_who_follows_the_page_gets_there(page, readers_folder, capsys, monkeypatch):
    names, printed, trained = {}, "", False
    for block in blocks(page, "script", "commands", "output"):
        if block.kind == "script":
            needs(block.text)
            capsys.readouterr()
            exec(compile(block.text, page, "exec"), names)
            printed, trained = capsys.readouterr().out, True
        elif block.kind == "output":
            if block.mark:
                command = f"python -m ncf_numpy {block.mark.removeprefix('output: ')}"
                printed, trained = run(command, capsys, monkeypatch), False
            as_shown = without_figures if trained else str
            shown = as_shown(block.text)
            assert same(shown, as_shown(printed)), f"{page} shows\n{shown}\nprinted\n{printed}"
        else:
            for command in commands(block.text):
                printed = run(command, capsys, monkeypatch)
                trained = command.split()[3:4] in (["train"], ["recommend"], ["similar"])


@pytest.mark.parametrize("page", [page for page in PAGES if list(inline_commands(page))])
def test_commands_within_the_text_have_the_options_they_are_shown_with(page, monkeypatch):
    for command in inline_commands(page):
        understand(shlex.split(command), monkeypatch)


def test_the_counting_rows_of_the_readmes_table_are_printed(capsys, monkeypatch):
    (shown,) = (
        b.text
        for b in blocks("docs/explanation/results.md", "results")
        if b.mark == "results: sample"
    )
    for model in ("popularity", "itemknn"):
        script = ROOT / "examples" / "train_lastfm.py"
        arguments = ["--dataset", "sample", "--model", model]
        monkeypatch.setattr(sys, "argv", [str(script), *arguments])
        runpy.run_path(str(script), run_name="__main__")
        printed = [line.split() for line in capsys.readouterr().out.splitlines()]
        for name in (model, "(oracle)"):
            (row,) = (line.split() for line in shown.splitlines() if line.startswith(name))
            assert row in [line[: len(row)] for line in printed], row


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), f"{page}: {target}"
        titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M) if anchor else []
        anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
        assert not anchor or anchor in anchors, f"{page}: {target}"


@pytest.mark.parametrize("marker", ["main command", "test command"])
def test_the_readmes_two_commands_stand_after_their_markers(marker):
    # where .ci/run takes them from
    (block,) = (block for block in blocks("README.md", "commands") if block.mark == marker)
    assert re.fullmatch(r"pip install -e .*? && .*\n", block.text)


def test_the_readmes_snippet_for_own_data_is_five_lines():
    (script,) = blocks("README.md", "script")
    assert len([line for line in script.text.splitlines() if line]) == 5
