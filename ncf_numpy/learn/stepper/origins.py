"""Where each operand comes from: the earlier line that computed it, or from outside of the step.

From outside come "weight", "labels", "setting", and what the optimizer has "kept" of earlier steps.
"""

from __future__ import annotations

from ...core import losses

WEIGHTS = ("self.W", "self.b", "W[rows]")
LABELS = ("labels", "self.labels", "y")
STATE = ("m[rows]", "v[rows]", "s[rows]")


def find_origins(records):
    """Set the origin of every hole: the number of the latest record with this very array."""
    computed = {}
    for number, record in enumerate(records):
        for hole in record.holes.values():
            hole.origin = origin_of(hole, record, computed)
        state = f"{record.name}[rows]" in STATE
        name = record.name if state or record.value.ndim == 0 else ""
        computed[key_of(record.value, name, record.box if state else "")] = number


def origin_of(hole, record, computed):
    expression, scalar = hole.expression, hole.array.ndim == 0
    if expression in WEIGHTS:
        return "weight"
    if expression in LABELS and hasattr(losses, record.function.partition(".")[0]):
        return "labels"
    if expression in STATE:
        return computed.get(key_of(hole.array, hole.name, record.box), "kept")
    return computed.get(key_of(hole.array, hole.name if scalar else ""), "setting")


def key_of(array, name, box=""):
    """Equal arrays are one, but for numbers and zeros: there the name decides, too."""
    return array.tobytes(), name, box
