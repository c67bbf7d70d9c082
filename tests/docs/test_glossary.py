"""The glossary names what is in the code."""

import re

from snippets import ROOT, text_of


def test_every_name_of_the_glossary_stands_in_the_package():
    code = "\n".join(p.read_text(encoding="utf-8") for p in ROOT.glob("ncf_numpy/**/*.py"))
    rows = re.findall(r"^\| .+ \| .+ \| .+ \|(.*)\|$", text_of("docs/reference/glossary.md"), re.M)
    names = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert len(names) > 40
    for name in names:
        assert re.search(rf"(?<!\w){re.escape(name)}(?!\w)", code), name
