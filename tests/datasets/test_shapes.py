"""The shapes of files that people have, through the options of the command line."""

import bz2
import gzip
import json
import lzma
import shlex
import zipfile

import numpy as np
import pandas as pd
import pytest
from shapes import PAIRS, SHAPES, TIMES

from ncf_numpy.__main__ import build_parser, main
from ncf_numpy.commands.data_options import load_data, load_split
from ncf_numpy.datasets import load_interactions


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NCF_NUMPY_DATA", raising=False)
    for name, content in SHAPES.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def arguments(options, command="train --save m.npz"):
    return build_parser().parse_args([*shlex.split(command), *shlex.split(options)])


def load(options):
    return load_data(arguments(options))


def pairs(data):
    users, items = data.user_ids[data.users].tolist(), data.item_ids[data.items].tolist()
    return list(zip(users, items))


LIKED = [(u, i) for u, i, r in PAIRS if r >= 4]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            "--data ratings_Books.csv --names user,item,rating,timestamp --min-rating 4 "
            "--timestamp-column timestamp",
            [(f"A{u}", f"000000000{i}") for u, i in LIKED],
        ),
        (
            "--data BX-Book-Ratings.csv --user-column User-ID --item-column ISBN --min-rating 8",
            [(276000 + u, f"03440{i}00X") for u, i in LIKED],
        ),
        (
            "--data yelp_review.json --user-column user_id --item-column business_id "
            "--min-rating 4 --timestamp-column date",
            [(f"-u{u}_Q", f"-b{i}") for u, i in LIKED],
        ),
        (
            "--data gowalla_checkins.txt --names user,time,latitude,longitude,item "
            "--timestamp-column time",
            [(u, 400 + i) for u, i, _ in PAIRS],
        ),
        (
            "--data steam-200k.csv --names user,item,event,hours,zero",
            [(9000 + u, f"Game, The {i}") for u, i, _ in PAIRS],
        ),
        (
            "--data online_retail.csv --user-column CustomerID --item-column StockCode "
            "--count-column Quantity --timestamp-column InvoiceDate --bad-rows drop "
            "--date-format '%m/%d/%Y %H:%M'",
            [(27850 + u, f"1012{i}A") for u, i, _ in PAIRS],
        ),
        (
            "--data plays_cp949.csv --encoding cp949 --user-column 사용자 --item-column 노래",
            [(f"사람{u}", f"노래{i}") for u, i, _ in PAIRS],
        ),
    ],
)
def test_a_public_shape_loads_by_options(folder, options, expected):
    assert pairs(load(options)) == sorted(expected)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("ratings_Books.csv", "--names user,item,rating,timestamp"),
        ("gowalla_checkins.txt", "--names user,timestamp,column3,column4,item"),
        ("steam-200k.csv", "--names user,item,column3,column4,column5"),
        ("BX-Book-Ratings.csv", "--user-column User-ID, --item-column ISBN"),
        ("yelp_review.json", "--user-column user_id, --item-column business_id"),
        ("online_retail.csv", "--user-column CustomerID, --item-column StockCode"),
        ("plays_cp949.csv", "--encoding cp949"),
    ],
)
def test_without_options_the_error_says_which_to_give(folder, capsys, name, advice):
    assert main(["train", "--data", name, "--save", "m.npz"]) == 1
    error = capsys.readouterr().err
    assert advice in error and len(error.splitlines()) == 1


def test_dates_that_are_not_iso_were_to_be_dropped_row_by_row(folder):
    options = "--data online_retail.csv --user-column CustomerID --item-column StockCode"
    with pytest.raises(ValueError, match="date_format='%m/%d/%Y %H:%M'$"):
        load(f"{options} --timestamp-column InvoiceDate")


TABLE = b"user,item,plays\n" + b"".join(b"u%d,i%d,%d\n" % pair for pair in PAIRS)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.txt", "misnamed"])
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, None])
def test_a_packed_table_is_unpacked_whatever_its_name(folder, name, pack):
    if pack is None:
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("folder/plays.csv", TABLE)
    else:
        (folder / name).write_bytes(pack(TABLE))
    data = load_interactions(folder / name, count="plays")
    assert pairs(data) == sorted((f"u{u}", f"i{i}") for u, i, _ in PAIRS)
    if pack is not None:
        (folder / name).write_bytes(pack(TABLE)[:-9])
        with pytest.raises(ValueError, match=f"{name} is an incomplete (gzip|bzip2|xz) file"):
            load_interactions(folder / name, count="plays")


