"""The settings that reference_table.py tries: six for every model, drawn in the same way.

A Latin hypercube: the range of each setting is cut into six equal parts, and each of the six draws
lies in another part of it. Ranges are cut by their logarithm; a list is cut into its values.
"""

from dataclasses import dataclass

import numpy as np

TRIED = 6
FACTORS = {"ml-1m": (8, 16)}  # more take hours: docs/results/epochs.csv has runs with 64
FACTORS_ELSEWHERE = (8, 16, 32)


@dataclass(frozen=True)
class Between:
    """Numbers from low to high, spread evenly by their logarithm; whole ones if low is whole."""

    low: float
    high: float

    def at(self, place):
        """The number at a place from 0 to 1, with two digits."""
        number = float(f"{self.low * (self.high / self.low) ** place:.2g}")
        return int(number) if isinstance(self.low, int) else number


@dataclass(frozen=True)
class OneOf:
    """The values of a list, each as likely as the others."""

    values: tuple

    def at(self, place):
        """The value at a place from 0 to 1."""
        return self.values[int(place * len(self.values))]


def space(model, data):
    """{setting: what it may be} of a model on a data set; {} for one without settings."""
    factors = {"factors": OneOf(FACTORS.get(data, FACTORS_ELSEWHERE))}
    pointwise = {"lr": Between(0.0003, 0.003), "negatives": OneOf((2, 4, 8))}
    tower = {"hidden_layers": OneOf((2, 3))}
    return {
        "popularity": {},
        "itemknn": {"neighbours": Between(20, 1000), "shrink": OneOf((0, 10, 100))},
        "ease": {"l2": Between(30.0, 3000.0)},
        "ials": {
            "factors": OneOf((32, 64, 128)),
            "regularisation": Between(0.002, 0.05),
            "weight": Between(0.03, 1.0),
        },
        "bpr": {**factors, "lr": Between(0.03, 0.3), "l2": Between(0.001, 0.1)},
        "mf": {**factors, **pointwise},
        "gmf": {**factors, **pointwise},
        "mlp": {**factors, **pointwise, **tower},
        "neumf": {**factors, **pointwise, **tower},
    }[model]


def draw(model, data, seed=0):
    """The settings to try of a model on a data set, [{setting: value}, ...]."""
    rng = np.random.default_rng(seed)
    settings = [{} for _ in range(TRIED if space(model, data) else 1)]
    for name, values in space(model, data).items():
        places = (rng.permutation(TRIED) + rng.random(TRIED)) / TRIED  # (TRIED,) from 0 to 1
        for setting, place in zip(settings, places):
            setting[name] = values.at(place)
    return settings


def name_of(setting):
    """'factors=32 lr=0.001', by which a setting is known in the CSV."""
    return " ".join(f"{name}={value:g}" for name, value in setting.items())
