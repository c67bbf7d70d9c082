"""No public name may be missing from the reference: the build fails if one has no entry."""

import ast
import re
from pathlib import Path

from mkdocs.exceptions import PluginError

SCRIPTS = "ncf_numpy/learn/exercises/solutions"  # exercises, not modules


def on_post_build(config):
    root = Path(config.config_file_path).parent
    pages = Path(config.site_dir, "reference").glob("**/*.html")
    entries = {name for page in pages for name in ids(page.read_text(encoding="utf-8"))}
    missing = sorted({*modules(root), *exported(root)} - entries)
    if missing:
        raise PluginError(f"not in docs/reference: {', '.join(missing)}")


def ids(page):
    return re.findall(r'<h\d id="(ncf_numpy[\w.]*)"', page)


def modules(root):
    """ncf_numpy.core.layers and all others that may be imported."""
    for file in (root / "ncf_numpy").glob("**/*.py"):
        path = file.relative_to(root)
        if not (path.is_relative_to(SCRIPTS) or path.stem.startswith("_")):
            yield ".".join(path.with_suffix("").parts)


def exported(root):
    """The names in the package itself and in ncf_numpy.datasets, by where they are defined."""
    for file in ("ncf_numpy/__init__.py", "ncf_numpy/datasets/__init__.py"):
        package = Path(file).parent.parts
        for block in ast.parse((root / file).read_text(encoding="utf-8")).body:
            if isinstance(block, ast.If):  # TYPE_CHECKING
                for line in block.body:
                    home = ".".join(package[: len(package) - line.level + 1])
                    yield from (f"{home}.{line.module}.{name.name}" for name in line.names)
