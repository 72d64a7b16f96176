"""The dashboard in a real browser: JupyterLab, its page and a real server."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from beanops.embedded.process import Beanstalkd
from beanops.session.session import Session
from tests.alerts.saved import firing, saves
from tests.notebook.lab import Lab, Notebook

# What careless pages execute or set as mathematics. In the names of tubes only these characters are allowed.
TUBE = "$(alert)/1;alert(1);+_$"
BODIES = [
    b"<script>window.owned = 1</script>",
    b"<img src=x onerror='window.owned = 1'>",
    b"\x1b]52;c;aGk=\x07 javascript:window.owned=1",
    "\u202e${window.owned = 1} $$x^2$$ {{constructor.constructor('window.owned=1')()}}".encode(),
]
SHOWN = [
    "<script>window.owned = 1</script>",
    "<img src=x onerror='window.owned = 1'>",
    "\\x1b]52;c;aGk=\\x07 javascript:window.owned=1",
    "\\u202e${window.owned = 1} $$x^2$$ {{constructor.constructor('window.owned=1')()}}",
]


def test_a_click_selects_and_a_button_acts_on_the_server_and_the_record(notebook: Notebook, server: Session) -> None:
    server.put(b'{"user": 1}', tube="mail")
    server.put(b'{"user": 2}', tube="mail")
    server.bury([1, 2])
    notebook.row(0, "mail").click()
    assert notebook.run_json("view.tubes.selected") == ["mail"]
    notebook.row(1, "1").click()
    notebook.until(lambda: '"user": 1' in notebook.grid(1).locator(".beanops-detail").text_content())
    notebook.picture("light")

    notebook.grid(1).locator("[data-action=kick]").click()
    notebook.until(lambda: server.tube("mail").current_jobs_ready == 1)
    notebook.row(2, "1").get_by_text("kick").wait_for()
    notebook.grid(0).locator(".beanops-status", has_text="kick: 1 done").wait_for()

    notebook.row(1, "2").click()
    delete = notebook.grid(1).locator("[data-action=delete]")
    delete.click()
    assert delete.text_content() == "Delete job 2: sure?"
    assert server.tube("mail").current_jobs_buried == 1
    delete.click()
    notebook.until(lambda: server.tube("mail").current_jobs_buried == 0)
    done = notebook.run_json("session.actions[['source', 'action', 'id', 'outcome']].values.tolist()")
    assert done == [["notebook", "delete", 2, "done"], ["notebook", "kick", 1, "done"]]
    assert notebook.errors == []


def test_sort_scroll_and_selection_survive_updates_and_keys_work(notebook: Notebook, server: Session) -> None:
    for number in range(60):
        server.put(b"x", tube=f"tube-{number:02}", delay=number % 2 * 60)
    # A look during the puts shows a part of them, in a table that cannot be scrolled as far.
    notebook.grid(0).locator(".beanops-total", has_text="61 tubes").wait_for()
    notebook.grid(0).get_by_role("button", name="tube").click()
    assert notebook.keys(0)[:2] == ["default", "tube-00"]
    notebook.row(0, "tube-03").click()
    notebook.page.keyboard.press("ArrowDown")
    notebook.page.keyboard.press("Shift+ArrowDown")
    # The letters that JupyterLab would take in command mode: b adds a cell, d d deletes one.
    notebook.page.keyboard.press("b")
    assert notebook.page.locator(".jp-CodeCell").count() == 2
    view = notebook.grid(0).locator(".beanops-view")
    view.evaluate("view => (view.scrollTop = 300)")
    server.put(b"y", tube="tube-12")
    notebook.row(0, "tube-12").get_by_text("2", exact=True).wait_for()
    assert view.evaluate("view => view.scrollTop") == 300
    assert notebook.keys(0) == sorted(notebook.keys(0))
    assert notebook.run_json("view.tubes.selected") == ["tube-04", "tube-05"]
    assert "2 selected" in notebook.grid(0).locator(".beanops-total").text_content()
    notebook.grid(0).locator(".beanops-filter").fill("tube-1")
    notebook.row(0, "tube-10").wait_for()
    assert notebook.keys(0) == [f"tube-{number}" for number in range(10, 20)]


def test_a_click_during_a_busy_cell_is_refused_and_seen(notebook: Notebook, server: Session, tmp_path: Path) -> None:
    server.put(b"x", tube="mail")
    notebook.row(0, "mail").click()
    over = tmp_path / "over"
    notebook.run(f"import pathlib, time; over = pathlib.Path({str(over)!r})")
    # When the cell is over, so are twelve seconds on the clock of the table.
    notebook.run("view.tubes._clock = lambda: time.monotonic() + 12 * over.exists()")
    with notebook.busy("while not over.exists(): time.sleep(0.02)"):
        notebook.grid(0).locator("[data-action=pause]").click()
        server.put(b"y", tube="mail")
        notebook.row(0, "mail").get_by_text("2", exact=True).wait_for()  # the table goes on while the cell runs
        over.touch()
    notebook.grid(0).get_by_text("pause was refused: click delayed by 1").wait_for()
    assert server.tube("mail").pause == 0
    assert notebook.run_json("len(session.actions)") == 0


def test_hostile_names_and_bodies_are_only_text(notebook: Notebook, server: Session) -> None:
    for body in BODIES:
        server.put(body, tube=TUBE)
    server.bury([1])
    notebook.row(0, TUBE).click()
    for id, shown in enumerate(SHOWN, 1):
        notebook.row(1, str(id)).click()
        notebook.until(lambda shown=shown: notebook.grid(1).locator(".beanops-detail").text_content() == shown)
        assert shown in notebook.row(1, str(id)).text_content()
        server.delete([id])
    assert notebook.page.evaluate("() => window.owned") is None
    assert notebook.page.locator(".beanops :is(script, img, a, mjx-container)").count() == 0
    assert notebook.errors == []


def test_a_cell_that_runs_again_replaces_its_view(notebook: Notebook) -> None:
    notebook.command("notebook:run-all-cells")
    notebook.row(0, "default").wait_for()
    polling = "sum(thread.name == 'beanops-poll' for thread in __import__('threading').enumerate())"
    notebook.until(lambda: notebook.run_json(polling) == 1)
    assert notebook.page.locator(".beanops-view").count() == 3


def test_the_charts_grow_and_a_lost_server_shows_and_heals(
    notebook: Notebook, server: Session, beanstalkd: Beanstalkd, start_beanstalkd: Callable[..., Beanstalkd]
) -> None:
    server.put(b"x", tube="mail")
    server.put(b"y", tube="mail", delay=60)
    jobs = notebook.page.get_by_label("jobs, by time", exact=True)
    shown = "buried 0, delayed 1, reserved 0, ready 1"
    notebook.until(lambda: shown in (jobs.get_attribute("aria-valuetext") or ""))
    notebook.until(lambda: jobs.locator("canvas").evaluate(_COLOURS) > 2)
    beanstalkd.stop(kill=True)
    state = notebook.page.locator(".beanops-card-state")
    notebook.until(lambda: state.text_content().startswith("lost: "))
    assert notebook.grid(0).evaluate("grid => grid.classList.contains('beanops-stale')")
    assert sorted(notebook.keys(0)) == ["default", "mail"]
    start_beanstalkd(port=beanstalkd.port)
    notebook.until(lambda: notebook.keys(0) == ["default"])
    assert state.text_content() == "live"


_COLOURS = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
}"""


