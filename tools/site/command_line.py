"""Puts the help of a command where a page says `<!-- help: COMMAND -->`; none may be left out."""

import os
import re

from mkdocs.exceptions import PluginError

from ncf_numpy.__main__ import build_parser

MARK = re.compile(r"^<!-- help: (\w+) -->$", re.MULTILINE)


def on_page_markdown(markdown, page, config, files):
    named = MARK.findall(markdown)
    if not named:
        return markdown
    os.environ["COLUMNS"] = "88"  # argparse wraps there
    parsers = next(a.choices for a in build_parser()._actions if isinstance(a.choices, dict))
    if set(named) != set(parsers):
        raise PluginError(f"{page.file.src_uri}: help of {set(named) ^ set(parsers)}")
    return MARK.sub(lambda m: f"```text\n{parsers[m[1]].format_help()}```", markdown)
