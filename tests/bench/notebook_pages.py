"""What many jobs and many tubes cost in an open notebook: its page and its kernel, each by its own clock.

The machine may be busy with other things: what is a matter of work is measured as processor time, and only what a
user waits for by the clock on the wall.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from statistics import median
from typing import Any

from beanops import Client, commands
from tests.bench.bench_tui import STATS, put_into
from tests.bench.figures import Figure
from tests.notebook.lab import Notebook

#: Jobs, of several states, priorities, sizes and causes, and tubes.
JOBS, TUBES = 300_000, 3_000
#: Milliseconds until the first row is seen, a brush and a filter repaint; megabytes; percent of one core; bytes.
FIRST, BRUSH, FILTER, HEAP, CORE = 1_500, 50, 100, 200, 10
#: Steps of a brush, letters of a filter, seconds of watching, and tubes that change each second.
STEPS, LETTERS, SECONDS, CHANGING = 14, ("ti", "re", "un", "41"), 20, 300

_CAUSES = ("connection timeout after %d s", "no such customer %d", "refused by 10.0.0.%d", "")

#: Notes the milliseconds from each event until the frame after it is painted.
_PAINTS = """(type) => {
  window.paints = [];
  window.addEventListener(type, () => {
    const heard = performance.now();
    const painted = new MessageChannel();
    painted.port1.onmessage = () => window.paints.push(performance.now() - heard);
    requestAnimationFrame(() => painted.port2.postMessage(null));
  }, { capture: true });
}"""

#: Types two letters; resolves with the milliseconds from the second until the number of rows that match is painted.
_TYPED = """(letters) => new Promise((resolve) => {
  const find = (name) => document.querySelector(`.beanops-bar ${name}`);
  const type = (text) => {
    find(".beanops-filter").value = text;
    find(".beanops-filter").dispatchEvent(new Event("input", { bubbles: true }));
  };
  type(letters[0]);
  setTimeout(() => {
    const [typed, painted] = [performance.now(), new MessageChannel()];
    painted.port1.onmessage = () => resolve(performance.now() - typed);
    const seen = new MutationObserver(() => {
      seen.disconnect();
      requestAnimationFrame(() => painted.port2.postMessage(null));
    });
    seen.observe(find(".beanops-total"), { childList: true, characterData: true, subtree: true });
    type(letters);
  }, 20);
})"""


class Meter:
    """Reads the clocks and the memory of a notebook's page, and the clock of its kernel."""

    def __init__(self, notebook: Notebook) -> None:
        self._kernel = Path(f"/proc/{notebook.run('import os; print(os.getpid())')}/stat")
        self._cdp = notebook.page.context.new_cdp_session(notebook.page)
        self._cdp.send("Performance.enable", {"timeDomain": "threadTicks"})

    @property
    def kernel(self) -> float:
        """Seconds of processor time of the kernel so far."""
        ticks = self._kernel.read_text().rsplit(")", 1)[1].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    @property
    def page(self) -> float:
        """Seconds of processor time of the page's thread so far."""
        metrics = {one["name"]: one["value"] for one in self._cdp.send("Performance.getMetrics")["metrics"]}
        return float(metrics["ThreadTime"])

    @property
    def heap(self) -> float:
        """Megabytes that the scripts of the page hold, also in buffers."""
        self._cdp.send("HeapProfiler.collectGarbage")
        usage = self._cdp.send("Runtime.getHeapUsage")
        parts = ("usedSize", "embedderHeapUsedSize", "backingStorageSize")
        return float(sum(usage.get(name, 0) for name in parts) / 1e6)


def fill_jobs(address: str, jobs: int = JOBS) -> None:
    """Put jobs that differ in everything that has a histogram."""

    def job(number: int) -> Any:
        cause = _CAUSES[number * 7 % 4]
        error = cause % (number % 97) if cause else None
        body = {"customer": f"c-{number % 23}", "user": number, "error": error, "pad": "x" * (number % 50)}
        delay = 0 if number % 3 else 86_400
        return commands.put(json.dumps(body).encode(), priority=number % 11, delay=delay)

    with Client(address) as client:
        client.use("mail")
        for result in client.pipeline(map(job, range(jobs))):
            assert not isinstance(result, Exception), result


def brushed(notebook: Notebook, meter: Meter) -> list[Figure]:
    """Return what a step of a brush takes until the page is painted."""
    page = notebook.page
    page.wait_for_timeout(3000)  # the last of the jobs are not what is measured
    bars = page.locator(".beanops-histogram", has=page.get_by_text("size", exact=True)).locator(".beanops-bars")
    bars.scroll_into_view_if_needed()
    box = bars.bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 20)
    page.mouse.down()
    page.evaluate(_PAINTS, "pointermove")
    used = []
    for step in range(1, STEPS + 1):
        before = meter.page
        page.mouse.move(box["x"] + 4 + step * (box["width"] - 20) / STEPS, box["y"] + 20)
        page.wait_for_function("(steps) => window.paints.length >= steps", arg=step)
        used.append(1000 * (meter.page - before))
    page.mouse.up()
    taken = page.evaluate("() => window.paints")
    bars.press("Escape")
    return [
        Figure("a step of a brush until painted", median(taken), BRUSH, 1, False, "ms"),
        Figure("  its processor time", median(used), BRUSH, 1, False, "ms"),
    ]


def filtered(notebook: Notebook, meter: Meter) -> list[Figure]:
    """Return what two letters in the filter box take until their rows are painted."""
    page = notebook.page
    box = page.locator(".beanops-bar .beanops-filter").first
    taken, used = [], []
    for letters in LETTERS:
        box.fill("")
        page.wait_for_timeout(500)
        before = meter.page
        taken.append(page.evaluate(_TYPED, letters))
        used.append(1000 * (meter.page - before))
    box.fill("")
    return [
        Figure("two letters in the filter box", median(taken), FILTER, 1, False, "ms"),
        Figure("  their processor time", median(used), FILTER, 1, False, "ms"),
    ]


def watched(notebook: Notebook, client: Client, names: list[str]) -> list[Figure]:
    """Return what a look takes of a core in kernel and page, at one a second, while some tubes get a job."""
    meter = Meter(notebook)
    notebook.page.wait_for_timeout(5000)  # its start is not what is measured
    before, begin, kernel, page = client.stats(), time.monotonic(), meter.kernel, meter.page
    for second in range(1, SECONDS + 1):
        put_into(client, names)
        notebook.page.wait_for_timeout(max(0.0, 1000 * (begin + second - time.monotonic())))
    kernel, page = meter.kernel - kernel, meter.page - page
    passed, looks = time.monotonic() - begin, (client.stats().cmd_stats - before.cmd_stats - 1) / STATS
    came = f"at 1 Hz (it was {looks / passed:.1f})"  # a busy machine is asked less often
    return [
        Figure(f"of a core in the kernel, {came}", 100 * kernel / looks, CORE, 1, False, "%"),
        Figure(f"of a core in the page, {came}", 100 * page / looks, CORE, 1, False, "%"),
    ]
