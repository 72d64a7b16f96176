"""The browser of jobs in a real browser, and a dashboard that Voila serves as a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from beanops.session.session import Session
from tests.notebook.lab import Lab, Notebook, notebook_of, voila
from tests.notebook.test_browser import BODIES, SHOWN, TUBE
from tests.waits import PATIENCE

_CELLS = (
    "import beanops\nsession = beanops.connect(address)",
    "view = session.browse(tube)\nview",
    "held = session.reserve_widget(tube)\nheld",
)


@pytest.fixture(scope="module")
def opened(lab: Lab) -> Iterator[Notebook]:
    with lab.notebook(*_CELLS) as opened:
        yield opened


@pytest.fixture
def notebook(opened: Notebook, server: Session) -> Iterator[Notebook]:
    """Show the jobs of the tube "mail" of the test's server, which the test has put there by `show`."""
    opened.errors.clear()
    yield opened
    opened.run("view.close(); held.close(); session.close()")


def show(notebook: Notebook, server: Session, tube: str, job: int) -> None:
    notebook.run(f"address, tube = {str(server.address)!r}, {tube!r}")
    notebook.command("notebook:run-all-cells")
    notebook.row(0, str(job)).wait_for()
    notebook.grid(1).get_by_text(" is reserved · ").wait_for()


def press(notebook: Notebook, name: str, which: int = 0) -> None:
    notebook.grid(which).locator(f"[data-action={name}]").click()


def test_selected_jobs_are_kicked_moved_and_brought_back(notebook: Notebook, server: Session) -> None:
    for user in range(1, 7):
        server.put(b'{"user": %d}' % user, tube="mail")
    server.bury([1, 2, 3])
    show(notebook, server, "mail", 1)
    notebook.row(0, "1").click()
    notebook.row(0, "2").click(modifiers=["Control"])
    notebook.until(lambda: '"user": 2' in notebook.page.locator(".beanops-job .beanops-detail").text_content())
    kick = notebook.grid(0).locator("[data-action=kick]")
    kick.click()
    assert kick.text_content() == "Kick 2 jobs: sure?"
    kick.click()
    notebook.row(0, "1").get_by_text("ready").wait_for()
    assert server.tube("mail").current_jobs_buried == 1
    done = notebook.run_json("session.actions.query(\"action == 'kick'\")[['source', 'id', 'outcome']].values.tolist()")
    assert sorted(done) == [["notebook", 1, "done"], ["notebook", 2, "done"]]

    notebook.row(0, "3").click()
    press(notebook, "move")  # without a tube it only asks for one
    notebook.page.keyboard.type("elsewhere")
    press(notebook, "move")
    notebook.until(lambda: "elsewhere" in {tube.name for tube in server._lookups.tube_stats()})
    undo = notebook.grid(0).locator("[data-action=undo]")
    notebook.grid(0).get_by_text("Undo move (1)").click()
    assert undo.text_content() == "Undo move (1): sure?"
    undo.click()
    notebook.until(lambda: server.tube("mail").current_jobs_buried == 1)
    undo.wait_for(state="hidden")
    notebook.row(0, "1").click()
    notebook.row(0, "2").click(modifiers=["Control"])
    notebook.picture("browse")
    notebook.command("apputils:change-theme", theme="JupyterLab Dark")
    notebook.page.locator("body[data-jp-theme-light=false]").wait_for(state="attached")
    ground = notebook.page.locator(".beanops-ask").evaluate("box => getComputedStyle(box).backgroundColor")
    assert max(int(part) for part in re.findall(r"\d+", ground)[:3]) < 80
    notebook.picture("browse dark")
    notebook.command("apputils:change-theme", theme="JupyterLab Light")
    assert notebook.errors == []


def test_a_question_and_a_filter_narrow_the_table(notebook: Notebook, server: Session) -> None:
    for user in range(1, 13):
        server.put(b'{"user": %d}' % user, tube="mail")
    show(notebook, server, "mail", 12)
    ask = notebook.page.locator(".beanops-ask")
    ask.fill("id < 4")
    ask.press("Enter")
    notebook.until(lambda: notebook.keys(0) == ["3", "2", "1"])
    notebook.grid(0).locator(".beanops-filter").fill('"user": 2')
    notebook.until(lambda: notebook.keys(0) == ["2"])
    notebook.grid(0).locator(".beanops-filter").fill("")
    ask.fill("colour = 1")
    ask.press("Enter")
    notebook.grid(0).get_by_text("there is no column 'colour'").wait_for()


def test_a_button_releases_a_reserved_job(notebook: Notebook, server: Session) -> None:
    server.put(b'{"user": 1}', tube="mail")
    server.put(b'{"user": 2}', tube="mail")
    show(notebook, server, "mail", 1)
    press(notebook, "bury", which=1)
    notebook.grid(1).get_by_text("Reserve the next of mail").click()
    notebook.grid(1).get_by_text("job 2 of mail is reserved").wait_for()
    assert server.job(1).stats.state == "buried"


def test_hostile_bodies_are_only_text(notebook: Notebook, server: Session) -> None:
    for body in [*BODIES, b"held"]:
        server.put(body, tube=TUBE)
    server.bury([1, 2, 3, 4])
    show(notebook, server, TUBE, 1)
    for id, shown in enumerate(SHOWN, 1):
        notebook.row(0, str(id)).click()
        body = notebook.page.locator(".beanops-job .beanops-detail")
        notebook.until(lambda shown=shown, body=body: body.text_content() == shown)
        assert shown in notebook.row(0, str(id)).text_content()
    assert notebook.page.evaluate("() => window.owned") is None
    assert notebook.page.locator(".beanops :is(script, img, a, mjx-container)").count() == 0
    assert notebook.errors == []


def test_a_view_whose_cell_is_deleted_is_polled_no_more(notebook: Notebook, server: Session) -> None:
    server.put(b"x", tube="mail")
    server.put(b"y", tube="mail")
    show(notebook, server, "mail", 1)
    polling = "sum(thread.name == 'beanops-poll' for thread in __import__('threading').enumerate())"
    # One, as soon as the thread of the view before has seen that it is closed: it may be in the midst of a look.
    notebook.until(lambda: notebook.run_json(polling) == 1)
    for cell in (2, 1):
        notebook.page.locator(".jp-CodeCell").nth(cell).locator(".jp-InputPrompt").click()
        notebook.command("notebook:delete-cell")
    notebook.until(lambda: notebook.run_json(polling) == 0)
    notebook.command("notebook:undo-cell-action")
    notebook.command("notebook:undo-cell-action")
    notebook.until(lambda: notebook.run_json(polling) == 1)


def test_voila_serves_the_dashboard_as_a_page(lab: Lab, server: Session, tmp_path: Path) -> None:
    server.put(b'{"user": 1}', tube="mail")
    source = f"import beanops\nview = beanops.connect({str(server.address)!r}).dashboard()\nview"
    with voila(tmp_path, notebook_of(source)) as url:
        page = lab.browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(url)
        shown = Notebook(page)
        shown.row(0, "mail").click()
        shown.row(1, "1").click()
        assert page.locator(".beanops-static:visible, .beanops-notlive:visible").count() == 0
        shown.until(lambda: '"user": 1' in shown.grid(1).locator(".beanops-detail").text_content())
        press(shown, "bury", which=1)
        shown.until(lambda: server.tube("mail").current_jobs_buried == 1)
        shown.picture("voila")
        page.close()
