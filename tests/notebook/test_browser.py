"""The dashboard in a real browser: JupyterLab, its page and a real server."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import BeanopsError  # noqa: F401
from beanops.session.session import Session, connect
from tests.notebook.lab import Lab, Notebook

# Scripts, in the forms in which careless pages run them. In tubes' names only these characters are allowed.
TUBE = "$(alert)/1;alert(1);+_$"
BODIES = [
    b"<script>window.owned = 1</script>",
    b"<img src=x onerror='window.owned = 1'>",
    b"\x1b]52;c;aGk=\x07\xff\xfe\x00 javascript:window.owned=1",
    "\u202e${window.owned = 1} $$\\require{}$$ {{constructor.constructor('window.owned=1')()}}".encode(),
]


@pytest.fixture
def server(beanstalkd: Beanstalkd) -> Iterator[Session]:
    """Return the test's own session on the server that the notebook looks at."""
    with connect(beanstalkd.address) as session:
        yield session


def opening(server: Session, then: str = "view = session.dashboard(); view") -> tuple[str, str]:
    return f"import beanops\nsession = beanops.connect({str(server.address)!r})", then


def wait(condition: object, notebook: Notebook) -> None:
    give_up = time.monotonic() + 8
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < give_up, notebook.console[-5:]
        notebook.page.wait_for_timeout(50)


def names(notebook: Notebook) -> list[str]:
    """Return the tubes in the order in which they stand."""
    rows = "rows => rows.filter(r => !r.hidden).sort((a, b) => parseInt(a.style.top) - parseInt(b.style.top))"
    found = notebook.page.locator(".beanops").first.locator(".beanops-body .beanops-row")
    return list(found.evaluate_all(f"{rows}.map(r => r.dataset.key)".replace("rows => rows", "rows => rows")))


def test_a_click_selects_and_a_button_acts_on_the_server_and_the_record(lab: Lab, server: Session) -> None:
    server.put("mail", b'{"user": 1}')
    server.put("mail", b'{"user": 2}')
    server.bury([1, 2])
    with lab.notebook(*opening(server)) as notebook:
        notebook.row(0, "mail").click()
        assert notebook.run_json("view.tubes.selected") == ["mail"]
        notebook.row(1, "1").click()
        notebook.grid(1).get_by_text('{"user": 1}').last.wait_for()
        notebook.picture("light")

        notebook.grid(1).locator("[data-action=kick]").click()
        wait(lambda: server.tube("mail").current_jobs_ready == 1, notebook)
        notebook.grid(2).get_by_text("kick").wait_for()
        assert notebook.grid(0).locator(".beanops-status").text_content() == "kick: 1 done"

        notebook.row(1, "2").click()
        delete = notebook.grid(1).locator("[data-action=delete]")
        delete.click()
        assert delete.text_content() == "Delete job 2: sure?"
        notebook.command("apputils:change-theme", theme="JupyterLab Dark")
        notebook.picture("dark")
        assert server.tube("mail").current_jobs_buried == 1
        delete.click()
        wait(lambda: server.tube("mail").current_jobs_buried == 0, notebook)
        done = notebook.run_json("session.actions[['source', 'action', 'job_id', 'outcome']].values.tolist()")
        assert done == [["notebook", "kick", 1, "done"], ["notebook", "delete", 2, "done"]]
        notebook.command("apputils:change-theme", theme="JupyterLab Light")
        assert notebook.errors == []


def test_sort_scroll_selection_and_focus_survive_updates_and_keys_work(lab: Lab, server: Session) -> None:
    for number in range(60):
        server.put(f"tube-{number:02}", b"x", delay=number % 2 * 60)
    with lab.notebook(*opening(server)) as notebook:
        notebook.row(0, "default").wait_for()
        notebook.grid(0).get_by_role("button", name="tube").click()
        assert names(notebook)[:2] == ["default", "tube-00"]
        notebook.row(0, "tube-03").click()
        notebook.page.keyboard.press("ArrowDown")
        notebook.page.keyboard.press("Shift+ArrowDown")
        assert notebook.run_json("view.tubes.selected") == ["tube-04", "tube-05"]
        view = notebook.grid(0).locator(".beanops-view")
        view.evaluate("view => (view.scrollTop = 300)")
        server.put("tube-12", b"y")
        notebook.row(0, "tube-12").get_by_text("2", exact=True).wait_for()
        assert view.evaluate("view => view.scrollTop") == 300
        assert names(notebook) == sorted(names(notebook))
        assert notebook.row(0, "tube-05").or_(notebook.grid(0)).count()
        assert notebook.run_json("view.tubes.selected") == ["tube-04", "tube-05"]
        assert "2 selected" in (notebook.grid(0).locator(".beanops-total").text_content() or "")
        # The letters that JupyterLab would take: d d deletes a cell, b adds one.
        for key in "ddb":
            notebook.page.keyboard.press(key)
        assert notebook.page.locator(".jp-CodeCell").count() == 2
        notebook.grid(0).locator(".beanops-filter").fill("tube-1")
        notebook.row(0, "tube-10").wait_for()
        assert all(name.startswith("tube-1") for name in names(notebook))


def test_a_click_during_a_busy_cell_is_refused_and_seen(lab: Lab, server: Session) -> None:
    server.put("mail", b"x")
    with lab.notebook(*opening(server)) as notebook:
        notebook.row(0, "mail").click()
        pause = notebook.grid(0).locator("[data-action=pause]")
        notebook.run("import beanops.notebook.grid as g; g.STALE = 0.5")
        notebook.page.evaluate(
            "() => void window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel"
            ".requestExecute({ code: 'import time; time.sleep(1.5)' })"
        )
        pause.click()
        # While the cell sleeps the table goes on.
        server.put("mail", b"y")
        notebook.row(0, "mail").get_by_text("2", exact=True).wait_for()
        notebook.grid(0).get_by_text("pause was refused: the click is").wait_for()
        assert server.tube("mail").pause == 0
        assert notebook.run_json("len(session.actions)") == 0


def test_hostile_names_and_bodies_are_only_text(lab: Lab, server: Session) -> None:
    for body in BODIES:
        server.put(TUBE, body)
    server.bury([1])
    with lab.notebook(*opening(server)) as notebook:
        notebook.row(0, TUBE).click()
        for head, body in (("1", BODIES[0]), ("2", BODIES[1])):
            notebook.row(1, head).click()
            text = body.decode("utf-8", "backslashreplace")
            wait(lambda text=text: notebook.grid(1).locator(".beanops-detail").text_content() == text, notebook)
        server.delete([2])
        notebook.row(1, "3").click()
        server.delete([3])
        notebook.row(1, "4").click()
        assert notebook.page.evaluate("() => window.owned") is None
        assert notebook.errors == []
        assert notebook.page.locator(".beanops script, .beanops img, .beanops mjx-container").count() == 0


def test_the_view_of_a_cell_that_runs_again_is_replaced(lab: Lab, server: Session) -> None:
    with lab.notebook(*opening(server, "session.dashboard()")) as notebook:
        notebook.row(0, "default").wait_for()
        notebook.command("notebook:run-all-cells")
        wait(lambda: notebook.run("import threading; print(threading.active_count())") != "", notebook)
        notebook.row(0, "default").wait_for()
        wait(lambda: notebook.run(_POLLING) == "1", notebook)
        assert notebook.page.locator(".beanops").count() == 3


_POLLING = "import threading; print(sum(t.name == 'beanops-poll' for t in threading.enumerate()))"
