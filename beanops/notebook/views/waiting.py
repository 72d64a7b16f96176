"""A wait in a notebook: what it waits for, how far it is, and for how long it will take; cells go on beside it."""

from __future__ import annotations

import queue
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from beanops.notebook.refresher import Refresher, Tick
from beanops.notebook.static import StaticTable
from beanops.notebook.views.base import WidgetView, confirm_of, weakly
from beanops.notebook.widgets.buttons import Click
from beanops.notebook.widgets.channel import in_words
from beanops.notebook.widgets.waiting import WaitPanel
from beanops.protocol.errors import UsageError
from beanops.protocol.states import STATES
from beanops.session.investigation.condition import Condition
from beanops.session.investigation.wait import NAMES, Waited, wait
from beanops.session.session import Session
from beanops.text import plural, safe_text, span
from beanops.ui.columns.column import Column
from beanops.ui.confirmation import Confirmation
from beanops.ui.waits import WaitTrail


class WaitArguments(NamedTuple):
    """What is waited for, as `wait` takes it."""

    tube: str
    until: str
    timeout: float | None
    every: float
    missing_ok: bool


class _Cancelled(Exception):
    """The user has cancelled the wait."""


class _Sleep:
    """Sleeps, and wakes up when it is cancelled."""

    def __init__(self) -> None:
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.cancelled = False

    def __call__(self, seconds: float) -> None:
        if not self.cancelled:
            with suppress(queue.Empty):
                self._wake.get(timeout=seconds)
        if self.cancelled:
            raise _Cancelled

    def cancel(self) -> None:
        self.cancelled = True
        self._wake.put(None)


def _count(state: str) -> Column[Waited]:
    return Column(state, state, lambda now: now.counts.get(state))


_COLUMNS = (Column[Waited]("tube", "tube", lambda now: now.tube, "text"), *(_count(state) for state in STATES))


