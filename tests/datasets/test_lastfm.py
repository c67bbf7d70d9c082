import numpy as np
import pytest

from ncf_numpy.datasets import artist_names, load_lastfm_2k

PLAYS = "userID\tartistID\tweight\r\n2\t7\t30\r\n2\t5\t4\r\n9\t5\t1\r\n"
ARTISTS = (
    "id\tname\turl\tpictureURL\n"
    '5\t"Weird" Quote\thttp://x\thttp://y\n'
    "7\tMötley Straße\thttp://x\t\n"
    "8\tNA\thttp://x\thttp://y\n"
)


@pytest.fixture
def write(tmp_path):
    def both(plays=PLAYS, artists=ARTISTS):
        for name, text in (("user_artists.dat", plays), ("artists.dat", artists)):
            data = text if isinstance(text, bytes) else text.encode("utf-8")
            (tmp_path / name).write_bytes(data)
        return tmp_path

    return both


@pytest.mark.parametrize("as_type", [str, lambda path: path])
def test_reads_the_format(write, as_type):
    data = load_lastfm_2k(as_type(write()), min_per_user=0, min_per_item=0)
    assert data.user_ids.tolist() == [2, 9]
    assert data.item_ids.tolist() == [5, 7]
    assert data.users.tolist() == [0, 0, 1]
    assert data.items.tolist() == [0, 1, 0]
    assert data.counts.tolist() == [4, 30, 1]
    assert data.item_names.tolist() == ['"Weird" Quote', "Mötley Straße"]
    assert data.timestamps is None
    assert data.source == "Last.fm 2K (HetRec 2011)"


def test_an_artist_called_na_is_not_missing(write):
    assert artist_names(write())[8] == "NA"


@pytest.mark.parametrize("line", ["", "6\n", "6\t\tu\tp\n"])
def test_an_artist_without_a_name_is_called_by_its_id(write, line):
    folder = write(PLAYS + "9\t6\t1\r\n", ARTISTS + line)
    assert load_lastfm_2k(folder, min_per_user=0, min_per_item=0).item_names[1] == "6"


def test_column_order_and_blank_lines_do_not_matter(write):
    folder = write("weight\tuserID\textra\tartistID\n3\t2\tx\t7\n\n4\t2\ty\t5\n\n")
    data = load_lastfm_2k(folder, min_per_user=0, min_per_item=0)
    assert data.counts.tolist() == [4, 3]


@pytest.mark.parametrize(
    ("plays", "message"),
    [
        (PLAYS + "9\t7\r\n", r"user_artists.dat, line 5: weight is '', expected"),
        (PLAYS + "9\t7\t1\t1\r\n", r"user_artists.dat, line 5: got 4 fields; expected 3"),
        ("userID\tartistID\tweight\n1\t2\t3\t4\n", r"line 2: got 4 fields; expected 3"),
        (PLAYS + "nine\t7\t1\r\n", r"line 5: userID is 'nine', expected a whole number"),
        (PLAYS + "9\t7.5\t1\r\n", r"line 5: artistID is '7.5', expected a whole number"),
        (PLAYS + "\t7\t1\r\n", r"line 5: userID is '', expected a whole number"),
        (PLAYS + "9\t7\tmany\r\n", r"line 5: weight is 'many', expected a finite number"),
        (PLAYS + "9\t7\t\r\n", r"line 5: weight is '', expected a finite number"),
        (PLAYS + "9\t7\tnan\r\n", r"line 5: weight is 'nan', expected a finite number"),
        (PLAYS + "9\t7\tinf\r\n", r"line 5: weight is 'inf', expected a finite number"),
        (PLAYS + "9\t7\t-1\r\n", r"line 5: weight is '-1', expected a finite number, 0 or more"),
        (PLAYS + "\r\n09\t7\t1\r\n", r"line 6: userID is '09', expected a whole number"),
        (PLAYS + "9\t+7\t1\r\n", r"line 5: artistID is '\+7'"),
        (PLAYS + f"{2**63}\t7\t1\r\n", rf"line 5: userID is '{2**63}'"),
        ("userID\tweight\n1\t2\n", r"has no column 'artistID'; it has 'userID', 'weight'"),
        ("2\t7\t30\n", r"no column 'userID', 'artistID', 'weight'; .* data, '2', '7', '30'"),
        ("", r"user_artists.dat is empty, expected the columns userID, artistID, weight"),
        ("userID\tartistID\tweight\n", r"user_artists.dat has no rows"),
        (PLAYS.encode() + b"9\t\xff\t1\n", r"user_artists.dat, line 5: not utf-8"),
        (b"\xff\xfe", r"user_artists.dat is empty"),  # the mark of utf-16, and no text
    ],
)
def test_malformed_plays(write, plays, message):
    with pytest.raises(ValueError, match=message):
        load_lastfm_2k(write(plays), min_per_user=0, min_per_item=0)


