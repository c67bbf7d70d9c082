"""No stdin, stdout or stderr; a terminal that is closed; a console that is full."""

import importlib
import io
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import ncf_numpy
from ncf_numpy.__main__ import build_parser, main
from ncf_numpy.recommender.recommender import Recommender

try:
    import fcntl
    import termios
except ImportError:  # on Windows
    fcntl = termios = None

ROOT = str(Path(ncf_numpy.__file__).parents[1])
ENVIRONMENT = {**os.environ, "PYTHONPATH": ROOT, "OPENBLAS_NUM_THREADS": "1"}
PROGRAM = [sys.executable, "-m", "ncf_numpy"]
TRAIN = "train --dataset sample --model gmf --factors 2 --epochs 2 --batch-size 4096 --save"
TRAIN = TRAIN.split()


def trained_by(epochs, batch_size):
    """TRAIN with other numbers of epochs and of examples in a batch."""
    values = {"--epochs": str(epochs), "--batch-size": str(batch_size)}
    before = ["", *TRAIN[:-1]]
    return [values.get(option, word) for option, word in zip(before, TRAIN, strict=True)]


shell = pytest.mark.skipif(os.name == "nt", reason="no redirections of a shell")


def redirected(redirections, *arguments):
    """Run the program with a shell's redirections; -> its status and what it wrote."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirections}', "sh", *PROGRAM, *arguments],
        env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@shell
@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_without_stdio_it_ended_in_an_attribute_error_untrained(tmp_path, closed):
    path = tmp_path / "m.npz"
    status, out, err = redirected(closed, *TRAIN, str(path))
    assert status == 0 and out == "" and "Traceback" not in err
    assert len(Recommender.load(path).history) == 2
    assert sorted(each.name for each in tmp_path.iterdir()) == ["m.npz", "m.npz.checkpoint"]
    status, out, err = redirected(closed, "recommend", str(path), "--user", "1")
    assert status == 0 and err == "" and bool(out) == ("1" not in closed)
    assert redirected(closed, "hunt", "2")[0] == 1  # nobody answers: given up
    assert redirected(closed, "recommend", "nothing.npz", "--user", "1")[0] == 1


COMMANDS = [  # and how they end
    ("", 0),
    ("--help", 0),
    ("version", 0),
    ("no-command", 2),
    ("step --no-pause", 0),
    ("step", 0),
    ("step --html step.html --json step.json", 0),
    ("gradcheck --model gmf", 0),
    ("gradcheck --model gmf --bug dropped-repeats", 1),
    ("exercise", 0),
    ("exercise 1", 1),
    ("exercise 1 --solution", 0),
    ("exercise --report report.json", 1),
    ("hunt 1", 1),
    ("hunt 99", 2),
    ("download", 0),
    ("download nothing", 2),
    ("evaluate --dataset sample --model popularity", 0),
    ("evaluate --dataset sample --model popularity gmf --epochs 1 --compare --log log.csv", 0),
    ("pretrain --dataset sample --epochs 1 --fine-tune-epochs 1 --factors 2", 0),
    ("playground --port -1", 1),
    ("vectors nothing.npz --items items.csv", 1),
    ("similar nothing.npz --item 1", 1),
]


@shell
@pytest.mark.parametrize(("command", "status"), COMMANDS)
def test_no_command_needs_any_of_the_streams(tmp_path, monkeypatch, command, status):
    monkeypatch.chdir(tmp_path)
    assert redirected("0<&- 1>&- 2>&-", *command.split()) == (status, "", "")


@pytest.mark.robustness
@shell
@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 2>&-"])
def test_no_command_needs_one_of_the_streams(tmp_path, monkeypatch, closed):
    monkeypatch.chdir(tmp_path)
    for command, status in COMMANDS:
        ended, _, err = redirected(closed, *command.split())
        assert (ended, "Traceback" in err) == (status, False), (command, err)


@pytest.mark.parametrize("code", [
    "from ncf_numpy.__main__ import main; status = main({train})",
    "from ncf_numpy.datasets import sample_lastfm\n"
    "from ncf_numpy.recommender.recommender import Recommender\n"
    "data = sample_lastfm()[0]\n"
    "Recommender('gmf', factors=2, epochs=2).fit(data, progress=True).save({train}[-1])\n",
    "import numpy as np\n"
    "from ncf_numpy import GMF, fit\n"
    "from ncf_numpy.datasets import leave_one_out, sample_lastfm\n"
    "from ncf_numpy.learn.stepper.terminal import run\n"
    "from ncf_numpy.training.pretraining import pretrain\n"
    "rng = np.random.default_rng(0)\n"
    "split = leave_one_out(sample_lastfm()[0], rng)\n"
    "model = GMF(split.train.n_users, split.train.n_items, 2, rng)\n"
    "fit(model, split, rng, epochs=1)\n"
    "pretrain(split, rng, epochs=1, fine_tune_epochs=1)\n"
    "open({train}[-1], 'w').close()\n",
], ids=["command", "Recommender", "fit and pretrain"])  # fmt: skip
def test_streams_that_are_none_as_under_pythonw(tmp_path, code):
    train = [*TRAIN, str(tmp_path / "m.npz")]
    code = f"import sys\nsys.stdin = sys.stdout = sys.stderr = None\n{code.format(train=train)}"
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, b"")
    assert (tmp_path / "m.npz").exists()


@shell
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_console_that_is_full(tmp_path):
    path = str(tmp_path / "m.npz")
    assert redirected("2>/dev/full", *TRAIN, path) == (0, "", "")
    status, _, err = redirected(">/dev/full", "recommend", path, "--user", "1")
    assert (status, err) == (1, "recommend: No space left on device\n")
    assert redirected("2>/dev/full", "recommend", path, "--user", "nobody")[0] == 1


def test_a_command_called_from_a_thread(capsys):
    statuses = []
    thread = threading.Thread(target=lambda: statuses.append(main(["version"])))
    thread.start()
    thread.join()
    assert statuses == [0]


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_commands_in_several_threads_left_a_closed_stream_in_the_place_of_none(monkeypatch, name):
    monkeypatch.setattr(sys, name, None)
    both, statuses = threading.Barrier(2, timeout=10), []
    monkeypatch.setattr("ncf_numpy.__main__.show_guide", lambda _: both.wait() * 0)

    def commands():
        statuses.extend(main([]) for _ in range(20))

    threads = [threading.Thread(target=commands) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [0] * 40 and getattr(sys, name) is None


def started(path, **options):
    """A long training, and one that reads it up to the end of its first epoch."""
    arguments = [word if word != "2" else "100000" for word in TRAIN]
    arguments[arguments.index("--factors") + 1] = "2"
    return subprocess.Popen([*PROGRAM, *arguments, str(path)], env=ENVIRONMENT, **options)


def wait_for(path):
    for _ in range(6000):
        if path.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} never came")


SIGNALS = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
BY_NAME = next(a.choices for a in build_parser()._actions if isinstance(a.choices, dict))
NEEDED = {
    "train": ["--save", "m.npz"],
    "recommend": ["m.npz", "--all"],
    "similar": ["m.npz", "--user", "1"],
    "vectors": ["m.npz", "--users", "u.csv"],
}


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("command", BY_NAME)
def test_each_signal_ends_every_command_with_one_line(command, name, monkeypatch, capsys):
    def work(arguments):
        os.kill(os.getpid(), getattr(signal, name))
        time.sleep(60)

    module = importlib.import_module(f"ncf_numpy.commands.{command}")
    monkeypatch.setattr(module, "run", work)  # before the parser takes it
    assert main([command, *NEEDED.get(command, [])]) == 130
    assert capsys.readouterr() == ("", "interrupted\n")


def test_no_command_but_a_download_opens_a_connection(tmp_path, monkeypatch, capsys):
    def connect(*_):
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    rows = [f"{user},{item}\n" for user in range(1, 7) for item in range(1, 7) if user != item]
    (tmp_path / "t.csv").write_text("user,item\n" + "".join(rows), encoding="utf-8")
    for command, status in (
        ("train --data t.csv --model itemknn --save m.npz", 0),
        ("recommend m.npz --user 1", 0),
        ("similar m.npz --item 1", 0),
        ("vectors m.npz --items v.csv", 1),
        ("evaluate --data t.csv --model popularity", 0),
        ("pretrain --data t.csv --epochs 1 --fine-tune-epochs 1 --factors 2", 0),
        ("step --data t.csv --no-pause --html s.html", 0),
        ("gradcheck --model gmf", 0),
        ("exercise 1", 1),
        ("hunt 1", 1),
        ("version", 0),
        ("download", 0),
    ):
        assert main(command.split()) == status, capsys.readouterr()
        assert "a connection" not in capsys.readouterr().err
    assert main(["download", "ml-1m", "--folder", "new"]) == 1  # so `connect` is what is called
    assert "a connection" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP on this system")
def test_sighup_ended_a_training_without_a_word(tmp_path):
    path = tmp_path / "m.npz"
    child = started(path, stderr=subprocess.PIPE, text=True)
    wait_for(tmp_path / "m.npz.checkpoint")
    child.send_signal(signal.SIGHUP)
    _, said = child.communicate(timeout=600)
    assert child.returncode == 130
    assert said.splitlines()[-1].startswith(f"interrupted: {path} keeps epoch ")
    assert len(Recommender.load(path).history) >= 1


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP on this system")
def test_under_nohup_the_training_goes_on(tmp_path):
    path = tmp_path / "m.npz"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the child inherits it
    child = started(path, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGHUP, before)
    checkpoint = tmp_path / "m.npz.checkpoint"
    wait_for(checkpoint)
    child.send_signal(signal.SIGHUP)
    written = checkpoint.stat().st_mtime_ns
    for _ in range(6000):
        if checkpoint.stat().st_mtime_ns != written:
            break
        time.sleep(0.01)
    assert child.poll() is None
    child.terminate()
    child.communicate(timeout=600)
    assert child.returncode == 130


def in_a_terminal(*arguments, before=""):
    """Start a command in a terminal of its own; -> the process, and the other end of it."""
    code = f"import fcntl, signal, sys, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\n{before}\n"
    code += "from ncf_numpy.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    ours, its = os.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))  # room for a bar
    child = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=ENVIRONMENT, stdin=its, stdout=its, stderr=its, start_new_session=True,
    )  # fmt: skip
    os.close(its)
    return child, ours


def close_after(sign, terminal):
    """Read what a command shows up to this sign, and close the window."""
    seen = b""
    while sign not in seen:
        seen += os.read(terminal, 1024)
    os.close(terminal)


@pytest.mark.skipif(sys.platform != "linux", reason="terminals as Linux has them")
@pytest.mark.parametrize("sign", [b"epoch 1/", b"epoch 3/", b"training:"])
def test_a_terminal_that_is_closed_during_training_lost_the_model(tmp_path, sign):
    path = tmp_path / "m.npz"
    child, terminal = in_a_terminal(*trained_by(epochs=49, batch_size=64), path)
    close_after(sign, terminal)
    assert child.wait(600) == 130
    left = {each.name for each in tmp_path.iterdir()}
    if sign != b"training:":  # which is there before an epoch is
        assert len(Recommender.load(path).history) >= 1
        assert left == {"m.npz", "m.npz.checkpoint"}
    assert left <= {"m.npz", "m.npz.checkpoint"}


@pytest.mark.skipif(sys.platform != "linux", reason="terminals as Linux has them")
def test_a_terminal_that_is_closed_where_sighup_is_ignored_stopped_the_training(tmp_path):
    path = tmp_path / "m.npz"
    ignore = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    arguments = trained_by(epochs=20, batch_size=512)
    child, terminal = in_a_terminal(*arguments, path, before=ignore)
    close_after(b"epoch 1/", terminal)
    assert child.wait(600) == 0
    assert len(Recommender.load(path).history) == 20


@pytest.mark.skipif(sys.platform != "linux", reason="terminals as Linux has them")
@pytest.mark.parametrize("press", [b"\x03", b"\x04", b"q\n"], ids=["Ctrl-C", "Ctrl-D", "q"])
def test_ctrl_c_leaves_the_stepper_as_q_does(press):
    child, terminal = in_a_terminal("step")
    seen = b""
    while b"q quit]" not in seen:
        seen += os.read(terminal, 1024)
    os.write(terminal, press)
    assert child.wait(600) == 0
    os.close(terminal)


@pytest.mark.skipif(sys.platform != "linux", reason="terminals as Linux has them")
def test_a_table_that_the_terminal_no_longer_takes_is_an_error_and_its_log_is_whole(tmp_path):
    log = tmp_path / "log.csv"
    evaluate = "evaluate --dataset sample --model gmf popularity --epochs 3 --batch-size 512 --log"
    ignore = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    child, terminal = in_a_terminal(*evaluate.split(), log, before=ignore)
    close_after(b"training:", terminal)
    assert child.wait(600) == 1
    assert len(log.read_text(encoding="utf-8").splitlines()) == 1 + 3


@pytest.mark.skipif(sys.platform != "linux", reason="terminals as Linux has them")
def test_a_terminal_that_is_closed_during_an_evaluation(tmp_path):
    log = tmp_path / "log.csv"
    evaluate = "evaluate --dataset sample --model popularity gmf --epochs 1000 --log"
    child, terminal = in_a_terminal(*evaluate.split(), log)
    close_after(b"training:", terminal)
    assert child.wait(600) == 130
    assert [each.name for each in tmp_path.iterdir()] in ([], ["log.csv"])


@shell
@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux'")
def test_a_path_that_no_encoding_can_show_in_a_c_locale(tmp_path):
    folder = os.fsencode(tmp_path) + b"/\xff\xe9"
    os.mkdir(folder)
    locale = {**ENVIRONMENT, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    (Path(os.fsdecode(folder)) / "plays.csv").write_text(
        "user,item\n" + "".join(f"{u},{i}\n" for u in range(4) for i in range(5) if i != u)
    )

    def run(*arguments):
        done = subprocess.run(
            [*map(os.fsencode, PROGRAM), *arguments], env=locale, capture_output=True, timeout=120
        )
        assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr
        return done.stdout

    data, model = (b"--data", folder + b"/plays.csv"), folder + b"/m.npz"
    small = b"--model", b"gmf", b"--epochs", b"1", b"--factors", b"2"
    run(b"train", *data, *small, b"--log", folder + b"/l.csv", b"--save", model)
    assert run(b"recommend", model, b"--user", b"1").split()[0] == b"item"
    run(b"evaluate", *data, b"--model", b"popularity")
    page, trace = folder + b"/s.html", folder + b"/s.json"
    assert b"MB" in run(b"step", *data, b"--html", page, b"--json", trace)
    names = {b"plays.csv", b"m.npz", b"m.npz.checkpoint", b"l.csv", b"s.html", b"s.json"}
    assert set(os.listdir(folder)) == names


def test_a_batch_too_large_for_a_page_ran_for_minutes(capsys):
    for option, most in (("batch", 100), ("factors", 128), ("steps", 10_000)):
        assert main(["step", f"--{option}", str(most + 1), "--html", "never.html"]) == 1
        assert f"--{option} must be at most {most:,}, got {most + 1:,}" in capsys.readouterr().err
    assert main(["step", "--layers", "512,4"]) == 1
    assert "--layers must be at most 256, got 512" in capsys.readouterr().err
    assert main(["step", "--layers", ",".join(["4"] * 9)]) == 1
    assert "--layers must name at most 8 widths, got 9" in capsys.readouterr().err


def test_a_learning_rate_without_measure_ended_in_an_svd_that_did_not_converge(tmp_path, capsys):
    page = tmp_path / "s.html"
    assert main(["step", "--lr", "1e308", "--steps", "5", "--html", str(page)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("step: with a learning rate of 1e+308 the weights do not")
    assert not page.exists()
    for command in (TRAIN + [str(tmp_path / "m.npz")], TRAIN[:-1] + ["--k", "5"]):
        command = ["evaluate", *command[1:]] if "--k" in command else command
        assert main([*command, "--quiet", "--lr", "1e308"]) == 1
        err = capsys.readouterr().err
        assert "try a lower learning rate" in err and len(err.splitlines()) == 1
