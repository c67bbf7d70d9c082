"""python -m ncf_numpy exercise [N]: fill in the blanks of backprop, and be told which is wrong."""

import sys
from pathlib import Path

from ..learn import exercises


def add_parser(commands):
    parser = commands.add_parser(
        "exercise",
        help="fill in the blanks of backprop, one file at a time",
        description="Run exercise N: its file says which blank is wrong, by how much, and gives a "
        "hint. Without N, show how far you are. The files are in examples/exercises if that folder "
        "is here, else in ./exercises, where they are written first. "
        "Exit status: 0 solved, 1 not yet, 2 usage.",
        epilog="example: python -m ncf_numpy exercise 1",
    )
    parser.add_argument("number", nargs="?", type=int, metavar="N", help="1, 2, 3, ...")
    parser.add_argument("--solution", action="store_true", help="print the solution and stop")
    parser.add_argument("--folder", type=Path, help="where your exercises are, or are to be")
    parser.set_defaults(run=run)


def run(arguments):
    names, number = exercises.numbers(), arguments.number
    if number is None and arguments.solution:
        print("--solution needs the number of an exercise", file=sys.stderr)
        return 2
    if number is not None and number not in names:
        print(f"there are exercises 1 to {max(names)}, got {number}", file=sys.stderr)
        return 2
    if arguments.solution:
        print(exercises.solved(names[number]), end="")
        return 0
    folder = arguments.folder or default_folder()
    exercises.write(folder)
    if number is None:
        return show_progress(folder, names)
    path = folder / names[number]
    print(f"{exercises.title(path.name)}\n{path}\n")
    fault = exercises.run(path)
    if fault:
        print(fault, file=sys.stderr)
    return 1 if fault else 0


def show_progress(folder, names):
    """A line per exercise; 0 if all are solved."""
    faults = {number: exercises.run_silently(folder / name) for number, name in names.items()}
    for number, name in names.items():
        print(f"{'open' if faults[number] else 'done'}  {folder / name}")
    first = next((number for number in names if faults[number]), None)
    if first is None:
        print("\nAll solved.")
        return 0
    print(f"\nNext, exercise {first}:\n{faults[first]}")
    return 1


def default_folder():
    clone = Path("examples", "exercises")
    return clone if clone.is_dir() else Path("exercises")
