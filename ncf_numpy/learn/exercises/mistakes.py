"""Known mistakes, as transformations of the right expression: each is computed, not looked up.

    for sentence, wrong in variants(right, scope): ...      # right, wrong: ast.expr

A rule takes one node of the expression and yields what a learner may have written in its place,
with its description: a transpose forgotten, the sum over the other axis, another sign, the
other half, a factor or a term left out, one variable in the place of another, repeats lost. So a
mistake is recognised whatever the numbers and the names are. Most rules are tables of patterns, in
which a, b, ... are the parts of the node.
"""

import ast

from .expressions import exchange, expression, text, value_of
from .values import axes


def variants(tree, scope, rules=None):
    """(sentence, expression) for one mistake in the tree; scope: {name: value} of the variables."""
    everywhere = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.expr) or isinstance(node, ast.Tuple):
            continue
        for rule in rules or RULES:
            for sentence, new in rule(node, scope):
                yield sentence, exchange(tree, {id(node): new})
                everywhere.setdefault(sentence, {})[id(node)] = new
    for sentence, places in everywhere.items():  # the same mistake wherever it can be made
        if len(places) > 1:
            yield sentence, exchange(tree, places)
    if rules is None:
        yield from swapped_names(tree, scope)


def table(rows, **parts):
    for sentence, pattern in rows:
        yield sentence, expression(pattern, **parts)


def is_operation(node, *operators):
    return isinstance(node, ast.BinOp) and isinstance(node.op, operators)


def terms(node, scope):
    """a + b, a - b."""
    if not is_operation(node, ast.Add, ast.Sub):
        return
    a, b = node.left, node.right
    A, B = text(a), text(b)
    if isinstance(node.op, ast.Add):
        rows = [
            (f"the term `{B}` is missing", "a"),
            (f"the term `{A}` is missing", "b"),
            (f"the sign of `{B}`: it is added, not subtracted", "a - b"),
            (f"the sign of `{A}`: it is added, not subtracted", "b - a"),
        ]
    else:
        rows = [
            (f"the term `{B}` is missing", "a"),
            (f"the term `{A}` is missing", "-b"),
            (f"the sign: it is {text(node)}, not the reverse", "b - a"),
            (f"the sign of `{B}`: it is subtracted, not added", "a + b"),
        ]
    rows.append((f"a product in the place of {text(node)}", "a * b"))
    yield from table(rows, a=a, b=b)
    if isinstance(a, ast.Call) and len(a.args) == 1:  # f(a) + b
        inside = ast.Call(a.func, [ast.BinOp(a.args[0], node.op, b)], [])
        yield f"`{B}` is inside {text(a.func)}: it belongs outside", inside


def factors(node, scope):
    """a * b, a / b."""
    if not is_operation(node, ast.Mult, ast.Div):
        return
    a, b = node.left, node.right
    A, B = text(a), text(b)
    if isinstance(node.op, ast.Mult):
        rows = [
            (f"the factor `{A}` is missing", "b"),
            (f"the factor `{B}` is missing", "a"),
            (f"a sum in the place of the product {text(node)}", "a + b"),
            (f"a division by `{B}` in the place of the product", "a / b"),
            (f"a matrix product in the place of {text(node)}, element by element", "a @ b.T"),
        ]
        yield from table(rows, a=a, b=b)
        return
    turned = "numerator and denominator are exchanged"
    rows = [
        (f"the division by `{B}` is missing", "a"),
        (f"`{A}` is missing over `{B}`", "1 / b"),
        (f"`{B}` multiplies where it divides", "a * b"),
        (turned, "b / a"),
    ]
    yield from table(rows, a=a, b=b)
    if is_operation(a, ast.Mult):
        yield turned, expression("a * c / b", a=a.left, b=a.right, c=b)
    if A == "1" and "np.exp(-" in B:  # 1 / (1 + np.exp(-z))
        for call in ast.walk(b):
            if isinstance(call, ast.Call):
                yield "the sigmoid is missing", call.args[0].operand


