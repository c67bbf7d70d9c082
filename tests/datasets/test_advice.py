"""The way out that an error names is followed to the letter, and leads to the data."""

import gzip
import json
import re
import shlex
import zipfile
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ncf_numpy import Recommender
from ncf_numpy.__main__ import main
from ncf_numpy.datasets import Interactions, load_interactions

PAIRS = [(1, 5), (1, 6), (2, 5), (3, 7)]
TABLE = pd.DataFrame(PAIRS, columns=["user", "item"])


def pairs(data):
    users, items = data.user_ids[data.users].tolist(), data.item_ids[data.items].tolist()
    return list(zip(users, items))


def error_of(use, *arguments, **options):
    with pytest.raises((TypeError, ValueError)) as raised:
        use(*arguments, **options)
    return str(raised.value)


def expression(message, begins):
    """The expression of Python that begins so and ends with its last bracket."""
    start = message.index(begins)
    ends = [place + 1 for place, mark in enumerate(message) if mark == ")" and place > start]
    for end in reversed(ends):
        try:
            return compile(message[start:end], "advice", "eval")
        except SyntaxError:
            continue
    raise AssertionError(message)


def converted(message):
    """The file that is written by the command of the shell in a message."""
    command = re.search(r'python -c "[^"]*"', message)[0]
    code = shlex.split(command)[2]
    exec(code, {})
    return Path(re.search(r"to_csv\('([^']*)'", code)[1])


@pytest.mark.parametrize(
    "columns",
    [
        [0, 1],
        ["who", "what"],
        ["col1", "item_no"],
        pd.MultiIndex.from_tuples([("a", "user"), ("a", "item")]),
        [np.str_("customer"), np.str_("product")],
    ],
)
def test_columns_that_are_no_texts_or_tell_nothing_were_named_who_and_what(columns):
    table = TABLE.set_axis(columns, axis="columns")
    said = error_of(load_interactions, table)
    advised = re.search(r"such as (user=.*), in load_interactions\(table, \.\.\.\)", said)[1]
    assert pairs(load_interactions(table, **eval(f"dict({advised})"))) == PAIRS


@pytest.mark.parametrize("header", ["who,what", "a,b,"])
def test_columns_of_a_file_that_tell_nothing(tmp_path, header):
    lines = [f"{u},{i}{',' * header.count(',')}"[: 3 + header.endswith(",")] for u, i in PAIRS]
    (tmp_path / "t.csv").write_text("\n".join([header, *lines]), encoding="utf-8")
    advised = error_of(load_interactions, tmp_path / "t.csv").split("such as ")[1].split(";")[0]
    assert pairs(load_interactions(tmp_path / "t.csv", **eval(f"dict({advised})"))) == PAIRS


@pytest.mark.parametrize("columns", [["item_id", "uid"], ["asin", "account"], ["item", "n", "x"]])
def test_one_column_was_advised_for_both_users_and_items(tmp_path, columns):
    table = TABLE[["item", "user"]].set_axis(columns[:1] + columns[-1:], axis="columns")
    given = {"count": "n"} if "n" in columns else {}
    table = table.assign(**dict.fromkeys(given.values(), 1))
    table.to_csv(tmp_path / "t.csv", index=False)
    for data in (table, tmp_path / "t.csv"):
        said = error_of(load_interactions, data, **given)
        advised = re.search(r"such as (user='\w+', item='\w+')", said)[1]
        assert pairs(load_interactions(data, **eval(f"dict({advised})"), **given)) == PAIRS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user_1\t2009-05-04T23:08:57Z\tf1\tA\nuser_1\t2009-05-04T13:54:10Z\ta7\tB\n",
         [("user_1", "a7"), ("user_1", "f1")]),
        ("u_1\t04 May 2009\tf1\nu_1\t05 May 2009\ta7\n", [("u_1", "a7"), ("u_1", "f1")]),
        ("A1,B1\nA1,B2\nA2,B1\n", [("A1", "B1"), ("A1", "B2"), ("A2", "B1")]),
        ("user_1,item_7\nuser_2,item_7\n", [("user_1", "item_7"), ("user_2", "item_7")]),
    ],
)  # fmt: skip
def test_without_a_header_the_first_row_was_to_be_given_as_the_columns(tmp_path, text, expected):
    path = tmp_path / "t.txt"
    path.write_text(text, encoding="utf-8")
    said = error_of(load_interactions, path)
    assert re.search("(its|if its) first line is data, ", said)
    advised = re.search(r"all \d columns, in order, such as names=(\(.*?\))", said)[1]
    assert pairs(load_interactions(path, names=eval(advised))) == expected


