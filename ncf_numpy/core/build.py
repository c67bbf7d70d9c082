"""The models by name, and how each is built: a new model is its class and one line here.

    model = MODELS["neumf"](n_users, n_items, settings, rng, dtype=np.float64)

settings: {"factors": K, "layers": widths of the tower}, and what OPTIONS says a model may have
besides; each takes what it needs of them.
"""

from .models import GMF, MF, MLP, NeuMF

MODELS = {
    "mf": lambda n, m, s, rng, **how: MF(n, m, s["factors"], rng, **how),
    "gmf": lambda n, m, s, rng, **how: GMF(n, m, s["factors"], rng, **how),
    "mlp": lambda n, m, s, rng, **how: MLP(n, m, s["layers"], rng, **how),
    "neumf": lambda n, m, s, rng, **how: NeuMF(
        n, m, s["factors"], s["layers"], rng, branch_weight=s.get("branch_weight"), **how
    ),
}

OPTIONS = {"neumf": {"branch_weight": None}}  # model -> its own options and their defaults
