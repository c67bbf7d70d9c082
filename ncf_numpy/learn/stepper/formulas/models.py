"""The formulas of core/models.py. A line that another one differs by, or joins, has a name."""

from .formula import Formula


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

FORMULAS = {
    "MF.forward": {
        "K = self.n_factors": None,
        MF_USER: None,
        MF_ITEM: None,
        MF_P: [
            taken("p = user[:, :K]", "user"),
            Formula("b_u = user[:, K]", "{user[b,K]}", "b"),
        ],
        MF_Q: [
            taken("q = item[:, :K]", "item"),
            Formula("b_i = item[:, K]", "{item[b,K]}", "b"),
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
                "dp = dz[:, :D]",
                "dz",
                of="p",
                after=LOOKUP_P,
            ),
            taken(
                "dq = dz[:, D:]",
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
            taken("p_G = p[:, :K]", "p"),
            taken("p_M = p[:, K:]", "p", "K"),
        ],
        NEUMF_Q: [
            taken("q_G = q[:, :K]", "q"),
            taken("q_M = q[:, K:]", "q", "K"),
        ],
        NEUMF_PHI_G: Formula("phi_G = p_G * q_G", "{self.p_G[...]} * {self.q_G[...]}"),
        NEUMF_PHI_M: joined("phi_M = [p_M ; q_M]", "p_M", "q_M"),
        "phi_M = relu.forward(dense.forward(phi_M))": None,
        NEUMF_ALPHA: [
            Formula("phi_G = alpha phi_G", "{alpha} * {phi_G[...]}"),
            Formula("phi_M = (1 - alpha) phi_M", "(1 - {alpha}) * {phi_M[...]}"),
        ],
        NEUMF_PHI: joined("phi = [phi_G ; phi_M]", "phi_G", "phi_M"),
        "logits = self.output.forward(phi)[:, 0]": None,
    },
    "NeuMF.backward": {
        "K, alpha = self.n_factors, self.branch_weight": None,
        "dphi = self.output.backward(dlogits[:, None])": None,
        "dphi_G, dphi_M = dphi[:, :K], dphi[:, K:]": [
            taken("dphi_G = dphi[:, :K]", "dphi", of="phi[:, :K]", after=NEUMF_PHI),
            taken("dphi_M = dphi[:, K:]", "dphi", "K", of="phi[:, K:]", after=NEUMF_PHI),
        ],
        "dphi_G, dphi_M = alpha * dphi_G, (1 - alpha) * dphi_M": [
            Formula(
                "dphi_G = alpha dphi_G", "{alpha} * {dphi_G[...]}", of="phi_G", after=NEUMF_PHI_G
            ),
            Formula("dphi_M = (1 - alpha) dphi_M", "(1 - {alpha}) * {dphi_M[...]}"),
        ],
        "dphi_M = dense.backward(relu.backward(dphi_M))": None,
        "D = self.widths[0] // 2": None,
        "dp_M, dq_M = dphi_M[:, :D], dphi_M[:, D:]": [
            taken("dp_M = dphi_M[:, :D]", "dphi_M", of="p_M", after=NEUMF_P),
            taken("dq_M = dphi_M[:, D:]", "dphi_M", "D", of="q_M", after=NEUMF_Q),
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
}
