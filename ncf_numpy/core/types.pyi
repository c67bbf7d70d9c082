"""The types of the public signatures, for type checkers alone: at run time there is no such module.

The core's own signatures stand in the stubs beside it, so that its lines stay those of the papers.
A model, measure or data set is named by a plain `str`: a new one is a line in a table of names.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .row_gradient import RowGradient

Array: TypeAlias = NDArray[Any]
Ids: TypeAlias = NDArray[np.integer] | Sequence[int]  # (B,) row numbers
Gradient: TypeAlias = Array | RowGradient | None  # None before the first backward
Parameters: TypeAlias = Sequence[tuple[str, Array, Gradient]]  # [(name, W, dW), ...]
Lookups: TypeAlias = Sequence[tuple[str, Array, Ids]]  # [(name, W, ids), ...]
Labels: TypeAlias = Array | Sequence[float]  # (B,)
Batches: TypeAlias = Iterator[tuple[Array, Array, Array]]  # users (B,), items (B,), labels (B,)

RawId: TypeAlias = int | str | np.integer  # a user or an item as your data calls it
Column: TypeAlias = Collection[Any]  # a list, an array or a pandas Series

class Layer(Protocol):
    def forward(self, x: Any, /) -> Array: ...
    def backward(self, dy: Any, /) -> Array | None: ...
    def parameters(self) -> Sequence[tuple[str, Any, Any]]: ...

class Loss(Protocol):
    def forward(self, prediction: Any, labels: Any, /) -> float: ...
    def backward(self) -> Array: ...

class Optimizer(Protocol):
    def step(self, parameters: Any, /) -> None: ...

class Scorer(Protocol):
    """A model, a baseline, or anything else that can be ranked."""

    def predict(self, users: Any, items: Any, /) -> Any: ...  # (B,), (B,) -> (B,)

class Frame(Protocol):
    """A pandas DataFrame: checkers that know no types of pandas would let anything pass for one."""

    @property
    def columns(self) -> Any: ...

class Sparse(Protocol):
    """A scipy sparse matrix or array."""

    def tocoo(self) -> Any: ...
