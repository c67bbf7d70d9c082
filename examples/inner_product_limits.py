"""Why not the inner product? Figure 1 of the NCF paper, computed.

    python examples/inner_product_limits.py                # add --plot figure1.png for the picture

The paper argues that two-dimensional vectors cannot keep the order of four users' similarities, and
that a neural network should therefore replace the inner product. The argument holds for vectors of
one length within a quarter turn. Matrix factorisation has neither restriction.
"""

import argparse
import itertools
import sys

import numpy as np

from ncf_numpy import MLP, RowAdam, train_step
from ncf_numpy.core.losses import BinaryCrossEntropyWithLogits

ITEMS = [{1, 2, 3, 5}, {2, 3}, {2, 3, 4}, {1, 3, 4, 5}]  # of users 1 to 4, figure 1a
PAIRS = list(itertools.combinations(range(4), 2))
ORDERS = [  # similarities of users, counted from 0, the greatest first, as the paper states them
    [(1, 2), (0, 1), (0, 2)],
    [(0, 3), (2, 3), (1, 3)],
]
CONCLUSION = """
So a dot product is limited by its dimension, not by being a dot product. Rendle et al. (2020) give
the paper the same answer with data: an MLP needs many parameters and examples to imitate a dot
product, and a tuned dot product ranks better (MF in docs/explanation/results.md)."""


def jaccard(a, b):
    """|a & b| / |a | b| of two sets."""
    return len(a & b) / len(a | b)


def keeps_order(similarity):
    """Whether similarity[u, v], an array (4, 4) or (4, 4, ...), has both orders of the paper."""
    return np.logical_and.reduce(
        [
            similarity[high] > similarity[low] + 1e-9
            for order in ORDERS
            for high, low in itertools.pairwise(order)
        ]
    )


def on_a_circle(degrees=3):
    """All placements of four unit vectors, p_1 at angle 0, in steps: -> cosines (4, 4, n, n, n)."""
    steps = np.deg2rad(np.arange(0, 360, degrees))
    angles = [np.zeros((1, 1, 1)), *np.meshgrid(steps, steps, steps, indexing="ij", sparse=True)]
    shape = (len(steps),) * 3
    cosines = np.empty((4, 4, *shape))
    for u, v in itertools.product(range(4), repeat=2):
        cosines[u, v] = np.cos(angles[u] - angles[v])
    return cosines


def fit_vectors(target, n_dimensions, rng, steps=20_000, lr=0.1):
    """Vectors P (n, d) of any length with P P^T near target (n, n) off the diagonal, by descent.

    Returns P and the root mean square error of the best of ten starts.
    """
    n = len(target)
    off_diagonal = 1 - np.eye(n)
    best = None, np.inf
    for _ in range(10):
        P = rng.normal(0, 0.5, (n, n_dimensions))
        for _ in range(steps):
            error = (P @ P.T - target) * off_diagonal  # (n, n)
            P -= lr * error @ P
        rms = np.sqrt((error**2).sum() / off_diagonal.sum())
        if rms < best[1]:
            best = P, rms
    return best


def fit_mlp(target, rng, steps=4000):
    """An MLP over two-dimensional user vectors, trained on the six similarities as labels.

    Returns the model and its similarities (4, 4), 0 on the diagonal.
    """
    model = MLP(4, 4, (4, 8), rng)
    loss, optimizer = BinaryCrossEntropyWithLogits(), RowAdam(lr=0.01)
    users, others = np.array([*PAIRS, *[(v, u) for u, v in PAIRS]]).T  # (12,), (12,)
    for _ in range(steps):
        train_step(model, loss, optimizer, users, others, target[users, others])
    optimizer.flush()
    similarity = np.zeros((4, 4))
    similarity[users, others] = model.predict(users, others)
    return model, similarity


def print_similarities(similarity):
    for order in ORDERS:
        print("  " + "  >  ".join(f"s{u + 1}{v + 1} {similarity[u, v]:.3f}" for u, v in order))


