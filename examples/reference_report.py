"""Prints the reference table: what docs/results/reference/ says about each model.

    python examples/reference_report.py            # all parts, as Markdown
    python examples/reference_report.py --write    # into their places in README and the results

Used after reference_table.py, which fills those files. What has not been run stays empty. A winner
is named only where its paired interval excludes 0 beside every other model.
"""

import argparse
from pathlib import Path

import paper_report
from paper_report import fill, row_of, short
from reference_table import MEASURES, MODELS, RANKINGS, RESULTS, Table, seeds_of

ROOT = Path(__file__).parent.parent
PAGES = {
    "README.md": ("summary",),
    "docs/explanation/results.md": ("winners", "tables", "winner on the sample", "sample"),
}
DATA = {"ml-1m": "MovieLens-1M", "deepcf-lastfm": "Last.fm", "sample": "the synthetic sample"}
PUBLISHED = ("ml-1m", "deepcf-lastfm")
NAMES = {
    "popularity": "popularity",
    "itemknn": "item-kNN",
    "ease": "EASE",
    "ials": "implicit ALS",
    "bpr": "BPR",
    "mf": "MF",
    "gmf": "GMF",
    "mlp": "MLP",
    "neumf": "NeuMF",
    "pretrained": "NeuMF, pre-trained",
}
NETWORKS = ("gmf", "mlp", "neumf")
AGAINST = {"sampled": "99 sampled", "full": "all items"}
LARGE = 64  # factors from which runs are taken from epochs.csv


class Report:
    """The CSV files of reference_table.py, and the parts of the pages that are made from them."""

    def __init__(self, results=RESULTS):
        table = Table(results, ranks=None)
        self.runs, self.figures = table.read("runs"), table.read("figures")
        self.differences = table.read("differences")

    def parts(self):
        """{name of its place: lines of Markdown}."""
        return {
            "summary": self.summary(),
            "winners": self.winners(PUBLISHED),
            "tables": [line for data in PUBLISHED for line in self.of_data(data)],
            "winner on the sample": self.winners(["sample"]),
            "sample": self.of_data("sample"),
        }

    def summary(self):
        """HR@10 of every model, a row for each data set and ranking.

        In bold the winner, where all have been run; in italics a larger model's figure.
        """
        head = ["HR@10", *(NAMES[model] for model in (*MODELS, "pretrained"))]
        lines = [row_of(head), row_of(["---", *["---:"] * (len(head) - 1)])]
        for data in PUBLISHED:
            for ranking in RANKINGS:
                figures = self.ranked(data, ranking, "HR")
                cells = {model: short(figure) for model, figure in figures.items()}
                winner = self.winner(data, ranking, "HR")
                if winner and len(figures) == len(MODELS):
                    cells[winner] = f"**{cells[winner]}**"
                if ranking == "sampled":
                    for model, runs in larger(data).items():
                        cells.setdefault(model, f"*{short(runs['test_hr'].mean())}*")
                row = [cells.get(model, "") for model in (*MODELS, "pretrained")]
                lines.append(row_of([f"{DATA[data]}, {AGAINST[ranking]}", *row]))
        return lines

    def winners(self, of):
        """What wins, by how much, and how far the best network is behind."""
        head = ["data", "ranked against", "measure", "best", "next", "difference", "winner"]
        head += ["best network", "behind the best by"]
        lines = [row_of(head), row_of(["---"] * len(head))]
        for data in of:
            for ranking in RANKINGS:
                for measure in MEASURES:
                    place = DATA[data], AGAINST[ranking], f"{measure}@10"
                    lines.append(row_of([*place, *self.verdict(data, ranking, measure)]))
        return lines

    def verdict(self, data, ranking, measure):
        """Cells: best, next, difference, winner, best network, how far that is behind."""
        figures = self.ranked(data, ranking, measure)
        names = list(figures)
        if len(names) < 2:
            return ["not run", *[""] * 5]
        network = next((name for name in names if name in NETWORKS), None)
        winner = self.winner(data, ranking, measure)
        among = "" if len(names) == len(MODELS) else f", of {len(names)} models run"
        return [
            f"{NAMES[names[0]]} {short(figures[names[0]])}",
            f"{NAMES[names[1]]} {short(figures[names[1]])}",
            self.difference(data, ranking, measure, *names[:2]),
            f"{NAMES[winner]}{among}" if winner else "none: the interval holds 0",
            f"{NAMES[network]} {short(figures[network])}" if network else "not run",
            self.difference(data, ranking, measure, names[0], network) if network else "",
        ]

    def ranked(self, data, ranking, measure):
        """{model: figure}, the highest first."""
        rows = at(self.figures, data, ranking, measure)
        return dict(zip(rows["model"], rows["figure"])) if len(rows) else {}

    def winner(self, data, ranking, measure):
        """The model that is better than every other for certain; None if there is none."""
        names = list(self.ranked(data, ranking, measure))
        rows = at(self.differences, data, ranking, measure)
        if len(names) < 2:
            return None
        against_all = rows[rows["a"] == names[0]]
        is_clear = len(against_all) == len(names) - 1 and (against_all["low"] > 0).all()
        return names[0] if is_clear else None

    def difference(self, data, ranking, measure, a, b):
        """'+0.0169 [+0.0080, +0.0260]', "" for a model beside itself."""
        rows = at(self.differences, data, ranking, measure)
        rows = rows[(rows["a"] == a) & (rows["b"] == b)]
        return "".join(
            f"{signed(row.difference)} [{signed(row.low)}, {signed(row.high)}]"
            for row in rows.itertuples()
        )

    def of_data(self, data):
        """The two rankings, then what the runs took."""
        lines = [f"### On {DATA[data]}", ""]
        for ranking in RANKINGS:
            lines += [*self.of_ranking(data, ranking), ""]
        return [*lines, *self.costs(data), ""]

    def of_ranking(self, data, ranking):
        """A row for each model: HR and NDCG, each with its interval and its spread over seeds."""
        head = [f"ranked among {AGAINST[ranking]}", "seeds"]
        for name in ("HR@10", "NDCG@10"):
            head += [name, "95% interval", "lowest to highest seed"]
        lines = [row_of(head), row_of(["---"] * len(head))]
        for model in MODELS:
            lines.append(row_of([NAMES[model], *self.measured(data, ranking, model)]))
        for model, runs in larger(data).items() if ranking == "sampled" else ():
            cells = [f"{NAMES[model]}, {runs['size'].iloc[0]:g} factors", len(runs)]
            for name in ("test_hr", "test_ndcg"):
                cells += [short(runs[name].mean()), "", spread(runs[name])]
            lines.append(row_of(cells))
        return lines

    def measured(self, data, ranking, model):
        """Cells of one model: number of seeds, and for each measure figure, interval, spread."""
        runs = self.tests(data, model)
        if len(runs) < len(seeds_of(model)):
            return [f"{len(runs)} of {len(seeds_of(model))}", *[""] * 6]
        cells = [len(runs)]
        for measure in MEASURES:
            values = runs[f"{ranking}_{measure.lower()}"]
            rows = at(self.figures, data, ranking, measure)
            figure, interval = values.mean(), ""  # all there is where no ranks were kept
            for row in rows[rows["model"] == model].itertuples():
                figure, interval = row.figure, f"{short(row.low)} to {short(row.high)}"
            cells += [short(figure), interval, spread(values)]
        return cells

    def costs(self, data):
        """A row for each model: settings tried, the one chosen, and what training took."""
        head = ["model", "settings tried", "chosen by validation", "HR@10 there", "epochs"]
        head += ["CPU seconds of a run", "of the search", "memory in MB"]
        lines = [row_of(head), row_of(["---"] * len(head))]
        for model in MODELS:
            tried = self.of(data, model, "search")
            tests = self.tests(data, model)
            n = len(tried)
            if not len(tests):
                lines.append(row_of([NAMES[model], n or "", *[""] * 6]))
                continue
            setting = tests["setting"].iloc[0]
            chosen = tried[tried["setting"] == setting]
            epochs = " ".join(f"{epoch:g}" for epoch in tests.sort_values("seed")["epoch"])
            cells = [n if setting else "has none", setting]
            cells += ["".join(short(value) for value in chosen["validation_hr"])]
            cells += ["" if set(tests["epoch"]) == {0} else epochs]
            cells += [f"{tests['cpu_seconds'].mean():.1f}", f"{tried['cpu_seconds'].sum():.0f}"]
            lines.append(row_of([NAMES[model], *cells, f"{tests['peak_mb'].max():.0f}"]))
        return lines

    def of(self, data, model, part):
        runs = self.runs
        return runs[(runs["data"] == data) & (runs["model"] == model) & (runs["part"] == part)]

    def tests(self, data, model):
        return self.of(data, model, "test")


