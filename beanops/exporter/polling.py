"""One thread per server that looks at it again and again, so that no scrape waits for a server.

A server that does not answer is retried with longer and longer pauses. What was seen is replaced as a whole, so that
any thread may read it.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import NamedTuple

from beanops.client.reach import Reach
from beanops.exporter.exposition import Labels
from beanops.exporter.metrics import Reading
from beanops.monitor.problems.thresholds import ProblemLimits
from beanops.monitor.reconnecting import ReconnectingSurveyor, most_ready
from beanops.monitor.survey import Seen, Survey, Surveyor
from beanops.protocol.errors import BeanopsError
from beanops.protocol.limits import is_tube
from beanops.text import safe_text, span

#: Seconds between two looks, unless the user chooses others.
POLL_INTERVAL = 5.0
#: Times as often a server is looked at of which each look reads only a part of the tubes.
PARTS = 5
#: Seconds to wait for a connection and for a server's next bytes.
ANSWER = 3.0
#: Seconds beyond the interval after which a server counts as down although a look is still under way.
OVERDUE = 10.0
#: Seconds between two tries to reach a lost server, at most.
LONGEST_PAUSE = 15.0
#: Tubes of which a look asks for the age of the next job, those with the most ready jobs.
WITH_AGES = 200
#: Tubes that are exported by default, at most: a program that makes a tube per job must not flood Prometheus.
MOST_TUBES = 10_000

_NO_TUBES: Mapping[str, Seen] = MappingProxyType({})


class TubePatterns(NamedTuple):
    """Which tubes are exported.

    Attributes
    ----------
    allowed : tuple of str
        Names or globs, one of which must match; empty for all tubes.
    denied : tuple of str
        Names or globs, none of which may match.
    most : int
        Most tubes that are exported, the first in the server's order.

    Examples
    --------
    >>> patterns = TubePatterns(("mail*",), ("*-test",))
    >>> patterns.match("mail-out"), patterns.match("mail-test"), patterns.match("sms")
    (True, False, False)
    """

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    most: int = MOST_TUBES

    def match(self, tube: str) -> bool:
        """Whether a tube is exported."""
        if self.allowed and not any(fnmatchcase(tube, pattern) for pattern in self.allowed):
            return False
        return is_tube(tube) and not any(fnmatchcase(tube, pattern) for pattern in self.denied)


ALL_TUBES = TubePatterns()


class _Known(NamedTuple):
    """What is known after a look."""

    survey: Survey | None = None
    tubes: Mapping[str, Seen] = _NO_TUBES
    left_out: bool = False
    error: str = ""
    took: float = 0.0
    looks: int = 0
    failures: int = 0


class ServerPoller:
    """Looks at one server again and again, in a thread of its own.

    Parameters
    ----------
    name : str
        What messages call the server.
    reach : str or Reach
        How it is reached.
    labels : tuple of (str, str)
        Labels of all its metrics.
    interval : float
        Seconds between two looks.
    patterns : TubePatterns
        The tubes to export.
    limits : ProblemLimits or None
        From which numbers on something is a problem.
    clock : callable
        Monotonic seconds.
    log : callable
        Takes one line when the server is lost, and when it is back.
    """

    def __init__(
        self,
        name: str,
        reach: str | Reach,
        *,
        labels: Labels = (),
        interval: float = POLL_INTERVAL,
        patterns: TubePatterns = ALL_TUBES,
        limits: ProblemLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
        log: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
    ) -> None:
        self.name = name
        self._labels = labels
        self._interval = interval
        self._patterns = patterns
        self._clock = clock
        self._log = log
        self._surveyor = ReconnectingSurveyor(reach, Surveyor(clock, limits, follow=True), ANSWER)
        self._known = _Known()
        self._wanted: tuple[str, ...] = ()
        self._exported: dict[str, bool] = {}
        self._lost_at: float | None = None
        self._tries = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"poll {name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Have the thread end, also in the middle of a look, and close the connection."""
        self._end.set()
        self._surveyor.close()

    @property
    def failed(self) -> bool:
        """Whether the thread has ended on an error of beanops."""
        return self._thread.ident is not None and not self._thread.is_alive() and not self._end.is_set()

    @property
    def looked(self) -> bool:
        """Whether the first look has ended."""
        return self._known.looks + self._known.failures > 0

    def reading(self) -> Reading:
        """Return what is known now; it never waits for the server."""
        known, now = self._known, self._clock()
        up = not known.error and known.survey is not None and now - known.survey.at <= self._interval + OVERDUE
        return Reading(
            self._labels, up, known.survey, known.tubes, known.left_out, now, known.took, known.looks, known.failures
        )

    def look(self) -> float:
        """Look once, and return the seconds until the next look."""
        began, known = self._clock(), self._known
        try:
            survey = self._surveyor.look(self._wanted)
        except BeanopsError as error:
            self._known = known._replace(
                error=str(error), took=self._clock() - began, failures=known.failures + 1, tubes=_NO_TUBES
            )
            return self._lose(str(error))
        tubes = self._select(survey.tubes)
        left_out = len(tubes) > self._patterns.most
        if left_out:
            tubes = {name: tubes[name] for name in list(tubes)[: self._patterns.most]}
        self._wanted = tuple(tubes) if len(tubes) <= WITH_AGES else tuple(most_ready(tubes, WITH_AGES))
        took = self._clock() - began
        self._known = _Known(survey, tubes, left_out, "", took, known.looks + 1, known.failures)
        self._find()
        return max(0.0, (self._interval if survey.full else self._interval / PARTS) - took)

    def _select(self, tubes: Mapping[str, Seen]) -> dict[str, Seen]:
        """Return the tubes that match the patterns; each name is matched once."""
        before = self._exported
        self._exported = {name: before[name] if name in before else self._patterns.match(name) for name in tubes}
        return {name: seen for name, seen in tubes.items() if self._exported[name]}

    def _lose(self, error: str) -> float:
        if self._lost_at is None:
            self._lost_at = self._clock()
            if not self._end.is_set():
                where = "" if error.startswith(f"{self.name}: ") else f"{self.name}: "
                self._log(f"beanops exporter: lost {safe_text(where + error)}")
        self._tries += 1
        return min(LONGEST_PAUSE, 2.0 ** min(self._tries - 1, 10))

    def _find(self) -> None:
        if self._lost_at is not None:
            self._log(f"beanops exporter: {safe_text(self.name)} answers after {span(self._clock() - self._lost_at)}")
        self._lost_at, self._tries = None, 0

    def _run(self) -> None:
        while not self._end.is_set():
            self._end.wait(self.look())
        self._surveyor.close()
