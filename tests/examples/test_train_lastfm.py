"""The main job, run as a user runs it."""

import os
import pathlib
import runpy
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "train_lastfm.py"


@pytest.fixture(autouse=True)
def nothing_to_find(monkeypatch, tmp_path):
    """An empty cache, and no way to a data host."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # where nobody listens


def run(*arguments, data=None, status=0):
    """stdout and stderr of the example, with NCF_NUMPY_DATA set to `data` or unset."""
    environment = {k: v for k, v in os.environ.items() if k != "NCF_NUMPY_DATA"}
    environment |= {"NCF_NUMPY_DATA": str(data)} if data else {}
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout, done.stderr


def table(out):
    """{model: [numbers of its row]}."""
    names = ("popularity", "itemknn", "gmf", "mlp", "neumf", "(oracle)")
    rows = [line.split() for line in out.split("For listener")[0].splitlines()]
    return {row[0]: [float(x) for x in row[1:]] for row in rows if row and row[0] in names}


def test_without_data_it_trains_on_the_sample_and_says_so(tmp_path):
    out, err = run("--epochs", 2, "--listener", 7, "--artist", "galloping teapots")
    assert out.startswith("No Last.fm data here: trying to download it (files.grouplens.org) ...")
    assert "NOT REAL DATA: this is a synthetic sample, because " in out
    assert "https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-2k.zip" in out
    assert str(tmp_path) in out  # where to put it by hand
    rows = table(out)
    assert list(rows) == ["popularity", "itemknn", "gmf", "mlp", "neumf", "(oracle)"]
    best = rows["(oracle)"][2]
    assert all(row[-3] < best for name, row in rows.items() if name != "(oracle)")
    assert "For listener 8:" in out  # raw ids of the sample begin at 1
    assert "Artists similar to Galloping Teapots:" in out
    assert err == ""  # no progress bar where stderr is not a terminal


@pytest.mark.robustness  # takes seconds
def test_real_lastfm_by_the_environment(data_dir):
    folder = data_dir("hetrec2011-lastfm-2k")
    out, _ = run("--epochs", 2, "--artist", "Radiohead", data=folder.parent)
    assert "1,741 listeners, 2,665 artists" in out and "NOT REAL DATA" not in out
    assert "drawn at random" in out
    rows = table(out)
    assert list(rows) == ["popularity", "itemknn", "gmf", "mlp", "neumf"]
    assert rows["neumf"][4] >= rows["popularity"][2] + 0.10
    assert "Artists similar to Radiohead:" in out


@pytest.mark.robustness  # takes seconds
def test_published_negatives_of_deepcf(data_dir):
    folder = data_dir("deepcf-lastfm")
    out, _ = run("--data", folder, "--model", "neumf")
    assert "Users whose test item is among their own negatives: 86." in out
    epoch, _, _, _, hr, ndcg, _ = table(out)["neumf"]
    assert 1 <= epoch <= 20
    # Looser than the .850/.565 aimed at: seeds differ by .01, and so do processors, in last bits.
    assert hr >= 0.840 and ndcg >= 0.555


@pytest.mark.parametrize("preset", ["notebook", "snippet"])
def test_the_tutorials_settings(preset):
    out, _ = run("--dataset", "sample", "--preset", preset, "--epochs", 1, "--model", "neumf")
    assert list(table(out)) == ["neumf", "(oracle)"]
    assert "NOT REAL DATA" not in out  # it was asked for


def test_the_curves_are_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="the plot extra is not installed")
    file = tmp_path / "curves.png"
    run("--dataset", "sample", "--model", "gmf", "--epochs", 2, "--plot", file)
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--layers", "__import__('os')"], 2, "expected widths such as 64,32,16,8"),
        (["--epochs", "0"], 1, "error: epochs must be an integer of at least 1, got 0"),
        (["--data", "no/such/folder"], 1, "no file or folder no/such/folder"),
        (["--dataset", "sample", "--data", "."], 2, "is synthetic and takes no --data"),
        (["--model", "popularity", "--artist", "Radiohaed"], 1, "error: "),
        (["--model", "popularity", "--listener", "600"], 1, "error: "),
    ],
)
def test_bad_arguments_end_in_a_sentence(arguments, status, message):
    _, err = run(*arguments, status=status)
    assert message in err
    assert "Traceback" not in err


def test_lastfm_that_was_asked_for_and_is_not_to_be_had(monkeypatch, capsys):
    monkeypatch.delenv("NCF_NUMPY_DATA", raising=False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between its attempts
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["train_lastfm.py", "--dataset", "lastfm-2k"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    assert err.startswith("error: lastfm-2k") and "training" not in out


def test_a_tower_that_cannot_be_is_refused_before_anything_is_trained():
    out, err = run("--dataset", "sample", "--layers", "63,8", status=1)
    assert "error: layers must begin with an even width" in err
    assert "training" not in out


def test_the_notebooks_own_three_files_were_no_data_to_it(tmp_path):
    folder, rng = tmp_path / "notebook", np.random.default_rng(0)
    folder.mkdir()
    plays = [
        (user, 3 * user % 5 + 5 * artist, 1 + rng.integers(300))
        for user in range(40)
        for artist in sorted(rng.choice(24, 8, replace=False).tolist())
    ]
    lines = "".join(f"{user},{artist},{count}\n" for user, artist, count in plays)
    (folder / "lastfm_play.csv").write_text(f"user_id,artist_id,plays\n{lines}", encoding="utf-8")
    names = "".join(f"{artist},밴드 {artist}\n" for artist in range(120))
    (folder / "lastfm_artist.csv").write_text(f"artist_id,artist_name\n{names}", encoding="utf-8")
    users = "".join(f"{user},f,{20 + user},Korea\n" for user in range(40))
    (folder / "lastfm_user.csv").write_text(
        f"user_id,gender,age,country\n{users}", encoding="utf-8"
    )
    out, _ = run("--data", folder, "--preset", "notebook", "--epochs", 2, "--artist", "밴드 7")
    assert list(table(out)) == ["popularity", "itemknn", "gmf", "mlp", "neumf"]
    assert "40 listeners" in out and "NOT REAL DATA" not in out
    assert "For listener 0:" in out and "Artists similar to 밴드 7:" in out
    has = {f"밴드 {artist}" for user, artist, _ in plays if user == 0}
    listed = [line.split() for line in out.split("For listener 0:")[1].splitlines()[2:12]]
    recommended = {f"밴드 {row[4]}" for row in listed if len(row) > 4}
    assert len(recommended) > 5
    assert len(recommended & has) <= 1  # the test item is unknown to the model


PLAYS = [(user, 3 * user % 7 + 7 * n) for user in range(40) for n in range(2, 26)]
FORMS = {  # files by name, of the 40 listeners and 24 artists each of PLAYS
    "2k": {
        "user_artists.dat": ("userID\tartistID\tweight", "{}\t{}\t9"),
        "artists.dat": ("id\tname\turl\tpictureURL", "{1}\tBand {1}\t\t"),
    },
    "360k": {"usersha1-artmbid-artname-plays.tsv": (None, "{}\t\tBand {}\t9")},
    "notebook": {
        "lastfm_play.csv": ("user_id,artist_id,plays", "{},{},9"),
        "lastfm_artist.csv": ("artist_id,artist_name", "{1},Band {1}"),
    },
}


def write(folder, files):
    for file, (header, line) in files.items():
        lines = [line.format(*pair) for pair in PLAYS]
        text = "\n".join([*filter(None, [header]), *dict.fromkeys(lines), ""])
        (folder / file).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_lastfm_is_told_by_its_files(form, tmp_path):
    write(tmp_path, FORMS[form])
    out, _ = run("--data", tmp_path, "--model", "itemknn", "--artist", "band 30")
    assert "40 listeners" in out and "Artists similar to Band 30:" in out
    assert "NOT REAL DATA" not in out and list(table(out)) == ["itemknn"]


def test_deepcf_s_split_of_lastfm_is_told_by_its_files(tmp_path):
    # Users and items are of five groups: nobody has an item of another one.
    files = {"train.rating": [], "test.rating": [], "test.negative": []}
    for user in range(40):
        items = [user % 5 + 5 * n for n in range(12)]
        hidden = items.pop(user // 5)  # the others of this group of five have it
        files["train.rating"] += [f"{user}\t{item}\t1\t0" for item in items]
        files["test.rating"].append(f"{user}\t{hidden}\t1\t0")
        others = "\t".join(str((user + 1) % 5 + 5 * n) for n in range(12))
        files["test.negative"].append(f"({user},{hidden})\t{others}")
    for suffix, lines in files.items():
        (tmp_path / f"lastfm.{suffix}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    out, _ = run("--data", tmp_path, "--model", "itemknn")
    assert "The published test items, each ranked against its published negatives" in out
    assert table(out)["itemknn"][2] == 1


def test_it_is_read_in_a_few_minutes():
    assert len(SCRIPT.read_text(encoding="utf-8").splitlines()) <= 150
