import io
import time

import numpy as np
import pytest

from ncf_numpy.datasets import artist_names, load_lastfm_2k, load_ncf_files

TRAIN = "0\t0\t5\t30\n0\t1\t4\t20\n0\t2\t1\t10\n1\t1\t2\t9\n1\t3\t3\t8\n"
TEST = "0\t4\t5\t99\n1\t0\t3\t98\n"
NEGATIVE = "(0,4)\t3\t5\n(1,0)\t2\t6\n"


def rng(seed=0):
    return np.random.default_rng(seed)


def pairs_of(part):
    return list(zip(part.users.tolist(), part.items.tolist()))


@pytest.fixture
def write(tmp_path):
    def triple(train=TRAIN, test=TEST, negative=NEGATIVE, name="toy"):
        texts = {"train.rating": train, "test.rating": test, "test.negative": negative}
        for suffix, text in texts.items():
            data = text if isinstance(text, bytes) else text.encode("utf-8")
            (tmp_path / f"{name}.{suffix}").write_bytes(data)
        return tmp_path / name

    return triple


def test_without_validation_the_files_are_taken_as_they_are(write):
    split = load_ncf_files(write(), rng(), validation=False)
    assert pairs_of(split.train) == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 3)]
    assert split.train.counts.tolist() == [5, 4, 1, 2, 3]
    assert split.train.timestamps.tolist() == [30, 20, 10, 9, 8]
    assert (split.train.n_users, split.train.n_items) == (2, 7)  # item 6 is only a negative
    assert pairs_of(split.test) == [(0, 4), (1, 0)]
    assert split.test.candidates.tolist() == [[3, 5], [2, 6]]
    assert split.validation is None
    assert split.notes == ("Items without a training row: 3.",)  # 4, 5 and 6
    assert split.train.source == "toy (NCF files)"


def test_the_latest_training_item_is_the_validation_item(write):
    split = load_ncf_files(write(), rng(), n_candidates=3)
    assert pairs_of(split.validation) == [(0, 0), (1, 1)]  # at times 30 and 9
    assert pairs_of(split.train) == [(0, 1), (0, 2), (1, 3)]
    assert pairs_of(split.train_and_validation()) == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 3)]
    assert split.train_and_validation().counts.tolist() == [5, 4, 1, 2, 3]
    assert split.validation.candidates.shape == (2, 3)
    assert set(split.validation.candidates[0]) <= {3, 4, 5, 6}  # item 4, the test item, may be
    assert set(split.validation.candidates[1]) <= {0, 2, 4, 5, 6}
    assert split.protocol == (
        "The published test items, each ranked against its published negatives; the latest "
        "training item of each user is the validation item."
    )


@pytest.mark.parametrize(
    "train",
    [
        TRAIN.replace("\t30", "").replace("\t20", "").replace("\t10", "")
        .replace("\t9", "").replace("\t8", ""),
        "0\t0\t5\t0\n0\t1\t4\t0\n0\t2\t1\t0\n1\t1\t2\t0\n1\t3\t3\t0\n",
    ],
    ids=["no timestamps", "equal timestamps"],
)  # fmt: skip
def test_without_usable_timestamps_the_validation_item_is_random(write, train):
    prefix = write(train)
    chosen = {tuple(load_ncf_files(prefix, rng(s)).validation.items.tolist()) for s in range(60)}
    assert chosen == {(a, b) for a in (0, 1, 2) for b in (1, 3)}
    split = load_ncf_files(prefix, rng())
    assert split.train.timestamps is None
    assert "a random training item of each user" in split.protocol
    equal = "All training timestamps are equal, so they order nothing."
    assert (equal in split.notes) == train.startswith("0\t0\t5\t0\n")


def test_a_user_with_one_training_item_keeps_it(write):
    split = load_ncf_files(write(TRAIN.replace("1\t3\t3\t8\n", "")), rng())
    assert split.validation.users.tolist() == [0]
    assert split.test.users.tolist() == [0, 1]
    with pytest.raises(ValueError, match="no user has two training items"):
        load_ncf_files(write("0\t0\t1\t1\n1\t1\t1\t1\n"), rng())


