"""Exercise 2: sigmoid, then cross-entropy: two long derivatives whose product is y_hat - y.

For a batch of B logits z with labels y:

    y_hat = 1 / (1 + exp(-z)),   loss = -1/B sum [ y log(y_hat) + (1 - y) log(1 - y_hat) ]

The gradient is taken in two steps, then in one. Then the two meet logits that are too large for
the first formula; only the one that was simplified on paper survives.
"""

import numpy as np

from ncf_numpy.learn.exercises import check

z = np.array([2.0, -1.0, 0.5, 0.0])  # (B,)
y = np.array([1.0, 0.0, 0.0, 1.0])  # (B,)
B = len(z)

print("Forward")
y_hat = 1 / (1 + np.exp(-z))  # answer: (B,)
# hint: np.exp works on all of z at once. Mind the sign in the exponent.
# hint: 1 / (1 + np.exp(-z))
# mistake: 1 / (1 + np.exp(z)) -> the sign in the exponent: the sigmoid has exp(-z)
check("y_hat", y_hat)
value = -np.mean(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))  # answer: a number, the mean
# hint: For each row: minus the logarithm of the probability that the true label got. Then the mean.
# hint: Where y is 1 only log(y_hat) counts, where y is 0 only log(1 - y_hat).
# mistake: -np.sum(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) -> the mean's 1/B is missing
# mistake: -(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) -> the mean over the batch is missing
# mistake: -np.mean(y * np.log(y_hat)) -> the term of the rows with label 0 is missing
# mistake: -np.mean((1 - y) * np.log(y_hat) + y * np.log(1 - y_hat)) -> `y` and 1 - y are exchanged
check("value", value)

print("Backward in two steps")
dy_hat = (y_hat - y) / (y_hat * (1 - y_hat)) / B  # answer: (B,) derivative w.r.t. y_hat
# hint: The derivative of log(y_hat) is 1 / y_hat, that of log(1 - y_hat) is -1 / (1 - y_hat).
# hint: (-y / y_hat + (1 - y) / (1 - y_hat)) / B, which has a common denominator
# mistake: (y_hat - y) / (y_hat * (1 - y_hat)) -> the mean's 1/B is missing
# mistake: (y - y_hat) / (y_hat * (1 - y_hat)) / B -> the sign: the loss is minus the logarithm
# mistake: (-y / y_hat - (1 - y) / (1 - y_hat)) / B -> the inner derivative of 1 - y_hat is -1
# mistake: (y_hat - y) / B -> this is the derivative with respect to z, not to y_hat
check("dy_hat", dy_hat)
dz = dy_hat * y_hat * (1 - y_hat)  # answer: (B,) from dy_hat, by the chain rule
# hint: The chain rule: dy_hat times the derivative of the sigmoid, written with its own output.
# hint: The derivative of the sigmoid is y_hat * (1 - y_hat).
# mistake: y_hat * (1 - y_hat) -> `dy_hat` is missing: the chain rule multiplies by it
# mistake: dy_hat * z * (1 - z) -> the derivative of the sigmoid is y_hat (1 - y_hat), not z (1 - z)
# mistake: dy_hat * y * (1 - y) -> the derivative of the sigmoid is y_hat (1 - y_hat), not y (1 - y)
# mistake: dy_hat / (y_hat * (1 - y_hat)) -> the chain rule multiplies; this divides
check("dz", dz)

print("Backward in one")
dz_fused = (y_hat - y) / B  # answer: (B,) what is left when y_hat (1 - y_hat) cancels
# hint: Multiply the two derivatives above on paper before you compute.
# hint: y_hat - y is left, and the mean's 1/B.
# mistake: y_hat - y -> the mean's 1/B is missing
# mistake: (y - y_hat) / B -> the sign: it is y_hat - y, not y - y_hat
# mistake: y - y_hat -> the sign, and the mean's 1/B is missing
# mistake: (z - y) / B -> the sigmoid is missing: this is z - y, not y_hat - y
check("dz_fused", dz_fused)

print("Logits of 1000: exp(1000) overflows, log(0) is infinite")
z = np.array([1000.0, -1000.0, 30.0, 0.5])  # (4,)
y = np.array([0.0, 1.0, 1.0, 0.0])  # (4,)
e = np.exp(-np.abs(z))  # answer: (4,) exp of something that is never positive
# hint: exp(-|z|) is between 0 and 1, whatever z is.
# hint: np.abs gives |z|.
# mistake: np.exp(-z) -> exp overflows where z is negative: `-z` is positive there
# mistake: np.exp(z) -> exp overflows where z is positive: it is exp(-|z|)
# mistake: np.exp(np.abs(z)) -> the minus is missing, and exp overflows
# mistake: -np.abs(z) -> the exponential is missing
check("e", e)
losses = np.maximum(z, 0) - z * y + np.log1p(e)  # answer: (4,) by z, y and e alone
# hint: On paper the loss of a row is log(1 + exp(z)) - z y. The first term has to be rewritten.
# hint: log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)); np.log1p(e) is log(1 + e)
# mistake: np.maximum(z, 0) + z * y + np.log1p(e) -> the sign of `z * y`: it is subtracted
# mistake: np.maximum(-z, 0) - z * y + np.log1p(e) -> the sign: it is max(z, 0)
# mistake: np.log(1 + np.exp(z)) - z * y -> exp overflows: use `e`, which is never above 1
# mistake: -np.log(1 / (1 + np.exp(-z))) -> exp overflows, and the labels are missing
check("losses", losses)
print("Exercise 2 solved.")
