"""From scores to figures: metrics on a hold-out, ranking of all items, baselines."""
