"""What must not matter to learning does not: numbering, order, repetition, an absent branch."""

import numpy as np
import pytest
from small_models import with_variants

from ncf_numpy import (
    SGD,
    Adagrad,
    Adam,
    BinaryCrossEntropyWithLogits,
    RowAdam,
    RowGradient,
    train_step,
)
from ncf_numpy.core.losses import BPR
from ncf_numpy.datasets import Holdout, Interactions
from ncf_numpy.evaluation.baselines import ItemKNN, Popularity
from ncf_numpy.evaluation.ease import EASE
from ncf_numpy.evaluation.metrics import evaluate, rank_positives

N_USERS, N_ITEMS = 7, 9
USERS = np.array([3, 1, 3, 0, 2, 1, 6, 3])
ITEMS = np.array([2, 5, 2, 1, 5, 0, 8, 7])
LABELS = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0])

MODELS = with_variants(N_USERS, N_ITEMS, dtype=np.float64)
OPTIMIZERS = {
    "sgd": lambda: SGD(0.1, l2=0.01),
    "adagrad": lambda: Adagrad(0.1, l2=0.01),
    "adam": lambda: Adam(0.01),
    "row adam": lambda: RowAdam(0.01),
}
BASELINES = {
    "popularity": Popularity,
    "itemknn": lambda: ItemKNN(neighbours=N_ITEMS, shrink=1),
    "ease": lambda: EASE(l2=3),
}


def make_model(name, seed=0):
    """With every weight and bias away from its start."""
    rng = np.random.default_rng(seed)
    model = MODELS[name](rng)
    for _, W, _ in model.parameters():
        W[:] = rng.normal(0, 0.7, W.shape)
    return model


def gradients(model):
    arrays = [(name, dW) for name, _, dW in model.parameters()]
    return {n: dW.to_dense() if isinstance(dW, RowGradient) else dW for n, dW in arrays}


def train(model, optimizer, users, items, labels, steps=30):
    """The loss of each step; half of the steps are on half of the batch, so that rows wait."""
    loss, values = BinaryCrossEntropyWithLogits(), []
    for step in range(steps):
        part = slice(None) if step % 2 else slice(4)
        batch = users[part], items[part], labels[part]
        values.append(train_step(model, loss, optimizer, *batch))
    if isinstance(optimizer, RowAdam):
        optimizer.flush()
    return values


def random_pairs(rng, n_users, n_items):
    users, items = np.nonzero(rng.random((n_users, n_items)) < 0.4)
    return Interactions(users, items, np.arange(n_users), np.arange(n_items))


def renumbered(data, new_user, new_item):
    """The same pairs where user u is called new_user[u] and item i new_item[i]."""
    pairs = new_user[data.users], new_item[data.items]
    return Interactions.from_indices(*pairs, np.arange(data.n_users), np.arange(data.n_items))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", MODELS)
