"""A progress bar on stderr; tqdm is imported only where one is shown."""

import sys


def progress_bar(steps, name, total=None, *, show):
    """Iterate over steps, an iterable, with a bar of this name if `show`; total: how many."""
    if not show or sys.stderr is None or sys.stderr.closed:  # as in a service
        return steps
    from tqdm import tqdm

    return tqdm(steps, name, total, leave=False)
