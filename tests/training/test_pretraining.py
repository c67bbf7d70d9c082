import numpy as np
import pytest

from ncf_numpy import GMF, MLP, SGD, NeuMF, RowAdam, Trainer, fit
from ncf_numpy import __main__ as command_line
from ncf_numpy.datasets import leave_one_out, sample_lastfm
from ncf_numpy.evaluation.metrics import evaluate
from ncf_numpy.training.pretraining import pretrain

SIZES = {"factors": 4, "layers": (16, 8)}


@pytest.fixture(scope="module")
def split():
    return leave_one_out(sample_lastfm()[0].filter(38, 5), np.random.default_rng(0))


def test_the_history_has_three_stages(split):
    options = {"epochs": 2, "fine_tune_epochs": 3, "batch_size": 512, "progress": False}
    model, history = pretrain(split, np.random.default_rng(0), **SIZES, **options)
    assert isinstance(model, NeuMF) and model.n_factors == 4 and model.widths == (16, 8)
    stages = list(zip(history["stage"], history["epoch"]))
    assert stages == [
        *[("gmf", 1), ("gmf", 2), ("mlp", 1), ("mlp", 2)],
        *[("neumf", 0), ("neumf", 1), ("neumf", 2), ("neumf", 3)],
    ]
    assert history.groupby("stage")["chosen"].sum().to_dict() == {"gmf": 1, "mlp": 1, "neumf": 1}
    chosen = history[history["chosen"] & (history["stage"] == "neumf")].iloc[0]
    assert evaluate(model, split.validation).hr == chosen["hr"]


def test_without_fine_tuning_it_is_the_two_parts_fused_at_their_best(split):
    rng = np.random.default_rng(3)
    options = {"epochs": 2, "batch_size": 512, "progress": False}
    model, _ = pretrain(split, rng, **SIZES, alpha=0.3, fine_tune_epochs=0, **options)
    # the same by hand, with the same random numbers
    rng = np.random.default_rng(3)
    gmf = GMF(split.train.n_users, split.train.n_items, 4, rng)
    mlp = MLP(split.train.n_users, split.train.n_items, (16, 8), rng)
    fit(gmf, split, rng, optimizer=RowAdam(), **options)
    fit(mlp, split, rng, optimizer=RowAdam(), **options)
    users, items = split.test.users, split.test.items
    expected = 0.3 * gmf.forward(users, items) + 0.7 * mlp.forward(users, items)
    np.testing.assert_allclose(model.forward(users, items), expected, rtol=1e-4, atol=1e-5)


def test_fine_tuning_that_only_harms_is_undone(split):
    rng = np.random.default_rng(0)
    model = NeuMF(split.train.n_users, split.train.n_items, 4, (16, 8), rng)
    fit(model, split, rng, epochs=12, batch_size=256, progress=False)
    before = [W.copy() for _, W, _ in model.parameters()]
    trainer = Trainer(model, split, rng, optimizer=SGD(30.0), batch_size=256)
    trainer.measure_start()
    trainer.run(2)
    history = trainer.history()
    assert history["hr"][1:].max() < history["hr"][0]
    assert history["chosen"].tolist() == [True, False, False]
    for (_, W, _), old in zip(model.parameters(), before):
        np.testing.assert_array_equal(W, old)


def test_patience_counts_from_the_fused_model(split):
    rng = np.random.default_rng(0)
    model = NeuMF(split.train.n_users, split.train.n_items, 4, (16, 8), rng)
    trainer = Trainer(model, split, rng, optimizer=SGD(0.0), batch_size=1024)
    trainer.measure_start()
    trainer.run(9, patience=2)
    assert trainer.history()["epoch"].tolist() == [0, 1, 2]  # nothing moves


def test_the_optimizer_of_the_paper_is_used_for_fine_tuning_only(split):
    optimizer = SGD(0.0)  # so the fused model stays as it is
    options = {"epochs": 1, "fine_tune_epochs": 2, "batch_size": 1024, "progress": False}
    _, history = pretrain(split, np.random.default_rng(0), **SIZES, optimizer=optimizer, **options)
    hr = history[history["stage"] == "neumf"]["hr"]
    assert len(set(hr)) == 1
    assert history.loc[0, "loss"] < np.log(2)  # GMF has learned something


def test_bad_arguments_raise(split):
    with pytest.raises(ValueError, match="fine_tune_epochs must be an integer of at least 0"):
        pretrain(split, np.random.default_rng(0), fine_tune_epochs=-1)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_the_command(optimizer, capsys):
    sizes = ["--factors", "4", "--layers", "16,8", "--epochs", "1", "--fine-tune-epochs", "1"]
    options = ["--dataset", "sample", "--optimizer", optimizer, "--quiet", *sizes]
    assert command_line.main(["pretrain", *options]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["stage", "epoch", "loss", "hr", "ndcg", "chosen"]
    assert [line.split()[:2] for line in printed[1:5]] == [
        *[["gmf", "1"], ["mlp", "1"], ["neumf", "0"], ["neumf", "1"]]
    ]
    assert printed[-1].startswith("test: HR@10 0.")
