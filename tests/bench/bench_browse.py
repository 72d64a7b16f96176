"""What the filters of the browser cost at 300,000 jobs: bins in Python, a brush until it is drawn, a page's heap."""

from __future__ import annotations

import random
import time
from statistics import median
from typing import Any

from beanops.jobs.bins import JobBins
from beanops.jobs.bodies import Reader
from beanops.jobs.read import FoundJob
from beanops.notebook import shown_rows
from beanops.notebook.widgets.facets import FacetCall, FacetFilter
from beanops.notebook.widgets.root import Root
from beanops.notebook.widgets.table import Grid
from beanops.protocol import JobStats
from beanops.ui.confirmation import Confirmation
from tests.bench.figures import Figure, show
from tests.needs import chromium
from tests.notebook.bare import bare_page
from tests.notebook.lab import headless

JOBS = 300_000
STATES = ["ready", "delayed", "buried"]
ERRORS = [b"timeout", b"no such customer %d", b"KeyError: 'customer_id'", b"connection refused"]

#: Move a brush over the times and resolve with the milliseconds from each step until it is drawn.
BRUSH = """async () => {
  const bars = document.querySelector(".beanops-causes .beanops-bars");
  const box = bars.getBoundingClientRect();
  const fire = (kind, share) => bars.dispatchEvent(new PointerEvent(kind, {
    bubbles: true, pointerId: 1, clientX: box.left + share * box.width, clientY: box.top + 20,
  }));
  const taken = [];
  fire("pointerdown", 0.2);
  for (let step = 1; step <= 30; step++) {
    await new Promise(requestAnimationFrame);
    const started = performance.now();
    fire("pointermove", 0.2 + 0.02 * step);
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    taken.push(performance.now() - started);
  }
  fire("pointerup", 0.8);
  return taken;
}"""


def made() -> list[FoundJob]:
    """Return jobs of several causes and plans, put in the last two hours."""
    chance, now = random.Random(1), time.time()
    jobs = []
    for id in range(1, JOBS + 1):
        error = chance.choice(ERRORS)
        error = error % id if b"%d" in error else error
        plan = chance.choice([b"free", b"pro", b"team"])
        body = b'{"job":"Pay","customer":%d,"plan":"%s","error":"%s"}' % (id % 997, plan, error)
        age = chance.randrange(7200)
        stats = JobStats(id, "mail", chance.choice(STATES), id % 3, age, 0, 60, 0, 0, id % 2, 0, 0, 0, 0)
        jobs.append(FoundJob(stats, body, (), "x", now))
    return jobs


def figures() -> list[Figure]:
    """Return all figures."""
    jobs, bins = made(), JobBins(Reader())
    began = time.perf_counter()
    for start in range(0, JOBS, 1000):
        bins.add(jobs[start : start + 1000])
    added = time.perf_counter() - began
    began = time.perf_counter()
    bins.dimensions(time.time())
    counted = time.perf_counter() - began
    began = time.perf_counter()
    bins.add_path("$.customer")
    path = time.perf_counter() - began
    found = [
        Figure(f"{JOBS:,} jobs sorted into bins", 1e6 * added / JOBS, 20, 1.0, False, "µs/job"),
        Figure("  their bins made anew", 1000 * counted, 500, 1.0, False, "ms"),
        Figure("  a path read from the kept bodies", path, 5, 1.0, False, "s"),
    ]
    program = chromium()
    if program is None:
        return found
    facets = FacetFilter("facets", confirm=lambda action, jobs: Confirmation())
    grid = Grid("jobs", shown_rows.JOBS, noun="job", visible=15, filter=True)
    root = Root("browser", (facets, grid))
    grid.update({str(job.id): shown_rows.job_row(job.stats, "Pay") for job in jobs})
    facets.show(bins, FacetCall("mail"), time.time())
    with headless(program) as browser, bare_page(browser, root, width=1400) as bare:
        bare.page.locator(".beanops-cause").first.wait_for()
        bare.page.locator(".beanops-body .beanops-row").first.wait_for()
        taken: list[Any] = bare.page.evaluate(BRUSH)
        heap = bare.page.evaluate("() => { globalThis.gc?.(); return performance.memory.usedJSHeapSize / 1e6; }")
    return [
        *found,
        Figure("  a step of a brush until it is drawn, median", median(taken), 50, 1.0, False, "ms"),
        Figure("  the same, the slowest of 30", max(taken), 100, 1.0, False, "ms"),
        Figure("  heap of the page", heap, 200, 1.0, False, "MB"),
    ]


def main() -> None:
    """Print all figures."""
    show("browser: filters", figures())


if __name__ == "__main__":
    main()
