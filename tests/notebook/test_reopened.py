"""Views in JupyterLab without the kernel that made them: reopened, restarted and killed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import nbformat

from beanops.session.session import Session
from tests.notebook.exported import SECRET, executed, two_views, without_states
from tests.notebook.lab import Lab, Notebook
from tests.notebook.test_kernels import BUSY

#: Seconds after which a page without a word from Python takes the kernel for dead, and one more; see live.js.
DOUBT = 8


def test_a_reopened_notebook_shows_views_or_tables_trusted_or_not(lab: Lab, server: Session, tmp_path: Path) -> None:
    ran = nbformat.read(executed(tmp_path, *two_views(server)), nbformat.current_nbformat)
    assert SECRET not in json.dumps(ran)
    for trusted in (True, False):
        with lab.open(ran, trusted=trusted) as opened:
            views = opened.page.locator(".beanops")
            views.nth(1).wait_for()
            opened.page.locator(".beanops-notlive:visible").nth(1).wait_for()
            assert "run the cell to make it live" in views.nth(0).inner_text()
            assert opened.row(0, "mail").is_visible()
            assert opened.grid(0).locator("[data-action=pause]").is_disabled()
            assert opened.page.locator(".beanops-static:visible").count() == 0
            opened.picture(f"reopened {trusted}")
            assert opened.errors == []
            opened.shut_down()
        with lab.open(without_states(ran), trusted=trusted) as opened:
            tables = opened.page.locator(".beanops-static:visible")
            tables.nth(1).wait_for()
            assert "mail" in tables.nth(0).inner_text()
            assert opened.page.locator(".beanops").count() == 0
            assert opened.page.evaluate("() => window.owned") is None
            opened.picture(f"reopened without states {trusted}")
            assert opened.errors == []
            opened.shut_down()


def not_live(notebook: Notebook) -> Any:
    return notebook.page.locator(".beanops-notlive:visible")


def show(notebook: Notebook) -> None:
    notebook.command("notebook:run-all-cells")
    notebook.row(0, "mail").wait_for()
    notebook.grid(-1).get_by_text("job 1 of mail is reserved").wait_for()
    notebook.until(lambda: not_live(notebook).count() == 0)


def test_a_restarted_or_killed_kernel_leaves_views_that_are_not_live(lab: Lab, server: Session, tmp_path: Path) -> None:
    server.put(b'{"user": 1}', tube="mail")
    cells = (
        f"import beanops\nsession = beanops.connect({str(server.address)!r})",
        "session.dashboard()",
        "session.reserve_widget('mail')",
    )
    with lab.notebook(*cells) as notebook:
        show(notebook)
        over = tmp_path / "over"
        with notebook.busy(BUSY.format(over=str(over))):
            notebook.page.wait_for_timeout(DOUBT * 1000)
            notebook.until(lambda: not_live(notebook).count() == 0)  # a busy kernel is not a dead one
            over.touch()

        notebook.restart()
        not_live(notebook).nth(1).wait_for()
        assert "the kernel does not answer" in not_live(notebook).nth(0).inner_text()
        assert notebook.grid(0).locator("[data-action=pause]").is_disabled()
        assert notebook.grid(-1).locator("[data-action=delete]").is_disabled()
        notebook.row(0, "mail").click()
        assert notebook.row(0, "mail").get_attribute("aria-selected") == "true"
        notebook.picture("restarted")

        # The server has put the job back: the connection that had reserved it is gone.
        notebook.until(lambda: server.tube("mail").current_jobs_ready == 1)
        show(notebook)
        os.kill(int(notebook.run("import os; print(os.getpid())")), signal.SIGKILL)
        not_live(notebook).nth(1).wait_for()
        notebook.picture("killed")
        assert notebook.errors == []
