"""Exercise 7: the tower of the MLP. Forward bottom to top, backward top to bottom.

    z_0 = [p_u ; q_i],   a_n = z_(n-1) W_n + b_n,   z_n = max(a_n, 0)      equation 10

Backward, layer n turns dL/dz_n into dL/dz_(n-1); the last of them is cut into the halves that
belong to the user and to the item.
"""

import numpy as np

from ncf_numpy import MLP
from ncf_numpy.learn.exercises import compare, locals_of

users = np.array([3, 1, 3, 0, 2, 1])  # (B,)
items = np.array([2, 5, 2, 1, 5, 0])  # (B,)
D = 4  # the width of a user's and of an item's vector

rng = np.random.default_rng(0)
model = MLP(4, 6, (2 * D, 5, 3), rng, dtype=np.float64)
model.user_embedding.W[:] = rng.normal(size=(4, D))
model.item_embedding.W[:] = rng.normal(size=(6, D))
model.forward(users, items)
p, q = model.user_embedding.y, model.item_embedding.y  # (B, D), (B, D)
h = model.output.W[:, 0]  # (L,)
dlogits = rng.normal(size=6)  # (B,)
backward = locals_of(model.backward, dlogits)
right_dz_2 = model.output.backward(dlogits[:, None])

print("Forward")
z = np.concatenate([p, q], axis=1)  # answer: (B, 2D)
compare("z_0", z, model.tower[0][0].x, "side by side, not one below the other: axis=1")
zs = [z]  # what each layer was given; its backward needs it
for n, (dense, relu) in enumerate(model.tower, start=1):
    W, b = dense.W, dense.b  # (n_in, n_out), (n_out,)
    a = z @ W + b  # answer: (B, n_out)
    compare(f"a_{n}", a, relu.x, "the dense layer of exercise 3")
    z = np.maximum(a, 0)  # answer: (B, n_out)
    compare(f"z_{n}", z, relu.y, "the ReLU of exercise 4")
    zs.append(z)

print("Backward")
dz = dlogits[:, None] * h  # answer: (B, L)
compare("dz_2", dz, right_dz_2, "through the output layer: each dlogit times h")
for n in (2, 1):
    dense, relu = model.tower[n - 1]
    W = dense.W  # (n_in, n_out)
    da = dz * (zs[n] > 0)  # answer: (B, n_out) z_n is zs[n], positive where a_n was
    compare(f"da_{n}", da, relu.backward(dz), "the gate of exercise 4")
    dW = zs[n - 1].T @ da  # answer: (n_in, n_out) what went into layer n is zs[n - 1]
    compare(f"dW_{n}", dW, dense.dW, "what went in, transposed, times what came back")
    db = da.sum(axis=0)  # answer: (n_out,)
    compare(f"db_{n}", db, dense.db, "the sum over the batch")
    dz = da @ W.T  # answer: (B, n_in)
    compare(f"dz_{n - 1}", dz, dense.backward(da), "back through W, transposed")

print("The two halves")
dp = dz[:, :D]  # answer: (B, D)
compare("dp", dp, backward["dp"], "p was the left half of z_0")
dq = dz[:, D:]  # answer: (B, D)
compare("dq", dq, backward["dq"], "q was the right half of z_0")
print("Exercise 7 solved.")