def test_oddities_are_kept_and_counted(write):
    train = TRAIN + "0\t0\t2\t40\n1\t6\t0\t50\n1\t0\t1\t1\n"
    split = load_ncf_files(write(train, negative="(0,4)\t1\t4\t2\n(1,0)\t5\n"), rng())
    assert split.test.candidates.tolist() == [[1, 4, 2], [5, -1, -1]]
    assert split.notes == (
        "Training rows with rating 0, not used as positives: 1.",  # user 1, item 6
        "Training rows that repeat a pair, ratings summed: 1.",  # user 0, item 0
        "Users whose test item is among their own negatives: 1.",  # user 0, item 4
        "Negatives that are items of the user's own train (of 4; users concerned: 1): 2.",  # 1, 2
        "Test items that their user has in train as well: 1.",  # user 1, item 0
        # left in train: 1 and 2 (user 0); 0 and 3 (user 1). The files name items 0 to 6.
        "Items without a training row: 3.",
    )


def test_test_lines_may_come_in_any_order(write):
    test, negative = ("".join(reversed(t.splitlines(True))) for t in (TEST, NEGATIVE))
    split = load_ncf_files(write(test=test, negative=negative), rng())
    assert pairs_of(split.test) == [(0, 4), (1, 0)]
    assert split.test.candidates.tolist() == [[3, 5], [2, 6]]


@pytest.mark.parametrize(
    "changed",
    [
        {"train": TRAIN + "1\t9\t1\t1\n"},
        {"test": TEST.replace("0\t4", "0\t9"), "negative": NEGATIVE.replace("0,4", "0,9")},
        {"negative": NEGATIVE.replace("6", "9")},
    ],
    ids=["train", "test", "negative"],
)
def test_the_number_of_items_comes_from_all_files(write, changed):
    assert load_ncf_files(write(**changed), rng()).train.n_items == 10


def test_blank_lines_at_the_end_do_not_matter(write):
    prefix = write(TRAIN + "\n", TEST + "\n", NEGATIVE + "\n")
    assert load_ncf_files(prefix, rng()).test.candidates.tolist() == [[3, 5], [2, 6]]


def test_windows_line_ends_and_a_folder_as_prefix(write):
    crlf = (text.replace("\n", "\r\n") for text in (TRAIN, TEST, NEGATIVE))
    prefix = write(*crlf)
    for given in (str(prefix), prefix.parent, str(prefix.parent)):
        split = load_ncf_files(given, rng())
        assert split.test.candidates.tolist() == [[3, 5], [2, 6]]
    write(name="second")
    with pytest.raises(FileNotFoundError, match="exactly one .*, found second.train.*, toy.train"):
        load_ncf_files(prefix.parent, rng())


def test_missing_files(write):
    prefix = write()
    (prefix.parent / "toy.test.negative").unlink()
    with pytest.raises(FileNotFoundError, match="no toy.test.negative in "):
        load_ncf_files(prefix, rng())
    with pytest.raises(FileNotFoundError, match="exactly one .*found none"):
        (prefix.parent / "empty").mkdir()
        load_ncf_files(prefix.parent / "empty", rng())