@pytest.mark.parametrize(
    ("first", "names"),
    [
        ("1,123456789", ("user", "item")),
        ("123456789,7,5", ("user", "item", "rating")),
        ("1,7,1511544070", ("user", "item", "timestamp")),
        ("1,2014-04-07,214536502", ("user", "timestamp", "item")),
        ("2014-04-07,1,214536502", ("timestamp", "user", "item")),
        ("1,2268318,2520377,pv,1511544070", ("user", "item", "column3", "column4", "timestamp")),
    ],
)
def test_names_for_a_first_line_of_data_lacked_the_item(tmp_path, first, names):
    (tmp_path / "t.csv").write_text(f"{first}\n{first}\n", encoding="utf-8")
    said = error_of(load_interactions, tmp_path / "t.csv")
    advised = eval(re.search(r"such as names=(\(.*?\))", said)[1])
    assert advised == names
    given = {"rating": "rating", "min_rating": "all"} if "rating" in names else {}
    assert len(load_interactions(tmp_path / "t.csv", names=advised, **given)) == 1


def test_a_header_that_tells_users_and_items_was_no_data(tmp_path):
    (tmp_path / "t.csv").write_text("customer,product\nA,B\n", encoding="utf-8")
    assert "names=" not in error_of(load_interactions, tmp_path / "t.csv")


@pytest.mark.parametrize("how", ["crosstab", "pivot_table"])
def test_a_table_of_users_by_items_was_to_be_reset_and_then_lacked_its_items(how):
    table = pd.crosstab(TABLE["user"], TABLE["item"])
    if how == "pivot_table":
        table = TABLE.assign(n=2).pivot_table(index="user", columns="item", values="n")
    said = error_of(Recommender("popularity").fit, table)
    long = eval(expression(said, "table.rename_axis"), {"table": table})
    assert pairs(Recommender("popularity").fit(long).data) == PAIRS
    assert pairs(load_interactions(long)) == PAIRS  # without the zeros of a crosstab


def test_a_user_a_line_with_their_items_was_to_be_given_names(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("1 5 6\n2 5\n3 5 6 7\n", encoding="utf-8")
    assert "make a file of one user and one item a line" in error_of(load_interactions, path)


def test_names_of_rows_as_r_writes_them_were_to_be_put_in_quotes(tmp_path):
    path = tmp_path / "r.csv"
    rows = "".join(f'"{n}",{u},{i}\n' for n, (u, i) in enumerate(PAIRS, start=1))
    path.write_text(f'"user","item"\n{rows}', encoding="utf-8")
    assert "name all columns in the first line" in error_of(load_interactions, path)
    path.write_text(f'"row","user","item"\n{rows}', encoding="utf-8")
    assert pairs(load_interactions(path)) == PAIRS


@pytest.mark.parametrize("name", ["rating:float", "review_overall", "Star_Rating"])
def test_a_column_of_ratings_was_not_used_and_no_error(tmp_path, name):
    path = tmp_path / "t.inter"
    table = TABLE.assign(stars=[5, 1, 4, 2]).set_axis(["user", "item", name], axis="columns")
    table.to_csv(path, sep="\t", index=False)
    for data in (table, path):
        said = error_of(load_interactions, data)
        advised = re.search(r"(rating='.*', min_rating=4)", said)[1]
        assert pairs(load_interactions(data, **eval(f"dict({advised})"))) == [(1, 5), (2, 5)]


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (TABLE.to_numpy(), r"pd\.DataFrame\(rows, columns=\['user', 'item'\]\).*csr_matrix"),
        (PAIRS, r"pd\.DataFrame\(rows, columns"),
        (TABLE.groupby(["user", "item"]).size(), r"reset_index\(\) one of a Series"),
        (StringIO("user,item\n1,2\n"), "give its path"),
        (b"t.csv", "give its path"),
    ],
)
def test_data_of_another_kind(data, advice):
    for use in (load_interactions, Recommender("popularity").fit):
        assert re.search(rf"got {type(data).__name__}; .*{advice}", error_of(use, data))
    assert "load_interactions reads a file" in error_of(Recommender().fit, "t.csv")


