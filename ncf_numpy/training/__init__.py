"""Training a model: the epochs, RowAdam, checkpoints, pre-training, factorisation."""
