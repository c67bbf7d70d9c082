"""What the benchmarks are aimed at, and whether the CSVs say that it is met.

Each function takes the results of one benchmark and yields (target, measured, met).
"""


def train_step(results, kernels=""):
    for threads, cells in results.groupby("threads"):
        where = f"{threads} thread" + ("s" if threads > 1 else "") + kernels
        main = cells[(cells["factors"] == 8) & (cells["batch"] == 256)]
        for ratio, least in {"best torch / ours": 2, "jax scan / ours": 1}.items():
            for value in main.get(ratio, ()):
                target = f"step, f = 8, batch 256, {where}: {ratio} at least {least}"
                yield target, f"{value:.2f}", value >= least
        small = cells[cells["batch"].isin([128, 256])].get("best torch / ours", ())
        if len(small):
            target = f"step, batches 128 and 256, every f, {where}: best torch / ours at least 1"
            yield target, f"{small.min():.2f} at worst", small.min() >= 1


def epoch(results):
    at_256 = results[results["batch"] == 256]
    for row in at_256[(at_256["data"] == "ml-1m") & (at_256["contender"] == "ours")].to_dict(
        "records"
    ):
        seconds = row["sampling"] + row["evaluation"]
        target = f"ml-1m: sampling, and evaluation of {row['pairs']:,} pairs, within 3 s"
        yield target, f"{seconds:.2f} s", seconds <= 3
    cornac = at_256[(at_256["data"] == "deepcf-lastfm") & (at_256["contender"] == "cornac")]
    for ratio in cornac.get("epoch / ours", ()):
        target = "deepcf-lastfm, batch 256: an epoch of cornac / ours at least 4"
        yield target, f"{ratio:.1f}", ratio >= 4


def scale(results):
    rows = results.sort_values("interactions").to_dict("records")
    first, last, peak = rows[0], rows[-1], results["peak GB"].max()
    yield f"{last['interactions']:,} interactions: peak below 6 GB", f"{peak:.2f} GB", peak < 6
    if last is not first:
        growth = last["us per interaction"] / first["us per interaction"]
        span = f"{first['interactions']:,} to {last['interactions']:,} interactions"
        yield f"cost of one, from {span}: grows less than 1.5x", f"{growth:.2f}x", growth < 1.5


def train_step_with_avx512(results):
    yield from train_step(results, ", AVX-512")


ALL = {
    "train_step": train_step,
    "train_step_SkylakeX": train_step_with_avx512,
    "epoch": epoch,
    "scale": scale,
}