def at(table, data, ranking, measure):
    """The rows of one place, the highest figure first."""
    if not len(table):
        return table
    here = table["data"] == data
    rows = table[here & (table["ranking"] == ranking) & (table["measure"] == measure)]
    return rows.sort_values("figure", ascending=False) if "figure" in rows else rows


def larger(data):
    """Runs of epochs.csv with 64 factors or more, whose ranks were not kept: {model: its rows}.

    Of several settings of a model these are those with the highest validation HR@10.
    """
    table = paper_report.read(paper_report.EPOCHS)
    named = table["model"].str.extract(r"ials-(\d+)", expand=False).astype(float)
    table["size"] = named.fillna(table["factors"])  # a closed form carries its settings in its name
    table = table[(table["data"] == data) & (table["size"] >= LARGE)]
    runs = paper_report.chosen_epochs(table, "validation") if len(table) else table
    best = {}
    for (_, name, *_), rows in runs.groupby(paper_report.SETTINGS, sort=False):
        model = name.split("-")[0]
        before = best.get(model)
        if before is None or rows["validation_hr"].mean() > before["validation_hr"].mean():
            best[model] = rows
    return best


def spread(values):
    """'0.6858 to 0.6881', "" for a single one."""
    return f"{short(values.min())} to {short(values.max())}" if len(values) > 1 else ""


def signed(value):
    """'+0.0123', '-0.0041'."""
    return f"{value:+.4f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the CSV files")
    parser.add_argument("--write", action="store_true", help="put the parts into the pages")
    arguments = parser.parse_args()
    parts = Report(arguments.results).parts()
    if arguments.write:
        for page, names in PAGES.items():
            fill(ROOT / page, {name: parts[name] for name in names})
        return
    for lines in parts.values():
        print("\n".join(lines), end="\n\n")


if __name__ == "__main__":
    main()
