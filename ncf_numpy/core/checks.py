"""What is refused, in one place, so that the formulas stand alone: each check raises one line.

A message names the argument, what was expected and what came. Without these checks NumPy would do
something else without a word: take -1 for the last row, broadcast (B, 1) to (B, B), or turn float32
weights into float64.
"""

import math
import numbers

import numpy as np

DTYPES = np.float32, np.float64, "float32", "float64"
CAN = {  # what each kind of object is asked for
    "layer": (
        "forward(x)",
        "backward(dy)",
        "parameters(), which returns [(name, W, dW), ...], or [] where there are no weights",
    ),
    "model": (
        "forward(users, items)",
        "backward(dlogits)",
        "parameters()",
        "lookups(users, items)",
    ),
    "loss": ("forward(logits, labels)", "backward()"),
    "optimizer": ("step(parameters)",),
    "scorer": ("predict(users, items), as a model, a baseline and Recommender.model have it",),
}


def check_ids(ids, n_rows, name="ids"):
    """Return ids as an array of row numbers (B,), or raise: NumPy would take -1 for the last row.

    TypeError for ids that are not integers, ValueError for any shape but (B,), IndexError for an
    id outside [0, n_rows).
    """
    ids = np.asarray(ids)
    if ids.dtype.kind not in "iu" and ids.size:  # of an empty list NumPy makes floats
        raise TypeError(f"{name} must be integer row numbers, got {ids.dtype}: {ids.ravel()[:3]}")
    if ids.ndim != 1:
        raise ValueError(f"{name} must have shape (B,), got {ids.shape}")
    if ids.size and not 0 <= ids[ids.astype(np.uintp).argmax()] < n_rows:  # -1 is huge if unsigned
        bad = ids[(ids < 0) | (ids >= n_rows)][0]
        raise IndexError(
            f"{name} must be in [0, {n_rows}), got {bad}: number raw ids from 0 first, and take "
            "the size of a table from all the data, not from its training part"
        )
    return ids.astype(np.intp, copy=False)


def check_pairs(users, items):
    """Raise unless each user has an item: NumPy would broadcast one user to all items."""
    if len(users) != len(items):
        got = f"{len(users)} and {len(items)}"
        raise ValueError(f"users and items must be of one length B, got {got}")


