"""Load a table of 5 million pairs, of integers and of texts, beside pandas: seconds and memory.

python benchmarks/load_table.py
python benchmarks/load_table.py --rows 1000000

Pandas reads the file and numbers both columns (`read_csv`, `factorize`); `load_interactions` also
sorts the pairs, merges repeated ones and checks every value. Each runs in a process of its own, in
turn; the best of three processor times and the smallest peak are given.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd

N_USERS, N_ITEMS = 200_000, 50_000
RUN = """
import resource, sys, time
import pandas as pd
from ncf_numpy.datasets import load_interactions
start = time.process_time()
if sys.argv[2] == "pandas":
    table = pd.read_csv(sys.argv[1])
    columns = [pd.factorize(table[name]) for name in table]
else:
    data = load_interactions(sys.argv[1])
seconds = time.process_time() - start
unit = 1 if sys.platform == "darwin" else 1024
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30)
"""


def write(folder, n):
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, N_USERS, n), rng.integers(0, N_ITEMS, n)
    integers = pd.DataFrame({"user": users, "item": items})
    texts = integers.assign(user="u" + integers["user"].astype(str),
                            item="i" + integers["item"].astype(str))  # fmt: skip
    for name, table in {"integers": integers, "texts": texts}.items():
        table.to_csv(folder / f"{name}.csv", index=False)


def measure(path, what):
    """(seconds, GB) of one process."""
    command = [sys.executable, "-c", RUN, str(path), what]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(map(float, out.split()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--write", metavar="FOLDER", help="only write the two files")
    arguments = parser.parse_args()
    if arguments.write:
        return write(pathlib.Path(arguments.write), arguments.rows)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        # in another process: the peak of a child begins with what its parent held
        write_only = ["--write", folder, "--rows", str(arguments.rows)]
        subprocess.run([sys.executable, __file__, *write_only], check=True)
        for kind in ("integers", "texts"):
            path = pathlib.Path(folder) / f"{kind}.csv"
            runs = {"pandas": [], "ncf_numpy": []}
            for _ in range(3):
                for what, found in runs.items():
                    found.append(measure(path, what))
            best = {what: np.min(found, axis=0) for what, found in runs.items()}
            for place, unit in enumerate(("seconds", "GB")):
                values = {what: each[place] for what, each in best.items()}
                ratio = values["ncf_numpy"] / values["pandas"]
                rows.append({"column": kind, "of": unit, **values, "ratio": ratio})
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.2f}".format))


if __name__ == "__main__":
    main()
