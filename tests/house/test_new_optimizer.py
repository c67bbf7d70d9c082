"""A new optimizer is one class with `step`: it then trains every model, and training resumes."""

from types import SimpleNamespace

import numpy as np
import pytest
from small_models import builders

from ncf_numpy import BinaryCrossEntropyWithLogits, Trainer, train_step
from ncf_numpy.core.optimizers import present
from ncf_numpy.datasets import sample_lastfm
from ncf_numpy.training.checkpoint import load_checkpoint, save_checkpoint


class Momentum:
    """velocity = mu velocity - lr g;  W += velocity."""

    def __init__(self, lr=0.5, mu=0.9):
        self.lr, self.mu = lr, mu
        self.velocity = {}  # name -> W's shape

    def step(self, parameters):
        for name, W, rows, g in present(parameters):
            if name not in self.velocity:
                self.velocity[name] = np.zeros_like(W)
            velocity = self.velocity[name]
            velocity *= self.mu
            velocity[rows] -= self.lr * g
            W += velocity


@pytest.mark.parametrize("name", builders())
def test_it_lowers_the_loss_of_every_model(name):
    rng = np.random.default_rng(0)
    model, loss = builders()[name](rng), BinaryCrossEntropyWithLogits()
    batch = np.array([3, 1, 3]), np.array([2, 5, 2]), np.array([1, 0, 1], np.float32)
    optimizer = Momentum(lr=0.2)
    values = [train_step(model, loss, optimizer, *batch) for _ in range(60)]
    assert values[-1] < 0.5 * values[0]


@pytest.mark.parametrize("name", builders())
def test_training_resumes_to_the_same_bit_and_another_mu_is_refused(name, tmp_path):
    plays, _ = sample_lastfm()
    split = SimpleNamespace(train=plays, validation=None)

    def trainer(**settings):
        rng = np.random.default_rng(1)
        model = builders(plays.n_users, plays.n_items)[name](rng)
        return Trainer(model, split, rng, optimizer=Momentum(**settings), batch_size=2048)

    straight, half, resumed = trainer(), trainer(), trainer()
    straight.run(2)
    half.run(1)
    save_checkpoint(tmp_path / "c", half)
    load_checkpoint(tmp_path / "c", resumed)
    resumed.run(2)
    for (array, W, _), (_, V, _) in zip(
        straight.model.parameters(), resumed.model.parameters(), strict=True
    ):
        np.testing.assert_array_equal(W, V, err_msg=array)
    with pytest.raises(ValueError, match="trained with mu=0.9, this run has mu=0.8"):
        load_checkpoint(tmp_path / "c", trainer(mu=0.8))
