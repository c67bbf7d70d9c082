"""Every line of the core that computes something has a formula, and no formula is left over."""

import ast
import inspect

import pytest

from ncf_numpy.learn.stepper.formulas import FORMULAS
from ncf_numpy.learn.stepper.source import FILES, computing, key_of, names_of

METHODS = {"forward", "backward", "step"}


def core_statements():
    """{"Dense.forward": {statement: names assigned}} as the core's files have them now."""
    found = {}
    for module in FILES.values():
        lines = inspect.getsource(module).splitlines()
        for owner in ast.parse("\n".join(lines)).body:
            for method in owner.body if isinstance(owner, ast.ClassDef) else []:
                if isinstance(method, ast.FunctionDef) and method.name in METHODS:
                    found[f"{owner.name}.{method.name}"] = {
                        key_of(node, lines): names_of(node) for node in computing(method)
                    }
    return found


CORE = core_statements()


def test_the_functions_are_those_of_the_core():
    assert set(FORMULAS) == set(CORE)


@pytest.mark.parametrize("function", CORE)
def test_every_computing_line_has_an_entry_and_every_entry_a_line(function):
    assert set(FORMULAS[function]) == set(CORE[function])


@pytest.mark.parametrize("function", CORE)
def test_a_line_that_assigns_several_names_has_an_entry_for_each(function):
    for statement, names in CORE[function].items():
        formulas = FORMULAS[function][statement]
        if isinstance(formulas, list):
            assert len(formulas) == len(names), statement
        elif formulas is not None:
            assert len(names) == 1, statement
