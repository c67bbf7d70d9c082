"""How a file was written, detected from its beginning; and what to do where that fails."""

from __future__ import annotations

import codecs
import difflib
import io
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from ...core.checks import check_switch
from .converting import another_layout, several_blanks
from .decompression import first_bytes
from .file_kinds import check_is_not_binary, check_is_text, marked_encoding
from .first_lines import is_data, likely_names
from .json_lines import JsonLines, is_json_lines
from .json_shapes import check_no_rows
from .numerals import NUMBER, shown
from .text_files import TextFile

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar", " ": "a blank"}
LOOKED_AT = 20  # records
USERS = re.compile(
    "user|customer|visitor|reviewer|listener|member|사용자|회원|고객|유저", re.IGNORECASE
)
ITEMS = re.compile(
    "item|movie|product|artist|track|song|asin|isbn|book|business|game|anime|stock|place|article|"
    "아이템|상품|제품|노래|곡|가수|영화|책",
    re.IGNORECASE,
)
ANY = re.compile("")
HEADING = re.compile("(user|item|movie|product|customer|artist|u|i)[ _-]?id", re.IGNORECASE)
HEADINGS = [  # of both, one stands in the header
    re.compile(f"({each.pattern})[ _-]?(id|name|no)?", re.IGNORECASE) for each in (USERS, ITEMS)
]
MARK = re.compile(r"\w[\"']?([^\w\s\"'.-]{1,3})[\"']?\w")


def open_table(
    path: str | Path,
    wanted: Sequence[str],
    *,
    columns: Sequence[str] | None = None,
    sep: str | None = None,
    quotes: bool | None = None,
    encoding: str | None = None,
) -> TextFile | JsonLines:
    """A file whose columns include those that are wanted; what is not given is detected.

    columns: the names of a file without a header; if ... is the last, others may follow.
    sep: by default, the first of comma, semicolon, tab, bar and blank that shows the columns.
    quotes: by default, yes where a comma, a semicolon, a bar or a blank separates.
    encoding: by default, what a byte order mark says, else UTF-8.
    Raises ValueError, with what to do, where a wanted column is missing, and for other files.
    """
    columns = None if columns is None else _texts(columns)
    _check_layout(wanted, columns, sep)
    if path.is_dir():
        names = ", ".join(sorted(each.name for each in path.iterdir())[:5]) or "nothing"
        raise ValueError(f"{path} is a folder, which holds {names}: give one file")
    head = first_bytes(path)
    check_no_rows(path, head)
    check_is_text(path, head)
    marked = marked_encoding(head)
    if (encoding or marked) is None:
        check_is_not_binary(path, head)
    encoding = marked if encoding is None else _checked(encoding)
    if is_json_lines(head, encoding or "utf-8-sig"):
        for name, value in (("names", columns), ("sep", sep), ("quotes", quotes)):
            if value is not None:
                raise ValueError(
                    f"{path} holds JSON lines, which have no {name}: leave {name}= out"
                )
        return _checked_keys(JsonLines.sniff(path, encoding or "utf-8-sig"), wanted)
    if quotes is not None:
        check_switch("quotes", quotes)
    given = {"columns": columns, "quotes": quotes, "encoding": encoding or "utf-8-sig"}
    likely = "," if path.name.lower().split(".")[1:2] == ["csv"] else "\t"
    order = sorted(SEPARATORS, key=lambda each: each != likely) if sep is None else [sep]
    attempts = []
    for each in order:
        attempts.append(_attempt(path, each, wanted, **given))
        if _fits(*attempts[-1], wanted):
            file, first = attempts[-1]
            break
    else:
        file, first = max(attempts, key=lambda each: len(each[1]))
        wrong = another_layout(file, columns, sep) or _what_is_wrong(file, first, wanted, sep)
        raise ValueError(wrong)
    if file.sep == " " and "" in file.columns:
        raise ValueError(f"{path}: {several_blanks(path, first)}")
    if columns is not None and (wrong := another_layout(file, columns, sep)):
        raise ValueError(wrong)
    repeated = [name for name in wanted if file.columns.count(name) > 1]
    if repeated:
        raise ValueError(f"{path} has more than one column {repeated[0]!r}: rename one")
    if columns is not None and _is_header(file):
        called = " and ".join(_called(first))
        raise ValueError(
            f"{path}, line 1: {shown(first)} looks like a header, and names= is for a file without "
            f"one; leave names= out, and say what the columns are called: {called}"
        )
    return file


