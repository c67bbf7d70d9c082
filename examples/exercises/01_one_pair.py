"""Exercise 1: one pair by hand, every number of it. GMF with two factors, one user and one item.

Replace each `...` by what you worked out on paper; run this file after every one. The user has the
item, so the label is 1. Forward:

    phi = p * q                             element by element
    logit = h . phi + b                     an inner product
    y_hat = 1 / (1 + exp(-logit))
    loss = -log(y_hat)                      the label is 1

Backward, from the last line up; every step is one derivative times the one before it:

    dlogit = y_hat - 1                      dL/dlogit: exercise 2 says why
    dh = dlogit * phi,   db = dlogit        dL/dh and dL/db
    dphi = dlogit * h
    dp = dphi * q,       dq = dphi * p      the derivative by one factor is the other
"""

import numpy as np

from ncf_numpy import GMF, SGD, BinaryCrossEntropyWithLogits
from ncf_numpy.learn.exercises import compare, locals_of

p, q = [1.0, 2.0], [3.0, -1.0]  # the vectors of the user and of the item
h, b = [0.5, 1.0], 0.5  # the output layer

model = GMF(1, 1, 2, np.random.default_rng(0), dtype=np.float64)
model.user_embedding.W[:], model.item_embedding.W[:] = p, q
model.output.W[:, 0], model.output.b[:] = h, b
loss = BinaryCrossEntropyWithLogits()
logits = model.forward([0], [0])
value = loss.forward(logits, [1.0])
dlogits = loss.backward()
backward = locals_of(model.backward, dlogits)

print("Forward")
phi = ...  # two numbers
compare("phi", phi, model.output.x[0], "1 * 3, then 2 * -1")
logit = ...  # one number
compare("logit", logit, logits[0], "0.5 * 3 + 1 * -2, and do not forget b")
y_hat = ...  # one number
compare("y_hat", y_hat, 1 / (1 + np.exp(-logits[0])), "exp(0) is 1")
value_by_hand = ...  # one number, as np.log(...)
compare("value_by_hand", value_by_hand, value, "-log(1/2) is log(2)")

print("Backward")
dlogit = ...  # one number
compare("dlogit", dlogit, dlogits[0], "y_hat is too small, so the slope is negative")
dh = ...  # two numbers
compare("dh", dh, model.output.dW[:, 0], "h_k is multiplied by phi_k, so dh_k = dlogit * phi_k")
db = ...  # one number
compare("db", db, model.output.db[0], "b is added, so it receives dlogit unchanged")
dphi = ...  # two numbers
compare("dphi", dphi, backward["dphi"][0], "phi_k is multiplied by h_k")
dp = ...  # two numbers
compare("dp", dp, model.user_embedding.dW.values[0], "p_k is multiplied by q_k: dphi_k * q_k")
dq = ...  # two numbers
compare("dq", dq, model.item_embedding.dW.values[0], "q_k is multiplied by p_k: dphi_k * p_k")

print("One step of gradient descent with learning rate 0.1")
SGD(lr=0.1).step(model.parameters())
p_new = ...  # two numbers
compare("p_new", p_new, model.user_embedding.W[0], "p - 0.1 * dp: a negative slope is walked down")
again = loss.forward(model.forward([0], [0]), [1.0])
print(f"Exercise 1 solved. The loss went from {value:.4f} to {again:.4f}.")
