from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from .models import Model
from .types import Array, Ids, Labels, Layer, Loss

STEP: float
RTOL: float
ATOL: float
MOST_ENTRIES: int

class GradientError(ArithmeticError):
    table: pd.DataFrame
    def __init__(self, message: str, table: pd.DataFrame) -> None: ...

def numerical_gradient(
    f: Callable[[], float], x: NDArray[np.float64], *, step: float = ...
) -> NDArray[np.float64]: ...
def check_gradients(
    model: Model,
    loss: Loss,
    users: Ids,
    items: Ids,
    labels: Labels,
    *,
    rng: Generator | None = None,
    step: float = ...,
    rtol: float = ...,
    atol: float = ...,
) -> pd.DataFrame: ...
def check_layer(
    layer: Layer,
    x: Array,
    *,
    rng: Generator | None = None,
    step: float = ...,
    rtol: float = ...,
    atol: float = ...,
) -> pd.DataFrame: ...
def redraw_embeddings(model: Model, rng: Generator, std: float = 1.0) -> None: ...
