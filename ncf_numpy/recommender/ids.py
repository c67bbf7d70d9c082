"""Raw ids, as they stand in your data, and the row number of each."""


class Ids:
    """Looks up raw ids: ids (n,), integers or text, in the order of their rows."""

    def __init__(self, ids):
        self.rows = {raw: row for row, raw in enumerate(ids.tolist())}

    def find(self, raw):
        """The row of a raw id, or None, also for what cannot be an id, such as a list.

        Blanks around a text do not count: they are no part of the ids in the data either.
        """
        try:
            return self.rows.get(raw.strip() if isinstance(raw, str) else raw)
        except TypeError:
            return None

    def __str__(self):
        """'ann, bob, ... (600 in all)', for an error message."""
        first = ", ".join(repr(raw) for raw in list(self.rows)[:3])
        return f"{first}, ... ({len(self.rows):,} in all)" if len(self.rows) > 3 else first
