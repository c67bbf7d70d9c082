"""Neural Collaborative Filtering by hand in NumPy: GMF, MLP and NeuMF with manual backprop."""

from .baselines import EASE, ItemKNN, Popularity
from .gradcheck import GradientError, check_gradients, check_layer, numerical_gradient
from .layers import Bias, Dense, Embedding, ReLU, Sigmoid
from .losses import BPR, BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from .metrics import Evaluation, evaluate
from .models import GMF, MF, MLP, NeuMF
from .optimizers import SGD, Adagrad, Adam
from .recommender import Recommender
from .row_adam import RowAdam
from .row_gradient import RowGradient
from .sampling import NegativeSampler, epoch_batches
from .training import Trainer, fit, train_step
