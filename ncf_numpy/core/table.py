"""What is reported in rows: a pandas DataFrame, or the rows themselves where pandas is missing."""


def as_table(rows):
    """[{column: value}, ...], all with the same columns -> DataFrame, or rows without pandas."""
    try:
        import pandas as pd
    except ImportError:
        return rows
    return pd.DataFrame(rows)
