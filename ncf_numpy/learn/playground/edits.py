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
import sys
import textwrap

from ...core import layers, losses, models, optimizers, row_gradient

METHODS = ("forward", "backward", "step", "sum")
MODULES = (layers, losses, models, optimizers, row_gradient)
EMPTY = ("zeros", "zeros_like", "empty", "empty_like")
MOST_CHARACTERS = 20_000


def editable():
    """{"Dense.backward": (the class, "backward"), ...}: all that a learner may rewrite."""
    return {
        f"{owner.__name__}.{method}": (owner, method)
        for module in MODULES
        for owner in vars(module).values()
        if inspect.isclass(owner) and owner.__module__ == module.__name__
        for method in METHODS
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


class Edit:
    """A learner's text of one function, compiled.

    Raises EditError, with a line of the text, for what is no Python, what defines no function of
    the name, or what fails before any call.
    """

    def __init__(self, function, text):
        if function not in FUNCTIONS:
            raise EditError(function, None, f"{function!r} is no function that can be edited")
        if len(text) > MOST_CHARACTERS:
            limit = f"the text has {len(text):,} characters; {MOST_CHARACTERS:,} are allowed"
            raise EditError(function, None, limit)
        self.function, self.text = function, text
        self.owner, self.method = FUNCTIONS[function]
        self.filename = filename_of(function)
        self.tree, self.replaced = self._parse(), {}
        lines = text.splitlines(keepends=True)
        linecache.cache[self.filename] = (len(text), None, lines, self.filename)
        self.compiled = self._define(self.tree)

    def _parse(self):
        try:
            tree = ast.parse(self.text, self.filename)
        except (SyntaxError, ValueError, RecursionError) as error:
            line = getattr(error, "lineno", None)
            message = getattr(error, "msg", None) or str(error)
            raise EditError(self.function, line, f"this is no Python: {message}") from None
        names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        if self.method not in names:
            expected = original_text(self.function).partition("\n")[0]
            raise EditError(self.function, 1, f"the text must define `{expected}`")
        return tree

    def _define(self, tree, **more):
        """The function that a syntax tree of the text defines; `more` are names it may use."""
        namespace = {**vars(sys.modules[self.owner.__module__]), **more}
        try:
            exec(compile(tree, self.filename, "exec"), namespace)
        except Exception as error:
            line = line_in(error.__traceback__, self.filename)
            raise EditError(self.function, line, f"{type(error).__name__}: {error}") from None
        return namespace[self.method]

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

        return self._define(tree, __right__=right), values

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


def line_in(traceback, filename, *, first=False):
    """The line of a file that an error passed last on its way here, or first; None if none."""
    lines = []
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == filename:
            lines.append(traceback.tb_lineno)
        traceback = traceback.tb_next
    return lines[0 if first else -1] if lines else None