def test_columns_themselves_were_an_error_about_hashing():
    said = error_of(load_interactions, TABLE["user"], TABLE["item"])
    assert "user must be the name of a column, got Series" in said
    assert "Interactions.from_columns(users, items)" in said
    assert pairs(Interactions.from_columns(TABLE["user"], TABLE["item"])) == PAIRS
    for role in ("item", "count", "rating", "timestamp", "item_name"):
        assert f"{role} must be the name of a" in error_of(load_interactions, TABLE, **{role: []})


def test_a_matrix_market_file_was_a_table_with_other_names(tmp_path):
    path = tmp_path / "m.mtx"
    path.write_text("%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 1\n")
    assert "scipy.io.mmread" in error_of(load_interactions, path)


def test_a_line_of_python_is_no_json(tmp_path):
    path = tmp_path / "t.json"
    path.write_text("{'user': 1, 'item': 5}\n", encoding="utf-8")
    assert "ast.literal_eval" in error_of(load_interactions, path)


@pytest.mark.parametrize(
    "text", ["user   item\n1      5\n1      6\n", "user item\n1      5\n1      6\n"]
)
def test_columns_of_a_fixed_width_were_to_be_named_in_the_first_line(tmp_path, text):
    path = tmp_path / "t.txt"
    path.write_text(text, encoding="utf-8")
    assert pairs(load_interactions(converted(error_of(load_interactions, path)))) == PAIRS[:2]
    path.write_text(text.split("\n", 1)[1], encoding="utf-8")
    said = error_of(load_interactions, path, names=("user", "item"))
    assert "Several blanks" in said
    assert pairs(load_interactions(converted(said))) == PAIRS[:2]


@pytest.mark.parametrize("names", [None, ["item", "user", "stars"], ["item", "user"]])
def test_several_blanks_lost_the_names_and_the_first_row(tmp_path, names):
    path = tmp_path / "t.txt"
    path.write_text("1 100 4 \n1 101 5 \n2  100 3 \n", encoding="utf-8")
    path = converted(error_of(load_interactions, path, names=names))
    header = [*(names or ["user", "item", "rating"]), "column3"][:3]
    assert path.read_text().splitlines()[0] == ",".join(header)
    given = {"user": header[0], "item": header[1], "rating": header[2], "min_rating": "all"}
    assert pairs(load_interactions(path, **given)) == [(1, 100), (1, 101), (2, 100)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("# Directed graph\n# FromNodeId\tToNodeId\n7\t1\n7\t2\n", ["user", "item"]),
        ("# Directed\n7 1\n7 2\n", ["user", "item"]),
        ("# Directed graph\n# FromNodeId\tToNodeId\n7\t1\n7\t2\n", None),
        ("% bip unweighted\n% 2 1 2\n7 1\n7 2\n", None),
        ("% asym\n\n7  1 \n7  2 \n", None),
        ("# plays\nuser,item\n7,1\n7,2\n", None),
    ],
)
def test_comments_were_the_columns(tmp_path, text, names):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    said = error_of(load_interactions, path, names=names)
    assert re.search("its first (2 lines are comments: delete them|line is a comment)", said)
    assert pairs(load_interactions(converted(said))) == [(7, 1), (7, 2)]
    assert path.read_text() == text


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "utf-16"])
@pytest.mark.parametrize("sep", ["，", "::", "\x01"])
def test_the_separator_that_was_advised_was_an_error_of_pandas(tmp_path, encoding, sep):
    path = tmp_path / "t.csv"
    path.write_text(f"user{sep}item\n민{sep}5\n'가, 나'{sep}6\n", encoding=encoding)
    given = {"encoding": encoding} if encoding == "cp949" else {}
    said = error_of(load_interactions, path, **given)
    advised = eval(re.search("pass sep=('.*?')$", said)[1])
    assert pairs(load_interactions(path, sep=advised, **given)) == [("'가, 나'", 6), ("민", 5)]


