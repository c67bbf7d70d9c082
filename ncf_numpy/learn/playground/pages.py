"""The files of the page: the stepper's, the playground's own, and the page around them."""

from importlib import resources

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
}
STEPPER, OWN = "ncf_numpy.learn.stepper", "ncf_numpy.learn.playground"


def files(backend):
    """{name: text} of all that a browser loads, in one folder.

    backend: where the page sends its requests, "server" or "worker": a word in its first file.
    """
    found = {}
    for package in (STEPPER, OWN):
        for file in resources.files(package).joinpath("assets").iterdir():
            if suffix(file.name) in TYPES:
                found[file.name] = file.read_text(encoding="utf-8")
    found["index.html"] = found.pop("playground.html").replace("BACKEND", backend)
    del found["page.html"], found["page.js"]  # of the page that stands alone
    return found


def suffix(name):
    return name[name.rfind(".") :]
