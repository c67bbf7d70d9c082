"""Data for the recommender: one file per source, all of them giving `Interactions`."""

from ..data.interactions import Interactions
from ..data.split import Holdout, Split, leave_one_out
from .catalogue import DATASETS, find_dataset
from .downloads import download
from .lastfm import artist_names, load_lastfm_2k
from .lastfm_360k import load_lastfm_360k
from .movielens import load_movielens
from .ncf_files import load_ncf_files
from .sample import Oracle, sample_lastfm
from .tabular import load_interactions

__all__ = [
    "DATASETS",
    "Holdout",
    "Interactions",
    "Oracle",
    "Split",
    "artist_names",
    "download",
    "find_dataset",
    "leave_one_out",
    "load_interactions",
    "load_lastfm_2k",
    "load_lastfm_360k",
    "load_movielens",
    "load_ncf_files",
    "sample_lastfm",
]