def parentheses(node, scope):
    """(a - b) / c, a * b + c."""
    products, sums = (ast.Mult, ast.Div, ast.MatMult), (ast.Add, ast.Sub)
    if not isinstance(node, ast.BinOp):
        return
    left, right = node.left, node.right
    if is_operation(node, *products) and is_operation(left, *sums):
        rest = ast.BinOp(left.right, node.op, right)
        yield f"the parentheses of ({text(left)}) are missing", ast.BinOp(left.left, left.op, rest)
    if is_operation(node, *sums) and is_operation(left, *products):
        rest = ast.BinOp(left.right, node.op, right)
        wrong = f"the parentheses: `{text(right)}` does not belong to `{text(left.right)}`"
        yield wrong, ast.BinOp(left.left, left.op, rest)


def powers(node, scope):
    """a ** n, -a."""
    if is_operation(node, ast.Pow):
        n = text(node.right)
        rows = [
            (f"the power {n} is missing", "a"),
            (f"a product with `{n}` in the place of the power", "a * n"),
            (f"the sign of the exponent: it is {n}", "a ** -n"),
            (f"the exponent is {n}, not {n} - 1", "a ** (n - 1)"),
            (f"the exponent is {n}, not {n} + 1", "a ** (n + 1)"),
        ]
        yield from table(rows, a=node.left, n=node.right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield f"the minus before {text(node.operand)} is missing", node.operand


def matrices(node, scope):
    """a @ b, a.T."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        a = text(node.value)
        rows = [
            (f"`{a}` must be transposed: {text(node)}", "a"),
            (f"reshape keeps the order: `{a}` must be transposed", "a.reshape(a.T.shape)"),
        ]
        yield from table(rows, a=node.value)
    if is_operation(node, ast.MatMult):
        a, b = node.left, node.right
        wrong_axis = "the sum of the products runs over the wrong axis"
        rows = [("the factors of the matrix product are in the wrong order", "b @ a")]
        for factor, pattern in ((text(a), "a.T @ b"), (text(b), "a @ b.T")):
            if not factor.endswith(".T"):
                rows.append((f"`{factor}` is transposed but must not be", pattern))
        if axes(value_of(b, scope)) == 1:
            rows += [
                (f"the sum over the products {text(a)} * {text(b)} is missing", "a * b"),
                (wrong_axis, "(a * b).sum(axis=0)"),
            ]
        else:
            rows += [
                (wrong_axis, "(a[:, :, None] * b).sum(axis=0)"),
                (f"a product element by element in the place of {text(node)}", "a * b"),
            ]
        yield from table(rows, a=a, b=b)


def reductions(node, scope):
    """a.sum(axis=k), np.mean(a)."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    name, a = node.func.attr, node.func.value
    if name not in ("sum", "mean"):
        return
    if text(a) == "np":
        a, *_ = node.args
    axis = next((word.value.value for word in node.keywords if word.arg == "axis"), None)
    over = "" if axis is None else f"axis={axis}"
    other = "mean" if name == "sum" else "sum"
    note = ": nothing is divided by the size of the batch here" if name == "sum" else ""
    rows = [
        (f"the {name} is missing", "a"),
        (f"a {other} in the place of the {name}{note}", f"(a).{other}({over})"),
        (f"the maximum in the place of the {name}", f"(a).max({over})"),
    ]
    for k in {0, 1} - {axis}:
        wanted = "all axes" if axis is None else f"axis {axis}"
        wrong = f"the {name} runs over the wrong axis: over axis {k}, not {wanted}"
        rows.append((wrong, f"(a).{name}(axis={k})"))
    if axis is not None:
        rows.append((f"the {name} runs over all axes, not only over axis {axis}", f"(a).{name}()"))
    yield from table(rows, a=a)


def functions(node, scope):
    """np.f(a), f(ids, dy, n)."""
    if not isinstance(node, ast.Call) or not node.args:
        return
    name, a = text(node.func), node.args[0]
    rows = {
        "np.log": [
            ("np.log10 in the place of np.log", "np.log10(a)"),
            ("np.log2 in the place of np.log", "np.log2(a)"),
        ],
        "np.log1p": [("the logarithm is of 1 + its argument", "np.log(a)")],
        "np.exp": [("the sign in np.exp", "np.exp(-a)")],
        "np.maximum": [
            ("np.minimum in the place of np.maximum", "np.minimum(a, 0)"),
            (f"the sign of `{text(a)}`", "np.maximum(-a, 0)"),
            ("np.max reduces an axis; np.maximum works element by element", "np.max(a, axis=0)"),
        ],
    }
    if name.startswith("np.") and name not in ("np.sum", "np.mean", "np.concatenate"):
        yield from table([*rows.get(name, []), (f"{name} is missing", "a")], a=a)
    ids = value_of(a, scope)
    if len(node.args) == 3 and callable(scope.get(name)) and axes(ids) == 1:
        lost = "equal ids: only the {} gradient of a repeated row is kept"
        rows = [
            ("the gradients of equal ids are not summed", "dy"),
            (lost.format("last"), "last_of(ids, dy, n)"),
            (lost.format("first"), "first_of(ids, dy, n)"),
            ("equal ids: a mean in the place of their sum", "mean_of(ids, dy, n)"),
        ]
        yield from table(rows, **dict(zip(("ids", "dy", "n"), node.args)))


def concatenations(node, scope):
    """np.concatenate([a, b], axis=1)."""
    if not isinstance(node, ast.Call) or text(node.func) != "np.concatenate":
        return
    a, b = node.args[0].elts
    alone = "the concatenation is missing: this is `{}` alone"
    rows = [
        ("the parts of the concatenation are exchanged", "np.concatenate([b, a], axis=1)"),
        ("the wrong axis: side by side is axis=1", "np.concatenate([a, b])"),
        (alone.format(text(a)), "a"),
        (alone.format(text(b)), "b"),
        ("a sum in the place of the concatenation", "a + b"),
    ]
    yield from table(rows, a=a, b=b)


def slices(node, scope):
    """a[ids], a[:, :n], a[:, n:]."""
    if not isinstance(node, ast.Subscript):
        return
    a, last = node.value, node.slice
    yield f"the index of `{text(a)}` is missing", a
    if isinstance(last, ast.Tuple):
        *_, last = last.elts
    if not isinstance(last, ast.Slice) or (last.lower is None) == (last.upper is None):
        return
    this, other = (":n", "n:") if last.lower is None else ("n:", ":n")
    halves, rows_not_columns = "the halves are exchanged", "these are rows: the parts are columns"
    rows = [
        (f"{halves}: this is the other one", f"a[:, {other}]"),
        (rows_not_columns, f"a[{this}]"),
        (rows_not_columns, f"a[{other}]"),
        ("the split is off by one", f"a[:, {this.replace('n', 'n + 1')}]"),
        ("the split is off by one", f"a[:, {this.replace('n', 'n - 1')}]"),
    ]
    yield from table(rows, a=a, n=last.lower or last.upper)


def comparisons(node, scope):
    """a > 0."""
    if not isinstance(node, ast.Compare):
        return
    yield "the comparison is missing: only the sign counts", node.left
    for op in (ast.Lt, ast.GtE):
        if isinstance(node.ops[0], ast.Gt):
            other = ast.Compare(node.left, [op()], node.comparators)
            yield f"the comparison is {text(node)}, not {text(other)}", other


def names(node, scope):
    """Any variable: another one, or none."""
    if not isinstance(node, ast.Name) or axes(scope.get(node.id)) is None:
        return
    name, n_axes = node.id, axes(scope[node.id])
    for other, value in scope.items():
        if other != name and axes(value) is not None:
            yield f"`{other}` stands in the place of `{name}`", ast.Name(other, ast.Load())
    rows = [
        (f"`{name}` has no effect: as if it were all ones", "np.ones_like(a)"),
        (f"the sign of `{name}`", "-a"),
    ]
    if n_axes == 1:
        rows.append((f"`{name}` has an axis too many", "a[:, None]"))
    if n_axes == 2:
        rows.append((f"the rows of `{name}` are in reverse order", "a[::-1]"))
    if n_axes:
        yield from table(rows, a=node)


def swapped_names(tree, scope):
    """Two variables exchanged wherever they stand."""
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    known = sorted({node.id for node in used if axes(scope.get(node.id)) is not None})
    for i, a in enumerate(known):
        for b in known[i + 1 :]:
            other = {a: b, b: a}
            places = {
                id(node): ast.Name(other[node.id], ast.Load()) for node in used if node.id in other
            }
            yield f"`{a}` and `{b}` are exchanged", exchange(tree, places)


RULES = (
    matrices,
    reductions,
    factors,
    terms,
    parentheses,
    powers,
    functions,
    concatenations,
    slices,
    comparisons,
    names,
)
COMMON = (matrices, reductions, factors, terms)  # of which two at once are looked for
