"""The baselines by name, how each is built, and the options that it alone has.

A new baseline is its class and one line here, and one in OPTIONS where it has options of its own.
"""

from .baselines import ItemKNN, Popularity
from .ease import EASE
from .implicit_als import ImplicitALS

BASELINES = {
    "ials": lambda n, m, s, rng: ImplicitALS(
        s["factors"], s["regularisation"], s["weight"], s["epochs"] or 12, rng
    ),
    "ease": lambda n, m, s, rng: EASE(s["l2"]),
    "itemknn": lambda n, m, s, rng: ItemKNN(s["neighbours"], s["shrink"]),
    "popularity": lambda n, m, s, rng: Popularity(),
}

OPTIONS = {  # model -> its own options and their defaults
    "ials": {"regularisation": 0.01, "weight": 0.1},
    "ease": {"l2": 500.0},
    "itemknn": {"neighbours": 50, "shrink": 0.0},
}