def test_ids_and_names_from_files_beside(write):
    prefix = write()
    (prefix.parent / "item_map.tsv").write_text(
        "ncf_item\tmovie_id\ttitle\tgenres\n0\t90\tZero\tx\n4\t94\tVier (für 4)\tx\n",
        encoding="utf-8",
    )
    names = load_ncf_files(prefix, rng()).train.item_names
    assert names.tolist() == ["Zero", "1", "2", "3", "Vier (für 4)", "5", "6"]

    ids = {"user_id": np.array([20, 30]), "artist_id": np.arange(100, 107)}
    np.savez(prefix.parent / "id_map_to_hetrec.npz", **ids)
    assert load_ncf_files(prefix, rng()).train.item_names.tolist() == names.tolist()
    train = load_ncf_files(prefix, rng(), item_names={104: "Hundred and four"}).train
    assert train.user_ids.tolist() == [20, 30]
    assert train.item_ids.tolist() == list(range(100, 107))
    assert train.item_names.tolist()[3:5] == ["103", "Hundred and four"]

    np.savez(prefix.parent / "id_map_to_hetrec.npz", user_id=ids["user_id"])
    with pytest.raises(ValueError, match=r"hetrec.npz lacks artist_id; it holds \['user_id'\]"):
        load_ncf_files(prefix, rng())
    np.savez(prefix.parent / "id_map_to_hetrec.npz", **(ids | {"user_id": np.array([20])}))
    with pytest.raises(ValueError, match="maps 1 users and 7 items, .* hold 2 and 7"):
        load_ncf_files(prefix, rng())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"train": TRAIN + "1\t4\n"}, r"toy.train.rating, line 6: rating is '', expected"),
        ({"train": TRAIN + "1\t4\t1\t1\t1\n"}, r"train.rating, line 6: got 5 fields; expected 4"),
        ({"train": "0 1 5\n"}, r"train.rating, line 1: expected user, item, rating .* got '0 1 5'"),
        ({"train": "0\t1\n"}, r"train.rating, line 1: expected user, item, .* got '0', '1'"),
        (
            {"train": "0\t1\t5\t9\t9\n"},
            r"train.rating, line 1: expected user, item, .* got '0', '1', '5'",
        ),
        ({"train": TRAIN + "x\t4\t1\t1\n"}, r"train.rating, line 6: user is 'x'"),
        ({"train": TRAIN + "1\t-4\t1\t1\n"}, r"train.rating, line 6: item is '-4'"),
        ({"train": TRAIN + "1\t4\tnan\t1\n"}, r"train.rating, line 6: rating is 'nan'"),
        ({"train": TRAIN + "1\t4\t-1\t1\n"}, r"train.rating, line 6: rating is '-1'"),
        ({"train": TRAIN + "1\t4\t1\tnow\n"}, r"train.rating, line 6: timestamp is 'now'"),
        ({"train": ""}, r"toy.train.rating is empty"),
        ({"train": "0\t1\t0\n"}, r"toy.train.rating has no rating > 0"),
        ({"test": TEST.replace("1\t0", "y\t0")}, r"toy.test.rating, line 2: user is 'y'"),
        ({"test": TEST + "1\t0\t3\t1\n"}, r"test.negative has 2 lines, toy.test.rating has 3"),
        (
            {"test": TEST + "1\t2\t3\t1\n", "negative": NEGATIVE + "(1,2)\t5\n"},
            r"toy.test.rating, line 3: user 1 has a test item already",
        ),
        ({"negative": "(0,4)\t3\n"}, r"test.negative has 1 lines, toy.test.rating has 2"),
        ({"negative": "(0,4)\t3\n(1,1)\t2\n"}, r"line 2: expected \(1,0\) as in .*got '\(1,1\)'"),
        ({"negative": "(0,4)\t3\n1\t2\n"}, r"negative, line 2: expected \(1,0\) .*got '1'"),
        ({"negative": "(0,4)\t3\n(1,0)\n"}, r"negative, line 2: no negatives after \(1,0\)"),
        ({"negative": "(0,4)\t3\n(1,0)\t2\tx\n"}, r"line 2: negatives must be item num.*'x'"),
        ({"negative": "(0,4)\t3\n(1,0)\t2\t\t3\n"}, r"line 2: negatives must be item num.*''"),
        ({"negative": "(0,4)\t3\n(1,0)\t-2\n"}, r"line 2: negatives must be .* from 0, got '-2'"),
        ({"negative": f"(0,4)\t3\n(1,0)\t{2**64}\n"}, r"line 2: negatives must be item num"),
        ({"negative": b"(0,4)\t3\n(1,0)\t\xff\n"}, r"negative, line 2: not utf-8"),
    ],
)
def test_malformed(write, changed, message):
    with pytest.raises(ValueError, match=message):
        load_ncf_files(write(**changed), rng())


def test_the_rng_is_explicit(write):
    with pytest.raises(TypeError, match="rng must be a numpy Generator .* got 7"):
        load_ncf_files(write(), 7)
    with pytest.raises(ValueError, match="n_candidates must be an integer of at least 1"):
        load_ncf_files(write(), rng(), n_candidates=0)


def test_movielens_1m(data_dir):
    folder = data_dir("ml-1m")
    split = load_ncf_files(folder / "ml-1m", rng(), validation=False)
    assert (split.train.n_users, split.train.n_items) == (6_040, 3_706)
    assert (len(split.train), len(split.test)) == (994_169, 6_040)
    assert split.test.candidates.shape == (6_040, 99)
    assert set(np.flatnonzero(np.bincount(split.train.items) == 0)) == {1805, 3569}
    assert "Users whose test item is among their own negatives: 156." in split.notes
    assert "Items without a training row: 2." in split.notes
    assert split.train.item_name(0) == "One Flew Over the Cuckoo's Nest (1975)"

    split = load_ncf_files(folder, rng())
    assert len(split.validation) == 6_040
    assert len(split.train) == 994_169 - 6_040
    assert len(split.train_and_validation()) == 994_169


