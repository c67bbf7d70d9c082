import numpy as np
import pytest

from ncf_numpy import MF
from ncf_numpy.datasets import Interactions, leave_one_out
from ncf_numpy.evaluation.metrics import evaluate
from ncf_numpy.training.factorisation import bpr_mf, logistic_mf
from ncf_numpy.training.objectives import Pairwise
from ncf_numpy.training.trainer import Trainer, train_step


def interactions(matrix):
    users, items = np.nonzero(matrix)
    return Interactions(users, items, np.arange(len(matrix)), np.arange(matrix.shape[1]))


def two_tastes(n_users=60, n_items=40, seed=0):
    """Half the users have two thirds of the first half of the items, the others of the second."""
    rng = np.random.default_rng(seed)
    likes = (np.arange(n_users)[:, None] < n_users // 2) == (np.arange(n_items) < n_items // 2)
    return leave_one_out(interactions(likes & (rng.random(likes.shape) < 2 / 3)), rng)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# MF by logistic loss


def test_a_step_of_logistic_mf_is_the_rule_of_the_source():
    # for each pair, w -= lr (dL/dw + l2 w) with the loss of that pair alone: Rendle et al. 2020
    split = two_tastes()
    trainer = logistic_mf(split, np.random.default_rng(0), factors=3, lr=0.02, l2=0.3, batch_size=4)
    users, items = np.array([5, 9, 1, 30]), np.array([7, 0, 21, 3])  # all different
    labels = np.array([1.0, 0, 1, 0], np.float32)
    model = trainer.model
    model.output.b[:] = 0.5
    P, Q = model.user_embedding.W.astype(float), model.item_embedding.W.astype(float)
    expected_P, expected_Q = P.copy(), Q.copy()
    for u, i, y in zip(users, items, labels):
        z = P[u, :3] @ Q[i, :3] + P[u, 3] + Q[i, 3] + 0.5
        d = sigmoid(z) - y
        expected_P[u, :3] -= 0.02 * (d * Q[i, :3] + 0.3 * P[u, :3])
        expected_Q[i, :3] -= 0.02 * (d * P[u, :3] + 0.3 * Q[i, :3])
        expected_P[u, 3] -= 0.02 * (d + 0.3 * P[u, 3])
        expected_Q[i, 3] -= 0.02 * (d + 0.3 * Q[i, 3])
    train_step(model, trainer.objective.loss, trainer.optimizer, users, items, labels)
    np.testing.assert_allclose(model.user_embedding.W, expected_P, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(model.item_embedding.W, expected_Q, rtol=1e-5, atol=1e-7)


def test_logistic_mf_starts_as_its_source_does():
    model = logistic_mf(two_tastes(600, 400), np.random.default_rng(0), factors=50).model
    for W in (model.user_embedding.W, model.item_embedding.W):
        assert W[:, :50].std() == pytest.approx(0.1, rel=0.02)
        assert not W[:, 50].any()  # biases
    assert model.output.b == 0


def test_logistic_mf_draws_negatives_from_the_whole_catalogue():
    split = two_tastes()
    trainer = logistic_mf(split, np.random.default_rng(0), factors=3)
    drawn = trainer.objective.sampler.sample(np.zeros(2000, np.intp), np.random.default_rng(1))
    counts = np.bincount(drawn, minlength=40)
    own = split.train.items_of(0)
    assert len(own) > 5 and counts[own].min() > 20  # 50 expected of each of 40, own or not


def test_logistic_mf_learns_two_tastes():
    split = two_tastes()
    trainer = logistic_mf(split, np.random.default_rng(0), factors=4, lr=0.05, batch_size=64)
    losses = [trainer.run_epoch()["loss"] for _ in range(30)]
    assert losses[-1] < 0.85 * losses[0]
    # the items of the right half that a user has not: some 8 of 20, so 10 of 40 hold them all
    assert evaluate(trainer.model, split.test).hr > 0.9


# BPR


def test_pair_batches_give_every_positive_once_with_an_unseen_item():
    train = interactions(np.random.default_rng(0).random((9, 12)) < 0.5)
    objective = Pairwise(train, batch_size=10)
    batches = list(objective.batches(np.random.default_rng(1)))
    assert objective.n_batches == len(batches)
    sizes = [len(users) for users, _, _ in batches]
    assert sizes[:-1] == [20] * (len(train) // 10) and sizes[-1] == 2 * (len(train) % 10)
    has = {(u, i) for u, i in zip(train.users.tolist(), train.items.tolist())}
    positives = []
    for users, items, labels in batches:
        B = len(users) // 2
        assert labels.tolist() == [1] * B + [0] * B
        assert users[:B].tolist() == users[B:].tolist()
        positives += zip(users[:B].tolist(), items[:B].tolist())
        assert not has & set(zip(users[B:].tolist(), items[B:].tolist()))
    assert len(positives) == len(has) and set(positives) == has


def test_each_positive_comes_with_as_many_negatives_as_were_asked_for():
    train = interactions(np.random.default_rng(0).random((9, 12)) < 0.5)
    objective = Pairwise(train, batch_size=7, negatives=3)
    batches = list(objective.batches(np.random.default_rng(1)))
    assert objective.n_batches == len(batches)
    positives = [p for users, items, _ in batches for p in zip(users, items[: len(users) // 2])]
    pairs = list(zip(train.users, train.items))
    assert sorted(positives) == sorted(3 * pairs)


def test_pair_batches_draw_anew_and_shuffle():
    train = interactions(np.random.default_rng(0).random((9, 12)) < 0.5)
    objective, rng = Pairwise(train, batch_size=40), np.random.default_rng(1)
    first, second = (next(objective.batches(rng)) for _ in range(2))
    assert first[1].tolist() != second[1].tolist()
    positives_of = first[0][:40]  # users; in the order of train they would ascend
    assert positives_of.tolist() != sorted(positives_of.tolist())


def test_a_user_with_every_item_has_no_pairs():
    train = interactions(np.array([[1, 1, 1], [1, 0, 0]]))
    batches = Pairwise(train, batch_size=10).batches(np.random.default_rng(0))
    assert [users.tolist() for users, _, _ in batches] == [[1, 1]]


def test_bpr_learns_two_tastes_and_item_biases():
    split = two_tastes()
    trainer = bpr_mf(split, np.random.default_rng(0), factors=4, batch_size=64)
    rows = [trainer.run_epoch() for _ in range(30)]
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]
    assert rows[-1]["accuracy"] > 0.85 > rows[0]["accuracy"]
    assert evaluate(trainer.model, split.test).hr > 0.9
    assert abs(trainer.model.item_embedding.W[:, 4]).max() > 0.1


def test_the_loss_of_an_epoch_is_the_mean_over_its_pairs():
    split, rng = two_tastes(), np.random.default_rng(0)
    model = MF(60, 40, 2, rng)
    for _, W, _ in model.parameters():
        W[:] = 0
    sizes = {"batch_size": 10**6, "negatives": 1}
    trainer = Trainer(model, split, rng, objective=Pairwise, **sizes)
    # all scores are 0 before the only step: log 2, and no pair is in the right order
    row = trainer.run_epoch()
    assert row["loss"] == pytest.approx(np.log(2), rel=1e-6)
    assert row["accuracy"] == 0


def test_divergence_names_epoch_and_batch():
    split = two_tastes()
    trainer = bpr_mf(split, np.random.default_rng(0), factors=2, batch_size=20)
    seen = trainer.objective.batches(np.random.default_rng(7))
    first = set(next(seen)[0])  # users of the first batch
    late = next(set(users) - first for users, _, _ in seen if set(users) - first).pop()
    trainer.rng = np.random.default_rng(7)
    trainer.model.user_embedding.W[late] = np.nan
    with pytest.raises(FloatingPointError, match=r"loss is nan in epoch 1, batch ([2-9]|\d\d)"):
        trainer.run_epoch()


def test_sizes_are_checked():
    train = two_tastes().train
    with pytest.raises(ValueError, match="batch_size must be an integer of at least 1, got 0"):
        Pairwise(train, batch_size=0)
    with pytest.raises(ValueError, match="negatives must be an integer of at least 1, got 0"):
        Pairwise(train, negatives=0)
