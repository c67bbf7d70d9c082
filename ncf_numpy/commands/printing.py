"""Ids from the command line, which are text, to ids of the data; and tables back to the screen."""

import re

import pandas as pd

from ..data.terminal import printable_lines
from ..recommender.ids import Ids

NUMBER = re.compile(r"(-?[0-9]{1,20})(\.0+)?")  # int() also takes 1_000, and digits of any script


def user_id(recommender, text):
    """The raw user id that text stands for."""
    return as_id(recommender.data.user_ids, text)


def item_id(recommender, text):
    """The raw item id that text stands for: an id first, else a name."""
    raw = as_id(recommender.data.item_ids, text)
    if raw in set(recommender.data.item_ids.tolist()):
        return raw
    try:
        return recommender.find_item(text)
    except KeyError as error:
        ids = Ids(recommender.data.item_ids)
        raise KeyError(
            f"no item has the id {text!r}, and {error.args[0]}; the items are {ids}"
        ) from error


def item_ids(recommender, texts):
    """The raw item ids that texts stand for; None for None."""
    return None if texts is None else [item_id(recommender, text) for text in texts]


def as_id(ids, text):
    """text as a file is read: without blanks around it, and 3.0 as 3 where ids are integers."""
    text = text.strip(" ")
    number = NUMBER.fullmatch(text) if ids.dtype.kind in "iu" else None
    return int(number[1]) if number else text


def print_table(table):
    """Print a DataFrame without its index; columns also line up in Korean."""
    if table.empty:
        print("nothing to show: no item is left")
        return
    with pd.option_context("display.unicode.east_asian_width", True):
        text = table.to_string(index=False, float_format="{:.4f}".format)
    print(printable_lines(text))
