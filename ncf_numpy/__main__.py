"""The command line: python -m ncf_numpy COMMAND. `--help` after any command shows its options."""

import argparse
import io
import os
import signal
import sys
from pathlib import Path

from .commands import (
    download,
    evaluate,
    exercise,
    gradcheck,
    hunt,
    pretrain,
    recommend,
    similar,
    step,
    train,
    version,
)

COMMANDS = (
    train,
    evaluate,
    pretrain,
    recommend,
    similar,
    download,
    gradcheck,
    step,
    exercise,
    hunt,
    version,
)

STATUS = "Exit status: 0 done, 1 error, 2 usage, 130 interrupted (Ctrl-C or SIGTERM)."


def build_parser():
    called = Path(sys.argv[0]).stem
    prog = "ncf-numpy" if called == "ncf-numpy" else "python -m ncf_numpy"
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        epilog=f"{STATUS} example: python -m ncf_numpy train --dataset sample --save model.npz",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    for subparser in commands.choices.values():
        subparser.add_argument("--debug", action="store_true", help="show where an error arose")
    return parser


def main(argv=None):
    """Run one command; -> the exit status. An error is one sentence on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name the console cannot show is no error
            stream.reconfigure(errors="backslashreplace")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as if by Ctrl-C
    try:
        return run(build_parser().parse_args(argv))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)


def run(arguments):
    """What `main` does once the command is understood."""
    empty = [name for name, value in vars(arguments).items() if value == ""]
    if empty:  # as a variable of the shell that is not set leaves it
        print(f"{arguments.command}: {empty[0].replace('_', '-')} is empty", file=sys.stderr)
        return 2
    try:
        status = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the one place where every mistake of a user ends up
        if arguments.debug:
            raise
        print(f"{arguments.command}: {sentence(error)}", file=sys.stderr)
        return 1


def sentence(error):
    """What went wrong, without the quotes of a KeyError and the number of an OSError."""
    if isinstance(error, OSError) and error.strerror is not None:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return " ".join(text.splitlines()) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
