"""The gradient of a table: sums over equal ids, against a loop that adds them one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_numpy.core.row_gradient import GroupById, RowGradient


def test_an_id_that_occurs_twice_gets_both_gradients():
    ids = np.array([3, 1, 3])
    gradient = RowGradient(ids, np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]]), (5, 2))
    assert gradient.rows.tolist() == [1, 3]
    assert gradient.values.tolist() == [[2, 20], [5, 50]]  # 1 + 4 and 10 + 40
    dense = [[0, 0], [2, 20], [0, 0], [5, 50], [0, 0]]
    assert gradient.to_dense().tolist() == dense
    assert gradient.ids is ids
    assert repr(gradient) == (
        "RowGradient(rows=[1 3], values=[[ 2. 20.]\n [ 5. 50.]], shape=(5, 2))"
    )


@given(
    st.lists(st.integers(0, 2**40) | st.integers(0, 5), max_size=40),
    st.integers(0, 3),
    st.integers(0, 2**32),
)
def test_sums_are_those_of_a_loop_to_the_last_bit(ids, width, seed):
    dy = np.random.default_rng(seed).normal(size=(len(ids), width)).astype(np.float32)
    expected = {}
    for row, g in zip(ids, dy, strict=True):
        expected[row] = expected[row] + g if row in expected else g
    before = dy.copy()
    groups = GroupById(np.array(ids, np.intp))
    assert groups.rows.tolist() == sorted(expected)
    sums = groups.sum(dy)
    assert sums.shape == (len(expected), width)
    assert sums.dtype == np.float32
    for row, total in zip(groups.rows.tolist(), sums, strict=True):
        assert total.tobytes() == expected[row].tobytes()
    np.testing.assert_array_equal(dy, before)
    sums[:] = 7.0  # a copy, also where no id occurs twice
    np.testing.assert_array_equal(dy, before)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.uint32])
def test_ids_of_a_short_type_do_not_overflow(dtype):
    gradient = RowGradient(np.array([120, 3, 120], dtype), np.ones((3, 1)), (200, 1))
    assert gradient.rows.tolist() == [3, 120]
    assert gradient.values.tolist() == [[1], [2]]


def test_a_view_of_some_columns_is_summed_like_its_copy():
    # MLP hands its embeddings the halves of one array
    wide = np.random.default_rng(0).normal(size=(6, 8))
    ids = np.array([2, 0, 2, 2, 1, 0])
    for half in (wide[:, :4], wide[:, 4:]):
        view, copy = (RowGradient(ids, dy, (3, 4)).values for dy in (half, half.copy()))
        np.testing.assert_array_equal(view, copy)


@pytest.mark.parametrize("shape", [(2, 4), (3, 3), (3,)])
def test_a_dy_that_does_not_fit_the_ids_raises(shape):
    with pytest.raises(ValueError, match=rf"^dy must be of \(3, 4\), got \({shape[0]},"):
        RowGradient(np.array([0, 1, 0]), np.zeros(shape), (5, 4))
