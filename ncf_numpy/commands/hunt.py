"""python -m ncf_numpy hunt [N]: a bug is planted in the core; find its line from the symptoms."""

import shutil
import sys
import textwrap

import numpy as np

from ..data.terminal import is_terminal, printable_lines
from ..learn import hunt
from ..learn.bugs import BUGS
from ..learn.stepper.terminal import pages_of

AROUND = 2  # lines below a page: a blank one, and the question
PROMPT = "Which line? FILE:LINE, or l list the code as it runs, h next hint, q give up: "


def add_parser(commands):
    parser = commands.add_parser(
        "hunt",
        help="find a planted bug from its loss curve and gradient check",
        description=f"Plant one of {len(BUGS)} bugs, show its symptoms in NeuMF, and let you name "
        "the line; three hints help. Without N one is drawn at random. "
        "Exit status: 0 found, 1 given up or left, 2 usage.",
        epilog="example: python -m ncf_numpy hunt 2",
    )
    parser.add_argument("number", nargs="?", type=int, metavar="N", help=f"1 to {len(BUGS)}")
    parser.set_defaults(run=run)


def run(arguments):
    number = arguments.number
    if number is None:
        number = int(np.random.default_rng().integers(1, len(BUGS) + 1))
    if not 1 <= number <= len(BUGS):
        print(f"there are hunts 1 to {len(BUGS)}, got {number}", file=sys.stderr)
        return 2
    bug = list(BUGS.values())[number - 1]
    try:
        show(f"Hunt {number} of {len(BUGS)}: one line of the core is wrong.\n\n{symptoms(bug)}\n")
        found = ask(bug)
    except EOFError:
        found = None
    print()
    if found is None:
        print(f"Left before it was found. Take it up again: python -m ncf_numpy hunt {number}")
        return 1
    for paragraph in hunt.explain(bug).splitlines():
        print("\n".join(textwrap.wrap(paragraph, 80)) if paragraph[:1] != " " else paragraph)
    return 0 if found else 1


def show(text):
    """Print a text; in a terminal, where it is higher than the window, a page at a time."""
    in_pages = is_terminal(sys.stdin) and is_terminal(sys.stdout)
    height = max(6, shutil.get_terminal_size().lines - AROUND)
    first, *others = pages_of(text, height) if in_pages else [text]
    print(first)
    for page in others:
        input()
        print(page)


def symptoms(bug):
    """The loss curve beside the right one, and the gradient check, as text."""
    right, wrong, table, sentences = hunt.symptoms(bug)
    lines = ["Loss of NeuMF with SGD, three tastes, 24 users x 24 items:", ""]
    lines.append(f"{'step':>6}  {'right':<34}  with the bug")
    for point, (a, b) in enumerate(zip(right, wrong), start=1):
        lines.append(f"{point * hunt.STEPS_A_POINT:>6}  {bar(a):<34}  {bar(b)}".rstrip())
    lines += ["", "Gradient check, a batch of six:", ""]
    table = table.assign(shape=table["shape"].astype(str))
    named = {sentence.replace(":", "[").split("[")[0] for sentence in sentences}
    table["verdict"] = ["WRONG" if name in named else "right" for name in table["array"]]
    lines += [table.to_string(index=False, formatters={"rel_error": "{:.1e}".format}), ""]
    lines += [textwrap.fill(sentence, 80, subsequent_indent="    ") for sentence in sentences]
    return "\n".join(lines)


def bar(value, longest=1.0, width=26):
    """A loss as a number and a bar; a loss that has overflowed as a word."""
    if not np.isfinite(value):
        return "  overflow"
    return f"{value:7.3f} {'#' * round(width * min(value, longest) / longest)}"


def ask(bug):
    """Ask until the line is found, True, or given up, False. EOFError where the input ends."""
    hints = iter(enumerate(hunt.hints(bug), start=1))
    while True:
        text = input(PROMPT).strip()
        if text in ("q", "quit"):
            return False
        if text in ("l", "list"):
            show(f"The code as it runs:\n\n{hunt.code_as_it_runs(bug)}")
        elif text in ("h", "hint"):
            number, hint = next(hints, (0, "There are no more hints; q shows the line."))
            print(textwrap.fill(f"Hint {number} of 3: {hint}" if number else hint, 80))
        else:
            try:
                found, answer = hunt.judge(bug, hunt.parse_place(text))
            except ValueError as error:
                found, answer = False, str(error)
            print(printable_lines(answer))
            if found:
                return True
