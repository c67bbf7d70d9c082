"""The playground: a training step with a learner's own backward in it, every value judged."""