def test_a_zip_of_several_tables_is_not_guessed(folder):
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        archive.writestr("a.csv", TABLE)
        archive.writestr("b.csv", TABLE)
    with pytest.raises(ValueError, match="two.zip is a zip file that holds a.csv, b.csv: unpack"):
        load_interactions(folder / "two.zip")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PAR1...", r"a Parquet file: .* pandas.read_parquet\('.*x.csv'\).to_csv\("),
        (b"\xd0\xcf\x11\xe0", r"an Excel workbook: .* pandas.read_excel"),
        (b'[{"user": 1}]', r"a JSON array: .* pandas.read_json"),
        (b"\x80\x04\x95", r"a pickle: .* pandas.read_pickle"),
        (b"<!DOCTYPE html>", "a web page or XML"),
        (b"\x28\xb5\x2f\xfd", "Zstandard: unpack it"),
        (b"{'user': 1}\n", r"line 1: expected a JSON object .* JSON has double quotes"),
        (b'{"user": 1, "item": 2}\n[1]\n', r"line 2: expected a JSON object .* got '\[1\]'"),
        (b'{"user": [1], "item": 2}\n', r"line 1: user is \[1\], expected a number or a text"),
    ],
)
def test_a_file_that_is_no_table_of_text(folder, content, message):
    (folder / "x.csv").write_bytes(content)
    with pytest.raises(ValueError, match=f"x.csv.*{message}"):
        load_interactions(folder / "x.csv")


def test_json_lines_keep_the_types_of_ids_and_the_lines_of_errors(folder):
    rows = [{"user": "007", "item": 2**60 + 1}, {"item": 3, "user": "8"}, {"user": "8"}]
    (folder / "x.json").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(ValueError, match="x.json, line 3: item is None, expected an id"):
        load_interactions(folder / "x.json")
    data = load_interactions(folder / "x.json", bad_rows="drop")
    assert pairs(data) == [("007", 2**60 + 1), ("8", 3)]


def test_backslash_escaped_quotes_mangled_titles(folder):
    text = '"u";"i";"t"\n"1";"2";"Say \\"Cheese\\"; A Story"\n"1";"3";"C:\\\\d"\n"2";"2";"x"\n'
    (folder / "x.csv").write_text(text, encoding="utf-8")
    data = load_interactions(folder / "x.csv", "u", "i", item_name="t")
    assert data.item_names.tolist() == ['Say "Cheese"; A Story', "C:\\d"]
    plain = '"u","i","t"\n"1","2","C:\\"\n"1","3","a ""b"" c"\n'
    (folder / "y.csv").write_text(plain, encoding="utf-8")
    data = load_interactions(folder / "y.csv", "u", "i", item_name="t")
    assert data.item_names.tolist() == ["C:\\", 'a "b" c']


def test_one_user_had_two_ids(folder):
    text = "user, item\n27850,1\n27850.0,2\n 17851 ,1\n17851.0, 3\n"
    (folder / "x.csv").write_text(text, encoding="utf-8")
    expected = [(17851, 1), (17851, 3), (27850, 1), (27850, 2)]
    from_file = load_interactions(folder / "x.csv")
    assert pairs(from_file) == expected
    assert "Spellings of an id in user that differ" in from_file.notes[0]
    frame = pd.read_csv(folder / "x.csv", skipinitialspace=True)
    assert pairs(load_interactions(frame)) == expected
    (folder / "y.csv").write_text("user,item\n ann,a\nann , a\n", encoding="utf-8")
    assert pairs(load_interactions(folder / "y.csv")) == [("ann", "a")]


@pytest.mark.parametrize("text", ["007", "+7", "7.5", "7e0", "0x7", "٧", "7_0"])
def test_one_id_of_another_kind_makes_texts_of_the_column(folder, text):
    (folder / "x.csv").write_text(f"user,item\n10,1\n{text},2\n", encoding="utf-8")
    assert sorted(load_interactions(folder / "x.csv").user_ids) == sorted(["10", text])


