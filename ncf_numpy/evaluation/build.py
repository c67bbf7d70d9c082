"""The baselines by name, how each is built, and the options that it takes.

A new baseline is its class and one line here, and one in OPTIONS where it has options.
"""

from .baselines import ItemKNN, Popularity
from .ease import EASE
from .implicit_als import ImplicitALS

BASELINES = {
    "ials": lambda n, m, s, rng: ImplicitALS(
        s["factors"], s["regularisation"], s["weight"], s["epochs"], rng
    ),
    "ease": lambda n, m, s, rng: EASE(s["l2"]),
    "itemknn": lambda n, m, s, rng: ItemKNN(s["neighbours"], s["shrink"], s["use_counts"]),
    "popularity": lambda n, m, s, rng: Popularity(s["use_counts"]),
}

OPTIONS = {  # model -> the options that it takes and their defaults
    "ials": {"factors": 64, "epochs": 12, "regularisation": 0.01, "weight": 0.1},
    "ease": {"l2": 500.0},
    "itemknn": {"neighbours": 50, "shrink": 0.0, "use_counts": False},
    "popularity": {"use_counts": False},
}
