"""Saved models: the layout of their arrays, and what does not fit or is no array of numbers."""

import os
import tracemalloc
import zipfile

import numpy as np
import pytest
from small_models import taken_by

from ncf_numpy.datasets import Interactions
from ncf_numpy.recommender.models import MODELS
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.recommender.saved import layout, state_of
from ncf_numpy.safe_file import pack, read_arrays, read_file, write_file


def plays():
    keys = np.random.default_rng(0).choice(8 * 9, 40, replace=False)
    return Interactions.from_columns(keys // 9, keys % 9, item_names={1: "Air"}, source="made up")


@pytest.fixture
def resave(tmp_path):
    """resave(model, header, arrays): the path of a saved model with these changes, sha256 right."""

    def write(name, header, arrays):
        path = tmp_path / "m.npz"
        options = taken_by(name, epochs=1, factors=2, layers=(4, 2))
        Recommender(name, **options).fit(plays()).save(path)
        good_header, good = read_file(path, "recommender")
        header = {**good_header, **header}
        header["settings"] = {**good_header["settings"], **header["settings"]}
        write_file(path, "recommender", header, {**good, **arrays})
        return path

    return write


@pytest.mark.parametrize("name", MODELS)
def test_the_layout_of_a_saved_model_is_that_of_the_model(name):
    options = taken_by(name, epochs=1, factors=3, layers=(6, 4, 2), neighbours=5)
    recommender = Recommender(name, **options)
    state = state_of(recommender.fit(plays()).model)
    expected = layout(recommender.settings, 8, 9)
    assert {n: (array.shape, array.dtype) for n, array in state.items()} == expected


@pytest.mark.parametrize(
    ("name", "header", "arrays", "message"),
    [
        ("gmf", {}, {"model.output.b": np.zeros(1)}, "output.b is float64 .* expected float32"),
        ("gmf", {}, {"model.output.b": np.zeros((), np.float32)}, r"of shape \(\), expected"),
        ("gmf", {}, {"model.output.b": np.float32([np.nan])}, "output.b holds NaN or infinite"),
        ("gmf", {}, {"model.more": np.zeros(1)}, "more does not belong there"),
        (
            "gmf",
            {"settings": {"factors": 10**9}},
            {},
            "factors has 1 sizes up to 1000000000, too many or too large",
        ),
        ("mlp", {"settings": {"layers": [2] * 999}}, {}, "layers has 999 sizes up to 2, too many"),
        ("gmf", {"settings": {"factor": 2}}, {}, "TypeError: .* unexpected keyword"),
        ("gmf", {"settings": {"seed": 1.5}}, {}, "seed must be an integer"),
        ("gmf", {"history": [{"a": 1}, {"b": 1}]}, {}, "not a list of rows of numbers"),
        ("gmf", {"source": 1}, {}, "source is 1, expected text"),
        ("gmf", {}, {"offsets": np.r_[0, 10**12, [40] * 7]}, "offsets do not cut 40 items"),
        ("gmf", {}, {"items": np.full(40, 99, np.int32)}, "IndexError: items.*99"),
        ("gmf", {}, {"user_ids": pack({"a": 1})}, "must be a list of texts"),
        ("gmf", {}, {"user_ids": np.arange(8.0)}, "text is float64"),
        ("gmf", {}, {"item_names": pack([1] * 9)}, "must be a list of texts"),
        ("gmf", {}, {"item_ids": np.frombuffer(b"[" * 99_999, np.uint8)}, "RecursionError"),
        ("itemknn", {}, {"model.nearest": np.full((9, 9), -1)}, r"nearest names items outside"),
        ("popularity", {}, {"model.n_i": np.full(9, np.inf)}, "n_i holds NaN or infinite"),
    ],
)
def test_a_saved_model_that_does_not_fit_was_loaded_or_broke(resave, name, header, arrays, message):
    path = resave(name, header, arrays)
    with pytest.raises(ValueError, match=rf"m.npz is damaged \(.*{message}"):
        Recommender.load(path)


def test_a_model_without_finite_weights_is_not_saved_over_a_good_one(tmp_path):
    path = tmp_path / "m.npz"
    recommender = Recommender("gmf", epochs=1).fit(plays())
    recommender.save(path)
    recommender.model.output.W[0] = np.inf
    with pytest.raises(ValueError, match="output.W holds NaN or infinite"):
        recommender.save(path)
    Recommender.load(path)


def npy(shape, data, descr="<i8"):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    head = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + data


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy("(10000000000000,)", bytes(8)), r"shape \(10000000000000,\) in 8 bytes"),
        (npy("(-1,)", bytes(8)), r"shape \(-1,\) in 8 bytes"),
        (npy("(-1, -1)", bytes(8)), r"shape \(-1, -1\) in 8 bytes"),
        (npy("(1,)", bytes(9)), r"shape \(1,\) in 9 bytes"),
        (npy("()", b"", "|O"), r"array of object, expected numbers \(allow_pickle=False\)"),
        (npy("(" * 300, b""), "ValueError"),
        (npy("()", b"", "<U0"), "array of <U0, expected numbers"),
    ],
)
def test_an_array_that_was_allocated_before_it_was_read(tmp_path, content, message):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(ValueError, match=f"a.npz is damaged, or no .npz of numbers.*{message}"):
        read_arrays(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_that_unpacks_to_more_than_itself_or_has_a_member_twice(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.zeros(10**6))
    with pytest.raises(ValueError, match="a.npz is .*x is compressed"):
        read_arrays(path)
    for names in (("x.npy", "x.npy"), ("x.npy", "x")):
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, npy("(1,)", bytes(8)))
        with pytest.raises(ValueError, match="a member is there twice"):
            read_arrays(path)


def test_loading_takes_a_small_multiple_of_the_file(tmp_path):
    path = tmp_path / "m.npz"
    Recommender("gmf", factors=20_000, epochs=1).fit(plays()).save(path)
    size = path.stat().st_size
    assert size > 1e6
    tracemalloc.start()
    try:
        Recommender.load(path)
        assert tracemalloc.get_traced_memory()[1] < 5 * size
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no /dev/zero on this system")
def test_a_device_without_an_end_filled_the_memory(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # into which nobody writes
    for path in ("/dev/zero", tmp_path / "pipe"):
        with pytest.raises(OSError, match="this is a pipe or a device, not a file"):
            Recommender.load(path)
        with pytest.raises(OSError, match="this is a pipe or a device, not a file"):
            read_arrays(path)
    with pytest.raises(IsADirectoryError):
        Recommender.load(tmp_path)


@pytest.mark.parametrize("part", ["model", "how"])
def test_a_crafted_report_sent_escapes_to_the_terminal(tmp_path, part):
    path = tmp_path / "m.npz"
    Recommender("ials", factors=2, epochs=1).fit(plays(), validation=True).save(path)
    header, arrays = read_file(path, "recommender")
    header["report"][part] = "\x1b]0;ials\x07"
    write_file(path, "recommender", header, arrays)
    with pytest.raises(ValueError, match=r"damaged .*the report is of .*x1b") as raised:
        Recommender.load(path)
    assert "\x1b" not in str(raised.value)
