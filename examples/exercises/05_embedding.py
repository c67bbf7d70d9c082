"""Exercise 5: the embedding: a table lookup is a matrix product, and that settles its gradient.

With one_hot[b, r] = 1 where ids[b] = r, else 0:

    y = one_hot @ W,    so by exercise 3    dW = one_hot^T @ dy

A row that occurs three times in the batch receives the sum of three gradients. The line everybody
writes first, `dW[ids] += dy`, keeps one of them: NumPy reads dW[ids], adds, and writes back, and of
three writes to one place the last one stays.
"""

import numpy as np

from ncf_numpy import Embedding
from ncf_numpy.learn.exercises import compare

rng = np.random.default_rng(0)
layer = Embedding(6, 2, rng, std=1.0, dtype=np.float64)
W = layer.W  # (n_rows, K)
ids = np.array([3, 1, 3, 0, 3])  # (B,) row 3 three times, rows 2, 4 and 5 never
dy = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0], [8.0, 80.0], [16.0, 160.0]])  # (B, K)
right_one_hot = [
    [0, 0, 0, 1, 0, 0],
    [0, 1, 0, 0, 0, 0],
    [0, 0, 0, 1, 0, 0],
    [1, 0, 0, 0, 0, 0],
    [0, 0, 0, 1, 0, 0],
]
right_y = layer.forward(ids)
layer.backward(dy)

print("Forward")
y = ...  # (B, K)
compare("y", y, right_y, "row b of y is row ids[b] of W: NumPy indexes with arrays")
one_hot = ...  # (B, n_rows) of zeros and ones
compare(
    "one_hot", one_hot, right_one_hot, "ids[:, None] == np.arange(6) is True in the right places"
)

print("Backward")
dW = ...  # (n_rows, K)
compare("dW", dW, layer.dW.to_dense(), "a dense layer whose x is one_hot")
rows = ...  # (R,) the rows that occur, each once, ascending
compare("rows", rows, layer.dW.rows, "np.unique sorts, too")
values = ...  # (R, K) their gradients
compare("values", values, layer.dW.values, "all other rows of dW are zero, so nobody stores them")

print("The famous bug")
naive = np.zeros((6, 2))
naive[ids] += dy
lost = ...  # (n_rows, K) what the famous line has lost
right_lost = [[0, 0], [0, 0], [0, 0], [1 + 4, 10 + 40], [0, 0], [0, 0]]
compare("lost", lost, right_lost, "the gradient less what arrived")
print(f"Exercise 5 solved. Of row 3's gradient {dW[3]} the naive += keeps {naive[3]}.")
