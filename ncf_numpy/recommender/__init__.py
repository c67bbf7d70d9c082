"""A recommender by original ids: fit, recommend, explain, fold in, save."""