def test_names_for_a_file_with_a_header_loaded_the_header_as_a_user(folder):
    (folder / "x.csv").write_text("listener,track\n5,6\n7,8\n9,8\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 1: 'listener', 'track' looks like a header"):
        load_interactions(folder / "x.csv", names=("user", "item"))
    (folder / "x.csv").write_text("ann,6\nbob,B8\njim,8\n", encoding="utf-8")
    assert len(load_interactions(folder / "x.csv", names=("user", "item"))) == 3


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("1\t2\t3\t4\n", {"names": ("user", "item")}, r"names=\('user', 'item'\), got 4, .*a tab"),
        ("a,b\n", {"names": ("who", "item")}, r"names=\('who', 'item'\) has no 'user'"),
        ("user item\n1 2\n", {}, None),  # blanks separate
        ("user#item\n1#2\n", {}, "nothing that separates fields .*'user#item'; pass sep="),
        ("user,item\n1,2\n", {"encoding": "klingon"}, "encoding='klingon' is not known"),
        ("user,item\n1,2\n", {"encoding": "hex"}, "encoding='hex' is not known"),
    ],
)
def test_the_layout_of_a_file(folder, text, settings, message):
    (folder / "x.csv").write_text(text, encoding="utf-8")
    if message is None:
        assert len(load_interactions(folder / "x.csv", **settings)) == 1
    else:
        with pytest.raises(ValueError, match=message):
            load_interactions(folder / "x.csv", **settings)


@pytest.mark.parametrize("data", [[("ann", 1)], {"user": [1]}, None])
def test_what_is_no_file_and_no_data_frame(data):
    with pytest.raises(TypeError, match="the path of a file or a DataFrame, got"):
        load_interactions(data)


def test_an_open_file_or_a_folder_for_a_path(folder):
    with open(folder / "steam-200k.csv") as file, pytest.raises(TypeError, match="TextIOWrapper"):
        load_interactions(file)
    with pytest.raises(ValueError, match="is a folder, which holds .*: give one file"):
        load_interactions(folder)
    with pytest.raises(ValueError, match=r"cannot recognise the data in \. .* give BX-Book"):
        load("--data .")


def test_ids_that_begin_with_a_dash_could_not_be_given(folder, capsys):
    options = "--user-column user_id --item-column business_id --min-rating all --model itemknn"
    assert main(shlex.split(f"train --data yelp_review.json {options} --save m.npz --quiet")) == 0
    for command in ("recommend m.npz --user -u1_Q", "recommend m.npz --user -u1_Q -u2_Q --k 2",
                    "recommend m.npz --has -b1 -b2", "similar m.npz --item -b1 --k 2"):  # fmt: skip
        assert main(shlex.split(command)) == 0, capsys.readouterr().err
        assert "-b" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(shlex.split("recommend m.npz --user -u1_Q --nonsense 3 --k"))


def test_the_split_in_the_files_can_be_asked_for_by_name(folder):
    train = "".join(f"{u}\t{i}\t1\t{1000 * u + 5 - i}\n" for u in range(3) for i in range(4))
    rows = {"train.rating": train, "test.rating": "0\t5\t1\t9\n1\t5\t1\t9\n2\t5\t1\t9\n",
            "test.negative": "".join(f"({u},5)\t4\t6\n" for u in range(3))}  # fmt: skip
    for name, text in rows.items():
        (folder / f"toy.{name}").write_text(text, encoding="utf-8")

    def held_out(hold_out, prefix="toy"):
        options = f"--data {prefix} {hold_out} --seed 3"
        return load_split(arguments(options, "evaluate"), np.random.default_rng(3)).validation

    for prefix in ("toy", "toy.train.rating", "."):  # item 0 has the latest time
        assert held_out("", prefix).items.tolist() == [0, 0, 0]
    assert held_out("--hold-out latest").items.tolist() == [0, 0, 0]
    assert held_out("--hold-out random").items.tolist() != [0, 0, 0]
    zeros = "".join(f"{u}\t{i}\t1\t0\n" for u in range(3) for i in range(4))
    (folder / "toy.train.rating").write_text(zeros, encoding="utf-8")
    assert held_out("").items.tolist() == held_out("--hold-out random").items.tolist()
    with pytest.raises(ValueError, match="toy.train.rating: no item is the latest"):
        held_out("--hold-out latest")


def test_hold_out_of_a_table_by_name(folder):
    columns = "--user-column user_id --item-column business_id --min-rating all"
    options = f"--data yelp_review.json {columns} --hold-out"
    with pytest.raises(ValueError, match="--hold-out latest needs times"):
        load_split(arguments(f"{options} latest", "evaluate"), np.random.default_rng(0))
    timed = "--data ratings_Books.csv --names user,item,rating,timestamp --min-rating all"
    timed += " --timestamp-column timestamp --hold-out"
    split = load_split(arguments(f"{timed} latest", "evaluate"), np.random.default_rng(0))
    latest = dict(sorted(zip([(u, t) for (u, _, _), t in zip(PAIRS, TIMES)],
                             [i for _, i, _ in PAIRS])))  # fmt: skip
    latest = {u: i for (u, _), i in latest.items()}
    assert dict(zip(split.test.users.tolist(), split.test.items.tolist())) == latest
    split = load_split(arguments(f"{timed} random", "evaluate"), np.random.default_rng(0))
    assert "at random" in split.protocol


