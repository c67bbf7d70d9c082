"""Load and index 17.3 million generated plays in both forms of Last.fm 360K: seconds and memory.

python benchmarks/load_360k.py            the size of the real data
python benchmarks/load_360k.py --rows 1000000

The files are written to a temporary folder first (about 2.3 GB, of which the original form takes 2)
and loaded in a process of their own, so that the peak is of loading alone.
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import machine
import numpy as np
import pandas as pd

from ncf_numpy.datasets import load_lastfm_360k

ROWS, LISTENERS, ARTISTS = 17_302_623, 358_868, 160_110
CHUNK = 10**6
FORMS = "three CSVs", "original"


def generate(folder, form, n):
    """Plays by listener, artists by a power law, in the columns of the real files."""
    rng = np.random.default_rng(0)
    users = np.sort(rng.integers(0, LISTENERS, n))
    artists = np.minimum((ARTISTS * rng.random(n) ** 3).astype(int), ARTISTS - 1)
    plays = rng.geometric(1 / 200, n)
    names = np.array([f"Artist, the {i}th" for i in range(ARTISTS)], dtype=object)
    if form == "three CSVs":
        columns = {"user_id": users, "artist_id": artists, "plays": plays}
        pd.DataFrame(columns).to_csv(folder / "lastfm_play.csv", index=False)
        columns = {"artist_id": range(ARTISTS), "artist_name": names}
        pd.DataFrame(columns).to_csv(folder / "lastfm_artist.csv", index=False)
        columns = {"user_id": range(LISTENERS), "gender": "f", "age": -1, "country": "Korea"}
        pd.DataFrame(columns).to_csv(folder / "lastfm_user.csv", index=False)
        return
    sha1 = np.array([f"{i:040x}" for i in range(LISTENERS)], dtype=object)
    mbids = np.array([f"{i:036x}" if i % 50 else "" for i in range(ARTISTS)], dtype=object)
    with open(folder / "usersha1-artmbid-artname-plays.tsv", "w", encoding="utf-8") as file:
        for low in range(0, n, CHUNK):
            rows = slice(low, low + CHUNK)
            u, a = users[rows], artists[rows]
            for line in zip(sha1[u], mbids[a], names[a], plays[rows].astype(str)):
                file.write("\t".join(line) + "\n")


def load(folder):
    """Print what came out, wall and processor seconds, and this process's peak in GB."""
    start, busy = time.perf_counter(), time.process_time()
    data = load_lastfm_360k(folder)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
    print(data, file=sys.stderr)
    print(*data.notes, sep="\n", file=sys.stderr)
    print(seconds, busy, peak)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--form", choices=FORMS, action="append", help="default: both")
    parser.add_argument("--load", metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        return load(arguments.load)
    print(machine.describe("pandas"))
    for form in arguments.form or FORMS:
        with tempfile.TemporaryDirectory() as folder:
            generate(pathlib.Path(folder), form, arguments.rows)
            size = sum(path.stat().st_size for path in pathlib.Path(folder).iterdir())
            command = [sys.executable, __file__, "--load", folder]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        seconds, busy, peak = map(float, done.stdout.split())
        print(
            f"{form}: {arguments.rows:,} plays in {size / 2**30:.2f} GB: {seconds:.1f} s "
            f"({busy:.1f} s of processor time), peak {peak:.2f} GB"
        )


if __name__ == "__main__":
    main()
