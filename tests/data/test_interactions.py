import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_numpy.datasets import Interactions

PAIRS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=60)


def from_pairs(pairs, **columns):
    users, items = zip(*pairs)
    return Interactions.from_columns(users, items, **columns)


def raw_pairs(data):
    return set(zip(data.user_ids[data.users].tolist(), data.item_ids[data.items].tolist()))


def test_from_columns_indexes_in_the_order_of_the_raw_ids():
    data = Interactions.from_columns(
        [30, 10, 30, 20], ["b", "c", "a", "b"], [1, 2, 3, 4], [11, 12, 13, 14]
    )
    # users 10, 20, 30 -> 0, 1, 2; items a, b, c -> 0, 1, 2; sorted: (10,c) (20,b) (30,a) (30,b)
    assert data.user_ids.tolist() == [10, 20, 30]
    assert data.item_ids.tolist() == ["a", "b", "c"]
    assert data.users.tolist() == [0, 1, 2, 2]
    assert data.items.tolist() == [2, 1, 0, 1]
    assert data.counts.tolist() == [2, 4, 3, 1]
    assert data.timestamps.tolist() == [12, 14, 13, 11]
    assert (data.n_users, data.n_items, len(data)) == (3, 3, 4)
    assert data.pair_keys.tolist() == [2, 4, 6, 7]  # user * 3 + item
    assert data.offsets.tolist() == [0, 1, 2, 4]
    assert data.users.dtype == data.items.dtype == np.intp
    assert (data.counts.dtype, data.timestamps.dtype) == (np.float64, np.int64)


def test_repeated_pairs_are_merged():
    data = Interactions.from_columns([1, 2, 1, 1], [5, 5, 5, 6], [10, 1, 7, 2], [300, 50, 100, 9])
    assert raw_pairs(data) == {(1, 5), (1, 6), (2, 5)}
    assert data.counts.tolist() == [17, 2, 1]  # 10 + 7 for (1, 5)
    assert data.timestamps.tolist() == [300, 9, 50]  # the later of 300 and 100


def test_from_columns_takes_series_and_leaves_them_alone():
    frame = pd.DataFrame({"u": ["x", "y"], "i": [2, 1], "n": [3, 4]}, index=[7, 7])
    before = frame.copy()
    data = Interactions.from_columns(frame["u"], frame["i"], frame["n"])
    assert data.counts.tolist() == [3, 4]
    assert data.user_ids.tolist() == ["x", "y"]
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        (([], []), ValueError, "no interactions: the columns are empty"),
        ((np.array([]), np.array([])), ValueError, "no interactions: the columns are empty"),
        (([1, 2], [1]), ValueError, r"differ in length: \{'users': 2, 'items': 1\}"),
        (([1], [1], [1, 2]), ValueError, "differ in length.*'counts': 2"),
        (([1], [1], None, [1, 2]), ValueError, "differ in length.*'timestamps': 2"),
        ((["a", None], [1, 2]), ValueError, r"users: the id in row 1 .* is missing"),
        (([1, 2], [1, np.nan]), ValueError, r"items: the id in row 1 .* is missing"),
        (([1.5, 2.0], [1, 2]), TypeError, r"users: ids .* floats such as 1\.5"),
        (([1, 2], [1, 2], [1, np.nan]), ValueError, r"counts\[1\] is nan, expected a finite"),
        (([1, 2], [1, 2], [np.inf, 1]), ValueError, r"counts\[0\] is inf, expected a finite"),
        (([1, 2], [1, 2], [1, -3]), ValueError, r"counts\[1\] is -3\.0, expected a finite"),
        (([1, 1], [1, 1], [10, -3]), ValueError, r"counts\[1\] is -3\.0"),  # not hidden by the sum
        (([1, 2], [1, 2], [1, "many"]), ValueError, "many"),
        (([1, 2], [1, 2], None, [0.5, 1]), ValueError, r"timestamps\[0\] is 0\.5, .* whole"),
        (([1, 2], [1, 2], None, [1, np.nan]), ValueError, r"timestamps\[1\] is nan, .* whole"),
        (([1], [1], None, ["2020-01-01"]), TypeError, "timestamps must be seconds as numbers"),
    ],
)
def test_from_columns_refuses(columns, error, message):
    with pytest.raises(error, match=message):
        Interactions.from_columns(*columns)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"users": [1, 0, 1]}, ValueError, "sorted by user, then item; row 1 is not after"),
        ({"items": [1, 1, 0]}, ValueError, "distinct and sorted .* row 1 is not after"),
        ({"items": [1, 0, 0]}, ValueError, "row 1 is not after the row before it"),
        ({"users": [-1, 0, 1]}, IndexError, "users must be in .*got -1"),
        ({"items": [0, 1, 2]}, IndexError, "items must be in .*got 2"),
        ({"users": [0.0, 0.0, 1.0]}, TypeError, "users must be integer"),
        ({"items": [0, 1]}, ValueError, r"items has shape \(2,\), expected \(3,\)"),
        ({"counts": [1, 2]}, ValueError, r"counts has shape \(2,\), expected \(3,\)"),
        ({"counts": [1, np.nan, 2]}, ValueError, r"counts\[1\] is nan"),
        ({"timestamps": [1]}, ValueError, r"timestamps has shape \(1,\)"),
        ({"timestamps": [1, 2.5, 3]}, ValueError, r"timestamps\[1\] is 2.5"),
        ({"item_names": ["one"]}, ValueError, r"item_names has shape \(1,\), expected \(2,\)"),
        ({"user_ids": [7, 7]}, ValueError, "user_ids holds .*7.* more than once"),
        ({"item_ids": [[1], [2]]}, ValueError, r"item_ids has shape \(2, 1\)"),
    ],
)
def test_the_constructor_validates(changed, error, message):
    columns = {"users": [0, 0, 1], "items": [0, 1, 0], "user_ids": [7, 8], "item_ids": [1, 2]}
    Interactions(**columns)
    with pytest.raises(error, match=message):
        Interactions(**(columns | changed))