def test_a_file_of_the_netflix_prize_was_to_be_separated_otherwise(tmp_path):
    path = tmp_path / "combined_data_1.txt"
    path.write_text("5:\n1,3,2005-09-06\n2,5,2005-09-07\n6:\n1,4,2005-09-06\n", encoding="utf-8")
    for given in ({}, {"sep": ","}, {"names": ["user", "rating", "date"]}):
        table = converted(error_of(load_interactions, path, **given))
        options = {"rating": "rating", "min_rating": "all", "timestamp": "timestamp"}
        assert pairs(load_interactions(table, **options)) == PAIRS[:3]


@pytest.mark.parametrize(
    "dates",
    [
        ["1/13/2020 3:04 PM", "1/2/2021 1:00 AM"],
        ["2020년 1월 2일"] * 2,
        ["2019-10-01 00:00:00 UTC", "2019-10-02 00:00:00 UTC"],
        ["09 13, 2009", "01 2, 2010"],
        ["Thu, 01 Oct 2020 10:00:00 GMT"] * 2,
    ],
)
def test_dates_were_no_column_of_times(dates):
    table = TABLE[:2].assign(time=dates)
    said = error_of(load_interactions, table, timestamp="time")
    advised = re.search(r"date_format='(.*)'", said)[1]
    data = load_interactions(table, timestamp="time", date_format=advised)
    expected = pd.to_datetime(pd.Series(dates), format=advised)
    assert pd.to_datetime(data.timestamps, unit="s").tolist() == expected.tolist()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("given", [{}, {"encoding": "utf-16"}, {"encoding": "utf-8"}])
@pytest.mark.parametrize("name", ["민준", "ann"])
def test_utf_16_without_a_mark_was_neither_utf_16_nor_utf_8(tmp_path, encoding, given, name):
    path = tmp_path / "t.csv"
    path.write_bytes(f"user,item\n{name},5\n{name},6\n".encode(encoding))
    said = error_of(load_interactions, path, **given)
    assert re.search("pass .*encoding='(.*?)'", said)[1] == encoding
    assert pairs(load_interactions(path, encoding=encoding)) == [(name, 5), (name, 6)]


def test_a_stray_nul_byte_was_utf_16(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"user,item\n1,5\n1,\0006\n")
    said = error_of(load_interactions, path)
    assert "line 3: not utf-8 (a NUL byte is not text); delete such bytes" in said
    exec(shlex.split(said[said.index("python -c") :])[2])
    assert pairs(load_interactions(tmp_path / "t_table.csv")) == PAIRS[:2]


@pytest.mark.parametrize("version", [114, 118])
def test_a_file_of_stata_was_a_web_page(tmp_path, version):
    TABLE.to_stata(tmp_path / "t.dta", write_index=False, version=version)
    said = error_of(load_interactions, tmp_path / "t.dta")
    assert "is a Stata file" in said
    assert pairs(load_interactions(converted(said))) == PAIRS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"$FL2@(#) SPSS" + bytes(99), "an SPSS file: .*pandas.read_spss"),
        (bytes(12) + b"\xc2\xea\x81\x60\xb3\x14", "a SAS file: .*pandas.read_sas"),
        (gzip.compress(b"RDX3\nX\n\0\0\0\x03"), "a file of R: in R, write.csv"),
        (gzip.compress(b"X\n\0\0\0\x03\0\x04"), "a file of R: in R, write.csv"),
        (
            b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(99),
            "a MATLAB file: .*scipy.io.loadmat",
        ),
        (b"Obj\x01\x04\x16avro.schema", "an Avro file: .*fastavro"),
        (b"\xff\xff\xff\xff\x10\0\0\0", "an Arrow stream: .*pyarrow.ipc.open_stream"),
    ],
)
def test_a_file_of_another_program_was_utf_16(tmp_path, content, message):
    (tmp_path / "t.bin").write_bytes(content)
    assert re.search(f"t.bin is {message}", error_of(load_interactions, tmp_path / "t.bin"))


