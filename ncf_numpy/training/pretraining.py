"""Pre-training: NeuMF starts from a trained GMF and a trained MLP instead of from noise.

The loss of NeuMF is not convex, so where it starts decides where it ends. Both parts are trained
alone, fused by `NeuMF.from_pretrained`, and fine-tuned together (He et al. 2017, section 3.4.1).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.checks import check_count, check_sizes
from ..core.models import GMF, MLP, NeuMF
from ..data.terminal import is_terminal
from .row_adam import RowAdam
from .trainer import Trainer, fit

if TYPE_CHECKING:
    from typing import Unpack

    import pandas as pd
    from numpy.random import Generator

    from ..core.types import Optimizer
    from ..data.split import Split
    from .options import MoreOptions


def pretrain(
    split: Split,
    rng: Generator,
    *,
    factors: int = 8,
    layers: Sequence[int] = (64, 32, 16, 8),
    alpha: float = 0.5,
    lr: float = 1e-3,
    optimizer: Optimizer | None = None,
    epochs: int = 20,
    fine_tune_epochs: int = 20,
    patience: int | None = None,
    progress: bool | None = None,
    **settings: Unpack[MoreOptions],
) -> tuple[NeuMF, pd.DataFrame]:
    """Train GMF and MLP, fuse them to a NeuMF, and fine-tune it. Each stage keeps its best epoch.

    Parameters
    ----------
    split : Split
    rng : Generator
    factors : int
        K, of GMF.
    layers : sequence of int
        The widths of MLP's tower.
    alpha : float
        The weight of GMF in the fusion, 1 - alpha that of MLP.
    lr : float
        Of the RowAdam that trains GMF and MLP.
    optimizer : optimizer
        Fine-tunes. By default RowAdam(lr), as in the README of the authors' code. The paper takes
        plain SGD, since the moments of the two Adams are lost: that is SGD(lr) with an lr near 1
        here, where the loss is a mean over the batch.
    epochs : int
        Of GMF and of MLP.
    fine_tune_epochs : int
        Of NeuMF; 0 leaves it as it was fused.
    patience : int
    progress : bool
    **settings
        As for `fit`.

    Returns
    -------
    model : NeuMF
    history : DataFrame
        As of `fit`, with `stage` (gmf, mlp, neumf) as first column. The stage neumf has an epoch 0,
        the fused model before fine-tuning; if no epoch is better, it is chosen.

    Raises
    ------
    ValueError, FloatingPointError
        As `fit`.
    """
    check_count(fine_tune_epochs, 0, "fine_tune_epochs")
    check_sizes(epochs=epochs, fine_tune_epochs=max(1, fine_tune_epochs))
    progress = is_terminal(sys.stderr) if progress is None else progress
    sizes = split.train.n_users, split.train.n_items
    gmf, mlp = GMF(*sizes, factors, rng), MLP(*sizes, layers, rng)
    stages = {}
    for name, model in (("gmf", gmf), ("mlp", mlp)):
        options = {"epochs": epochs, "patience": patience, "progress": progress, **settings}
        stages[name] = fit(model, split, rng, optimizer=RowAdam(lr), **options)
    neumf = NeuMF.from_pretrained(gmf, mlp, alpha)
    optimizer = RowAdam(lr) if optimizer is None else optimizer
    trainer = Trainer(neumf, split, rng, optimizer=optimizer, progress=progress, **settings)
    trainer.measure_start()
    trainer.run(fine_tune_epochs, patience)
    stages["neumf"] = trainer.history()
    import pandas as pd

    history = pd.concat(stages, names=["stage"]).reset_index("stage")
    return neumf, history.reset_index(drop=True)
