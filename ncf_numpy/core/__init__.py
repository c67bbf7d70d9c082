"""Every line that makes a neural recommender learn: read layers, losses, models, optimizers."""
