"""Prints what docs/results/epochs.csv holds beside what was published, and draws the figures.

    python examples/paper_report.py                  # every cell, as Markdown
    python examples/paper_report.py --write docs/explanation/results.md     # into its place there

Used by reproduce_paper.py, which fills that file. A line is the mean over seeds.
"""

import argparse
import math
from itertools import cycle
from pathlib import Path

import pandas as pd

from ncf_numpy import plots

RESULTS = Path(__file__).parent.parent / "docs" / "results"
EPOCHS, PUBLISHED = RESULTS / "epochs.csv", RESULTS / "published.csv"

SETTINGS = ["data", "model", "factors", "layers", "negatives", "lr", "batch_size", "epochs"]
HEAD = ["data", "model", "factors layers", "negatives", "lr", "seeds", "HR@10"]
HEAD += ["lowest to highest", "NDCG@10", "epochs", "epoch on test", "seconds", "published"]
CHOOSES = ["gmf", "mlp", "neumf", "pretrained", "pretrained-sgd"]  # models with a choice of epoch
RULES = {
    "validation": "epoch chosen on validation items, which the model never trains on",
    "refit": "epoch chosen on validation items by one run, reported of another that trains on them",
    "test": "trained on everything, epoch chosen on test (the authors' way: too optimistic)",
}


def read(path, columns=()):
    """A CSV of results; an empty table of these columns if there is none."""
    if not Path(path).is_file():
        return pd.DataFrame(columns=list(columns))
    table = pd.read_csv(path, dtype={"layers": str, "model": str, "source": str})
    return table.fillna({"layers": ""})


def chosen_epochs(table, rule):
    """One row per run: that of the epoch the rule chooses.

    Runs of models without a choice (a closed form, or a fixed number of epochs) give their last.
    """
    free = table["model"].isin(CHOOSES)
    runs = [*SETTINGS, "trained_on", "seed"]
    last = table[~free].sort_values("epoch").groupby(runs, sort=False).tail(1)
    judge = "test" if rule == "test" else "validation"
    part = table[free & (table["trained_on"] == ("all" if rule == "test" else "train"))]
    best = part.sort_values([f"{judge}_hr", f"{judge}_ndcg"]).groupby(runs, sort=False).tail(1)
    if rule == "refit":
        epochs = best[[*SETTINGS, "seed", "epoch"]]
        best = table[free & (table["trained_on"] == "all")].merge(epochs)
    return pd.concat([best, last])


def summary(table, rule):
    """A row per setting: mean over seeds, spread, epochs, seconds, and what was published."""
    published = read(PUBLISHED)
    published = published[published["epoch"].isna()]
    rows = []
    by_test = best_on_test(table)
    for values, runs in chosen_epochs(table, rule).groupby(SETTINGS, sort=False):
        runs = runs.sort_values("seed")
        same_runs = by_test.merge(runs[[*SETTINGS, "trained_on", "seed"]])
        setting = dict(zip(SETTINGS, values))
        same = published["layers"].isin([setting["layers"], ""])
        for name in ("data", "model", "factors", "negatives"):
            same &= published[name] == setting[name]
        seconds = table.merge(runs[[*SETTINGS, "trained_on", "seed"]])["train_seconds"].sum()
        rows.append(
            {
                **setting,
                "seeds": len(runs),
                "hr": runs["test_hr"].mean(),
                "ndcg": runs["test_ndcg"].mean(),
                "low": runs["test_hr"].min(),
                "high": runs["test_hr"].max(),
                "chosen": " ".join(str(epoch) for epoch in runs["epoch"]),
                "on_test": same_runs["test_hr"].mean(),
                "seconds": seconds / len(runs),
                "published": "; ".join(describe(row) for _, row in published[same].iterrows()),
            }
        )
    return pd.DataFrame(rows)


def best_on_test(table):
    """For every run with a choice of epoch, the row of the epoch that is best on test."""
    free = table[table["model"].isin(CHOOSES)]
    runs = [*SETTINGS, "trained_on", "seed"]
    return free.sort_values(["test_hr", "test_ndcg"]).groupby(runs, sort=False).tail(1)


def describe(row):
    """'0.6880/0.4100 (NCF table 2)'."""
    ndcg = "" if math.isnan(row["ndcg"]) else f"/{short(row['ndcg'])}"
    return f"{short(row['hr'])}{ndcg} ({row['source']})"


