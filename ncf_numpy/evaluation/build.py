"""The baselines by name, and how each is built: a new baseline is its class and one line here."""

from .baselines import ItemKNN, Popularity

BASELINES = {
    "itemknn": lambda n, m, s, rng: ItemKNN(s["neighbours"], s["shrink"]),
    "popularity": lambda n, m, s, rng: Popularity(),
}