def test_filter_repeats_until_stable():
    # Item 9 has one user, so it goes. Then user 3 is left with item 2 alone and goes. Then item 2
    # is left with user 2 alone and goes; users 1 and 2 keep items 0 and 1.
    data = from_pairs([(1, 0), (1, 1), (2, 0), (2, 1), (2, 2), (3, 2), (3, 9)], counts=range(7))
    kept = data.filter(2, 2)
    assert raw_pairs(kept) == {(1, 0), (1, 1), (2, 0), (2, 1)}
    assert (kept.user_ids.tolist(), kept.item_ids.tolist()) == ([1, 2], [0, 1])
    assert kept.counts.tolist() == [0, 1, 2, 3]
    assert kept.source == "users with >= 2 items, items with >= 2 users"


def test_filter_keeps_names_with_their_items():
    data = from_pairs([(1, 50), (1, 60), (2, 60), (3, 60)], item_names={50: "fifty", 60: "sixty"})
    kept = data.filter(0, 2)
    assert kept.item_names.tolist() == ["sixty"]
    assert kept.source == "items with >= 2 users"


@pytest.mark.parametrize("off", [0, 1])
def test_a_threshold_of_0_or_1_switches_a_side_off(off):
    data = from_pairs([(1, 0), (2, 0), (2, 1)])
    assert raw_pairs(data.filter(off, off)) == raw_pairs(data)
    assert raw_pairs(data.filter(2, off)) == {(2, 0), (2, 1)}
    assert raw_pairs(data.filter(off, 2)) == {(1, 0), (2, 0)}


def test_filter_says_what_left_nothing():
    data = from_pairs([(1, 0), (2, 0)])
    with pytest.raises(ValueError, match="of 2 pairs with min_per_user=3 and min_per_item=1"):
        data.filter(3, 1)
    with pytest.raises(ValueError, match="min_per_item must be an integer of at least 0, got -1"):
        data.filter(0, -1)


@given(PAIRS, st.integers(0, 3), st.integers(0, 3))
def test_filter_is_the_largest_fixed_point(pairs, min_per_user, min_per_item):
    kept = set(pairs)  # the slow twin: drop one offending pair at a time
    while True:
        users, items = [u for u, _ in kept], [i for _, i in kept]
        bad = [
            (u, i)
            for u, i in kept
            if users.count(u) < min_per_user or items.count(i) < min_per_item
        ]
        if not bad:
            break
        kept.remove(bad[0])
    if not kept:
        with pytest.raises(ValueError, match="nothing is left"):
            from_pairs(pairs).filter(min_per_user, min_per_item)
        return
    once = from_pairs(pairs).filter(min_per_user, min_per_item)
    assert raw_pairs(once) == kept
    assert set(once.users) == set(range(once.n_users))  # indices without gaps
    assert set(once.items) == set(range(once.n_items))
    assert raw_pairs(once.filter(min_per_user, min_per_item)) == kept


@given(PAIRS)
def test_from_columns_keeps_every_pair_and_every_play(pairs):
    data = from_pairs(pairs, counts=np.ones(len(pairs)))
    assert raw_pairs(data) == set(pairs)
    for user, item, count in zip(data.users, data.items, data.counts):
        assert count == pairs.count((data.user_ids[user], data.item_ids[item]))


