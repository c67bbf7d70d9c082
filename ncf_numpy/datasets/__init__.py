"""Data for the recommender: one file per source, all of them giving `Interactions`."""

from typing import TYPE_CHECKING

from .. import lazy_names

if TYPE_CHECKING:  # for editors and type checkers, as in ncf_numpy itself
    from ..data.interactions import Interactions as Interactions
    from ..data.split import Holdout as Holdout
    from ..data.split import Split as Split
    from ..data.split import leave_one_out as leave_one_out
    from .catalogue import DATASETS as DATASETS
    from .catalogue import find_dataset as find_dataset
    from .catalogue import load_split as load_split
    from .downloads import download as download
    from .published.lastfm_2k import artist_names as artist_names
    from .published.lastfm_2k import load_lastfm_2k as load_lastfm_2k
    from .published.lastfm_360k import load_lastfm_360k as load_lastfm_360k
    from .published.movielens import load_movielens as load_movielens
    from .published.ncf_files import load_ncf_files as load_ncf_files
    from .sample import Oracle as Oracle
    from .sample import sample_lastfm as sample_lastfm
    from .tabular import load_interactions as load_interactions
else:
    __all__, __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "..data.interactions": "Interactions",
            "..data.split": "Holdout Split leave_one_out",
            ".catalogue": "DATASETS find_dataset load_split",
            ".downloads": "download",
            ".published.lastfm_2k": "artist_names load_lastfm_2k",
            ".published.lastfm_360k": "load_lastfm_360k",
            ".published.movielens": "load_movielens",
            ".published.ncf_files": "load_ncf_files",
            ".sample": "Oracle sample_lastfm",
            ".tabular": "load_interactions",
        },
    )
