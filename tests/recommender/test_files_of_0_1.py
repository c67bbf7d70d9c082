"""Files that ncf_numpy 0.1 saved, of ten made-up pairs, are read as docs/project promises."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ncf_numpy import Recommender

FILES = Path(__file__).parent / "files_of_0_1"
PLAYS = pd.DataFrame(
    {"user": list("aaabbbcccd"), "item": [*"xyzyz", "아이유", *"xz", "아이유", "y"]}
)
SMALL = {"factors": 2, "layers": (4, 2)}


def test_neumf_recommends_by_the_weights_in_the_file():
    recommender = Recommender.load(FILES / "neumf.npz")
    with np.load(FILES / "neumf.npz") as file:
        W = {name.removeprefix("model."): file[name] for name in file if "model." in name}
    data = recommender.data
    user = W["user_embedding.W"][data.user_ids.tolist().index("d")]
    gmf = user[:2] * W["item_embedding.W"][:, :2]  # (4, 2)
    pair = np.hstack([np.tile(user[2:], (4, 1)), W["item_embedding.W"][:, 2:]])  # (4, 4)
    mlp = np.maximum(pair @ W["dense1.W"] + W["dense1.b"], 0)
    logits = np.hstack([gmf, mlp]) @ W["output.W"] + W["output.b"]
    scores = dict(zip(data.item_ids, 1 / (1 + np.exp(-logits[:, 0]))))
    table = recommender.recommend("d", k=4)
    assert sorted(table["item"]) == ["x", "z", "아이유"]  # d has y
    assert table["score"].to_numpy() == pytest.approx([scores[i] for i in table["item"]], rel=1e-6)


def test_itemknn_has_kept_its_options_and_the_cosines_that_it_learned():
    recommender = Recommender.load(FILES / "itemknn.npz")
    assert recommender.settings["neighbours"] == 3 and recommender.settings["shrink"] == 1
    # y has a, b and d; z has a, b and c: two in common, shrunk by 1
    table = recommender.recommend("d", k=3).set_index("item")["score"]
    assert table["z"] == pytest.approx(2 / (3 + 1), rel=1e-6)
    assert table["x"] == pytest.approx(1 / (np.sqrt(6) + 1), rel=1e-6)


def test_a_checkpoint_goes_on_with_the_training_of_0_1_alone(tmp_path):
    place = shutil.copy(FILES / "neumf.npz.checkpoint", tmp_path)
    new = Recommender("neumf", **SMALL, epochs=3)
    with pytest.raises(ValueError, match="neumf.npz.checkpoint was trained with .*: resume with"):
        new.fit(PLAYS, checkpoint=place, resume=True)
    same = Recommender("neumf", **SMALL, epochs=3, training="paper")
    assert same.fit(PLAYS, checkpoint=place, resume=True).history["epoch"].tolist() == [1, 2, 3]
