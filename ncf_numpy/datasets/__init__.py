"""Data for the recommender: one file per source, all of them giving `Interactions`."""

from typing import TYPE_CHECKING

from .. import lazy_names

if TYPE_CHECKING:  # for editors and type checkers; what runs is `lazy_names`
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

__all__, __getattr__, __dir__ = lazy_names(
    __name__,
    {
        "..data.interactions": "Interactions",
        "..data.split": "Holdout Split leave_one_out",
        ".catalogue": "DATASETS find_dataset",
        ".downloads": "download",
        ".lastfm": "artist_names load_lastfm_2k",
        ".lastfm_360k": "load_lastfm_360k",
        ".movielens": "load_movielens",
        ".ncf_files": "load_ncf_files",
        ".sample": "Oracle sample_lastfm",
        ".tabular": "load_interactions",
    },
)
