"""Is pre-training an ensemble? The mean of three GMFs beside NeuMF that starts from trained parts.

    python examples/ensemble.py                                            # the synthetic sample
    python examples/ensemble.py --data FOLDER/ml-1m --factors 64

A pre-trained NeuMF begins as the mean of a GMF's and an MLP's logits (He et al. 2017, section
3.4.1). How much of its gain is that mean, and how much the fine-tuning after it? And is a mean of
three models of one kind, which differ in their seed, as good? docs/explanation/riddles.md says what
came out.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from ncf_numpy import GMF, MLP, NeuMF, RowAdam, Trainer, compare, evaluate, fit
from ncf_numpy.datasets import leave_one_out, load_ncf_files, sample_lastfm

FINE_TUNING_LR = 1e-4  # a tenth of the others', as `pretrain` on the command line has it


class Mean:
    """A scorer whose scores are the mean of several models' logits."""

    def __init__(self, models):
        self.models = models

    def predict(self, users, items):
        """users (B,), items (B,) -> scores (B,)."""
        return np.mean([model.forward(users, items) for model in self.models], axis=0)


def trained(model, split, seed, epochs):
    """The model with the weights of the epoch that validation chose."""
    fit(model, split, np.random.default_rng(seed), epochs=epochs, progress=False)
    return model


def fine_tuned(model, split, seed, epochs):
    """The same, of a model that is good already: no epoch at all may be best."""
    optimizer = RowAdam(FINE_TUNING_LR)
    trainer = Trainer(model, split, np.random.default_rng(seed), optimizer=optimizer)
    trainer.measure_start()
    trainer.run(epochs)
    return trainer.model


def scorers(split, factors, epochs):
    """{name: scorer}: the parts, each alone, and what is made of them."""
    sizes = split.train.n_users, split.train.n_items
    layers = tuple(factors * 2**n for n in (3, 2, 1, 0))
    gmfs = [
        trained(GMF(*sizes, factors, np.random.default_rng(seed)), split, seed, epochs)
        for seed in range(3)
    ]
    mlp = trained(MLP(*sizes, layers, np.random.default_rng(3)), split, 3, epochs)
    neumf = trained(NeuMF(*sizes, factors, layers, np.random.default_rng(4)), split, 4, epochs)
    found = {f"GMF, seed {seed}": gmf for seed, gmf in enumerate(gmfs)}
    found |= {"MLP": mlp, "NeuMF from scratch": neumf, "mean of three GMFs": Mean(gmfs)}
    found["mean of a GMF and the MLP"] = Mean([gmfs[0], mlp])
    pretrained = NeuMF.from_pretrained(gmfs[0], mlp)
    found["NeuMF pre-trained from these two"] = fine_tuned(pretrained, split, 5, epochs)
    return found


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder with NCF files (default: the sample)")
    parser.add_argument("--factors", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the split")
    arguments = parser.parse_args(argv)
    rng = np.random.default_rng(arguments.seed)
    if arguments.data:
        split = load_ncf_files(arguments.data, rng)
    else:
        split = leave_one_out(sample_lastfm()[0], rng)
    print(f"{split.train!r}\n{split.protocol}\n\n| model | HR@10 | NDCG@10 |\n| --- | --- | --- |")
    evaluations = {}
    for name, scorer in scorers(split, arguments.factors, arguments.epochs).items():
        evaluations[name] = found = evaluate(scorer, split.test)
        print(f"| {name} | {found.hr:.4f} | {found.ndcg:.4f} |")
    names = "mean of three GMFs", "NeuMF pre-trained from these two"
    (pair,) = compare({name: evaluations[name] for name in names}).to_dict("records")
    print(
        f"\nNDCG@10 of the {pair['a']} minus that of the {pair['b']}: {pair['difference']:.4f}, "
        f"95% interval {pair['low']:.4f} to {pair['high']:.4f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
