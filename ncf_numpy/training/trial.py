"""A trial finds how long to train: hold pairs out, train on the rest, and watch their ranks.

A model that trains too short ranks by noise; one that trains too long overfits. Between the two the
held-out items are ranked best, and a new model then trains on all pairs for as many epochs. One
lucky ranking cannot win: the median of a ranking and its two neighbours counts, and the trial goes
on only while one is better than the best so far by more than the difference's standard error.
"""

import numpy as np

from ..data.split import draw_candidates, hold_out, without
from ..evaluation.metrics import rank_positives
from .plan import LEAST, MOST, steps_of

SHARE = 5  # one in so many pairs of a user is held out
LEAST_PAIRS = 3  # of a user, for one of them to be held out
MOST_HELD_OUT = 500  # HR@10 then has a standard error of 0.02
FEWEST_HELD_OUT = 20  # with fewer, nothing can be told
N_CANDIDATES = 99

BETWEEN_LOOKS = 0.2  # times 1 / lr: steps from a look to the next
WITHOUT_BETTER = 1  # times 1 / lr: so long a trial waits for a better look
UNTRIED_STEPS = 2  # times 1 / lr: of a training where too few pairs can be held out for a trial


def hold_out_pairs(data, rng, most=MOST_HELD_OUT):
    """At most `most` pairs, a fifth of a user's or one: -> training pairs, Holdout (or None).

    Drawn at random from users with three pairs or more who lack an item, and from items that
    another user also has. Each is ranked among 99 items that its user does not have.
    """
    per_user = np.diff(data.offsets)  # (n_users,)
    n_held_out = np.where(per_user >= LEAST_PAIRS, np.maximum(1, per_user // SHARE), 0)
    n_held_out[per_user == data.n_items] = 0
    order = np.lexsort((rng.random(len(data)), data.users))  # (n,) shuffled within each user
    place = np.arange(len(data)) - data.offsets[data.users]  # (n,) 0, 1, ... within a user
    rows = order[place < n_held_out[data.users]]
    rows = rows[np.bincount(data.items)[data.items[rows]] > 1]
    rows = np.sort(rng.permutation(rows)[:most])
    if not len(rows):
        return data, None
    candidates = draw_candidates(data, data.users[rows], N_CANDIDATES, rng)
    return without(data, rows), hold_out(data, rows, candidates)


class Trial:
    """Trains an untrained trainer until its held-out items, a Holdout, stop improving.

    epochs  (L,) of each look, ascending
    ranks   (L, E) of the held-out items at each look
    """

    def __init__(self, trainer, held_out, lr):
        self.trainer, self.held_out, self.lr = trainer, held_out, lr
        self.epochs, self.ranks = [], []

    def run(self):
        """Train and look until it is over; returns self."""
        steps = self.trainer.objective.n_batches  # an epoch
        between = max(1, round(steps_of(BETWEEN_LOOKS, self.lr) / steps))
        while not self._is_over(steps):
            for _ in range(between):
                self.trainer.run_epoch()
            self.epochs.append(self.trainer.epoch)
            self.ranks.append(rank_positives(self.trainer.model, self.held_out))
        return self

    def best_epochs(self):
        """The epochs after which the held-out items were ranked best."""
        return self.epochs[best_look(self.ranks)]

    def best_loss(self):
        """The training loss around that epoch, from the look before it to the look after."""
        look = best_look(self.ranks)
        rows = self.trainer.rows[self.epochs[look - 1] : self.epochs[look + 1]]
        return sum(row["loss"] for row in rows) / len(rows)

    def unbiased_ranks(self, rng):
        """(E,) each at the epoch that the other half of the held-out items found best.

        The ranks at an epoch that they chose themselves would flatter the model.
        """
        ranks = np.array(self.ranks)  # (L, E)
        half = rng.permutation(ranks.shape[1]) % 2  # (E,)
        chosen = np.empty(ranks.shape[1], np.intp)  # (E,)
        for side in (0, 1):
            if (half == side).any():
                chosen[half != side] = best_look(ranks[:, half == side])
        return ranks[chosen, np.arange(len(chosen))]

    def _is_over(self, steps):
        done = self.trainer.epoch * steps
        if done >= steps_of(MOST, self.lr):
            return True
        if len(self.ranks) < 3 or done < steps_of(LEAST, self.lr):
            return False
        last_gain = self.epochs[last_better_look(self.ranks)]
        return done - last_gain * steps >= steps_of(WITHOUT_BETTER, self.lr)


def smoothed_gains(ranks):
    """ranks (L, E) -> (L - 2, E): NDCG's gain 1 / log2(rank + 2), the median of three looks.

    Without NDCG's cut-off: it moves as soon as an item climbs from place 60 to 30.
    """
    gains = 1 / np.log2(np.asarray(ranks) + 2)  # (L, E)
    return np.median([gains[:-2], gains[1:-1], gains[2:]], axis=0)


def best_look(ranks):
    """The look in ranks (L, E) with the highest mean gain; the first and the last cannot be it."""
    return 1 + int(smoothed_gains(ranks).mean(axis=1).argmax())


def last_better_look(ranks):
    """The last look better than all before by more than the standard error of the difference."""
    gains, best = smoothed_gains(ranks), 0
    for look in range(1, len(gains)):
        difference = gains[look] - gains[best]  # (E,)
        if difference.mean() > difference.std() / np.sqrt(len(difference)):
            best = look
    return 1 + best
