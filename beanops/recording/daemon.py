"""`record`: look at several servers, each in a thread of its own, and write what they see to one recording."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from beanops.client.reach import Reach
from beanops.monitor.past import Past
from beanops.monitor.problems.thresholds import ProblemLimits
from beanops.monitor.reconnecting import ReconnectingSurveyor, most_ready
from beanops.monitor.survey import Survey, Surveyor
from beanops.protocol.errors import BeanopsError
from beanops.recording.storage import RecordingError
from beanops.recording.writer import KEEP, RecordingWriter
from beanops.text import plural, safe_text

#: Seconds between two transactions, between two times that chunks are written, and that old rows are deleted.
FLUSH, SETTLE, PRUNE = 5.0, 60.0, 600.0
#: Seconds to wait for a connection and for a server's next bytes, and between two tries to reach a lost server.
_ANSWER, _RETRY = 3.0, 5.0
#: Tubes of which the age of the next job is recorded, those with the most ready jobs.
_AGES = 50
#: Seconds for which what cannot be written is kept in memory.
PATIENCE = 600.0


class _Look(NamedTuple):
    """What came of a look: a survey with the time since which there was no gap, or an error."""

    name: str
    address: str
    survey: Survey | None
    since: float = 0.0
    error: str = ""


class _Looker:
    """Looks at one server again and again in a thread of its own."""

    def __init__(
        self,
        name: str,
        address: str,
        reach: str | Reach,
        surveyor: Surveyor,
        interval: float,
        give: Callable[[_Look], None],
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._address = address
        self._past = surveyor.past
        self._surveyor = ReconnectingSurveyor(reach, surveyor, _ANSWER)
        self._interval = interval
        self._give = give
        self._clock = clock
        self._wanted: list[str] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"record {name}", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End the thread, also in the middle of a look."""
        self._end.set()
        self._surveyor.close()
        self._thread.join(_ANSWER)

    def _run(self) -> None:
        due = self._clock()
        while not self._end.is_set():
            look = self._look()
            if not self._end.is_set():
                self._give(look)
            # Looks that were late are not made up for.
            due = max(due + (self._interval if look.survey is not None else max(self._interval, _RETRY)), self._clock())
            self._end.wait(max(0.0, due - self._clock()))

    def _look(self) -> _Look:
        try:
            survey = self._surveyor.look(self._wanted)
        except BeanopsError as error:
            return _Look(self._name, self._address, None, error=str(error))
        self._wanted = most_ready(survey.tubes, _AGES)
        return _Look(self._name, self._address, survey, self._past.since)


class Recorder:
    """Records servers until it is ended.

    Parameters
    ----------
    path : Path
        The file.
    servers : mapping of str to str
        Addresses by name.
    reaches : mapping of str to Reach
        How servers are reached, by name, where the address alone does not say it.
    interval : float
        Seconds between two looks at each server.
    keep : sequence of float
        As in `RecordingWriter`.
    limits : ProblemLimits or None
        From which numbers on something is a problem.
    say : callable
        Takes a line for people.
    clock, wall : callable
        Monotonic seconds, and seconds since 1970.
    """

    def __init__(
        self,
        path: Path,
        servers: Mapping[str, str],
        *,
        reaches: Mapping[str, Reach] = MappingProxyType({}),
        interval: float = 1.0,
        keep: Sequence[float] = KEEP,
        limits: ProblemLimits | None = None,
        say: Callable[[str], None] = print,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._servers = dict(servers)
        self._reaches = reaches
        self._interval = interval
        self._keep = keep
        self._limits = limits
        self._say = say
        self._clock = clock
        self._wall = wall
        # A simple queue, for a handler of signals may put something into it at any moment.
        self._inbox: queue.SimpleQueue[_Look | None] = queue.SimpleQueue()
        self._lost: set[str] = set()
        self._failing: float | None = None

    def end(self) -> None:
        """End `run` soon, with all written."""
        self._inbox.put(None)

    def run(self) -> None:
        """Record until `end`.

        Raises
        ------
        RecordingError
            The file cannot be written, or not any more for `PATIENCE` seconds.
        """
        clock = self._clock
        with RecordingWriter(self._path, keep=self._keep, clock=clock, wall=self._wall) as writer:
            writer.prune()
            for name, address in self._servers.items():
                writer.know(name, address)
            names = ", ".join(map(safe_text, self._servers))
            self._say(f"recording {names} to {self._path}, every {self._interval:g} s; Ctrl-C ends it")
            lookers = [
                _Looker(
                    name,
                    address,
                    self._reaches.get(name, address),
                    Surveyor(clock, self._limits, past=Past()),
                    self._interval,
                    self._inbox.put,
                    clock,
                )
                for name, address in self._servers.items()
            ]
            try:
                self._take(writer)
            finally:
                for looker in lookers:
                    looker.end()
        self._say("ended; all is written")

    def _take(self, writer: RecordingWriter) -> None:
        jobs: list[tuple[float, Callable[[], None]]] = [
            (PRUNE, writer.prune), (SETTLE, writer.settle), (FLUSH, writer.flush)
        ]  # fmt: skip
        due = [self._clock() + every for every, _ in jobs]
        due[-1] = self._clock() + 1.0  # that there is something soon
        while True:
            try:
                look = self._inbox.get(timeout=max(0.0, min(due) - self._clock()))
                if look is None:
                    return
                self._writing(lambda look=look: self._add(writer, look))  # type: ignore[misc]
            except queue.Empty:
                pass
            for place, (every, job) in enumerate(jobs):
                if self._clock() >= due[place]:
                    self._writing(job, flush=True)
                    due[place] = self._clock() + every

    def _add(self, writer: RecordingWriter, look: _Look) -> None:
        if look.survey is None:
            writer.lose(look.name, look.address, look.error)
            if look.name not in self._lost:
                self._lost.add(look.name)
                where = "" if look.error.startswith(f"{look.name}: ") else f"{look.name}: "
                self._say(f"lost {safe_text(where + look.error)}")
            return
        if look.name in self._lost:
            self._lost.remove(look.name)
            self._say(f"{safe_text(look.name)} answers again")
        writer.add(look.name, look.address, look.survey, look.since)

    def _writing(self, job: Callable[[], None], flush: bool = False) -> None:
        """Write; what cannot be written now is tried again with the next time, for some minutes."""
        try:
            job()
        except RecordingError as error:
            if self._failing is None:
                self._failing = self._clock()
                self._say(f"{safe_text(str(error))}; trying again for {plural(round(PATIENCE / 60), 'minute')}")
            elif self._clock() - self._failing > PATIENCE:
                raise
            return
        if flush and self._failing is not None:
            self._failing = None
            self._say(f"{self._path} can be written again")
