"""The formula of every line of the core that computes something, keyed by function and line.

A term is a line of Python with holes. A hole names an array as the line sees it, and the entry of
it that counts: in "{x[b,i]} * {dy[b,o]}" for dW[i,o] the letter b is not one of the result's, so
the entry is the sum of this term over all b. [...] is the same entry as the result's.
The same holes give the formula with numbers in it, what the page lights up under the pointer, and
what the tests evaluate. None marks a line that computes nothing new: it keeps, names or passes on.
"""

from . import layers, losses, models, optimizers
from .formula import Formula

FORMULAS = layers.FORMULAS | losses.FORMULAS | models.FORMULAS | optimizers.FORMULAS

__all__ = ["FORMULAS", "Formula"]
