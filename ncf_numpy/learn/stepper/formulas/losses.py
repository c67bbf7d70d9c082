"""The formulas of core/losses.py."""

from .formula import Formula

MEAN = Formula(
    "L = 1/B sum over b of l_b", "{losses[b]}", "", whole="(SUM) / {len(losses)}", name="L"
)

FORMULAS = {
    "BinaryCrossEntropy.forward": {
        "y = check_labels(labels, p)": None,
        "self.labels = y": None,
        "eps = np.finfo(p.dtype).eps": None,
        "self.p = p.clip(eps, 1 - eps)": Formula(
            "p = min(max(p, eps), 1 - eps)", "min(max({p[b]}, {eps}), 1 - {eps})", "b"
        ),
        "losses = -(y * np.log(self.p) + (1 - y) * np.log1p(-self.p))": Formula(
            "l_b = -(y log p + (1 - y) log(1 - p))",
            "-({y[b]} * log({self.p[b]}) + (1 - {y[b]}) * log(1 - {self.p[b]}))",
            "b",
        ),
        "return float(losses.sum() / len(losses))": MEAN,
    },
    "BinaryCrossEntropy.backward": {
        "p, y = self.p, self.labels": None,
        "dp = (p - y) / (p * (1 - p)) / len(p)": Formula(
            "dL/dp = (p - y) / (p (1 - p)) / B",
            "({p[b]} - {y[b]}) / ({p[b]} * (1 - {p[b]})) / {len(p)}",
            "b",
            of="p",
        ),
    },
    "BinaryCrossEntropyWithLogits.forward": {
        "self.labels = check_labels(labels, z)": None,
        "self.z = z": None,
        "losses = np.maximum(z, 0) - z * self.labels + np.log1p(np.exp(-np.abs(z)))": Formula(
            "l_b = max(z, 0) - z y + log(1 + e^-|z|)",
            "max({z[b]}, 0) - {z[b]} * {self.labels[b]} + log(1 + exp(-abs({z[b]})))",
            "b",
        ),
        "return float(losses.sum() / len(losses))": MEAN,
    },
    "BinaryCrossEntropyWithLogits.backward": {
        "dz = (sigmoid(self.z) - self.labels) / len(self.z)": Formula(
            "dL/dz = (sigmoid(z) - y) / B",
            "(1 / (1 + exp(-{self.z[b]})) - {self.labels[b]}) / {len(self.z)}",
            "b",
            of="z",
        ),
    },
    "BPR.forward": {
        "labels = check_labels(labels, z)": None,
        "B = len(z) // 2": None,
        "sign = labels[:B] - labels[B : 2 * B]": Formula(
            "sign = y_pos - y_neg", "{labels[b]} - {labels[b + B]}", "b"
        ),
        "self.sign, self.x = sign, sign * (z[:B] - z[B:])": [
            None,
            Formula("x = z_pos - z_neg", "{sign[b]} * ({z[b]} - {z[b + B]})", "b"),
        ],
        "losses = np.maximum(-self.x, 0) + np.log1p(np.exp(-np.abs(self.x)))": Formula(
            "l_b = log(1 + e^-x)",
            "max(-{self.x[b]}, 0) + log(1 + exp(-abs({self.x[b]})))",
            "b",
        ),
        "return float(losses.sum() / len(losses))": MEAN,
    },
    "BPR.backward": {
        "dx = -sigmoid(-self.x) / len(self.x)": Formula(
            "dL/dx = -sigmoid(-x) / B", "-1 / (1 + exp({self.x[b]})) / {len(self.x)}", "b"
        ),
        "dz = np.concatenate([dx * self.sign, -dx * self.sign])": Formula(
            "dL/dz_pos = dL/dx,  dL/dz_neg = -dL/dx",
            "{dx[b]} * {self.sign[b]}",
            "b",
            where="b < len(dx)",
            otherwise="-{dx[b - len(dx)]} * {self.sign[b - len(dx)]}",
            of="z",
        ),
    },
}
