"""How many statements the package has, docstrings left out.

    python tools/count_statements.py [FOLDER]

A module, class or function counts each statement below it once; a docstring is none. Without
FOLDER it is ncf_numpy/, with a line for each room.
"""

import ast
import sys
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "ncf_numpy"


def count(source):
    """The number of statements in a source text."""
    nodes = list(ast.walk(ast.parse(source)))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [
        n for n in nodes if isinstance(n, documented) and ast.get_docstring(n) is not None
    ]
    return sum(isinstance(node, ast.stmt) for node in nodes) - len(docstrings)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PACKAGE
    rooms = Counter()
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder).parts
        rooms[parts[0] if len(parts) > 1 else "."] += count(path.read_text(encoding="utf-8"))
    for room, n in sorted(rooms.items()):
        print(f"{room:<16}{n:>6,}")
    print(f"{'all':<16}{rooms.total():>6,}")


if __name__ == "__main__":
    main()
