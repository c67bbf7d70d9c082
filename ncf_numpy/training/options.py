"""What the functions that train pass on to a `Trainer`, as types of their keyword arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from ..core.types import Optimizer
    from .objectives import Pointwise


class MoreOptions(TypedDict, total=False):
    """What `pretrain` passes on to a `Trainer`, whose parameters these are."""

    objective: type[Pointwise]
    batch_size: int
    negatives: int
    k: int
    threads: int | None


class TrainerOptions(MoreOptions, total=False):
    """What `fit` passes on."""

    optimizer: Optimizer | None
