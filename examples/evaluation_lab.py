"""One model, many figures: what "HR@10" depends on besides the model.

    python examples/evaluation_lab.py                             # the synthetic sample
    python examples/evaluation_lab.py --data FOLDER/ml-1m

A NeuMF is trained once and measured by four tie rules, against sampled and against all items, with
training items masked and not, and with its epoch chosen on validation and on test. A second one is
trained on negatives that exclude the test items, as more than one public project does. An item-kNN
on three items of each user shows what ties do to a sensible model on sparse data.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from ncf_numpy import ItemKNN, NeuMF, Trainer
from ncf_numpy.data.sampling import NegativeSampler
from ncf_numpy.datasets import Interactions, leave_one_out, load_ncf_files, sample_lastfm
from ncf_numpy.evaluation.metrics import evaluate, hit_ratio, rank_positives
from ncf_numpy.evaluation.ranking import evaluate_catalogue
from ncf_numpy.training.objectives import Pointwise

FEW = 3  # pairs of each user, where ties decide


class Rescored:
    """A scorer whose scores are `change(scores, items)` of another's."""

    def __init__(self, scorer, change):
        self.scorer, self.change = scorer, change

    def predict(self, users, items):
        return self.change(self.scorer.predict(users, items), items)


def negated(scores, items):
    return -scores


def rounded(scores, items):
    return scores.round(1)


def constant(scores, items):
    return np.zeros(len(items))


def lower_index_first(scores, items):
    """Scores, in units in the last place, of which equal ones are told apart by the item."""
    levels = np.unique(scores, return_inverse=True)[1]  # (B,) 0 for the lowest score, 1, ...
    return levels * (items.max() + 1.0) - items


def tie_rules(scorer, holdout, k=10):
    """HR@k by four rules for items that score the same as the positive: -> {rule: HR}."""
    against = rank_positives(scorer, holdout)  # (E,) how many are above or equal
    n_negatives = rank_positives(Rescored(scorer, constant), holdout)  # (E,) all are equal
    in_favour = n_negatives - rank_positives(Rescored(scorer, negated), holdout)  # (E,) above
    n_places = against - in_favour + 1  # (E,) where the positive may stand
    at_random = ((k - in_favour) / n_places).clip(0, 1)  # (E,) the chance that it is a hit
    return {
        "ranked pessimistically": hit_ratio(against, k),
        "at random": float(at_random.mean()),
        "lower item number first": hit_ratio(
            rank_positives(Rescored(scorer, lower_index_first), holdout), k
        ),
        "ranked optimistically": hit_ratio(in_favour, k),
    }


def thinned(train, n, rng):
    """n random pairs of each user, and all of one who has fewer."""
    order = np.lexsort((rng.random(len(train)), train.users))  # (P,) by user, then at random
    place = np.arange(len(train)) - train.offsets[train.users]  # (P,) 0, 1, ... of each user
    keep = np.zeros(len(train), bool)
    keep[order[place < n]] = True
    return train.take(keep)


def train(split, seed, epochs, objective=Pointwise):
    """Train a NeuMF with 8 factors: -> the trainer, a tuple per epoch.

    The tuple: (HR, NDCG) on validation, (HR, NDCG) on test, and the weights.
    """
    rng = np.random.default_rng(seed)
    model = NeuMF(split.train.n_users, split.train.n_items, 8, (64, 32, 16, 8), rng)
    trainer = Trainer(model, split, rng, objective=objective)
    history = []
    for _ in range(epochs):
        row = trainer.run_epoch()
        test = evaluate(model, split.test)
        history.append(((row["hr"], row["ndcg"]), (test.hr, test.ndcg), trainer.copy_weights()))
    return trainer, history


def best(history, by):
    """The epoch, from 0, with the highest (HR, NDCG) on validation (by=0) or test (by=1)."""
    return max(range(len(history)), key=lambda epoch: history[epoch][by])


def restore(trainer, weights):
    trainer.best_weights = weights
    trainer.restore_best()
    return trainer.model


def excluding(test):
    """The leak: negatives are drawn from what a user has neither in train nor in `test`."""

    class Excluding(Pointwise):
        def make_sampler(self):
            train = self.train
            everything = Interactions.from_indices(
                np.concatenate([train.users, test.users]),
                np.concatenate([train.items, test.items]),
                train.user_ids,
                train.item_ids,
            )
            return NegativeSampler(everything)

    return Excluding


def lab(split, seed=0, epochs=20):
    """All measurements: -> [(what, HR@10, NDCG@10 or None, lesson), ...]."""
    trainer, history = train(split, seed, epochs)
    by_validation, by_test = best(history, 0), best(history, 1)
    model = restore(trainer, history[by_validation][2])
    rows = [
        (
            "99 sampled negatives, ties ranked pessimistically",
            *history[by_validation][1],
            "the figure to quote",
        )
    ]

    scorers = {
        "raw scores": (
            model,
            ["float32 scores hardly tie: the rules agree, until ..."] * 4,
        ),
        "scores rounded to 0.1": (
            Rescored(model, rounded),
            ["... they are coarse: saturated, quantised, or counts"] * 4,
        ),
        "constant scores": (
            Rescored(model, constant),
            [
                "a constant model fails, as it should",
                "the 10% of chance",
                "what the numbering of the items gives away",
                "a constant model looks perfect",
            ],
        ),
    }
    for name, (scorer, lessons) in scorers.items():
        for (rule, hr), lesson in zip(tie_rules(scorer, split.test).items(), lessons):
            rows.append((f"{name}, ties {rule}", hr, None, lesson))

    sparse = ItemKNN().fit(thinned(split.train, FEW, np.random.default_rng(seed)))
    lesson = "most candidates share no user with what the user has, and score 0"
    for rule, hr in tie_rules(sparse, split.test).items():
        rows.append((f"item-kNN on {FEW} items of each user, ties {rule}", hr, None, lesson))

    for mask in (True, False):
        result = evaluate_catalogue(model, split.test, split.train, mask_train=mask)
        lesson = "another scale: never compare it with the first row"
        lesson = lesson if mask else "the model's first places are what users already have"
        items = f"all {split.train.n_items:,} items"
        rows.append(
            (f"{items}, train {'' if mask else 'not '}masked", result.hr, result.ndcg, lesson)
        )

    name = f"epoch {by_test + 1} of {epochs}, chosen on test"
    lesson = f"overestimated; epoch {by_validation + 1} was chosen on validation"
    rows.append((name, *history[by_test][1], lesson))

    leaky, leaky_history = train(split, seed, epochs, excluding(split.test))
    epoch = best(leaky_history, 0)
    lesson = "the test item is the one unseen item that never was a negative"
    rows.append(("negatives that exclude the test item", *leaky_history[epoch][1], lesson))
    return rows


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder with NCF files (default: the sample)")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    rng = np.random.default_rng(arguments.seed)
    if arguments.data:
        split = load_ncf_files(arguments.data, rng)
    else:
        split = leave_one_out(sample_lastfm(arguments.seed)[0], rng)
    print(f"{split.train!r}\n{split.protocol}\n")
    print("| measured | HR@10 | NDCG@10 | lesson |\n| --- | --- | --- | --- |")
    for what, hr, gain, lesson in lab(split, arguments.seed, arguments.epochs):
        print(f"| {what} | {hr:.4f} | {'' if gain is None else f'{gain:.4f}'} | {lesson} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
