from numpy.random import Generator
from numpy.typing import DTypeLike

from .row_gradient import RowGradient
from .types import Array, Ids

class Embedding:
    W: Array
    dW: RowGradient | None  # None before the first backward
    ids: Array | None  # None before the first forward, as x and y everywhere
    y: Array | None
    name: str
    def __init__(
        self,
        n_rows: int,
        K: int,
        rng: Generator,
        *,
        std: float = 0.01,
        name: str = "ids",
        dtype: DTypeLike = ...,
    ) -> None: ...
    def forward(self, ids: Ids) -> Array: ...
    def backward(self, dy: Array) -> None: ...
    def parameters(self) -> list[tuple[str, Array, RowGradient | None]]: ...

class Dense:
    W: Array
    b: Array
    dW: Array | None
    db: Array | None
    x: Array | None
    y: Array | None
    def __init__(
        self,
        n_in: int,
        n_out: int,
        rng: Generator,
        *,
        limit: float | None = None,
        dtype: DTypeLike = ...,
    ) -> None: ...
    def forward(self, x: Array) -> Array: ...
    def backward(self, dy: Array) -> Array: ...
    def parameters(self) -> list[tuple[str, Array, Array | None]]: ...

class Bias:
    b: Array
    db: Array | None
    y: Array | None
    def __init__(self, *, dtype: DTypeLike = ...) -> None: ...
    def forward(self, x: Array) -> Array: ...
    def backward(self, dy: Array) -> Array: ...
    def parameters(self) -> list[tuple[str, Array, Array | None]]: ...

class ReLU:
    x: Array | None
    y: Array | None
    def __init__(self) -> None: ...
    def forward(self, x: Array) -> Array: ...
    def backward(self, dy: Array) -> Array: ...
    def parameters(self) -> list[tuple[str, Array, Array | None]]: ...

class Sigmoid:
    y: Array | None
    def __init__(self) -> None: ...
    def forward(self, x: Array) -> Array: ...
    def backward(self, dy: Array) -> Array: ...
    def parameters(self) -> list[tuple[str, Array, Array | None]]: ...

def sigmoid(x: Array) -> Array: ...
