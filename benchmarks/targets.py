"""What the benchmarks are aimed at, and whether the CSVs say that it is met.

Each function takes the results of one benchmark and yields (target, measured, met).
"""


def train_step(results):
    for threads, cells in results.groupby("threads"):
        where = f"{threads} thread" + ("s" if threads > 1 else "")
        main = cells[(cells["factors"] == 8) & (cells["batch"] == 256)]
        for ratio, goals in {
            "best torch / ours": (2.4, 2.6),
            "jax scan / ours": (1.2, 1.3),
        }.items():
            for value in main.get(ratio, ()):
                for least in goals:
                    target = f"step, f = 8, batch 256, {where}: {ratio} at least {least}"
                    yield target, f"{value:.2f}", value >= least
        every = cells.get("best torch / ours", ())
        if len(every):
            target = f"step, every f and batch, {where}: best torch / ours at least 1"
            yield target, f"{every.min():.2f} at worst", every.min() >= 1
        large = cells[cells["batch"] == 1024].get("jax scan / ours", ())
        if len(large):
            target = f"step, batch 1,024, every f, {where}: jax scan / ours at least 0.75"
            yield target, f"{large.min():.2f} at worst", large.min() >= 0.75


def jobs(results):
    for job, theirs, most in (("top 10, MF", "implicit", 2), ("top 10, NeuMF-8", "pytorch", 1.2)):
        implementations = results[results["job"] == job]
        others = implementations[implementations["implementation"].str.startswith(theirs)]
        if len(others):
            target = f"{job}: ours / {theirs} at its best at most {most}"
            value = others["ours / theirs"].max()
            yield target, f"{value:.2f}", value <= most
        for peak in implementations["peak GB"].dropna():
            yield f"{job}: peak below 1 GB", f"{peak:.2f} GB", peak < 1


def busy(results):
    value = results[results["BLAS threads"] == "default"]["busy / alone"].max()
    yield "step, by default: busy / alone at most 1.1", f"{value:.2f} at worst", value <= 1.1


def threads(results):
    others = ["model", "items", "without turns", "on one core", "machine"]
    ratios = results.drop(columns=others).stack()
    target = "four threads / one, every model and method: at most 1.2"
    measured = f"{ratios.median():.2f} in the middle, {ratios.max():.2f} at worst"
    yield target, measured, ratios.max() <= 1.2


def epoch(results):
    of_256 = results[(results["batch"] == 256) & (results["factors"] == 8)]
    of_ours = of_256[(of_256["data"] == "ml-1m") & (of_256["implementation"] == "ours")]
    for row in of_ours.to_dict("records"):
        seconds = row["sampling"] + row["evaluation"]
        target = f"ml-1m: sampling, and evaluation of {row['pairs']:,} pairs, within 3 s"
        yield target, f"{seconds:.2f} s", seconds <= 3
    wide = results[(results["factors"] == 64) & (results["implementation"] == "pytorch")]
    for row in wide.to_dict("records"):
        target = f"{row['data']}, f = 64, batch {row['batch']:,}: pytorch / ours at least 1"
        yield target, f"{row['epoch / ours']:.2f}", row["epoch / ours"] >= 1
    cornac = of_256[(of_256["data"] == "deepcf-lastfm") & (of_256["implementation"] == "cornac")]
    for ratio in cornac.get("epoch / ours", ()):
        target = "deepcf-lastfm, f = 8, batch 256: an epoch of cornac / ours at least 4"
        yield target, f"{ratio:.1f}", ratio >= 4


def scale(results):
    rows = results.sort_values("interactions").to_dict("records")
    first, last, peak = rows[0], rows[-1], results["peak GB"].max()
    yield f"{last['interactions']:,} interactions: peak below 6 GB", f"{peak:.2f} GB", peak < 6
    if last is not first:
        growth = last["us per interaction"] / first["us per interaction"]
        span = f"{first['interactions']:,} to {last['interactions']:,} interactions"
        yield f"cost of one, from {span}: grows less than 1.5x", f"{growth:.2f}x", growth < 1.5


ALL = {
    "train_step": train_step,
    "jobs": jobs,
    "busy": busy,
    "threads": threads,
    "epoch": epoch,
    "scale": scale,
}
