"""Exercise 6: GMF, a whole model, on a batch in which users and items repeat.

    logit = h^T (p_u * q_i) + b            He et al. 2017, equation 9, with a bias

Nothing is new: exercises 2, 3 and 5 in a row, and the product of exercise 1 for a batch.
"""

import numpy as np

from ncf_numpy.learn.exercises import check

users = np.array([3, 1, 3, 0, 2, 1])  # (B,)
items = np.array([2, 5, 2, 1, 5, 0])  # (B,)
labels = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])  # (B,)
B = len(users)

rng = np.random.default_rng(0)
P, Q = rng.normal(size=(4, 3)), rng.normal(size=(6, 3))  # (4, K), (6, K)
h, b = rng.normal(size=3), rng.normal()  # (K,), a number


def scatter(ids, dy, n_rows):
    """The embedding's backward: sum the gradients of equal ids."""
    dW = np.zeros((n_rows, dy.shape[1]))
    np.add.at(dW, ids, dy)
    return dW


print("Forward")
p = P[users]  # answer: (B, K)
# hint: Row b is the vector of user users[b].
# hint: Look the rows up as in exercise 5.
check("p", p)
q = Q[items]  # answer: (B, K)
# hint: Row b is the vector of item items[b].
# hint: Look the rows up as in exercise 5.
check("q", q)
phi = p * q  # answer: (B, K)
# hint: Equation 8 of the paper: the product element by element.
# hint: phi = p * q, as in exercise 1
# mistake: (p * q).sum(axis=1) -> the sum is too early: `phi` is the product element by element
check("phi", phi)
logits = phi @ h + b  # answer: (B,)
# hint: An inner product of each row with h. Then the bias.
# hint: phi is (B, K) and h is (K,): their matrix product is (B,).
# mistake: phi @ h -> the bias `b` is missing
# mistake: phi.sum(axis=1) + b -> `h` is missing: the output layer weighs the products
# mistake: phi.sum(axis=1) -> `h` and the bias `b` are missing
# mistake: phi * h + b -> the sum over the factors is missing
check("logits", logits)

print("Backward")
dlogits = (1 / (1 + np.exp(-logits)) - labels) / B  # answer: (B,)
# hint: y_hat - y, and the mean's 1/B: exercise 2 in one line.
# hint: y_hat is the sigmoid of the logits, 1 / (1 + np.exp(-logits)).
# mistake: 1 / (1 + np.exp(-logits)) - labels -> the mean's 1/B is missing
# mistake: (labels - 1 / (1 + np.exp(-logits))) / B -> the sign: y_hat - y, not y - y_hat
# mistake: labels - 1 / (1 + np.exp(-logits)) -> the sign, and the mean's 1/B is missing
# mistake: (logits - labels) / B -> the sigmoid is missing
# mistake: logits - labels -> the sigmoid and the mean's 1/B are missing
check("dlogits", dlogits)
dh = phi.T @ dlogits  # answer: (K,)
# hint: The dW of a dense layer with one output: a sum over the batch.
# hint: (K, B) @ (B,)
# mistake: phi.sum(axis=0) -> `dlogits` is missing: the chain rule multiplies by it
check("dh", dh)
db = dlogits.sum()  # answer: a number
# hint: b is added in every row of the batch.
# hint: So its gradient is the sum of all dlogits.
# mistake: dlogits.mean() -> a mean in the place of the sum: 1/B is in `dlogits` already
# mistake: dlogits -> not summed over the batch
check("db", db)
dphi = dlogits[:, None] * h  # answer: (B, K)
# hint: Row b is dlogits[b] times h.
# hint: Write dlogits as a column, (B, 1), so that (B, 1) * (K,) is (B, K).
check("dphi", dphi)
dp = dphi * q  # answer: (B, K)
# hint: The derivative of a product with respect to one factor is the other factor.
# hint: dphi times q, and not times p
# mistake: dphi * p -> the product rule: the derivative with respect to `p` is the other factor, `q`
# mistake: q -> `dphi` is missing: the chain rule multiplies by what comes from above
# mistake: p -> the product rule: the other factor is `q`, and it is multiplied by `dphi`
check("dp", dp)
dq = dphi * p  # answer: (B, K)
# hint: The derivative of a product with respect to one factor is the other factor.
# hint: dphi times p, and not times q
# mistake: dphi * q -> the product rule: the derivative with respect to `q` is the other factor, `p`
# mistake: p -> `dphi` is missing: the chain rule multiplies by what comes from above
# mistake: q -> the product rule: the other factor is `p`, and it is multiplied by `dphi`
check("dq", dq)
dP = scatter(users, dp, 4)  # answer: (4, K)
# hint: The backward of the lookup P[users]. Users 1 and 3 occur twice: their sum.
# hint: scatter is given above: the ids, what came back to each, and the number of rows.
check("dP", dP)
dQ = scatter(items, dq, 6)  # answer: (6, K)
# hint: The backward of the lookup Q[items]. Items 2 and 5 occur twice: their sum.
# hint: scatter is given above: the ids, what came back to each, and the number of rows.
check("dQ", dQ)
print("Exercise 6 solved.")
