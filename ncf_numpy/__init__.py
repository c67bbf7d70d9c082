"""Neural Collaborative Filtering by hand in NumPy: GMF, MLP and NeuMF with manual backprop."""

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
