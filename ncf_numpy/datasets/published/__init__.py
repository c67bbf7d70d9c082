"""Published data sets: a file each, which owns its address, checksum, sign, loader and options.

`ncf_numpy.datasets.catalogue` finds every file here that has DATASETS; nothing else names them.
"""
