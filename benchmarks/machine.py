"""What every benchmark prints and writes: the machine, the versions, and a CSV beside the script."""

import datetime
import importlib.metadata
import os
import pathlib
import platform

import pandas as pd

RESULTS = pathlib.Path(__file__).parent / "results"


def describe(*packages):
    """One line: date, processor, cores, Python and the versions of the packages installed."""
    versions = []
    for package in ("numpy", *packages):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    today = datetime.date.today().isoformat()
    return (
        f"{today}; {processor()}, {cores} cores; Python {platform.python_version()}, "
        + ", ".join(versions)
    )


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


def write(rows, name):
    """Write a list of dicts to benchmarks/results/NAME.csv and return the DataFrame."""
    table = pd.DataFrame(rows)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.csv"
    table.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")
    print(f"written to {path}")
    return table
