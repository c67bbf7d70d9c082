"""The formulas of core/optimizers.py."""

from .formula import Formula

SQUARED_PLUS = "{v[rows][...]} + (1 - {self.beta2}) * {g[...]} * {g[...]}"

FORMULAS = {
    "SGD.step": {
        "W[rows] -= self.lr * (g + self.l2 * W[rows])": Formula(
            "W = W - lr (g + l2 W)",
            "{W[rows][...]} - {self.lr} * ({g[...]} + {self.l2} * {W[rows][...]})",
        ),
    },
    "Adagrad.step": {
        "self.s[name] = np.zeros_like(W)": None,
        "s = self.s[name]": None,
        "g = g + self.l2 * W[rows]": Formula(
            "g = g + l2 W", "{g[...]} + {self.l2} * {W[rows][...]}"
        ),
        "s[rows] += g * g": Formula("s = s + g^2", "{s[rows][...]} + {g[...]} * {g[...]}"),
        "W[rows] -= self.lr * g / (np.sqrt(s[rows]) + self.eps)": Formula(
            "W = W - lr g / (sqrt(s) + eps)",
            "{W[rows][...]} - {self.lr} * {g[...]} / (sqrt({s[rows][...]}) + {self.eps})",
        ),
    },
    "Adam.step": {
        "gradients = present(parameters, self.m)": None,
        "self.t += 1": None,
        "alpha = self.lr * math.sqrt(1 - self.beta2**self.t) / (1 - self.beta1**self.t)": Formula(
            "alpha_t = lr sqrt(1 - beta2^t) / (1 - beta1^t)",
            "{self.lr} * sqrt(1 - {self.beta2}**{self.t}) / (1 - {self.beta1}**{self.t})",
        ),
        "self.m[name], self.v[name] = np.zeros_like(W), np.zeros_like(W)": None,
        "m, v = self.m[name], self.v[name]": None,
        "m *= self.beta1": Formula("m = beta1 m", "{m[rows][...]} * {self.beta1}", value="m[rows]"),
        "m[rows] += (1 - self.beta1) * g": Formula(
            "m = m + (1 - beta1) g", "{m[rows][...]} + (1 - {self.beta1}) * {g[...]}"
        ),
        "v *= self.beta2": Formula("v = beta2 v", "{v[rows][...]} * {self.beta2}", value="v[rows]"),
        "v[rows] += (1 - self.beta2) * g * g": Formula("v = v + (1 - beta2) g^2", SQUARED_PLUS),
        "W -= alpha * m / (np.sqrt(v) + self.eps)": Formula(
            "W = W - alpha_t m / (sqrt(v) + eps)",
            "{W[rows][...]} - {alpha} * {m[rows][...]} / (sqrt({v[rows][...]}) + {self.eps})",
            value="W[rows]",
        ),
    },
}
