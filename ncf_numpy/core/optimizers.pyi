from collections.abc import Mapping
from typing import Any

from .types import Array, Parameters

class SGD:
    lr: float
    l2: float
    def __init__(self, lr: float, l2: float = 0.0) -> None: ...
    def step(self, parameters: Parameters) -> None: ...

class Adagrad:
    lr: float
    l2: float
    eps: float
    s: dict[str, Array]
    def __init__(self, lr: float, l2: float = 0.0, eps: float = 1e-10) -> None: ...
    def step(self, parameters: Parameters) -> None: ...

class Adam:
    lr: float
    beta1: float
    beta2: float
    eps: float
    t: int
    m: dict[str, Array]
    v: dict[str, Array]
    def __init__(
        self, lr: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None: ...
    def step(self, parameters: Parameters) -> None: ...

def present(
    parameters: Parameters, remembered: Mapping[str, Array] | None = None
) -> list[tuple[str, Array, Any, Array]]: ...
