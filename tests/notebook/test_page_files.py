"""The page has the files that the parts of views name, and no others."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from beanops.notebook import widgets
from beanops.notebook.widgets import page_files
from beanops.notebook.widgets.channel import Channel

PAGE = Path(page_files.__file__).parents[1] / "page"


def parts() -> list[type[Channel]]:
    modules = [import_module(f"{widgets.__name__}.{found.name}") for found in iter_modules(widgets.__path__)]
    made = {name: value for module in modules for name, value in vars(module).items() if isinstance(value, type)}
    return [made[name] for name in sorted(made) if issubclass(made[name], Channel) and hasattr(made[name], "files")]


def test_each_file_of_the_page_is_of_a_part_or_of_all_views() -> None:
    named = {file for part in parts() for file in part.files}
    assert named | {f"view/{path.name}" for path in PAGE.glob("view/*.js")} == {
        str(path.relative_to(PAGE)) for path in PAGE.rglob("*.js")
    }
    assert not list(PAGE.glob("*.*"))


def test_names_of_all_files_are_unique() -> None:
    """A view is one module: a name that two files give would be an error where both are in it."""
    names = re.compile(r"^(?:async )?(?:function|class|const|let) (\w+)", re.M)
    given = Counter(name for path in PAGE.rglob("*.js") for name in names.findall(path.read_text()))
    assert {name: times for name, times in given.items() if times > 1} == {}


@pytest.mark.parametrize("part", parts(), ids=lambda part: part.kind)
def test_a_view_has_the_style_sheets_of_its_own_parts(part: type[Channel]) -> None:
    style = page_files.page_style(part.files)
    own = {file.partition("/")[0] for file in part.files}
    for sheet in PAGE.glob("*/*.css"):
        rules = [line.strip() for line in sheet.read_text().splitlines() if line.startswith(".") and "{" in line]
        assert (max(rules, key=len) in style) == (sheet.parent.name in {"view", *own})
