"""What a recommender can be fitted on: interactions, a DataFrame, or a sparse matrix."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

from ..data.interactions import Interactions
from ..data.split import Split

if TYPE_CHECKING:
    from ..core.types import Frame, Sparse


def as_interactions(data: Interactions | Frame | Sparse) -> Interactions:
    """Interactions as they are; a DataFrame by its columns user, item, count, timestamp, name.

    A scipy sparse matrix is read by `Interactions.from_sparse`: users are rows, items are columns.
    """
    if isinstance(data, Interactions):
        if not len(data):
            raise ValueError("no interactions: the data holds no pair to learn from")
        return data
    if isinstance(data, Split):
        raise TypeError(
            "data must be Interactions, got a Split: fit(split.train, validation=split.validation)"
        )
    if hasattr(data, "tocoo"):
        return Interactions.from_sparse(data)
    import pandas as pd

    from ..datasets.tabular import load_interactions, way_in

    if not isinstance(data, pd.DataFrame):
        raise TypeError(
            "data must be Interactions, a DataFrame or a scipy sparse matrix, got "
            f"{type(data).__name__}; {way_in(data)}"
        )
    optional = {"count": "count", "timestamp": "timestamp", "item_name": "name"}
    there = {argument: column for argument, column in optional.items() if column in data}
    try:
        return load_interactions(data, **there)
    except ValueError as error:
        names = "|".join(inspect.signature(load_interactions).parameters)
        if re.search(rf"\b({names})=", str(error)) and "load_interactions" not in str(error):
            raise ValueError(f"{error}, in fit(load_interactions(table, ...))") from error
        raise
