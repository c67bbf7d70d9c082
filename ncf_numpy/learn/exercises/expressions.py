"""Python expressions as trees: build them from patterns, exchange parts, evaluate them."""

import ast
import copy

import numpy as np

from .script import substitute


def text(node):
    return ast.unparse(node)


def expression(pattern, **parts):
    """An expression from a pattern, such as "np.sqrt(a) + b", and its parts, a=..., b=....

    The parts are copied: a node must not stand twice in one tree.
    """
    return substitute(
        ast.parse(pattern, mode="eval").body,
        lambda node: (
            copy.deepcopy(parts[node.id])
            if isinstance(node, ast.Name) and node.id in parts
            else None
        ),
    )


def exchange(tree, places):
    """The tree with other nodes in some places: {id(node): new}."""
    return substitute(tree, lambda node: places.get(id(node)))


def evaluate(node, scope):
    """The value of an expression; raises what it raises."""
    code = compile(ast.fix_missing_locations(ast.Expression(node)), "<answer>", "eval")
    return eval(code, {"np": np, **HELPERS, **scope})


def value_of(node, scope):
    """The value of an expression, or None if it has none."""
    try:
        return evaluate(node, scope)
    except Exception:
        return None


# What becomes of the gradients of equal ids if they are not summed


def last_of(ids, dy, n_rows):
    """What `dW[ids] += dy` makes of a gradient: of equal ids only the last counts."""
    dW = np.zeros((n_rows, dy.shape[1]))
    dW[ids] = dy
    return dW


def first_of(ids, dy, n_rows):
    return last_of(ids[::-1], dy[::-1], n_rows)


def mean_of(ids, dy, n_rows):
    sums = np.zeros((n_rows, dy.shape[1]))
    np.add.at(sums, ids, dy)
    return sums / np.maximum(np.bincount(ids, minlength=n_rows), 1)[:, None]


HELPERS = {"last_of": last_of, "first_of": first_of, "mean_of": mean_of}  # known in `# mistake:`
