"""Numbers for reading: rounded once, from the float64 that NumPy has.

short(-0.0312345)            # "-0.03123": four digits, readable by Python
Digits(array)[2, 1]          # "-0.0312": one number of decimals for a whole array
"""

import math

import numpy as np


def short(value):
    """A number with four digits; a whole one without a point."""
    rounded = float(f"{value:.4g}")
    if not math.isfinite(rounded):
        return "-" if math.isnan(rounded) else str(rounded)
    if rounded == int(rounded) and abs(rounded) < 1e4:
        return str(int(rounded))
    if 1e-3 <= abs(rounded) < 1e4:
        return f"{rounded:#.4g}"
    return plain_exponent(f"{rounded:.3e}")


def constant(value):
    """A setting such as a learning rate: as Python writes it, if that is short."""
    text = repr(value.item() if isinstance(value, np.generic) else value)
    return plain_exponent(text) if len(text) <= 6 else short(value)


def error(value):
    """A relative error with one digit: "7e-9"."""
    return plain_exponent(f"{value:.0e}" if value < 1e-2 else f"{value:.1g}")


def plain_exponent(text):
    """1e-08 as 1e-8."""
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else text


def operand(text):
    """A number inside a formula: a negative one in parentheses."""
    return f"({text})" if text.startswith("-") else text


class Digits:
    """The entries of an array with equal decimals, four or five digits of the largest.

    An array whose largest entry is below 0.001 is in units of 10^exponent.
    """

    def __init__(self, array):
        self.array = np.asarray(array)
        finite = np.abs(self.array[np.isfinite(self.array)])
        largest = float(finite.max(initial=0.0))
        self.decimals, self.exponent = 4, 0
        if (finite == np.floor(finite)).all() and largest < 1e6:
            self.decimals = 0
        elif largest < 1e-3:
            self.exponent = 3 * math.floor(math.log10(largest) / 3)
            self.decimals = 3 - math.floor(math.log10(largest) - self.exponent)
        elif not 0.1 <= largest < 10:
            self.decimals = max(1, 3 - math.floor(math.log10(largest)))

    def __getitem__(self, index):
        value = float(self.array[index])
        if not math.isfinite(value):
            return "-" if math.isnan(value) else str(value)
        text = f"{value / 10.0**self.exponent:.{self.decimals}f}"
        return "0" if value == 0 else text.lstrip("-") if float(text) == 0 else text
