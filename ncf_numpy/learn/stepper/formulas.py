"""The formula of every line of the core that computes something, keyed by function and line.

A term is a line of Python with holes. A hole names an array as the line sees it, and the entry of
it that counts: in "{x[b,i]} * {dy[b,o]}" for dW[i,o] the letter b is not one of the result's, so
the entry is the sum of this term over all b. [...] is the same entry as the result's.
The same holes give the formula with numbers in it, what the page lights up under the pointer, and
what the tests evaluate. None marks a line that computes nothing new: it keeps, names or passes on.
"""

from typing import NamedTuple


class Formula(NamedTuple):
    """How one entry of a result is computed."""

    text: str  # the formula, for reading
    term: str  # one term of the entry, with holes
    axes: str = "..."  # the letters of the result's entry
    whole: str = "SUM"  # what is done with the sum of the terms
    where: str = ""  # which terms count, if not all
    otherwise: str = ""  # the term of the entries for which `where` names none
    of: str = ""  # for a gradient: by what, as the forward of the same object calls it
    after: str = ""  # the line of forward after which `of` has its value; "" is on entry
    value: str = ""  # the result, if not what stands left of the =
    argument: str = ""  # the result, if it is an argument of the call in this line
    name: str = ""  # what the result is called, where the code has no name for it


def taken(text, source, first="", **more):
    """A slice of columns that starts at column `first`."""
    column = f"{first} + k" if first else "k"
    return Formula(text, f"{{{source}[b,{column}]}}", "b,k", **more)


def joined(text, left, right, **more):
    """Two arrays side by side."""
    first = f"{left}.shape[1]"
    return Formula(
        text,
        f"{{{left}[b,k]}}",
        "b,k",
        where=f"k < {first}",
        otherwise=f"{{{right}[b,k-{first}]}}",
        **more,
    )


def gradient_row(forward, left, right):
    """The gradient of a looked-up row: its parts side by side, the argument of backward."""
    name, argument = f"d{forward.partition(' =')[0]}", f"np.concatenate([{left}, {right}], axis=1)"
    return joined(
        f"{name} = [{left} ; {right}]",
        left,
        right,
        of=name[1:],
        after=forward,
        argument=argument,
        name=name,
    )


LOOKUP_P = "p = self.user_embedding.forward(users)"
LOOKUP_Q = "q = self.item_embedding.forward(items)"
NEUMF_P = "self.p_G, p_M = p[:, :K], p[:, K:]"
NEUMF_Q = "self.q_G, q_M = q[:, :K], q[:, K:]"
NEUMF_PHI_G = "phi_G = self.p_G * self.q_G"
NEUMF_PHI_M = "phi_M = np.concatenate([p_M, q_M], axis=1)"
NEUMF_ALPHA = "phi_G, phi_M = alpha * phi_G, (1 - alpha) * phi_M"
NEUMF_PHI = "phi = np.concatenate([phi_G, phi_M], axis=1)"
MF_USER = "user = self.user_embedding.forward(users)"
MF_ITEM = "item = self.item_embedding.forward(items)"
MF_P = "self.p, b_u = user[:, :K], user[:, K]"
MF_Q = "self.q, b_i = item[:, :K], item[:, K]"
SQUARED_PLUS = "{v[rows][...]} + (1 - {self.beta2}) * {g[...]} * {g[...]}"

