"""The text a function runs from: the core's files, or what a learner has written."""

import ast
import functools
import linecache
import re

from ..stepper.source import FILES, key_of, names_of, section_of
from .edits import makes_new_array


class Text:
    """The source a function runs from, statement by statement."""

    def __init__(self, path):
        self.lines = [line.rstrip("\n") for line in linecache.getlines(path)]
        known = path in FILES
        self.name = "/".join(path.replace("\\", "/").split("/")[-2:]) if known else path.strip("<>")
        tree = ast.parse("\n".join(self.lines))
        self.statements = {}
        loops = [node for node in ast.walk(tree) if isinstance(node, (ast.For, ast.While))]
        self.loops = {n.lineno for n in loops} - {n.body[0].lineno for n in loops}
        for node in ast.walk(tree):
            if isinstance(node, ast.stmt) and not hasattr(node, "body"):
                for line in range(node.lineno, node.end_lineno + 1):
                    self.statements[line] = node

    def code(self, line):
        node = self.statements.get(line)
        text = key_of(node, self.lines) if node is not None else self.lines[line - 1]
        return text.strip().partition("  #")[0]

    def place(self, line):
        """The first line of the statement; None at a loop's head, whose names are no results."""
        node = self.statements.get(line)
        return None if line in self.loops else node.lineno if node is not None else line

    def makes_new_array(self, line):
        return makes_new_array(self.statements.get(line))

    def joins(self, line):
        """Whether the statement at a line computes what it hands on: backward(concatenate(...))."""
        statement = self.statements.get(line) or ast.Pass()
        calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
        to_layers = [c for c in calls if getattr(c.func, "attr", "") in ("forward", "backward")]
        return any(c.args and c.args[0] in calls and c.args[0] not in to_layers for c in to_layers)

    def section(self, line):
        return section_of(self.lines, line)

    def targets(self, line, first):
        """What the statement at a line gives a value to: "dx", "self.dW", "return"."""
        node = self.statements.get(line)
        if not isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)):
            return []
        return [re.sub(rf"^{first}\.", "self.", name) for name in names_of(node)]


@functools.lru_cache(maxsize=64)
def parsed(path, text):
    return Text(path)


def text_of(path):
    return parsed(path, "".join(linecache.getlines(path)))
