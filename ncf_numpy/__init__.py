"""Neural Collaborative Filtering by hand in NumPy: GMF, MLP and NeuMF with manual backprop.

A name is imported when it is first asked for, so the core needs NumPy alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING


def lazy_names(package, home_of):
    """The module attributes __all__, __getattr__ and __dir__ of a package with lazy public names.

    home_of: {module, relative to the package: its public names}. Source: PEP 562.
    """
    homes = {name: module for module, names in home_of.items() for name in names.split()}

    def getattr_(name):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(homes[name], package), name)
        setattr(import_module(package), name, value)  # the next use finds it without this function
        return value

    def dir_():
        return sorted({*vars(import_module(package)), *homes})

    return list(homes), getattr_, dir_


if TYPE_CHECKING:  # for editors and type checkers, to which `as` says that a name is public
    from .core.gradcheck import GradientError as GradientError
    from .core.gradcheck import check_gradients as check_gradients
    from .core.gradcheck import check_layer as check_layer
    from .core.gradcheck import numerical_gradient as numerical_gradient
    from .core.layers import Bias as Bias
    from .core.layers import Dense as Dense
    from .core.layers import Embedding as Embedding
    from .core.layers import ReLU as ReLU
    from .core.layers import Sigmoid as Sigmoid
    from .core.losses import BPR as BPR
    from .core.losses import BinaryCrossEntropy as BinaryCrossEntropy
    from .core.losses import BinaryCrossEntropyWithLogits as BinaryCrossEntropyWithLogits
    from .core.models import GMF as GMF
    from .core.models import MF as MF
    from .core.models import MLP as MLP
    from .core.models import NeuMF as NeuMF
    from .core.optimizers import SGD as SGD
    from .core.optimizers import Adagrad as Adagrad
    from .core.optimizers import Adam as Adam
    from .core.row_gradient import RowGradient as RowGradient
    from .data.sampling import NegativeSampler as NegativeSampler
    from .data.sampling import epoch_batches as epoch_batches
    from .evaluation.baselines import ItemKNN as ItemKNN
    from .evaluation.baselines import Popularity as Popularity
    from .evaluation.comparison import compare as compare
    from .evaluation.ease import EASE as EASE
    from .evaluation.implicit_als import ImplicitALS as ImplicitALS
    from .evaluation.metrics import Evaluation as Evaluation
    from .evaluation.metrics import evaluate as evaluate
    from .recommender.recommender import Recommender as Recommender
    from .training.row_adam import RowAdam as RowAdam
    from .training.trainer import Trainer as Trainer
    from .training.trainer import fit as fit
    from .training.trainer import train_step as train_step
else:  # a checker would take each misspelt name for one of __getattr__
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
