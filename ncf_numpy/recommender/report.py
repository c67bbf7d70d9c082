"""What a fit has learned, in figures and in plain words: `recommender.report`.

A model is compared with what learns nothing: the loss of always answering the base rate, and the
HR@k of chance, of popularity and of item-kNN on the same held-out items. "Better" means by three
standard errors of the difference, which chance exceeds once in 700 times.
"""

import math
from dataclasses import dataclass, field, fields

import numpy as np

from ..evaluation.baselines import ItemKNN, Popularity
from ..evaluation.metrics import rank_positives
from ..training.trial import FEWEST_HELD_OUT

CLEARLY = 3  # standard errors of a difference
UNTRAINED_LOSS = math.log(2)  # of answering 1/2, as every training begins
LONGEST_LIST = 10  # k of HR@k, or a fifth of the candidates where those are fewer than 50
BASELINES = {"popularity": "popularity", "itemknn": "item-kNN"}

AFTERWARDS = {
    "trial": "They were held out in a trial; then all {pairs:,} pairs were trained on.",
    "sample": "These {held_out:,} of {pairs:,} pairs were not trained on.",
    "validation": "These {held_out:,} pairs were not trained on, but chose the epoch.",
}


class NotLearned(UserWarning):
    """What `fit` warns with where recommendations may be no better than popularity or chance."""


@dataclass(frozen=True)
class Report:
    """What one fit has learned; str(report) says it in sentences, `line` in one line.

    Attributes
    ----------
    model : str
    pairs : int
        In the data.
    epochs : int
        The model has the weights after this one; 0 for a model without epochs.
    batch_size : int
    loss : float
        Over that epoch.
    base_rate : float
        The share of positives among the rows trained on.
    follows_data : bool
        Whether the data decided on the epochs.
    how : str
        Pairs were held out, a key of AFTERWARDS; "" if none were.
    held_out : int
        Items.
    candidates : int
        The median number of others that a held-out item is ranked among.
    choices : int
        Of how many epochs the one that is measured was the best on these items.
    k : int
    hr : {str: float}
        HR@k on the held-out items by "model", "chance", "popularity" and "itemknn" (missing where
        it would take as long as the training). A tie counts as chance would have it.
    lead : {str: float}
        By how many standard errors the model's HR@k is above each of the others.
    """

    model: str
    pairs: int
    epochs: int = 0
    batch_size: int = 0
    loss: float = 0.0
    base_rate: float = 0.0
    follows_data: bool = False
    how: str = ""
    held_out: int = 0
    candidates: int = 0
    choices: int = 1
    k: int = 0
    hr: dict = field(default_factory=dict)
    lead: dict = field(default_factory=dict)

    @property
    def base_loss(self) -> float:
        """The loss of answering every pair with the base rate: its entropy."""
        p = self.base_rate
        return sum(-q * math.log(q) for q in (p, 1 - p) if q)

    @property
    def verdict(self) -> str:
        """In words: learned, not learned, too few pairs to tell, or not measured."""
        if self._is_like_the_base_rate():
            return "not learned"
        if not self.how:
            return "not measured"
        if self.held_out < FEWEST_HELD_OUT:
            return "too few pairs to tell"
        is_better = all(self._is_clear(self.lead[rival]) for rival in self._rivals())
        return "learned" if is_better else "not learned"

    @property
    def line(self) -> str:
        """The verdict and its figures in one line."""
        parts = []
        if self.epochs:
            parts.append(f"loss {self.loss:.2f} (base rate {self.base_loss:.2f})")
        if self.hr:
            others = ", ".join(f"{name} {hr:.2f}" for name, hr in self._others())
            items = f"{self.held_out:,} held-out items"
            parts.append(f"HR@{self.k} {self.hr['model']:.2f} on {items} ({others})")
        return ": ".join(filter(None, [self.verdict, ", ".join(parts)]))

    def __str__(self):
        lines = [f"{self.model}: {self.verdict}."]
        if self.epochs:
            batches = f"{self.epochs:,} epochs in batches of {self.batch_size}"
            base = f"{self.base_loss:.3f} is that of always answering {self.base_rate:.0%}"
            lines.append(f"Loss {self.loss:.3f} after {batches}; {base}.")
        if self.hr:
            others = ", ".join(f"{name} {hr:.3f}" for name, hr in self._others())
            items = f"{self.held_out:,} held-out items, each among {self.candidates} others"
            lines.append(f"HR@{self.k} {self.hr['model']:.3f} on {items}; {others}.")
            lines.append(AFTERWARDS[self.how].format(pairs=self.pairs, held_out=self.held_out))
        return "\n".join(filter(None, [*lines, self.advice]))

    @property
    def advice(self) -> str:
        """What to do; "" where nothing needs to be done."""
        if self.epochs and self.loss > 2 * UNTRAINED_LOSS:
            return (
                f"The loss is far above {self.base_loss:.3f}, that of always answering the base "
                "rate: training has diverged. Take a smaller lr=, or leave it out."
            )
        if self._is_like_the_base_rate() and not self.follows_data:
            return (
                "It answers no better than the base rate. Train longer: without epochs=, "
                "batch_size= and training= the training follows the data."
            )
        if not self.how:
            return (
                f"All {self.pairs:,} pairs were trained on, so none is left to measure it by: hold "
                "some out with validation=True, or compare models with `evaluate`."
            )
        if self.verdict == "too few pairs to tell":
            pairs = "1 pair" if self.held_out == 1 else f"{self.held_out} pairs"
            return (
                f"Only {pairs} could be held out, and {FEWEST_HELD_OUT} are needed, "
                "of users with three items or more and items with two users or more. Gather more "
                "pairs; until then 'itemknn' and 'popularity' guess less."
            )
        if self._is_clear(-self.lead.get("itemknn", 0)):
            return "item-kNN ranks these items better: take model='itemknn'."
        if self.verdict == "not learned":
            rival = max(self._rivals(), key=self.hr.get, default="the base rate")
            return (
                f"It is not clearly better than {rival}: these pairs say little about which users "
                "are alike. Gather more pairs; until then model='popularity' is enough."
            )
        return ""

    def _is_like_the_base_rate(self):
        # Without held-out items only the loss can tell, and then it has to be clearly lower.
        limit = self.base_loss if self.hr else 0.95 * self.base_loss
        return self.epochs > 0 and self.loss >= limit

    def _rivals(self):
        return [name for name in ("popularity", "chance") if name in self.hr]

    def _others(self):
        """(name, HR@k) of all but the model, in words."""
        names = {**BASELINES, "chance": "chance"}
        return [(names[name], self.hr[name]) for name in names if name in self.hr]

    def _is_clear(self, lead):
        # The best of several epochs is above their mean by luck: Bonferroni's correction.
        return lead >= math.sqrt(CLEARLY**2 + 2 * math.log(self.choices))


