"""The list of edits of meaning: each still fits one place, and the tool tells killed from not."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("edits", ROOT / "tools" / "edits.py")
edits = importlib.util.module_from_spec(spec)
spec.loader.exec_module(edits)
LISTED = edits.read_edits(edits.LIST.read_text(encoding="utf-8"))


def test_every_edit_fits_one_place_and_names_tests_that_are_there():
    assert len(LISTED) >= 60
    for edit in LISTED:
        source = (ROOT / "ncf_numpy" / edit.file).read_text(encoding="utf-8")
        assert source.count(edit.before) == 1, edit
        assert edit.before != edit.after
        files = [each for each in edit.tests if each.endswith(".py")]
        assert files and all((ROOT / "tests" / file).is_file() for file in files), edit


def test_they_are_spread_over_all_that_can_go_wrong():
    rooms = {edit.file.split("/")[0] for edit in LISTED}
    assert rooms >= {"training", "data", "evaluation", "recommender", "commands", "safe_file.py"}


def test_a_block_that_is_no_edit_raises():
    with pytest.raises(ValueError, match="expected a file and lines"):
        edits.read_edits("core/layers.py\n- a\n+ b\n")


def test_a_line_that_is_not_there_raises(tmp_path):
    (tmp_path / "f.py").write_text("a = 1\na = 1\n")
    for before in ("b = 1", "a = 1"):
        with pytest.raises(ValueError, match="times, expected once"):
            edits.apply(edits.Edit("f.py", before, "", []), tmp_path)


@pytest.mark.robustness
def test_every_edit_is_killed():
    assert edits.main([]) == 0