def test_a_file_of_an_unknown_program_was_utf_16(tmp_path):
    (tmp_path / "t.bin").write_bytes(bytes(range(256)))
    said = error_of(load_interactions, tmp_path / "t.bin")
    assert "t.bin, line 1: control characters, as in a binary file of another program" in said


def test_a_file_of_pytorch_was_to_be_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        for name in ("archive/data.pkl", "archive/data/0", "archive/version"):
            archive.writestr(name, b"")
    said = error_of(load_interactions, tmp_path / "m.pt")
    assert "torch.load" in said and "unpack" not in said


def test_dates_of_an_unknown_form_were_said_to_be_the_wrong_column():
    table = TABLE[:2].assign(time=["2020, the 31st of Dec", "2021, the 1st of Jan"])
    said = error_of(load_interactions, table, timestamp="time")
    assert said.endswith("such as date_format='%d %b %Y' for '31 Dec 2020'")
    table["time"] = ["2020, the 31st of Dec", "2021-01-01"]
    assert "bad_rows='drop'" in error_of(load_interactions, table, timestamp="time")


def test_a_saved_matrix_was_to_be_unpacked(tmp_path):
    np.savez(tmp_path / "m.npz", indices=np.arange(3), indptr=np.arange(3))
    said = error_of(load_interactions, tmp_path / "m.npz")
    assert "scipy.sparse.load_npz" in said and "unpack" not in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("quotes", "no"),
        ("whole_ids", "no"),
        ("encoding", 5),
        ("names", 5),
        ("names", ("user", None)),
        ("names", {"user": 0, "item": 1}),
        ("names", {"user", "item"}),
        ("names", pd.Index([0, 1])),
        ("names", np.array([["user", "item"]])),
    ],
)
def test_arguments_of_another_type_were_true_or_an_error_of_python(tmp_path, name, value):
    path = tmp_path / "t.csv"
    path.write_text("user,item\n1,5\n", encoding="utf-8")
    assert re.search(
        f"{name}( must be|=5 is not known)", error_of(load_interactions, path, **{name: value})
    )


@pytest.mark.parametrize("kind", [list, pd.Index, np.array, iter, pd.Series])
def test_names_of_another_kind_of_list_were_ambiguous(tmp_path, kind):
    (tmp_path / "t.csv").write_text("1,5\n1,6\n", encoding="utf-8")
    names = kind(["user", "item"])
    assert pairs(load_interactions(tmp_path / "t.csv", names=names)) == PAIRS[:2]


@pytest.mark.parametrize("value", [4j, [4, 5], np.array([4]), np.array([4, 5]), True, "4", (4,)])
def test_a_rating_that_is_not_one_number_was_an_error_of_numpy(value):
    said = error_of(load_interactions, TABLE.assign(n=5), rating="n", min_rating=value)
    assert said == f"min_rating must be a number, or 'all', got {value!r}"


def test_a_date_format_that_is_no_text_was_an_error_of_pandas():
    table = TABLE.assign(time="2020")
    assert "date_format must be a text" in error_of(
        load_interactions, table, timestamp="time", date_format=5
    )


