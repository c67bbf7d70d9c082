import gzip
import io
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ncf_numpy
from ncf_numpy.datasets import Interactions, load_interactions


@pytest.fixture
def write(tmp_path):
    def to(text, name="plays.csv", encoding="utf-8"):
        data = text if isinstance(text, bytes) else text.encode(encoding)
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return tmp_path / name

    return to


def raw(data):
    """[(user id, item id, count), ...] by raw ids."""
    counts = [None] * len(data) if data.counts is None else data.counts.tolist()
    return list(zip(data.user_ids[data.users].tolist(), data.item_ids[data.items].tolist(), counts))


def test_korean_ids_and_names(write):
    path = write(
        "user,item,plays,title\n지은,곡2,3,좋은 날\n민수,곡1,1,밤편지\n지은,곡1,4,밤편지\n"
    )
    data = load_interactions(path, count="plays", item_name="title")
    # by code point: 민 U+BBFC before 지 U+C9C0
    assert raw(data) == [("민수", "곡1", 1), ("지은", "곡1", 4), ("지은", "곡2", 3)]
    assert data.item_names.tolist() == ["밤편지", "좋은 날"]
    assert (data.source, data.notes, data.timestamps) == ("plays.csv", (), None)


@pytest.mark.parametrize("as_type", [str, lambda path: path])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "user,item\nann,7\nbob,8\n"),
        ("a.csv", "item;user\n7;ann\n8;bob\n"),  # a European Excel's
        ("a.csv", "\ufeffuser,item\r\nann,7\r\n\r\n  \r\nbob,8"),  # BOM, CRLF, blanks, no last end
        ("a.csv", '"user","item","note"\n"ann","7","x, y"\n"bob",8,"two\nlines"\n'),
        ("a.tsv", "user\titem\nann\t7\nbob\t8\n"),
        ("a.txt", "user|item|user\u00a0\nann|7|x\nbob|8|y\n"),
        ("a.csv.gz", "user,item\nann,7\nbob,8\n"),
        ("a.TSV.gz", "user\titem\nann\t7\nbob\t8\n"),
    ],
)
def test_forms_of_a_file(write, as_type, name, text):
    data = load_interactions(as_type(write(text, name)))
    assert raw(data) == [("ann", 7, None), ("bob", 8, None)]
    assert data.source == name


def test_names_separator_quotes_and_encoding_can_be_given(write):
    path = write('민수::"a::5\n민수::b"::4\n', "ratings.dat", "cp949")
    data = load_interactions(
        path, count="stars", names=("user", "item", "stars"), sep="::", encoding="cp949"
    )
    assert raw(data) == [("민수", '"a', 5), ("민수", 'b"', 4)]
    path = write('user\titem\nann\t"a"\n', "a.tsv")
    assert load_interactions(path).item_ids.tolist() == ['"a"']  # ordinary in a TSV
    assert load_interactions(path, quotes=True).item_ids.tolist() == ["a"]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["10", "9", "-3"], [-3, 9, 10]),  # numbers, in their order
        (["10", "9", "007"], ["007", "10", "9"]),  # a leading zero is part of a name
        (["10", "9", "x"], ["10", "9", "x"]),
        (["10", "9", "1.5"], ["1.5", "10", "9"]),
        (["-9223372036854775808", "9223372036854775807"], [-(2**63), 2**63 - 1]),
        (["9", "9223372036854775808"], ["9", "9223372036854775808"]),
        (["9", "-9223372036854775809"], ["-9223372036854775809", "9"]),
        (["9", "9999999999999999999"], ["9", "9999999999999999999"]),
        (["10", "9", "99999999999999999999"], ["10", "9", "99999999999999999999"]),  # > 2 ** 63
        (["NA", "nan", "None"], ["NA", "None", "nan"]),  # somebody is called so
    ],
)
def test_ids_of_a_file_are_integers_only_if_all_are(write, texts, expected):
    data = load_interactions(write("user,item\n" + "".join(f"ann,{text}\n" for text in texts)))
    assert data.item_ids.tolist() == expected


