"""A new model is its class and one line in a table: it is then checked, trained, saved, listed."""

import numpy as np
import pandas as pd
import pytest
from deep_mf import DeepMF, build

from ncf_numpy.__main__ import build_parser, main
from ncf_numpy.core.build import MODELS
from ncf_numpy.datasets import sample_lastfm
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.to_torch.export import to_torch


@pytest.fixture(autouse=True)
def one_line(monkeypatch):
    monkeypatch.setitem(MODELS, "deepmf", build)


@pytest.fixture(scope="module")
def plays():
    return sample_lastfm()[0]


def recommender(**settings):
    return Recommender("deepmf", layers=(8, 4), epochs=2, lr=0.01, **settings)


def test_its_gradients_are_checked(capsys):
    assert main(["gradcheck", "--model", "deepmf"]) == 0
    printed = capsys.readouterr().out
    assert "DeepMF" in printed and "item_dense3.W" in printed and "right" in printed


def test_it_trains_recommends_and_is_saved_and_loaded_to_the_same_bits(plays, tmp_path):
    fitted = recommender().fit(plays)
    assert isinstance(fitted.model, DeepMF)
    assert fitted.history["loss"].iloc[1] < fitted.history["loss"].iloc[0] < np.log(2)
    user = plays.user_ids[0]
    fitted.save(tmp_path / "m.npz")
    loaded = Recommender.load(tmp_path / "m.npz")
    assert isinstance(loaded.model, DeepMF)
    pd.testing.assert_frame_equal(loaded.recommend(user), fitted.recommend(user))
    item = fitted.recommend(user)["item"][0]
    assert len(fitted.similar_items(item)) == len(fitted.fold_in([item]).recommend()) == 10


def test_it_resumes_to_the_same_bits(plays, tmp_path):
    path = tmp_path / "c"
    without_break = recommender().fit(plays)

    def stop(history):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recommender().fit(plays, checkpoint=path, on_epoch=stop)
    resumed = recommender().fit(plays, checkpoint=path, resume=True)
    for (name, a, _), (_, b, _) in zip(
        resumed.model.parameters(), without_break.model.parameters(), strict=True
    ):
        np.testing.assert_array_equal(a, b, err_msg=name)


def test_a_saved_one_of_other_widths_is_refused(plays, tmp_path):
    fitted, other = recommender().fit(plays), recommender()
    fitted.settings = {**other.settings, "layers": [8, 5]}
    with pytest.raises(ValueError, match="user_dense1.W"):
        fitted.save(tmp_path / "m.npz")


@pytest.mark.parametrize("command", ["train", "evaluate", "gradcheck", "step"])
def test_every_command_lists_it(command, capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args([command, "--help"])
    assert "deepmf" in capsys.readouterr().out


def test_the_commands_take_it(tmp_path, capsys):
    small = ["--dataset", "sample", "--epochs", "1", "--layers", "8,4", "--quiet"]
    path = str(tmp_path / "m.npz")
    assert main(["train", *small, "--model", "deepmf", "--save", path]) == 0
    assert main(["evaluate", *small, "--model", "deepmf", "popularity"]) == 0
    assert "deepmf" in capsys.readouterr().out


def test_what_nobody_has_added_yet_is_said(plays, capsys):
    assert main(["step", "--model", "deepmf", "--no-pause"]) == 1
    assert "no formulas for DeepMF" in capsys.readouterr().err
    fitted = recommender().fit(plays)
    user, item = plays.user_ids[0], plays.item_ids[0]
    with pytest.raises(ValueError, match="no parts for DeepMF"):
        fitted.explain(user, item)
    pytest.importorskip("torch", reason="PyTorch is not installed")
    with pytest.raises(TypeError, match="no module for DeepMF"):
        to_torch(fitted)
