"""Pre-training: NeuMF starts from a trained GMF and a trained MLP instead of from noise.

The loss of NeuMF is not convex, so where it starts decides where it ends. Both parts are trained
alone, fused by `NeuMF.from_pretrained`, and fine-tuned together (He et al. 2017, section 3.4.1).
"""

import sys

from ..core.checks import check_count
from ..core.models import GMF, MLP, NeuMF
from ..data.terminal import is_terminal
from .row_adam import RowAdam
from .trainer import Trainer, fit


def pretrain(
    split,
    rng,
    *,
    factors=8,
    layers=(64, 32, 16, 8),
    alpha=0.5,
    lr=1e-3,
    optimizer=None,
    epochs=20,
    fine_tune_epochs=20,
    patience=None,
    progress=None,
    **settings,
):
    """Train GMF and MLP, fuse and fine-tune them: -> NeuMF, history.

    split, rng, patience, progress, settings: as for `fit`; each stage keeps its best epoch.
    alpha: the weight of GMF in the fusion, 1 - alpha that of MLP. lr: of the RowAdam that trains
    GMF and MLP, `epochs` each.
    optimizer: fine-tunes, for `fine_tune_epochs`. Default RowAdam(lr), as in the README of the
    authors' code. The paper takes plain SGD, since the moments of the two Adams are lost: that is
    SGD(lr) with an lr near 1 here, where the loss is a mean over the batch.

    history: a DataFrame as of `fit`, with `stage` (gmf, mlp, neumf) as first column. The stage
    neumf has an epoch 0, the fused model before fine-tuning; if no epoch is better, it is chosen.
    """
    check_count(fine_tune_epochs, 0, "fine_tune_epochs")
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