# What was silently unused, or sent its reader astray


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"date_format": "%Y"}, "date_format='%Y' is of timestamps: name .* timestamp=COLUMN"),
        ({"names": "user,item"}, r"names must be a list such as \('user', 'item'\), got 'user,"),
        ({"names": ("user", "user")}, r"names=\('user', 'user'\) has one name twice"),
        ({"sep": ""}, "sep must be what stands between fields, such as ';', got ''"),
        ({"sep": 5}, "sep must be .*, got 5"),
        ({"sep": ";"}, "no sep=';' in its first line, 'user,item'; leave sep= out"),
        ({"user": None}, "user must be the name of a column, got None"),
        ({"user": 0}, "the columns of a file are named by texts, got 0, 'item'"),
        ({"encoding": "utf-16"}, "x.csv.*: not utf-16 .*such as encoding='utf-8'"),
    ],
)
def test_a_layout_that_cannot_be_did_nothing_or_ended_in_a_raw_error(folder, settings, message):
    (folder / "x.csv").write_text("user,item\n1,2\n3,2\n", encoding="utf-8")
    with pytest.raises((TypeError, ValueError), match=message):
        load_interactions(folder / "x.csv", **settings)


@pytest.mark.parametrize("option", ["names", "sep", "quotes", "encoding"])
def test_a_data_frame_took_the_layout_of_a_file_and_did_nothing_with_it(folder, option):
    given = {option: ("user", "item") if option == "names" else "utf-8"}
    table = pd.DataFrame({"user": [1], "item": [2]})
    with pytest.raises(ValueError, match=f"{option}=.* is for files: leave it out for a DataFrame"):
        load_interactions(table, **given)
    if option != "encoding":
        (folder / "x.json").write_text('{"user": 1, "item": 2}\n', encoding="utf-8")
        with pytest.raises(ValueError, match=f"holds JSON lines.*: leave {option}= out"):
            load_interactions(folder / "x.json", **given)


@pytest.mark.parametrize("name", ["score", "Score", "review/score", "rate", "평점", "별점"])
def test_a_column_of_ratings_by_another_name_was_silently_unused(name):
    table = pd.DataFrame({"user": [1, 1], "item": [2, 3], name: [1, 5]})
    with pytest.raises(ValueError, match=rf"ratings in '{name}'.*min_rating=4\) keeps"):
        load_interactions(table)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user::item\n1::2\n", r"nothing that separates fields .*; pass sep='::'$"),
        ("# plays\nuser,item\n1,2\n", "its first line is a comment: delete it, or convert"),
        ("sep=;\nuser;item\n1;2\n", "its header seems to be line 2"),
        ("Export\nof 2020\nuserId\tmovieId\n1\t2\n", "line 3: delete the 2 lines above it"),
        ("version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS: `git lfs pull`"),
        ("\x89PNG\r\n", "an image, not a table"),
        ('{\n "user": [1, 2],\n "item": [3, 4]\n}\n', r"is JSON.*json.loads\(.*x_table.csv"),
    ],
)
def test_the_beginning_of_a_file_led_to_the_wrong_advice(folder, text, message):
    (folder / "x.csv").write_text(text, encoding="latin-1", newline="")
    with pytest.raises(ValueError, match=f"x.csv.* {message}"):
        load_interactions(folder / "x.csv")


def test_a_zip_in_a_zip_or_without_files_was_no_utf_8(folder):
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.writestr("y.zip", b"PK\x03\x04")
    zipfile.ZipFile(folder / "y.zip", "w").close()
    for name, what in (("x.zip", "packed twice: unpack it"), ("y.zip", "a zip file that holds no")):
        with pytest.raises(ValueError, match=f"{name} is {what}"):
            load_interactions(folder / name)


def test_lines_that_end_as_on_old_macs_were_no_rows(folder):
    (folder / "x.csv").write_bytes(b"user,item\r1,2\r1,3\r2,3\r")
    assert pairs(load_interactions(folder / "x.csv")) == [(1, 2), (1, 3), (2, 3)]


@pytest.mark.parametrize(("sep", "number"), [(";", "3,5"), (",", '"1,234"')])
def test_a_decimal_comma_was_said_to_be_the_wrong_column(folder, sep, number):
    (folder / "x.csv").write_text(f"user{sep}item{sep}n\n1{sep}2{sep}{number}\n", encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"n is '\d,\d+'.*pandas.read_csv\('in.csv', .*decimal=','\)"
    ):
        load_interactions(folder / "x.csv", count="n")


