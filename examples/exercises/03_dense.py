"""Exercise 3: the dense layer, y = x W + b, and why db is a sum over the batch.

Row b of the batch is y[b, j] = sum_i x[b, i] W[i, j] + b[j]. Given dy[b, j] = dL/dy[b, j]:

    dL/dW[i, j] = sum_b x[b, i] dy[b, j]       W[i, j] acts in every row of the batch: a sum over b
    dL/db[j]    = sum_b dy[b, j]               so does b[j], times 1
    dL/dx[b, i] = sum_j dy[b, j] W[i, j]       x[b, i] acts in every output: a sum over j

Each is one matrix product. The shapes leave hardly any choice: try to find them by shape alone.
"""

import numpy as np

from ncf_numpy import Dense
from ncf_numpy.learn.exercises import compare

rng = np.random.default_rng(0)
x = rng.normal(size=(5, 3))  # (B, n_in)
dy = rng.normal(size=(5, 2))  # (B, n_out)
layer = Dense(3, 2, rng, dtype=np.float64)
layer.b[:] = 0.5, -0.25
W, b = layer.W, layer.b  # (n_in, n_out), (n_out,)
right_y = layer.forward(x)
right_dx = layer.backward(dy)

print("Forward")
y = ...  # (B, n_out)
compare("y", y, right_y, "x @ W, then b is added to every row")

print("Backward")
dW = ...  # (n_in, n_out)
compare("dW", dW, layer.dW, "(n_in, B) @ (B, n_out): which of the two must be transposed?")
db = ...  # (n_out,)
compare("db", db, layer.db, "a sum, not a mean: the loss has divided by B already")
dx = ...  # (B, n_in)
compare("dx", dx, right_dx, "(B, n_out) @ (n_out, n_in); W.reshape has the shape, not the numbers")
print("Exercise 3 solved.")