def test_a_header_of_short_names_was_a_user(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("uid,iid\nann,x\nbob,y\n", encoding="utf-8")
    assert "looks like a header" in error_of(load_interactions, path, names=("user", "item"))


def test_complex_counts_of_a_table_lost_their_imaginary_part():
    said = error_of(load_interactions, TABLE[:2].assign(n=[1j, 2]), count="n")
    assert "row 0: n is " in said and "expected a finite number" in said


class Polars:
    """What is asked of a table of another library."""

    __module__ = "polars.dataframe.frame"

    def to_pandas(self):
        return TABLE[["item", "user"]]


def test_a_table_of_polars_was_said_to_be_no_data_frame_but_a_data_frame():
    table = Polars()
    for use in (load_interactions, Recommender("popularity").fit):
        said = error_of(use, table)
        assert "polars.Polars is none of pandas" in said
        assert (
            pairs(load_interactions(eval(expression(said, "table.to_pandas"), locals()))) == PAIRS
        )


@pytest.mark.parametrize(
    "rows",
    [
        PAIRS,
        [(*pair, 4) for pair in PAIRS],
        [[*pair, 4, "2020-01-01"] for pair in PAIRS],
        np.array([(*pair, 4) for pair in PAIRS]),
        TABLE.to_dict("records"),
        TABLE.to_records(index=False),
        TABLE.to_dict("list"),
        {1: [5, 6], 2: {5}, 3: (7,)},
        {1: {5: 2, 6: 1}, 2: {5: 3}, 3: {7: 1}},
    ],
)
def test_the_line_for_rows_or_a_dictionary_was_that_of_pairs(rows):
    said = error_of(load_interactions, rows)
    line = expression(said, "pd.DataFrame")
    assert pairs(load_interactions(eval(line, {"pd": pd, "rows": rows, "data": rows}))) == PAIRS


@pytest.mark.parametrize("end", [" ", "\t", "\u00a0"])
def test_a_blank_behind_the_name_of_a_column_hid_it_from_its_own_advice(end):
    table = TABLE.set_axis([f"user{end}", "item"], axis="columns")
    assert pairs(load_interactions(table)) == PAIRS
    assert table.columns[0] == f"user{end}"
    who = TABLE.set_axis([f"who{end}", f" what{end}"], axis="columns")
    assert pairs(load_interactions(who, user="who", item="what")) == PAIRS
    assert pairs(load_interactions(who, user=f"who{end}", item="what")) == PAIRS
    rated = table.assign(**{f"Rating{end}": 5})
    assert f"has ratings in {f'Rating{end}'!r}" in error_of(load_interactions, rated)
    assert pairs(load_interactions(rated, rating="Rating", min_rating=4)) == PAIRS


WIDE = pd.crosstab(TABLE["user"], TABLE["item"])


@pytest.mark.parametrize(
    "table",
    [
        WIDE.rename_axis(columns=None),
        WIDE.rename_axis(columns=None).reset_index(),
        WIDE.rename_axis(index=None, columns=None),
        WIDE.rename_axis(index="who", columns="what"),
        WIDE.rename_axis(index=None),
        WIDE.rename_axis(columns=None) > 0,
        WIDE.T,
    ],
)
def test_of_a_column_for_each_item_the_first_was_advised_as_the_items(table):
    for use in (load_interactions, Recommender("popularity").fit):
        said = error_of(use, table)
        long = eval(expression(said, "table."), {"table": table})
        assert pairs(load_interactions(long)) == PAIRS


def test_columns_of_a_sparse_matrix():
    sparse = pytest.importorskip("scipy.sparse")
    table = pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(WIDE), WIDE.index, WIDE.columns)
    for each in (table, table.rename_axis(index=None, columns=None)):
        said = error_of(load_interactions, each)
        line = expression(said, "Interactions.from_sparse")
        assert pairs(eval(line, {"table": each, "Interactions": Interactions})) == PAIRS


def test_a_column_of_other_numbers_is_no_item():
    table = TABLE.drop(columns="item").assign(thing=[9, 8, 7, 6], n=[0, 0, 1, 2]).iloc[1:]
    assert "users as rows" not in error_of(load_interactions, table)
    table = TABLE.set_axis(["user", "movie"], axis="columns").set_index("user")
    said = error_of(load_interactions, table)
    assert "has 'user' in its index" in said
    reset = eval(expression(said, "table.reset_index"), {"table": table})
    assert pairs(load_interactions(reset, item="movie")) == PAIRS
    table = pd.DataFrame([[1, 5, 0], [2, 6, 0]], columns=["a", "b", "c"])
    assert "no column 'z'" in error_of(load_interactions, table, "a", "b", rating="z")
    twice = table.set_axis(["user", "user", "c"], axis="columns")
    assert "no column 'item'" in error_of(load_interactions, twice)


RECORDS = [{"user": str(u).zfill(3), "item": i} for u, i in PAIRS]
LIKED = [(f"{u:03}", i) for u, i in PAIRS]


def columns_of(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


def indexed(values):
    return {str(place): value for place, value in enumerate(values)}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(
    "found",
    [
        {"total": 4, "data": RECORDS},
        {"columns": ["user", "item"], "index": [0, 1, 2, 3], "data": LIKED},
        {name: indexed(values) for name, values in columns_of(RECORDS).items()},
        columns_of(RECORDS),
        indexed(RECORDS),
        {"001": [5, 6], "002": [5], "003": [7]},
        LIKED,
    ],
)
def test_json_of_another_shape_was_to_be_read_by_its_keys(tmp_path, found, indent):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(found, indent=indent), encoding="utf-8")
    follow(path)
    assert pairs(load_interactions(tmp_path / "t.csv")) == LIKED


