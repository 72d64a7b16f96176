"""What a dashboard of 3,000 tubes costs: a look in the kernel and in the page, and what travels between them."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from beanops import Client, connect
from beanops.embedded.process import Beanstalkd
from beanops.notebook.refresher import poll
from beanops.notebook.views.dashboard import DashboardView
from beanops.ui.poller import Poller
from tests.bench.figures import Figure, show
from tests.needs import chromium
from tests.notebook.bare import BarePage, bare_page
from tests.notebook.lab import headless
from tests.notebook.pages import Still

#: Tubes, every how many of them gets a job a second, looks that are measured, and how long the page is.
TUBES, BUSY, LOOKS, SECONDS = 3_000, 10, 20, 15.0


def put(client: Client, every: int = 1) -> None:
    """Put a job into some of the tubes."""
    for number in range(0, TUBES, every):
        client.use(f"tube-{number:04}")
        client.put(b"x")


@contextmanager
def filled() -> Iterator[str]:
    """Start a server with the tubes; every tenth gets jobs all the time."""
    ended = threading.Event()
    with Beanstalkd() as server:

        def work() -> None:
            with Client(server.address) as client:
                while not ended.wait(1.0):
                    put(client, BUSY)

        with Client(server.address) as client:
            put(client)
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield server.address
        finally:
            ended.set()
            thread.join()


def in_the_kernel() -> list[Figure]:
    """Return the milliseconds of processor time of a look."""
    with filled() as address, connect(address) as session, connect(address) as watched:
        poller = Poller(lambda: watched)
        view = DashboardView(session, Still(), "bench")  # type: ignore[arg-type]
        view.widget.send = lambda message, buffers: None
        view._root._receive(None, {"kind": "hello"}, ())
        used = 0.0
        for look in range(2 * LOOKS):
            began = time.thread_time()
            view.show(poll(poller))
            used += time.thread_time() - began if look >= LOOKS else 0.0
            time.sleep(0.3)
        view.close()
    return [Figure(f"kernel: a look at {TUBES:,} tubes", used / LOOKS * 1000, 100, 1.0, False, "ms")]


def _busy(page: BarePage, devtools: Any) -> float:
    """Return the share of a core that a page uses, in per cent."""

    def used() -> float:
        measured = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
        return float(measured["TaskDuration"])

    before, began = used(), time.monotonic()
    page.page.wait_for_timeout(SECONDS * 1000)
    return (used() - before) / (time.monotonic() - began) * 100


def in_the_page(program: str) -> list[Figure]:
    """Return the share of a core that the page uses at two looks a second, beyond one that hears nothing."""
    with (
        filled() as address,
        connect(address) as session,
        session.dashboard() as view,
        headless(program) as browser,
        bare_page(browser, view) as page,
    ):
        devtools = page.page.context.new_cdp_session(page.page)
        devtools.send("Performance.enable")
        page.page.wait_for_timeout(8000)
        sent, messages = page.sent, page.messages
        live = _busy(page, devtools)
        travelled = (page.sent - sent) / SECONDS / 1000
        page.kill("silent")
        page.page.wait_for_timeout(3000)
        still = _busy(page, devtools)
        assert page.messages > messages, "nothing was sent"
    return [
        Figure(f"page: {TUBES:,} tubes at 2 Hz, of a core", max(0.0, live - still), 20, 1.0, False, "%"),
        Figure("  sent to it, a second", travelled, 200, 1.0, False, "kB"),
    ]


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BEANOPS_JOURNAL"] = str(Path(folder) / "journal.sqlite")
        show("dashboard: in the kernel", in_the_kernel())
        program = chromium()
        if program is None:
            print("\ndashboard: chromium is not installed, so its page is not measured")
            return
        show("dashboard: in a browser", in_the_page(program))


if __name__ == "__main__":
    main()