def test_take_keeps_the_indices():
    data = from_pairs([(1, 0), (1, 5), (2, 5)], counts=[1, 2, 3], timestamps=[7, 8, 9])
    part = data.take(np.array([False, True, True]))
    assert (part.users.tolist(), part.items.tolist()) == ([0, 1], [1, 1])
    assert (part.counts.tolist(), part.timestamps.tolist()) == ([2, 3], [8, 9])
    assert (part.n_users, part.n_items) == (2, 2)  # item 0 has no row and keeps its place


def test_items_of_a_user_come_most_played_first():
    data = from_pairs([(1, 0), (1, 1), (1, 2), (1, 3), (2, 3)], counts=[5, 9, 5, 20, 1])
    assert data.items_of(0).tolist() == [3, 1, 0, 2]  # 20, 9, then the tie by index
    assert data.items_of(1).tolist() == [3]
    assert from_pairs([(1, 4), (1, 2)]).items_of(0).tolist() == [0, 1]  # no counts: by index
    for outside in (-1, 2):
        with pytest.raises(IndexError, match=rf"user index {outside} is outside 0\.\.1"):
            data.items_of(outside)


def test_names():
    data = from_pairs([(1, 10), (1, 20), (1, 30)], item_names={10: "Air", 30: "Can"})
    assert [data.item_name(i) for i in range(3)] == ["Air", "20", "Can"]
    assert from_pairs([(1, 10)]).item_name(0) == "10"
    for outside in (-1, 3):
        with pytest.raises(IndexError, match=rf"item index {outside} is outside 0\.\.2"):
            data.item_name(outside)


def test_find_item():
    names = {1: "Radiohead", 2: "RADIOHEAD", 3: "Björk", 4: "abba", 5: "Abba"}
    pairs = [(1, 1), (1, 2), (2, 2), (1, 3), (1, 4), (1, 5), (2, 5)]
    data = from_pairs(pairs, item_names=names)
    assert data.find_item("björk") == data.find_item(" BJÖRK ") == 2
    assert data.find_item("Radiohead") == 0  # the exact spelling
    assert data.find_item("radiohead") == 1  # neither is exact: raw id 2 has two users, 1 has one
    assert data.find_item("abba") == 3  # exact, though Abba has more users
    with pytest.raises(KeyError, match="no item is called 'radiohed'; close: 'Radiohead'"):
        data.find_item("radiohed")
    with pytest.raises(KeyError, match="no item is called 'zzzz'.$"):
        data.find_item("zzzz")


def test_repr_is_one_line():
    data = from_pairs([(1, 2), (3, 4)], source="by hand")
    assert repr(data) == "Interactions(2 pairs, 2 users x 2 items, by hand)"


class Sparse:
    """What is asked of a scipy sparse matrix."""

    def __init__(self, row, col, data, shape):
        self.row, self.col, self.data, self.shape = map(np.array, (row, col, data, shape))

    def tocoo(self):
        return self


def test_a_sparse_matrix_has_users_as_rows_and_counts_as_values():
    matrix = Sparse([2, 0, 0, 1, 2], [1, 0, 2, 1, 1], [3, 1, 0, 2, 4], (3, 4))
    data = Interactions.from_sparse(matrix, item_names={1: "one"})
    assert list(zip(data.users, data.items, data.counts)) == [(0, 0, 1), (1, 1, 2), (2, 1, 7)]
    assert (data.n_users, data.n_items) == (3, 4)  # rows and columns without a value stay
    assert data.item_names.tolist() == ["0", "one", "2", "3"]
    named = Interactions.from_sparse(matrix, user_ids=["a", "b", "c"], item_ids=[9, 8, 7, 6])
    assert (named.user_ids[2], named.item_ids[1]) == ("c", 8)


@pytest.mark.parametrize("kind", ["csr_array", "csc_matrix", "coo_array", "lil_array"])
def test_scipys_own_matrices(kind):
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.array([[0, 5, 0], [1, 0, 2]])
    data = Interactions.from_sparse(getattr(sparse, kind)(dense))
    rebuilt = np.zeros((2, 3))
    rebuilt[data.users, data.items] = data.counts
    np.testing.assert_array_equal(rebuilt, dense)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"data": [1, -1]}, ValueError, r"matrix\[1, 1\] is -1"),
        ({"data": [0, np.nan]}, ValueError, r"matrix\[1, 1\] is nan"),
        ({"data": [0, 0]}, ValueError, "no interactions: the matrix has no value above 0"),
        ({"user_ids": {"a", "b"}}, TypeError, "user_ids must be a list or an array"),
        ({"user_ids": ["a"]}, ValueError, "user_ids has 1 ids, the matrix has 2 of them"),
        ({"item_ids": [7, 7]}, ValueError, "item_ids holds 7 more than once"),
    ],
)
def test_a_sparse_matrix_that_does_not_fit(change, error, message):
    matrix = Sparse([0, 1], [0, 1], change.pop("data", [1, 1]), (2, 2))
    with pytest.raises(error, match=message):
        Interactions.from_sparse(matrix, **change)