@pytest.mark.parametrize(
    ("rows", "indent", "end"),
    [(RECORDS, 1, "\n"), (RECORDS, 1, ""), (RECORDS[:1], 1, "\n"), (LIKED, None, "\n")],
)
def test_json_objects_one_after_another_were_to_be_read_by_pandas_which_cannot(
    tmp_path, rows, indent, end
):
    path = tmp_path / "t.json"
    text = end.join(json.dumps(row, indent=indent) for row in rows)
    path.write_text(text, encoding="utf-8")
    follow(path)
    assert pairs(load_interactions(tmp_path / "t.csv")) == LIKED[: len(rows)]


def follow(path):
    """Run the command that the error of a file names."""
    said = error_of(load_interactions, path)
    line = re.search(r'python -c "(.*)"$', said)
    assert line, said
    exec(line[1])


def train(capsys, *options):
    """What `train` says of this data."""
    status = main(["train", "--model", "popularity", "--save", "m.npz", *options])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_a_folder_in_a_folder_was_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "wrap" / "ml-25m"
    folder.mkdir(parents=True)
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,5,3,4\n")
    (folder / "movies.csv").write_text("movieId,title\n5,A\n")
    status, said = train(capsys, "--data", "wrap")
    assert "contains the folder ml-25m" in said and status == 1
    advised = re.search("; give (.*)", said)[1]
    assert train(capsys, "--data", advised)[0] == 0
    said = train(capsys, "--data", advised, "--user-column", "userId")[1]
    assert "--dataset ml-25m" in said  # was ml-20m, which has the same files


def test_an_own_table_beside_one_of_titles_was_a_broken_movielens(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ratings.csv").write_text("user,item,stars\n1,5,4\n")
    (tmp_path / "movies.csv").write_text("a,b\n5,A\n")
    said = train(capsys, "--data", ".")[1]
    assert "'user', 'item', 'stars'" in said and "give the file and not its folder" in said
    assert train(capsys, "--data", "ratings.csv", "--min-rating", "4")[0] == 0


def test_a_train_file_of_the_papers_format_alone_was_half_of_a_split(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.train.rating").write_text("1\t5\t4\t0\n1\t6\t4\t0\n")
    said = train(capsys, "--data", "a.train.rating")[1]
    names = re.search("such as --names (.*)", said)[1]
    options = "--names", names, "--min-rating", "all"
    assert train(capsys, "--data", "a.train.rating", *options)[0] == 0
    assert "give the file of the pairs" in train(capsys, "--data", ".")[1]


def test_the_command_for_json_is_the_same_in_the_shell(tmp_path, capsys):
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"data": RECORDS}), encoding="utf-8")
    said = train(capsys, "--data", str(path))[1]
    assert error_of(load_interactions, path) in said  # was --encoding within the line of Python


def test_a_shell_was_given_a_name_that_it_takes_apart(tmp_path):
    path = tmp_path / "$(touch gone) a.json"
    path.write_text('{"data": [{"user": 1, "item": 2}]}', encoding="utf-8")
    with pytest.raises(ValueError, match="by these lines of Python: import json") as raised:
        load_interactions(path)
    assert "python -c" not in str(raised.value)
    exec(str(raised.value).partition("lines of Python: ")[2])
    assert load_interactions(path.with_suffix(".csv")).user_ids.tolist() == [1]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("1,2014-04-07T10:51:09.277Z,214536502,0", "'user', 'timestamp', 'item', 'column4'"),
        ("0,2010-10-19T23:55:27Z,30.2,-97.8,22847", "'timestamp', 'column3', 'column4', 'item'"),
    ],
)
def test_the_last_column_of_clicks_was_advised_for_the_item(tmp_path, line, names):
    path = tmp_path / "clicks.csv"
    path.write_text(f"{line}\n{line}\n", encoding="utf-8")
    assert names in error_of(load_interactions, path)
