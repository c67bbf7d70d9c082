"""python -m ncf_numpy exercise [N]: fill in the blanks of backprop, and be told what is wrong."""

import json
from pathlib import Path

from ..data.terminal import printable, printable_lines, say
from ..data.whole_file import write_whole
from ..learn import exercises
from .outputs import check_outputs


def add_parser(commands):
    last = max(exercises.numbers())
    parser = commands.add_parser(
        "exercise",
        help="write backprop yourself, one file with blanks at a time",
        description=f"Run exercise N, 1 to {last}: say which answer is wrong and why, and give a "
        "hint. Without N, list the exercises and run nothing. The files are in ./exercises; those "
        "that are missing are written there. "
        "Exit status: 0 solved or listed, 1 not yet, 2 usage.",
        epilog="example: python -m ncf_numpy exercise 1",
    )
    parser.add_argument("number", nargs="?", type=int, metavar="N", help=f"1 to {last}")
    parser.add_argument(
        "--hint",
        type=int,
        choices=(1, 2, 3),
        help="show so many hints (default 1); the third is the right value",
    )
    parser.add_argument("--solution", action="store_true", help="print the solution and stop")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("exercises"),
        help="where your exercises are, or are to be",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.json",
        help="run all exercises of the folder, or N alone, and write the results to FILE.json",
    )
    parser.set_defaults(run=run)


def run(arguments):
    names, number = exercises.numbers(), arguments.number
    usage = find_misuse(arguments, names)
    if usage:
        say(usage)
        return 2
    if arguments.solution:
        print(exercises.solved(names[number]), end="")
        return 0
    if arguments.report:
        check_outputs(arguments, arguments.report)
        chosen = names if number is None else {number: names[number]}
        return write_report(arguments.folder, chosen, arguments.report)
    exercises.write(arguments.folder)
    if number is None:
        return show_list(arguments.folder, names)
    return show_verdict(arguments.folder / names[number], number, arguments.hint or 1)


def find_misuse(arguments, names):
    """What is wrong with the options, in words, or None."""
    number, report = arguments.number, arguments.report
    if number is not None and number not in names:
        return f"there are exercises 1 to {max(names)}, got {number}"
    if arguments.solution and number is None:
        return "--solution needs the number of an exercise, as in exercise 3 --solution"
    if arguments.solution and report:
        return "--solution prints a solution and --report writes a file: give one of them"
    if arguments.hint and number is None:
        return "--hint needs the number of an exercise, as in exercise 3 --hint 2"
    if arguments.hint and (arguments.solution or report):
        return "--hint is for running one exercise: leave it out with --solution and --report"
    if report and report.suffix != ".json":
        return f"--report needs a file whose name ends with .json, got {report}"
    return None


def show_list(folder, names):
    """A line per exercise with the number of blanks filled in; no exercise is run."""
    for number, name in names.items():
        total, done = exercises.filled(name, exercises.read(folder / name))
        print(f"{number:>3}  {done:>2} of {total:>2} filled in  {printable(folder / name)}")
    print(
        "\nFill in the blanks `...` of a file. Then run it, and be told what is right and wrong:\n"
        "python -m ncf_numpy exercise 1"
    )
    return 0


def show_verdict(path, number, n_hints):
    print(f"{exercises.title(path.name)}\n{printable(path)}\n")
    verdict = exercises.judge(number, exercises.read(path))
    print(printable_lines(verdict.output.expandtabs()), end="", flush=True)
    if verdict.solved:
        return 0
    say(exercises.report(verdict, n_hints))
    if n_hints < len(verdict.hints):
        say(f"         more: python -m ncf_numpy exercise {number} --hint {n_hints + 1}")
    return 1


def judge_file(number, path):
    """The verdict on a file that may be missing or damaged."""
    try:
        return exercises.judge(number, exercises.read(path))
    except (OSError, ValueError) as error:
        return exercises.Verdict(number, False, [], "the file", fault=f"cannot be read: {error}")


def write_report(folder, names, path):
    """Run the exercises, print a line for each, write the verdicts. 0 if all are solved."""
    results = []
    for number, name in names.items():
        verdict = judge_file(number, folder / name)
        fields = verdict._asdict()
        results.append({name: fields[name] for name in fields if name not in ("hints", "output")})
        print(f"{number:>3}  {'solved' if verdict.solved else 'open  '}  {name}")
    n_solved = sum(result["solved"] for result in results)
    report = {"folder": str(folder), "solved": n_solved, "of": len(results), "exercises": results}
    write_whole(path, (json.dumps(report, indent=2) + "\n").encode())
    print(f"{n_solved} of {len(results)} solved; wrote {printable(path)}")
    return 0 if n_solved == len(results) else 1
