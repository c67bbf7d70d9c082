"""The tool that counts the statements of the package."""

import importlib.util
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "count_statements.py"
spec = importlib.util.spec_from_file_location("count_statements", TOOL)
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)


def test_statements_are_counted_without_docstrings():
    body = '    """A function."""\n    if a:\n        a = 1; b = 2\n    return a\n'
    source = f'"""A module."""\nimport os\n\ndef f(a):\n{body}'
    # import; def; if; two assignments; return
    assert tool.count(source) == 6
    assert tool.count('"""Only this."""\n') == 0
    assert tool.count('x = "no docstring"\n"a text in the middle"\n') == 2
