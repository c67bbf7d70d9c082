"""A model as a torch module: the same logits, gradients and, back again, bits."""

import copy
import subprocess
import sys

import numpy as np
import pytest

from ncf_numpy import (
    GMF,
    MF,
    MLP,
    BinaryCrossEntropyWithLogits,
    ItemKNN,
    NeuMF,
    RowAdam,
    RowGradient,
    train_step,
)
from ncf_numpy import Recommender as RecommenderOf
from ncf_numpy.datasets import Interactions
from ncf_numpy.to_torch.export import from_torch, to_torch, weights

torch = pytest.importorskip("torch", reason="torch is an optional extra")

MODELS = {
    "mf": lambda **how: MF(40, 60, 8, np.random.default_rng(0), **how),
    "gmf": lambda **how: GMF(40, 60, 8, np.random.default_rng(0), **how),
    "mlp": lambda **how: MLP(40, 60, (64, 32, 16, 8), np.random.default_rng(0), **how),
    "mlp without a hidden layer": lambda **how: MLP(40, 60, (64,), np.random.default_rng(0), **how),
    "neumf": lambda **how: NeuMF(40, 60, 8, (64, 32, 16, 8), np.random.default_rng(0), **how),
    "neumf, alpha .3": lambda **how: NeuMF(
        40, 60, 4, (16, 8), np.random.default_rng(0), branch_weight=0.3, **how
    ),
}
BOUNDS = {"float32": 1e-6, "float64": 1e-12}


def make(name, dtype="float32"):
    """A model whose every weight, biases too, is drawn large enough to matter."""
    model, rng = MODELS[name](dtype=dtype), np.random.default_rng(1)
    for _, W, _ in model.parameters():
        W[:] = rng.normal(0, 0.4, W.shape)
    return model


def batch(B=64):
    """Of 64 draws from 40 users and 60 items many repeat."""
    rng = np.random.default_rng(2)
    return rng.integers(0, 40, B), rng.integers(0, 60, B), rng.integers(0, 2, B).astype(np.float32)


def same_bits(model, other):
    ours, theirs = ([(W.dtype, W.tobytes()) for _, W, _ in m.parameters()] for m in (model, other))
    return type(model) is type(other) and ours == theirs and repr(model) == repr(other)


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("name", MODELS)
def test_logits_and_gradients_are_the_same(name, dtype):
    model, loss, (users, items, labels) = make(name, dtype), BinaryCrossEntropyWithLogits(), batch()
    module = to_torch(model)
    logits = module(torch.from_numpy(users), torch.from_numpy(items))
    labels_there = torch.from_numpy(labels).to(logits.dtype)
    torch.nn.functional.binary_cross_entropy_with_logits(logits, labels_there).backward()

    here = model.forward(users, items)
    loss.forward(here, labels)
    model.backward(loss.backward())
    assert logits.shape == here.shape and str(logits.dtype) == f"torch.{dtype}"
    assert abs(logits.detach().numpy() - here).max() <= BOUNDS[dtype]
    gradients = [dW for _, _, dW in model.parameters()]
    there = dict(module.named_parameters())
    assert len(there) == len(gradients)
    for (place, W), dW in zip(weights(model).items(), gradients):
        dW = dW.to_dense() if isinstance(dW, RowGradient) else dW
        dW = dW if dW.shape == W.shape else dW.T
        assert abs(dW).max() > 1e-3
        assert abs(there[place].grad.numpy() - dW).max() <= BOUNDS[dtype], place


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("name", MODELS)
def test_there_and_back_is_the_same_to_the_bit(name, dtype):
    model = make(name, dtype)
    back = from_torch(to_torch(model))
    assert same_bits(model, back)
    users, items, _ = batch()
    assert back.forward(users, items).tobytes() == model.forward(users, items).tobytes()
    if name == "neumf, alpha .3":
        assert back.branch_weight == 0.3


def test_what_torch_has_learned_comes_back():
    module, (users, items, labels) = to_torch(make("neumf, alpha .3")), map(torch.tensor, batch())
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    for _ in range(3):
        optimizer.zero_grad()
        logits = module(users, items)
        torch.nn.functional.binary_cross_entropy_with_logits(logits, labels).backward()
        optimizer.step()
    model = from_torch(module)
    assert not same_bits(model, make("neumf, alpha .3"))
    after = module(users, items).detach().numpy()
    assert abs(model.forward(users.numpy(), items.numpy()) - after).max() <= 1e-6
    again = to_torch(model).state_dict()
    assert all(torch.equal(W, again[name]) for name, W in module.state_dict().items())