@pytest.mark.parametrize(
    ("artists", "message"),
    [
        (ARTISTS + "11\tA\tu\tp\tq\n", r"artists.dat, line 5: got 5 fields; expected 4"),
        (ARTISTS + "x\tname\tu\tp\n", r"artists.dat, line 5: id is 'x', expected a whole number"),
        (ARTISTS.encode() + b"11\tM\xf6tley\tu\tp\n", r"artists.dat, line 5: not utf-8"),
        ("id\turl\n1\tu\n", r"artists.dat has no column 'name'; it has 'id', 'url'"),
    ],
)
def test_malformed_artists(write, artists, message):
    with pytest.raises(ValueError, match=message):
        load_lastfm_2k(write(artists=artists), min_per_user=0, min_per_item=0)


def test_missing_files(write):
    folder = write()
    (folder / "artists.dat").rename(folder / "artists.txt")
    found = "no artists.dat in .*; found: artists.txt, user_artists.dat"
    with pytest.raises(FileNotFoundError, match=found):
        load_lastfm_2k(folder)
    (folder / "user_artists.dat").unlink()
    with pytest.raises(FileNotFoundError, match="no user_artists.dat in .*; found: artists.txt"):
        load_lastfm_2k(folder)
    with pytest.raises(FileNotFoundError, match="no folder .*nowhere; expected one with user_art"):
        load_lastfm_2k(folder / "nowhere")


def test_the_whole_data_set(data_dir):
    folder = data_dir("hetrec2011-lastfm-2k")
    data = load_lastfm_2k(folder, min_per_user=0, min_per_item=0)
    assert (data.n_users, data.n_items, len(data)) == (1_892, 17_632, 92_834)
    assert (data.user_ids.min(), data.user_ids.max()) == (2, 2100)
    assert (data.item_ids.min(), data.item_ids.max()) == (1, 18_745)
    assert (data.counts.min(), data.counts.max()) == (1, 352_698)
    assert np.sum(np.bincount(data.users) == 1) == 8
    assert sum('"' in name for name in data.item_names) == 16
    assert data.item_names[data.find_item("radiohead")] == "Radiohead"


def test_the_default_filter(data_dir):
    data = load_lastfm_2k(data_dir("hetrec2011-lastfm-2k"))
    assert (data.n_users, data.n_items) == (1_741, 2_665)
    assert len(data) == 67_408 + 1_741  # DeepCF's train and test
    with np.load(data_dir("deepcf-lastfm") / "id_map_to_hetrec.npz") as published:
        np.testing.assert_array_equal(data.user_ids, published["user_id"])
        np.testing.assert_array_equal(data.item_ids, published["artist_id"])


def unfiltered(folder):
    return load_lastfm_2k(folder, min_per_user=0, min_per_item=0)


@pytest.mark.parametrize(
    ("plays", "artists", "message"),
    [
        (b"1\x002\t5\t1\n", b"", "user_artists.dat, line 5: not utf-8 .a NUL byte"),
        (b"", b"9\tA\0bc\tu\n", "artists.dat, line 5: not utf-8 .a NUL byte"),
        (b"1.\t5\t1\n", b"", r"user_artists.dat, line 5: userID is '1.', expected a whole"),
        (b"1e-400\t5\t1\n", b"", r"line 5: userID is '1e-400', expected a whole number"),
        (b"1_0\t5\t1\n", b"", r"line 5: userID is '1_0', expected a whole number"),
        ("١\t5\t1\n".encode(), b"", r"line 5: userID is '١', expected a whole number"),
        (b"1\t5\t1_0\n", b"", r"line 5: weight is '1_0', expected a finite number"),
        (b"3\t5\t1e308\n3\t5\t1e308\n", b"", "line 5: weight is '1e308', expected a finite"),
        (b"\t\t\n", b"", "line 5: userID is ''"),
        (b"", b"9\tNi\rne\tu\n", "artists.dat, line 6: id is 'ne', expected"),
        (b"9" * 10**6 + b"\t5\t1\n", b"", r"line 5: .*(field limit|999\.\.\., expected a whole)"),
    ],
)
def test_a_field_that_was_read_as_something_else_or_had_no_line(write, plays, artists, message):
    with pytest.raises(ValueError, match=message) as error:
        unfiltered(write(PLAYS.encode() + plays, ARTISTS.encode() + artists))
    assert len(str(error.value)) < 500


def test_ids_beyond_2_to_the_53_were_rounded_when_another_was_written_as_a_float(write):
    data = unfiltered(write(PLAYS + "9007199254740993\t5\t1\n"))
    assert data.user_ids.tolist() == [2, 9, 2**53 + 1]
    with pytest.raises(ValueError, match="line 6: userID is '1e3'"):
        unfiltered(write(PLAYS + "9007199254740993\t5\t1\n1e3\t5\t1\n"))


def test_a_byte_order_mark_hid_the_first_column(write):
    data = unfiltered(write(b"\xef\xbb\xbf" + PLAYS.encode(), b"\xef\xbb\xbf" + ARTISTS.encode()))
    assert data.item_names.tolist() == ['"Weird" Quote', "Mötley Straße"]