def test_what_is_no_sparse_matrix():
    with pytest.raises(TypeError, match="got ndarray; scipy.sparse.csr_matrix makes one"):
        Interactions.from_sparse(np.eye(2))


def test_from_indices_without_pairs_was_an_index_error():
    with pytest.raises(ValueError, match="no interactions"):
        Interactions.from_indices(np.array([], int), np.array([], int), [1], [2])


@pytest.mark.parametrize("spread", [1, 2**20, 2**61, -(2**61)])
def test_integers_are_indexed_as_numpy_unique_does(spread):
    rng = np.random.default_rng(0)
    values = rng.integers(-5, 5, 200) * spread
    values[0], values[1] = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    for ids in (values, values[2:]):
        data = Interactions.from_columns(ids, np.arange(len(ids)))
        expected, places = np.unique(ids, return_inverse=True)
        np.testing.assert_array_equal(data.user_ids, expected)
        order = np.argsort(places, kind="stable")
        np.testing.assert_array_equal(data.users, places[order])
        np.testing.assert_array_equal(data.items, order)


def test_a_pair_that_repeats_keeps_its_latest_time_in_whatever_order_it_comes():
    for times in ([5, 9, 7], [9, 5, 7], [5, 7, 9]):
        data = Interactions.from_columns([1, 1, 1], [2, 2, 2], [1, 2, 4], times)
        assert data.timestamps.tolist() == [9]
        assert data.counts.tolist() == [7]


def test_a_timestamp_beyond_64_bits_became_the_earliest():
    late = np.array([1, 2**63 + 5], np.uint64)
    with pytest.raises(ValueError, match=r"timestamps\[1\] is 9223372036854775813, .* 64 bits"):
        Interactions.from_columns([1, 1], [1, 2], timestamps=late)
    with pytest.raises(ValueError, match=r"timestamps\[0\] is 1e\+19, .* whole seconds"):
        Interactions.from_columns([1, 1], [1, 2], timestamps=[1e19, 0])
    latest = np.array([2**63 - 1, -(2**63)])
    data = Interactions.from_columns([1, 1], [1, 2], timestamps=latest)
    assert data.timestamps.tolist() == latest.tolist()


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        ([1, True], "mixed-integer such as 1"),  # were one user
        ([1, "a"], "mixed-integer such as 1"),  # could be trained with, and not be saved
        ([2**70, 1], "beyond 64 bits"),
        ([-1, 2**63], "beyond 64 bits"),
        ([b"a", b"b"], "bytes such as b'a'"),
        ([(1, 2), (3, 4)], r"mixed such as \(1, 2\)"),
        ([[1], [2]], r"mixed such as \[1\]"),
        (pd.to_datetime(["2020", "2021"]), "datetime64"),
    ],
)
def test_ids_that_no_file_could_hold_were_found_out_after_training(ids, kind):
    with pytest.raises(TypeError, match=f"users: ids must .*{kind}"):
        Interactions.from_columns(ids, [1, 2])


@pytest.mark.parametrize(
    "ids", [pd.Series([7, 3], dtype=object), pd.Categorical([7, 3]), pd.array([7, 3], "Int64")]
)
def test_integers_in_any_column_are_integers(ids):
    data = Interactions.from_columns(ids, ["x", "y"])
    assert data.user_ids.tolist() == [3, 7]
    assert data.users.tolist() == [0, 1] and data.items.tolist() == [1, 0]


@pytest.mark.parametrize("column", ["ab", {1, 2}, 5, None, np.ones((2, 2), int)])
def test_a_text_for_a_column_was_an_index_error_in_numpy(column):
    with pytest.raises(TypeError, match="users must be a list or an array"):
        Interactions.from_columns(column, [1, 2])


def test_counts_that_are_no_numbers_did_not_say_which_column():
    with pytest.raises(ValueError, match="counts must be numbers: .*'many'"):
        Interactions.from_columns([1], [1], ["many"])


def with_ids(user_ids):
    return Interactions.from_indices([0, 1], [0, 0], user_ids, ["x"])


