"""The playground as a part of the site: its page, Pyodide, NumPy and the wheel of this package.

    python tools/site/playground.py --pyodide FOLDER build/playground
    NCF_NUMPY_PYODIDE=FOLDER mkdocs build          # as a hook: into the site's folder playground/

FOLDER has the files of Pyodide's npm package, version PYODIDE, and the wheel of NumPy for it; each
must have the hash that stands here. They are copied beside the page, so that it needs no other
host. With NCF_NUMPY_PYODIDE_URL, the address of a copy elsewhere, they are loaded from there, each
checked against its hash. Without FOLDER the site is built without the playground's own page.
"""

import argparse
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYODIDE = "0.28.3"
NUMPY = "numpy-2.2.5-cp313-cp313-pyodide_2025_0_wasm32.whl"
SHA256 = {
    "pyodide.mjs": "635a6da3218fe4e5668da595acfe8b5ce77453d597d602f19a423dd250653441",
    "pyodide.asm.js": "b22e5831eade9ff10e6fe2c811c68688cd91f10154377b4f80debcf5bafa1e56",
    "pyodide.asm.wasm": "5effb6a1a6cc4a1a85bec4622701aa797c031e1de923cbbaf2ad47abdc4ab325",
    "python_stdlib.zip": "71fee17f88a6260ec8c9c7c063533ee59c021fdc88a1ce76247378d3c4a35f4c",
    NUMPY: "be1aee57f9855e51543bc342aa7a4eb881552887d7ddd6df58fce1f43360f8de",
}
INFO = {"abi_version": "2025_0", "arch": "wasm32", "platform": "emscripten_4_0_9"}
INFO |= {"python": "3.13.2", "version": PYODIDE}


def on_post_build(config):
    """As a hook of MkDocs."""
    source = os.environ.get("NCF_NUMPY_PYODIDE")
    if source:
        build(Path(source), Path(config.site_dir) / "playground")


def build(source, target, address=None):
    """Write the page and all it loads into a folder.

    source: the folder with Pyodide and NumPy; address: where a browser finds these files, if not
    in the folder `pyodide` beside the page. ValueError for a file that is not the one known here.
    """
    address = address or os.environ.get("NCF_NUMPY_PYODIDE_URL")
    target.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(ROOT))
    from ncf_numpy.learn.playground.pages import files

    for name, text in files("worker").items():
        (target / name).write_text(text, encoding="utf-8")
    check(source)
    (target / "pyodide").mkdir(exist_ok=True)
    names = list(SHA256) if address is None else []
    for name in names:
        shutil.copyfile(source / name, target / "pyodide" / name)
    wheel = build_wheel(target)
    known = {name: describe(source / name) for name in SHA256}
    manifest = {
        "pyodide": address or "pyodide/",
        "files": {**known, wheel.name: describe(wheel)},
        "numpy": NUMPY,
        "package": wheel.name,
        "info": INFO,
    }
    (target / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def check(source):
    """Raise ValueError unless the folder has all files, each with the hash known here."""
    for name, expected in SHA256.items():
        path = source / name
        if not path.is_file():
            raise ValueError(f"{path} is missing: it is part of Pyodide {PYODIDE} with NumPy")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            raise ValueError(f"{path} has the SHA-256 {found}, expected {expected}")


def describe(path):
    content = path.read_bytes()
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return {"bytes": len(content), "sha256": digest}


def build_wheel(target):
    """The wheel of this package, built from a copy of the source: the tree stays as it is."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "source"
        copy.mkdir()
        for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copyfile(ROOT / name, copy / name)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "ncf_numpy", copy / "ncf_numpy", ignore=ignored)
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
        command += ["--quiet", "--wheel-dir", str(target), str(copy)]
        subprocess.run(command, check=True)
    (wheel,) = target.glob("ncf_numpy-*.whl")
    return wheel


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Build the playground for a static host.")
    parser.add_argument("target", type=Path, help="folder to write")
    parser.add_argument("--pyodide", type=Path, metavar="FOLDER", required=True)
    parser.add_argument("--url", help="where a browser finds FOLDER's files (default: a copy)")
    arguments = parser.parse_args()
    build(arguments.pyodide, arguments.target, arguments.url)
