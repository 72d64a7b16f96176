"""What the notebook face costs: a table until it is seen, a patch until it is seen, an hour of a dashboard."""

from __future__ import annotations

import gc
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import ipywidgets

from beanops import Client, connect
from beanops.embedded.process import Beanstalkd
from beanops.notebook.refresher import poll
from beanops.notebook.views.dashboard import DashboardView
from beanops.ui.poller import Poller
from tests.bench.bench_tui import put_into
from tests.bench.figures import Figure, show
from tests.bench.notebook_pages import (
    CHANGING,
    FIRST,
    HEAP,
    JOBS,
    TUBES,
    Meter,
    brushed,
    fill_jobs,
    filtered,
    watched,
)
from tests.needs import chromium
from tests.notebook.lab import Lab, Notebook, headless, jupyter_lab

#: Rows, and the milliseconds until the first is seen that were measured when the table was planned.
TABLES = {1_000: 900, 10_000: 1_400, 100_000: 2_300}
#: Times that each table is shown, and milliseconds after which one is given up and not shown again.
ROUNDS, GIVEN_UP = 3, 60_000
#: How much longer than another grid ours may take; one that selects and patches by id has more to build.
BESIDE = 2.0

MADE = """
import json, random, time
import pandas as pd
from beanops.notebook import shown_rows
from beanops.notebook.widgets.root import Root
from beanops.notebook.widgets.table import Grid
STATES = ["ready", "delayed", "buried"]
def rows(n, age=0):
    return {str(i): (STATES[i % 3], str(i), "mail", age + i % 7200, None, 65536, i % 5, i % 3, 0, f'{{"user": {i}}}')
            for i in range(1, n + 1)}
def new():
    return Grid("jobs", shown_rows.JOBS, noun="job", actions=shown_rows.JOB_BUTTONS, visible=15, filter=True)
"""
OURS = "grid = new(); grid.update(made); Root('bench', [grid]).widget"
OTHERS = {
    "itables": ("import itables; itables.show(frame, maxBytes=0, connected=False)", ".jp-OutputArea table tbody tr td"),
    "ipydatagrid": ("import ipydatagrid; ipydatagrid.DataGrid(frame)", ".lm-DataGrid canvas"),
}
OUR_ROW = ".beanops-body .beanops-row:not([hidden])"

#: Run a cell and resolve with the milliseconds until something is seen, or the limit.
SEEN = """([cell, selector, limit]) => new Promise((resolve, reject) => {
  const started = performance.now();
  const look = () => {
    const seen = document.querySelectorAll(".jp-CodeCell")[cell].querySelector(selector);
    if (seen?.clientHeight) requestAnimationFrame(() => resolve(performance.now() - started));
    else if (performance.now() - started > limit) resolve(limit);
    else setTimeout(look, 5);
  };
  window.jupyterapp.commands.execute("notebook:run-cell");
  look();
})"""

#: Resolve with the moment when the first row shows a value, in milliseconds since 1970.
SHOWS = """(text) => new Promise((resolve) => {
  const row = document.querySelector('.beanops-body .beanops-row[data-key="1"]');
  const look = () => {
    if (row.textContent.includes(text)) requestAnimationFrame(() => resolve(Date.now()));
    else setTimeout(look, 1);
  };
  look();
})"""


@contextmanager
def lab(program: str) -> Iterator[Lab]:
    """Start JupyterLab and a browser."""
    with (
        tempfile.TemporaryDirectory() as folder,
        headless(program) as browser,
        jupyter_lab(Path(folder), browser) as running,
    ):
        yield running


def until_seen(notebook: Notebook, cell: int, selector: str) -> float:
    """Run a cell; return the milliseconds until it shows something."""
    notebook.page.locator(".jp-CodeCell").nth(cell).locator(".jp-InputPrompt").click()
    return float(notebook.page.evaluate(SEEN, [cell, selector, GIVEN_UP]))


