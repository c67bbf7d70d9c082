"""What several files say about a release: version, Pythons, commands; each has one place."""

import configparser
import re
import tomllib
from pathlib import Path

import pytest

import ncf_numpy

ROOT = Path(ncf_numpy.__file__).parents[1]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture
def setup():
    parser = configparser.ConfigParser()
    parser.read_string(text_of("setup.cfg"))
    return parser


def test_the_newest_entry_of_the_changelog_is_the_version_of_setup_cfg(setup):
    headings = re.findall(r"^## (.+)$", text_of("CHANGELOG.md"), re.MULTILINE)
    released = [heading for heading in headings if heading != "Unreleased"]
    assert headings[-len(released) :] == released  # Unreleased comes first, if at all
    for heading in released:
        assert re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", heading)
    assert released == sorted(released, key=numbers, reverse=True)
    assert released[0].startswith(f"{setup['metadata']['version']} - ")


def numbers(heading):
    return [int(n) for n in heading.split(" ")[0].split(".")]


def test_the_version_is_written_in_no_other_file_that_a_program_reads(setup):
    version = setup["metadata"]["version"]
    files = [*ROOT.glob("ncf_numpy/**/*.py"), *map(ROOT.joinpath, ("setup.py", "CITATION.cff"))]
    assert [path for path in files if f'"{version}"' in text_of(path)] == []
    assert "version:" not in text_of("CITATION.cff").replace("cff-version:", "")


def test_every_file_names_the_same_pythons(setup):
    classifiers = setup["metadata"]["classifiers"]
    pythons = re.findall(r":: (3\.\d+)$", classifiers, re.MULTILINE)
    first, last = pythons[0], pythons[-1]
    assert pythons == [f"3.{n}" for n in range(int(first[2:]), int(last[2:]) + 1)]
    assert setup["options"]["python_requires"] == f">={first}"
    assert "PYTHONS = [" + ", ".join(f'"{each}"' for each in pythons) + "]" in text_of("noxfile.py")
    workflow = text_of(".github/workflows/ci.yml")
    assert re.findall(r"^ +(3\.\d+)$", workflow, re.MULTILINE) == pythons
    assert f'target-version = "py{first.replace(".", "")}"' in text_of("pyproject.toml")
    assert f"Python {first} or newer" in text_of("README.md")
    assert f"Python {first} to {last}" in text_of("SECURITY.md")


def test_the_workflow_calls_what_the_repository_has_and_nothing_else():
    workflow = text_of(".github/workflows/ci.yml")
    assert re.findall(r"\brun: *(.*)", workflow) == ["bash .ci/run", "pipx run nox"]
    used = set(re.findall(r"\buses: *(\S+)@", workflow))
    assert used == {"actions/checkout", "actions/setup-python"}
    systems = re.findall(r"system: \[(.*)\]", workflow)
    assert systems[-1] == "ubuntu-latest, macos-latest, windows-latest"


def test_a_commit_is_checked_by_commands_of_the_ci_run():
    hooks = re.findall(r"entry: (.+) --force-exclude", text_of(".pre-commit-config.yaml"))
    assert hooks == ["ruff check", "ruff format"]
    for hook in hooks:
        assert re.search(rf"^{hook}( --check)? \.$", text_of(".ci/run"), re.MULTILINE)


def test_building_asks_for_the_setuptools_that_the_tests_ask_for(setup):
    (wanted,) = tomllib.loads(text_of("pyproject.toml"))["build-system"]["requires"]
    assert wanted in setup["options.extras_require"]["test"].split("\n")


def test_ci_and_nox_name_tests_that_there_are():
    paths = re.findall(r"\b(?:tests|tools)/[\w/]+(?:\.py)?", text_of(".ci/run"))
    assert len(paths) > 5 and all((ROOT / path).exists() for path in paths)
    lists = re.findall(r"(?:PRODUCTS|SLOW) = \((.*?)\n\)", text_of("noxfile.py"), re.DOTALL)
    names = re.findall(r"\w+", " ".join(lists))
    found = {name: len([*ROOT.glob(f"tests/*/test_{name}.py")]) for name in names}
    assert len(names) > 20 and set(found.values()) == {1}, found
