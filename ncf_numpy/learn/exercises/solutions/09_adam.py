"""Exercise 9: Adam, four steps of it, with gradients that change.

    m = beta1 m + (1 - beta1) g                  a mean of the gradients
    v = beta2 v + (1 - beta2) g^2                a mean of their squares
    alpha_t = lr sqrt(1 - beta2^t) / (1 - beta1^t)
    W = W - alpha_t m / (sqrt(v) + eps)          t = 1, 2, 3, ...

m and v start at 0, so the first of them are too small: after t equal gradients m is (1 - beta1^t) g
and v is (1 - beta2^t) g^2. alpha_t makes up for both. As long as |g| is large against eps, the
first step is about lr sign(g). A correction without t is right at the first step only, so there
are four. beta2 is usually 0.999 and eps 1e-8; here they are such that a wrong place of them shows.
"""

import numpy as np

from ncf_numpy.learn.exercises import check

lr, beta1, beta2, eps = 0.05, 0.9, 0.995, 1e-3
gradients = np.array([[1.0, -2.0], [0.5, 4.0], [-1.5, 0.25], [0.0, 0.0]])  # (4, n)

W = np.array([0.7, -1.2])  # (n,)
m, v = np.zeros(2), np.zeros(2)  # (n,), (n,)
for t, g in enumerate(gradients, start=1):
    print(f"Step {t}, gradient {g}")
    m = beta1 * m + (1 - beta1) * g  # answer: (n,)
    # hint: Nine tenths of what it was, one tenth of g.
    # hint: beta1 times m, plus 1 - beta1 times g
    # mistake: beta1 * m + g -> the factor 1 - beta1 is missing
    # mistake: (1 - beta1) * m + beta1 * g -> `beta1` and 1 - beta1 are exchanged
    # mistake: beta1 * m + (1 - beta1) * g**2 -> the square belongs to `v`
    # mistake: (1 - beta1) * g -> what `m` was is forgotten
    check("m", m)
    v = beta2 * v + (1 - beta2) * g**2  # answer: (n,)
    # hint: As m, with beta2 and the square of g.
    # hint: beta2 times v, plus 1 - beta2 times g**2
    # mistake: beta2 * v + g**2 -> the factor 1 - beta2 is missing
    # mistake: (1 - beta2) * v + beta2 * g**2 -> `beta2` and 1 - beta2 are exchanged
    # mistake: beta2 * v + (1 - beta2) * g -> the square of `g` is missing
    # mistake: beta2 * v + (1 - beta2) * np.abs(g) -> the square of `g`, not its absolute value
    # mistake: beta2 * v + ((1 - beta2) * g) ** 2 -> only `g` is squared, not the factor before it
    # mistake: (beta2 * v + (1 - beta2) * g) ** 2 -> only `g` is squared, not the sum
    # mistake: (1 - beta2) * g**2 -> what `v` was is forgotten
    # mistake: beta2 * v + (1 - beta2) * m**2 -> the square of `g`, not that of `m`
    check("v", v)
    alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)  # answer: a number
    # hint: The number of the step stands in the exponents: it is t.
    # hint: The root is of 1 - beta2**t, the denominator is 1 - beta1**t.
    # mistake: lr * np.sqrt(1 - beta2) / (1 - beta1) -> `t` is missing: the powers are of the step
    # mistake: lr * (1 - beta1**t) / np.sqrt(1 - beta2**t) -> the fraction is upside down
    # mistake: lr * np.sqrt(1 - beta1**t) / (1 - beta2**t) -> `beta1` and `beta2` are exchanged
    # mistake: lr * np.sqrt(1 - beta2 ** (t - 1)) / (1 - beta1 ** (t - 1)) -> t counts from 1
    # mistake: lr * np.sqrt(1 - beta2 ** (t + 1)) / (1 - beta1 ** (t + 1)) -> t is one too large
    # mistake: lr * np.sqrt(1 - beta2 * t) / (1 - beta1 * t) -> the powers are of `t`: not a product
    # mistake: lr -> the correction of the bias is missing
    check("alpha", alpha)
    W = W - alpha * m / (np.sqrt(v) + eps)  # answer: (n,)
    # hint: Where is eps, inside the root or outside?
    # hint: W minus alpha times m, over the root of v plus eps
    # mistake: W - alpha * m / np.sqrt(v + eps) -> `eps` is inside the root: it belongs outside
    # mistake: W - alpha * m / np.sqrt(v + eps**2) -> `eps` is inside the root: it belongs outside
    # mistake: W + alpha * m / (np.sqrt(v) + eps) -> the sign: this goes up the gradient
    # mistake: W - alpha * m / (v + eps) -> the root of `v` is missing
    # mistake: W - alpha * g / (np.sqrt(v) + eps) -> `g` in the place of its mean `m`
    # mistake: W - lr * m / (np.sqrt(v) + eps) -> `lr` in the place of `alpha`
    # mistake: W - alpha * m / np.sqrt(v) -> `eps` is missing
    # mistake: W - alpha * m / np.sqrt(v) + eps -> `eps` is outside the fraction: use parentheses
    # mistake: W - alpha * m / (np.sqrt(v) + eps * np.sqrt(1 - beta2**t)) -> PyTorch's form of `eps`
    check("W", W)
print("Exercise 9 solved. In step 4 the gradient was zero, and W moved all the same: momentum.")
