"""Exercise 10: the drift of a row nobody reads: many steps of Adam as one.

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

docs/adam.md derives it and bounds what it neglects.
"""

import numpy as np

from ncf_numpy import Adam
from ncf_numpy.learn.exercises import compare
from ncf_numpy.training.deferred_updates import DeferredUpdates

lr, beta1, beta2, eps = 1e-3, 0.9, 0.999, 1e-3
s, t = 100, 140
m, v = np.array([0.5, -2e-4]), np.array([1.0, 1e-6])  # (n,), (n,) in step s + 1
k = np.arange(t - s)  # (40,) 0, 1, ..., 39

dense, row = Adam(lr, beta1, beta2, eps), np.zeros(2)
dense.t, dense.m, dense.v = s, {"W": m / beta1}, {"W": v / beta2}
right_m_k, right_v_k = np.empty((2, 2, 40))
for n in k:
    dense.step([("W", row, np.zeros(2))])
    right_m_k[:, n], right_v_k[:, n] = dense.m["W"], dense.v["W"]
steps = DeferredUpdates(lr, beta1, beta2, eps)
size, eps_mean, spread = steps.as_one(np.array([s]), t, m[None])[:, 0]  # (n,) each
right_scale = np.sqrt(v / (1 - beta2)) + eps_mean
right_drift = size * m / (1 - beta1) / (right_scale - spread / right_scale)

print("One step at a time")
i = s + 1 + k  # (40,) the numbers of the steps
alpha = ...  # (40,)
compare("alpha", alpha, [steps.one_step(n)[0] / steps.gain for n in i], "Adam's alpha_t, t = i")
m_k = ...  # (n, 40) a row for each weight, a column for each step
compare("m_k", m_k, right_m_k, "m[:, None] is (n, 1)")
v_k = ...  # (n, 40)
compare("v_k", v_k, right_v_k, "as m_k, with beta2")
slow_drift = ...  # (n,) the sum of all steps
compare("slow_drift", slow_drift, -row, "sum over the steps, axis=1; subtracted, W moves by it")

print("All at once")
a = ...  # (40,) the weights a_k
compare("a", a, alpha * steps.powers[0, :40], "alpha decays with beta1 / sqrt(beta2)")
S_0 = ...  # a number, the size of the one step
compare("S_0", S_0, size[0] / steps.gain, "the sum of the weights")
x = ...  # (40,) the x_k
compare(
    "x", x, np.sqrt(v[0] / right_v_k[0]), "it begins with 1 and grows, but to no more than 1.02"
)
x_mean = ...  # a number, the mean of x_k
compare("x_mean", x_mean, eps_mean[0] / steps.eps, "sum of a_k x_k over sum of a_k")
x_var = ...  # a number, the variance of x_k
compare("x_var", x_var, spread[0] / steps.eps**2, "the mean, with the same weights, of a square")
scale = ...  # (n,)
compare("scale", scale, right_scale * np.sqrt(1 - beta2), "Adam's denominator, with another eps")
drift = ...  # (n,)
compare("drift", drift, right_drift, "one step of Adam, of size S_0")
error = np.abs(drift / slow_drift - 1)
print(f"Exercise 10 solved. Relative error {error[0]:.1e}; where sqrt(v) = eps, {error[1]:.1e}.")