def check_array(name, x):
    """Raise TypeError unless x is an array: a list or a number has no shape and no dtype."""
    if not isinstance(x, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {type(x).__name__}")


def check_can(kind, thing):
    """Raise TypeError unless thing is an object, and no class, with all that CAN says of a kind."""
    methods = [each.partition("(")[0] for each in CAN[kind]]
    missing = [name for name in methods if not callable(getattr(thing, name, None))]
    if missing or isinstance(thing, type):
        lacks = f"{type(thing).__name__} lacks {', '.join(missing)}"
        got = f"got the class {thing.__name__}" if isinstance(thing, type) else lacks
        raise TypeError(f"{kind}: expected an object with {', '.join(CAN[kind])}; {got}")


def check_dlogits(dlogits):
    """Raise unless dlogits is an array (B,): PyTorch calls backward on the value of the loss."""
    if not isinstance(dlogits, np.ndarray) or dlogits.ndim != 1:
        got = getattr(dlogits, "shape", None) or type(dlogits).__name__
        raise TypeError(
            "model.backward expects dlogits (B,), the array that loss.backward() returns, and not "
            f"the value that loss.forward() returns; got {got}"
        )


def check_input(layer, x, dtype, row=()):
    """Raise unless x is of this dtype and of shape (B, *row)."""
    if not isinstance(x, np.ndarray) or not x.ndim or x.shape[1:] != row or x.dtype != dtype:
        check_array(f"the input of {type(layer).__name__}", x)
        name, shape = type(layer).__name__, str(("B", *row)).replace("'", "")
        expected = f"{dtype} of shape {shape}"
        raise ValueError(f"{name} expects x as {expected}, got {x.dtype} of shape {x.shape}")


def check_upstream(layer, dy):
    """Raise unless there was a forward and dy has the shape and dtype of its output."""
    name, y = type(layer).__name__, layer.y
    if y is None:
        raise RuntimeError(f"{name}.backward before any forward: it has nothing to differentiate")
    if not isinstance(dy, np.ndarray) or dy.shape != y.shape or dy.dtype != y.dtype:
        check_array(f"dy of {name}.backward", dy)
        got = f"{dy.dtype} of {dy.shape}"
        raise ValueError(f"{name}.backward expects dy as {y.dtype} of shape {y.shape}, got {got}")


def check_labels(labels, prediction):
    """Return labels in the prediction's dtype; (B, 1) against (B,) would broadcast to (B, B)."""
    check_array("the prediction", prediction)
    labels = np.asarray(labels)
    if labels.dtype.kind not in "biuf":
        raise TypeError(f"labels must be numbers, got {labels.dtype}")
    z, labels = prediction, labels.astype(prediction.dtype, copy=False)
    if z.dtype.kind != "f" or z.ndim != 1 or labels.shape != z.shape or labels.size == 0:
        got = f"{z.shape} and {labels.shape} of {z.dtype}"
        raise ValueError(f"prediction and labels must be floats of shape (B,), B > 0, got {got}")
    if not (labels.min() >= 0 and labels.max() <= 1):
        raise ValueError(f"labels must be in [0, 1], got {labels.min()} to {labels.max()}")
    return labels


def check_forward(loss, remembered):
    """Raise if the loss has seen no batch yet."""
    if remembered is None:
        raise RuntimeError(f"{type(loss).__name__}.backward before any forward")


def check_gradient(name, W, dW, remembered=None):
    """Raise unless dW has the shape and dtype of W, and so has what is remembered of its steps."""
    if dW is None:
        raise RuntimeError(f"{name} has no gradient yet: call model.backward before step")
    if dW.shape != W.shape or dW.dtype != W.dtype:
        got = f"{dW.dtype} of {dW.shape}"
        raise ValueError(f"the gradient of {name} must be {W.dtype} of {W.shape}, got {got}")
    if remembered is not None and (remembered.shape, remembered.dtype) != (W.shape, W.dtype):
        raise ValueError(
            f"{name} is {W.dtype} of {W.shape}, in earlier steps of this optimizer it was "
            f"{remembered.dtype} of {remembered.shape}: make one optimizer for each model"
        )


def check_parameters(parameters):
    """Raise TypeError unless parameters is the list [(name, W, dW), ...] of model.parameters()."""
    if not isinstance(parameters, (list, tuple)) or not all(
        isinstance(each, tuple) and len(each) == 3 for each in parameters
    ):
        got = type(parameters).__name__
        raise TypeError(f"step expects model.parameters(), a list of (name, W, dW), got {got}")


def check_rate(name, value, low=0.0, high=math.inf):
    """Return value as a Python float: a NumPy scalar would turn float32 weights into float64."""
    if isinstance(value, list):
        raise TypeError(
            f"{name} must be a number, got a list: an optimizer is given the parameters at each "
            "step, optimizer.step(model.parameters())"
        )
    if not is_number(value) or not low <= value < high:
        raise ValueError(f"{name} must be in [{low:g}, {high:g}), got {value!r}")
    return float(value)


def check_positive(name, value):
    """Return value as a Python float, or raise ValueError: a finite number above 0."""
    if not is_number(value) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}")
    return float(value)


def check_share(name, value):
    """Return value as a Python float in [0, 1], or raise ValueError."""
    if not is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"{name} must be in [0, 1], got {value!r}")
    return float(value)


def is_number(value):
    """Whether value is a real number; True and False are none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_switch(name, value):
    """Return value as a Python bool, or raise ValueError: any text would count as True."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def check_count(value, least, name):
    """Return value as a Python int, or raise ValueError: an integer of at least `least`."""
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
    return int(value)


def check_sizes(**sizes):
    """Raise ValueError unless every size is an integer from 1 to 2**31: beyond it is a slip."""
    for name, size in sizes.items():
        if check_count(size, 1, name) >= 2**31:
            raise ValueError(f"{name} must be below 2**31, got {size}")


def check_widths(layers):
    """Return the tower's widths as a tuple, or raise; the first is split between user and item."""
    widths = tuple(layers) if np.iterable(layers) and not isinstance(layers, str) else ()
    for width in widths:
        check_sizes(**{"every width in layers": width})
    if not widths or widths[0] % 2:
        example = "user and item half each, such as (64, 32, 16, 8)"
        raise ValueError(f"layers must begin with an even width, {example}; got {layers}")
    return tuple(int(width) for width in widths)


def check_new(rng, dtype, **sizes):
    """Raise unless weights of these sizes can be drawn: integers would be rounded to 0."""
    check_generator(rng)
    for name, size in sizes.items():
        check_count(size, 1, name)
    if dtype not in DTYPES:
        raise TypeError(f"dtype must be np.float32 or np.float64, got {dtype!r}")


def check_generator(rng):
    """Raise TypeError unless rng is a NumPy Generator: a seed is none."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a numpy Generator such as np.random.default_rng(0), got {rng!r}"
        )
