"""One job held: its body, its time left, touch, and the ways out of the operator's hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from beanops.jobs.bodies import redact
from beanops.jobs.read import FoundJob
from beanops.notebook import tables
from beanops.notebook.desk import Desk
from beanops.notebook.grid import Click, Grid
from beanops.notebook.poll import Poller, Tick
from beanops.notebook.static import html_table, text_table
from beanops.notebook.view import View, weakly
from beanops.protocol.errors import BeanopsError, TimedOut, UsageError
from beanops.session.reservation import Reservation
from beanops.session.run import Run
from beanops.session.session import Session


class Holder(View):
    """A view that holds the next ready job of a tube; `Session.reserve_widget` makes it.

    The job is touched by itself as long as the view holds it. Closing the view gives it back with its own priority.

    Attributes
    ----------
    reservation : Reservation or None
        The job that is held, or was; None when none was ready.
    job : Grid
        The table of the one job.

    Examples
    --------
    >>> with session.reserve_widget("mail") as view:          # doctest: +SKIP
    ...     print(view.reservation.body)
    ...     view.bury()
    <Run 20260102-030405-1f2e bury: 1 done>
    """

    def __init__(self, session: Session, poller: Poller, name: str, tube: str) -> None:
        self._session = session.through("notebook")
        self._tube = tube
        self.reservation: Reservation | None = None
        self._found: FoundJob | None = None
        self.job = Grid(
            tables.JOBS,
            noun="job",
            actions=tables.HELD_BUTTONS,
            visible=1,
            on_action=weakly(self._clicked),
            on_error=weakly(self._complain),
        )
        self._desk = Desk(self.job, self._session.undo, weakly(self._done))
        session.tube(tube)  # one that does not exist is told to the caller, before anything is shown
        super().__init__(str(session.address), name, poller, (self.job,))
        self.reserve()

    # -- look ----------------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> tuple[str, ...]:
        """No tube: it shows no heads."""
        return ()

    @property
    def followed(self) -> tuple[int, ...]:
        """The held job."""
        return (self.reservation.id,) if self.held and self.reservation else ()

    @property
    def held(self) -> bool:
        """Whether it holds a job."""
        return self.reservation is not None and self.reservation.held

    @property
    def status(self) -> str:
        """The status line: what the last action came to, or what went wrong."""
        return self.job.said("status")

    # -- act -----------------------------------------------------------------------------------------------------

    def reserve(self) -> None:
        """Reserve the next ready job, unless one is held; when none is ready the status line says so."""
        if self.held:
            raise UsageError("it holds a job already: release, bury or delete that first")
        self.job.say("status", "")
        try:
            self.reservation = self._session.reserve(self._tube)
            self._found = self._session.job(self.reservation.id)
        except TimedOut:
            self.job.say("status", f"no job of {self._tube} is ready", "warning")
        except BeanopsError as error:
            self._complain(str(error))
        with self._lock:
            self._paint()

    def touch(self) -> Run:
        """Start its time anew."""
        return self._act("touch")

    def release(self) -> Run:
        """Give it back to the workers, with its own priority."""
        return self._act("release")

    def bury(self) -> Run:
        """Bury it."""
        return self._act("bury")

    def delete(self) -> Run:
        """Delete it."""
        return self._act("delete")

    def undo(self) -> list[Run]:
        """Take back what this view did last."""
        return self._desk.undo()

    def wait(self) -> None:
        """Wait until what was clicked is over."""
        self._desk.wait()

    def close(self) -> None:
        """Take it off the page, and give the job back."""
        try:
            if self.held and self.reservation is not None:
                self.reservation.release()
        finally:
            super().close()

    def _step(self, verb: str) -> Callable[[object], Run]:
        reservation = self.reservation
        if reservation is None or not reservation.held:
            raise UsageError("it holds no job; reserve() takes the next one that is ready")
        way: Callable[[], Run] = getattr(reservation, verb)
        return lambda _: way()

    def _act(self, verb: str) -> Run:
        (run,) = self._desk.act(verb, self._step(verb))
        return run

    def _clicked(self, click: Click) -> None:
        if click.name == "reserve":
            self.reserve()
        elif click.name == "undo":
            self._desk.act_soon("undo", *self._desk.undoing(click.keys))
        elif self.reservation is not None and click.keys == (str(self.reservation.id),):
            self._desk.act_soon(click.name, self._step(click.name))

    def _done(self, _: Sequence[Run]) -> None:
        with self._lock:
            self._paint()

    # -- show ----------------------------------------------------------------------------------------------------

    def _show(self, tick: Tick) -> None:
        if tick.lost is not None:
            self.job.say("title", f"{self._session.address} is lost: {tick.lost} · trying again", "lost")
            return
        self._paint()

    def _paint(self) -> None:
        held = self.held
        reservation, found = self.reservation, self._found
        if held and reservation is not None and found is not None:
            left = round(reservation.time_left)
            about = found.stats._replace(state="reserved", time_left=left)
            self.job.update(tables.job_rows([FoundJob(about, found.body)]))
            self.job.say("detail", tables.opened(found))
            title = f"job {reservation.id} of {reservation.tube} is held · {left} s left, touched by itself"
            self.job.say("title", title, "live")
        else:
            self.job.update({})
            self.job.say("detail", "")
            self.job.say("title", f"no job of {self._tube} is held")
        for name in tables.WAYS_OUT:
            self.job.offer(name, name.capitalize() if held else "", [str(reservation.id)] if reservation else [])
        self.job.offer("reserve", "" if held else f"Reserve the next of {self._tube}")

    def _complain(self, text: str) -> None:
        self.job.say("status", text, "error")

    def _static(self) -> tuple[str, str]:
        labels = [column.label for column in tables.JOBS]
        with self._lock:
            rows = [(*cells[:-1], redact(cells[-1])) for cells in self.job.rows.values()]
        return html_table(self.job.said("title"), labels, rows), text_table(self.job.said("title"), labels, rows)