@pytest.mark.parametrize("last", ["", "\n,"])  # read as integers at once, or as texts first
def test_ids_of_19_digits_were_texts_in_a_file_alone(write, last):
    path = write(f"user,item\n1234567890123456789,9\n-1234567890123456789,{2**63 - 1}{last}")
    data = load_interactions(path, bad_rows="drop")
    assert data.user_ids.tolist() == [-1234567890123456789, 1234567890123456789]
    assert data.item_ids.tolist() == [9, 2**63 - 1]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([3, 1, 2], [1, 2, 3]),
        (["10", "9", "007"], ["007", "10", "9"]),  # a DataFrame says what it means
        (pd.array([3, 1, 2], dtype="Int64"), [1, 2, 3]),
        (pd.Categorical(["b", "a", "b"]), ["a", "b"]),
        (np.array([2.0, 1.0, 2.0]), [1, 2]),
    ],
)
def test_ids_of_a_data_frame(ids, expected):
    table = pd.DataFrame({"user": ids, "item": ["x", "y", "z"]}, index=[5, 5, 5])
    before = table.copy()
    data = load_interactions(table)
    assert data.user_ids.tolist() == expected
    assert len(data) == 3
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(
    ("ids", "kind"),
    [
        ([1.5, 2.0], "floats such as 1.5"),
        ([1, "1"], "mixed-integer"),
        ([True, False], "boolean"),
        ([1, 2**63], "numbers beyond 64 bits"),
    ],
)
def test_other_kinds_of_id_are_refused(ids, kind):
    with pytest.raises(TypeError, match=f"column 'user': ids must be .* got {kind}"):
        load_interactions(pd.DataFrame({"user": ids, "item": [1, 2]}))


def test_counts_are_summed_and_0_is_no_play(write):
    path = write("user,item,plays\nann,a,2\nann,b,0\nann,a,3.5\nbob,c,0\nbob,a,1\n")
    data = load_interactions(path, count="plays")
    assert raw(data) == [("ann", "a", 5.5), ("bob", "a", 1)]
    assert data.item_ids.tolist() == ["a"]  # b and c were never played
    assert data.notes == (
        "Rows with plays 0, dropped: 2.",
        "Rows that repeat a pair, merged with it: 1.",
    )


RATINGS = "user,item,stars,at\nann,a,5,30\nann,a,2,40\nann,b,2,20\nann,b,4,10\nbob,a,4,5\n"


def test_the_latest_rating_counts(write):
    data = load_interactions(write(RATINGS), rating="stars", timestamp="at", min_rating="all")
    # ann rated a with 5 at 30, then 2 at 40; b with 4 at 10, then 2 at 20
    assert raw(data) == [("ann", "a", 2), ("ann", "b", 2), ("bob", "a", 4)]
    assert data.timestamps.tolist() == [40, 20, 5]
    assert data.notes == ("Rows whose stars a later row replaces: 2.",)


def test_without_timestamps_the_last_rating_in_the_file_counts(write):
    data = load_interactions(write(RATINGS), rating="stars", min_rating="all")
    assert raw(data) == [("ann", "a", 2), ("ann", "b", 4), ("bob", "a", 4)]


def test_a_threshold_is_met_by_the_rating_that_counts(write):
    data = load_interactions(write(RATINGS), rating="stars", min_rating=4.0)
    assert raw(data) == [("ann", "b", 4), ("bob", "a", 4)]
    assert data.source == "plays.csv, stars >= 4"
    assert data.notes[1] == "Pairs with stars below 4, dropped: 1."
    with pytest.raises(ValueError, match=r"nothing is left of .*plays.csv. .*below 6, dropped: 3"):
        load_interactions(write(RATINGS), rating="stars", min_rating=6)


def test_negative_ratings_count_without_amounts_if_all_do(write):
    path = write("user,item,fun\nann,a,-3.5\nann,b,8\n")
    assert raw(load_interactions(path, rating="fun", min_rating=0)) == [("ann", "b", 8)]
    data = load_interactions(path, rating="fun", min_rating="all")
    assert raw(data) == [("ann", "a", None), ("ann", "b", None)]
    assert data.notes == ("Some fun are below 0: the pairs count, without amounts.",)


@pytest.mark.parametrize("name", ["rating", "Ratings", "Book-Rating", "stars", "overall"])
@pytest.mark.parametrize("given", [{}, {"rating": True}])
@pytest.mark.parametrize("in_file", [True, False])
def test_ratings_were_not_used_and_nobody_was_told(write, name, given, in_file):
    text = f"user,item,{name}\nann,a,1\nann,b,5\n"
    source = write(text) if in_file else pd.read_csv(io.StringIO(text))
    given = dict.fromkeys(given, name)
    with pytest.raises(ValueError, match=f"rating='{name}', min_rating=4.* min_rating='all'"):
        load_interactions(source, **given)
    assert raw(load_interactions(source, **given, min_rating=4)) == [("ann", "b", 5)]
    assert len(load_interactions(source, **given, min_rating="all")) == 2
    assert len(load_interactions(source, count=name)) == 2  # they are said to be something else


