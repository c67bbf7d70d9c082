"""Processes to ill-treat: run a function in a new one, fork it, and interrupt it at any line.

A new process has one BLAS thread and everything imported, so a fork of it costs milliseconds.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import namedtuple
from pathlib import Path

import numpy as np
from tqdm import tqdm

import ncf_numpy
from ncf_numpy.__main__ import main

HERE = Path(__file__).parent
PACKAGE = Path(ncf_numpy.__file__).parent
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(map(str, (PACKAGE.parent, HERE.parent, HERE))),
    "PYTHONUTF8": "1",
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
}
# What a line of the package belongs to, by its file; the files not named here train.
PHASES = {
    "sampling.py": "sampling",
    "metrics.py": "evaluation",
    "safe_file.py": "saving",
    "whole_file.py": "saving",
    "checkpoint.py": "saving",
    "downloads.py": "downloading",
    "network.py": "downloading",
    "tabular.py": "reading",
    "interactions.py": "reading",
    "split.py": "reading",
}

Ended = namedtuple("Ended", "status text")


def in_new_process(call, *arguments):
    """What module.function(*arguments) returns in a new process; JSON carries both over."""
    module, function = call.split(".")
    code = (
        f"import json, sys, {module}\n"
        f"print(json.dumps({module}.{function}(*json.loads(sys.argv[1]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(arguments)],
        env=ENVIRONMENT,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def command(*arguments, code="from ncf_numpy.__main__ import main; sys.exit(main(sys.argv[1:]))"):
    """A real command, started."""
    return subprocess.Popen(
        [sys.executable, "-c", "import sys\n" + code, *map(str, arguments)],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


# tqdm's own lock is shared with forks: one that dies within it would stop all others.
tqdm.set_lock(threading.RLock())


def fork(function, *arguments):
    """The number of a child that runs a function, writes to nobody, and ends with its status."""
    child = os.fork()
    if child:
        return child
    status = 99
    try:
        status = function(*arguments) or 0
        sys.stderr.flush()
    finally:
        os._exit(status)


def forked(function, *arguments):
    """How a function ends in a fork of this process: its status, and what it wrote."""
    with tempfile.TemporaryFile() as written:

        def run():
            os.dup2(written.fileno(), 1)
            os.dup2(written.fileno(), 2)
            return function(*arguments)

        _, status = os.waitpid(fork(run), 0)
        written.seek(0)
        return Ended(os.waitstatus_to_exitcode(status), written.read().decode())


class Lines:
    """Counts the lines that Python runs below a command's run, and interrupts at one of them.

    line: where to send the signal.  again: seconds after which there is a second interruption.
    After `main`, `phases` has the phase of each line.
    """

    def __init__(self, line=None, number=None, again=None):
        self.at, self.number, self.again, self.phases = line, number, again, []
        self.command = None  # its frame, while it runs

    def main(self, *arguments):
        """The status of the command."""
        sys.settrace(self.enter)
        try:
            return main([*map(str, arguments)])
        finally:
            sys.settrace(None)

    def enter(self, frame, event, _):
        if frame.f_code.co_name == "run" and "commands" in frame.f_code.co_filename:
            self.command = frame
        callers = frame.f_code.co_name, frame.f_back and frame.f_back.f_code.co_name
        swallowed = "__del__" in callers  # Python lets no exception out of these
        return self.line if self.command and not swallowed else None

    def line(self, frame, event, _):
        if event == "return" and frame is self.command:
            self.command = None
        if event == "line":
            self.phases.append(self.phase(frame))
            if len(self.phases) - 1 == self.at:
                if self.again is not None:  # this tracing ends with the first
                    signal.signal(signal.SIGALRM, signal.default_int_handler)
                    signal.setitimer(signal.ITIMER_REAL, self.again)
                os.kill(os.getpid(), self.number)
        return self.line

    def phase(self, frame):
        while not frame.f_code.co_filename.startswith(str(PACKAGE)):
            frame = frame.f_back
            if frame is None:
                return "other"
        return PHASES.get(Path(frame.f_code.co_filename).name, "training")


def moments(phases, n, rng):
    """The numbers of up to n lines of each phase, drawn at random."""
    phases = np.array(phases)
    return [
        int(line)
        for phase in sorted(set(phases))
        for line in rng.permutation(np.flatnonzero(phases == phase))[:n]
    ]
