"""What the table of a notebook costs with 300,000 rows: in Python, and in a browser until a step is painted."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from beanops.notebook import shown_rows
from beanops.notebook.widgets.page_files import page_style, page_text
from beanops.notebook.widgets.table import Cells, Grid
from tests.bench.figures import Figure, show
from tests.needs import chromium
from tests.notebook.lab import headless

ROWS, ROUNDS = 300_000, 5
STATES = ("ready", "reserved", "delayed", "buried")
URL = "http://localhost/"

#: Plays the port of a view and measures; the message and its buffers are fetched, as from a socket.
MEASURED = """async ([options, message, buffers, rounds]) => {
  const all = await Promise.all(Array.from({ length: buffers }, async (_, i) => (await fetch(`/${i}`)).arrayBuffer()));
  let hear;
  const none = { keys: [], focus: null };
  const port = { options, live: true, selected: none, on: (handler) => (hear = handler), onSelected() {}, onLive() {},
                 send() {}, select() {}, peer() {} };
  const table = new window.Table(port, document.querySelector(".beanops-part"));
  const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
  const taken = {};
  const measure = async (name, act) => {
    const times = [];
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      act(round);
      await painted();
      times.push(performance.now() - started);
    }
    taken[name] = times;
  };
  const filter = (text) => (table.rows.refilter(""), (table.filter.value = text), table.refilter());
  await measure("its rows are painted", () => hear(message, all.map((buffer) => new DataView(buffer))));
  await measure("two letters filter, in most rows", () => filter("er"));
  await measure("two letters filter, in no row", () => filter("zq"));
  await measure("two digits filter", () => filter("17"));
  filter("");
  const ages = table.rows.columns.findIndex(({ name }) => name === "age");
  await measure("sorted by age", (round) => table.sortBy({ column: ages, descending: round % 2 === 0 }));
  const bytes = Uint8Array.from({ length: table.rows.size }, (_, n) => Number(n % 7 !== 0));
  await measure("masked as by a brush", () => table.mask(bytes));
  await measure("all rows selected", () => table.report(table.shown()));
  gc();
  taken.heap = [performance.memory.usedJSHeapSize / 1e6];
  return taken;
}"""

#: Milliseconds, and megabytes of heap.
LIMITS = {
    "its rows are painted": 500,
    "two letters filter, in most rows": 100,
    "two letters filter, in no row": 100,
    "two digits filter": 150,
    "sorted by age": 150,
    "masked as by a brush": 50,
    "all rows selected": 500,
    "heap": 200,
}


class _Kept:
    """Stands in for a view: it keeps the last message."""

    def __init__(self) -> None:
        self.message: dict[str, Any] = {}
        self.buffers: list[bytes] = []

    def send(self, message: dict[str, Any], buffers: Any = None) -> None:
        self.message, self.buffers = message, list(buffers or [])

    def select(self, *_: object) -> None: ...


def rows() -> dict[str, Cells]:
    """Return many jobs with bodies as failed ones have them."""
    body = '{"user": %d, "exception": {"message": "ConnectionError: smtp.internal:25 timed out…"}, "n": %d}'
    return {
        str(id): (STATES[id % 4], str(id), "mail", id * 7 % 90_000, None, 65536, id % 5, id % 3, 0,
                  body % (id * 7919 % 100_003, id))
        for id in range(2_000_000, 2_000_000 + ROWS)
    }  # fmt: skip


def main() -> None:
    """Print all figures."""
    grid, kept = Grid("jobs", shown_rows.JOBS, noun="job", filter=True, tidy=True, visible=15), _Kept()
    grid.update(rows())
    grid.root = kept
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        grid._send_all()
        taken.append(time.process_time() - started)
    figures = [Figure("written for the page by Python", 1000 * median(taken), 700, 1.0, False, "ms")]
    program = chromium()
    if program is None:
        show(f"notebook: {ROWS:,} rows of a table", figures)
        print("\nnotebook: chromium is not installed, so what is seen in a browser is not measured")
        return
    measured = in_browser(program, grid, kept)
    figures += [
        Figure(name, median(taken), LIMITS[name], 1.0, False, "MB" if name == "heap" else "ms")
        for name, taken in measured.items()
    ]
    show(f"notebook: {ROWS:,} rows of a table", figures)


def in_browser(program: str, grid: Grid, kept: _Kept) -> dict[str, list[float]]:
    """Return what the page takes for each step: milliseconds, and megabytes of heap at the end."""
    script = page_text("view/dom.js", "view/selection.js", *grid.files)
    place = '<div class="beanops"><div class="beanops-part"></div></div>'
    document = f"<!doctype html><style>{page_style(grid.files)}</style>{place}"

    def answer(route: Any) -> None:
        name = route.request.url.removeprefix(URL)
        if name.isdecimal():
            route.fulfill(content_type="application/octet-stream", body=kept.buffers[int(name)])
        else:
            route.fulfill(content_type="text/html", body=document)

    with headless(program, "--enable-precise-memory-info", "--js-flags=--expose-gc") as browser:
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.route("**/*", answer)
        page.goto(URL)
        page.add_script_tag(content=f"{{ {script}\nwindow.Table = Table; }}")
        arguments = [grid.options, kept.message, len(kept.buffers), ROUNDS]
        return dict(page.evaluate(MEASURED, arguments))


if __name__ == "__main__":
    main()