def test_movielens_1m_is_read_fast(data_dir):
    folder = data_dir("ml-1m")
    seconds = []
    for _ in range(3):
        start = time.process_time()
        load_ncf_files(folder, rng())
        seconds.append(time.process_time() - start)
    assert min(seconds) < 3  # some 0.4 s; the slack is for a busy machine


def test_deepcf_lastfm(data_dir):
    names = artist_names(data_dir("hetrec2011-lastfm-2k"))
    split = load_ncf_files(data_dir("deepcf-lastfm"), rng(), item_names=names)
    assert (split.train.n_users, split.train.n_items) == (1_741, 2_665)
    assert (len(split.test), len(split.validation)) == (1_741, 1_741)
    assert len(split.train) == 67_408 - 1_741
    assert "Users whose test item is among their own negatives: 86." in split.notes
    own = "Negatives that are items of the user's own train (of 172,359; users concerned: 1,282)"
    assert f"{own}: 2,434." in split.notes
    # The same plays as the original data, under the same raw ids and names.
    original = load_lastfm_2k(data_dir("hetrec2011-lastfm-2k"))
    merged = split.train_and_validation()
    assert merged.item_names.tolist() == original.item_names.tolist()
    test_keys = split.test.users * merged.n_items + split.test.items
    rest = ~np.isin(original.pair_keys, test_keys)
    np.testing.assert_array_equal(merged.pair_keys, original.pair_keys[rest])
    np.testing.assert_array_equal(merged.counts, original.counts[rest])


ONE_TEST_PAIR = {
    "train": "0\t0\t5\n1\t2\t1\n",
    "test": "0\t1\t5\n",
    "negative": "(0,1)\t2\t3\n",
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"train": "0\t0\t5\n1000000000000\t2\t1\n"}, "train.rating, line 2: user 1000"),
        ({"train": "0\t0\t5\n1\t1000000000000\t1\n"}, "train.rating, line 2: item 1000"),
        ({"negative": "(0,1)\t2\t1000000000000\n"}, "test.negative, line 1: item 1000"),
        ({"negative": "(0,1)\t2\t1_0\n"}, "line 1: negatives must .* got '1_0'"),
        ({"negative": "(0," + "1" * 5000 + ")\t2\n"}, "negative, line 1: expected"),
        ({"negative": "(0,١)\t2\n"}, "negative, line 1: expected"),
    ],
)
def test_an_id_that_asked_for_memory_or_was_no_number(write, changed, message):
    with pytest.raises(ValueError, match=message):
        load_ncf_files(write(**ONE_TEST_PAIR | changed), rng(), validation=False)


def test_one_long_line_of_negatives_was_padded_for_all_the_others(write):
    test = "".join(f"{user}\t1\t5\n" for user in range(100))
    negative = "".join(f"({user},1)\t2\n" for user in range(1, 100))
    files = {"test": test, "negative": "(0,1)" + "\t2" * 100 + "\n" + negative}
    with pytest.raises(ValueError, match="negative, line 1: 100 negatives, and 199 in all 100"):
        load_ncf_files(write(**ONE_TEST_PAIR | files), rng(), validation=False)


@pytest.mark.parametrize(
    ("users", "cut", "message"),
    [
        (np.arange(2), 40, "id_map_to_hetrec.npz is damaged"),
        (np.array([1.5, 2]), 0, r"npz: user_id is float64 of shape \(2,\), not ids"),
    ],
)
def test_a_damaged_map_of_ids_did_not_say_which_file(write, users, cut, message):
    prefix, body = write(**ONE_TEST_PAIR), io.BytesIO()
    np.savez(body, user_id=users, artist_id=np.arange(4))
    content = body.getvalue()
    (prefix.parent / "id_map_to_hetrec.npz").write_bytes(content[: len(content) - cut])
    with pytest.raises(ValueError, match=message):
        load_ncf_files(prefix, rng(), validation=False)