FORMULAS = {
    # layers
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
            "dx = dy where x > 0, else 0", "{dy[...]} * ({self.x[...]} > 0)", of="x"
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
    # losses
    "BinaryCrossEntropy.forward": {
        "y = check_labels(labels, p)": None,
        "self.labels = y": None,
        "eps = np.finfo(p.dtype).eps": None,
        "self.p = p.clip(eps, 1 - eps)": Formula(
            "p = p, kept within [eps, 1 - eps]", "min(max({p[b]}, {eps}), 1 - {eps})", "b"
        ),
        "losses = -(y * np.log(self.p) + (1 - y) * np.log1p(-self.p))": Formula(
            "l_b = -(y log p + (1 - y) log(1 - p))",
            "-({y[b]} * log({self.p[b]}) + (1 - {y[b]}) * log(1 - {self.p[b]}))",
            "b",
        ),
        "return float(losses.sum() / len(losses))": Formula(
            "L = 1/B sum over b of l_b",
            "{losses[b]}",
            "",
            whole="(SUM) / {len(losses)}",
            name="L",
        ),
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
        "return float(losses.sum() / len(losses))": Formula(
            "L = 1/B sum over b of l_b",
            "{losses[b]}",
            "",
            whole="(SUM) / {len(losses)}",
            name="L",
        ),
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
            "sign = y_b - y_(b + B)", "{labels[b]} - {labels[b + B]}", "b"
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
        "return float(losses.sum() / len(losses))": Formula(
            "L = 1/B sum over b of l_b",
            "{losses[b]}",
            "",
            whole="(SUM) / {len(losses)}",
            name="L",
        ),
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
    # models
    "MF.forward": {
        "K = self.n_factors": None,
        MF_USER: None,
        MF_ITEM: None,
        MF_P: [
            taken("p = the first K columns of the user's row", "user"),
            Formula("b_u = the last column of the user's row", "{user[b,K]}", "b"),
        ],
        MF_Q: [
            taken("q = the first K columns of the item's row", "item"),
            Formula("b_i = the last column of the item's row", "{item[b,K]}", "b"),
        ],
        "inner = (self.p * self.q).sum(axis=1)": Formula(
            "p . q = sum over k of p_k q_k", "{self.p[b,k]} * {self.q[b,k]}", "b"
        ),
        "logits = self.output.forward(inner + b_u + b_i)": Formula(
            "x = p . q + b_u + b_i",
            "{inner[b]} + {b_u[b]} + {b_i[b]}",
            "b",
            argument="inner + b_u + b_i",
            name="x",
        ),
    },
    "MF.backward": {
        "dsum = self.output.backward(dlogits)[:, None]": None,
        "dp = dsum * self.q": Formula(
            "dp = dsum * q", "{dsum[b,0]} * {self.q[b,k]}", "b,k", of="self.p", after=MF_P
        ),
        "dq = dsum * self.p": Formula(
            "dq = dsum * p", "{dsum[b,0]} * {self.p[b,k]}", "b,k", of="self.q", after=MF_Q
        ),
        "self.item_embedding.backward(np.concatenate([dq, dsum], axis=1))": gradient_row(
            MF_ITEM, "dq", "dsum"
        ),
        "self.user_embedding.backward(np.concatenate([dp, dsum], axis=1))": gradient_row(
            MF_USER, "dp", "dsum"
        ),
    },
    "GMF.forward": {
        "self.p = self.user_embedding.forward(users)": None,
        "self.q = self.item_embedding.forward(items)": None,
        "phi = self.p * self.q": Formula("phi = p * q", "{self.p[...]} * {self.q[...]}"),
        "logits = self.output.forward(phi)[:, 0]": None,
    },
    "GMF.backward": {
        "dphi = self.output.backward(dlogits[:, None])": None,
        "dp = dphi * self.q": Formula(
            "dp = dphi * q",
            "{dphi[...]} * {self.q[...]}",
            of="self.p",
            after="self.p = self.user_embedding.forward(users)",
        ),
        "dq = dphi * self.p": Formula(
            "dq = dphi * p",
            "{dphi[...]} * {self.p[...]}",
            of="self.q",
            after="self.q = self.item_embedding.forward(items)",
        ),
    },
    "MLP.forward": {
        LOOKUP_P: None,
        LOOKUP_Q: None,
        "z = np.concatenate([p, q], axis=1)": joined("z = [p ; q]", "p", "q"),
        "z = relu.forward(dense.forward(z))": None,
        "logits = self.output.forward(z)[:, 0]": None,
    },
    "MLP.backward": {
        "dz = self.output.backward(dlogits[:, None])": None,
        "dz = dense.backward(relu.backward(dz))": None,
        "D = self.widths[0] // 2": None,
        "dp, dq = dz[:, :D], dz[:, D:]": [
            taken(
                "dp = the first D columns of dz",
                "dz",
                of="p",
                after=LOOKUP_P,
            ),
            taken(
                "dq = the other columns of dz",
                "dz",
                "D",
                of="q",
                after=LOOKUP_Q,
            ),
        ],
    },
    "NeuMF.forward": {
        "K, alpha = self.n_factors, self.branch_weight": None,
        LOOKUP_P: None,
        LOOKUP_Q: None,
        NEUMF_P: [
            taken("p_G = the first K columns of p", "p"),
            taken("p_M = the other columns of p", "p", "K"),
        ],
        NEUMF_Q: [
            taken("q_G = the first K columns of q", "q"),
            taken("q_M = the other columns of q", "q", "K"),
        ],
        NEUMF_PHI_G: Formula("phi_G = p_G * q_G", "{self.p_G[...]} * {self.q_G[...]}"),
        NEUMF_PHI_M: joined("phi_M = [p_M ; q_M]", "p_M", "q_M"),
        "phi_M = relu.forward(dense.forward(phi_M))": None,
        NEUMF_ALPHA: [
            Formula("alpha phi_G", "{alpha} * {phi_G[...]}"),
            Formula("(1 - alpha) phi_M", "(1 - {alpha}) * {phi_M[...]}"),
        ],
        NEUMF_PHI: joined("phi = [phi_G ; phi_M]", "phi_G", "phi_M"),
        "logits = self.output.forward(phi)[:, 0]": None,
    },
    "NeuMF.backward": {
        "K, alpha = self.n_factors, self.branch_weight": None,
        "dphi = self.output.backward(dlogits[:, None])": None,
        "dphi_G, dphi_M = dphi[:, :K], dphi[:, K:]": [
            taken("dphi_G = the first K columns of dphi", "dphi", of="phi[:, :K]", after=NEUMF_PHI),
            taken(
                "dphi_M = the other columns of dphi", "dphi", "K", of="phi[:, K:]", after=NEUMF_PHI
            ),
        ],
        "dphi_G, dphi_M = alpha * dphi_G, (1 - alpha) * dphi_M": [
            Formula("alpha dphi_G", "{alpha} * {dphi_G[...]}", of="phi_G", after=NEUMF_PHI_G),
            Formula("(1 - alpha) dphi_M", "(1 - {alpha}) * {dphi_M[...]}"),
        ],
        "dphi_M = dense.backward(relu.backward(dphi_M))": None,
        "D = self.widths[0] // 2": None,
        "dp_M, dq_M = dphi_M[:, :D], dphi_M[:, D:]": [
            taken("dp_M = the first D columns of dphi_M", "dphi_M", of="p_M", after=NEUMF_P),
            taken("dq_M = the other columns of dphi_M", "dphi_M", "D", of="q_M", after=NEUMF_Q),
        ],
        "dp_G = dphi_G * self.q_G": Formula(
            "dp_G = dphi_G * q_G",
            "{dphi_G[...]} * {self.q_G[...]}",
            of="self.p_G",
            after=NEUMF_P,
        ),
        "dq_G = dphi_G * self.p_G": Formula(
            "dq_G = dphi_G * p_G",
            "{dphi_G[...]} * {self.p_G[...]}",
            of="self.q_G",
            after=NEUMF_Q,
        ),
        "self.item_embedding.backward(np.concatenate([dq_G, dq_M], axis=1))": gradient_row(
            LOOKUP_Q, "dq_G", "dq_M"
        ),
        "self.user_embedding.backward(np.concatenate([dp_G, dp_M], axis=1))": gradient_row(
            LOOKUP_P, "dp_G", "dp_M"
        ),
    },
    # optimizers
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
        "gradients = present(parameters)": None,
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