def test_columns_without_effect_are_noted(write):
    data = load_interactions(write("user,item,event,at\nann,a,view,1\n"), timestamp="at")
    assert data.notes == ("Columns that are not used: 'event'.",)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 5), st.integers(0, 4)),
        min_size=1,
        max_size=40,
    )
)
def test_ratings_against_a_slow_twin(rows):
    latest = {}
    for user, item, stars, at in rows:
        if (user, item) not in latest or at >= latest[user, item][1]:
            latest[user, item] = stars, at
    expected = sorted((u, i, s) for (u, i), (s, _) in latest.items() if s >= 3)
    table = pd.DataFrame(rows, columns=["user", "item", "stars", "at"])
    if not expected:
        with pytest.raises(ValueError, match="nothing is left of the DataFrame"):
            load_interactions(table, rating="stars", timestamp="at", min_rating=3)
        return
    data = load_interactions(table, rating="stars", timestamp="at", min_rating=3)
    assert raw(data) == expected
    assert data.timestamps.tolist() == [latest[user, item][1] for user, item, _ in expected]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("86400", 86400),
        ("86400.9", 86400),
        ("1970-01-02", 86400),
        ("1970-01-02 00:00:01", 86401),
        ("1970-01-02T09:00:00+09:00", 86400),  # Korea is nine hours ahead
    ],
)
def test_timestamps(write, text, seconds):
    data = load_interactions(write(f"user,item,at\nann,a,{text}\n"), timestamp="at")
    assert data.timestamps.tolist() == [seconds]
    assert data.timestamps.dtype == np.int64


def test_timestamps_of_a_data_frame_may_be_dates():
    at = pd.to_datetime(["1970-01-02", None])
    table = pd.DataFrame({"user": [1, 2], "item": [1, 1], "at": at})
    data = load_interactions(table, timestamp="at", bad_rows="drop")
    assert data.timestamps.tolist() == [86400]
    assert "Rows whose at is not seconds or a date such as" in data.notes[0]


def test_the_first_name_of_an_item_is_kept(write):
    path = write("user,item,name\n1,7,\n2,7,Air\n3,7,AIR\n1,8, \n1,9,Can\n2,9,Can\n")
    data = load_interactions(path, item_name="name")
    assert data.item_names.tolist() == ["Air", "8", "Can"]  # 8 has none and is called by its id
    assert data.notes == ("Items with more than one name, the first kept: 1.",)


BAD = "user,item,plays\n\nann,a,1\n,a,1\nbob,,many\nann,b,-2\nann,c,inf\nann,d\nann,e,7\n"


def test_bad_rows_are_an_error_that_names_the_first_three(write):
    message = (
        r"plays.csv, line 4: user is '', expected an id; line 5: item is '', expected an id; "
        r"line 6: plays is '-2', expected a finite number, 0 or more; and 2 more rows. "
        r"Correct them, or leave them out with bad_rows='drop'"
    )
    with pytest.raises(ValueError, match=message):
        load_interactions(write(BAD), count="plays")


def test_bad_rows_are_dropped_and_counted_on_request(write):
    data = load_interactions(write(BAD), count="plays", bad_rows="drop")
    assert raw(data) == [("ann", "a", 1), ("ann", "e", 7)]
    assert data.notes == (
        "Rows whose user is not an id, dropped: 1 (line 4).",
        "Rows whose item is not an id, dropped: 1 (line 5).",
        # 'many', -2, inf and the field that line 8 lacks
        "Rows whose plays is not a finite number, 0 or more, dropped: 4 "
        "(line 5, line 6, line 7, ...).",
    )


def test_thousands_of_bad_rows(write):
    text = "user,item,plays\n" + "ann,a,?\n" * 5000 + "ann,a,1\n"
    with pytest.raises(ValueError, match="line 4: plays is .*; and 4,997 more rows") as error:
        load_interactions(write(text), count="plays")
    assert len(str(error.value)) < 500
    assert len(load_interactions(write(text), count="plays", bad_rows="drop")) == 1


