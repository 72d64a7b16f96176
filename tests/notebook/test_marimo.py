"""Views in marimo: as the last expression of a cell, and as elements of which other cells depend."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from beanops.embedded.process import free_port
from beanops.session.session import Session
from tests.notebook.lab import Shown, wait_until_up
from tests.waits import PATIENCE

_APP = """
import marimo

app = marimo.App(width="full")


@app.cell
def _():
    import beanops
    import marimo as mo

    session = beanops.connect(ADDRESS)
    return mo, session


@app.cell
def _(session):
    session.dashboard()
    return


@app.cell
def _(mo, session):
    jobs = mo.ui.anywidget(session.browse("mail"))
    jobs
    return (jobs,)


@app.cell
def _(jobs, mo):
    mo.md(f"chosen: {jobs.value['selected'].get('jobs', {}).get('keys')} {jobs.jobs.selected}")
    return


if __name__ == "__main__":
    app.run()
"""


@contextmanager
def marimo(folder: Path, mode: str, address: str, theme: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve an app with marimo, to run or to edit; yield its address and its process."""
    (folder / "app.py").write_text(_APP.replace("ADDRESS", repr(address)))
    (folder / ".marimo.toml").write_text(f'[display]\ntheme = "{theme}"\n[runtime]\nauto_instantiate = true\n')
    port = free_port()
    own = {name: str(folder / name.lower()) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")}
    arguments = ["-q", mode, "app.py", "--headless", "--no-token", "--host", "127.0.0.1", "--port", str(port)]
    log = folder / "marimo.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "marimo", *arguments],
            cwd=folder,
            env={**os.environ, **own},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_up(process, f"http://127.0.0.1:{port}/health", log)
            yield f"http://127.0.0.1:{port}/", process
        finally:
            process.kill()
            process.wait(PATIENCE)


@pytest.mark.parametrize(("mode", "theme"), [("run", "light"), ("edit", "dark")])
def test_marimo_shows_views_and_runs_cells_that_depend_on_them(
    browser: Any, server: Session, tmp_path: Path, mode: str, theme: str
) -> None:
    for user in range(1, 4):
        server.put(b'{"user": %d}' % user, tube="mail")
    with marimo(tmp_path, mode, str(server.address), theme) as (url, process):
        page = browser.new_page(viewport={"width": 1200, "height": 1600})
        page.set_default_timeout(PATIENCE * 1000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        shown = Shown(page)
        page.goto(url)
        page.locator(f".beanops-dashboard[data-scheme={theme}]").wait_for()
        shown.row(0, "mail").click()
        assert shown.row(0, "mail").get_attribute("aria-selected") == "true"

        page.get_by_text("chosen: None ()").wait_for()
        jobs = page.locator(".beanops-browser")
        jobs.locator('.beanops-row[data-key="2"]').click()
        page.get_by_text("chosen: ['2'] ('2',)").wait_for()
        jobs.locator(".beanops-tools [data-action=bury]").click()
        shown.until(lambda: server.job(2).stats.state == "buried")
        page.locator(".beanops-dashboard").get_by_text("bury: 1 done").or_(jobs.get_by_text("bury: 1 done")).wait_for()
        shown.picture(f"marimo {mode} {theme}")
        # Only marimo's own page asks others, for its fonts and news.
        assert not [each for each in asked if "127.0.0.1" not in each and "beanops" in each]
        assert shown.errors == []

        process.kill()
        page.locator(".beanops-notlive:visible").nth(1).wait_for()
        assert "the kernel does not answer" in page.locator(".beanops-notlive").first.inner_text()
        assert shown.errors == []
        page.close()