def test_renumbering_users_and_items_renumbers_what_is_learned_and_changes_nothing_else(
    name, optimizer
):
    rng = np.random.default_rng(5)
    new_user, new_item = rng.permutation(N_USERS), rng.permutation(N_ITEMS)
    one, other = make_model(name), make_model(name)
    other.user_embedding.W[new_user] = one.user_embedding.W
    other.item_embedding.W[new_item] = one.item_embedding.W
    values = train(one, OPTIMIZERS[optimizer](), USERS, ITEMS, LABELS)
    same = train(other, OPTIMIZERS[optimizer](), new_user[USERS], new_item[ITEMS], LABELS)
    np.testing.assert_allclose(same, values, rtol=1e-10)
    rows = {"user_embedding.W": new_user, "item_embedding.W": new_item}
    for (array, W, _), (_, V, _) in zip(one.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(V[rows.get(array, ...)], W, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("name", MODELS)
def test_the_order_of_the_rows_of_a_batch_changes_nothing(name, optimizer):
    one, other = make_model(name), make_model(name)
    order = np.array([2, 0, 3, 1, 7, 5, 4, 6])  # the first four stay the first four
    values = train(one, OPTIMIZERS[optimizer](), USERS, ITEMS, LABELS)
    same = train(other, OPTIMIZERS[optimizer](), USERS[order], ITEMS[order], LABELS[order])
    np.testing.assert_allclose(same, values, rtol=1e-10)
    for (_, W, _), (_, V, _) in zip(one.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(V, W, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", MODELS)
def test_repeating_the_pairs_of_bpr_leaves_the_loss_and_every_gradient_unchanged(name):
    model, loss = make_model(name), BPR()
    labels = np.array([1.0, 0, 1, 1, 0, 1, 0, 0])  # row b is paired with row b + 4

    def run(times):
        rows = np.concatenate([np.tile(np.arange(4), times), np.tile(np.arange(4, 8), times)])
        value = loss.forward(model.forward(USERS[rows], ITEMS[rows]), labels[rows])
        model.backward(loss.backward())
        return value, gradients(model)

    (value, once), (same, thrice) = run(1), run(3)
    assert same == pytest.approx(value, rel=1e-14)
    for array in once:
        np.testing.assert_allclose(thrice[array], once[array], rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("name", ["mf", "gmf"])
def test_a_dot_product_does_not_know_users_from_items(name):
    model, mirrored = make_model(name), make_model(name)
    model.item_embedding.W[:N_USERS] = mirrored.user_embedding.W
    model.user_embedding.W[:] = mirrored.item_embedding.W[:N_USERS]
    items = np.minimum(ITEMS, N_USERS - 1)
    np.testing.assert_allclose(
        model.forward(items, USERS), mirrored.forward(USERS, items), rtol=1e-12
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("alpha", [1, 0])
def test_with_alpha_one_or_zero_the_fused_model_is_gmf_or_mlp_and_learns_like_it(alpha, optimizer):
    fused = MODELS["neumf"](np.random.default_rng(1))
    fused.branch_weight = float(alpha)
    alone = make_model("gmf" if alpha else "mlp")
    K = fused.n_factors
    columns, rows = (slice(K), slice(K)) if alpha else (slice(K, None), slice(K, None))
    fused.user_embedding.W[:, columns] = alone.user_embedding.W
    fused.item_embedding.W[:, columns] = alone.item_embedding.W
    for (dense, _), (other, _) in zip(fused.tower if not alpha else [], alone.tower):
        dense.W[:], dense.b[:] = other.W, other.b
    fused.output.W[rows], fused.output.b[:] = alone.output.W, alone.output.b

    users, items = np.divmod(np.arange(N_USERS * N_ITEMS), N_ITEMS)  # every pair

    def compare():
        ours, theirs = fused.forward(users, items), alone.forward(users, items)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)

    compare()
    for model in (fused, alone):
        train(model, OPTIMIZERS[optimizer](), USERS, ITEMS, LABELS, steps=20)
    compare()


@pytest.mark.parametrize("name", BASELINES)
def test_renumbering_changes_no_score_of_a_baseline(name):
    rng = np.random.default_rng(2)
    data = random_pairs(rng, N_USERS, N_ITEMS)
    new_user, new_item = rng.permutation(N_USERS), rng.permutation(N_ITEMS)
    users, items = np.divmod(np.arange(N_USERS * N_ITEMS), N_ITEMS)
    scores = BASELINES[name]().fit(data).predict(users, items)
    other = BASELINES[name]().fit(renumbered(data, new_user, new_item))
    assert len(np.unique(scores)) > 3
    np.testing.assert_allclose(
        other.predict(new_user[users], new_item[items]), scores, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", ["itemknn", "ease"])
def test_a_checkerboard_ranks_the_withheld_item_first(name):
    # Even users have all even items, odd users all odd ones, except the item of their own number.
    row, column = np.indices((12, 12))
    users, items = np.nonzero((row % 2 == column % 2) & (row != column))
    data = Interactions(users, items, np.arange(12), np.arange(12))
    others = np.array([[i for i in range(12) if i % 2 != u % 2] for u in range(12)])
    scorer = BASELINES[name]().fit(data)
    asked = Holdout(np.arange(12), np.arange(12), others)
    assert evaluate(scorer, asked).ranks.tolist() == [0] * 12


def test_ranks_do_not_depend_on_the_order_of_candidates_users_or_item_numbers():
    rng = np.random.default_rng(3)
    model, users = make_model("neumf"), np.arange(N_USERS)
    lists = np.array([rng.permutation(N_ITEMS) for _ in users])
    asked = Holdout(users, lists[:, 0], lists[:, 1:])
    ranks = rank_positives(model, asked)
    assert len(set(ranks.tolist())) > 2
    shuffled = Holdout(users, lists[:, 0], rng.permuted(lists[:, 1:], axis=1))
    assert rank_positives(model, shuffled).tolist() == ranks.tolist()
    order = rng.permutation(N_USERS)
    reordered = Holdout(users[order], lists[order, 0], lists[order, 1:])
    assert rank_positives(model, reordered).tolist() == ranks[order].tolist()
    new_item, other = rng.permutation(N_ITEMS), make_model("neumf")
    other.item_embedding.W[new_item] = model.item_embedding.W
    renamed = Holdout(users, new_item[lists[:, 0]], new_item[lists[:, 1:]])
    assert rank_positives(other, renamed).tolist() == ranks.tolist()
