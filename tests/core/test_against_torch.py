"""An independent implementation: PyTorch's autograd, on the same weights, in float64."""

import math

import numpy as np
import pytest
from small_models import builders

from ncf_numpy.core.layers import Bias, RowGradient
from ncf_numpy.core.losses import BinaryCrossEntropyWithLogits
from ncf_numpy.core.models import GMF, MLP, NeuMF
from ncf_numpy.core.optimizers import SGD, Adagrad, Adam

torch = pytest.importorskip("torch", reason="torch is an optional extra, to be compared with")

TIGHT = {"rtol": 1e-10, "atol": 1e-12}

MODELS = builders(40, 60, factors=8, layers=(64, 32, 16, 8), dtype=np.float64) | {
    "neumf, alpha .3": lambda rng: NeuMF(
        40, 60, 8, (64, 32, 16, 8), rng, branch_weight=0.3, dtype=np.float64
    ),
}


class Twin:
    """The same model out of torch's own parts, every weight a copy."""

    def __init__(self, model):
        self.model = model
        self.w = {
            name: torch.tensor(W, requires_grad=True, dtype=torch.float64)
            for name, W, _ in model.parameters()
        }

    def forward(self, users, items):
        P = torch.nn.functional.embedding(torch.tensor(users), self.w["user_embedding.W"])
        Q = torch.nn.functional.embedding(torch.tensor(items), self.w["item_embedding.W"])
        if isinstance(self.model.output, Bias):
            return (P[:, :-1] * Q[:, :-1]).sum(1) + P[:, -1] + Q[:, -1] + self.w["output.b"]
        phi = []
        if isinstance(self.model, GMF):
            phi = [P * Q]
        elif isinstance(self.model, MLP):
            phi = [self.tower(torch.cat([P, Q], dim=1))]
        else:
            K, alpha = self.model.n_factors, self.model.branch_weight
            gmf = P[:, :K] * Q[:, :K]
            mlp = self.tower(torch.cat([P[:, K:], Q[:, K:]], dim=1))
            phi = [gmf, mlp] if alpha is None else [alpha * gmf, (1 - alpha) * mlp]
        return (torch.cat(phi, dim=1) @ self.w["output.W"] + self.w["output.b"]).squeeze(1)

    def tower(self, z):
        for n in (1, 2, 3):
            z = torch.relu(torch.addmm(self.w[f"dense{n}.b"], z, self.w[f"dense{n}.W"]))
        return z


def make_pair(name):
    rng = np.random.default_rng(0)
    model = MODELS[name](rng)
    for _, W, _ in model.parameters():
        W[:] = rng.normal(0, 0.4, W.shape)
    return model, Twin(model)


def make_batch(rng, B=64):
    """Of 64 draws from 40 users and 60 items many repeat."""
    return rng.integers(0, 40, B), rng.integers(0, 60, B), rng.integers(0, 2, B).astype(float)


def train(name, optimizer, torch_optimizer, before_step=lambda t, torch_optimizer: None):
    """20 steps of both; the largest difference of any weight."""
    model, twin = make_pair(name)
    theirs, loss = torch_optimizer(twin.w.values()), BinaryCrossEntropyWithLogits()
    rng = np.random.default_rng(1)
    for t in range(1, 21):
        users, items, labels = make_batch(rng)
        loss.forward(model.forward(users, items), labels)
        model.backward(loss.backward())
        optimizer.step(model.parameters())
        theirs.zero_grad()
        twin_step_loss(twin, users, items, labels).backward()
        before_step(t, theirs)
        theirs.step()
    ours = {array: W for array, W, _ in model.parameters()}
    return max(abs(ours[array] - W.detach().numpy()).max() for array, W in twin.w.items())


def twin_step_loss(twin, users, items, labels):
    return torch.nn.functional.binary_cross_entropy_with_logits(
        twin.forward(users, items), torch.tensor(labels)
    )


@pytest.mark.parametrize("name", MODELS)
def test_forward_loss_and_all_gradients(name):
    model, twin = make_pair(name)
    users, items, labels = make_batch(np.random.default_rng(1))
    loss = BinaryCrossEntropyWithLogits()
    logits = model.forward(users, items)
    np.testing.assert_allclose(logits, twin.forward(users, items).detach().numpy(), **TIGHT)
    value = loss.forward(logits, labels)
    model.backward(loss.backward())
    twin_loss = twin_step_loss(twin, users, items, labels)
    assert value == pytest.approx(twin_loss.item(), rel=1e-12)
    twin_loss.backward()
    for array, _, dW in model.parameters():
        dense = dW.to_dense() if isinstance(dW, RowGradient) else dW
        assert dense.any()
        np.testing.assert_allclose(dense, twin.w[array].grad.numpy(), err_msg=array, **TIGHT)


@pytest.mark.parametrize("name", MODELS)
def test_twenty_steps_of_sgd(name):
    assert train(name, SGD(0.5), lambda w: torch.optim.SGD(w, lr=0.5)) < 1e-10


def test_twenty_steps_of_adagrad():
    def adagrad(w):
        return torch.optim.Adagrad(w, lr=0.05, eps=1e-10)

    assert train("neumf", Adagrad(0.05), adagrad) < 1e-10


@pytest.mark.parametrize("name", MODELS)
def test_twenty_steps_of_adam_whose_eps_is_converted_at_every_step(name):
    # what we call eps is, where torch adds it, eps / sqrt(1 - beta2^t)
    def convert(t, optimizer):
        optimizer.param_groups[0]["eps"] = 1e-8 / math.sqrt(1 - 0.999**t)

    def adam(w):
        return torch.optim.Adam(w, lr=0.01)

    assert train(name, Adam(0.01, eps=1e-8), adam, convert) < 1e-10


def test_twenty_steps_of_adam_are_equal_as_they_are_only_for_a_tiny_eps():
    def difference(eps):
        return train("gmf", Adam(0.01, eps=eps), lambda w: torch.optim.Adam(w, lr=0.01, eps=eps))

    assert difference(1e-20) < 1e-10
    assert difference(1e-4) > 1e-3


def test_torch_accumulates_and_we_do_not():
    model, twin = make_pair("gmf")
    users, items, labels = make_batch(np.random.default_rng(1))
    loss = BinaryCrossEntropyWithLogits()
    for _ in range(2):
        loss.forward(model.forward(users, items), labels)
        model.backward(loss.backward())
        twin_step_loss(twin, users, items, labels).backward()
    np.testing.assert_allclose(2 * model.output.dW, twin.w["output.W"].grad.numpy(), **TIGHT)
