"""The stepper as one HTML file: it opens from disk, without network or build step.

The scripts in assets/ are modules with imports, for who loads them one by one; here they are put
one after the other into the page. `new Stepper(element, texts).show(data)` is all the page does.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from .texts import asset, texts
from .variants import bugs_of, training_of
from .view import Arrays, view_of

if TYPE_CHECKING:
    from ...core.models import Model
    from ...core.types import Array, Loss, Optimizer
    from .trace import Trace

STYLES = ("page.css", "panel.css", "training.css", "small.css")


def build_page(
    trace: Trace,
    model: Model,
    loss: Loss,
    optimizer: Optimizer,
    batch: tuple[Array, Array, Array],
    *,
    steps: int = 0,
    docs: str = "",
) -> str:
    """The page of a trace as text.

    Parameters
    ----------
    trace : Trace
    model, loss, optimizer, batch
        What was traced; they are left as they are.
    steps : int
        Of training, to be shown as well.
    docs : str
        Where backprop.md can be found from the page, if it can.

    Returns
    -------
    str
    """
    arrays = Arrays()
    data = view_of(trace, batch, arrays)
    step = model, loss, optimizer, batch
    data["bugs"] = bugs_of(trace, *step, arrays)
    if steps:
        data["training"] = training_of(trace, *step, steps, arrays, data["bugs"])
    data["docs"] = docs
    page = asset("page.html").replace("TITLE", f"One training step of {trace.model}")
    page = page.replace("/* CSS */", "".join(map(asset, STYLES)))
    page = page.replace("/* JS */", bundle("page.js"))
    # the texts that people wrote come last: nothing in them is taken for a place to fill
    return page.replace('"TEXTS"', embed(texts())).replace('"DATA"', embed(data))


def embed(data):
    """JSON for a script element: a name in it must not end the script."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c")


def bundle(entry):
    """A script and all that it imports as one, each file once and before those that need it."""
    scripts = {}

    def add(name):
        if name not in scripts:
            source = asset(name)
            for imported in re.findall(r'^import .* from "\./(.+)";$', source, re.MULTILINE):
                add(imported)
            scripts[name] = re.sub(r"^import .*;\n|^export ", "", source, flags=re.MULTILINE)

    add(entry)
    return "\n".join(scripts.values())
