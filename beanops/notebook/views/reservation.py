"""One reserved job: its body, its time left, and buttons to touch, release, bury or delete it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress

from beanops.journal.records import Refused
from beanops.notebook import shown_rows
from beanops.notebook.refresher import Refresher, Tick
from beanops.notebook.static import StaticTable
from beanops.notebook.views.actions import ViewActions
from beanops.notebook.views.base import WidgetView, confirm_of, weakly
from beanops.notebook.widgets.channel import in_words
from beanops.notebook.widgets.table import Cells, Click, Grid
from beanops.protocol import JobStats
from beanops.protocol.errors import BeanopsError, TimedOut, UsageError
from beanops.session.execution.run import Run
from beanops.session.reservation import Reservation
from beanops.session.session import Session
from beanops.ui.actions import CATALOGUE
from beanops.ui.runner import BuriedAs, Step

#: Seconds until a job is released that no page shows; a page that reloads is back sooner.
GRACE = 30.0
#: What has become of the job, where no kernel answers.
ORPHANED = "the server releases it when its kernel ends"


def _release_all(reserved: list[Reservation]) -> None:
    """Release jobs in a thread: a view may be collected during an action of the same session."""

    def release() -> None:
        for reservation in reserved:
            with suppress(BeanopsError):
                if reservation.held:
                    reservation.release()

    if any(reservation.held for reservation in reserved):
        threading.Thread(target=release, name="beanops-release", daemon=True).start()


class ReservationView(WidgetView):
    """A view that reserves the next ready job of a tube, opened by `Session.reserve_widget`.

    The view touches the job as long as it holds it, and releases it with its own priority when the view is closed or
    collected, or when no page has shown it for half a minute.

    Attributes
    ----------
    job : Grid
        The table with the job.

    Examples
    --------
    >>> with session.reserve_widget("mail") as view:
    ...     print(view.reservation.body)
    ...     print(view.bury().summary)
    b'{"user": 1}'
    bury: 1 done
    """

    kind = "reservation"

    def __init__(self, session: Session, refresher: Refresher, name: str, tube: str) -> None:
        if session.read_only:
            raise Refused(f"reserve was refused: this session on {session.address} is read-only")
        self._session = session._through("notebook")
        self._tube = tube
        self._reserved: list[Reservation] = []
        self._stats: JobStats | None = None
        self._reserving = threading.RLock()
        self._leaving: threading.Timer | None = None
        self.job = Grid(
            "job",
            shown_rows.JOBS,
            noun="job",
            actions=shown_rows.RESERVED_BUTTONS,
            confirm=confirm_of(session),
            visible=1,
            saved=weakly(self._saved_job),
            on_action=weakly(self._clicked),
            on_error=weakly(self._complain),
        )
        self._actions = ViewActions(self.job, self._session, weakly(self._done))
        session._lookups.tube(tube)  # raises for a tube that does not exist, before anything is shown
        weakref.finalize(self, _release_all, self._reserved).atexit = False  # a process that ends releases all its jobs
        super().__init__(self._session, name, refresher, (self.job,))
        self.reserve()

    # -- look ----------------------------------------------------------------------------------------------------

    @property
    def followed(self) -> tuple[int, ...]:
        """The reserved job."""
        return (self.reservation.id,) if self.held and self.reservation else ()

    @property
    def reservation(self) -> Reservation | None:
        """The job that is reserved, or was last; None when none was ready."""
        return self._reserved[0] if self._reserved else None

    @property
    def held(self) -> bool:
        """Whether it holds a job."""
        return self.reservation is not None and self.reservation.held

    @property
    def status(self) -> str:
        """The status line: the result of the last action, or an error."""
        return self.job.said("status")

    # -- act -----------------------------------------------------------------------------------------------------

    def reserve(self) -> None:
        """Reserve the next ready job; if none is ready the status line says so."""
        # One at a time: a click beside a running cell would reserve a second job that no view shows.
        with self._reserving:
            if self.held:
                raise UsageError("a job is reserved already; release, bury or delete it first")
            if self.closed:
                raise UsageError("the view is closed; open another")
            self.job.say("status", "")
            with self._lock:
                self._reserved.clear()
                self._stats = None
            try:
                held = self._session.reserve(self._tube)
                self._reserved.append(held)
                (found,) = self._session._lookups.jobs_by_id([held.id], bodies=False)
                self._stats = found and found.stats
            except TimedOut:
                self.job.say("status", self._why_none(), "warning")
            except BeanopsError as error:
                self._complain(str(error))
            with self._lock:
                self._paint()
        self._mind_leaving()

    def _why_none(self) -> str:
        with suppress(BeanopsError):
            if left := self._session.tube(self._tube).pause_time_left:
                return f"{self._tube} is paused for another {left:,} s"
        return f"no job of {self._tube} is ready"

    def touch(self) -> Run:
        """Restart its time to run."""
        return self._act("touch")

    def release(self) -> Run:
        """Release it to the workers, with its own priority."""
        return self._act("release")

    def bury(self) -> Run:
        """Bury it."""
        return self._act("bury")

    def delete(self) -> Run:
        """Delete it."""
        return self._act("delete")

    def undo(self, buried_as: BuriedAs | None = None) -> list[Run]:
        """Undo the last action of this view; see `Session.undo` for `buried_as`."""
        return self._actions.undo(buried_as)

    def wait(self) -> None:
        """Wait until the action of a click is over."""
        self._actions.wait()

    def close(self) -> None:
        """Remove the view from the page, and release the job."""
        self._actions.cancel()
        with self._reserving:
            try:
                if self.held and self.reservation is not None:
                    self.reservation.release()
            finally:
                super().close()
        self._mind_leaving()

    def _stand_aside(self) -> None:
        with self._reserving, suppress(BeanopsError):
            if self.held and self.reservation is not None:
                self.reservation.release()
                self._reserved.clear()  # the later view may reserve the same job
        self._paint()
        super()._stand_aside()

    def _pages_changed(self) -> None:
        super()._pages_changed()
        self._mind_leaving()

    def _mind_leaving(self) -> None:
        with self._lock:
            if self._leaving is not None:
                self._leaving.cancel()
                self._leaving = None
            if self.left and self.held:
                self._leaving = threading.Timer(GRACE, weakly(self._release_if_left))
                self._leaving.daemon = True
                self._leaving.start()

    def _release_if_left(self) -> None:
        if self.left and self.held and self.reservation is not None:
            try:
                if self.release().done:
                    self.job.say("status", f"job {self.reservation.id} was released: no page showed it", "warning")
            except Exception as error:
                self._complain(in_words(error))
            self._mind_leaving()  # a failed release is tried again

    def _step(self, verb: str) -> Step:
        reservation = self.reservation
        if reservation is None or not reservation.held:
            raise UsageError("no job is reserved; reserve() takes the next ready one")
        act: Callable[[], Run] = getattr(reservation, verb)
        return Step(f"job {reservation.id}", lambda _: act())

    def _act(self, verb: str) -> Run:
        (run,) = self._actions.act(verb, self._step(verb))
        return run

    def _clicked(self, click: Click) -> None:
        if click.name == "reserve":
            self.reserve()
        elif click.name == "undo":
            self._actions.undo_soon(click.keys)
        elif self.reservation is not None and click.keys == (str(self.reservation.id),):
            self._actions.act_soon(click.name, self._step(click.name))

    def _done(self, _: Sequence[Run]) -> None:
        with self._lock:
            self._paint()
            self._save_soon()

    # -- show ----------------------------------------------------------------------------------------------------

    def _show(self, tick: Tick) -> None:
        if lost := self._loss(tick):
            self.job.say("title", lost, "lost")
            return
        if self.reservation is not None:
            job = tick.watched.jobs.get(self.reservation.id)
            self._stats = self._stats if job is None else job.stats
        self._paint()

    def _paint(self) -> None:
        held, reservation = self.held, self.reservation
        if held and reservation is not None:
            left = round(reservation.time_left)
            body = self._session._context.decode(reservation.body)
            rows = {}
            if self._stats is not None:
                about = self._stats._replace(state="reserved", time_left=left)
                rows[str(reservation.id)] = shown_rows.job_row(about, body.summary)
            self.job.update(rows)
            self.job.say("detail", shown_rows.cut(body.text))
            title = f"job {reservation.id} of {reservation.tube} is reserved · {left:,} s left, touched automatically"
            self.job.say("title", title, "live")
            self.job.say("orphaned", f"job {reservation.id} of {reservation.tube} was reserved: {ORPHANED}")
        else:
            self.job.update({})
            self.job.say("detail", "")
            self.job.say("title", f"no job of {self._tube} is reserved")
            self.job.say("orphaned", "")
        for name in shown_rows.RESERVED_VERBS:
            self.job.offer(name, CATALOGUE[name].label if held else "", [str(reservation.id)] if reservation else [])
        self.job.offer("reserve", "" if held else f"Reserve the next of {self._tube}")

    def _complain(self, text: str) -> None:
        self.job.say("status", text, "error")

    def _saved_job(self) -> dict[str, Cells]:
        kept = self.reservation.kept.summary if self.reservation else ""
        return {key: shown_rows.with_body(cells, kept) for key, cells in self.job.rows.items()}

    def _static(self) -> StaticTable:
        with self._lock:
            rows = list(self.job.saved_rows.values())
            return StaticTable(self.job.said("title"), shown_rows.JOBS, rows, len(rows))
