"""Exercise 4: the ReLU, y = max(x, 0): a gate that opens for the gradient where it did for x.

At x = 0 exactly the slope jumps from 0 to 1. This code, like most, takes 0 there.
"""

import numpy as np

from ncf_numpy import ReLU
from ncf_numpy.learn.exercises import compare

x = np.array([[1.5, -2.0, 0.0], [-0.5, 3.0, 0.25]])  # (B, n)
dy = np.array([[10.0, 20.0, 30.0], [40.0, -50.0, 60.0]])  # (B, n)
layer, dy_before = ReLU(), dy.copy()
right_y = layer.forward(x)
right_dx = layer.backward(dy)

print("Forward")
y = ...  # (B, n)
compare("y", y, right_y, "np.maximum works element by element; np.max does not")

print("Backward")
is_open = ...  # (B, n) True where the gate lets the gradient through
compare("is_open", is_open, right_dx != 0, "it is the sign of x that counts, not that of dy")
dx = ...  # (B, n)
compare("dx", dx, right_dx, "dy where the gate is open, else 0")
compare("dy afterwards", dy, dy_before, "dy[x <= 0] = 0 writes into an array others still read")
print("Exercise 4 solved.")
