"""Exercise 2: sigmoid, then cross-entropy: two ugly derivatives whose product is y_hat - y.

For a batch of B logits z with labels y:

    y_hat = 1 / (1 + exp(-z)),   loss = -1/B sum [ y log(y_hat) + (1 - y) log(1 - y_hat) ]

The gradient is taken in two steps, then in one. Then the two meet logits that are too large for
the first formula; only the one that was simplified on paper survives.
"""

import numpy as np

from ncf_numpy import BinaryCrossEntropy, BinaryCrossEntropyWithLogits, Sigmoid
from ncf_numpy.learn.exercises import compare

z = np.array([2.0, -1.0, 0.5, 0.0])  # (B,)
y = np.array([1.0, 0.0, 0.0, 1.0])  # (B,)
B = len(z)

sigmoid, loss = Sigmoid(), BinaryCrossEntropy()
right_y_hat = sigmoid.forward(z)
right_value = loss.forward(right_y_hat, y)
right_dy_hat = loss.backward()

print("Forward")
y_hat = 1 / (1 + np.exp(-z))  # answer: (B,)
compare("y_hat", y_hat, right_y_hat, "np.exp works on all of z at once; mind the minus")
value = -np.mean(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat))  # answer: a number, the mean
compare("value", value, right_value, "the mean over the batch of -log(what the label's side got)")

print("Backward in two steps")
dy_hat = (y_hat - y) / (y_hat * (1 - y_hat)) / B  # answer: (B,) the derivative of value by y_hat
compare(
    "dy_hat",
    dy_hat,
    right_dy_hat,
    "-y / y_hat + (1 - y) / (1 - y_hat) on a common denominator; the mean divides by B",
)
dz = dy_hat * y_hat * (1 - y_hat)  # answer: (B,) from dy_hat, by the chain rule
compare("dz", dz, sigmoid.backward(right_dy_hat), "the sigmoid's own slope is y_hat (1 - y_hat)")

print("Backward in one")
fused = BinaryCrossEntropyWithLogits()
fused.forward(z, y)
dz_fused = (y_hat - y) / B  # answer: (B,) what is left when y_hat (1 - y_hat) cancels
compare("dz_fused", dz_fused, fused.backward(), "multiply the two lines above before you compute")

print("Logits of 1000: exp(1000) overflows, log(0) is infinite")
z = np.array([1000.0, -1000.0, 30.0])  # (3,)
y = np.array([0.0, 1.0, 1.0])  # (3,)
e = np.exp(-np.abs(z))  # answer: (3,) exp of something that is never positive
compare("e", e, [0, 0, np.exp(-30)], "exp(-|z|) is in (0, 1], whatever z is")
losses = np.maximum(z, 0) - z * y + np.log1p(e)  # answer: (3,) by z, y and e alone
right_losses = [fused.forward(z[k : k + 1], y[k : k + 1]) for k in range(3)]
compare(
    "losses",
    losses,
    right_losses,
    "log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)); np.log1p(e) keeps what 1 + e rounds away",
)
print("Exercise 2 solved.")
