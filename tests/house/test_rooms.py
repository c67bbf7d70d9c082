"""The rooms of the package ask each other in one direction only."""

import ast
import re
from pathlib import Path

import ncf_numpy

PACKAGE = Path(ncf_numpy.__file__).parent
PLAN = PACKAGE.parent / "docs" / "project" / "architecture.md"
EVERYBODY = {"safe_file", ""}  # "" is the package itself: lazy_names
MAY_ASK = {
    "core": set(),
    "data": {"core"},
    "evaluation": {"core", "data"},
    "datasets": {"core", "data"},
    "training": {"core", "data", "evaluation"},
    "recommender": {"core", "data", "evaluation", "datasets", "training"},
    "learn": {"core", "data", "training.trainer", "training.deferred_updates"},
    "to_torch": {"core", "training", "recommender"},
    "plots": {"core", "data"},
}
AT_THE_TOP = {"__init__", "__main__", "commands", "py", *EVERYBODY, *MAY_ASK}  # py.typed


def imports(path):
    """The modules of this package that a file imports, such as {"core.layers"}."""
    here = ["ncf_numpy", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            module = [] if node.module is None else node.module.split(".")
            base = here[: len(here) - node.level + 1] if node.level else []
            parts = [*base, *module]
            if parts[:1] == ["ncf_numpy"]:
                folder = PACKAGE.joinpath(*parts[1:])
                for alias in node.names:
                    is_module = (folder / alias.name).exists() or (
                        folder / f"{alias.name}.py"
                    ).exists()
                    yield ".".join([*parts[1:], alias.name] if is_module else parts[1:])


def allowed(room, module):
    return any(
        module == other or module.startswith(f"{other}.") for other in {room, *MAY_ASK[room]}
    ) or (module in EVERYBODY)


def test_every_import_goes_the_way_of_the_rooms():
    wrong, n_imports = [], 0
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for module in imports(path):
            n_imports += 1
            if room in MAY_ASK and not allowed(room, module):
                wrong.append(f"{path.relative_to(PACKAGE)} asks {module}")
    assert not wrong
    assert n_imports > 150


def test_a_wrong_direction_is_noticed():
    assert not allowed("core", "data.sampling")
    assert not allowed("learn", "recommender.recommender")
    assert allowed("learn", "core.layers") and allowed("data", "safe_file")


def test_the_top_has_few_folders_and_files():
    entries = [path for path in PACKAGE.iterdir() if path.name != "__pycache__"]
    assert sum(path.is_dir() for path in entries) <= 9
    assert sum(path.is_file() for path in entries) <= 5
    assert {path.stem for path in entries} <= AT_THE_TOP


def test_the_plan_names_every_room_and_whom_it_may_ask():
    rows = [line.split("|")[1:-1] for line in PLAN.read_text("utf-8").splitlines() if "| `" in line]
    asks = {row[0].strip(" `/"): set(re.findall(r"`(\w+)/`", row[3])) for row in rows}
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir()} - {"__pycache__"}
    assert set(asks) == folders
    for room in asks.keys() & MAY_ASK.keys():
        rooms = {module for module in MAY_ASK[room] if "." not in module}
        assert asks[room] <= rooms <= everybody_behind(asks[room], asks)
    tops = set(re.findall(r"`(\w+)\.py`", PLAN.read_text("utf-8").split("At the top lie")[1][:300]))
    assert tops == {path.stem for path in PACKAGE.glob("*.py")}


def everybody_behind(rooms, asks):
    """These rooms and all that they may ask, directly or not."""
    return rooms.union(*(everybody_behind(asks[room], asks) for room in rooms))
