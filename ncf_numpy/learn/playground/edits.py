"""A learner's text in the place of a function of the core, with line numbers of its own.

    edit = Edit("Dense.backward", "def backward(self, dy):\\n    ...")
    with planted([edit]):
        model.backward(dlogits)          # every Dense now runs the learner's backward

The text lives in memory alone: `linecache` has it, so tracebacks, `inspect.getsource` and
`sys.settrace` name its lines. The class gets its own function back at the end.
"""

import ast
import contextlib
import copy
import inspect
import linecache
import re
import sys
import textwrap

from ...core import layers, losses, models, optimizers, row_gradient

METHODS = ("forward", "backward", "step", "sum")
BUILDS = "__init__"  # of a model: what its layers are
MODULES = (layers, losses, models, optimizers, row_gradient)
EMPTY = ("zeros", "zeros_like", "empty", "empty_like")
MOST_CHARACTERS = 20_000
LEARNERS = re.compile(r"<your (.+)>")  # what tracebacks call a learner's text


def editable():
    """{"Dense.backward": (the class, "backward"), ...}: all that a learner may rewrite."""
    return {
        f"{owner.__name__}.{method}": (owner, method)
        for module in MODULES
        for owner in vars(module).values()
        if inspect.isclass(owner) and owner.__module__ == module.__name__
        for method in (*METHODS, *([BUILDS] if module is models else []))
        if method in vars(owner)
    }


FUNCTIONS = editable()
ORIGINALS = {name: getattr(owner, method) for name, (owner, method) in FUNCTIONS.items()}


def original_text(function):
    """The source of "Dense.backward", say, as it stands in the core, without its indentation."""
    return textwrap.dedent(inspect.getsource(ORIGINALS[function]))


def filename_of(function):
    """What tracebacks call a learner's text."""
    return f"<your {function}>"


class EditError(ValueError):
    """A text that cannot be taken; `line` is that of the learner's text, or None."""

    def __init__(self, function, line, message):
        super().__init__(message)
        self.function, self.line = function, line


def parse(place, text):
    """The syntax tree of a learner's text; EditError, with its line, for what is no Python.

    The text becomes known to tracebacks, `inspect` and `sys.settrace`.
    """
    if not isinstance(text, str):
        raise EditError(place, None, f"the text must be text, got {text!r}")
    if len(text) > MOST_CHARACTERS:
        limit = f"the text has {len(text):,} characters; {MOST_CHARACTERS:,} are allowed"
        raise EditError(place, None, limit)
    filename = filename_of(place)
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    try:
        return ast.parse(text, filename)
    except (SyntaxError, ValueError, RecursionError) as error:
        message = getattr(error, "msg", None) or str(error)
        line = getattr(error, "lineno", None)
        raise EditError(place, line, f"this is not Python: {message}") from None


def execute(place, tree, namespace):
    """Run a syntax tree of a learner's text. -> the namespace, with what the text defines."""
    try:
        exec(compile(tree, filename_of(place), "exec"), namespace)
    except Exception as error:
        passed = lines_passed(error.__traceback__)
        line = passed[-1][1] if passed else None
        raise EditError(place, line, f"{type(error).__name__}: {error}") from None
    return namespace


class Edit:
    """A learner's text of one function, compiled.

    names: {name: value} that the text may use beside those of the core's module.
    Raises EditError, with a line of the text, for what is no Python, what defines no function of
    the name, or what fails before any call.
    """

    def __init__(self, function, text, names=()):
        if function not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise EditError(function, None, f"{function!r} cannot be edited; there are {known}")
        self.function, self.place, self.text = function, function, text
        self.owner, self.method = FUNCTIONS[function]
        self.names = {**vars(sys.modules[self.owner.__module__]), **dict(names)}
        self.tree, self.replaced = parse(function, text), {}
        defined = [node.name for node in self.tree.body if isinstance(node, ast.FunctionDef)]
        if self.method not in defined:
            signature = inspect.signature(ORIGINALS[function])
            message = f"the text must define `def {self.method}{signature}:`"
            raise EditError(function, 1, message)
        self.compiled = self.define(self.tree)

    def define(self, tree, **more):
        """The function that a syntax tree of the text defines; `more` are names it may use."""
        return execute(self.place, tree, {**self.names, **more})[self.method]

    def replacing(self, line, name):
        """The function in which, after what stands at `line`, `name` gets another value.

        name: "dx" or "self.dW". -> (function, values): a list to fill before a call, with a value
        for each time the line runs, the last for all further times. None where nothing can be put
        after the line, as after `return`.
        """
        key = line, name
        if key not in self.replaced:
            self.replaced[key] = self._replace(line, name)
        return self.replaced[key]

    def _replace(self, line, name):
        tree, values = ast.parse(self.text), []
        block, place = last_statement(tree, line)
        if block is None or isinstance(block[place], ast.Return):
            return None
        assignment = ast.parse(f"{name} = __right__()").body[0]
        for node in ast.walk(assignment):
            if hasattr(node, "lineno"):
                node.lineno = node.end_lineno = line
        block.insert(place + 1, assignment)

        def right():
            return copy.deepcopy(values.pop(0) if len(values) > 1 else values[0])

        return self.define(tree, __right__=right), values

    def makes_new_array(self, line):
        """Whether the statement at a line only makes an array for later lines to fill."""
        block, place = last_statement(self.tree, line)
        return block is not None and makes_new_array(block[place])


def makes_new_array(statement):
    value = getattr(statement, "value", None)
    return isinstance(value, ast.Call) and getattr(value.func, "attr", "") in EMPTY


def last_statement(tree, line):
    """(the list it stands in, its place there) of the simple statement at a line; or two None."""
    found = None, None
    for node in ast.walk(tree):
        for block in (getattr(node, name, None) for name in ("body", "orelse", "finalbody")):
            if not isinstance(block, list):
                continue
            for place, statement in enumerate(block):
                simple = not hasattr(statement, "body")
                if simple and statement.lineno <= line <= statement.end_lineno:
                    found = block, place
    return found


@contextlib.contextmanager
def planted(edits):
    """While the block runs, the core's classes have the learner's functions."""
    saved = [(edit.owner, edit.method, getattr(edit.owner, edit.method)) for edit in edits]
    try:
        for edit in edits:
            setattr(edit.owner, edit.method, edit.compiled)
        yield
    finally:
        for owner, method, function in saved:
            setattr(owner, method, function)


def lines_passed(traceback):
    """[(the learner's text, its line), ...] that an error passed on its way here."""
    passed = []
    while traceback is not None:
        text = LEARNERS.fullmatch(traceback.tb_frame.f_code.co_filename)
        if text:
            passed.append((text[1], traceback.tb_lineno))
        traceback = traceback.tb_next
    return passed
