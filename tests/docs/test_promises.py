"""What SECURITY and the page on reliability promise: the tests they name, and their figures."""

import re

import pytest
from snippets import ROOT, text_of

from ncf_numpy.datasets import network
from ncf_numpy.datasets.reading import decompression

PAGE = "docs/project/reliability.md"


def named_tests():
    """(file or pattern below tests/, function or ""); `::name` alone is of the file before it."""
    file, found = "", []
    for path, name in re.findall(r"`([\w/*]*(?:test_[\w*]+\.py)?)(?:::(\w+))?`", text_of(PAGE)):
        if path.endswith(".py") or name:
            file = path or file
            found.append((file, name))
    return found


@pytest.mark.parametrize(("file", "name"), named_tests())
def test_a_test_that_a_promise_names_exists(file, name):
    found = [*(ROOT / "tests").glob(file)]
    assert found
    assert not name or f"\ndef {name}(" in found[0].read_text(encoding="utf-8")


def test_every_promise_of_the_tables_names_a_test():
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text_of(PAGE), re.MULTILINE)
    promises = [row for row in rows if not row[0].startswith(("promise", "---"))]
    assert len(promises) > 30
    assert [row for row in promises if not re.search(r"`[^`]*(?:test_|noxfile)", row[1])] == []


@pytest.mark.parametrize(
    ("figure", "of_the_code"),
    [
        (r"more than (\d+) MiB are not read", decompression.LONGEST_LINE / 2**20),
        (r"more\s+than (\d+) times its size", decompression.MOST_PACKED),
        (r"and more than (\d+) MiB, is refused", decompression.ALWAYS_UNPACKED / 2**20),
        (r"less than ([\d,]+) bytes\s+a second", network.SLOWEST),
    ],
)
def test_a_figure_of_security_is_that_of_the_code(figure, of_the_code):
    (found,) = re.findall(figure, text_of("SECURITY.md"))
    assert float(found.replace(",", "")) == of_the_code
