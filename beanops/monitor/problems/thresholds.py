"""From which number on something is a problem: `Thresholds` of a tube and of the server, `ProblemLimits` of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

#: Tubes whose thresholds are remembered, so that each name is matched against the patterns once.
_MOST = 50_000


class Thresholds(NamedTuple):
    """When a tube has a problem.

    Attributes
    ----------
    buried, buried_critical : int
        Buried jobs that nobody kicks.
    burying : int
        Jobs buried within `window`.
    window : float
        Seconds over which jobs that are buried or delayed are counted.
    no_workers : float
        Seconds that jobs are ready and no worker watches the tube.
    not_consuming : float
        Seconds that jobs are ready and the workers that watch the tube neither wait, hold nor delete a job.
    falling_behind : float
        Seconds over which more jobs are put than deleted.
    growth : int
        Ready jobs by which the tube must have grown in that time; fewer are taken for chance.
    ready_critical : int
        Ready jobs from which on falling behind is critical; the time until then is in the reason.
    oldest, oldest_critical : float
        Seconds since the next ready job was put, without its delay.
    overdue : float
        Seconds that a job is reserved beyond its TTR.
    timeouts, releases : int
        How often one job timed out or was released.
    paused : int
        Ready jobs that a pause holds back.
    delayed : int
        Delayed jobs.
    ignore : tuple of str
        Names of problems that are not reported.
    """

    buried: int = 1
    buried_critical: int = 1000
    burying: int = 1
    window: float = 60.0
    no_workers: float = 0.0
    not_consuming: float = 60.0
    falling_behind: float = 60.0
    growth: int = 10
    ready_critical: int = 100_000
    oldest: float = 3600.0
    oldest_critical: float = 86_400.0
    overdue: float = 10.0
    timeouts: int = 3
    releases: int = 10
    paused: int = 1
    delayed: int = 10_000
    ignore: tuple[str, ...] = ()


class ServerThresholds(NamedTuple):
    """When the server has a problem.

    Attributes
    ----------
    slow : float
        Seconds until it answers.
    restarted : float
        Seconds of uptime below which a restart is reported.
    binlog_files : int
        Files of the binlog.
    connections : int
        Connections, where its own limit is not known; 90 % of the limit where it is.
    cpu : float
        Share of a core; beanstalkd uses at most one.
    refused : int
        Puts that it refused within a minute.
    """

    slow: float = 1.0
    restarted: float = 300.0
    binlog_files: int = 20
    connections: int = 900
    cpu: float = 0.9
    refused: int = 1


DEFAULT = Thresholds()
SERVER_DEFAULT = ServerThresholds()


class ProblemLimits:
    """The thresholds of the server and of each tube.

    Parameters
    ----------
    tubes : Thresholds
        Of tubes that match no pattern.
    server : ServerThresholds
        Of the server; names in `tubes.ignore` are ignored there too.
    patterns : sequence of pairs
        A glob and the thresholds of tubes that match it, by name; later pairs override earlier ones.

    Examples
    --------
    >>> limits = ProblemLimits(patterns=[("mail-*", {"buried": 10})])
    >>> limits.of("mail-in").buried, limits.of("sms").buried
    (10, 1)
    """

    def __init__(
        self,
        tubes: Thresholds = DEFAULT,
        server: ServerThresholds = SERVER_DEFAULT,
        patterns: Sequence[tuple[str, Mapping[str, Any]]] = (),
    ) -> None:
        self.tubes = tubes
        self.server = server
        self._patterns = tuple(patterns)
        self._known: dict[str, Thresholds] = {}

    def of(self, tube: str) -> Thresholds:
        """Return the thresholds of a tube."""
        if not self._patterns:
            return self.tubes
        known = self._known.get(tube)
        if known is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            known = self.tubes
            for pattern, changes in self._patterns:
                if fnmatchcase(tube, pattern):
                    known = known._replace(**changes)
            self._known[tube] = known
        return known
