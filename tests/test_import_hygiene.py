"""Light entry points stay light: they load nothing that only another command or face needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from beanops.embedded.process import Beanstalkd

HEAVY = (
    "pandas", "numpy", "matplotlib", "textual", "rich", "ipywidgets", "anywidget", "asyncio", "msgpack", "duckdb",
    "sqlalchemy",
)  # fmt: skip


def loaded(*arguments: str) -> set[str]:
    """Run a command line in a fresh Python; return the top-level modules that it has loaded."""
    script = (
        "import sys; from beanops.cli.app import run; code = run(sys.argv[1:]);"
        "print(*{name.partition('.')[0] for name in sys.modules}, sep='\\n', file=sys.stderr); sys.exit(code)"
    )
    ended = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return set(ended.stderr.split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_little_more_than_click(arguments: list[str]) -> None:
    assert not loaded(*arguments) & {*HEAVY, "socket", "selectors"}


def test_tubes_loads_what_it_needs(beanstalkd: Beanstalkd) -> None:
    assert not loaded("-s", beanstalkd.address, "tubes") & set(HEAVY)


def test_the_files_of_the_exporter_need_nothing() -> None:
    assert not loaded("exporter", "--print-rules") & {*HEAVY, "prometheus_client", "yaml", "bcrypt"}


def test_serve_loads_only_the_server() -> None:
    assert not loaded("serve", "-v") & {*HEAVY, "platformdirs"} - {"asyncio"}


def test_what_leads_to_the_dashboard_is_light() -> None:
    """What the dashboard itself loads is in ``tests/tui/test_imports.py``."""
    assert not loaded("tui", "--help") & set(HEAVY)


def test_import_beanops_loads_no_other_package() -> None:
    script = "import sys; import beanops; print(*sys.modules, sep='\\n')"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(ended.stdout.split()) & {*HEAVY, "click", "beanops.client", "beanops.session"}


def test_what_leads_to_alerts_and_shows_them_is_light() -> None:
    assert not loaded("alert", "run", "--help") & set(HEAVY)
    assert not loaded("alert", "status") & {*HEAVY} - {"asyncio"}
