"""Raw ids, as they stand in your data, and the row number of each."""

import numpy as np


class Ids:
    """Looks up raw ids: ids (n,), integers or text, in the order of their rows."""

    def __init__(self, ids):
        self.rows = {raw: row for row, raw in enumerate(ids.tolist())}

    def find(self, raw):
        """The row of a raw id, or None, also for what cannot be an id, such as a list.

        Blanks around a text do not count: they are no part of the ids in the data either. True is
        no id, though Python takes it for 1.
        """
        if isinstance(raw, (bool, np.bool_)):
            return None
        try:
            return self.rows.get(raw.strip() if isinstance(raw, str) else raw)
        except TypeError:
            return None

    def written_as(self, raw):
        """The id that looks the same but is of the other kind, as 1 for "1", or None."""
        return next((known for known in self.rows if str(known) == str(raw).strip()), None)

    def __str__(self):
        """'ann, bob, ... (600 in all)', for an error message."""
        first = ", ".join(repr(raw) for raw in list(self.rows)[:3])
        return f"{first}, ... ({len(self.rows):,} in all)" if len(self.rows) > 3 else first
