"""Pages of the site that stand outside docs/: README and its like, and every file that is linked.

The same links work on GitHub, where a page points at ../ncf_numpy/core/layers.py, and here, where
that file becomes a page. What cannot be shown as text, such as a picture, is copied.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File, InclusionLevel

ROOT = Path(__file__).parents[2]
HOME = {path.name: f"project/{path.stem.lower()}.md" for path in ROOT.glob("*.md")} | {
    "README.md": "index.md",
    "README.ko.md": "ko.md",
}
LINK = re.compile(r"(?<=\]\()([^)\s#]+)")
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
SHOWN = {".py": "python", ".cfg": "ini", ".toml": "toml", ".txt": "text", "": "text"}


def on_files(files, config):
    for path, uri in HOME.items():
        text = (ROOT / path).read_text(encoding="utf-8")
        files.append(File.generated(config, uri, content=text))
    for page in [file for file in files if file.is_documentation_page()]:
        for path in links(page.content_string, page.src_uri):
            if (ROOT / path).is_file() and not files.get_file_from_path(site_path(path)):
                files.append(linked_file(config, ROOT / path, path))
    return files


def on_page_markdown(markdown, page, config, files):
    """Point every link at the page that the file it names has become."""
    here = repository_path(page.file.src_uri)

    def retarget(match):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), match[1]))
        if "://" in match[1] or not files.get_file_from_path(site_path(path)):
            return match[1]  # MkDocs warns of it, if it leads nowhere
        return posixpath.relpath(site_path(path), posixpath.dirname(page.file.src_uri) or ".")

    markdown = re.sub(r"^```python\n(?=>>> )", "```pycon\n", markdown, flags=re.MULTILINE)
    return outside_fences(lambda text: LINK.sub(retarget, text), markdown)


def links(markdown, uri):
    """The paths within the repository that a page links to."""
    folder = posixpath.dirname(repository_path(uri))
    for target in LINK.findall(FENCED.sub("", markdown)):
        if "://" not in target:
            yield posixpath.normpath(posixpath.join(folder, target))


def repository_path(uri):
    """Where in the repository a page of the site comes from."""
    return next((path for path, home in HOME.items() if home == uri), f"docs/{uri}")


def site_path(path):
    """Where on the site a file of the repository is."""
    if path in HOME:
        return HOME[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"source/{path}.md" if Path(path).suffix in SHOWN else f"source/{path}"


def linked_file(config, file, path):
    if file.suffix not in SHOWN:
        given = {"abs_src_path": str(file), "inclusion": InclusionLevel.NOT_IN_NAV}
        return File.generated(config, site_path(path), **given)
    head = f"---\ntitle: {path}\nsearch:\n  exclude: true\nhide: [toc]\n---\n\n# `{path}`\n\n"
    fence = "~" * 9
    text = file.read_text(encoding="utf-8")
    return File.generated(
        config,
        site_path(path),
        content=f"{head}{fence}{SHOWN[file.suffix]}\n{text}{fence}\n",
        inclusion=InclusionLevel.NOT_IN_NAV,
    )


def outside_fences(change, markdown):
    """Apply a change to all text that is not in a fenced block."""
    parts, end = [], 0
    for match in FENCED.finditer(markdown):
        parts += [change(markdown[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, change(markdown[end:])])