def shown(running: Lab, cell: str, selector: str, before: str) -> float:
    """Return the milliseconds until a cell shows something, in a notebook where other code has run before."""
    taken: list[float] = []
    while len(taken) < ROUNDS and GIVEN_UP not in taken:
        with running.notebook(cell) as notebook:
            notebook.page.set_default_timeout(2 * GIVEN_UP)
            notebook.run(before)
            taken.append(until_seen(notebook, 0, selector))
    return median(taken)


def first_rows(running: Lab) -> list[Figure]:
    """Return the milliseconds to the first row of tables of several sizes, and of other grids."""
    figures = []
    others = {name: OTHERS[name] for name in OTHERS if find_spec(name)}
    for size, limit in TABLES.items():
        ours = shown(running, OURS, OUR_ROW, f"{MADE}\nmade = rows({size})")
        figures.append(Figure(f"{size:,} rows until the first is seen", ours, limit, 1.5, False, "ms"))
        for name, (code, selector) in others.items():
            made = f"pd.DataFrame(rows({size}).values(), columns=[column.title for column in shown_rows.JOBS])"
            other = shown(running, code, selector, f"{MADE}\nimport {name}\nframe = {made}")
            figures.append(Figure(f"  the same, beside {name}", ours, other, BESIDE, False, "ms"))
    for name in OTHERS.keys() - others.keys():
        print(f"{name} is not installed, so it is not measured beside: pip install '.[bench]'")
    return figures


def many_jobs(running: Lab) -> list[Figure]:
    """Return what it takes to browse many jobs: until the first is seen, all of them in the page, brush and filter."""
    with Beanstalkd() as server:
        fill_jobs(server.address)
        with running.notebook(f"view = session.browse('mail', limit={JOBS})\nview") as notebook:
            notebook.page.set_default_timeout(2 * GIVEN_UP)
            notebook.run(f"import beanops; session = beanops.connect({server.address!r})")
            meter = Meter(notebook)
            kernel, page = meter.kernel, meter.page
            seen = until_seen(notebook, 0, OUR_ROW)
            kernel, page = meter.kernel - kernel, meter.page - page
            notebook.run("view.wait()")
            notebook.page.locator(".beanops-total", has_text=f"{JOBS:,} jobs").first.wait_for()
            return [
                Figure(f"{JOBS:,} jobs browsed, first seen", seen, FIRST, 1, False, "ms"),
                Figure("  processor time of kernel and page", 1000 * (kernel + page), FIRST, 1, False, "ms"),
                *brushed(notebook, meter),
                *filtered(notebook, meter),
                Figure("heap of the page", meter.heap, HEAP, 1, False, "MB"),
            ]


