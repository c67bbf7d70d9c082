"""Exercises: scripts with blanks. A judge says which answer is wrong, why, and gives three hints.

from ncf_numpy.learn.exercises import judge
judge(3, source)._asdict()     # text of a script in; verdict, cause and hints out
"""

from .judge import Verdict, check, check_layer, judge, report
from .texts import SOLUTIONS, blank, filled, numbers, read, solved, title, write

__all__ = [
    "SOLUTIONS",
    "Verdict",
    "blank",
    "check",
    "check_layer",
    "filled",
    "judge",
    "numbers",
    "read",
    "report",
    "solved",
    "title",
    "write",
]