def report_of(saved, model):
    """The Report of this model that dataclasses.asdict made this of, or None; else it raises."""
    if saved is None:
        return None
    report = Report(**saved)
    for each in fields(Report):
        if type(getattr(report, each.name)) is not each.type:
            raise ValueError(f"the report has {each.name} {getattr(report, each.name)!r}")
    if report.model != model or report.how not in ("", *AFTERWARDS):
        raise ValueError(f"the report is of {report.model!r} and {report.how!r}")
    numbers = [report.loss, report.base_rate, *report.hr.values(), *report.lead.values()]
    if not all(type(number) is float and math.isfinite(number) for number in numbers):
        raise ValueError(f"the report holds what is not a finite number: {numbers}")
    str(report)  # which asks for all of it
    return report


def comparison(ranks, held_out, train, *, without=()):
    """Compare ranks (E,) of the held-out items with the baselines: -> fields of a Report.

    without: names of baselines to leave out.
    """
    n_others = (held_out.candidates >= 0).sum(axis=1)  # (E,)
    candidates = int(np.median(n_others))
    k = min(LONGEST_LIST, max(1, candidates // 5))
    hits = {
        "model": (ranks < k).astype(float),
        "chance": np.minimum(1, k / (n_others + 1)),
    }
    for name, baseline in (("popularity", Popularity()), ("itemknn", ItemKNN())):
        if name not in without:
            hits[name] = hit_chances(baseline.fit(train), held_out, k)
    leads = {name: lead(hits["model"], other) for name, other in hits.items() if name != "model"}
    return {
        "held_out": len(held_out),
        "candidates": candidates,
        "k": k,
        "hr": {name: float(each.mean()) for name, each in hits.items()},
        "lead": leads,
    }


def knn_is_quick(train, passes):
    """Whether item-kNN takes a small part of the time of so many passes over the pairs."""
    per_user = np.diff(train.offsets).astype(float)
    return (per_user**2).sum() + train.n_items**2 <= 10 * passes * len(train)


def hit_chances(scorer, held_out, k):
    """(E,) the chance that each held-out item is among the first k, with ties in random order."""
    worst = rank_positives(scorer, held_out)  # (E,) pessimistic
    n_others = (held_out.candidates >= 0).sum(axis=1)  # (E,)
    best = n_others - rank_positives(Reversed(scorer), held_out)  # (E,) optimistic
    return np.clip((k - best) / (worst - best + 1), 0, 1)


class Reversed:
    """Scores in the opposite order."""

    def __init__(self, scorer):
        self.scorer = scorer

    def predict(self, users, items):
        return -self.scorer.predict(users, items)


def lead(hits, others):
    """The mean of hits - others, each (E,), in standard errors; one of at least 1 / 2E."""
    difference = hits - others
    error = max(difference.std() / math.sqrt(len(hits)), 0.5 / len(hits))
    return float(difference.mean() / error)
