"""Exercise 5: the embedding: a table lookup is a matrix product, and that settles its gradient.

With one_hot[b, r] = 1 where ids[b] = r, else 0:

    y = one_hot @ W,    so by exercise 3    dW = one_hot^T @ dy

A row that occurs three times in the batch receives the sum of three gradients. A line that many
write first, `dW[ids] += dy`, keeps one of them: NumPy reads dW[ids], adds, and writes back, and of
three writes to one place the last one stays.
"""

import numpy as np

from ncf_numpy.learn.exercises import check

rng = np.random.default_rng(0)
n_rows = 6
W = rng.normal(size=(n_rows, 2))  # (n_rows, K)
ids = np.array([3, 1, 3, 0, 3])  # (B,) row 3 three times, rows 2, 4 and 5 never
dy = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0], [8.0, 80.0], [16.0, 160.0]])  # (B, K)

print("Forward")
y = W[ids]  # answer: (B, K)
# hint: Row b of y is row ids[b] of W.
# hint: NumPy indexes with arrays: an array of row numbers in brackets gives those rows.
check("y", y)
one_hot = 1.0 * (ids[:, None] == np.arange(n_rows))  # answer: (B, n_rows) of zeros and ones
# hint: Row b is zero but for a 1 in column ids[b].
# hint: Compare ids as a column, ids[:, None], with the row np.arange(6).
# mistake: 1.0 * (ids[:, None] == np.arange(1, n_rows + 1)) -> rows are counted from 0, not from 1
# mistake: np.eye(n_rows) -> this is the identity: its rows are to be looked up with `ids`
check("one_hot", one_hot)

print("Backward")
dW = one_hot.T @ dy  # answer: (n_rows, K)
# hint: A dense layer whose input is one_hot: what was its dW?
# hint: By exercise 3, x.T @ dy with one_hot for x. Row 3 receives the sum of three gradients.
# mistake: last_of(ids, dy, n_rows) -> equal ids: only the last gradient of a repeated row is kept
# mistake: first_of(ids, dy, n_rows) -> equal ids: only the first gradient of a repeated row is kept
# mistake: mean_of(ids, dy, n_rows) -> equal ids: a mean in the place of the sum of their gradients
check("dW", dW)
rows = np.unique(ids)  # answer: (R,) the rows that occur, each once, ascending
# hint: Each id once, in ascending order.
# hint: NumPy has a function for that: np.unique.
# mistake: np.sort(ids) -> a repeated id is listed more than once
# mistake: ids -> a repeated id is listed more than once, and they are not in ascending order
# mistake: np.setdiff1d(np.arange(n_rows), ids) -> these are the rows that do not occur
check("rows", rows)
values = dW[rows]  # answer: (R, K) their gradients
# hint: The rows of dW that occur. All other rows are zero, so they are not stored.
# hint: Index dW as W was indexed in the forward.
# mistake: dW[ids] -> a repeated row is listed more than once: index with `rows`
# mistake: last_of(ids, dy, n_rows)[rows] -> equal ids: only the last gradient is kept
# mistake: first_of(ids, dy, n_rows)[rows] -> equal ids: only the first gradient is kept
# mistake: dy[rows] -> `dy` has a row for each place of the batch, not for each row of the table
check("values", values)

print("The line that many write first")
naive = np.zeros((n_rows, 2))
naive[ids] += dy
lost = dW - naive  # answer: (n_rows, K) what that line has lost
# hint: The difference of the right gradient and the naive one.
# hint: dW - naive
check("lost", lost)
print(f"Exercise 5 solved. Of row 3's gradient {dW[3]} the naive += keeps {naive[3]}.")
