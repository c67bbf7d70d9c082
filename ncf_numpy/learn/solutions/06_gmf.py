"""Exercise 6: GMF, a whole model, on a batch in which users and items repeat.

    logit = h^T (p_u * q_i) + b            He et al. 2017, equation 9

Nothing is new: exercises 2, 3 and 5 in a row, and the product of exercise 1 for a batch.
"""

import numpy as np

from ncf_numpy import GMF, BinaryCrossEntropyWithLogits
from ncf_numpy.learn.exercises import compare, locals_of

users = np.array([3, 1, 3, 0, 2, 1])  # (B,)
items = np.array([2, 5, 2, 1, 5, 0])  # (B,)
labels = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])  # (B,)
B = len(users)

rng = np.random.default_rng(0)
model, loss = GMF(4, 6, 3, rng, dtype=np.float64), BinaryCrossEntropyWithLogits()
model.user_embedding.W[:] = rng.normal(size=(4, 3))
model.item_embedding.W[:] = rng.normal(size=(6, 3))
right_logits = model.forward(users, items)
loss.forward(right_logits, labels)
right_dlogits = loss.backward()
backward = locals_of(model.backward, right_dlogits)

P, Q = model.user_embedding.W, model.item_embedding.W  # (4, K), (6, K)
h, b = model.output.W[:, 0], model.output.b[0]  # (K,), a number


def scatter(ids, dy, n_rows):
    """The embedding's backward: sum the gradients of equal ids."""
    dW = np.zeros((n_rows, dy.shape[1]))
    np.add.at(dW, ids, dy)
    return dW


print("Forward")
p = P[users]  # answer: (B, K)
compare("p", p, model.p, "row b is the vector of user users[b]")
q = Q[items]  # answer: (B, K)
compare("q", q, model.q, "row b is the vector of item items[b]")
phi = p * q  # answer: (B, K)
compare("phi", phi, model.output.x, "equation 8, the element-wise product")
logits = phi @ h + b  # answer: (B,)
compare("logits", logits, right_logits, "an inner product of each row with h")

print("Backward")
dlogits = (1 / (1 + np.exp(-logits)) - labels) / B  # answer: (B,)
compare("dlogits", dlogits, right_dlogits, "y_hat - y, and the mean's 1/B")
dh = phi.T @ dlogits  # answer: (K,)
compare("dh", dh, model.output.dW[:, 0], "the dW of a dense layer with one output")
db = dlogits.sum()  # answer: a number
compare("db", db, model.output.db[0], "b is added in every row of the batch")
dphi = dlogits[:, None] * h  # answer: (B, K)
compare("dphi", dphi, backward["dphi"], "each row's dlogit times h: (B, 1) * (K,)")
dp = dphi * q  # answer: (B, K)
compare("dp", dp, backward["dp"], "by the product rule, q and not p")
dq = dphi * p  # answer: (B, K)
compare("dq", dq, backward["dq"], "by the product rule, p and not q")
dP = scatter(users, dp, 4)  # answer: (4, K)
compare("dP", dP, model.user_embedding.dW.to_dense(), "users 1 and 3 occur twice: their sum")
dQ = scatter(items, dq, 6)  # answer: (6, K)
compare("dQ", dQ, model.item_embedding.dW.to_dense(), "items 2 and 5 occur twice: their sum")
print("Exercise 6 solved.")
