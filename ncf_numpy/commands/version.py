"""python -m ncf_numpy version: what to quote in a report."""

import importlib.metadata
import platform

import numpy as np
import pandas as pd


def add_parser(commands):
    parser = commands.add_parser(
        "version",
        help="print the versions of all that takes part",
        description="Print the versions of ncf_numpy, Python, NumPy and pandas, and the system.",
        epilog="example: python -m ncf_numpy version",
    )
    parser.set_defaults(run=run)


def run(arguments):
    try:
        own = importlib.metadata.version("ncf-numpy")
    except importlib.metadata.PackageNotFoundError:
        own = "(a source folder, not installed)"
    print(f"ncf_numpy {own}")
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, pandas {pd.__version__}")
    print(platform.platform())
    return 0
