"""Neural Collaborative Filtering by hand in NumPy: GMF, MLP and NeuMF with manual backprop."""

from .layers import Bias, Dense, Embedding, ReLU, RowGradient, Sigmoid
from .losses import BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from .models import GMF, MF, MLP, NeuMF
from .optimizers import SGD, Adagrad, Adam
from .row_adam import RowAdam
from .training import Trainer, fit, train_step
