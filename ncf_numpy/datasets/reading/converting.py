"""The command that makes a CSV file of a text file in another layout, for the error that needs it.

It is one line of a shell, of which the same stands in the errors of Python: the names of columns
that were given are in it, ids stay texts, and the file itself is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from .file_kinds import by_pandas, in_a_shell, path_of_csv
from .first_lines import is_data, likely_names
from .text_files import TextFile

COMMENT = re.compile(r"[#%]+(\s|$)")
NETFLIX = re.compile(r"\d+:\s*\d+,\d,\d{4}-\d\d-\d\d\s*")
MOST_COMMENTS = 1000  # lines
MARKS = "\t,;|"  # what may separate the fields below comments, else blanks


def another_layout(file: TextFile, names: Sequence[str] | None, sep: str | None) -> str:
    """The error for a file whose first lines are comments or no rows; "" for any other.

    names, sep: what was given.
    """
    with TextFile(file.path, (), False, ",", False, file.encoding).open() as opened:
        lines = [line.decode(file.encoding, "replace") for line in islice(opened, MOST_COMMENTS)]
    if NETFLIX.fullmatch("".join(lines[:2])):
        return _netflix(file.path)
    is_comment = [bool(COMMENT.match(line)) or line.isspace() for line in lines]
    n = [*is_comment, False].index(False)
    return _comments(file.path, n, lines[n:], names, sep) if COMMENT.match(lines[0]) else ""


def _comments(path, n: int, lines: list[str], names, sep: str | None) -> str:
    what = "line is a comment: delete it" if n == 1 else f"{n} lines are comments: delete them"
    if not lines:
        return f"{path}: its first {what}"
    sep = sep or next((mark for mark in MARKS if mark in lines[0]), None)
    fields = [field.strip('"') for field in lines[0].rstrip("\r\n").split(sep)]
    way_out = _by_read_csv(path, sep, fields, names, f", skiprows={n}")
    return f"{path}: its first {what}, or {way_out}"


def several_blanks(path, first: Sequence[str], names: Sequence[str] | None = None) -> str:
    """What to do about fields with several blanks between them; first: those of the first line."""
    way_out = _by_read_csv(path, None, [field for field in first if field], names)
    return f"Several blanks stand between its fields: {way_out}"


def _by_read_csv(path, sep: str | None, fields: list[str], names, options: str = "") -> str:
    """The command; sep: None for blanks.  fields: of the first line, a header or not."""
    given = names is not None
    if not given and is_data(fields):
        names = likely_names(fields)
    if names is not None:
        others = (f"column{place}" for place in range(len(names) + 1, len(fields) + 1))
        options += f", header=None, names={[*names, *others][: len(fields)]}"
    between = r"r'\s+'" if sep is None else repr(sep)
    command = by_pandas(path, "read_csv", f", sep={between}{options}, dtype=str")
    return f"{command}; its first line then is a header, so leave names= out" if given else command


def _netflix(path) -> str:
    code = (
        f"import pandas; t = pandas.read_csv({str(path)!r}, names=['user', 'rating', 'timestamp']);"
        " film = t['user'].where(t['rating'].isna()).ffill().str.rstrip(':'); "
        f"t.assign(item=film).dropna().to_csv({path_of_csv(path)!r}, index=False)"
    )
    return (
        f"{path} is of the Netflix Prize, where a line such as '1:' names the film of the lines "
        f"below it: convert it to CSV, {in_a_shell(code)}"
    )
