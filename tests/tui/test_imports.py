"""What the rest of beanops pays for the dashboard: nothing; and what its first paint pays for what comes later."""

from __future__ import annotations

import subprocess
import sys


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_the_dashboard_starts_without_what_it_needs_later() -> None:
    modules = loaded_by("import beanops.tui.app")
    assert "textual.app" in modules
    assert not modules & {"pandas", "numpy", "ipywidgets", "click", "sqlalchemy", "sqlite3", "duckdb"}
    assert not modules & {
        "textual.widgets._text_area",
        "beanops.tui.dialogs.confirm",
        "beanops.tui.screens.tube",
        "beanops.tui.screens.job",
    }


def test_its_package_alone_loads_nothing() -> None:
    assert not {name for name in loaded_by("import beanops.tui") if name.startswith(("textual", "rich", "pandas"))}