def _checked_keys(file: JsonLines, wanted: Sequence[str]) -> JsonLines:
    missing = ", ".join(repr(name) for name in wanted if name not in file.columns)
    if missing:
        there = shown(file.columns, 500)
        raise ValueError(
            file.another_shape()
            or f"{file.path} has no key {missing}; its JSON lines have {there}"
            f"{renamed(file.columns, wanted)}"
        )
    return file


def _checked(encoding: str) -> str:
    try:
        "user".encode(encoding)  # which also refuses codecs that are not of text
        name = codecs.lookup(encoding).name
    except (LookupError, TypeError, UnicodeError) as error:
        raise ValueError(
            f"encoding={encoding!r} is not known; give one such as 'cp949' or 'latin-1'"
        ) from error
    return "utf-8-sig" if name == "utf-8" else encoding  # the same, with or without a mark


def _attempt(path, sep, wanted, *, columns, quotes, encoding) -> tuple[TextFile, list[str]]:
    """The file as `sep` divides it, and its first record."""
    quoted = sep != "\t" and len(sep) == 1 if quotes is None else quotes
    file = TextFile(path, (), False, sep, quoted, encoding)
    first = file.first_record()
    if first is None:
        raise ValueError(f"{path} is empty, expected the columns {', '.join(wanted)}")
    names = [name.strip(" \t") for name in first] if columns is None else list(columns)
    if ... in names:
        names[-1:] = map("column {}".format, range(len(names), len(first) + 1))
    return replace(file, columns=tuple(names), header=columns is None), first


def _fits(file: TextFile, first: list[str], wanted: Sequence[str]) -> bool:
    return set(wanted) <= set(file.columns) and len(file.columns) == len(first)


def _is_header(file: TextFile) -> bool:
    """Whether the first record of a file that should have no header is one nevertheless."""
    first, *others = (fields for _, _, fields in islice(file.records(), LOOKED_AT))
    names = {name.casefold() for name in file.columns}
    if any(field.strip().casefold() in names or HEADING.fullmatch(field) for field in first):
        return True
    if all(any(map(pattern.fullmatch, first)) for pattern in HEADINGS):
        return True
    if is_data(first) or len(others) < 2:
        return False
    return any(all(map(NUMBER.fullmatch, column)) for column in zip(*others))


def _texts(names) -> tuple:
    """The names of columns, from a list of any kind, or TypeError."""
    is_list = np.iterable(names) and not isinstance(names, (str, dict, set, frozenset))
    listed = tuple(names) if is_list else (None,)
    if not all(isinstance(name, str) or name is ... for name in listed):
        raise TypeError(f"names must be a list such as ('user', 'item'), got {names!r}")
    return tuple(name if name is ... else str(name) for name in listed)


def _check_layout(wanted, columns, sep) -> None:
    """Raise for what cannot be the names of columns, or separate fields."""
    if columns is not None and len(set(columns)) < len(columns):
        raise ValueError(f"names={columns} has one name twice: give each column its own")
    if columns is None and not all(isinstance(name, str) for name in wanted):
        raise TypeError(
            f"the columns of a file are named by texts, got {', '.join(map(repr, wanted))}; names= "
            "names those of a file without a header"
        )
    if sep is not None and not (isinstance(sep, str) and sep and not set(sep) & set('\r\n"')):
        raise ValueError(f"sep must be what stands between fields, such as ';', got {sep!r}")


def _header_below(file: TextFile, wanted: Sequence[str]) -> int:
    """The line, from 2, that looks like the header of a file that begins with others; 0: none."""
    with file.open() as opened, io.TextIOWrapper(opened, file.encoding, "replace") as text:
        for line, content in enumerate(islice(text, 1, LOOKED_AT), start=2):
            for sep in SEPARATORS:
                fields = [field.strip(' \t\r\n"') for field in content.split(sep)]
                is_header = set(wanted) <= set(fields) or all(
                    any(map(pattern.fullmatch, fields)) for pattern in HEADINGS
                )
                if is_header:
                    return line
    return 0