def test_bad_rows_of_a_data_frame_are_named_by_their_label():
    table = pd.DataFrame({"user": ["x", None], "item": [1, 2]}, index=["first", "second"])
    with pytest.raises(ValueError, match="row second: user is (nan|None), expected an id"):
        load_interactions(table)
    assert len(load_interactions(table, bad_rows="drop")) == 1


OVERLONG = 'user,item\nann,"a\nb"\n\nann,Simon, Garfunkel\nbob,c\nbob,d,,\n,e\n'


def test_too_many_fields(write):
    message = (
        r"plays.csv, line 5: got 3 fields; line 7: got 4 fields; expected 2 \(user, item\). "
        r"Put a text that holds the separator in quotes"
    )
    with pytest.raises(ValueError, match=message):
        load_interactions(write(OVERLONG))
    data = load_interactions(write(OVERLONG), bad_rows="drop")
    assert raw(data) == [("ann", "a\nb", None), ("bob", "c", None)]
    assert data.notes == (
        "Lines with too many fields, dropped: 2 (line 5, line 7).",
        "Rows whose user is not an id, dropped: 1 (line 8).",
    )
    with pytest.raises(ValueError, match="line 2: got 3 fields; line 3: got 3 fields; expected 2"):
        load_interactions(write("user,item\n1,2,3\n4,5,6\n"))  # every line: pandas shifts columns


@pytest.mark.parametrize("again", ["user,item,n", "\ufeffuser,item,n", '"user","item",n'])
def test_the_header_of_a_second_file_was_a_user_and_made_texts_of_ids(write, again):
    path = write(f"user,item,n\n1,5,1\n{again}\n2,6,1\n3,6,1,1\n{again}\n3,7,1\n")
    with pytest.raises(ValueError, match="plays.csv, line 5: got 4 fields"):
        load_interactions(path, count="n")
    data = load_interactions(path, count="n", bad_rows="drop")
    assert raw(data) == [(1, 5, 1), (2, 6, 1), (3, 7, 1)]
    assert data.notes[1] == "Lines that repeat the header, dropped: 2 (line 3, line 6)."
    path = write(f"user,item,n\n1,5,1\n{again}\nuser,6,1\n")
    with pytest.raises(ValueError, match="plays.csv, line 3: the header once more.*='drop'"):
        load_interactions(path)
    assert raw(load_interactions(path, bad_rows="drop")) == [("1", 5, None), ("user", 6, None)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "plays.csv is empty, expected the columns user, item"),
        ("\n\n", "plays.csv is empty"),
        ("user,item\n", "plays.csv has no rows"),
        ("who,what\n1,2\n", "no column 'user', 'item'; it has 'who', 'what'. Say what yours are"),
        ("user,item,user\n1,2,3\n", "plays.csv has more than one column 'user'"),
        (
            "user,item\n1,\xff\n".encode("latin-1"),
            "plays.csv, line 2: not utf-8 .*encoding='latin-1",
        ),
        ("user,item\n1,지\n".encode("cp949"), "plays.csv, line 2: not utf-8 .*encoding='cp949"),
        (b"u\x00,\x00i\x00", "plays.csv, line 1: not utf-8 .*encoding='utf-16-le'"),
        (
            'user,item\n1,2\n1,"3\n1,4\n',
            "a quotation mark is opened and never closed.*quotes=False",
        ),
    ],
)
def test_files_that_cannot_be_read(write, text, message):
    with pytest.raises(ValueError, match=message):
        load_interactions(write(text))


def test_a_broken_gzip_file(write, tmp_path):
    path = write("user,item\n" + "1,2\n" * 9999, "a.csv.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="a.csv.gz is an incomplete gzip file"):
        load_interactions(path)
    with pytest.raises(FileNotFoundError, match="nowhere.csv"):
        load_interactions(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bad_rows": "skip"}, "bad_rows must be 'raise' or 'drop', got 'skip'"),
        ({"count": "n", "rating": "n"}, "count='n' and rating='n' both say how much; give one"),
        ({"min_rating": 4}, "min_rating=4 needs rating=COLUMN; the DataFrame has .* 'n'"),
        ({"rating": "n", "min_rating": "4"}, "min_rating must be a number, or 'all', got '4'"),
        ({"rating": "n", "min_rating": np.nan}, "min_rating must be a number, .* got nan"),
        ({"count": "n", "min_rating": 4}, "min_rating=4 is for rating=COLUMN, not for count='n'"),
        ({"user": "item"}, "user='item' and item='item' name the same column"),
        ({"user": "who"}, "the DataFrame has no column 'who'; it has 'user', 'item', 'n'"),
    ],
)
def test_settings_that_make_no_sense(settings, message):
    table = pd.DataFrame({"user": [1], "item": [1], "n": [1]})
    with pytest.raises(ValueError, match=message):
        load_interactions(table, **settings)


