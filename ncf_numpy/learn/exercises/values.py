"""Compare an answer with the right value, without giving that away."""

import numpy as np

RTOL, ATOL = 1e-9, 1e-12


def as_numbers(value):
    """A value as an array of floats; ValueError or TypeError if it cannot be one."""
    if isinstance(value, (set, frozenset, dict, str, bytes)) or value is None:
        raise TypeError(f"{value!r} is not a number or an array")
    return np.asarray(value, float)


def same(a, b):
    """Whether two arrays are equal but for rounding."""
    return a.shape == b.shape and bool(np.allclose(a, b, RTOL, ATOL, equal_nan=True))


def find_fault(yours, right):
    """A phrase that says how an answer differs from the right value, or None."""
    if yours is ...:
        return "is missing: it is still `...`"
    try:
        yours = as_numbers(yours)
    except (TypeError, ValueError):
        return f"must be a number or an array of numbers, got {type(yours).__name__} {yours!r:.60}"
    right = np.asarray(right, float)
    if right.ndim == 0 and yours.size == 1:
        yours = yours.reshape(())
    if yours.shape != right.shape:
        expected = f"shape {right.shape}" if right.ndim else "one number"
        return f"has shape {yours.shape}, expected {expected}"
    if same(yours, right):
        return None
    wrong = ~np.isclose(yours, right, RTOL, ATOL)
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = f"[{', '.join(map(str, index))}]" if index else ""
    if not np.isfinite(yours).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(yours))[0])
        place = f"[{', '.join(map(str, index))}]" if index else ""
        return f"is not finite: yours{place} is {yours[index]}"
    count = f"{wrong.sum()} of {wrong.size} numbers differ, the first is " if index else ""
    return f"is not right: {count}yours{place} = {yours[index]:.6g}"


def axes(value):
    """The number of axes of an array, 0 for a number, None for anything else."""
    if isinstance(value, np.ndarray):
        return value.ndim
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return 0 if is_number else None
