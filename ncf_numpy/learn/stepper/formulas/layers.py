"""The formulas of core/layers.py."""

from .formula import Formula

FORMULAS = {
    "Embedding.forward": {
        "self.ids = check_ids(ids, len(self.W), self.name)": None,
        "self.y = self.W.take(self.ids, axis=0)": Formula(
            "y_b = W[ids_b]", "{self.W[self.ids[b],k]}", "b,k"
        ),
    },
    "Embedding.backward": {
        "self.dW = RowGradient(self.ids, dy, self.W.shape)": Formula(
            "dW[r] = sum of dy_b over all b with ids_b = r",
            "{dy[b,k]}",
            "r,k",
            where="self.ids[b] == self.dW.rows[r]",
            of="self.W",
            value="self.dW.values",
            name="dW",
        ),
    },
    "Dense.forward": {
        "self.x = x": None,
        "self.y = x.dot(self.W) + self.b": Formula(
            "y = x W + b", "{x[b,i]} * {self.W[i,o]}", "b,o", whole="SUM + {self.b[o]}"
        ),
    },
    "Dense.backward": {
        "self.dW = self.x.T.dot(dy)": Formula(
            "dW = x^T dy", "{self.x[b,i]} * {dy[b,o]}", "i,o", of="self.W"
        ),
        "self.db = np.ones(len(dy), dy.dtype).dot(dy)": Formula(
            "db = sum over b of dy_b", "{dy[b,o]}", "o", of="self.b"
        ),
        "dx = dy.dot(self.W.T)": Formula("dx = dy W^T", "{dy[b,o]} * {self.W[i,o]}", "b,i", of="x"),
    },
    "Bias.forward": {
        "self.y = x + self.b": Formula("y = x + b", "{x[b]} + {self.b[0]}", "b"),
    },
    "Bias.backward": {
        "self.db = dy.sum(keepdims=True)": Formula(
            "db = sum over b of dy_b", "{dy[b]}", "i", of="self.b"
        ),
        "dx = dy": Formula("dx = dy", "{dy[b]}", "b", of="x"),
    },
    "ReLU.forward": {
        "self.x = x": None,
        "self.y = np.maximum(x, 0)": Formula("y = max(x, 0)", "max({x[...]}, 0)"),
    },
    "ReLU.backward": {
        "dx = dy * (self.x > 0)": Formula(
            "dx = dy * [x > 0]", "{dy[...]} * ({self.x[...]} > 0)", of="x"
        ),
    },
    "Sigmoid.forward": {
        "self.y = sigmoid(x)": Formula("y = 1 / (1 + e^-x)", "1 / (1 + exp(-{x[...]}))"),
    },
    "Sigmoid.backward": {
        "dx = dy * self.y * (1 - self.y)": Formula(
            "dx = dy * y * (1 - y)", "{dy[...]} * {self.y[...]} * (1 - {self.y[...]})", of="x"
        ),
    },
}
