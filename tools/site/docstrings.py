"""Docstrings as Markdown. Ours are plain text: formulas, shapes, and lines that end on purpose.

A line that was wrapped because it was full flows on; one that ended early is a line of its own.
Columns stay columns. A name in backticks that the package exports becomes a link.
NumPy's sections (Parameters, Returns, ...) stay as they are: mkdocstrings reads them.
"""

import re

import griffe

WIDTH = 85  # a line that could not take the next word within these columns was full
COLUMNS = re.compile(r"\S {3,}\S")
SECTIONS = re.compile(r"\n\n(?=(?:Parameters|Attributes|Returns|Yields|Raises|Examples)\n-+\n)")
OPENING = re.compile(r"Gradient|Raises|Returns|Source|->|\w+(, \w+)*: ")  # a line of its own


class PlainText(griffe.Extension):
    def on_instance(self, *, obj, **kwargs):
        if obj.docstring:
            depth = 0 if obj.is_module else obj.path.count(".") - obj.module.path.count(".")
            obj.docstring.value = as_markdown(obj.docstring.value, WIDTH - 4 * depth)

    def on_package(self, *, pkg, **kwargs):
        exported = {
            name: member.target_path
            for package in (pkg, pkg["datasets"])
            for name, member in package.members.items()
            if member.is_alias
        }
        for obj in everything(pkg):
            if obj.docstring:
                obj.docstring.value = linked(obj.docstring.value, exported, obj.path)


def everything(obj):
    yield obj
    for member in obj.members.values():
        if not member.is_alias:
            yield from everything(member)


def as_markdown(text, width):
    """Plain text as Markdown that looks like it; width: where its lines were wrapped."""
    prose, *sections = SECTIONS.split(text.strip("\n"))
    paragraphs = [paragraph(part, width) for part in re.split(r"\n{2,}", prose)]
    return "\n\n".join([*paragraphs, *sections])


def paragraph(part, width):
    lines = part.split("\n")
    if part.startswith(">>> "):
        return f"```pycon\n{part}\n```"
    if all(line.startswith("    ") for line in lines):
        return part
    if sum(bool(COLUMNS.search(line)) for line in lines) > 1:
        return "\n".join(f"    {line}" for line in lines)
    return flowing(lines, width)


def flowing(lines, width):
    """Escape, keep the lines that ended early, and set a numbered list off as one."""
    result = ""
    for line, following in zip(lines, [*lines[1:], ""]):
        result += re.sub(r"<(?=\w)", "&lt;", line.strip())
        if re.match(r"\d+\. ", following.strip()):
            result += "\n" if re.match(r"\d+\. ", line.strip()) else "\n\n"
        elif following:
            full = len(line) + 1 + len(following.split(maxsplit=1)[0]) > width
            opens = line.endswith((".", ";")) and OPENING.match(following)
            flows = full and not opens or following.startswith("  ")
            result += "\n" if flows else "  \n"
    return result


def linked(text, exported, own_path):
    def link(match):
        path = exported.get(match[1])
        return f"[{match[0]}][{path}]" if path and path != own_path else match[0]

    lines = text.split("\n")
    return "\n".join(
        line if line.startswith("    ") else re.sub(r"`(\w+)`", link, line) for line in lines
    )
