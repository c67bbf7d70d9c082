"""Exercise 10: the drift of a row that no batch reads: many steps of Adam as one.

A row of an embedding was in the batch of step s + 1 = 101 and then in none until t = 140. Its
gradient is 0 in steps 102 to 140, but its momentum is not: dense Adam moves it 40 times. With m and
v as they are in step s + 1, k = 0 ... 39 steps later

    m_k = beta1^k m,    v_k = beta2^k v,    the step is alpha_(s+1+k) m_k / (sqrt(v_k) + eps)

Divide numerator and denominator by beta2^(k/2), and all depends on k through two factors only:

    a_k m / (sqrt(v) + eps x_k)    with    a_k = alpha_(s+1+k) (beta1 / sqrt(beta2))^k
                                   and     x_k = beta2^(-k/2)

x_k hardly changes while a_k dies away, so its mean and variance under the weights a_k say nearly
all about it. What is left is one step, of size S_0 = sum a_k:

    S_0 m / (scale - eps^2 var(x) / scale)      with    scale = sqrt(v) + eps mean(x)

docs/explanation/adam.md derives it and bounds what it neglects.
"""

import numpy as np

from ncf_numpy.learn.exercises import check

lr, beta1, beta2, eps = 1e-3, 0.9, 0.999, 1e-3
s, t = 100, 140
m, v = np.array([0.5, -2e-4]), np.array([1.0, 1e-6])  # (n,), (n,) in step s + 1
k = np.arange(t - s)  # (40,) 0, 1, ..., 39

print("One step at a time")
i = s + 1 + k  # (40,) the numbers of the steps
alpha = lr * np.sqrt(1 - beta2**i) / (1 - beta1**i)  # answer: (40,)
# hint: The alpha_t of exercise 9, for all steps at once: i takes the place of t.
# hint: beta2**i is an array of 40 powers.
# mistake: lr * np.sqrt(1 - beta2**k) / (1 - beta1**k) -> the steps are numbered by `i`, not by `k`
# mistake: lr * np.sqrt(1 - beta2**t) / (1 - beta1**t) -> `t` is the last step only: use `i`
# mistake: lr * np.sqrt(1 - beta1**i) / (1 - beta2**i) -> `beta1` and `beta2` are exchanged
check("alpha", alpha)
m_k = m[:, None] * beta1**k  # answer: (n, 40) a row for each weight, a column for each step
# hint: A row for each weight and a column for each step: which axis does m need?
# hint: m[:, None] is (n, 1), and beta1**k is (40,).
# mistake: m[:, None] * beta2**k -> `beta2` belongs to `v`
# mistake: m[:, None] * beta1**i -> the decay counts from step s + 1: the power is `k`, not `i`
check("m_k", m_k)
v_k = v[:, None] * beta2**k  # answer: (n, 40)
# hint: As m_k, with beta2.
# hint: v[:, None] is (n, 1).
# mistake: v[:, None] * beta1**k -> `beta1` belongs to `m`
# mistake: v[:, None] * beta2**i -> the decay counts from step s + 1: the power is `k`, not `i`
check("v_k", v_k)
slow_drift = (alpha * m_k / (np.sqrt(v_k) + eps)).sum(axis=1)  # answer: (n,) the sum of all steps
# hint: The step of exercise 9 for each column, then the sum over the columns.
# hint: axis=1 is that of the steps
# mistake: (alpha * m_k / np.sqrt(v_k + eps)).sum(axis=1) -> `eps` is inside the root
# mistake: (alpha * m_k / (np.sqrt(v_k) + eps)).sum(axis=0) -> the wrong axis: the steps are axis 1
# mistake: (alpha * m_k / (np.sqrt(v_k) + eps)).mean(axis=1) -> a mean in the place of the sum
check("slow_drift", slow_drift)

print("All at once")
a = alpha * (beta1 / np.sqrt(beta2)) ** k  # answer: (40,) the weights a_k
# hint: alpha, and the quotient of the two decays to the power k.
# hint: beta1 over the root of beta2
# mistake: alpha * (beta1 / beta2) ** k -> the root of `beta2` is missing
# mistake: alpha * (beta1 / np.sqrt(beta2)) ** i -> the power is `k`, not `i`
check("a", a)
S_0 = a.sum()  # answer: a number, the size of the one step
# hint: The sum of the weights.
# hint: a.sum()
# mistake: a.mean() -> a mean in the place of the sum
# mistake: alpha.sum() -> the sum of the weights `a`, not of `alpha`
check("S_0", S_0)
x = beta2 ** (-k / 2)  # answer: (40,) the x_k
# hint: It begins with 1 and grows, but to no more than 1.02.
# hint: beta2 to the power -k/2
# mistake: beta2 ** (k / 2) -> the sign of the exponent: it is -k/2
# mistake: beta2 ** (-1.0 * k) -> the exponent is -k/2, not -k
# mistake: beta1 ** (-k / 2) -> `beta2`, not `beta1`
check("x", x)
x_mean = (a * x).sum() / S_0  # answer: a number, the mean of x_k
# hint: A mean with the weights a: the sum of a_k x_k over the sum of the weights.
# hint: The sum of the weights is S_0.
# mistake: x.mean() -> unweighted: the mean is under the weights `a`
# mistake: (a * x).sum() -> the division by the sum of the weights is missing
# mistake: (a * x).mean() -> this divides by the number of steps, not by the sum of the weights
check("x_mean", x_mean)
x_var = (a * (x - x_mean) ** 2).sum() / S_0  # answer: a number, the variance of x_k
# hint: The mean, with the same weights, of a square.
# hint: The square is of x minus its mean.
# mistake: x.var() -> unweighted: the variance is under the weights `a`
# mistake: ((x - x_mean) ** 2).mean() -> unweighted: the variance is under the weights `a`
# mistake: (a * (x - x_mean) ** 2).sum() -> the division by the sum of the weights is missing
# mistake: (a * x**2).sum() / S_0 -> the mean is not subtracted
# mistake: np.sqrt((a * (x - x_mean) ** 2).sum() / S_0) -> this is its root, the standard deviation
# mistake: (a * (x - x.mean()) ** 2).sum() / S_0 -> the mean to subtract is the weighted one
check("x_var", x_var)
scale = np.sqrt(v) + eps * x_mean  # answer: (n,)
# hint: Adam's denominator, with the mean of eps x_k in the place of eps.
# hint: The root of v, plus eps times x_mean
# mistake: np.sqrt(v) + eps -> the factor `x_mean` is missing
# mistake: np.sqrt(v + eps * x_mean) -> the second term is inside the root: it belongs outside
check("scale", scale)
drift = S_0 * m / (scale - eps**2 * x_var / scale)  # answer: (n,)
# hint: One step of Adam, of size S_0, with the denominator that the text above gives.
# hint: The denominator is scale minus eps**2 times x_var over scale.
# mistake: S_0 * m / scale -> the second term of the denominator is missing
# mistake: S_0 * m / (scale + eps**2 * x_var / scale) -> the sign of the second term
# mistake: -S_0 * m / (scale - eps**2 * x_var / scale) -> the sign: drift is what W is reduced by
# mistake: S_0 * m / (scale - eps * x_var / scale) -> `eps` is squared in the second term
check("drift", drift)
error = np.abs(drift / slow_drift - 1)
print(f"Exercise 10 solved. Relative error {error[0]:.1e}; where sqrt(v) = eps, {error[1]:.1e}.")
