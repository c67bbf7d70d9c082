"""Where PyTorch is not installed, the file that needs it is not searched for doctests."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["ncf_numpy/to_torch/models.py"]
