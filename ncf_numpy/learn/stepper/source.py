"""The core's source, read as text: which line computes what, and under which formula."""

from __future__ import annotations

import ast
import functools
import inspect
from pathlib import Path

from ...core import layers, losses, models, optimizers
from .formulas import FORMULAS

FILES = {inspect.getsourcefile(module): module for module in (layers, losses, models, optimizers)}


class Statement:
    """One line of the core that has a formula: where it stands and what it assigns."""

    def __init__(self, function, node, lines):
        self.first, self.last = node.lineno, node.end_lineno
        self.code = "\n".join(lines[self.first - 1 : self.last]).strip().partition("  #")[0]
        self.section = section_of(lines, self.first)
        formulas = FORMULAS[function].get(key_of(node, lines))
        self.formulas = formulas if isinstance(formulas, list) else [formulas]
        self.names = names_of(node)


@functools.cache
def statements(path, function):
    """line -> Statement, for the lines of "Dense.backward", say, that have a formula."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    found = {node.lineno: Statement(function, node, lines) for node in nodes(lines, function)}
    return {line: statement for line, statement in found.items() if any(statement.formulas)}


@functools.cache
def keys(path, function):
    """line -> the statement that stands there, as FORMULAS has it; for all that compute."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return {node.lineno: key_of(node, lines) for node in nodes(lines, function)}


def nodes(lines, function):
    """The computing statements of a method, as syntax."""
    class_name, name = function.split(".")
    return [
        node
        for owner in ast.parse("\n".join(lines)).body
        if isinstance(owner, ast.ClassDef) and owner.name == class_name
        for method in owner.body
        if isinstance(method, ast.FunctionDef) and method.name == name
        for node in computing(method)
    ]


def computing(method):
    """The statements that compute: assignments, returned expressions, calls on expressions.

    A name or a text that is returned, or passed on, is not computed.
    """
    kinds = (ast.Assign, ast.AugAssign, ast.Return, ast.Expr)
    nodes = [node for node in ast.walk(method) if isinstance(node, kinds)]
    names = (ast.Name, ast.Attribute)
    return [
        node
        for node in nodes
        if not isinstance(node.value, ast.JoinedStr)
        and not (isinstance(node, ast.Return) and isinstance(node.value, names))
        and not (isinstance(node, ast.Expr) and not computes_arguments(node.value))
    ]


def computes_arguments(node):
    """Whether it is a call with an argument that is itself a call."""
    return isinstance(node, ast.Call) and any(isinstance(a, ast.Call) for a in node.args)


def key_of(node, lines):
    """A statement as it stands in FORMULAS: its source without what follows."""
    return ast.get_source_segment("\n".join(lines), node)


def names_of(node):
    if isinstance(node, (ast.Return, ast.Expr)):
        return ["return"]
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    return [ast.unparse(part) for part in parts]


def section_of(lines, number):
    """The comment that heads this part of a model's method, to the colon: "GMF branch, eq. 8"."""
    for line in reversed(lines[: number - 1]):
        text = line.strip()
        if text.startswith("# "):
            return text[2:].partition(":")[0].replace("equation", "eq.")
        if text.startswith("def "):
            return ""
    return ""


def function_of(frame):
    """ "Dense.forward", also of an object whose class has inherited it."""
    method, owner = frame.f_code.co_name, frame.f_locals.get("self")
    has_it = (cls for cls in type(owner).__mro__ if method in vars(cls))
    return f"{next(has_it, type(owner)).__name__}.{method}"


def phase_of(function):
    owner, _, method = function.partition(".")
    if method == "forward":
        return "loss" if hasattr(losses, owner) else "forward"
    return "backward" if method == "backward" else "update"
