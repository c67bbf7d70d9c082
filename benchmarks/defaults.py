"""`Recommender(model).fit(data)` of this checkout against that of another one: HR@10 and time.

    git worktree add ../other COMMIT
    python benchmarks/defaults.py ../other FOLDER/deepcf-lastfm --models neumf gmf

The two take turns, each training in a process of its own on one thread, with nothing but defaults
and a seed. They fit the published training pairs of a folder of NCF files, and the published test
items are ranked. Processor time of `fit` is counted, so that other processes disturb little. A
training that is in the CSV already is not run again.
"""

import json
import subprocess
import sys
from pathlib import Path

import machine
import pandas as pd

HERE = Path(__file__).parents[1]
CELL = ["data", "model", "seed"]
TRAIN = """
import json, sys, time
import numpy as np
from ncf_numpy import Recommender, evaluate
from ncf_numpy.datasets import load_ncf_files

prefix, model, seed = sys.argv[1:]
split = load_ncf_files(prefix, np.random.default_rng(0), validation=False)
start = time.process_time()
recommender = Recommender(model, seed=int(seed)).fit(split.train)
seconds = time.process_time() - start
result = evaluate(recommender.model, split.test)
print(json.dumps({"HR@10": result.hr, "NDCG@10": result.ndcg, "seconds": seconds}))
"""


def trained(checkout, *arguments):
    """{"HR@10", "NDCG@10", "seconds"} of one training by the package of a checkout."""
    command = [sys.executable, "-c", TRAIN, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=checkout, env=machine.environment(1) | {"PYTHONPATH": str(checkout)},
        stdout=subprocess.PIPE, encoding="utf-8", check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def main():
    parser = machine.parser(__doc__)
    parser.add_argument("checkout", type=Path, help="the folder of another checkout")
    parser.add_argument("folder", type=Path, help="NCF files, as FOLDER/ml-1m")
    parser.add_argument("--models", nargs="+", default=["neumf"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    machine.limit_threads(1)
    about = machine.describe()
    print(about)
    results = machine.Results(arguments.results, "defaults", about, anew=False)
    known = pd.read_csv(results.path)[CELL].values.tolist() if results.path.exists() else []
    folder, checkouts = (
        arguments.folder.absolute(),
        {"old": arguments.checkout.absolute(), "": HERE},
    )
    for seed in arguments.seeds:
        for model in arguments.models:
            if [folder.name, model, seed] in known:
                continue
            row = dict(zip(CELL, (folder.name, model, seed)))
            for name, checkout in checkouts.items():
                found = trained(checkout, folder, model, seed)
                row |= {f"{name} {figure}".strip(): value for figure, value in found.items()}
            results.add(row | {"seconds / old": row["seconds"] / row["old seconds"]})
    means = pd.read_csv(results.path).groupby(CELL[:2]).mean(numeric_only=True)
    print(means.drop(columns="seed").round(4).to_string())


if __name__ == "__main__":
    main()
