"""One formula: how an entry of a result is computed."""

from typing import NamedTuple


class Formula(NamedTuple):
    """How one entry of a result is computed."""

    text: str  # the formula, for reading
    term: str  # one term of the entry, with holes
    axes: str = "..."  # the letters of the result's entry
    whole: str = "SUM"  # what is done with the sum of the terms
    where: str = ""  # which terms count, if not all
    otherwise: str = ""  # the term of the entries for which `where` names none
    of: str = ""  # for a gradient: by what, as the forward of the same object calls it
    after: str = ""  # the line of forward after which `of` has its value; "" is on entry
    value: str = ""  # the result, if not what stands left of the =
    argument: str = ""  # the result, if it is an argument of the call in this line
    name: str = ""  # what the result is called, where the code has no name for it
