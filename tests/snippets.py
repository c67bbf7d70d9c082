"""The fenced blocks of README and docs, and what a reader would do with each."""

import argparse
import configparser
import doctest
import re
import runpy
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import ncf_numpy
from ncf_numpy.__main__ import build_parser, main

ROOT = Path(ncf_numpy.__file__).parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
)
FENCE = re.compile(r"(?:^<!-- ([^\n]+) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"# ([\w/]+)\.py, ([\w.]+)$")  # the head of a block that quotes
PLACEHOLDERS = {"--bug NAME": "--bug dropped-repeats", "download NAME": "download lastfm-2k"}
ROUNDING = (r"\d\.\de-\d\d", r"error \S+", "✓|ok")  # differ between processors and consoles
# Programs whose options are not ours.
OUTSIDE = {"pytest", "ruff", "mkdocs", "nox", "build", "twine", "pre-commit"}
NETWORK = {"download"}
ENDLESS = {"playground"}  # until Ctrl-C
UNANSWERED = {"exercise", "hunt"}  # nobody is there to fill in a blank, or to guess


class Block(NamedTuple):
    page: str
    mark: str  # of the comment above it, or ""
    language: str
    text: str

    @property
    def kind(self):
        """Which rule is for this block, "" if none is."""
        if self.language == "python":
            if self.text.startswith(">>> "):
                return "example"
            return "quotation" if QUOTED.match(self.text.splitlines()[0]) else "script"
        if self.language == "text" and self.mark.startswith("results: "):
            return "results"
        rules = {"sh": "commands", "text": "output", "csv": "file", "math": "formula"}
        return rules.get(self.language, "")


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page, *kinds):
    found = [Block(page, m[1] or "", m[2], m[3]) for m in FENCE.finditer(text_of(page))]
    return [block for block in found if not kinds or block.kind in kinds]


def prose(page):
    """A page without its blocks."""
    return FENCE.sub("", text_of(page))


def commands(text):
    """["pip install -e .", "pytest"]: the single commands of a block, without their comments."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            yield shlex.join(words[:end])
            words = words[end + 1 :]


def inline_commands(page):
    """Commands in backticks."""
    for span in re.findall(r"`(python [^`]+)`", prose(page)):
        command = " ".join(span.split())
        for placeholder, example in PLACEHOLDERS.items():
            command = command.replace(placeholder, example)
        if re.match(r"python (-m ncf_numpy \w|\w+/)", command):
            yield command


def needs(text):
    """Skip where a block imports what an extra brings and is not here."""
    for package in ("torch", "matplotlib", "jax", "selenium"):
        if re.search(rf"\bimport {package}|from {package}\b", text):
            pytest.importorskip(package, reason=f"the block imports {package}")


def run_examples(page, names):
    text = "\n".join(block.text for block in blocks(page, "example"))
    needs(text)
    test = doctest.DocTestParser().get_doctest(text, names, page, page, 0)
    report = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    result = runner.run(test, out=report.append)
    assert result.failed == 0, "".join(report)
    assert result.attempted == len(test.examples) > 0


def run(command, capsys, monkeypatch):
    """Do what a reader does who types it; what takes minutes or a network is only understood.

    -> what it prints.
    """
    words = shlex.split(command)
    if words[:3] != ["python", "-m", "ncf_numpy"] or "FOLDER/" in command:
        understand(words, monkeypatch)
        return ""
    arguments = build_parser().parse_args(words[3:])
    if arguments.command in NETWORK | ENDLESS:
        return ""
    capsys.readouterr()
    status = main(words[3:])
    out, err = capsys.readouterr()
    is_list = arguments.command == "exercise" and not (arguments.number or arguments.report)
    fails = "--bug" in words or (arguments.command in UNANSWERED and not is_list)
    assert status == fails, f"{command}\n{err}"
    return out


def understand(words, monkeypatch):
    """Whether the program exists and has these options, without running it."""
    if words[0] == "pip":
        return check_pip(words[1:])
    if words[0] in OUTSIDE or words[:2] == ["python", "-m"] and words[2] in OUTSIDE:
        return None
    assert words[0] == "python", f"no rule for {shlex.join(words)}"
    if words[1:3] == ["-m", "ncf_numpy"]:
        return build_parser().parse_args(words[3:])
    words = words[words.index("pdb") + 1 if "pdb" in words else 1 :]
    script = ROOT / words[0]
    if "argparse" not in script.read_text(encoding="utf-8") and len(words) == 1:
        return None
    parse = argparse.ArgumentParser.parse_args

    class Understood(Exception):
        pass

    def parse_and_stop(parser, args=None, namespace=None):
        parse(parser, args, namespace)
        raise Understood

    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_and_stop)
        patch.setattr(sys, "argv", [str(script), *words[1:]])
        patch.syspath_prepend(str(script.parent))
        with pytest.raises(Understood):
            runpy.run_path(str(script), run_name="__main__")


def check_pip(words):
    assert words[0] == "install"
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    for word in words[1:]:
        if word.startswith("."):
            for extra in re.findall(r"[\w-]+", word):
                assert extra in setup["options.extras_require"], f"pip install {word}"


def same(shown, printed):
    """Whether what is shown stands in what was printed, but for the last digits of rounding."""
    for pattern in ROUNDING:
        shown, printed = (re.sub(pattern, "~", text) for text in (shown, printed))
    return shown.strip() in printed


def without_figures(text):
    """What a trained model prints, without its figures, which differ between processors."""
    return re.sub(r"\d[\d,.]*", "0", text)
