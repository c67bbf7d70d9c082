"""What strangers download: an archive that tests itself, and a wheel with all that it runs.

Both are built by setuptools alone and installed without an index: none of this needs a network.
"""

import importlib.metadata
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import ncf_numpy

ROOT = Path(ncf_numpy.__file__).parents[1]
JUNK = ".git", ".nox", ".venv", ".hypothesis", "*cache*", "build", "dist", "*.egg-info"
RELATIVE = re.compile(r"\]\((?!https?://|#)[^)]+\)")
OFFLINE = """
import socket

def refuse(*_, **__):
    raise OSError("there is no network here")

socket.getaddrinfo = refuse
"""


def setup():
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def build(kind, source, target):
    """The path of the "sdist" or "wheel" that setuptools makes of a folder."""
    code = f"from setuptools.build_meta import *; build_{kind}({str(target)!r})"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=source, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (path,) = Path(target).iterdir()
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the checkout, or of the unpacked archive that these tests lie in."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (needed,) = map(Requirement, tomllib.loads(text)["build-system"]["requires"])
    try:
        found = importlib.metadata.version(needed.name)
    except importlib.metadata.PackageNotFoundError:
        found = "none"
    if found == "none" or found not in needed.specifier:
        pytest.skip(f"building needs {needed}, installed is {found}")
    copy = tmp_path_factory.mktemp("source") / "ncf_numpy"
    return shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*JUNK))


@pytest.fixture(scope="module")
def archive(source, tmp_path_factory):
    return build("sdist", source, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def unpacked(archive, tmp_path_factory):
    target = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    (folder,) = target.iterdir()
    return folder


@pytest.fixture(scope="module")
def wheel(unpacked, tmp_path_factory):
    return build("wheel", unpacked, tmp_path_factory.mktemp("wheel"))


def files(folder):
    return {
        path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file()
    }


def test_the_archive_lacked_what_its_tests_and_commands_need(unpacked):
    if not (ROOT / ".git").exists():
        pytest.skip("no git: this is no checkout to compare with")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, encoding="utf-8"
    )
    tracked = {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}
    made = {name for name in files(unpacked) if re.match(r"PKG-INFO|ncf_numpy\.egg-info/", name)}
    assert files(unpacked) - made == tracked


def test_the_wheel_is_the_package_and_nothing_else(wheel, source):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == {f"ncf_numpy/{name}" for name in files(source / "ncf_numpy")}


def test_archive_and_checkout_give_the_same_wheel_to_the_last_bit(wheel, source, tmp_path):
    assert build("wheel", source, tmp_path).read_bytes() == wheel.read_bytes()


def description(unpacked):
    """What a package index shows."""
    metadata = importlib.metadata.PathDistribution(unpacked / "ncf_numpy.egg-info").metadata
    assert metadata["Description-Content-Type"] == "text/markdown"
    return metadata["Description"]


def test_readme_had_links_and_a_picture_that_lead_nowhere_on_an_index(unpacked):
    text = description(unpacked)
    repository = setup()["metadata"].get("url")
    assert RELATIVE.findall(text) == []
    assert text.startswith("# ncf_numpy\n") and "```python\n>>> import numpy" in text
    assert ("![" in text) == bool(repository)


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        (
            None,
            "Read a\npage, or [the paper](https://arxiv.org/abs/1708.05031), [below](#limits).\n\n"
            "```md\n[a](b.md)\n```\n",
        ),
        (
            "https://example.org/us",
            "[Guide](https://example.org/us/blob/v1.2/docs/ko.md) · "
            "[Data](https://example.org/us/blob/v1.2/docs/data.md)\n\n"
            "[![A step](https://example.org/us/raw/v1.2/docs/a.gif)]"
            "(https://example.org/us/blob/v1.2/docs/step.md)\n\n"
            "Read [a\npage](https://example.org/us/blob/v1.2/docs/data.md#here), or "
            "[the paper](https://arxiv.org/abs/1708.05031), [below](#limits).\n\n"
            "```md\n[a](b.md)\n```\n",
        ),
    ],
    ids=["no address", "an address"],
)
def test_links_of_a_readme_that_stands_alone(repository, expected):
    standing_alone = runpy.run_path(str(ROOT / "setup.py"))["standing_alone"]
    text = (
        "[Guide](docs/ko.md) · [Data](docs/data.md)\n\n"
        "[![A step](docs/a.gif)](docs/step.md)\n\n"
        "Read [a\npage](docs/data.md#here), or [the paper](https://arxiv.org/abs/1708.05031), "
        "[below](#limits).\n\n```md\n[a](b.md)\n```\n"
    )
    assert standing_alone(text, repository, "1.2") == expected


