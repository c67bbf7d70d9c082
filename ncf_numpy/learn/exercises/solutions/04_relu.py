"""Exercise 4: the ReLU, y = max(x, 0): a gate that opens for the gradient where it did for x.

At x = 0 exactly the derivative jumps from 0 to 1. This code, like most, takes 0 there.
A backward must not write into the dy that it is given: others still read it.
"""

import numpy as np

from ncf_numpy.learn.exercises import check

x = np.array([[1.5, -2.0, 0.0, 0.5], [-0.5, 3.0, 0.25, -1.0], [0.0, 0.75, 2.0, 1.0]])  # (B, n)
dy = np.array([[10.0, 20, 30, -40], [50, -60, 70, 80], [90, -100, 110, -120]])  # (B, n)

print("Forward")
y = np.maximum(x, 0)  # answer: (B, n)
# hint: The larger of x and 0, for each element.
# hint: np.maximum works element by element; np.max does not.
# mistake: np.max(x, 0) -> np.max reduces an axis; np.maximum works element by element
# mistake: np.abs(x) -> this is the absolute value: where x is negative, max(x, 0) is 0
check("y", y)

print("Backward")
is_open = x > 0  # answer: (B, n) True where the gate lets the gradient through
# hint: Where did the gate let x through?
# hint: It is the sign of x that counts, not that of dy. At 0 the gate is closed.
# mistake: x >= 0 -> at x = 0 exactly the gate is closed here: it is x > 0
# mistake: dy > 0 -> the sign of the input `x` decides, not that of `dy`
# mistake: x <= 0 -> this is where the gate is closed: it is open where x > 0
# mistake: x < 0 -> the comparison is the wrong way round: the gate is open where x > 0
check("is_open", is_open)
dx = dy * is_open  # answer: (B, n)
# hint: dy where the gate is open, else 0.
# hint: True counts as 1 and False as 0 in a product.
# mistake: dy -> the gate is missing: where `x` is not positive, the gradient is 0
# mistake: np.maximum(dy, 0) -> this is the ReLU of `dy`: the sign of the input `x` decides
# mistake: dy * y -> the derivative of the ReLU is 0 or 1: this multiplies by its output
# mistake: 1.0 * is_open -> `dy` is missing: the chain rule multiplies by it
check("dx", dx)
print("Exercise 4 solved.")