@pytest.mark.parametrize("ids", [[1, "a"], [1, "1"], np.array([1, "a"], object), [True, False]])
def test_ids_of_two_kinds_were_refused_only_when_they_were_saved(ids):
    with pytest.raises(TypeError, match="user_ids: ids must be integers or texts, got"):
        with_ids(ids)


@pytest.mark.parametrize("ids", [["a", None], [1.0, np.nan], ["a", " "]])
def test_an_index_without_an_id_was_a_user_called_nan(ids):
    with pytest.raises(ValueError, match="user_ids: the id in row 1 .* is missing"):
        with_ids(ids)


def test_one_id_was_two_users_by_a_blank_behind_it():
    with pytest.raises(ValueError, match="user_ids holds 'ann' more than once"):
        with_ids(["ann", "ann "])
    assert with_ids(["bob ", "ann"]).user_ids.tolist() == ["bob", "ann"]


def test_ids_of_a_column_with_gaps_stayed_floats_and_could_not_be_saved():
    ids = with_ids([2.0, 1.0]).user_ids
    assert ids.tolist() == [2, 1] and ids.dtype.kind == "i"


def test_a_number_of_users_instead_of_their_ids():
    with pytest.raises(TypeError, match="user_ids must be a list or an array"):
        with_ids(2)


@pytest.mark.parametrize("names", [["Air", "Can"], "Air"])
def test_a_list_of_names_instead_of_a_name_for_each_id(names):
    with pytest.raises(TypeError, match="item_names must be {raw item id: name}, got a"):
        Interactions.from_columns([1, 2], [50, 70], item_names=names)


def test_names_by_ids_of_another_kind_were_all_left_out():
    with pytest.raises(ValueError, match="item_names has none of the items: .* 50, .* '50'"):
        Interactions.from_columns([1, 2], [50, 70], item_names={"50": "Air"})
    series = pd.Series({50: "Air", 70: None})
    data = Interactions.from_columns([1, 2], [50, 70], item_names=series)
    assert data.item_names.tolist() == ["Air", "70"]
    assert Interactions.from_columns([1], [50], item_names={}).item_names.tolist() == ["50"]


def test_complex_counts_lost_their_imaginary_part():
    with pytest.raises(ValueError, match="counts must be real numbers, got complex128"):
        Interactions.from_columns([1], [1], np.array([1 + 1j]))


@pytest.mark.parametrize("kind", [list, tuple, lambda values: pd.Series(values, index=[2, 0, 1])])
def test_the_labels_of_a_series_swapped_the_counts_and_a_list_was_an_error_of_numpy(kind):
    counts, times = kind([10.0, 20.0, 30.0]), kind([7, 8, 9])
    data = Interactions.from_indices([1, 0, 0], [0, 1, 0], [5, 6], [7, 8], counts, times)
    assert data.counts.tolist() == [30, 20, 10]
    assert data.timestamps.tolist() == [9, 8, 7]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"counts": [1.0]}, r"counts has shape \(1,\), expected \(2,\)"),
        ({"timestamps": [1, 2, 3]}, r"timestamps has shape \(3,\), expected \(2,\)"),
        ({"counts": ["x", "y"]}, "counts must be numbers"),
        ({"items": [0]}, "users and items must be of one length B, got 2 and 1"),
    ],
)
def test_columns_beside_indices_that_do_not_fit(columns, message):
    columns = {"users": [0, 1], "items": [0, 1], **columns}
    with pytest.raises(ValueError, match=message):
        Interactions.from_indices(user_ids=["a", "b"], item_ids=["x", "y"], **columns)


@pytest.mark.parametrize(("stored", "asked"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_korean_name_as_macos_writes_it_was_not_found(stored, asked):
    data = Interactions.from_columns(["a"], [unicodedata.normalize(stored, "뉴진스")])
    assert data.find_item(unicodedata.normalize(asked, "뉴진스")) == 0


@pytest.mark.parametrize("ids", [{"b": 1, "a": 0}, {1: "b", 0: "a"}, {7: 0, 9: 1}])
def test_a_dictionary_of_ids_had_no_shape(ids):
    matrix = Sparse([0, 1], [0, 1], [1, 1], (2, 2))
    with pytest.raises(TypeError, match="user_ids must be a list.*; (.*) is one") as raised:
        Interactions.from_sparse(matrix, ids)
    line = str(raised.value).split("; ")[1].removesuffix(" is one")
    data = Interactions.from_sparse(matrix, eval(line, {"user_ids": ids, "n": 2}))
    assert data.user_ids.tolist() in (["a", "b"], [7, 9])