def distributions(requirements):
    """The installed distributions that these name, and those that they need in turn."""
    found, waiting = {}, list(map(Requirement, requirements))
    while waiting:
        wanted = waiting.pop()
        if wanted.name in found or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        found[wanted.name] = importlib.metadata.distribution(wanted.name)
        waiting += map(Requirement, found[wanted.name].requires or [])
    return found.values()


def empty_environment(folder, extras=(), *, offline=True):
    """The Python of a new environment that has what setup.cfg requires, and nothing else.

    The packages are links to those that are installed here, so none is fetched.
    """
    pytest.importorskip("pip", reason="pip installs what was built")
    environment = venv.EnvBuilder(with_pip=False)
    environment.create(folder)
    python = Path(environment.ensure_directories(folder).env_exe)
    place = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    place = Path(place.stdout.strip())
    wanted = setup()["options"]["install_requires"].split("\n")
    for extra in extras:
        wanted += setup()["options.extras_require"][extra].split("\n")
    try:
        for distribution in distributions(filter(None, wanted)):
            tops = {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}
            for top in tops:
                os.symlink(distribution.locate_file(top), place / top)
    except (OSError, TypeError) as error:
        pytest.skip(f"the packages that are installed here cannot be linked: {error}")
    if offline:
        (place / "sitecustomize.py").write_text(OFFLINE, encoding="utf-8")
    return python


def run(python, *arguments, cwd=None):
    """Nothing but the environment's own packages and sample data is to be found."""
    environment = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
    environment.pop("NCF_NUMPY_DATA", None)
    return subprocess.run(
        [python, *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )


def pip_install(python, *what, cwd=None):
    pip = "-m", "pip", "--python", python, "install", "--quiet", "--no-index"
    done = run(sys.executable, *pip, *what, cwd=cwd)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of an environment in which the wheel is installed."""
    python = empty_environment(tmp_path_factory.mktemp("installed") / "environment")
    pip_install(python, wheel)
    return python


@pytest.mark.robustness
def test_the_wheel_runs_its_commands_without_the_checkout(installed, tmp_path):
    def ncf_numpy(*arguments, status=0):
        done = run(installed, "-X", "utf8", "-m", "ncf_numpy", *arguments, cwd=tmp_path)
        assert done.returncode == status, (arguments, done.stdout, done.stderr)
        return done.stdout + done.stderr

    where = run(installed, "-c", "import ncf_numpy; print(ncf_numpy.__file__)", cwd=tmp_path)
    assert where.stdout.startswith(str(installed.parents[1]))
    assert ncf_numpy("version").startswith(f"ncf_numpy {setup()['metadata']['version']}\n")
    assert "dL/d" in ncf_numpy("step", "--no-pause")
    ncf_numpy("step", "--html", "step.html", "--steps", "2")
    assert "<svg" in (tmp_path / "step.html").read_text(encoding="utf-8")
    assert "filled in" in ncf_numpy("exercise")
    assert "hint" in ncf_numpy("exercise", "1", status=1)
    ncf_numpy("exercise", "1", "--solution")
    ncf_numpy("gradcheck", "--model", "gmf")
    ncf_numpy("download")
    train = "train --dataset sample --model gmf --factors 2 --epochs 1 --save m.npz"
    ncf_numpy(*train.split())
    assert "score" in ncf_numpy("recommend", "m.npz", "--user", "1")
    ncf_numpy("similar", "m.npz", "--user", "1")
    ncf_numpy("vectors", "m.npz", "--items", "items.csv")


def test_the_wheel_opens_the_playground_and_shows_all_its_pages(installed, tmp_path):
    from urllib.request import urlopen

    command = [installed, "-m", "ncf_numpy", "playground", "--no-browser"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())[0]
            page = urlopen(address).read().decode()
            for name in re.findall(r'(?:src|href)="(?:\./)?([\w.]+\.(?:js|css))"', page):
                assert urlopen(address + name).status == 200, name
        finally:
            process.send_signal(signal.SIGINT if os.name == "posix" else signal.SIGTERM)
            process.wait(timeout=30)
    assert "<html" in page


@pytest.mark.robustness
def test_the_unpacked_archive_passes_the_commands_of_its_readme(unpacked, tmp_path):
    python = empty_environment(tmp_path / "environment", ["test"])
    pip_install(python, "--no-build-isolation", "-e", ".[test]", cwd=unpacked)
    done = run(python, "examples/train_lastfm.py", cwd=unpacked)
    assert done.returncode == 0, done.stderr
    some = ["ncf_numpy", "tests/core", "tests/to_torch", "tests/docs/test_statements.py"]
    some += ["tests/house/test_package.py", "tests/house/test_release.py"]
    done = run(python, "-m", "pytest", "-q", *some, cwd=unpacked)
    assert done.returncode == 0, done.stdout
