"""The child process: whatever the learner's code does, a reply says what happened."""

import os
import time

import pytest

from ncf_numpy.learn.playground.workshop import Workshop


def gate(*lines):
    """A request whose ReLU.backward begins with these lines."""
    body = [*lines, "return dy * (self.x > 0)"]
    return {"edits": {"ReLU.backward": "def backward(self, dy):\n    " + "\n    ".join(body)}}


@pytest.fixture(scope="module")
def workshop():
    with Workshop(seconds=120) as one:  # what a busy machine may need for an honest answer
        assert one.ask(gate())["first"] is None  # warm
        yield one


def ask_in_a_hurry(workshop, request):
    """Ask what is never answered, and wait for less."""
    patience, workshop.seconds = workshop.seconds, 3
    try:
        return workshop.ask(request)
    finally:
        workshop.seconds = patience


def still_works(workshop):
    reply = workshop.ask(gate())
    return reply["error"] is None and reply["first"] is None


def test_endless_loop_is_ended_and_its_line_named(workshop):
    reply = ask_in_a_hurry(workshop, gate("while True:", "    pass"))
    assert reply["error"]["function"] == "ReLU.backward"
    assert reply["error"]["line"] in (2, 3)
    assert "time was up" in reply["error"]["message"]
    assert still_works(workshop)


@pytest.mark.skipif(os.name != "posix", reason="the process is only interrupted on POSIX")
def test_loop_that_catches_the_interrupt_ends_all_the_same(workshop):
    loop = ("while True:", "    try:", "        while True: pass", "    except BaseException: pass")
    reply = ask_in_a_hurry(workshop, gate(*loop))
    assert "time" in reply["error"]["message"]
    assert still_works(workshop)


def test_sleep_counts_as_time(workshop):
    start = time.monotonic()
    reply = ask_in_a_hurry(workshop, gate("import time", "time.sleep(600)"))
    assert time.monotonic() - start < 300
    assert "time" in reply["error"]["message"]
    assert still_works(workshop)


def test_ten_gigabytes_are_refused(workshop):
    pytest.importorskip("resource", reason="the system bounds no memory")
    reply = workshop.ask(gate("a = np.ones(10 * 2**27)"))
    assert (reply["error"]["function"], reply["error"]["line"]) == ("ReLU.backward", 2)
    assert "MemoryError" in reply["error"]["message"]
    assert still_works(workshop)


def test_output_without_end_is_bounded(workshop):
    reply = ask_in_a_hurry(workshop, gate("while True:", "    print('x' * 1000)"))
    assert "time was up" in reply["error"]["message"]
    assert len(reply["output"]) == 10_000
    reply = workshop.ask(gate("import os", "for k in range(1000): os.write(1, b'x' * 1000)"))
    assert reply["error"] is None  # it went nowhere: not among the replies
    assert still_works(workshop)


def test_file_without_end_is_bounded(workshop):
    pytest.importorskip("resource", reason="the system bounds no files")
    reply = workshop.ask(gate("with open('f', 'wb') as f:", "    f.write(b'x' * 2**24)"))
    assert reply["error"]["line"] in (2, 3)
    assert still_works(workshop)


@pytest.mark.parametrize(
    ("lines", "part"),
    [
        (("import os", "os._exit(3)"), "status 3"),
        (("import ctypes", "ctypes.string_at(0)"), "SIGSEGV"),
    ],
)
def test_crash_is_told_and_the_process_started_anew(workshop, lines, part):
    reply = workshop.ask(gate(*lines))
    assert part in reply["error"]["message"]
    assert reply["stopped"]
    assert still_works(workshop)


def test_input_has_nobody_to_ask(workshop):
    assert "EOFError" in workshop.ask(gate("input()"))["error"]["message"]


def test_code_runs_in_a_folder_of_its_own_that_is_removed():
    with Workshop() as workshop:
        lines = ("import os", "open('kept', 'w').close()", "print(os.getcwd(), os.listdir())")
        folder, names = workshop.ask(gate(*lines))["output"].splitlines()[0].split(" ", 1)
        assert names == "['kept']"
        assert os.path.isdir(folder)
    assert not os.path.exists(folder)


def test_what_the_code_has_started_is_ended_with_it(workshop, tmp_path):
    start = "import subprocess, sys, os"
    child = "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    reply = workshop.ask(gate(start, child, "print(p.pid)", "sys.stdout.flush()"))
    number = int(reply["output"].split()[0])
    workshop.stop()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and alive(number):
        time.sleep(0.05)
    assert not alive(number)
    assert still_works(workshop)


def alive(number):
    """Whether a process runs: one that has ended and waits for its parent does not."""
    try:
        with open(f"/proc/{number}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
