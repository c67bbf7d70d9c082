"""Exercise 1: one pair by hand, every number of it. GMF with two factors, one user and one item.

Replace each `...` by what you worked out on paper, numbers or a formula, and run the file after
every one:  python -m ncf_numpy exercise 1  says what is right and what is not, with a hint.
The user has the item, so the label is 1. Forward:

    phi = p * q                             element by element
    logit = h . phi + b                     an inner product
    y_hat = 1 / (1 + exp(-logit))
    loss = -log(y_hat)                      the label is 1

Backward, from the last line up; every step is one derivative times the one before it:

    dlogit = y_hat - 1                      dL/dlogit: exercise 2 says why
    dh = dlogit * phi,   db = dlogit        dL/dh and dL/db
    dphi = dlogit * h
    dp = dphi * q,       dq = dphi * p      the derivative of a product is the other factor
"""

import numpy as np

from ncf_numpy.learn.exercises import check

p, q = np.array([1.0, 2.0]), np.array([3.0, -1.0])  # the vectors of the user and of the item
h, b = np.array([0.5, 1.0]), 0.5  # the output layer
lr = 0.1  # the learning rate

print("Forward")
phi = p * q  # answer: two numbers
# hint: Multiply the first numbers of p and q, then the second numbers.
# hint: phi = [1 * 3, 2 * -1]
# mistake: (p * q).sum() -> `phi` is the product element by element: the sum belongs to `logit`
check("phi", phi)
logit = h @ phi + b  # answer: one number
# hint: An inner product is a sum of products. Then the bias is added.
# hint: logit = 0.5 * phi[0] + 1 * phi[1] + b
# mistake: h @ phi -> the bias `b` is missing
# mistake: h * phi + b -> the sum of the inner product is missing
check("logit", logit)
y_hat = 1 / (1 + np.exp(-logit))  # answer: one number
# hint: Put the logit into the formula of the sigmoid.
# hint: exp(0) is 1
# mistake: logit -> the sigmoid is missing: this is the logit itself
check("y_hat", y_hat)
value_by_hand = -np.log(y_hat)  # answer: one number, as np.log(...)
# hint: The label is 1, so the loss is minus the logarithm of y_hat.
# hint: -log(1/2) = log(2), in Python np.log(2)
# mistake: -np.log10(y_hat) -> this is the logarithm to base 10: the loss takes the natural one
# mistake: -np.log2(y_hat) -> this is the logarithm to base 2: the loss takes the natural one
# mistake: y_hat -> the logarithm is missing
check("value_by_hand", value_by_hand)

print("Backward")
dlogit = y_hat - 1  # answer: one number
# hint: y_hat is too small, so the loss falls where the logit grows: which sign has dlogit?
# hint: dlogit = y_hat - 1
# mistake: 1 - y_hat -> the sign: `dlogit` is y_hat minus the label, not the label minus y_hat
check("dlogit", dlogit)
dh = dlogit * phi  # answer: two numbers
# hint: h[k] is multiplied by phi[k]. What is the derivative of h[k] phi[k] with respect to h[k]?
# hint: dh = dlogit * phi
check("dh", dh)
db = dlogit  # answer: one number
# hint: b is added, with a factor of 1.
# hint: db = dlogit * 1
# mistake: 1.0 -> dlogit is missing: the chain rule multiplies by what comes from above
check("db", db)
dphi = dlogit * h  # answer: two numbers
# hint: phi[k] is multiplied by h[k].
# hint: dphi = dlogit * h
check("dphi", dphi)
dp = dphi * q  # answer: two numbers
# hint: p[k] is multiplied by q[k]: the derivative of a product is the other factor.
# hint: dp = dphi * q
# mistake: dphi * p -> the product rule: the derivative with respect to `p` is the other factor, `q`
# mistake: p -> the product rule: the other factor is `q`, and it is multiplied by `dphi`
# mistake: q -> `dphi` is missing: the chain rule multiplies by what comes from above
check("dp", dp)
dq = dphi * p  # answer: two numbers
# hint: q[k] is multiplied by p[k]: the derivative of a product is the other factor.
# hint: dq = dphi * p
# mistake: dphi * q -> the product rule: the derivative with respect to `q` is the other factor, `p`
# mistake: q -> the product rule: the other factor is `p`, and it is multiplied by `dphi`
# mistake: p -> `dphi` is missing: the chain rule multiplies by what comes from above
check("dq", dq)

print("One step of gradient descent")
p_new = p - lr * dp  # answer: two numbers
# hint: Gradient descent goes against the gradient, by the learning rate times the gradient.
# hint: p_new = p - 0.1 * dp
# mistake: p + lr * dp -> the sign: this goes up, with the gradient and not against it
# mistake: p - dp -> the learning rate `lr` is missing
check("p_new", p_new)
q_new, h_new, b_new = q - lr * dq, h - lr * dh, b - lr * db
again = np.log1p(np.exp(-(h_new @ (p_new * q_new) + b_new)))
print(f"Exercise 1 solved. The loss went from {-np.log(y_hat):.4f} to {again:.4f}.")
