"""Tables into a CSV file, piece by piece: the file is complete, or as it was."""

import io

from ..data.whole_file import replacing
from ..evaluation.progress import progress_bar


def write_csv(path, tables, total, *, progress=False):
    """Write DataFrames with the same columns one after the other, under one header, in UTF-8.

    tables: an iterable of `total` DataFrames, each made when it is written.
    """
    with replacing(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        for number, table in enumerate(progress_bar(tables, "writing", total, show=progress)):
            table.to_csv(text, index=False, header=number == 0)
        text.detach()
