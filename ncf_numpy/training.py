"""Training: the five-line step, and the loop over epochs around it."""

from .row_adam import RowAdam


def train_step(model, loss, optimizer, users, items, labels):
    """One step on one batch; returns its mean loss. Everything here that trains goes through it."""
    if isinstance(optimizer, RowAdam):
        optimizer.catch_up(model.lookups(users, items))
    logits = model.forward(users, items)  # (B,)
    value = loss.forward(logits, labels)  # float
    dlogits = loss.backward()  # (B,)
    model.backward(dlogits)
    optimizer.step(model.parameters())
    return value