def test_a_reload_of_the_page_recovers(notebook: Notebook, server: Session) -> None:
    server.put(b"x", tube="mail")
    notebook.row(0, "mail").click()
    notebook.until(lambda: notebook.run_json("view.tubes.selected") == ["mail"])
    notebook.reload()
    notebook.row(0, "mail").and_(notebook.page.locator("[aria-selected=true]")).wait_for()
    server.put(b"y", tube="mail")
    notebook.row(0, "mail").get_by_text("2", exact=True).wait_for()
    notebook.row(1, "1").wait_for()


def test_it_follows_light_and_dark(notebook: Notebook, server: Session) -> None:
    server.put(b"x", tube="mail")
    grounds = {}
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        notebook.command("apputils:change-theme", theme=theme)
        light = str(theme.endswith("Light")).lower()
        notebook.page.locator(f"body[data-jp-theme-light={light}]").wait_for(state="attached")
        grounds[theme] = _ground(notebook)
        notebook.picture(theme)
    assert max(grounds["JupyterLab Dark"]) < 80
    assert min(grounds["JupyterLab Light"]) > 220


def _ground(notebook: Notebook) -> list[int]:
    color = notebook.grid(0).locator(".beanops-view").evaluate("view => getComputedStyle(view).backgroundColor")
    return [int(part) for part in color.removeprefix("rgb(").removesuffix(")").split(",")]


def test_an_armed_button_disarms_itself(lab: Lab, server: Session) -> None:
    server.put(b"x", tube="mail")
    server.put(b"y", tube="mail", delay=600)
    cell = f"import beanops\nview = beanops.connect({str(server.address)!r}).dashboard()\nview"
    with lab.notebook(cell) as notebook:  # a page of its own, for its clock stays the test's
        notebook.command("notebook:run-all-cells")
        notebook.row(0, "mail").wait_for()
        notebook.page.clock.install()
        disarms_itself(notebook)


