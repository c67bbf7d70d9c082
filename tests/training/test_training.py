"""The training step and the loop around it."""

import numpy as np
import pytest
from small_models import builders

from ncf_numpy import (
    SGD,
    Adam,
    BinaryCrossEntropyWithLogits,
    NeuMF,
    RowAdam,
    Trainer,
    fit,
    train_step,
)
from ncf_numpy.datasets import Holdout, Interactions, Split, leave_one_out, sample_lastfm
from ncf_numpy.evaluation.metrics import evaluate


@pytest.fixture(scope="module")
def split():
    """A tenth of the sample: 60 listeners, the artists they have."""
    interactions, _ = sample_lastfm()
    return leave_one_out(interactions.take(interactions.users < 60), np.random.default_rng(0))


def make(split, seed=0):
    rng = np.random.default_rng(seed)
    return NeuMF(split.train.n_users, split.train.n_items, 4, (16, 8), rng), rng


def weights(model):
    return [W.copy() for _, W, _ in model.parameters()]


def test_a_step_is_the_five_lines():
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, 7, 12), rng.integers(0, 9, 12)
    labels = (rng.random(12) < 0.5).astype(np.float32)
    one, other = (NeuMF(7, 9, 4, (8, 4), np.random.default_rng(1)) for _ in range(2))
    value = train_step(one, BinaryCrossEntropyWithLogits(), Adam(), users, items, labels)
    loss, optimizer = BinaryCrossEntropyWithLogits(), Adam()
    logits = other.forward(users, items)
    assert value == loss.forward(logits, labels)
    dlogits = loss.backward()
    other.backward(dlogits)
    optimizer.step(other.parameters())
    assert all(np.array_equal(a, b) for a, b in zip(weights(one), weights(other)))


def test_same_seed_same_weights_to_the_bit(split):
    state = np.random.get_state()[1].copy()
    runs = []
    for _ in range(2):
        model, rng = make(split)
        history = fit(model, split, rng, epochs=3)
        runs.append((weights(model), history.drop(columns=["train_seconds", "evaluate_seconds"])))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(runs[0][0], runs[1][0]))
    assert runs[0][1].equals(runs[1][1])
    assert np.array_equal(np.random.get_state()[1], state)


def test_the_history_has_a_row_per_epoch_and_the_model_the_chosen_one(split):
    model, rng = make(split)
    history = fit(model, split, rng, epochs=6)
    columns = "epoch loss accuracy train_seconds hr ndcg evaluate_seconds chosen"
    assert list(history.columns) == columns.split()
    assert history["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert history["loss"].is_monotonic_decreasing
    assert history["chosen"].sum() == 1
    chosen = history[history["chosen"]].iloc[0]
    best = history.sort_values(["hr", "ndcg"], ascending=False, kind="stable").iloc[0]
    assert chosen["epoch"] == best["epoch"]
    result = evaluate(model, split.validation)
    assert (result.hr, result.ndcg) == (chosen["hr"], chosen["ndcg"])


def test_loss_and_accuracy_are_means_over_rows_not_over_batches(split):
    # One epoch at learning rate 0: the logits of the first model, whatever the batches. A mean over
    # batches would weigh the short last one like the others.
    model, _ = make(split)
    trainer = Trainer(model, split, np.random.default_rng(3), optimizer=SGD(0.0), batch_size=1000)
    row = trainer.run_epoch()
    other, rng = make(split)[0], np.random.default_rng(3)
    values, right = [], []
    from ncf_numpy.data.sampling import NegativeSampler, epoch_batches

    for users, items, labels in epoch_batches(
        split.train, NegativeSampler(split.train), rng, batch_size=1000
    ):
        p = other.predict(users, items).astype(np.float64)
        values.extend(-np.log(np.where(labels == 1, p, 1 - p)))
        right.extend((p > 0.5) == (labels == 1))
    assert len(values) % 1000 != 0
    assert row["loss"] == pytest.approx(np.mean(values), rel=1e-5)
    assert row["accuracy"] == pytest.approx(np.mean(right), abs=1e-3)
    assert row["loss"] == pytest.approx(np.log(2), abs=0.01)


def test_patience_stops_after_so_many_epochs_without_a_new_best(split):
    # At learning rate 0 nothing improves after epoch 1.
    model, rng = make(split)
    history = fit(model, split, rng, epochs=10, patience=3, optimizer=RowAdam(lr=0.0))
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    assert history["chosen"].tolist() == [True, False, False, False]


def test_without_validation_the_last_epoch_is_kept(split):
    model, rng = make(split)
    history = fit(model, Split(split.train, None, split.test, ""), rng, epochs=2)
    assert history["hr"].isna().all()
    assert history["chosen"].tolist() == [False, True]


def test_every_row_is_current_after_an_epoch(split):
    # RowAdam would leave rows behind; dense Adam from the same start tells where they should be.
    model, rng = make(split)
    Trainer(model, split, rng).run_epoch()
    other, rng = make(split)
    Trainer(other, split, rng, optimizer=Adam()).run_epoch()
    for a, b in zip(weights(model), weights(other)):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_a_loss_of_nan_names_epoch_batch_and_parameter_and_keeps_the_best_weights(split):
    model, rng = make(split)
    trainer = Trainer(model, split, rng)
    trainer.run_epoch()
    best = weights(model)
    model.item_embedding.W[7] = np.nan
    with pytest.raises(FloatingPointError) as error:
        trainer.run_epoch()
    assert "the loss is nan in epoch 2, batch" in str(error.value)
    assert "first parameter not finite: " in str(error.value)
    assert "weights of epoch 1 again; try a lower learning rate" in str(error.value)
    assert all(np.array_equal(a, b) for a, b in zip(weights(model), best))


def test_a_learning_rate_that_diverges_stops_with_a_sentence(split):
    model, rng = make(split)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="epoch 1"):
        fit(model, split, rng, optimizer=SGD(1e30))
    assert all(np.isfinite(W).all() for W in weights(model))


