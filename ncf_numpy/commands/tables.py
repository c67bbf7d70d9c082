"""Ids from the command line, which are text, to ids of the data; and tables back to the screen."""

import pandas as pd


def user_id(recommender, text):
    """The raw user id that text stands for."""
    return as_id(recommender.data.user_ids, text)


def item_id(recommender, text):
    """The raw item id that text stands for: an id first, else a name."""
    raw = as_id(recommender.data.item_ids, text)
    known = raw in set(recommender.data.item_ids.tolist())
    return raw if known else recommender.find_item(text)


def as_id(ids, text):
    """text as the ids are: an integer, where they are integers and it can be one."""
    try:
        return int(text) if ids.dtype.kind in "iu" else text
    except ValueError:
        return text


def print_table(table):
    """Print a DataFrame without its index; columns line up in Korean, too."""
    if table.empty:
        print("nothing to show: no item is left")
        return
    with pd.option_context("display.unicode.east_asian_width", True):
        print(table.to_string(index=False, float_format="{:.4f}".format))
