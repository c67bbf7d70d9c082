"""Exercise 3: the dense layer, y = x W + b, and why db is a sum over the batch.

Row b of the batch is y[b, j] = sum_i x[b, i] W[i, j] + b[j]. Given dy[b, j] = dL/dy[b, j]:

    dL/dW[i, j] = sum_b x[b, i] dy[b, j]       W[i, j] acts in every row of the batch: a sum over b
    dL/db[j]    = sum_b dy[b, j]               so does b[j], times 1
    dL/dx[b, i] = sum_j dy[b, j] W[i, j]       x[b, i] acts in every output: a sum over j

Each is one matrix product or one sum. The shapes leave hardly any choice: try to find them by
shape alone.
"""

import numpy as np

from ncf_numpy.learn.exercises import check

rng = np.random.default_rng(0)
x = rng.normal(size=(5, 3))  # (B, n_in)
dy = rng.normal(size=(5, 2))  # (B, n_out)
W, b = rng.normal(size=(3, 2)), rng.normal(size=2)  # (n_in, n_out), (n_out,)

print("Forward")
y = x @ W + b  # answer: (B, n_out)
# hint: A matrix product, then the bias is added to every row.
# hint: x @ W + b
# mistake: x @ W -> the bias `b` is missing
check("y", y)

print("Backward")
dW = x.T @ dy  # answer: (n_in, n_out)
# hint: The result is a sum over the batch and has the shape (n_in, n_out).
# hint: Only (n_in, B) @ (B, n_out) has that shape: one of the two is transposed.
# mistake: x.T @ np.ones_like(dy) -> `dy` is missing: the chain rule multiplies by it
check("dW", dW)
db = dy.sum(axis=0)  # answer: (n_out,)
# hint: b is added in every row of the batch: which axis of dy is the batch?
# hint: A sum over axis 0, not a mean: the loss has divided by B already.
# mistake: dy.sum(axis=1) -> the sum runs over the wrong axis: the batch is axis 0
# mistake: dy.mean(axis=0) -> a mean in the place of the sum: the loss has divided by B already
# mistake: dy -> not summed over the batch
# mistake: np.ones_like(b) -> `dy` is missing: the chain rule multiplies by it
check("db", db)
dx = dy @ W.T  # answer: (B, n_in)
# hint: The result has the shape of x: (B, n_out) @ (n_out, n_in).
# hint: W is (n_in, n_out), so it is transposed. reshape gives the shape but not the numbers.
check("dx", dx)
print("Exercise 3 solved.")
