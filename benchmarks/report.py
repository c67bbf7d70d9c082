"""Write the tables of the docs from the CSVs of the benchmarks.

    python benchmarks/report.py

Those of docs/explanation/performance.md, and the targets in docs/project/checks.md. A table stands
between the lines <!-- table NAME --> and <!-- end -->; nothing stands there while its CSV is
missing.
"""

import argparse
import re
from pathlib import Path

import machine
import pandas as pd
import targets

DOCS = machine.RESULTS.parents[1] / "docs"
DOCUMENTS = DOCS / "explanation" / "performance.md", DOCS / "project" / "checks.md"
BLOCK = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def read(folder, name):
    """The results of one benchmark, or None."""
    path = folder / f"{name}.csv"
    return pd.read_csv(path, encoding="utf-8") if path.is_file() else None


def markdown(table):
    """A DataFrame as a Markdown table: three significant digits, thousands set apart."""
    ruler = ["---:" if table[name].dtype.kind in "if" else "---" for name in table]
    columns = [[cell(value) for value in table[name].tolist()] for name in table]
    lines = [list(table), ruler, *zip(*columns)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value):
    """One value as text; a missing one is empty.

    >>> [cell(x) for x in (0.01234, 5.0, 12.34, 1234.5, 1000000, float("nan"), "ours")]
    ['0.0123', '5.00', '12.3', '1,234', '1,000,000', '', 'ours']
    """
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    if pd.isna(value):
        return ""
    places = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{places + (0 < abs(value) < 0.1)}f}"


def results_table(folder, name):
    """All columns of a benchmark's CSV, under a line that says where it was measured."""
    results = read(folder, name)
    if results is None:
        return ""
    machines = " / ".join(results.pop("machine").unique())
    return f"Measured {machines}.\n\n{markdown(results)}\n"


def targets_table(folder):
    """Every target whose CSV exists: what was aimed at, what was measured, met or missed."""
    rows = []
    for name, check in targets.ALL.items():
        results = read(folder, name)
        rows += [] if results is None else check(results)
    if not rows:
        return ""
    table = pd.DataFrame(rows, columns=["target", "measured", "met"])
    table["met"] = ["yes" if met else "no" for met in table["met"]]
    return f"{markdown(table)}\n"


def fill(text, folder):
    """The document's text with every table written anew."""

    def block(match):
        start, name, end = match.groups()
        table = targets_table(folder) if name == "targets" else results_table(folder, name)
        return start + table + end

    return BLOCK.sub(block, text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--results", type=Path, default=machine.RESULTS, metavar="DIR")
    parser.add_argument("--documents", type=Path, nargs="+", default=DOCUMENTS, metavar="FILE")
    arguments = parser.parse_args()
    for document in arguments.documents:
        text = fill(document.read_text(encoding="utf-8"), arguments.results)
        document.write_text(text, encoding="utf-8")
    print(targets_table(arguments.results))


if __name__ == "__main__":
    main()
