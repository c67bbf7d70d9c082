"""The stepper in the terminal: a screen of a trace at a time, in pages as high as the window."""

import shutil
import sys

from ...data.terminal import is_terminal, printable_lines
from .screens import Screens

HELP = "Enter next  b back  f forward  r backward  g check  w weights  q quit"
AROUND = 4  # lines of a page that are not of the screen: two blank, the keys, the one typed into


def run(trace, batch, *, pause=None, stdin=None, stdout=None, height=None):
    """Step through a trace. Where input or output is no terminal, or not pause: print it all.

    height: lines of the window; found out if not given.
    """
    stdin, stdout = stdin or sys.stdin, stdout or sys.stdout
    pause = is_terminal(stdin) and is_terminal(stdout) if pause is None else pause
    screens = Screens(trace, batch, tick=tick_of(getattr(stdout, "encoding", None) or "ascii"))

    def say(text=""):
        print(printable_lines(text), file=stdout)

    say(screens.opening())
    if not pause:
        for number in range(len(screens)):
            say("\n" + screens.screen(number))
        return
    reader = Reader(screens, height)
    while True:
        say()
        try:
            say(f"[{HELP}]")
            key = stdin.readline()
        except KeyboardInterrupt:
            return
        key = key.strip().lower() if key else "q"
        if key == "q":
            return
        answer = reader.press(key)
        say(f"There is no key {key!r} here." if answer is None else answer)


class Reader:
    """Where the reader is: in a trace, and in a screen that is higher than the window."""

    def __init__(self, screens, height=None):
        self.screens, self.height = screens, height
        self.number, self.page = -1, 0
        self.pages = [""]

    def press(self, key):
        """The text that a key leads to, or None for a key that does nothing."""
        if key == "g":
            return self.turn_to(self.screens.check(max(self.number, 0)))
        if key == "w":
            return self.turn_to(self.screens.weights(max(self.number, 0)))
        if key == "" and self.page + 1 < len(self.pages):
            self.page += 1
        elif key == "b" and self.page > 0:
            self.page -= 1
        elif key in MOVES:
            self.number = MOVES[key](self.screens, self.number)
            text = self.screens.screen(self.number)
            if self.number == len(self.screens) - 1:
                text += "\n\nThe step is done: every weight has moved."
            return "\n" + self.turn_to(text)
        else:
            return None
        return "\n" + self.pages[self.page]

    def turn_to(self, text):
        """Cut a text into pages; the first of them."""
        height = self.height or shutil.get_terminal_size().lines
        self.pages, self.page = pages_of(text, max(6, height - AROUND)), 0
        return self.pages[0]


MOVES = {
    "": lambda screens, number: min(number + 1, len(screens) - 1),
    "b": lambda screens, number: max(number - 1, 0),
    "f": lambda screens, number: 0,
    "r": lambda screens, number: screens.first_of("backward"),
}


def pages_of(text, most):
    """A text in pages of at most so many lines, cut where a line is blank if there is one.

    All but the last end by saying what Enter does; all but the first begin with the first line.
    """
    lines = text.split("\n")
    if len(lines) <= most:
        return [text]
    head, pages, rest = lines[0], [], lines
    while len(rest) > most:
        blank = [k for k in range(most // 2, most - 1) if not rest[k].strip()]
        cut = blank[-1] if blank else most - 2
        pages.append("\n".join([*rest[:cut], "", "-- Enter: more of this --"]))
        rest = [head, *rest[cut:]]
    return [*pages, "\n".join(rest)]


def tick_of(encoding):
    """A tick where the console has one."""
    try:
        "\N{CHECK MARK}".encode(encoding)
    except UnicodeEncodeError:
        return "ok"
    return "\N{CHECK MARK}"
