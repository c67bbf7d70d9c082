"""What strangers have written, on its way to a screen; and screens that are not there."""

import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from ncf_numpy.__main__ import main
from ncf_numpy.data.terminal import (
    is_terminal,
    printable,
    printable_lines,
    say,
    standard_streams,
)
from ncf_numpy.evaluation.progress import progress_bar
from ncf_numpy.recommender.recommender import Recommender
from ncf_numpy.safe_file import pack, write_file

ESCAPE, RIGHT_TO_LEFT, TAG, ISOLATE = "\x1b[2J", "\u202e", "\U000e0041", "\u2066"
HOSTILE = f"a{ESCAPE}{RIGHT_TO_LEFT}{TAG}{ISOLATE}\x9b0m\r\x08\u2028\ufeffz"
SHOWN = r"a\x1b[2J\u202e\U000e0041\u2066\x9b0m\r\x08\u2028\ufeffz"


def harmless(text):
    return not set(HOSTILE) & set(text) - set("az[2J0m")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (HOSTILE, SHOWN),
        ("a\tb\nc\x00", r"a\tb\nc\x00"),
        ("a\u3164\u115f\u034fb", r"a\u3164\u115f\u034fb"),  # fillers and a joiner without a shape
        ("a\U000e0100\U000e0002\ufe01", r"a\U000e0100\U000e0002\ufe01"),  # hide any text
        ("a\u180b\u180c\u180d\u180f\u2800b", r"a\u180b\u180c\u180d\u180f\u2800b"),  # unseen marks
        ("ᠮᠣᠩ⠃", "ᠮᠣᠩ⠃"),
        ("\ud800", r"\ud800"),  # half of a pair, as a path that is no UTF-8 has it
        ("아이유 Sigur Rós 😀 🇰🇷 ❤️", "아이유 Sigur Rós 😀 🇰🇷 ❤️"),
        ("a\u00a0b\u3000c", "a\u00a0b\u3000c"),  # spaces of French and Japanese
        ("👩\u200d💻 می\u200cخواهم", "👩\u200d💻 می\u200cخواهم"),  # cannot be written without
        ("C:\\new", "C:\\new"),
        (7, "7"),
    ],
)
def test_printable(text, shown):
    assert printable(text) == shown


def test_lines_of_our_own_stay_lines():
    assert printable_lines("a\x1b\nb\r\n") == "a\\x1b\nb\\r\n"


@pytest.fixture
def model(tmp_path):
    """A saved model whose second item and user have hostile ids; and in its folder we are."""
    users = ["ann", "bob", HOSTILE, "ann"]
    table = pd.DataFrame({"user": users, "item": ["x", "y", "x", HOSTILE]})
    Recommender("itemknn").fit(table).save(tmp_path / "m.npz")
    return str(tmp_path / "m.npz")


def test_names_and_ids_commanded_the_terminal(model, capsys):
    for arguments in (
        [model, "--user", "bob"],
        [model, "--user", "bob", HOSTILE],
        [model, "--user", f"nobody{HOSTILE}"],
        [model, "--has", "unknown"],
        [f"{model}{HOSTILE}", "--user", "ann"],
        [model, "--user", "ann", HOSTILE, "--k", "0"],
    ):
        main(["recommend", *arguments])
        out, err = capsys.readouterr()
        assert harmless(out + err) and len(out + err) > 10
    assert main(["similar", model, "--item", f"x{HOSTILE}"]) == 1
    assert harmless(capsys.readouterr().err)
    with pytest.raises(SystemExit):
        main(["download", "ml-1m", HOSTILE])
    assert harmless(capsys.readouterr().err)


def test_the_kind_and_the_members_of_a_crafted_file_commanded_it(tmp_path, capsys):
    path = tmp_path / "m.npz"
    write_file(path, f"k{HOSTILE}", {}, {})
    assert main(["recommend", str(path), "--user", "1"]) == 1
    assert SHOWN in capsys.readouterr().err
    np.savez_compressed(path, **{f"m{HOSTILE}".replace("\x08", ""): np.zeros(3)})
    assert main(["recommend", str(path), "--user", "1"]) == 1
    err = capsys.readouterr().err
    assert harmless(err) and "compressed" in err
    write_file(path, "recommender", {"settings": {HOSTILE: 1}, "history": []}, {"x": pack(HOSTILE)})
    assert main(["recommend", str(path), "--user", "1"]) == 1
    assert harmless(capsys.readouterr().err)


