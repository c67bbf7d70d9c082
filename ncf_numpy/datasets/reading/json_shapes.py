"""JSON that has no object a line, and the command that makes a CSV file of it."""

from __future__ import annotations

import json
import re

from .decompression import open_bounded
from .file_kinds import in_a_shell, path_of_csv

LONGEST = 2**26  # bytes of a file that is looked at as a whole
ROWS = re.compile(rb"\s*\[\s*(\[[^\[\]{}]*\])")
ROW_A_LINE = re.compile(rb"\s*(\[[^\[\]{}\n]*\])\s*\n\s*\[")
LOAD, LINES, ONE_BY_ONE = (
    "json.loads({text})",
    r"[json.loads(line) for line in {text}.strip().split('\n')]",
    r"json.loads('[' + re.sub(r'}}\s*{{', '}},{{', {text}) + ']')",
)


def check_no_rows(path, head: bytes) -> None:
    """Raise ValueError, with the way out, for lists in the place of objects."""
    for pattern, kind, reading in (
        (ROWS, "a JSON array of lists", LOAD),
        (ROW_A_LINE, "JSON with a list a line", LINES),
    ):
        if match := pattern.match(head):
            width = match[1].count(b",") + 1
            names = ["user", "item", *(f"column{place}" for place in range(3, width + 1))]
            raise ValueError(f"{path} is {kind}: {_to_csv(path, reading, f'x, columns={names}')}")


def way_out(path, encoding: str) -> str:
    """What a whole file of JSON is, and the command for it; "" for what is no JSON."""
    with open_bounded(path, None) as file:
        text = file.read(LONGEST + 1).decode(encoding, "replace").strip()
    try:
        found, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return ""
    if text[end:].lstrip()[:1] == "{":
        kind, reading, table = "objects over several lines", ONE_BY_ONE, "x"
    elif table := table_of(found):
        kind, reading = "one object", LOAD
    else:
        kind, reading, table = "an object over several lines", ONE_BY_ONE, "x"
    return f"{path} is JSON of {kind}: {_to_csv(path, reading, table, encoding)}"


def table_of(found: dict) -> str:
    """The arguments of pandas.DataFrame for an object x that holds a whole table, or ""."""
    values = list(found.values())
    records = [key for key, each in found.items() if isinstance(each, list) and _are_dicts(each)]
    if {"columns", "data"} <= set(found):
        return "x['data'], columns=x['columns']"
    if records:
        return f"x[{records[0]!r}]"
    if values and _are_dicts(values):
        return "x.values()" if all(map(str.isdigit, found)) else "x"
    if len(values) < 2 or not all(isinstance(each, list) for each in values):
        return ""
    if len(set(map(len, values))) == 1:
        return "x"
    return "[(u, i) for u, items in x.items() for i in items], columns=['user', 'item']"


def _are_dicts(values: list) -> bool:
    return bool(values) and all(isinstance(each, dict) for each in values)


def _to_csv(path, reading: str, table: str, encoding: str = "utf-8-sig") -> str:
    found = reading.format(text=f"pathlib.Path({str(path)!r}).read_text({encoding!r})")
    line = f"import json, pathlib, re, pandas; x = {found}; pandas.DataFrame({table})"
    return f"convert it to CSV, {in_a_shell(f'{line}.to_csv({path_of_csv(path)!r}, index=False)')}"
