"""Raw ids, as they stand in your data, and the row number of each."""


class Ids:
    """Looks up raw ids: ids (n,), integers or text, in the order of their rows."""

    def __init__(self, ids):
        self.rows = {raw: row for row, raw in enumerate(ids.tolist())}

    def find(self, raw):
        """The row of a raw id, or None, also for what cannot be an id, such as a list."""
        try:
            return self.rows.get(raw)
        except TypeError:
            return None

    def __str__(self):
        """'ann, bob, ... (600 in all)', for an error message."""
        first = ", ".join(repr(raw) for raw in list(self.rows)[:3])
        return f"{first}, ... ({len(self.rows):,} in all)" if len(self.rows) > 3 else first
