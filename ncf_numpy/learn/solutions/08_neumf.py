"""Exercise 8: NeuMF: both branches at once, and where their gradients meet.

    logit = h^T [p_G * q_G ; tower([p_M ; q_M])] + b          equation 12

A user's row of the table is [p_G ; p_M], an item's [q_G ; q_M]. You have written all layers; here
they are given, and what remains is the wiring: split, product, concatenation, and their reverse.
The reverse of a concatenation is a split, and the reverse of a split is a concatenation.
"""

import numpy as np

from ncf_numpy import NeuMF
from ncf_numpy.learn.exercises import compare, locals_of

users = np.array([3, 1, 3, 0, 2, 1])  # (B,)
items = np.array([2, 5, 2, 1, 5, 0])  # (B,)
K, D = 2, 3  # factors of the GMF branch; width of a vector of the MLP branch

rng = np.random.default_rng(0)
model = NeuMF(4, 6, K, (2 * D, 4), rng, dtype=np.float64)
model.user_embedding.W[:] = rng.normal(size=(4, K + D))
model.item_embedding.W[:] = rng.normal(size=(6, K + D))
forward = locals_of(model.forward, users, items)
dlogits = rng.normal(size=6)  # (B,)
backward = locals_of(model.backward, dlogits)
right_dP = model.user_embedding.dW.to_dense()
right_dQ = model.item_embedding.dW.to_dense()
((dense, relu),) = model.tower
right_dphi_M = model.output.backward(dlogits[:, None])[:, K:]


def scatter(ids, dy, n_rows):
    """The embedding's backward: sum the gradients of equal ids."""
    dW = np.zeros((n_rows, dy.shape[1]))
    np.add.at(dW, ids, dy)
    return dW


print("Forward")
user = model.user_embedding.forward(users)  # (B, K + D)
item = model.item_embedding.forward(items)  # (B, K + D)
p_G = user[:, :K]  # answer: (B, K)
compare("p_G", p_G, model.p_G, "the first K columns")
p_M = user[:, K:]  # answer: (B, D)
compare("p_M", p_M, forward["p_M"], "the columns after the first K")
q_G = item[:, :K]  # answer: (B, K)
compare("q_G", q_G, model.q_G, "the first K columns")
q_M = item[:, K:]  # answer: (B, D)
compare("q_M", q_M, forward["q_M"], "the columns after the first K")
phi_G = p_G * q_G  # answer: (B, K)
compare("phi_G", phi_G, forward["phi_G"], "the GMF branch is a product")
z = np.concatenate([p_M, q_M], axis=1)  # answer: (B, 2D)
compare("z", z, dense.x, "the MLP branch begins with a concatenation")
phi_M = relu.forward(dense.forward(z))  # (B, L)
phi = np.concatenate([phi_G, phi_M], axis=1)  # answer: (B, K + L)
compare("phi", phi, forward["phi"], "GMF first, then MLP: h is in that order")
logits = model.output.forward(phi)[:, 0]  # (B,)
compare("logits", logits, forward["logits"], "all before was right, so this must be")

print("Backward")
dphi = model.output.backward(dlogits[:, None])  # (B, K + L)
dphi_G = dphi[:, :K]  # answer: (B, K)
compare("dphi_G", dphi_G, backward["dphi_G"], "the reverse of the concatenation into phi")
dphi_M = dphi[:, K:]  # answer: (B, L)
compare("dphi_M", dphi_M, right_dphi_M, "the reverse of the concatenation into phi")
dz = dense.backward(relu.backward(dphi_M))  # (B, 2D)
dp_M = dz[:, :D]  # answer: (B, D)
compare("dp_M", dp_M, backward["dp_M"], "the reverse of the concatenation into z")
dq_M = dz[:, D:]  # answer: (B, D)
compare("dq_M", dq_M, backward["dq_M"], "the reverse of the concatenation into z")
dp_G = dphi_G * q_G  # answer: (B, K)
compare("dp_G", dp_G, backward["dp_G"], "the derivative by one factor is the other")
dq_G = dphi_G * p_G  # answer: (B, K)
compare("dq_G", dq_G, backward["dq_G"], "the derivative by one factor is the other")
dP = scatter(users, np.concatenate([dp_G, dp_M], axis=1), 4)  # answer: (4, K + D) by scatter
compare("dP", dP, right_dP, "the reverse of the split, summed over equal users")
dQ = scatter(items, np.concatenate([dq_G, dq_M], axis=1), 6)  # answer: (6, K + D) by scatter
compare("dQ", dQ, right_dQ, "the reverse of the split, summed over equal items")
print("Exercise 8 solved.")
