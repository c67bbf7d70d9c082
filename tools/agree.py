"""Do two environments train to the same numbers? Write what one gets, compare what several got.

    python tools/agree.py write build/agree/here.npz     # two epochs of every model, fixed seed
    python tools/agree.py compare build/agree/*.npz      # against the first of them

What is drawn (data, split, negatives, the first weights) has to be equal to the bit. What is
computed may differ as far as a sum depends on its order: two releases of a BLAS, or one and two of
its threads, add the terms of a product in another one, and training carries the last bits on.
Exit status 1 if a number differs by more than BOUNDS allows.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from ncf_numpy import GMF, MF, MLP, ItemKNN, NeuMF, evaluate, fit
from ncf_numpy.datasets import leave_one_out, sample_lastfm

MODELS = {
    "mf": lambda *sizes, **how: MF(*sizes, 8, **how),
    "gmf": lambda *sizes, **how: GMF(*sizes, 8, **how),
    "mlp": lambda *sizes, **how: MLP(*sizes, (64, 32, 16, 8), **how),
    "neumf": lambda *sizes, **how: NeuMF(*sizes, 8, (64, 32, 16, 8), **how),
}
# kind of number -> the largest difference that counts as agreement. There is no bound for weights
# in float32: where a gradient is rounding only, Adam makes a whole step of its sign.
BOUNDS = {"drawn": 0, "loss64": 1e-9, "weights64": 1e-6, "loss32": 1e-4, "HR+NDCG": 0.01}


def numbers():
    """{"kind of what": array}: everything of a small training that could come out otherwise."""
    data = sample_lastfm()[0]
    split = leave_one_out(data, np.random.default_rng(0))
    candidates = split.test.candidates, split.validation.candidates
    found = {
        "drawn data": data.pair_keys,
        "drawn split": np.column_stack([split.test.items, *candidates]),
    }
    for name, build in MODELS.items():
        for bits, dtype in (("32", np.float32), ("64", np.float64)):
            rng = np.random.default_rng(1)
            model = build(data.n_users, data.n_items, rng=rng, dtype=dtype)
            found[f"drawn {name}{bits}"] = weights(model)
            history = fit(model, split, rng, epochs=2, progress=False)
            found[f"drawn {name}{bits} later"] = rng.integers(2**60, size=4)  # as much was drawn
            found[f"loss{bits} {name}"] = history["loss"].to_numpy()
            found[f"HR+NDCG {name}{bits}"] = history[["hr", "ndcg"]].to_numpy()
        found[f"weights64 {name}"] = weights(model)
    found["HR+NDCG itemknn"] = np.array(evaluate(ItemKNN().fit(split.train), split.test).ndcg)
    return found


def weights(model):
    return np.concatenate([W.ravel() for _, W, _ in model.parameters()])


def compare(paths):
    """Print the largest difference of each number from the first file's; -> the exit status."""
    first, *others = [dict(np.load(path)) for path in paths]
    if not others:
        print(f"nothing to compare {paths[0]} with: give two files or more", file=sys.stderr)
        return 2
    n_wrong = 0
    for name, expected in first.items():
        bound = BOUNDS[name.split()[0]]
        worst, where = max(
            (largest_difference(expected, other.get(name)), Path(path).stem)
            for other, path in zip(others, paths[1:], strict=True)
        )
        verdict = "agrees" if worst <= bound else "DIFFERS"
        n_wrong += worst > bound
        print(f"{verdict}  {name:20} {worst:8.1e} of {bound:g} allowed ({where})")
    print(f"{len(paths)} environments, {len(first)} arrays, {n_wrong} beyond their bound")
    return 1 if n_wrong else 0


def largest_difference(expected, found):
    if found is None or found.shape != expected.shape:
        return np.inf
    if expected.dtype.kind in "iu":
        return float(np.count_nonzero(expected != found))
    return float(np.abs(expected.astype(np.float64) - found).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("write", "compare"))
    parser.add_argument("files", nargs="+", metavar="FILE.npz")
    arguments = parser.parse_args()
    if arguments.what == "compare":
        return compare(arguments.files)
    for name in arguments.files:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        np.savez(name, **numbers())
    return 0


if __name__ == "__main__":
    sys.exit(main())
