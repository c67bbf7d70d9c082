"""Runs requests in a child process that is warm, watched, and started again when it has to end.

    with Workshop() as workshop:
        reply = workshop.ask(request)        # a reply also says that the time or the memory is up
        workshop.stop()                      # from another thread: ends what is running

A child works in an empty folder of its own, in its own process group, which is killed as a whole.
"""

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

SECONDS = 10.0  # for one request
GRACE = 1.0  # for a child that is asked to end what it does
STARTING = 60.0  # for a child to come up, on a slow machine
MOST_REPLY = 25 << 20  # characters of a line


class Workshop:
    """At most one request runs; a second one waits for it."""

    def __init__(self, seconds=SECONDS):
        self.seconds, self.child, self.why = seconds, None, ""
        self.turn, self.changing = threading.Lock(), threading.RLock()
        self.open = True
        self.renew()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def ask(self, request):
        """The child's reply, or one that says what happened to the child."""
        with self.turn:
            child = self.child
            self.why = ""
            started = child.ready.wait(STARTING)
            line = child.ask(json.dumps(request), self.seconds) if started else None
            if line is not None:
                return json.loads(line)
            with self.changing:
                why = self.why or child.end()
                if self.open:
                    self.renew()
            return {"error": {"function": None, "line": None, "message": why}, "stopped": True}

    def stop(self):
        """End what is running; the request that waits for it hears so."""
        with self.changing:
            self.why = "stopped, as you asked"
            self.child.kill()
            if not self.turn.locked():
                self.renew()

    def renew(self):
        with self.changing:
            if self.child is not None:
                self.child.remove()
            self.child = Child()

    def close(self):
        with self.changing:
            self.open = False
            self.child.remove()


class Child:
    """One process with its folder. `ready` is set once it has answered a first, empty request."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="ncf_numpy-playground-")
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env=environment(),
            encoding="utf-8",
            start_new_session=os.name == "posix",
        )
        self.lines, self.ready, self.late = queue.Queue(), threading.Event(), False
        threading.Thread(target=self.read, daemon=True).start()
        threading.Thread(target=self.warm, daemon=True).start()

    def read(self):
        while True:
            line = self.process.stdout.readline(MOST_REPLY)
            whole = line.endswith("\n")
            self.lines.put(line if whole else None)
            if not whole:
                return

    def warm(self):
        self.ask("{}", STARTING)
        self.ready.set()

    def ask(self, text, seconds):
        """The line it answers; None if it ends, or has not answered in time."""
        try:
            self.process.stdin.write(text + "\n")
            self.process.stdin.flush()
            return self.lines.get(timeout=seconds)
        except queue.Empty:
            return self.interrupt()
        except OSError:  # it has ended
            return None

    def interrupt(self):
        """Ask for a reply at once, as Ctrl-C does: it then names the line that was running."""
        if os.name == "posix":
            os.kill(self.process.pid, signal.SIGINT)
            with contextlib.suppress(queue.Empty):
                return self.lines.get(timeout=GRACE)
        self.late = True
        return None

    def end(self):
        """Kill it; -> what happened to it, as a sentence."""
        if self.late:
            self.kill()
            return "the time is up: is there a loop without end? The process was started again"
        self.kill()
        how = f"with status {self.process.returncode}"
        if self.process.returncode < 0:
            how = f"by signal {signal.Signals(-self.process.returncode).name}"
        return f"the process that ran the code ended {how}; it was started again"

    def kill(self):
        """End the process and all that it has started."""
        if os.name == "posix":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()

    def remove(self):
        self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):  # what was to be written has no reader
                pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def environment():
    """What a child is told: where the package is, and that BLAS has one thread."""
    root = str(Path(__file__).parents[3])
    paths = [root, os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