def _unseparated(first: str, sep: str | None) -> str:
    """What to say of a first line that is one field."""
    if sep is not None:
        return f"no sep={sep!r} in its first line, {shown(first)}; leave sep= out"
    mark = MARK.search(first)
    advice = f"pass sep={mark[1]!r}" if mark else "pass sep=, or check that it is a table"
    return f"nothing that separates fields in its first line, {shown(first)}; {advice}"


def _what_is_wrong(file: TextFile, first: list[str], wanted: Sequence[str], sep: str | None) -> str:
    """The sentence for a file that lacks columns: what they are, and the one thing to do."""
    separator = SEPARATORS.get(file.sep, repr(file.sep))
    if len(first) == 1:
        separated = _unseparated(first[0], sep)
    else:
        separated = f"{len(first)}, separated by {separator}: {shown(first, 200)}"
    missing = ", ".join(repr(name) for name in wanted if name not in file.columns)
    if not file.header and len(file.columns) == len(first):
        return f"names={file.columns} has no {missing}{renamed(file.columns, wanted)}"
    if file.sep == " " and "" in first:
        names = None if file.header else file.columns
        return f"{file.path}: {several_blanks(file.path, first, names)}"
    if not file.header:
        return (
            f"{file.path}, line 1: expected {len(file.columns)} fields, names={file.columns}, got "
            f"{separated}"
        )
    start = f"{file.path} has no column {missing}; "
    if line := _header_below(file, wanted):
        above = f"the {line - 1} lines" if line > 2 else "the line"
        return f"{start}its header seems to be line {line}: delete {above} above it"
    if len(first) == 1:
        return f"{start}it has {separated}"
    named = f"ame all {len(first)} columns, in order, such as names={likely_names(first)}"
    if is_data(first):
        widths = {len(fields) for _, _, fields in islice(file.records(), LOOKED_AT)}
        if len(widths | {len(first)}) > 2:
            return f"{start}its lines differ in length: make a file of one user and one item a line"
        return f"{start}its first line is data, {shown(first, 200)}. N{named}"
    advice = renamed(file.columns, wanted)
    if "such as" in advice and not _tell_both(file.columns):
        advice += f"; if its first line is data, n{named}"
    return f"{start}it has {shown(file.columns, 500)}{advice}"


def renamed(columns: Sequence[str], wanted: Sequence[str]) -> str:
    """The advice where wanted columns are missing: how to say what they are called."""
    if "user" in columns and "item" in columns or not {"user", "item"} & set(wanted):
        missing = next(name for name in wanted if name not in columns)
        texts = list(map(str, columns))
        close = difflib.get_close_matches(str(missing), texts, n=1, cutoff=0.5)
        return f". Did you mean {close[0]!r}?" if close else ""
    free = [name for name in columns if name in ("user", "item") or name not in wanted]
    return f". Say what yours are called, such as {', '.join(_called(free))}"


def _tell_both(columns: Sequence[str]) -> bool:
    """Whether these must be a header, by names of both: user_7 and item_7 can be ids."""
    names = [name for name in columns if not re.search(r"\d", name)]
    return all(any(map(pattern.search, names)) for pattern in (USERS, ITEMS))


def _called(columns: Sequence[str]) -> list[str]:
    """["user='userId'", "item='movieId'"]: which of these columns they are likely to be.

    Where no name tells, the first ones: advice that is followed to the letter has to work.
    """
    names = [name.strip(" \t") if isinstance(name, str) else name for name in columns]
    called = {}
    for role, pattern in (("user", USERS), ("item", ITEMS), ("user", ANY), ("item", ANY)):
        left = (name for name in names if name not in called.values())
        likely = [name for name in left if pattern.search(str(name))]
        if likely:
            called.setdefault(role, likely[0])
    examples = {"user": "who", "item": "what"}
    return [f"{role}={called.get(role, example)!r}" for role, example in examples.items()]
