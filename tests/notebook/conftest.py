"""Fixtures of the notebook's tests: a browser and a JupyterLab that all of them share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.needs import missing
from tests.notebook.lab import CHROMIUM, FLAGS, Lab, jupyter_lab


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if not os.access(CHROMIUM, os.X_OK):
        missing(f"there is no browser at {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            with jupyter_lab(tmp_path_factory.mktemp("lab"), browser) as running:
                yield running
        finally:
            browser.close()
