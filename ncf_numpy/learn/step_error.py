"""How wrong is a difference quotient? Its error against the step, and the ReLU kinks it crosses.

A large step measures curvature along with the derivative, a small one rounding: between them lies
the step of a gradient check. Where the gradient itself is wrong, no step helps.
"""

import numpy as np

from ..core.gradcheck import ATOL, RTOL, Check, nudge, relus
from ..core.row_gradient import RowGradient

STEPS = 10.0 ** np.arange(-12, -0.9, 0.5)


def measure(model, loss, users, items, labels, steps=STEPS, n_entries=20):
    """Errors of difference quotients at random entries of each array, of a table in its read rows.

    model: of any dtype; users, items, labels (B,); n_entries: at most so many of each array.
    -> {"central", "forward", "worst", "kinks"}, each (steps,): the median relative error of a
    difference to both sides and to one, the largest error as `check_gradients` measures it, and
    the share of entries whose step crosses a kink, which the other three leave out. Entries whose
    gradient is 0, such as those of a unit that is off, count for "worst" only.
    """
    rng = np.random.default_rng(1)
    check = Check(rng, None, RTOL, ATOL, relus(model.layers()))

    def value_and_signs():
        return loss.forward(model.forward(users, items), labels), check.signs()

    # Another batch first: a backward that uses stale values would look right without it.
    n_users, n_items = (len(W) for _, W, _ in model.lookups(users, items))
    model.forward((users + 1) % n_users, (items + 1) % n_items)
    middle, before = value_and_signs()
    model.backward(loss.backward())
    entries = list(sample(model, n_entries, rng))
    n_alive = sum(derivative != 0 for _, _, derivative in entries)
    rows = []
    for step in steps:
        central, forward, worst = [], [], []
        for W, index, derivative in entries:
            (plus, up), (minus, down) = nudge(value_and_signs, W, index, step)
            if (up != before).any() or (down != before).any():
                continue
            quotient = (plus - minus) / (2 * step)
            worst.append(check.relative_error(derivative, quotient))
            if derivative != 0:
                central.append(abs(quotient / derivative - 1))
                forward.append(abs((plus - middle) / step / derivative - 1))
        medians = [np.median(errors) if errors else np.nan for errors in (central, forward)]
        rows.append([*medians, max(worst, default=np.nan), 1 - len(central) / n_alive])
    return dict(zip(("central", "forward", "worst", "kinks"), np.transpose(rows)))


def sample(model, n_entries, rng):
    """(array, index, gradient there) of random entries; the model has just done a backward."""
    for _, W, dW in model.parameters():
        is_table = isinstance(dW, RowGradient)
        dense = dW.to_dense() if is_table else dW
        cells = np.arange(W.size).reshape(W.shape)[dW.rows if is_table else slice(None)].reshape(-1)
        for cell in rng.choice(cells, min(len(cells), n_entries), replace=False):
            index = np.unravel_index(cell, W.shape)
            yield W, index, float(dense[index])
