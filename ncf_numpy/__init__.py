"""Neural Collaborative Filtering by hand in NumPy: GMF, MLP and NeuMF with manual backprop.

A name is imported when it is first asked for, so the core needs NumPy alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors and type checkers; what runs is `lazy_names` below
    from .core.gradcheck import GradientError, check_gradients, check_layer, numerical_gradient
    from .core.layers import Bias, Dense, Embedding, ReLU, Sigmoid
    from .core.losses import BPR, BinaryCrossEntropy, BinaryCrossEntropyWithLogits
    from .core.models import GMF, MF, MLP, NeuMF
    from .core.optimizers import SGD, Adagrad, Adam
    from .core.row_gradient import RowGradient
    from .data.sampling import NegativeSampler, epoch_batches
    from .evaluation.baselines import ItemKNN, Popularity
    from .evaluation.comparison import compare
    from .evaluation.ease import EASE
    from .evaluation.implicit_als import ImplicitALS
    from .evaluation.metrics import Evaluation, evaluate
    from .recommender.recommender import Recommender
    from .training.row_adam import RowAdam
    from .training.trainer import Trainer, fit, train_step


def lazy_names(package, home_of):
    """The module attributes __all__, __getattr__ and __dir__ of a package with lazy public names.

    home_of: {module, relative to the package: its public names}. Source: PEP 562.
    """
    homes = {name: module for module, names in home_of.items() for name in names.split()}

    def getattr_(name):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name], package), name)

    def dir_():
        return sorted({*vars(import_module(package)), *homes})

    return list(homes), getattr_, dir_


__all__, __getattr__, __dir__ = lazy_names(
    __name__,
    {
        ".core.gradcheck": "GradientError check_gradients check_layer numerical_gradient",
        ".core.layers": "Bias Dense Embedding ReLU Sigmoid",
        ".core.losses": "BPR BinaryCrossEntropy BinaryCrossEntropyWithLogits",
        ".core.models": "GMF MF MLP NeuMF",
        ".core.optimizers": "SGD Adagrad Adam",
        ".core.row_gradient": "RowGradient",
        ".data.sampling": "NegativeSampler epoch_batches",
        ".evaluation.baselines": "ItemKNN Popularity",
        ".evaluation.comparison": "compare",
        ".evaluation.ease": "EASE",
        ".evaluation.implicit_als": "ImplicitALS",
        ".evaluation.metrics": "Evaluation evaluate",
        ".recommender.recommender": "Recommender",
        ".training.row_adam": "RowAdam",
        ".training.trainer": "Trainer fit train_step",
    },
)
