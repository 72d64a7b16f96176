"""The shape of the package: rooms that import one way, files without circles, and names that are used once."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "beanops"
#: The rooms in the order in which they import: each imports only those to its left.
ROOMS = (
    "protocol",
    "client",
    "monitor",
    "recording",
    "jobs",
    "journal",
    "session",
    "binlog",
    "fleet",
    "migration",
    "exporter",
    "alerts",
    "ui",
    "faces",
)
FACES = ("cli", "tui", "notebook", "plots")
#: Modules of a folder: what more there is has rooms inside.
MOST_MODULES = 18
#: Lines of a module without its docstrings and its signatures, which a facade has many of.
MOST_LINES = 450


@cache
def modules() -> dict[str, Path]:
    """Return the file of each module of the package, by its dotted name."""
    files = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text())


def module_of(name: str) -> str | None:
    """Return the module that a dotted name is, or is in; None for a name of another package."""
    name = name.partition(":")[0]
    while name and name not in modules():
        name = name.rpartition(".")[0]
    return name or None


def imported(module: str) -> Iterator[str]:
    """Yield what a module imports at any place, for its types alone too, as dotted names."""
    package = module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def named(module: str) -> Iterator[str]:
    """Yield the strings of a module that name another one, as an import by string does."""
    strings = (node.value for node in ast.walk(tree(module)) if isinstance(node, ast.Constant))
    yield from (text for text in strings if isinstance(text, str) and re.fullmatch(r"beanops(\.\w+)+(:\w+)?", text))


def links(module: str) -> set[str]:
    """Return the other modules that a module imports, however it does that."""
    found = {module_of(name) for name in [*imported(module), *named(module)] if name.startswith("beanops")}
    return {name for name in found if name is not None} - {module, "beanops"}


def room(module: str) -> str | None:
    """Return the room of a module; None for what is in no room, such as the package itself."""
    first = module.split(".")[1] if "." in module else ""
    return "faces" if first in FACES else first if first in ROOMS else None


def stem(word: str) -> str:
    """Return what is left of a word without its ending: of "views" and "viewing" it is the same."""
    for ending in ("ings", "ing", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) > 2:
            return word.removesuffix(ending).rstrip("e")
    return word.rstrip("e")


def test_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    ended = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_no_files_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter({module: links(module) for module in modules()}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_no_import_runs_back_up() -> None:
    places = {module: ROOMS.index(place) for module in modules() if (place := room(module))}
    upward = {
        module: sorted(name for name in links(module) if places.get(name, -1) > place)
        for module, place in places.items()
    }
    assert {module: names for module, names in upward.items() if names} == {}


def test_what_lies_beside_the_rooms_imports_no_more_than_the_lowest() -> None:
    """All but the entrances: the package, its accessors, ``python -m beanops`` and the plugin for pytest."""
    beside = [module for module in modules() if module.count(".") == 1 and module.split(".")[1] not in (*ROOMS, *FACES)]
    entrances = {"beanops.__main__", "beanops.accessors", "beanops.pytest_plugin", "beanops.embedded"}
    inward = {
        module: sorted(name for name in links(module) if room(name) not in (None, ROOMS[0]))
        for module in beside
        if module not in entrances
    }
    assert {module: names for module, names in inward.items() if names} == {}


def test_classes_have_names_of_their_own() -> None:
    classes = defaultdict(list)
    for module in modules():
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.ClassDef):
                classes[node.name].append(module)
    assert {name: where for name, where in classes.items() if len(where) > 1} == {}


def test_constants_are_assigned_once() -> None:
    """A second table of one name would hide the first."""
    twice = {}
    for module in modules():
        names = [
            target.id
            for node in tree(module).body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name) and target.id.isupper()
        ]
        if again := sorted(name for name, count in Counter(names).items() if count > 1):
            twice[module] = again
    assert twice == {}


def test_modules_of_a_folder_have_names_that_nobody_confuses() -> None:
    alike: dict[tuple[Path, str], set[str]] = defaultdict(set)
    for path in [*PACKAGE.rglob("*.py"), *(path for path in PACKAGE.rglob("*") if (path / "__init__.py").exists())]:
        alike[path.parent, stem(path.stem)].add(path.stem)
    assert [sorted(names) for names in alike.values() if len(names) > 1] == []


def test_large_folders_have_rooms_inside() -> None:
    counts = Counter(path.parent for path in modules().values() if path.name != "__init__.py")
    assert {str(folder.relative_to(ROOT)): count for folder, count in counts.items() if count > MOST_MODULES} == {}


def code_lines(module: str) -> int:
    """Count the lines of a module without its docstrings and its signatures."""
    lines = modules()[module].read_text().count("\n")
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines -= node.body[0].lineno - node.lineno
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            ast.get_docstring(node, clean=False) is not None
        ):
            lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
    return lines


def test_modules_are_short() -> None:
    long = {module: lines for module in modules() if (lines := code_lines(module)) > MOST_LINES}
    assert long == {}
