"""The description for a package index: README.md, with nothing lying beside it.

A relative link leads nowhere there. If `url` in setup.cfg names the repository, the links of
README.md lead to the files of this version in it. While it is empty their text stays, and a
paragraph of nothing but such links goes. All else about the package stands in setup.cfg.
"""

import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
TARGET = r"\]\((?![a-z]+:|#)([^)\s]+)\)"  # of a relative link
LINK = re.compile(rf"!?\[(!\[[^]]*\]\([^)]*\)|[^]]*){TARGET}")
PICTURE = ".gif", ".png", ".svg"


def standing_alone(text, repository, version):
    """text, Markdown with relative links, as it can be read without the files that it names."""
    change = (lambda part: _linked(part, repository, version)) if repository else _unlinked
    parts = FENCED.split(text)  # what is fenced has the odd numbers
    parts[::2] = map(change, parts[::2])
    return "".join(parts)


def _linked(text, repository, version):
    def absolute(match):
        view = "raw" if match[1].endswith(PICTURE) else "blob"
        return f"]({repository}/{view}/v{version}/{match[1]})"

    return re.sub(TARGET, absolute, text)


def _unlinked(text):
    paragraphs = text.split("\n\n")
    kept = [
        each for each in paragraphs if not LINK.search(each) or re.search(r"\w", LINK.sub("", each))
    ]
    return "\n\n".join(LINK.sub(r"\1", each) for each in kept)


if __name__ == "__main__":
    config = ConfigParser()
    config.read(HERE / "setup.cfg", encoding="utf-8")
    metadata = config["metadata"]
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    setup(long_description=standing_alone(readme, metadata.get("url"), metadata["version"]))
