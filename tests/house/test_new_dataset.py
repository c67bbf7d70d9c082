"""A new data set is one file in datasets/published: nothing else names it."""

TOY = '''"""A toy: who has which song."""

from ..dataset import Dataset, Part
from ..reading.folders import find_file
from ..tabular import load_interactions


def load_toy(source):
    return load_interactions(find_file(source, "toy.csv"), "listener", "song", bad_rows=None)


DATASETS = (
    Dataset(
        "toy",
        "A toy of two columns",
        "public domain",
        (Part("https://example.org/toy.csv"),),
        sign=("toy.csv",),
        load=load_toy,
    ),
)
'''
RUN = """
import sys
from ncf_numpy.__main__ import main
train = "train --data toy --save m.npz --model gmf --quiet --epochs"
for command in (
    f"{train} 1",
    f"{train} 2 --resume",
    "recommend m.npz --user 3 --k 2",
    "evaluate --dataset toy --model itemknn --quiet --min-per-user 3",
    "download",
):
    assert main(command.split()) == 0, command
assert main("evaluate --data toy --rating-column song".split()) == 1
"""


def test_a_toy_is_trained_resumed_saved_loaded_recommended_and_evaluated(run_in_a_copy, tmp_path):
    folder = tmp_path / "toy"
    folder.mkdir()
    rows = [f"{user},{song}\n" for user in range(12) for song in range(9) if (user + song) % 3]
    (folder / "toy.csv").write_text("listener,song\n" + "".join(rows), encoding="utf-8")
    done = run_in_a_copy("datasets/published/toy.py", TOY, RUN, NCF_NUMPY_DATA=str(tmp_path))
    assert "itemknn" in done.stdout and "A toy of two columns" in done.stdout
    assert "--rating-column does not apply to --dataset toy" in done.stderr