def test_names_and_shapes_are_those_of_a_module_written_by_hand():
    shapes = {
        name: tuple(W.shape) for name, W in to_torch(make("neumf, alpha .3")).state_dict().items()
    }
    assert shapes == {
        "user_embedding.weight": (40, 4 + 8),
        "item_embedding.weight": (60, 4 + 8),
        "tower.dense1.weight": (8, 16),  # (out, in), as a Linear has it
        "tower.dense1.bias": (8,),
        "output.weight": (1, 4 + 8),
        "output.bias": (1,),
    }


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_shared_and_torch_s_generator_stands_still(name):
    model, state = make(name), torch.get_rng_state()
    kept = make(name)
    module = to_torch(model)
    assert torch.equal(state, torch.get_rng_state())
    assert all(W.is_contiguous() and W.requires_grad for W in module.parameters())
    back = from_torch(module)
    with torch.no_grad():
        for W in module.parameters():
            W.fill_(7)
    assert same_bits(model, kept) and same_bits(back, kept)


def test_a_state_dict_goes_to_a_file_and_into_another_module(tmp_path):
    model = make("neumf")
    torch.save(to_torch(model).state_dict(), tmp_path / "neumf.pt")
    other = to_torch(MODELS["neumf"]())
    other.load_state_dict(torch.load(tmp_path / "neumf.pt", weights_only=True))
    assert same_bits(from_torch(other), model)


def test_tables_may_have_grown_in_torch():
    model = make("mf")
    module = to_torch(model)
    more = torch.cat([module.user_embedding.weight.detach(), torch.ones(2, 9)])
    module.user_embedding = torch.nn.Embedding.from_pretrained(more, freeze=False)
    back = from_torch(module)
    assert back.user_embedding.W.shape == (42, 9)
    assert np.array_equal(back.user_embedding.W[:40], model.user_embedding.W)


# Models that are behind


def step_once(model, optimizer):
    users, items, labels = batch(4)
    train_step(model, BinaryCrossEntropyWithLogits(), optimizer, users, items, labels)


def test_a_model_whose_rows_are_behind_is_refused_until_the_flush():
    model, other, optimizer = make("neumf"), make("neumf"), RowAdam()
    step_once(model, optimizer)
    with pytest.raises(RuntimeError, match=r"optimizer\.flush\(\) before to_torch"):
        to_torch(model)
    to_torch(other)  # of which the optimizer has no pending update
    optimizer.flush()
    assert same_bits(from_torch(to_torch(model)), model)


def test_an_optimizer_that_is_gone_owes_nothing():
    model, optimizer = make("neumf"), RowAdam()
    step_once(model, optimizer)
    del optimizer
    assert same_bits(from_torch(to_torch(model)), model)


def test_a_lazy_optimizer_owes_nothing():
    model, optimizer = make("neumf"), RowAdam(lazy=True)
    step_once(model, optimizer)
    assert same_bits(from_torch(to_torch(model)), model)


# Recommenders


@pytest.fixture(scope="module")
def plays():
    return Interactions.from_columns([1, 1, 2, 2, 3, 3], [5, 6, 6, 7, 5, 8])


def test_a_recommender_goes_up_and_comes_down_again(plays, tmp_path):
    recommender = RecommenderOf("mf", factors=2, epochs=2).fit(plays)
    module = to_torch(recommender)
    with torch.no_grad():
        module.item_embedding.weight[3, 2] += 20  # the bias of item 8, which user 1 does not have
    recommender.model = from_torch(module)
    assert recommender.recommend(1, k=1)["item"].tolist() == [8]
    recommender.save(tmp_path / "up.npz")
    loaded = RecommenderOf.load(tmp_path / "up.npz")
    assert same_bits(loaded.model, recommender.model)