class WaitView(WidgetView):
    """A view that waits until a condition on a tube is true, opened by `Session.wait_widget`.

    Attributes
    ----------
    panel : WaitPanel
        The part that shows it.

    Examples
    --------
    >>> view = session.wait_widget("mail", until="buried = 0")
    >>> view.cancel()
    >>> view.wait()
    """

    kind = "wait"

    def __init__(
        self,
        session: Session,
        refresher: Refresher,
        name: str,
        arguments: WaitArguments,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._session = session._through("notebook")
        self._arguments = arguments
        Condition(arguments.until, NAMES)  # raises for one that is none, before anything is shown
        self._clock, self._own_sleep = clock, sleep
        self._sleeps: list[_Sleep] = []
        self._trail = WaitTrail()
        self._ended = ""
        self._result: Waited | None = None
        self._thread: threading.Thread | None = None
        self.panel = WaitPanel(
            "waiting",
            {"cancel": False, "again": False},
            confirm_of(session),
            weakly(self._clicked),
            weakly(self._complain),
        )
        weakref.finalize(self, _cancel_all, self._sleeps).atexit = False
        super().__init__(self._session, name, refresher, (self.panel,))
        self.again()

    @property
    def result(self) -> Waited | None:
        """How it ended, as `Session.wait` returns it; None before the end, and where it was cancelled."""
        return self._result

    @property
    def status(self) -> str:
        """The line below: how it ended, or an error."""
        return self.panel.said("status")

    # -- wait ----------------------------------------------------------------------------------------------------

    def again(self) -> None:
        """Wait from the beginning, after it is over.

        Raises
        ------
        UsageError
            It is not over, or the view is closed.
        """
        with self._lock:
            if self.closed:
                raise UsageError("the view is closed; open another")
            if self.waiting:
                raise UsageError("it waits already; cancel it first")
            self._trail, self._ended, self._result = WaitTrail(), "", None
            self.panel.say("status", "")
            sleep = _Sleep()
            self._sleeps[:] = [sleep]
            self._thread = threading.Thread(target=self._follower(sleep), name="beanops-wait", daemon=True)
            self._paint()
        self._thread.start()

    @property
    def waiting(self) -> bool:
        """Whether it is not over."""
        return self._thread is not None and not self._ended

    def cancel(self) -> None:
        """Stop waiting; nothing else is done."""
        _cancel_all(self._sleeps)

    def wait(self, timeout: float | None = None) -> Waited | None:
        """Wait in the cell, until it is over or for some seconds, and return `result`."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self._result

    def close(self) -> None:
        """Remove the view from the page, and stop waiting."""
        self.cancel()
        super().close()

    def _follower(self, sleep: _Sleep) -> Callable[[], None]:
        """Return what a thread does; it must not refer to the view."""
        session, asked, clock, own = self._session, self._arguments, self._clock, self._own_sleep
        looked, over = weakly(self._looked), weakly(self._over)

        def nap(seconds: float) -> None:
            sleep(0 if own else seconds)
            if own:
                own(seconds)

        def follow() -> None:
            try:
                found = wait(
                    session._lookups, session._context, asked.tube, asked.until, asked.timeout, asked.every,
                    missing_ok=asked.missing_ok, report=looked, clock=clock, sleep=nap,
                )  # fmt: skip
            except _Cancelled:
                over(None, "cancelled", "warning")
            except Exception as error:
                over(None, in_words(error), "error")
            else:
                over(found, found.summary, "done" if found.is_true else "warning")

        return follow

    def _looked(self, now: Waited) -> None:
        with self._lock:
            self._trail.add(now)
            self._paint()

    def _over(self, found: Waited | None, said: str, tone: str) -> None:
        with self._lock:
            self._result, self._ended = found, tone
            self.panel.say("status", safe_text(said), tone)
            self._paint()
            self._save_soon()

    def _clicked(self, click: Click) -> None:
        {"cancel": self.cancel, "again": self.again}[click.name]()

    # -- show ----------------------------------------------------------------------------------------------------

    def _show(self, tick: Tick) -> None:
        """Show nothing of a tick: it looks itself."""

    def _paint(self) -> None:
        now, trail = self._trail.last, self._trail
        tube, until = safe_text(self._arguments.tube), safe_text(self._arguments.until, limit=200)
        self.panel.say("title", f"wait for {tube} · until {until}", "live" if self.waiting else "")
        self.panel.offer("cancel", "Cancel" if self.waiting else "", (), Confirmation())
        self.panel.offer("again", "" if self.waiting else "Wait again", (), Confirmation())
        if now is None:
            return
        pace = trail.pace
        facts = [(span(now.seconds), "so far")]
        if self.waiting and now.left is not None:
            facts.insert(0, (span(now.left), "left at this pace"))
        if pace:
            facts.append((f"{abs(pace):,.1f}/s", "fewer" if pace > 0 else "more"))
        if self.waiting and self._arguments.timeout is not None:
            facts.append((span(max(0.0, self._arguments.timeout - now.seconds)), "until it gives up"))
        if now.restarts:
            facts.append((plural(now.restarts, "restart"), "of the server"))
        gone = "" if now.tubes else f"no tube {tube} exists now: it is empty, and nobody uses it"
        self.panel.show(
            {
                "share": round(trail.share, 4),
                "true": now.is_true,
                "over": not self.waiting,
                "remaining": now.remaining,
                "counts": [[state, now.counts.get(state, 0)] for state in STATES],
                "facts": facts,
                "note": "; ".join(filter(None, [now.error and safe_text(now.error), gone])),
                "points": [[round(at, 1), jobs] for at, jobs in trail.points],
            }
        )

    def _complain(self, text: str) -> None:
        self.panel.say("status", text, "error")

    def _static(self) -> StaticTable:
        with self._lock:
            now = self._trail.last
            rows = [] if now is None else [tuple(column.value(now) for column in _COLUMNS)]
            ended = f" · {self.status}" if self.status else ""
            return StaticTable(f"{self.panel.said('title')}{ended}", _COLUMNS, rows, len(rows))


def _cancel_all(sleeps: list[_Sleep]) -> None:
    for sleep in sleeps:
        sleep.cancel()
