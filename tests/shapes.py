"""Small synthetic files in the shapes of public data sets: {name: bytes}."""

import json


def lines(rows, sep, end="\n"):
    return "".join(sep.join(map(str, row)) + end for row in rows)


# 8 users and 6 items; user u has item i unless u + i is divisible by 3. Ratings are 1 to 5.
PAIRS = [(u, i, 1 + (u + 2 * i) % 5) for u in range(8) for i in range(6) if (u + i) % 3]
TIMES = [1_390_000_000 + 86_400 * n for n in range(len(PAIRS))]

AMAZON = lines([(f"A{u}", f"000000000{i}", f"{r}.0", t) for (u, i, r), t in zip(PAIRS, TIMES)], ",")
BOOKS = '"User-ID";"ISBN";"Book-Rating"\r\n' + lines(
    [(f'"{276000 + u}"', f'"03440{i}00X"', f'"{2 * r}"') for u, i, r in PAIRS], ";", "\r\n"
)
YELP = lines(
    [
        [json.dumps({"user_id": f"-u{u}_Q", "business_id": f"-b{i}", "stars": float(r),
                     "date": "2014-02-05 20:30:30"})]
        for u, i, r in PAIRS
    ],
    "",
)  # fmt: skip
GOWALLA = lines(
    [(u, f"2010-10-{1 + n % 28:02}T13:43:46Z", "30.0", "-97.0", 400 + i)
     for n, (u, i, _) in enumerate(PAIRS)],
    "\t",
)  # fmt: skip
STEAM = lines(
    [(9000 + u, f'"Game, The {i}"', kind, r if kind == "play" else 1.0, 0)
     for u, i, r in PAIRS for kind in ("purchase", "play")],
    ",",
)  # fmt: skip
RETAIL = "InvoiceNo,StockCode,Quantity,InvoiceDate,CustomerID\n" + lines(
    [(n, f"1012{i}A", r, f"{1 + n % 12}/{13 + n % 9}/2010 8:0{n % 9}", f"{27850 + u}.0")
     for n, (u, i, r) in enumerate(PAIRS)]
    + [(99, "10120A", 1, "1/15/2010 8:00", "")],
    ",",
)  # fmt: skip
KOREAN = "사용자,노래,횟수\n" + lines([(f"사람{u}", f"노래{i}", r) for u, i, r in PAIRS], ",")

SHAPES = {
    "ratings_Books.csv": AMAZON.encode(),
    "BX-Book-Ratings.csv": BOOKS.encode("latin-1"),
    "yelp_review.json": YELP.encode(),
    "gowalla_checkins.txt": GOWALLA.encode(),
    "steam-200k.csv": STEAM.encode(),
    "online_retail.csv": RETAIL.encode("latin-1"),
    "plays_cp949.csv": KOREAN.encode("cp949"),
}
