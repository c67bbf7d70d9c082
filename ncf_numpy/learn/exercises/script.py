"""The reference: a learner's script with the solution's lines in the place of the answers.

It has the learner's data and names, so that an answer is judged right for other numbers and after
a renaming, and no right value stands in the script. `merge` lays the two scripts side by side:
a line of the solution that is given is found again in the learner's script by its form; what the
learner's script has besides belongs to the answer that stands there.
"""

import ast
import re
from typing import NamedTuple

import numpy as np

MARK = "__answer_begins__"  # called with the number of an answer, before it


class Blank(NamedTuple):
    """An answer: the solution's line and notes, in the learner's names, and the learner's lines."""

    target: str  # the name it is given to
    right: ast.expr
    hints: list
    mistakes: list  # (ast.expr, sentence)
    own: list  # statements


class Merged(NamedTuple):
    reference: ast.Module  # the learner's script with the solution's answers
    watched: ast.Module  # the learner's script; both call MARK before each answer
    blanks: list


def merge(solution, notes, source):
    """solution, source: texts; notes: {line: Notes} of the solution -> Merged."""
    ours, theirs = ast.parse(solution).body, ast.parse(source).body
    labels = {label_of(line) for tree in ours for line in ast.walk(tree)} - {None}
    first = Merger(notes, labels, {})
    first.merge(ours, theirs)  # only after this pass are all names known
    merger = Merger(notes, labels, {old: new for old, new in first.seen.items() if old != new})
    reference, watched = (ast.Module(body, []) for body in merger.merge(ours, theirs))
    blanks = [merger.blank(*answer) for answer in merger.answers]
    return Merged(ast.fix_missing_locations(reference), ast.fix_missing_locations(watched), blanks)


class Merger:
    def __init__(self, notes, labels, names):
        self.notes = notes
        self.labels = labels  # of the solution's checks
        self.names = names  # the solution's name -> the learner's, where they differ
        self.seen = {}  # the same, for all names, as found on the way
        self.answers = []  # (the solution's line, the learner's lines)

    def blank(self, line, own):
        note = self.notes[line.lineno]
        mistakes = [
            (rename(ast.parse(text, mode="eval").body, self.names), in_words(why, self.names))
            for text, why in note.mistakes
        ]
        hints = [in_words(hint, self.names) for hint in note.hints]
        target, right = (rename(part, self.names) for part in (line.targets[0], line.value))
        return Blank(ast.unparse(target), right, hints, mistakes, own)

    def merge(self, ours, theirs):
        """Two lists of statements -> those of the reference, and the learner's with marks."""
        reference, watched, after = [], [], 0
        for statement in ours:
            if statement.lineno in self.notes:
                mark = ast.parse(f"{MARK}({len(self.answers)})").body[0]
                self.answers.append((statement, []))
                reference += [mark, rename(statement, self.names)]
                watched.append(mark)
                continue
            at = next(
                (i for i in range(after, len(theirs)) if self.alike(statement, theirs[i])), None
            )
            if at is None:  # the learner has changed or deleted a given line
                reference.append(rename(statement, self.names))
                continue
            if watched and is_mark(watched[-1]):
                self.answers[-1][1].extend(theirs[after:at])
            watched += theirs[after:at]
            counterpart, after = theirs[at], at + 1
            self.compare_names(statement, counterpart)
            if isinstance(statement, ast.For):
                inner_reference, inner_watched = self.merge(statement.body, counterpart.body)
                reference.append(with_body(counterpart, inner_reference))
                watched.append(with_body(counterpart, inner_watched))
            else:
                reference.append(counterpart)
                watched.append(counterpart)
        return reference, watched + theirs[after:]

    def alike(self, given, other):
        """Whether a learner's line is a given one, perhaps with other numbers and names."""
        if type(given) is not type(other):
            return False
        labels = label_of(given), label_of(other)
        if labels != (None, None):
            return None not in labels and (labels[0] == labels[1] or labels[1] not in self.labels)
        if isinstance(given, (ast.FunctionDef, ast.ClassDef)):
            return True
        if isinstance(given, ast.Assign) and same_targets(given, other):
            return True
        return form(head(given)) == form(head(other))

    def compare_names(self, ours, theirs):
        if isinstance(ours, (ast.FunctionDef, ast.ClassDef)):
            self.seen.setdefault(ours.name, theirs.name)
            return
        ours, theirs = head(ours), head(theirs)
        if form(ours) != form(theirs):
            return
        for a, b in zip(ast.walk(ours), ast.walk(theirs)):
            if isinstance(a, ast.Name):
                self.seen.setdefault(a.id, b.id)


def same_targets(a, b):
    return ast.dump(a.targets[0]) == ast.dump(b.targets[0])


def is_mark(statement):
    return MARK in ast.dump(statement)


def with_body(loop, body):
    return ast.copy_location(ast.For(loop.target, loop.iter, body, loop.orelse), loop)


def head(statement):
    """A loop without its body; any other statement as it is."""
    if isinstance(statement, ast.For):
        return ast.Tuple([statement.target, statement.iter], ast.Load())
    return statement


def label_of(statement):
    """What a check("dW", dW) is called, or None if the statement is none."""
    call = getattr(statement, "value", None)
    is_check = isinstance(statement, ast.Expr) and isinstance(call, ast.Call) and call.args
    return ast.unparse(call.args[0]) if is_check and ast.unparse(call.func) == "check" else None


def form(tree):
    """A statement with neither its names nor its numbers."""
    text = ast.dump(tree)
    text = re.sub(r"Constant\(value=('(?:[^'\\]|\\.)*'|\"[^\"]*\"|[^,)]*)\)", "Constant", text)
    text = re.sub(r"UnaryOp\(op=USub\(\), operand=Constant\)", "Constant", text)
    text = re.sub(r"(?:Constant, )+Constant", "Constant", text)  # lists of any length
    return re.sub(r"\b(id|arg|name)='\w+'", r"\1=''", text)


def rename(tree, names):
    """The tree with other names; itself where there are none."""
    if not names:
        return tree
    return substitute(
        tree,
        lambda node: (
            ast.Name(names[node.id], node.ctx)
            if isinstance(node, ast.Name) and node.id in names
            else None
        ),
    )


def substitute(tree, new):
    """A copy of the tree in which each node for which new(node) is not None is that."""
    if isinstance(tree, list):
        return [substitute(part, new) for part in tree]
    if not isinstance(tree, ast.AST):
        return tree
    replacement = new(tree)
    if replacement is not None:
        return replacement
    parts = {name: substitute(part, new) for name, part in ast.iter_fields(tree)}
    return ast.copy_location(type(tree)(**parts), tree)


def in_words(sentence, names):
    """A sentence with the learner's names, which stand in backticks."""
    return re.sub(r"`(\w+)`", lambda match: f"`{names.get(match[1], match[1])}`", sentence)


def snapshot(scope):
    """The variables of a script: its arrays as copies, without what Python itself put there."""
    return {
        name: value.copy() if isinstance(value, np.ndarray) else value
        for name, value in scope.items()
        if not name.startswith("__")
    }
