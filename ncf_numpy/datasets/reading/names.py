"""Names of items from a file of their own."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ...data.interactions import Interactions
from ...data.lookup import names_of
from .raw_table import RawTable
from .sniffing import open_table


def read_names(path: Path | zipfile.Path, item: str, name: str, **layout) -> dict[int, str]:
    """{raw id: name} of the items that have one; ids are whole numbers.

    item, name: columns.  layout: as `open_table`.  Raises ValueError with file and line.
    """
    file = open_table(path, [item, name], **layout)
    table = RawTable.from_file(file, [item, name])
    ids, names = table.ids(item, whole=True), table.texts(name)
    table.drop_unusable()
    has_name = names != ""
    return dict(zip(ids.values[ids.codes[has_name]].tolist(), names[has_name].tolist()))


def named(data: Interactions, names: Mapping) -> Interactions:
    """The same interactions, whose items have these names."""
    return replace(data, item_names=names_of(data.item_ids, names))