def test_a_recommender_interrupted_within_an_epoch_can_be_exported(plays, monkeypatch):
    steps = iter(range(9))  # 6 pairs and 6 negatives in batches of 2 are 6 steps an epoch

    def interrupted(*step):
        if next(steps) == 8:
            raise KeyboardInterrupt
        return train_step(*step)

    monkeypatch.setattr("ncf_numpy.training.trainer.train_step", interrupted)
    recommender = RecommenderOf("gmf", factors=2, epochs=2, batch_size=2, negatives=1)
    with pytest.raises(KeyboardInterrupt) as held:  # and with it, as a notebook does, the trainer
        recommender.fit(plays)
    assert len(recommender.history) == 1 and held.tb is not None
    with pytest.raises(RuntimeError, match="have yet to take steps"):
        to_torch(recommender.model)
    assert same_bits(from_torch(to_torch(recommender)), recommender.model)


# What is refused


@pytest.mark.parametrize(
    ("what", "error", "sentence"),
    [
        (lambda: ItemKNN(), TypeError, "no module for ItemKNN, only for MF, GMF"),
        (lambda: torch.nn.Linear(2, 1), TypeError, "no module for Linear"),
        (lambda: RecommenderOf("mf"), RuntimeError, "is not fitted"),
    ],
)
def test_to_torch_says_what_it_takes(what, error, sentence):
    with pytest.raises(error, match=sentence):
        to_torch(what())


def test_a_recommender_without_weights_is_refused(plays):
    with pytest.raises(TypeError, match="no module for Popularity"):
        to_torch(RecommenderOf("popularity").fit(plays))


class NeuMFOfAnother(torch.nn.Module):
    pass


def replaced(name, layer):
    """Of a NeuMF exported as it should be, with one layer replaced."""
    module = to_torch(make("neumf"))
    place, _, last = name.rpartition(".")
    setattr(module.get_submodule(place), last, layer)
    return module


def half():
    module = to_torch(make("neumf"))
    module.output.half()
    return module


@pytest.mark.parametrize(
    ("what", "error", "sentence"),
    [
        (lambda: make("mf"), TypeError, "made by to_torch, got MF"),
        (lambda: torch.nn.Sequential(), TypeError, "got Sequential: out of a wrapper take"),
        (lambda: type("NeuMF", (NeuMFOfAnother,), {})(), TypeError, "made by to_torch, got NeuMF"),
        (half, ValueError, "all be float32 or all float64, got float16 and float32"),
        (lambda: to_torch(make("mf")).bfloat16(), ValueError, r"got bfloat16.*module\.float\(\)"),
        (
            lambda: replaced("tower.relu2", torch.nn.GELU()),
            ValueError,
            "tower.relu2 is GELU where a NeuMF of to_torch with the same other layers has ReLU",
        ),
        (
            lambda: replaced("tower.dense2", torch.nn.Linear(32, 17)),
            ValueError,
            r"tower.dense3.weight is \(8, 16\) where .* has \(8, 17\)",
        ),
        (
            lambda: replaced("item_embedding", torch.nn.Embedding(60, 41)),
            ValueError,
            r"item_embedding.weight is \(60, 41\) where .* has \(60, 40\)",
        ),
        (
            lambda: replaced("output", torch.nn.Linear(16, 1, bias=False)),
            ValueError,
            r"output.bias is None where .* has \(1,\)",
        ),
        (lambda: replaced("dropout", torch.nn.Dropout()), ValueError, "dropout is Dropout where"),
        (
            lambda: replaced("user_embedding", torch.nn.Identity()),
            ValueError,
            "this NeuMF has no 'user_embedding.weight'",
        ),
    ],
)
def test_a_module_of_another_kind_or_shape_is_refused(what, error, sentence):
    with pytest.raises(error, match=sentence):
        from_torch(what())


def test_a_deep_copy_is_a_module_too():
    model = make("gmf")
    assert same_bits(from_torch(copy.deepcopy(to_torch(model))), model)


def test_without_torch_the_package_works_and_the_export_says_what_to_install():
    code = """
import sys
import ncf_numpy.to_torch.export
assert "torch" not in sys.modules
sys.modules["torch"] = None  # as if it were not installed
for carry in (ncf_numpy.to_torch.export.to_torch, ncf_numpy.to_torch.export.from_torch):
    try:
        carry(None)
    except ImportError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == 2 * "export needs PyTorch: pip install -e '.[torch]'\n", done.stderr