@pytest.mark.parametrize(
    ("date", "given", "advice"),
    [
        ("Jan 5 2010", None, "date_format='%b %d %Y'$"),
        ("05-Jan-10", None, "date_format='%d-%b-%y'$"),
        ("31.12.2010", "%Y.%m.%d", r"date_format='%d.%m.%Y'$"),
        ("2010-12-31", "%d.%m.%Y", "Leave date_format= out"),
    ],
)
def test_dates_of_another_format_were_said_to_be_the_wrong_column(date, given, advice):
    table = pd.DataFrame({"user": [1], "item": [2], "t": [date]})
    with pytest.raises(ValueError, match=advice):
        load_interactions(table, timestamp="t", date_format=given)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("https://example.com/plays.csv", "is an address: download the file, and give its path"),
        ("user,item\n1,2\n", "has several lines: write it to a file"),
        (pd.DataFrame({"user": [1], "item": [2]}).set_index("user"), r"give table.reset_index\(\)"),
    ],
)
def test_what_is_no_path_was_a_file_that_is_not_there(data, message):
    with pytest.raises(ValueError, match=message):
        load_interactions(data)


def test_names_for_a_header_among_texts_loaded_the_header_as_a_user(folder):
    (folder / "x.csv").write_text("listener,artist\nann,air\nbob,can\n", encoding="utf-8")
    with pytest.raises(ValueError, match="looks like a header.*user='listener' and item='artist'"):
        load_interactions(folder / "x.csv", names=("user", "item"))


def test_an_integer_with_more_zeros_after_its_point_was_another_user(folder):
    (folder / "x.csv").write_text("user,item\n17850.00,1\n17850,2\n", encoding="utf-8")
    assert load_interactions(folder / "x.csv").user_ids.tolist() == [17850]


def test_json_lines_of_another_encoding_were_no_json(folder):
    line = json.dumps({"user": "민준", "item": 1}, ensure_ascii=False)
    (folder / "x.json").write_bytes(line.encode("cp949"))
    with pytest.raises(ValueError, match="x.json, line 1: not utf-8 .*encoding='cp949'"):
        load_interactions(folder / "x.json")
    assert pairs(load_interactions(folder / "x.json", encoding="cp949")) == [("민준", 1)]
    (folder / "x.json").write_text("\ufeff" + line, encoding="utf-8")
    assert pairs(load_interactions(folder / "x.json")) == [("민준", 1)]


def test_a_key_of_later_lines_only_was_neither_used_nor_noted(folder):
    path = folder / "late.jsonl"
    objects = [{"user": "a", "item": 1}, {"user": "b", "item": 2, "rating": 1, "page": 3}]
    path.write_text("\n".join(map(json.dumps, objects)), encoding="utf-8")
    with pytest.raises(ValueError, match="has ratings in 'rating'"):
        load_interactions(path)
    with pytest.raises(ValueError, match="line 1: rating is None, expected a finite number"):
        load_interactions(path, rating="rating", min_rating="all")
    data = load_interactions(path, rating="rating", min_rating="all", bad_rows="drop")
    assert pairs(data) == [("b", 2)]
    assert "Columns that are not used: 'page'." in data.notes


def test_a_first_line_without_an_item_was_said_to_be_all_lines(folder):
    (folder / "first.jsonl").write_text('{"user": "a"}\n{"user": "b", "item": 2}\n')
    with pytest.raises(ValueError, match="line 1: item is None, expected an id.*bad_rows='drop'"):
        load_interactions(folder / "first.jsonl")
    assert pairs(load_interactions(folder / "first.jsonl", bad_rows="drop")) == [("b", 2)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_json_lines_that_powershell_wrote_were_taken_for_a_csv_file(folder, encoding):
    path = folder / "j16.jsonl"
    text = '{"user": "가", "item": "x"}\r\n{"user": "b", "item": "y"}\r\n'
    path.write_bytes(text.encode(encoding))
    assert pairs(load_interactions(path, encoding=encoding)) == [("b", "y"), ("가", "x")]
    if encoding != "utf-16-le":  # which has no mark
        assert pairs(load_interactions(path)) == [("b", "y"), ("가", "x")]
    path.write_bytes(text.encode(encoding) + "[1]".encode(encoding.removesuffix("-sig")))
    with pytest.raises(ValueError, match=r"line 3: expected a JSON object on every line, got"):
        load_interactions(path, encoding=encoding)
    with pytest.raises(ValueError, match="encoding='what' is not known"):
        load_interactions(path, encoding="what")