def short(value):
    """0.6881: four decimals."""
    return f"{value:.4f}"


def markdown(table, rule):
    """The summary as lines of a Markdown table, the best of each data set first."""
    lines = [row_of(HEAD), row_of(["---"] * len(HEAD))]
    rows = summary(table, rule)
    if len(rows):
        rows = rows.sort_values(["data", "hr"], ascending=False)
    for _, row in rows.iterrows():
        chosen = f"{row['chosen']} of " if row["model"] in CHOOSES else ""
        cells = [
            row["data"],
            row["model"],
            f"{row['factors'] or ''} {row['layers']}".strip(),
            row["negatives"] or "",
            f"{row['lr']:g}" if row["lr"] else "",
            row["seeds"],
            short(row["hr"]),
            f"{short(row['low'])} to {short(row['high'])}" if row["seeds"] > 1 else "",
            short(row["ndcg"]),
            f"{chosen}{row['epochs'] or ''}",
            short(row["on_test"]) if row["model"] in CHOOSES else "",
            f"{row['seconds']:.0f}",
            row["published"],
        ]
        lines.append(row_of(cells))
    return lines


def parts(table):
    """(rule, rows of the table it says something new about); baselines do not change with it."""
    chooses = table["model"].isin(CHOOSES)
    return [(rule, table if rule == "validation" else table[chooses]) for rule in RULES]


def row_of(cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def show(table, rule):
    """Print the summary, or that there is nothing to show."""
    if table.empty:
        print("no finished cells")
        return
    print(f"\nHR@10 and NDCG@10, {RULES[rule]}:\n")
    print("\n".join(markdown(table, rule)))


def fill(path, parts):
    """Replace {name: lines} in a Markdown file: each part stands after a comment with its name."""
    text = path.read_text(encoding="utf-8")
    for name, lines in parts.items():
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, rest = text.split(start)
        after = rest.split(end)[1]
        text = before + start + "\n".join(lines) + "\n" + end + after
    path.write_text(text, encoding="utf-8")


def plot(table, rule, figure, path):
    """Draw figure 4 (factors), 6 (epochs) or 7 (negatives) into a file."""
    try:
        plots.check_file(path)
    except (OSError, ValueError, ImportError) as error:
        raise SystemExit(f"error: {error}") from error
    theirs = read(PUBLISHED).merge(table[["data"]].drop_duplicates())
    theirs = theirs[theirs["source"] == f"NCF figure {figure}"]
    if figure == 6:
        x, names = "epoch", ["loss", "hr", "ndcg"]
        ours = table[table["trained_on"] == ("all" if rule == "test" else "train")]
        ours = ours.rename(columns={"test_hr": "hr", "test_ndcg": "ndcg"})
    else:
        x, names = "factors" if figure == 4 else "negatives", ["hr", "ndcg"]
        ours = summary(table, rule)
    with plots.style():
        panels = plots.panels(len(names))
        for axes, name in zip(panels, names):
            curves = ["model", "factors"] if figure == 6 else ["model"]
            for (curve, part), line in zip(ours.groupby(curves, sort=False), cycle(plots.LINES)):
                colour, marker, _ = line
                mean, model = part.groupby(x)[name].mean(), curve[0]
                label = " ".join(map(str, curve))  # "neumf 16" in figure 6
                axes.plot(mean.index, mean, c=colour, marker=marker, label=label)
                known = theirs[theirs["model"] == model].dropna(subset=[name])
                axes.plot(known[x], known[name], ":", c=colour, marker="x")
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.set(xlabel=x, ylabel={"hr": "HR@10", "ndcg": "NDCG@10"}.get(name, name))
            axes.grid(axis="y")
        panels[0].legend(title="dotted: the paper")
    plots.finish(panels[0].figure, path)
    print(f"drawn: {path}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, default=EPOCHS)
    parser.add_argument("--write", type=Path, metavar="FILE.md", help="put the tables in there")
    arguments = parser.parse_args()
    table = read(arguments.csv)
    if arguments.write:
        fill(arguments.write, {rule: markdown(part, rule) for rule, part in parts(table)})
        return
    for rule, part in parts(table):
        show(part, rule)


if __name__ == "__main__":
    main()
