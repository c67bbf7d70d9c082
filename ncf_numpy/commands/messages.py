"""What the library says, in the words of the shell: --min-rating 4 for min_rating=4.

A message of the library names an argument as `sep=` or `k=3`, or opens with it, as in "k must be at
least 1". What is an option of the command is written as that option, whichever message it is.
"""

import re
import shlex

SHELL = {"item_name": "name_column", "validation": "hold_out"}  # called otherwise in the shell
CALLS = {"fold_in": "recommend --has ITEM ..."}
QUOTED = r"(?<!\w)'[^']*'|(?<!\w)\"[^\"]*\""
VALUE = r"\([^)]*\)|'[^']*'|\"[^\"]*\"|[\w.]+"
TUPLE = re.compile(r"\(\d+(?:, \d+)+\)")


def in_options(text, parser):
    """text with the options of parser in the place of the arguments of Python."""
    options = {action.dest: action for action in parser._actions if action.option_strings}
    columns = {n.removesuffix("_column"): a for n, a in options.items() if n.endswith("_column")}
    renamed = {name: options[shell] for name, shell in SHELL.items() if shell in options}
    given = {**options, **columns, **renamed}
    pattern = re.compile(
        rf"{QUOTED}"
        rf"|\b(?P<call>{'|'.join(CALLS)})\([^()]*\)"
        rf"|\b(?P<name>{'|'.join(given)})=(?P<value>{VALUE})?"
        rf"|\A(?P<subject>{'|'.join(options)})(?= (?:must|is|has|needs) )"
    )

    def in_the_shell(match):
        if match["call"]:
            return CALLS[match["call"]]
        if match["name"]:
            return as_option(given[match["name"]], match["value"])
        return as_option(options[match["subject"]]) if match["subject"] else match[0]

    return TUPLE.sub(as_list, pattern.sub(in_the_shell, text))


def as_option(action, value=None):
    """--names a,b, which in Python is names=('a', 'b')."""
    option = max(action.option_strings, key=len)
    if value is None or action.nargs == 0:
        return option
    if value.startswith("("):
        value = ",".join(re.findall(r"'([^']*)'", value))
    if action.choices and "yes" in action.choices:
        value = {"True": "yes", "False": "no"}.get(value, value)
    return f"{option} {shlex.quote(value.strip(chr(39) + chr(34)))}"


def as_list(match):
    """64,32,16, which in Python is (64, 32, 16)."""
    return match[0][1:-1].replace(" ", "")
