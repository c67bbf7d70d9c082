from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

class RowGradient:
    ids: NDArray[np.integer]
    dy: NDArray[Any]
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    def __init__(
        self, ids: NDArray[np.integer], dy: NDArray[Any], shape: tuple[int, ...]
    ) -> None: ...
    @cached_property
    def rows(self) -> NDArray[np.intp]: ...
    @cached_property
    def values(self) -> NDArray[Any]: ...
    def to_dense(self) -> NDArray[Any]: ...

class GroupById:
    rows: NDArray[np.intp]
    first: NDArray[np.intp]
    again: NDArray[np.intp]
    run: NDArray[np.intp]
    def __init__(self, ids: NDArray[np.integer]) -> None: ...
    def sum(self, dy: NDArray[Any]) -> NDArray[Any]: ...