def many_tubes(running: Lab) -> list[Figure]:
    """Return what a dashboard of many tubes takes of a core."""
    names = [f"tube-{number:04}" for number in range(TUBES)]
    with Beanstalkd() as server, Client(server.address) as client, running.notebook("session.dashboard()") as notebook:
        put_into(client, names)
        notebook.run(f"import beanops; session = beanops.connect({server.address!r})")
        until_seen(notebook, 0, OUR_ROW)
        return watched(notebook, client, names[:: TUBES // CHANGING])


def patches(running: Lab) -> list[Figure]:
    """Return the milliseconds until a patch of 5 % of 10,000 rows is seen; the selection must outlive it."""
    with running.notebook(OURS) as notebook:
        notebook.run(f"{MADE}\nmade = rows(10_000)")
        until_seen(notebook, 0, OUR_ROW)
        notebook.row(0, "3").click()
        taken = []
        for number in range(1, 12):
            notebook.page.wait_for_timeout(150)
            age = number * 86_400
            notebook.page.evaluate(f"() => {{ window.shown = ({SHOWS})('{number}d'); }}")
            change = f"later = {{**made, **{{key: cells for key, cells in rows(500, {age}).items()}}}}"
            sent = float(notebook.run(f"{change}\nprint(time.time()); grid.update(later)"))
            taken.append(notebook.page.evaluate("() => window.shown") - sent * 1000)
        assert notebook.run_json("grid.selected") == ["3"], "the selection was lost"
        assert notebook.row(0, "3").get_attribute("aria-selected") == "true", "the selection is not shown"
    return [Figure("5 % of 10,000 rows patched until seen", median(taken[1:]), 100, 1.0, False, "ms")]


def wire(running: Lab) -> list[Figure]:
    """Return the bytes of one update of the charts, as they reach the browser."""
    sizes: list[int] = []

    def hear(payload: str | bytes) -> None:
        data = payload.encode() if isinstance(payload, str) else payload
        if b'"kind": "bins"' in data or b'"kind":"bins"' in data:
            sizes.append(len(data))

    with Beanstalkd() as server, running.notebook("session.dashboard()") as notebook:
        notebook.page.on("websocket", lambda socket: socket.on("framereceived", hear))
        notebook.run(f"import beanops; session = beanops.connect({server.address!r})")
        notebook.reload()  # so that the socket is one that is listened to
        until_seen(notebook, 0, ".beanops-canvas")
        notebook.until(lambda: len(sizes) > 5)
    return [Figure("an update of the charts on the wire", median(sizes), 1000, 1.0, False, "B")]


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _census() -> dict[str, int]:
    gc.collect()
    descriptors = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            descriptors.append(os.readlink(f"/proc/self/fd/{name}"))
    return {
        "widgets": len(ipywidgets.widgets.widget._instances),
        "threads": threading.active_count(),
        "sockets": sum(name.startswith("socket:") for name in descriptors),
        "memory": _resident(),
    }


def an_hour() -> list[Figure]:
    """Return what has grown after an hour of a dashboard at two looks a second; the clock is the test's."""
    now = [0.0]
    with Beanstalkd() as server, connect(server.address) as session, connect(server.address) as watched:
        for number in range(20):
            session.put(b"{}", tube=f"tube-{number}")
        poller = Poller(lambda: watched, lambda: now[0])
        view = DashboardView(session, _Still(), "dashboard")  # type: ignore[arg-type]
        view.widget.send = lambda message, _: json.dumps(message)
        view._root._receive(None, {"kind": "hello"}, ())
        view.show(poll(poller))
        view.select("tube-1")
        censuses = []
        for tick in range(7200):
            now[0] += 0.5
            if tick % 50 == 0:
                watched._context.acting().put(b"{}")
            view.show(poll(poller, set(view.wanted), set(view.followed)))
            if tick in (1800, 7199):  # the charts and the history are full by the first
                censuses.append(_census())
        view.close()
    start, end = censuses
    units = {"widgets": "", "threads": "", "sockets": "", "memory": "kB"}
    scale = {"memory": 1000}
    return [
        Figure(
            f"{name} after an hour at 2 Hz",
            end[name] / scale.get(name, 1),
            start[name] / scale.get(name, 1),
            1.02 if name == "memory" else 1.0,
            False,
            unit,
        )
        for name, unit in units.items()
    ]


class _Still:
    """Replaces the refresher: the ticks are made above."""

    def add(self, view: object) -> None: ...
    def discard(self, view: object) -> None: ...
    def hurry(self) -> None: ...


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BEANOPS_JOURNAL"] = f"{folder}/journal.sqlite"
        show("notebook: an hour of a dashboard", an_hour())
        program = chromium()
        if program is None:
            print("\nnotebook: chromium is not installed, so what is seen in a browser is not measured")
            return
        with lab(program) as running:
            show(f"notebook: {JOBS:,} jobs", many_jobs(running))
            show(f"notebook: {TUBES:,} tubes, {CHANGING} of them change each second", many_tubes(running))
            show("notebook: tables and charts in a browser", [*first_rows(running), *patches(running), *wire(running)])


if __name__ == "__main__":
    main()
