"""The command line: python -m ncf_numpy COMMAND. `--help` after any command shows its options."""

import argparse
import contextlib
import io
import os
import signal
import sys
import threading
import traceback
from pathlib import Path

import numpy as np

from .commands import (
    download,
    evaluate,
    exercise,
    gradcheck,
    hunt,
    playground,
    pretrain,
    recommend,
    similar,
    step,
    train,
    vectors,
    version,
)
from .commands.messages import in_options
from .data.terminal import printable, say, standard_streams
from .learn.exercises import numbers

COMMANDS = (
    step,
    exercise,
    hunt,
    playground,
    gradcheck,
    train,
    recommend,
    similar,
    vectors,
    evaluate,
    pretrain,
    download,
    version,
)

GUIDE = """\
Learn how backpropagation works:
  {prog} step        see every number of one training step
  {prog} exercise    write the gradients yourself, in {exercises} exercises
  {prog} hunt        find a planted bug from its symptoms
  {prog} playground  rewrite backward in the browser and see the first wrong line
  {prog} gradcheck   compare every gradient with finite differences

Recommend from your own data, a CSV with one row per user and item:
  {prog} train --data plays.csv --user-column USER --item-column ITEM --save model.npz
  {prog} recommend model.npz --user NAME

All commands: {prog} --help. The options of one: {prog} COMMAND --help"""

STATUS = "Exit status: 0 done, 1 error, 2 usage, 130 interrupted (Ctrl-C, SIGTERM, SIGHUP)."


class Once(argparse.Action):
    """Stores what is given, once: of an option given twice the first value would be unused."""

    given = False

    def __call__(self, parser, namespace, values, option_string=None):
        if self.given:
            several = f": name all after one {option_string}" if self.nargs == "+" else ""
            raise argparse.ArgumentError(self, f"given twice{several}")
        self.given = True
        setattr(namespace, self.dest, values)


class Parser(argparse.ArgumentParser):
    """One that takes ids such as -b_6Z, and whose errors show what a terminal would obey."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.register("action", None, Once)

    def parse_known_args(self, args=None, namespace=None):
        words = sys.argv[1:] if args is None else args
        return super().parse_known_args(self._tied(words), namespace)

    def _tied(self, words):
        """words; a value that begins with "-" and is not an option is tied to its option by "="."""
        tied, option, several = [], None, False
        for word in words:
            action = self._option_string_actions.get(word)
            if action is not None or word == "--" or self._begins_option(word):
                option = word if action is not None and action.nargs != 0 else None
                several = False
            elif option is not None and (several or self._takes(option, word)):
                if tied[-1] == option:
                    tied.pop()
                word = f"{option}={word}"
                several = self._option_string_actions[option].nargs == "+"
                option = option if several else None
            elif option is not None and self._option_string_actions[option].nargs != "+":
                option = None  # word is its one value
            tied.append(word)
        return tied

    def _takes(self, option, word):
        """Whether word, which is not an option, can be the value of option though it has a "-"."""
        action = self._option_string_actions[option]
        is_text = action.type is None and action.choices is None
        return word.startswith("-") and (is_text or not word.startswith("--"))

    def _begins_option(self, word):
        """Whether word is an option with its value, --k=3, or the beginning of one, --see."""
        name = word.split("=")[0]
        options = self._option_string_actions
        return len(name) > 2 and any(option.startswith(name) for option in options)

    def error(self, message):
        super().error(printable(message))


def build_parser():
    called = Path(sys.argv[0]).stem
    prog = "ncf-numpy" if called == "ncf-numpy" else "python -m ncf_numpy"
    parser = Parser(
        prog=prog,
        description=__doc__,
        epilog=f"{STATUS} example: python -m ncf_numpy step",
    )
    parser.set_defaults(run=show_guide, prog=prog, debug=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    for subparser in commands.choices.values():
        subparser.add_argument("--debug", action="store_true", help="show where an error arose")
        subparser.set_defaults(parser=subparser)
    return parser


def show_guide(arguments):
    """Without a command: what there is to do, learning first."""
    print(GUIDE.format(prog=arguments.prog, exercises=len(numbers())))
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run one command; -> the exit status. An error is one line on stderr."""
    with standard_streams(), ended_like_ctrl_c(), np.errstate(over="ignore", invalid="ignore"):
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a name the console cannot show is no error
                stream.reconfigure(errors="backslashreplace")
        try:
            return run(build_parser().parse_args(argv))
        except KeyboardInterrupt:
            say("interrupted")
            return 130
        finally:
            for stream in (sys.stdout, sys.stderr):
                give_up_unwritten(stream)


@contextlib.contextmanager
def ended_like_ctrl_c():
    """SIGTERM, and SIGHUP of a terminal that is closed, end a command as Ctrl-C does.

    One that is ignored, as SIGHUP is under nohup, stays ignored.
    """
    numbers = {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}
    if threading.current_thread() is not threading.main_thread():  # no other receives signals
        numbers = set()
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: then for number, then in before.items() if then != signal.SIG_IGN}
    try:
        for number in before:
            signal.signal(number, interrupt_once)
        yield
    finally:
        for number, then in before.items():
            signal.signal(number, then)


def interrupt_once(number, frame):
    """As Ctrl-C, the first time: another must not stop the saving that this one begins.

    A shell passes on the SIGHUP that the terminal has sent already; `timeout` sends SIGTERM twice.
    """
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def run(arguments):
    """What `main` does once the command is understood."""
    empty = [name for name, value in vars(arguments).items() if value == ""]
    if empty:  # as a variable of the shell that is not set leaves it
        given = {each.dest: each for each in arguments.parser._actions}[empty[0]]
        say(f"{arguments.command}: {max(given.option_strings, default=given.metavar)} is empty")
        return 2
    try:
        status = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader, such as `head`, has had enough
        return 0
    except Exception as error:  # the one place where every mistake of a user ends up
        if arguments.debug:
            sys.excepthook = lambda *raised: say("".join(traceback.format_exception(*raised)))
            raise
        say(f"{arguments.command}: {in_options(one_line(error), arguments.parser)}")
        return 1


def give_up_unwritten(stream):
    """What a full disk or a reader who has left did not take: Python would try again at its end."""
    try:
        stream.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def one_line(error):
    """What went wrong, without the quotes of a KeyError and the number of an OSError."""
    if isinstance(error, OSError) and error.strerror is not None:
        path = f"{printable(error.filename)}: " if error.filename else ""
        return path + error.strerror
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if isinstance(error, MemoryError) and type(error) is not MemoryError:  # NumPy's
        text += ": ask for less, such as fewer --factors or --negatives"
    return " ".join(text.strip("\n").split("\n")) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