def test_notes_stay_with_the_data(write):
    data = load_interactions(write("user,item,n\n1,1,1\n1,2,1\n1,3,0\n"), count="n")
    assert data.filter(2, 0).notes == data.take([0]).notes == ("Rows with n 0, dropped: 1.",)
    assert Interactions.from_columns([1], [1]).notes == ()


def test_of_a_million_columns_only_the_wanted_are_read(tmp_path):
    width = 200_000
    header = ",".join(["user", "item", *map("c{}".format, range(width))])
    rows = [f"{user},{user + 7}" + ",0" * width for user in range(3)]
    (tmp_path / "wide.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    tracemalloc.start()
    data = load_interactions(tmp_path / "wide.csv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert raw(data) == [(0, 7, None), (1, 8, None), (2, 9, None)]
    assert peak < 500 * width  # bytes; all columns as columns of pandas took 2,400 for each


def test_the_benchmark_beside_pandas_runs():
    script = Path(ncf_numpy.__file__).parents[1] / "benchmarks" / "load_table.py"
    command = [sys.executable, str(script), "--rows", "2000"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [line.split()[:2] for line in printed.splitlines()[1:]] == [
        ["integers", "seconds"], ["integers", "GB"], ["texts", "seconds"], ["texts", "GB"]
    ]  # fmt: skip


def test_one_text_among_whole_ids_is_dropped_on_request(write):
    path = write("user,item\n1,2\nx,2\n")
    assert load_interactions(path).user_ids.tolist() == ["1", "x"]
    data = load_interactions(path, whole_ids=True, bad_rows="drop")
    assert data.user_ids.tolist() == [1]
    assert data.notes == ("Rows whose user is not a whole number, dropped: 1 (line 3).",)


@pytest.mark.parametrize("as_lines", [False, True])
@pytest.mark.parametrize(
    "ids",
    [["1", "x", "2.0", ""], [1, "x", 2.0, None], ["1", "1.5", 2, True], [1, 1.5, 2, None]],
)
def test_whole_ids_did_nothing_in_a_data_frame_or_in_json_lines(tmp_path, as_lines, ids):
    data = pd.DataFrame({"user": pd.Series(ids, dtype=object), "item": [7, 7, 8, 8]})
    if as_lines:
        data.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
        data = tmp_path / "t.jsonl"
    with pytest.raises(ValueError, match="expected a whole number"):
        load_interactions(data, whole_ids=True)
    read = load_interactions(data, whole_ids=True, bad_rows="drop")
    assert (read.user_ids.tolist(), read.item_ids.tolist()) == ([1, 2], [7, 8])


def test_whole_ids_of_a_categorical_column():
    ids = pd.Categorical(["2", "x", "1", "2"])
    data = load_interactions(
        pd.DataFrame({"user": ids, "item": [1, 1, 1, 3]}), whole_ids=True, bad_rows="drop"
    )
    assert data.user_ids.tolist() == [1, 2] and len(data) == 3


def test_a_column_of_an_arrow_dictionary_was_an_unknown_array():
    arrow = pytest.importorskip("pyarrow")
    kind = pd.ArrowDtype(arrow.dictionary(arrow.int32(), arrow.string()))
    table = pd.DataFrame({"user": pd.Series(["b", "a"]).astype(kind), "item": [1, 2]})
    assert load_interactions(table).user_ids.tolist() == ["a", "b"]


def test_ids_beyond_64_bits_were_to_be_integers_or_texts():
    table = pd.DataFrame({"user": [2**70, 1], "item": [1, 2]})
    with pytest.raises(TypeError, match=r"such as 1180591620717411303424; .*column\.astype\(str\)"):
        load_interactions(table)
    table["user"] = table["user"].astype(str)
    assert load_interactions(table).user_ids.tolist() == ["1", "1180591620717411303424"]
