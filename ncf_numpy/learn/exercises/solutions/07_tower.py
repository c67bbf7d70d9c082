"""Exercise 7: the tower of the MLP. Forward bottom to top, backward top to bottom.

    z_0 = [p_u ; q_i],   a_n = z_(n-1) W_n + b_n,   z_n = max(a_n, 0)      equation 10

Backward, layer n turns dL/dz_n into dL/dz_(n-1); the last of them is cut into the halves that
belong to the user and to the item.
"""

import numpy as np

from ncf_numpy.learn.exercises import check

B, D = 6, 4  # the size of the batch; the width of a user's and of an item's vector

rng = np.random.default_rng(0)
p, q = rng.normal(size=(B, D)), rng.normal(size=(B, D))  # (B, D), (B, D)
W_1, b_1 = rng.normal(size=(2 * D, 5)), rng.normal(size=5)  # (2D, 5), (5,)
W_2, b_2 = rng.normal(size=(5, 3)), rng.normal(size=3)  # (5, 3), (3,)
h = rng.normal(size=3)  # (L,) the output layer
dlogits = rng.normal(size=B)  # (B,)

print("Forward")
z = np.concatenate([p, q], axis=1)  # answer: (B, 2D)
# hint: Side by side, not one below the other.
# hint: np.concatenate with axis=1
# mistake: np.concatenate([p, q]) -> the wrong axis: side by side is axis=1
check("z_0", z)
zs = [z]  # what each layer was given; its backward needs it
for n, (W, b) in enumerate([(W_1, b_1), (W_2, b_2)], start=1):  # (n_in, n_out), (n_out,)
    a = z @ W + b  # answer: (B, n_out)
    # hint: The dense layer of exercise 3, with z as its input.
    # hint: z @ W + b
    # mistake: z @ W -> the bias `b` is missing
    check(f"a_{n}", a)
    z = np.maximum(a, 0)  # answer: (B, n_out)
    # hint: The ReLU of exercise 4.
    # hint: np.maximum(a, 0)
    # mistake: a -> the ReLU is missing
    # mistake: np.max(a, 0) -> np.max reduces an axis; np.maximum works element by element
    check(f"z_{n}", z)
    zs.append(z)

print("Backward")
dz = dlogits[:, None] * h  # answer: (B, L)
# hint: Through the output layer: each dlogit times h, as in exercise 6.
# hint: Write dlogits as a column, (B, 1).
check("dz_2", dz)
for n, W in ((2, W_2), (1, W_1)):  # (n_in, n_out)
    da = dz * (zs[n] > 0)  # answer: (B, n_out) z_n is zs[n], positive where a_n was
    # hint: The gate of exercise 4: dz passes where a_n was positive.
    # hint: zs[n] > 0 says where
    # mistake: dz -> the gate of the ReLU is missing
    # mistake: dz * (zs[n] < 0) -> the comparison is the wrong way round: the gate is open where > 0
    # mistake: dz * zs[n] -> the derivative of the ReLU is 0 or 1: this multiplies by its output
    # mistake: dz * (dz > 0) -> the sign of the ReLU's input decides, not that of the gradient
    check(f"da_{n}", da)
    dW = zs[n - 1].T @ da  # answer: (n_in, n_out) what went into layer n is zs[n - 1]
    # hint: What went in, transposed, times what came back: exercise 3.
    # hint: zs[n - 1] went into layer n; da came back, behind the gate.
    # mistake: zs[n - 1].T @ dz -> the gradient before the gate: `da` comes back, not `dz`
    # mistake: zs[n - 1].T @ (dz > 0) -> the gradient is missing in the product: use `da`
    check(f"dW_{n}", dW)
    db = da.sum(axis=0)  # answer: (n_out,)
    # hint: The sum over the batch.
    # hint: Axis 0 is the batch.
    # mistake: da.sum(axis=1) -> the sum runs over the wrong axis: the batch is axis 0
    # mistake: da.mean(axis=0) -> a mean in the place of the sum: the loss has divided by B already
    # mistake: dz.sum(axis=0) -> the gradient before the gate: `da` comes back, not `dz`
    # mistake: da -> not summed over the batch
    check(f"db_{n}", db)
    dz = da @ W.T  # answer: (B, n_in)
    # hint: Back through W: exercise 3.
    # hint: (B, n_out) @ (n_out, n_in): W transposed
    # mistake: dz @ W.T -> the gradient before the gate: `da` comes back, not `dz`
    check(f"dz_{n - 1}", dz)

print("The two halves")
dp = dz[:, :D]  # answer: (B, D)
# hint: p was the left half of z_0. The reverse of a concatenation is a split.
# hint: The first D columns of dz.
# mistake: dz[:, D:] -> the halves are exchanged: `p` was the left half
# mistake: dz[:D] -> these are rows: the halves are columns
check("dp", dp)
dq = dz[:, D:]  # answer: (B, D)
# hint: q was the right half of z_0.
# hint: The columns of dz after the first D.
# mistake: dz[:, :D] -> the halves are exchanged: `q` was the right half
# mistake: dz[D:] -> these are rows: the halves are columns
check("dq", dq)
print("Exercise 7 solved.")
