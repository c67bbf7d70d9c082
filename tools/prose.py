"""Reads the text of the project as an editor would: words to avoid, and sentences that are long.

    python tools/prose.py            # every word of WORDS, with its place and the word to use
    python tools/prose.py --long 40  # every sentence of more than 40 words, the longest first

Text is every page, and in code the comments, docstrings and messages of the package and of
examples. Code in a page is not text. Names are those the package defines.
"""

import argparse
import ast
import re
import sys
import tokenize
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

WORDS = {  # what is not to be written: the field's own word
    r"walk(s|ed|ing)?": "step through; pass",
    r"made[- ]up": "synthetic",
    r"slopes?": "derivative, gradient",
    r"(derivatives?|gradients?) by": "derivative with respect to",
    r"missed (steps?|updates?|sums?)|ow(e|es|ed)": "deferred (pending) updates",
    r"against the positive|ties against": "ties are ranked pessimistically",
    r"spar(e|es|ing) the": "exclude the",
    r"who (had|has) what": "interactions",
    r"leftovers?": "temporary files",
    r"screened": "limited",
    r"trust tests?": "robustness tests",
    r"twins?": "reference implementation; copy",
    r"contenders?": "implementations",
    r"mend(s|ed|ing)?": "fix",
    r"by heart": "overfit",
    r"in vain|at hand|for it is|any more|decides all": "plain words",
    r"(this|it) is none|anew|hence|dearest|whoever": "plain words",
    r"somebody|nobody|anybody|everybody": "a user, a reader, no ...",
    r"knows (nobody|nothing)": "is not fitted",
    r"(same|equal) (last )?bits?|to the (same |last )?bit": "bit-for-bit identical",
    r"plan of the house|the way up|outgrow": "architecture; scaling up",
    r"(with|in|by|raises) (a|one) sentence": "one-line error message",
    r"is no (text|list|table|file|number|liking|sandbox|positive)": "is not a ...",
    "음성 표본": "네거티브 샘플",
    "최적화기": "옵티마이저",
    "임베딩 표(?!준)": "임베딩 테이블",
    "활성값": "출력",
    "하나 남기기": "leave-one-out",
    "밀린 걸음": "밀린 업데이트",
}
FIGURE = re.compile(r"(?<![\w.])(?<!\d-)\.\d+")  # .903, which in a page is 0.903
NAMES = r"walk(s|ed)?|slopes?|missed|leftovers?|screened|twins?|contenders?|mend(s|ed)?"

FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"``?[^`]*``?|\]\([^)]*\)|<!--.*?-->|https?://\S+|\$[^$]*\$", re.DOTALL)


class Text(NamedTuple):
    place: str  # a file, or file:line of a name
    text: str


def texts():
    """Everything that is read, in pieces that each have a place."""
    for path in pages():
        yield Text(place(path), blanked(path.read_text(encoding="utf-8")))
    for path in sorted([*ROOT.glob("ncf_numpy/**/*.py"), *ROOT.glob("examples/*.py")]):
        yield Text(place(path), comments_and_strings(path))
    for kind in ("js", "json", "html"):
        for path in sorted(ROOT.glob(f"ncf_numpy/learn/**/assets/*.{kind}")):
            yield Text(place(path), path.read_text(encoding="utf-8"))


def pages():
    folders = ("*.md", "docs/**/*.md", "tests/**/*.md", "benchmarks/**/*.md")
    return sorted(path for folder in folders for path in ROOT.glob(folder))


def place(path):
    return path.relative_to(ROOT).as_posix()


def blanked(page):
    """A page with blanks in the place of code, links' targets and formulas."""
    for pattern in (FENCED, CODE):
        page = pattern.sub(blanks, page)
    return page


def blanks(match):
    """As long as the match, and with its line ends."""
    return re.sub(r"[^\n]", " ", match[0])


def comments_and_strings(path):
    """The text of a module, line by line as in the file, so that a word may go over two lines.

    Two texts are one where only a line end is between them; else a bar separates them.
    """
    with tokenize.open(path) as file:
        source = file.read()
    rows = [[" "] * len(line) for line in source.splitlines()]
    for token in tokenize.generate_tokens(iter(source.splitlines(keepends=True)).__next__):
        (row, column), kind = token.start, tokenize.tok_name[token.type]
        if kind in ("COMMENT", "STRING", "FSTRING_MIDDLE"):
            text = re.sub(r"\A#+|\A[a-zA-Z]*[\"']+|[\"']+\Z", blanks, token.string)
            text = CODE.sub(blanks, text)
        elif kind in ("NAME", "OP", "NUMBER"):
            text = "|"
        else:
            continue
        for line in text.split("\n"):
            rows[row - 1][column : column + len(line)] = line
            row, column = row + 1, 0
    return "\n".join(map("".join, rows))


def names():
    """Every name that the package defines."""
    for path in sorted(ROOT.glob("ncf_numpy/**/*.py")):
        yield Text(place(path), path.stem)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in defined(node):
                yield Text(f"{place(path)}:{node.lineno}", name)


def defined(node):
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield node.attr


def coined():
    """A line for each word of the list that is found: its place, the word, what to write."""
    rules = [(re.compile(bounded(word), re.IGNORECASE), use) for word, use in WORDS.items()]
    for where, text in texts():
        found = [(match, use) for pattern, use in rules for match in pattern.finditer(text)]
        if where.endswith(".md"):
            found += [(match, f"0{match[0]}") for match in FIGURE.finditer(text)]
        for match, use in sorted(found, key=lambda each: each[0].start()):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{where}:{line}: {' '.join(match[0].split())!r}: {use}"
    name = re.compile(rf"(?:.*_)?(?:{NAMES})(?:_.*)?", re.IGNORECASE)
    for where, text in names():
        if name.fullmatch(text):
            yield f"{where}: the name {text}"


def bounded(word):
    """A pattern for whole words only, also over a line end; a Korean word takes endings."""
    word = word.replace(" ", r"\s+")
    return rf"\b(?:{word})\b" if word[0].isascii() else word


def sentences(page):
    """The sentences of a page; an item, a cell and a heading end one."""
    text = re.sub(r"^(\s*([-*]|\d+\.)\s|#+ |\|)", "\n\n", blanked(page), flags=re.MULTILINE)
    for block in re.split(r"\n\s*\n|\|", text):
        yield from re.split(r"(?<=[.!?:;])\s+(?=\S)", " ".join(block.split()))


def long_sentences(limit):
    """(words, page, sentence) of more than limit words, the longest first."""
    found = []
    for path in pages():
        for sentence in sentences(path.read_text(encoding="utf-8")):
            found.append((len(sentence.split()), place(path), sentence))
    return sorted((each for each in found if each[0] > limit), reverse=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--long", type=int, metavar="WORDS", help="print longer sentences")
    arguments = parser.parse_args()
    if arguments.long is not None:
        for count, page, sentence in long_sentences(arguments.long):
            print(f"{count:3}  {page}: {sentence}")
        return 0
    found = list(coined())
    print("\n".join(found) if found else "No word of the list is left.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
