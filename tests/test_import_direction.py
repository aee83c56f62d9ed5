"""Who may import whom, read from the code: the rooms of the house and the doors between them."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

import harness

ROOT = Path(harness.__file__).parent
MAPPED = ("adapters", "reports", "suites")  # folders of their own in the repository

# What each room may import besides itself, `types` and `errors`. A room that is not named here is part of the upper floor
# (running, scoring, the command line), which may import every room below it.
DOORS = {
    "types": set(),
    "errors": set(),
    "answers": set(),
    "stats": set(),
    "parsing": set(),
    "adapters": {"environment"},
    "metrics": {"answers", "stats"},
    "suites": {"answers", "metrics", "stats", "result"},
    "data": {"answers", "parsing", "registry", "config"},
    "phantom": {"adapters"},
    "reports": set(),
    "result": {"reports"},
    "store": set(),
    "executors": set(),
    "asking": {"store"},
}
ALWAYS = {"types", "errors"}
ONLY_TRACKING = "mlflow"


def rooms_imported(path: Path, package: str) -> set[str]:
    """Rooms of `harness` imported anywhere in a file, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            names = [node.module or ""]
            if node.module == "harness":
                names = [f"harness.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("harness.")}
    return found - {package}


def _files():
    """Every module with its room, wherever the room's folder lies: installed, or linked to the repository."""
    found = [(path, path.relative_to(ROOT).parts[0].removesuffix(".py")) for path in ROOT.rglob("*.py")]
    for room in MAPPED:
        folder = Path(find_spec(f"harness.{room}").origin).parent
        found += [(path, room) for path in folder.rglob("*.py") if not path.is_relative_to(ROOT)]
    return sorted(set(found))


FILES = [pytest.param(path, room, id=f"{room}/{path.name}") for path, room in _files()]


@pytest.mark.parametrize(("path", "room"), FILES)
def test_imports_go_one_way(path, room):
    if room not in DOORS:
        return
    allowed = DOORS[room] | ALWAYS
    assert rooms_imported(path, room) <= allowed, f"{room} may import {sorted(allowed)} only"


@pytest.mark.parametrize(("path", "room"), FILES)
def test_only_tracking_imports_mlflow(path, room):
    source = ast.parse(path.read_text())
    imported = {a.name.split(".")[0] for n in ast.walk(source) if isinstance(n, ast.Import) for a in n.names}
    imported |= {(n.module or "").split(".")[0] for n in ast.walk(source) if isinstance(n, ast.ImportFrom)}
    assert ONLY_TRACKING not in imported or room == "tracking"


def test_every_room_with_doors_exists():
    rooms = {room for _, room in _files()}
    assert set(DOORS) <= rooms
