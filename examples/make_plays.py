"""Write plays.csv, the table of the README: 60 synthetic listeners of four tastes.

    python examples/make_plays.py > examples/plays.csv

A listener plays eight to ten of the twelve artists of one taste and one artist of another; 민준 has
played eleven of the twelve, so there is one right answer to what he should hear next.
"""

import csv
import sys

import numpy as np

TASTES = {
    "Korean": "아이유 BTS 뉴진스 잔나비 에스파 혁오 새소년 검정치마 악뮤 세븐틴 이날치 실리카겔",
    "rock": "Radiohead Coldplay Muse Oasis Blur Pulp Suede Keane Travis Elbow Garbage Ash",
    "electronic": "Moby Air Orbital Tosca Justice Caribou Burial Bonobo Clark Plaid Ada Opal",
    "jazz": "Mingus Monk Coltrane Evans Baker Getz Rollins Blakey Davis Corea Jarrett Tyner",
}
LISTENERS = (
    "민준 ann bob cho 서연 eva fay gil 지우 hal ida jin 하은 kai lea max 도윤 mia ned ola "
    "시우 pam quin ray 지호 sue tom una 예준 val wim xia 수아 yan zoe abe 지안 bea cal dan "
    "유진 eli flo gus 은서 hue ian joy 현우 ken lou meg 다은 nan oz pia 태윤 ria sam ted"
)
UNHEARD = "뉴진스"  # by 민준, of his own taste


def rows(seed=0):
    """[(listener, artist, plays), ...], by listener."""
    rng = np.random.default_rng(seed)
    tastes = [artists.split() for artists in TASTES.values()]
    table = []
    for number, listener in enumerate(LISTENERS.split()):
        taste = tastes[number % 4]
        if listener == "민준":
            heard = [artist for artist in taste if artist != UNHEARD]
        else:
            heard = rng.choice(taste, rng.integers(8, 11), replace=False).tolist()
            heard.append(rng.choice(tastes[(number + rng.integers(1, 4)) % 4]).item())
        plays = rng.geometric(0.02, len(heard)).tolist()
        table += [(listener, artist, n) for artist, n in zip(heard, plays)]
    return table


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("listener", "artist", "plays"))
    writer.writerows(rows())
