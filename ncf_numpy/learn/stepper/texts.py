"""What the page and the screens say, apart from numbers: texts.json and story.json in assets/."""

from __future__ import annotations

import functools
import json
from importlib import resources


def asset(name):
    return resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


@functools.cache
def texts():
    """All that the page says, in its languages."""
    return json.loads(asset("texts.json")) | {"story": json.loads(asset("story.json"))}


def why(record, language="en"):
    """Why a line computes what it does: one or two sentences."""
    return texts()["story"][record.function]["why"][record.name][language]
