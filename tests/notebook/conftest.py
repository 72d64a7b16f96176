"""Fixtures of the notebook's tests: a browser and a JupyterLab that all of them share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from beanops import connect
from beanops.embedded.process import Beanstalkd
from beanops.session.session import Session
from tests.needs import chromium, missing
from tests.notebook.lab import Lab, Notebook, headless, jupyter_lab


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Return a headless chromium; see `bare_page` for what it can show without JupyterLab."""
    with headless(chromium() or missing("chromium is not installed")) as launched:
        yield launched


@pytest.fixture(scope="package")
def lab(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with jupyter_lab(tmp_path_factory.mktemp("lab"), browser) as running:
        yield running


@pytest.fixture(scope="package")
def opened(lab: Lab) -> Iterator[Notebook]:
    with lab.notebook(
        "import beanops\nsession = beanops.connect(address)", "view = session.dashboard()\nview"
    ) as opened:
        yield opened


@pytest.fixture
def server(beanstalkd: Beanstalkd) -> Iterator[Session]:
    """Return the test's own session on the server that the notebook looks at."""
    with connect(beanstalkd.address) as session:
        yield session


@pytest.fixture
def notebook(opened: Notebook, server: Session) -> Iterator[Notebook]:
    """Show the dashboard of the test's server; one page and one kernel serve all tests, for they start slowly."""
    opened.errors.clear()
    opened.run(f"address = {str(server.address)!r}")
    opened.command("notebook:run-all-cells")
    opened.row(0, "default").wait_for()
    yield opened
    opened.run("view.close(); session.close()")
