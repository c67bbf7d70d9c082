"""From a file of any kind to columns: text files, tables, numbers."""
