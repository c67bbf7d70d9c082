"""Write examples/ncf_walkthrough.ipynb from examples/ncf_walkthrough.py, and run it.

    pip install -e '.[plot,notebook]'
    python tools/notebook.py              # run on the synthetic sample and write, with its outputs
    python tools/notebook.py --check      # run on what data there is and write nothing

In the script `# %%` begins a cell of code, `# %% [markdown]` a comment that is a cell of text, and
`# %name` is a magic. Editors know this format and run it cell by cell.
"""

import argparse
import os
import re
import tempfile
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "examples" / "ncf_walkthrough.py"
NOTEBOOK = SCRIPT.with_suffix(".ipynb")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def cells(text):
    """[(number, "code" or "markdown", source), ...] of a script."""
    parts = re.split(r"^# %%(.*)\n", text, flags=re.MULTILINE)[1:]  # what stands before is no cell
    for number, (kind, source) in enumerate(zip(parts[::2], parts[1::2]), start=1):
        if kind.strip() == "[markdown]":
            yield number, "markdown", re.sub(r"^# ?", "", source.strip(), flags=re.MULTILINE)
        else:
            yield number, "code", re.sub(r"^# %", "%", source.strip(), flags=re.MULTILINE)


def execute(text, environment):
    """The notebook of a script, with outputs; CellExecutionError shows the cell that fails."""
    from nbclient import NotebookClient
    from nbformat import v4

    make = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}
    made = [make[kind](source, id=f"cell-{number}") for number, kind, source in cells(text)]
    notebook = v4.new_notebook(cells=made, metadata=METADATA)
    resources = {"metadata": {"path": str(SCRIPT.parent)}}
    client = NotebookClient(notebook, timeout=None, resources=resources, record_timing=False)
    client.execute(env=environment)
    notebook["metadata"] = METADATA  # not this machine's
    return notebook


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="run it and write nothing")
    arguments = parser.parse_args()
    text = SCRIPT.read_text(encoding="utf-8")
    if arguments.check:
        notebook = execute(text, dict(os.environ))
        print(f"{SCRIPT.name}: {len(notebook.cells)} cells run")
        return
    import nbformat

    with tempfile.TemporaryDirectory() as empty:
        # Licences forbid to pass real data on: with nothing to find, the outputs hold none.
        nothing = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"), empty)
        notebook = execute(text, {**os.environ, **nothing, "NCF_NUMPY_DATA": ""})
    nbformat.write(notebook, NOTEBOOK)
    print(f"wrote {NOTEBOOK}: {NOTEBOOK.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
