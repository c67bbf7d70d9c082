"""What README and docs show and takes minutes: run on real data, as long runs with few epochs."""

import shlex
import subprocess
import sys

import pytest
from snippets import PAGES, ROOT, blocks, commands

pytestmark = pytest.mark.robustness

# script -> what makes it short, and keeps it from writing into the repository
SHORTER = {
    "examples/evaluation_lab.py": "--epochs 1",
    "examples/reproduce_paper.py": "--epochs 1 --seeds 0 --csv epochs.csv --weights weights",
    "examples/reference_table.py": "--models popularity --results . --ranks ranks",
    "benchmarks/epoch.py": "--implementations ours --batches 1280 --repeats 1 --results .",
    "benchmarks/defaults.py": "--models mf --seeds 0 --results .",
    "benchmarks/jobs.py": "--jobs 'fit item-kNN' --repeats 1 --results .",
    "-m": "--quiet",  # a command of the package
}
NEURAL = {"gmf", "mlp", "neumf"}


def python(arguments, folder):
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "command",
    [
        command
        for page in PAGES
        for block in blocks(page, "commands")
        for command in commands(block.text)
        if "FOLDER/" in command
    ],
)
def test_commands_on_real_data(command, data_dir, tmp_path):
    _, script, *arguments = shlex.split(command)
    places = {
        word: str(data_dir(word.removeprefix("FOLDER/"))) for word in arguments if "/" in word
    }
    places["OTHER_CHECKOUT"] = str(ROOT)
    arguments = [places.get(word, word) for word in arguments]
    assert script in SHORTER, f"how is {command} cut short?"
    program = script if script == "-m" else ROOT / script
    assert python([program, *arguments, *shlex.split(SHORTER[script])], tmp_path)


@pytest.mark.parametrize("name", ["hetrec", "sample"])
def test_the_readmes_tables_are_what_the_example_prints(name, data_dir, tmp_path):
    (shown,) = (
        b.text
        for b in blocks("docs/explanation/results.md", "results")
        if b.mark == f"results: {name}"
    )
    data = ["--data", str(data_dir("hetrec2011-lastfm-2k"))]
    arguments = data if name == "hetrec" else ["--dataset", "sample"]
    printed = python([ROOT / "examples" / "train_lastfm.py", *arguments], tmp_path)
    table = printed[printed.index("HR@10 validation") :].splitlines()[1 : 1 + shown.count("\n")]
    rows = {line.split()[0]: line.split() for line in table if line.strip()}
    for line in shown.splitlines()[1:]:
        model, *figures = line.split()
        if model not in NEURAL:
            assert rows[model][1 : 1 + len(figures)] == figures
        else:  # another processor rounds another way, and may choose another epoch
            got = [float(figure) for figure in rows[model][3:7]]
            assert got == pytest.approx([float(figure) for figure in figures[2:]], abs=0.03)
