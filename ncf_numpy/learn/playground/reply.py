"""The parts of a reply: the findings, the first wrong value, and the step as the page shows it."""

import numpy as np

from ..stepper.origins import find_origins
from ..stepper.view import Arrays, view_of
from .compare import differs
from .judge import WRONG
from .observe import entry_of


def view_with_verdicts(trace, batch):
    """The data of the page, each record with its verdict and what its value would be."""
    find_origins(trace.records)
    arrays = Arrays()
    data = view_of(trace, batch, arrays)
    for record, shown in zip(trace.records, data["records"], strict=True):
        finding = record.finding
        if finding is not None:
            shown |= {name: getattr(finding, name) for name in ("verdict", "by", "of", "follows")}
            if finding.verdict == WRONG and np.shape(finding.expected) == record.value.shape:
                mask = differs(record.value, finding.expected)
                mask = True if mask is None else mask  # wrong in its meaning: all of it
                shown["expected"] = arrays.add(np.where(mask, finding.expected, record.value))
    return data


def describe_record(record):
    """What the reply says of a value that has a verdict, or that an edited line computed."""
    finding = record.finding
    if finding is None:
        return None
    return {
        "function": record.function,
        "file": record.file,
        "line": record.line,
        "box": record.box,
        "name": record.name,
        "verdict": finding.verdict,
        "by": finding.by,
        "of": finding.of,
        "follows": finding.follows,
    }


def first_wrong(records):
    """The first wrong value: where it stands, what one entry is, and what it would be."""
    for number, record in enumerate(records):
        finding = record.finding
        if finding is None or finding.verdict != WRONG:
            continue
        found = {**describe_record(record), "record": number, "code": record.code}
        value, expected = record.value, np.asarray(finding.expected)
        if value.shape != expected.shape:
            return found | {"shape": list(value.shape), "expected_shape": list(expected.shape)}
        entry = entry_of(value, expected)
        index = list(entry)
        if record.rows is not None:
            index[0] = int(record.rows[entry[0]])
        return found | {
            "index": index,
            "is": plain(value[entry]),
            "would_be": plain(expected[entry]),
        }
    return None


def plain(number):
    """A number as JSON can have it: "nan" and "inf" are text."""
    return float(number) if np.isfinite(number) else str(float(number))
