"""Exercise 8: NeuMF: both branches at once, and where their gradients meet.

    logit = h^T [p_G * q_G ; tower([p_M ; q_M])] + b          equation 12, with a bias

A user's row of the table is [p_G ; p_M], an item's [q_G ; q_M]. You have written all layers; here
they are given, and what remains is the wiring: split, product, concatenation, and their reverse.
The reverse of a concatenation is a split, and the reverse of a split is a concatenation.
"""

import numpy as np

from ncf_numpy import Dense, ReLU
from ncf_numpy.learn.exercises import check

users = np.array([3, 1, 3, 0, 2, 1])  # (B,)
items = np.array([2, 5, 2, 1, 5, 0])  # (B,)
K, D, L = 2, 4, 5  # factors of the GMF branch; width of a vector of the MLP branch, of its output

rng = np.random.default_rng(0)
P, Q = rng.normal(size=(4, K + D)), rng.normal(size=(6, K + D))  # the tables
dense, relu = Dense(2 * D, L, rng, dtype=np.float64), ReLU()
output = Dense(K + L, 1, rng, dtype=np.float64)
dense.b[:], output.b[:] = rng.normal(size=L), rng.normal(size=1)
dlogits = rng.normal(size=6)  # (B,)


def scatter(ids, dy, n_rows):
    """The embedding's backward: sum the gradients of equal ids."""
    dW = np.zeros((n_rows, dy.shape[1]))
    np.add.at(dW, ids, dy)
    return dW


print("Forward")
user, item = P[users], Q[items]  # (B, K + D), (B, K + D)
p_G = user[:, :K]  # answer: (B, K)
# hint: A user's row is [p_G ; p_M], and p_G has K numbers.
# hint: The first K columns.
check("p_G", p_G)
p_M = user[:, K:]  # answer: (B, D)
# hint: A user's row is [p_G ; p_M]: what remains after p_G.
# hint: The columns after the first K.
check("p_M", p_M)
q_G = item[:, :K]  # answer: (B, K)
# hint: An item's row is [q_G ; q_M], and q_G has K numbers.
# hint: The first K columns.
check("q_G", q_G)
q_M = item[:, K:]  # answer: (B, D)
# hint: An item's row is [q_G ; q_M]: what remains after q_G.
# hint: The columns after the first K.
check("q_M", q_M)
phi_G = p_G * q_G  # answer: (B, K)
# hint: The GMF branch is a product element by element, as in exercise 6.
# hint: p_G * q_G
# mistake: (p_G * q_G).sum(axis=1) -> the sum is too early: `phi_G` is the product of each element
check("phi_G", phi_G)
z = np.concatenate([p_M, q_M], axis=1)  # answer: (B, 2D)
# hint: The MLP branch begins with a concatenation, as in exercise 7.
# hint: [p_M ; q_M], side by side: axis=1
# mistake: np.concatenate([p_M, q_M]) -> the wrong axis: side by side is axis=1
check("z", z)
phi_M = relu.forward(dense.forward(z))  # (B, L)
phi = np.concatenate([phi_G, phi_M], axis=1)  # answer: (B, K + L)
# hint: GMF first, then MLP: h is in that order.
# hint: [phi_G ; phi_M], side by side: axis=1
check("phi", phi)
logits = output.forward(phi)[:, 0]  # (B,)

print("Backward")
dphi = output.backward(dlogits[:, None])  # (B, K + L)
dphi_G = dphi[:, :K]  # answer: (B, K)
# hint: The reverse of the concatenation into phi: which columns of phi were phi_G?
# hint: The first K columns.
check("dphi_G", dphi_G)
dphi_M = dphi[:, K:]  # answer: (B, L)
# hint: The reverse of the concatenation into phi: which columns of phi were phi_M?
# hint: The columns after the first K.
check("dphi_M", dphi_M)
dz = dense.backward(relu.backward(dphi_M))  # (B, 2D)
dp_M = dz[:, :D]  # answer: (B, D)
# hint: The reverse of the concatenation into z: which columns of z were p_M?
# hint: The first D columns.
check("dp_M", dp_M)
dq_M = dz[:, D:]  # answer: (B, D)
# hint: The reverse of the concatenation into z: which columns of z were q_M?
# hint: The columns after the first D.
check("dq_M", dq_M)
dp_G = dphi_G * q_G  # answer: (B, K)
# hint: The derivative of a product with respect to one factor is the other factor.
# hint: dphi_G times q_G
# mistake: dphi_G * p_G -> the product rule: the derivative with respect to `p_G` is `q_G`
# mistake: q_G -> `dphi_G` is missing: the chain rule multiplies by what comes from above
# mistake: p_G -> the product rule: the other factor is `q_G`, and it is multiplied by `dphi_G`
check("dp_G", dp_G)
dq_G = dphi_G * p_G  # answer: (B, K)
# hint: The derivative of a product with respect to one factor is the other factor.
# hint: dphi_G times p_G
# mistake: dphi_G * q_G -> the product rule: the derivative with respect to `q_G` is `p_G`
# mistake: p_G -> `dphi_G` is missing: the chain rule multiplies by what comes from above
# mistake: q_G -> the product rule: the other factor is `p_G`, and it is multiplied by `dphi_G`
check("dq_G", dq_G)
dP = scatter(users, np.concatenate([dp_G, dp_M], axis=1), 4)  # answer: (4, K + D) by scatter
# hint: The reverse of the split is a concatenation; then the gradients of equal users are summed.
# hint: scatter(users, ..., 4) of [dp_G ; dp_M], side by side
# mistake: scatter(users, np.concatenate([dp_M, dp_G], axis=1), 4) -> the halves are exchanged
check("dP", dP)
dQ = scatter(items, np.concatenate([dq_G, dq_M], axis=1), 6)  # answer: (6, K + D) by scatter
# hint: The reverse of the split is a concatenation; then the gradients of equal items are summed.
# hint: scatter(items, ..., 6) of [dq_G ; dq_M], side by side
# mistake: scatter(items, np.concatenate([dq_M, dq_G], axis=1), 6) -> the halves are exchanged
check("dQ", dQ)
print("Exercise 8 solved.")
