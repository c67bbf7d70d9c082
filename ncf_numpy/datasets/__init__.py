"""Data for the recommender: one file per source, all of them giving `Interactions`."""

from .interactions import Interactions
from .lastfm import artist_names, load_lastfm_2k
from .ncf_files import load_ncf_files
from .sample import Oracle, sample_lastfm
from .split import Holdout, Split, leave_one_out

__all__ = [
    "Holdout",
    "Interactions",
    "Oracle",
    "Split",
    "artist_names",
    "leave_one_out",
    "load_lastfm_2k",
    "load_ncf_files",
    "sample_lastfm",
]