def draw(path, P):
    """Left: cosines of user 4 by its angle, the others placed as in the paper. Right: P (4, 2)."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SystemExit("--plot needs matplotlib: pip install 'ncf-numpy[plot]'") from error
    canvas = Figure(figsize=(10, 4), layout="constrained")
    left, right = canvas.subplots(1, 2)
    angles = np.arange(-90, 181)
    for user, angle in ((1, 0), (2, 40), (3, 70)):  # cosines .87 > .77 > .34
        cosine = np.cos(np.deg2rad(angles - angle))
        left.plot(angles, cosine, label=f"cos(user 4, user {user} at {angle}°)")
    left.set(xlabel="angle of user 4", ylabel="cosine", ylim=(0, 1.02), xlim=(-90, 160))
    left.set_title("Unit vectors: where user 1 is the nearest, user 2 is nearer than 3", fontsize=9)
    left.legend(fontsize=8)
    for user, (x, y) in enumerate(P, start=1):
        right.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "->", "color": f"C{user - 1}"})
        right.text(x, y, f"user {user}")
    right.plot(*P.T, linestyle="")
    right.axhline(0, color="0.8", zorder=0)
    right.axvline(0, color="0.8", zorder=0)
    right.set_aspect("equal", adjustable="datalim")
    right.set_title("Any length: these inner products are the Jaccard similarities", fontsize=9)
    canvas.savefig(path, dpi=150)
    print(f"drawn: {path}")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", metavar="FILE.png", help="draw figure 1b and its way out")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    rng = np.random.default_rng(arguments.seed)
    target = np.array([[jaccard(a, b) for b in ITEMS] for a in ITEMS])  # (4, 4)

    print("Jaccard similarities of the paper's four users:")
    print_similarities(target)

    cosines = on_a_circle()
    kept = keeps_order(cosines)
    positive = (cosines > 1e-9).all(axis=(0, 1))
    print(f"\n1. Unit vectors in the plane, {kept.size:,} placements in steps of 3 degrees")
    print(f"  all angles below 90 degrees: {(kept & positive).sum():,} keep both orders")
    print("  (users 1 and 3 are then furthest apart, user 2 between them; user 4 beside user 1")
    print("  is nearer to 2 than to 3 on either side: the paper's argument)")
    print(f"  any angle: {kept.sum():,} keep both, such as users 1 to 4 at 0, 99, 189, 279 degrees")

    P, rms = fit_vectors(target, 2, rng)
    print(f"\n2. Vectors of any length in the plane: all six similarities to {rms:.0e}")
    print_similarities(P @ P.T)
    for user, (x, y) in enumerate(P, start=1):
        print(f"  p_{user} = ({x:6.3f}, {y:6.3f})  length {np.hypot(x, y):.3f}")

    print("\n3. More users need more dimensions: 30 users, each with 5 to 15 of 40 items")
    crowd = [set(rng.choice(40, rng.integers(5, 16), replace=False).tolist()) for _ in range(30)]
    many = np.array([[jaccard(a, b) for b in crowd] for a in crowd])  # (30, 30)
    for d in (2, 4, 8, 16):
        _, rms = fit_vectors(many, d, rng, steps=3000, lr=0.02)
        print(f"  {d:>2} dimensions: root mean square error {rms:.3f}")

    model, similarity = fit_mlp(target, rng)
    n_weights = sum(W.size for _, W, _ in model.parameters())
    print(f"\n4. An MLP, 2 + 2 -> 8 -> 1, on 2-D vectors: 12 pairs, {n_weights} numbers")
    print_similarities(similarity)
    print(f"  keeps both orders: {bool(keeps_order(similarity))}, with so many no surprise")

    print(CONCLUSION)
    if arguments.plot:
        draw(arguments.plot, P)
    return 0


if __name__ == "__main__":
    sys.exit(main())
