"""Exercise 9: Adam, four steps of it, with gradients that change.

    m = beta1 m + (1 - beta1) g                  a mean of the gradients
    v = beta2 v + (1 - beta2) g^2                a mean of their squares
    alpha_t = lr sqrt(1 - beta2^t) / (1 - beta1^t)
    W = W - alpha_t m / (sqrt(v) + eps)          t = 1, 2, 3, ...

m and v start at 0, so the first of them are too small: after t equal gradients m is (1 - beta1^t) g
and v is (1 - beta2^t) g^2. alpha_t makes up for both. The first step is about lr sign(g), however
large the gradient is. A correction without t is right at the first step only: hence four.
"""

import numpy as np

from ncf_numpy import Adam
from ncf_numpy.learn.exercises import compare, locals_of

lr, beta1, beta2, eps = 0.1, 0.9, 0.999, 1e-8
gradients = np.array([[1.0, -2.0], [0.5, 4.0], [-1.5, 0.0], [0.0, 0.0]])  # (4, n)

right, right_W = Adam(lr, beta1, beta2, eps), np.array([1.0, 1.0])
W = np.array([1.0, 1.0])  # (n,)
m, v = np.zeros(2), np.zeros(2)  # (n,), (n,)
for t, g in enumerate(gradients, start=1):
    print(f"Step {t}, gradient {g}")
    step = locals_of(right.step, [("W", right_W, g)])
    m = ...  # (n,)
    compare("m", m, right.m["W"], "nine tenths of what it was, one tenth of g")
    v = ...  # (n,)
    compare("v", v, right.v["W"], "likewise with beta2 and the square of g")
    alpha = ...  # a number
    compare("alpha", alpha, step["alpha"], f"the powers are of t, which is now {t}")
    W = ...  # (n,)
    compare("W", W, right_W, "eps is outside the root")
print("Exercise 9 solved. In step 4 the gradient was zero, and W moved all the same: momentum.")
