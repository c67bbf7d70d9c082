"""What every benchmark shares: limits, a clean environment, a line on the machine, a CSV."""

import argparse
import datetime
import importlib.metadata
import os
import pathlib
import platform
import subprocess
import sys
import time

import pandas as pd

RESULTS = pathlib.Path(__file__).parent / "results"
LIMITS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
OVERRIDES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # of what OpenBLAS finds out for itself
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def parser(description):
    """An ArgumentParser with --results, to which a benchmark adds its own options."""
    arguments = argparse.ArgumentParser(description=description.split("\n")[0])
    arguments.add_argument(
        "--results", type=pathlib.Path, default=RESULTS, metavar="DIR", help="where the CSV goes"
    )
    return arguments


def describe(*packages):
    """One line: date, processor, cores, Python and the versions of the packages installed."""
    versions = []
    for package in ("numpy", *packages):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    today = datetime.date.today().isoformat()
    hardware = f"{today}; {processor()}, {os.cpu_count()} cores; {kernels()}"
    return f"{hardware}; " + ", ".join([f"Python {platform.python_version()}", *versions])


def kernels():
    """Which matrix kernels NumPy's BLAS uses here, as in "OpenBLAS 0.3.31 SkylakeX"."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "BLAS kernels unknown without threadpoolctl"
    found = [
        f"{library['internal_api']} {library['version']} {library.get('architecture', '')}".strip()
        for library in threadpool_info()
        if library["user_api"] == "blas" and "numpy" in library["filepath"]
    ]
    return ", ".join(found) or "BLAS kernels unknown"


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def environment(threads=None):
    """The environment of a child: nothing that overrides OpenBLAS, and a limit on threads or none.

    Limits from outside are dropped, too, so that None stands for what OpenBLAS does by itself.
    """
    dropped = (*OVERRIDES, *LIMITS)
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept if threads is None else kept | dict.fromkeys(LIMITS, str(threads))


def limit_threads(threads=None):
    """Go on in `environment(threads)`; in a child, for libraries read it as they load."""
    wanted = environment(threads)
    if wanted != os.environ:
        sys.exit(subprocess.run([sys.executable, *sys.argv], env=wanted).returncode)


def limit_cores(cores):
    """Go on with at most this many cores, where the system allows it: JAX reads no other limit."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])


class Results:
    """FOLDER/NAME.csv, a row per measurement, on disk as soon as it is made."""

    def __init__(self, folder, name, about, *, anew=True):
        self.path, self.about = folder / f"{name}.csv", about
        folder.mkdir(parents=True, exist_ok=True)
        if anew:
            self.path.unlink(missing_ok=True)

    def add(self, row):
        """Append a dict, print it, and return it as it was given."""
        table = pd.DataFrame([row])
        print(table.round(3).to_string(index=False), flush=True)
        table.assign(machine=self.about).to_csv(
            self.path,
            mode="a",
            header=not self.path.exists(),
            index=False,
            encoding="utf-8",
            lineterminator="\n",
        )
        return row