def test_restored_weights_moved_by_steps_that_the_broken_epoch_still_owed(split):
    model, rng = make(split)
    trainer = Trainer(model, split, rng)
    trainer.run_epoch()
    best = weights(model)
    model.output.b[:] = np.inf
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="epoch 2"):
        trainer.run_epoch()
    trainer.optimizer.flush()
    assert all(np.array_equal(a, b) for a, b in zip(weights(model), best))


@pytest.mark.parametrize("epochs", [0, -1, 2.5])
def test_epochs_must_be_a_positive_integer(split, epochs):
    model, rng = make(split)
    with pytest.raises(ValueError, match=f"epochs must be an integer of at least 1, got {epochs}"):
        fit(model, split, rng, epochs=epochs)


def test_nothing_is_printed_where_nobody_looks(split, capsys):
    model, rng = make(split)
    fit(model, split, rng, epochs=1)
    assert capsys.readouterr() == ("", "")
    fit(model, split, rng, epochs=1, progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "epoch 1" in err and "evaluating" in err


MODELS = builders(12, 12, factors=8, layers=(32, 16, 8))


@pytest.mark.parametrize("name", MODELS)
def test_a_checkerboard_ranks_the_withheld_item_first(name):
    # Even users have all even items, odd users all odd ones, except the item of their own number.
    row, column = np.indices((12, 12))
    users, items = np.nonzero((row % 2 == column % 2) & (row != column))
    train = Interactions(users, items, np.arange(12), np.arange(12))
    others = np.array([[i for i in range(12) if i % 2 != u % 2] for u in range(12)])
    test = Holdout(np.arange(12), np.arange(12), others)
    rng = np.random.default_rng(0)
    model = MODELS[name](rng)
    trainer = Trainer(model, Split(train, None, test, ""), rng, optimizer=RowAdam(lr=0.01))
    for _ in range(150):
        trainer.run_epoch()
    assert (evaluate(model, test).ranks == 0).all()


@pytest.mark.parametrize("name", MODELS)
def test_twenty_rows_can_be_learned_by_heart(name):
    rng = np.random.default_rng(0)
    model, loss, optimizer = MODELS[name](rng), BinaryCrossEntropyWithLogits(), RowAdam(lr=0.02)
    pairs = rng.choice(144, 20, replace=False)
    labels = (np.arange(20) % 2).astype(np.float32)
    for _ in range(1000):
        value = train_step(model, loss, optimizer, pairs // 12, pairs % 12, labels)
    assert value < 0.01


def test_a_trainer_wants_a_split_and_a_generator(split):
    model, rng = make(split)
    with pytest.raises(TypeError, match="split must be a Split.*got Interactions"):
        fit(model, split.train, rng)
    with pytest.raises(TypeError, match="rng must be a numpy Generator.*got 0"):
        fit(model, split, 0)


def test_a_trainer_wants_a_model_an_optimizer_and_an_objective_and_no_names_of_them(split):
    model, rng = make(split)
    for wrong, got in (("gmf", "str lacks forward"), (NeuMF, "got the class NeuMF")):
        with pytest.raises(TypeError, match=f"model: expected an object with forward.*{got}"):
            fit(wrong, split, rng)
    for wrong, got in (("adam", "str lacks step"), (Adam, "got the class Adam")):
        with pytest.raises(TypeError, match=f"optimizer: expected an object with step.*{got}"):
            fit(model, split, rng, optimizer=wrong)
    with pytest.raises(TypeError, match="objective must be a class .*got 'bpr'"):
        fit(model, split, rng, objective="bpr")


def test_validation_is_at_the_k_that_was_asked_for(split):
    model, rng = make(split)
    found = {k: Trainer(model, split, rng, k=k).validate() for k in (1, 3, 10)}
    for k, row in found.items():
        result = evaluate(model, split.validation, k)
        assert row == {"hr": result.hr, "ndcg": result.ndcg}
    assert found[1]["hr"] < found[3]["hr"] < found[10]["hr"]
    history = fit(model, split, rng, epochs=1, k=3)
    assert history["hr"].iloc[-1] == evaluate(model, split.validation, 3).hr


def test_of_two_epochs_with_one_hit_ratio_the_higher_ndcg_is_kept(split, monkeypatch):
    model, rng = make(split)
    trainer = Trainer(model, split, rng, batch_size=4096)
    figures = iter([{"hr": 0.5, "ndcg": 0.2}, {"hr": 0.5, "ndcg": 0.3}, {"hr": 0.5, "ndcg": 0.1}])
    monkeypatch.setattr(trainer, "validate", lambda: next(figures))
    for _ in range(3):
        trainer.run_epoch()
    assert trainer.best_epoch == 2 and trainer.best_score == (0.5, 0.3)


def test_as_many_negatives_are_drawn_as_were_asked_for(split):
    for negatives in (0, 1, 7):
        model, rng = make(split)
        trainer = Trainer(model, split, rng, batch_size=64, negatives=negatives)
        rows = sum(len(users) for users, _, _ in trainer.objective.batches(rng))
        assert rows == len(split.train) * (1 + negatives)