def test_names_in_step_and_files_in_train_commanded_it(tmp_path, capsys):
    name = f"plays{ESCAPE}{RIGHT_TO_LEFT}.csv"
    pairs = [(u, i) for u in range(4) for i in range(6) if i != u]
    rows = [f"u{u}{TAG},i{i}{RIGHT_TO_LEFT}{ESCAPE}" for u, i in pairs]
    (tmp_path / name).write_text("user,item\n" + "\n".join(rows), encoding="utf-8")
    data = ["--data", str(tmp_path / name)]
    assert main(["step", *data, "--no-pause", "--factors", "2", "--layers", "4,2"]) == 0
    out = capsys.readouterr().out
    assert harmless(out) and r"i0\u202e\x1b[2J" in out
    files = [str(tmp_path / f"{RIGHT_TO_LEFT}.{suffix}") for suffix in ("html", "json")]
    assert main(["step", *data, "--html", files[0], "--json", files[1]]) == 0
    assert harmless(capsys.readouterr().out)
    save = str(tmp_path / f"m{ESCAPE}.npz")
    assert main(["train", *data, "--model", "gmf", "--epochs", "1", "--save", save]) == 0
    err = capsys.readouterr().err
    assert harmless(err) and r"saved " in err and r"\x1b[2J.npz" in err
    assert main(["train", *data, "--user-column", HOSTILE, "--save", save]) == 1
    assert harmless(capsys.readouterr().err)


def test_exercises_of_a_class_commanded_it(tmp_path, capsys):
    folder = tmp_path / f"class{ESCAPE}{RIGHT_TO_LEFT}"
    where = ["--folder", str(folder)]
    assert main(["exercise", *where]) == 0
    out = capsys.readouterr().out
    assert harmless(out) and r"class\x1b[2J\u202e" in out
    script = folder / "01_one_pair.py"
    answers = f'"""\nprint({HOSTILE!a})\nraise ValueError({HOSTILE!a})\n'
    text = script.read_text(encoding="utf-8").replace('"""\n', answers, 1)
    script.write_text(text, encoding="utf-8")
    assert main(["exercise", "1", *where]) == 1
    out, err = capsys.readouterr()
    assert harmless(out + err) and SHOWN in out
    report = tmp_path / f"report{ESCAPE}.json"
    assert main(["exercise", "--report", str(report), *where]) == 1
    assert harmless("".join(capsys.readouterr()))
    assert report.read_bytes().isascii()
    (folder / "02_sigmoid_and_loss.py").write_bytes(b"\xff")
    assert main(["exercise", "2", *where]) == 1
    assert main(["exercise", "1", "--report", f"r{HOSTILE}", *where]) == 2
    assert harmless("".join(capsys.readouterr()))


def test_an_answer_of_a_hunter_commanded_it(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"x{ESCAPE}{TAG}.py:1\nx{ESCAPE}\nq\n"))
    assert main(["hunt", "2"]) == 1
    assert harmless("".join(capsys.readouterr()))


def test_a_traceback_commanded_it(tmp_path):
    (tmp_path / f"m{ESCAPE}").write_bytes(b"no model")
    command = "recommend", str(tmp_path / f"m{ESCAPE}"), "--user", "1", "--debug"
    done = subprocess.run([sys.executable, "-m", "ncf_numpy", *command], capture_output=True)
    assert done.returncode == 1
    assert b"Traceback" in done.stderr and b"\\x1b[2J" in done.stderr and b"\x1b" not in done.stderr


def test_what_a_recommender_says_of_itself(model):
    recommender = Recommender.load(model)
    explanation = recommender.explain("ann", HOSTILE)
    data = recommender.data.__class__.from_columns(["a"], ["b"], source=HOSTILE)
    assert harmless(f"{explanation}{data}") and SHOWN in str(explanation) and SHOWN in repr(data)


class Closed(io.StringIO):
    def __init__(self):
        super().__init__()
        self.close()


def test_a_stream_that_is_none_or_closed_is_no_terminal(monkeypatch, capsys):
    assert not is_terminal(None) and not is_terminal(Closed()) and not is_terminal(io.StringIO())
    for stream in (None, Closed()):
        monkeypatch.setattr(sys, "stderr", stream)
        say("nobody hears")
        assert list(progress_bar(range(3), "counting", show=True)) == [0, 1, 2]
        with standard_streams():
            print("nobody hears", file=sys.stderr)
            assert sys.stdin.read is not None
        assert sys.stderr is stream


def test_output_that_nobody_takes_stops_nothing(monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stderr", Gone())
    say("nobody hears")


def test_the_stepper_as_a_page_shows_names_too(tmp_path):
    table = pd.DataFrame({"user": [f"u{ESCAPE}", "b"] * 2, "item": ["x", "x", "y", f"z{TAG}"]})
    table.to_csv(tmp_path / "p.csv", index=False)
    out = tmp_path / "s.json"
    assert main(["step", "--data", str(tmp_path / "p.csv"), "--json", str(out)]) == 0
    assert harmless(json.dumps(json.loads(out.read_text()), ensure_ascii=False))
