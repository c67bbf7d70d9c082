from collections.abc import Callable, Sequence
from typing import Any

from numpy.random import Generator
from numpy.typing import DTypeLike

from .layers import Bias, Dense, Embedding, ReLU, Sigmoid
from .types import Array, Gradient, Ids, Layer

class Model:
    user_embedding: Embedding
    item_embedding: Embedding
    tower: Sequence[tuple[Dense, ReLU]]
    sigmoid: Sigmoid
    forward: Callable[[Any, Any], Array]  # users (B,), items (B,) -> logits (B,)
    backward: Callable[[Any], None]  # dlogits (B,)
    def layers(self) -> list[tuple[str, Layer]]: ...
    def parameters(self) -> list[tuple[str, Array, Gradient]]: ...
    def lookups(self, users: Ids, items: Ids) -> list[tuple[str, Array, Ids]]: ...
    def predict(self, users: Ids, items: Ids) -> Array: ...

class MF(Model):
    n_factors: int
    output: Bias
    p: Array
    q: Array
    def __init__(
        self,
        n_users: int,
        n_items: int,
        n_factors: int,
        rng: Generator,
        *,
        dtype: DTypeLike = ...,
    ) -> None: ...
    def forward(self, users: Ids, items: Ids) -> Array: ...
    def backward(self, dlogits: Array) -> None: ...

class GMF(Model):
    output: Dense
    p: Array
    q: Array
    def __init__(
        self,
        n_users: int,
        n_items: int,
        n_factors: int,
        rng: Generator,
        *,
        dtype: DTypeLike = ...,
    ) -> None: ...
    def forward(self, users: Ids, items: Ids) -> Array: ...
    def backward(self, dlogits: Array) -> None: ...

class MLP(Model):
    widths: tuple[int, ...]
    output: Dense
    def __init__(
        self,
        n_users: int,
        n_items: int,
        layers: Sequence[int],
        rng: Generator,
        *,
        dtype: DTypeLike = ...,
    ) -> None: ...
    def forward(self, users: Ids, items: Ids) -> Array: ...
    def backward(self, dlogits: Array) -> None: ...

class NeuMF(Model):
    widths: tuple[int, ...]
    n_factors: int
    branch_weight: float | None
    output: Dense
    p_G: Array
    q_G: Array
    def __init__(
        self,
        n_users: int,
        n_items: int,
        n_factors: int,
        layers: Sequence[int],
        rng: Generator,
        *,
        branch_weight: float | None = None,
        dtype: DTypeLike = ...,
    ) -> None: ...
    def forward(self, users: Ids, items: Ids) -> Array: ...
    def backward(self, dlogits: Array) -> None: ...
    @classmethod
    def from_pretrained(cls, gmf: GMF, mlp: MLP, alpha: float = 0.5) -> NeuMF: ...

def make_tower(
    widths: Sequence[int], rng: Generator, dtype: DTypeLike
) -> list[tuple[Dense, ReLU]]: ...
def lecun(n_in: int) -> float: ...
