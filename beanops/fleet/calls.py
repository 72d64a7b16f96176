"""Ask several servers at the same time, and wait for none that is silent: `ask` returns what each answered.

Each call has a thread of its own, which the process does not wait for. A server is silent when it has owed an answer
for longer than the caller's patience; time in which nothing is asked of it, such as that of a rate, does not count.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from beanops.fleet.members import FleetMember
from beanops.jobs.search.progress import Progress
from beanops.journal.records import Refused
from beanops.protocol.errors import BeanopsError, ConnectFailed, ConnectionClosed, ConnectionLost, NotFound, UsageError
from beanops.session.execution.run import Run
from beanops.session.session import Session
from beanops.text import span

#: Seconds for which a call waits for a server that let an earlier one down.
_STILL_SILENT = 0.25
#: Seconds between two looks at the silence of servers.
_TICK = 0.1


class Silent(ConnectionLost):
    """A server did not answer in the time that the caller gave it."""


class NoServer(ConnectFailed):
    """None of several servers answered."""


class Call:
    """One call of one server: an `Umbrella` of the runs that it begins.

    Parameters
    ----------
    member : FleetMember
        The server.
    work : callable
        Called in a thread with a session on the server and this call; returns the answer.
    fleet : str or None
        Id of the call on several servers, for the journal.
    notify : callable
        Called at each sign of progress and at the end, in the call's thread.

    Attributes
    ----------
    answer : object
        What `work` returned.
    error : Exception or None
        What it raised.
    runs : list of Run
        The runs that began, the one that was asked for first.
    unknown_tube : str or None
        Says that a search named a tube of which nothing is known here.
    made : Progress or None
        How far its search is.
    abandoned : bool
        Whether nobody waits for it any more.
    done : bool
        Whether it has ended.
    """

    def __init__(
        self, member: FleetMember, work: Callable[[Session, Call], Any], fleet: str | None, notify: Callable[[], None]
    ) -> None:
        self.member = member
        self.answer: Any = None
        self.error: Exception | None = None
        self.runs: list[Run] = []
        self.unknown_tube: str | None = None
        self.made: Progress | None = None
        self.abandoned = False
        self.done = False
        self._why = ""
        self._work, self._fleet, self._notify = work, fleet, notify
        self._lock = threading.Lock()
        self._entered = False
        self._began: float | None = time.monotonic()

    def start(self) -> None:
        """Begin it in a thread."""
        threading.Thread(target=self._run, name=f"beanops {self.member.name}", daemon=True).start()

    def _run(self) -> None:
        try:
            if not self.member.begin(self, _STILL_SILENT):
                raise Silent("no answer yet to an earlier call")
            try:
                session = self.member.open()
                self._began = None
                self.check()
                self.answer = self._work(session._under(self), self)
                if not self.runs:  # of what was done there is a record, which a refusal would hide
                    self.member.check_process()
            finally:
                self.member.end(self)
        except Exception as error:
            self.error = error
        self.done = True
        self._notify()

    @property
    def silence(self) -> float:
        """Seconds for which the server has owed an answer."""
        if self._began is not None:
            return time.monotonic() - self._began
        session = self.member.session
        return 0.0 if session is None else session._context.waiting

    def check(self) -> None:
        """Raise `Refused` if nobody waits for it any more."""
        if self.abandoned:
            raise Refused(self._why)

    def searched(self, made: Progress) -> None:
        """Note how far a search is; end it if nobody waits for it."""
        self.check()
        self.made = made
        self._notify()

    def acted(self, run: Run) -> None:
        """Note that a run is further; `abandon` ends it."""
        self._notify()

    def abandon(self, why: str) -> None:
        """Wait no more: no run begins any more, and those under way end after their batch."""
        with self._lock:
            self.abandoned, self._why = True, why
        for run in list(self.runs):
            run.cancel()

    # -- what an `Umbrella` has ----------------------------------------------------------------------------------

    def enter(self) -> str | None:
        """Return the id of the whole call for its first run; refuse if nobody waits for it, or another acts there."""
        with self._lock:
            if self._entered:
                return None
            self.check()
            self.member.check_process()
            self._entered = True
            return self._fleet

    def began(self, run: Run) -> None:
        """Note that a run has begun."""
        with self._lock:
            self.runs.append(run)
            abandoned = self.abandoned
        if abandoned:
            run.cancel()

    def unknown(self, message: str) -> None:
        """Note that a search names a tube of which nothing is known on this server."""
        self.unknown_tube = message


class ServerQuestion(NamedTuple):
    """What to ask of one server, and under which name its answer is returned."""

    key: str
    member: FleetMember
    work: Callable[[Session, Call], Any]


class Answers(NamedTuple):
    """What the servers answered, in their order.

    Attributes
    ----------
    calls : dict of str to Call
        Those that returned an answer.
    errors : dict of str to BeanopsError
        Why the others did not.
    silent : dict of str to Call
        The calls among these that may still be under way.
    """

    calls: dict[str, Call]
    errors: dict[str, BeanopsError]
    silent: dict[str, Call]

    @property
    def values(self) -> dict[str, Any]:
        """The answers."""
        return {name: call.answer for name, call in self.calls.items()}

    @property
    def silent_runs(self) -> list[Run]:
        """The runs of calls that may still be under way."""
        return [run for call in self.silent.values() for run in call.runs]

    @property
    def absent(self) -> dict[str, BeanopsError]:
        """The errors of servers that have no such tube or group, on which there is nothing to do."""
        return {name: error for name, error in self.errors.items() if isinstance(error, NotFound)}

    @property
    def failed(self) -> dict[str, BeanopsError]:
        """The errors of the others."""
        return {name: error for name, error in self.errors.items() if not isinstance(error, NotFound)}

    @property
    def unanswered(self) -> dict[str, str]:
        """The servers of `failed`, with the reasons."""
        return {name: str(error) for name, error in self.failed.items()}

    def check(self) -> None:
        """Raise what kept every server from answering.

        Raises
        ------
        UsageError, NotFound, Refused
            As the servers' sessions raised it.
        NoServer
            None could be reached.
        """
        if self.calls:
            return
        errors = list(self.errors.values())
        for error in errors:
            if isinstance(error, UsageError):
                raise error
        closed = isinstance(errors[0], ConnectionClosed) and len({str(error) for error in errors}) == 1
        if not self.failed or closed:  # by close() of the fleet
            raise errors[0]
        words = "; ".join(f"{name}: {error}" for name, error in self.errors.items())
        if all(isinstance(error, Refused) for error in errors):
            raise Refused(words)
        raise NoServer(words if len(errors) == 1 else f"no server could answer: {words}")


def ask(
    questions: Iterable[ServerQuestion],
    *,
    patience: float,
    fleet: str | None = None,
    started: Callable[[list[Call]], None] = lambda calls: None,
    progress: Callable[[], None] = lambda: None,
) -> Answers:
    """Ask servers at the same time, and wait until each has answered, failed, or was silent for too long.

    Parameters
    ----------
    questions : iterable of ServerQuestion
        What to ask.
    patience : float
        Seconds for which a server may owe an answer.
    fleet : str or None
        Id of the whole call, for the journal.
    started : callable
        Called with the calls once all have begun.
    progress : callable
        Called in this thread when one of them has got further.

    Raises
    ------
    Exception
        A call ended with an error that is none of beanops; all others have ended then too.
    """
    events: queue.SimpleQueue[None] = queue.SimpleQueue()
    asked = [(one.key, Call(one.member, one.work, fleet, lambda: events.put(None))) for one in questions]
    late: dict[str, BeanopsError] = {}
    with _abandoned_on_error([call for _, call in asked]):
        for _, call in asked:
            call.start()
        started([call for _, call in asked])
        left, looked = dict(asked), time.monotonic()
        while left:
            if _wait(events):
                progress()
            left = {key: call for key, call in left.items() if not call.done}
            if time.monotonic() < looked + _TICK:
                continue  # to look at all servers with each answer would cost more than the answers
            looked = time.monotonic()
            for key, call in list(left.items()):
                silence = call.silence
                if silence >= patience and not call.done:
                    why = f"no answer for {span(silence) if silence >= 1 else 'a moment'}"
                    call.abandon(why)
                    late[key] = Silent(why)
                    del left[key]
    faults = [call.error for key, call in asked if key not in late and call.error is not None]
    for fault in faults:
        if not isinstance(fault, BeanopsError):
            raise fault
    errors = {key: late.get(key, call.error) for key, call in asked if key in late or call.error}
    return Answers(
        {key: call for key, call in asked if key not in errors},
        errors,  # type: ignore[arg-type]  # others were raised
        {key: call for key, call in asked if key in late},
    )


def _wait(events: queue.SimpleQueue[None]) -> bool:
    """Wait for a moment, or until something happens; return whether it did."""
    try:
        events.get(timeout=_TICK)
        while not events.empty():
            events.get_nowait()
    except queue.Empty:
        return False
    return True


@contextmanager
def _abandoned_on_error(calls: list[Call]) -> Iterator[None]:
    """End calls when their caller is interrupted."""
    try:
        yield
    except BaseException:
        for call in calls:
            call.abandon("its caller was interrupted")
        raise