def disarms_itself(notebook: Notebook) -> None:
    notebook.row(0, "mail").click()
    notebook.row(1, "1").click()
    delete = notebook.grid(1).locator("[data-action=delete]")
    for disarm in (
        lambda: notebook.page.keyboard.press("Escape"),
        lambda: notebook.row(0, "default").click(modifiers=["Control"]),
        lambda: notebook.page.clock.fast_forward(5100),
    ):
        delete.click()
        assert delete.text_content() == "Delete job 1: sure?"
        disarm()
        assert delete.text_content() == "Delete"
    notebook.page.clock.pause_at(time.time() + 3600)
    notebook.row(0, "mail").click()
    notebook.row(1, "1").click()
    notebook.row(1, "2").click(modifiers=["Control"])
    delete.click()
    assert delete.text_content() == "Delete 2 jobs: sure?"
    notebook.run("view.heads.patch({}, ['2'])")
    notebook.until(lambda: delete.text_content() == "Delete job 1: sure?")  # a row that is gone is no longer a target


def test_a_number_box_must_hold_a_number_and_what_is_armed_names_it(notebook: Notebook, server: Session) -> None:
    server.put(b"x", tube="mail")
    server.bury([1])
    server.pause("mail", 600)
    notebook.row(0, "mail").click()
    pause, kick = (notebook.grid(0).locator(f"[data-action={name}]") for name in ("pause", "kick_next"))
    seconds, jobs = (notebook.grid(0).get_by_label(label) for label in ("Pause: seconds", "Kick next: jobs"))
    seconds.fill("")
    pause.click()
    notebook.page.wait_for_function("() => document.activeElement.matches('.beanops-amount')")
    assert server.tube("mail").pause == 600
    jobs.fill("5")
    kick.click()
    assert kick.text_content() == "Kick next tube mail, 5 jobs: sure?"
    jobs.fill("50")
    assert kick.text_content() == "Kick next"
    seconds.fill("30")
    pause.click()
    notebook.until(lambda: server.tube("mail").pause == 30)


def test_a_server_of_consequence_is_named_and_its_name_is_typed(
    notebook: Notebook, server: Session, tmp_path: Path
) -> None:
    server.put(b"x", tube="mail")
    server.bury([1])
    config = tmp_path / "config.toml"
    facts = 'label = "PRODUCTION"\ncolor = "red"\nconfirm = "type-name"'
    config.write_text(f'[servers.prod]\naddress = "{server.address}"\n{facts}\n')
    notebook.run(f"import os; os.environ['BEANOPS_CONFIG'] = {str(config)!r}; address = 'prod'")
    notebook.command("notebook:run-all-cells")
    label = notebook.page.locator(".beanops-label", has_text="PRODUCTION")
    label.wait_for()
    assert label.evaluate("label => label.style.borderColor") == "red"
    notebook.row(0, "mail").click()
    notebook.row(1, "1").click()
    delete = notebook.grid(1).locator("[data-action=delete]")
    delete.click()
    notebook.page.keyboard.type("pro")
    notebook.page.keyboard.press("Enter")
    assert delete.text_content() == "Delete job 1: sure?"
    assert server.tube("mail").current_jobs_buried == 1
    notebook.picture("armed")
    notebook.page.keyboard.type("d")
    notebook.page.keyboard.press("Enter")
    notebook.until(lambda: server.server().current_jobs_buried == 0)
    notebook.run("del os.environ['BEANOPS_CONFIG']")


def test_a_page_that_hears_nothing_says_so(notebook: Notebook) -> None:
    notebook.run("view._refresher.discard(view)")
    notebook.page.locator(".beanops-quiet", has_text="no updates for").wait_for()
    notebook.run("view._refresher.add(view)")
    notebook.page.locator(".beanops-quiet").wait_for(state="hidden")


def test_alerts_are_listed_on_the_card_and_leave_no_room_when_they_end(notebook: Notebook, server: Session) -> None:
    lines = notebook.page.locator(".beanops-concern", has_text="warning alert")
    assert not lines.is_visible()
    path = Path(notebook.run_json("__import__('os').environ['BEANOPS_ALERTS']"))
    try:
        saves(datetime.now(UTC), [firing("backlog", str(server.address), "mail", values={"ready": "7"})], path=path)
        lines.get_by_text("backlog, mail").wait_for()
        notebook.picture("alerts")
        saves(datetime.now(UTC), path=path)
        lines.wait_for(state="hidden")
    finally:
        path.unlink()
    assert notebook.errors == []
