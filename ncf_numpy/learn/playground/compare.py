"""Whether two values are the same: a derivative is known to some digits, and not everywhere."""

import numpy as np

from ...core.row_gradient import RowGradient

RTOL, ATOL = 1e-5, 1e-9  # of an array's largest entry, and of any: differences are that exact


def dense(value):
    """A gradient of a table, or a number, as an array; None if that cannot be."""
    try:
        return np.asarray(value.to_dense() if isinstance(value, RowGradient) else value, float)
    except (TypeError, ValueError, IndexError):
        return None


def differs(value, expected):
    """None if a value is what is expected; else a mask of the entries that are not, or "shape"."""
    value, expected = dense(value), dense(expected)
    if value is None or value.shape != expected.shape:
        return "shape"
    known = np.isfinite(expected)
    if not known.any():
        return None
    tolerance = RTOL * np.abs(expected[known]).max() + ATOL
    mask = np.zeros(expected.shape, bool)
    mask[known] = ~(np.abs(value[known] - expected[known]) <= tolerance)
    return mask if mask.any() else None


def columns_like(value, whole):
    """The columns of an array that a value equals: all, or some side by side; or None."""
    if value.size == whole.size and {value.ndim, whole.ndim} == {1, 2} and 1 in value.shape[1:]:
        whole = whole.reshape(value.shape)  # (B,) and (B, 1)
    for columns in [whole] if value.shape == whole.shape else columns_of(whole, value.shape):
        if np.isfinite(columns).any() and differs(value, columns) is None:
            return columns
    return None


def columns_of(whole, shape):
    """All blocks of columns of an array that have this shape."""
    if not isinstance(whole, np.ndarray) or whole.ndim != 2 or len(shape) != 2:
        return []
    if len(whole) != shape[0]:
        return []
    return [whole[:, k : k + shape[1]].copy() for k in range(whole.shape[1] - shape[1] + 1)]
