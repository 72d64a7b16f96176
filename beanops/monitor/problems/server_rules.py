"""The problems of a server: pure functions of its statistics now and in the last minute, and of jobs that are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from beanops.monitor.problems.problem import Problem, Severity
from beanops.monitor.problems.thresholds import ServerThresholds
from beanops.protocol import JobStats, ServerStats, TubeStats
from beanops.protocol.states import STATES
from beanops.text import plural, span

#: Seconds over which counters of the server are compared.
WINDOW = 60.0
#: Shares of the limit of connections at which they are a problem, and a critical one.
_NEAR, _FULL = 0.9, 0.98


class Mark(NamedTuple):
    """What is remembered of the server's statistics at one look.

    Attributes
    ----------
    at : float
        Seconds of the surveyor's clock.
    refused : int
        Puts that it refused so far: it counts commands before it checks them, and jobs after.
    files : int
        Files of the binlog.
    """

    at: float
    refused: int
    files: int


def mark(at: float, stats: ServerStats) -> Mark:
    """Return what is to be remembered of statistics."""
    files = stats.binlog_current_index - stats.binlog_oldest_index + 1 if stats.binlog_current_index else 0
    return Mark(at, stats.cmd_put - stats.total_jobs, files)


class ServerFacts(NamedTuple):
    """What is known of a server.

    Attributes
    ----------
    at : float
        Seconds of the surveyor's clock.
    stats : ServerStats
        Its statistics.
    past : sequence of Mark
        Those of the last minute, this look's last.
    answered : float
        Seconds that it took to answer.
    cpu : float or None
        Share of a core that it uses.
    open_files : int or None
        Its limit of open files, and so of connections, where that is known.
    succeeds : bool
        Whether another process was seen at this address before.
    fewer : int or None
        Jobs that it had fewer than that process when both were last and first seen.
    jobs : callable
        Returns the jobs that are known.
    began : mapping of str to float
        When the problems that it had at the last look began, by name.
    """

    at: float
    stats: ServerStats
    past: Sequence[Mark]
    answered: float = 0.0
    cpu: float | None = None
    open_files: int | None = None
    succeeds: bool = False
    fewer: int | None = None
    jobs: Callable[[], Iterable[JobStats]] = tuple
    began: Mapping[str, float] = {}

    def problem(
        self,
        name: str,
        reason: str,
        *,
        severity: Severity = "warning",
        since: float | None = None,
        job: int | None = None,
    ) -> Problem:
        """Return a problem of the server that began when it was first seen, or at `since`."""
        began = self.began.get(name, self.at if since is None else since)
        look_at = "beanops stats" if job is None else f"beanops job {job}"
        return Problem(name, severity, None, reason, began, look_at, (), job)


Rule = Callable[[ServerFacts, ServerThresholds], Problem | None]


def jobs_in(stats: ServerStats | TubeStats) -> int:
    """Return the number of jobs of a server or a tube in all states."""
    return sum(getattr(stats, f"current_jobs_{state}") for state in STATES)


def _draining(server: ServerFacts, limits: ServerThresholds) -> Problem | None:
    if not server.stats.draining:
        return None
    reason = f"the server refuses puts until it is restarted; {plural(jobs_in(server.stats), 'job')} left"
    return server.problem("draining", reason, severity="critical")


def _puts_refused(server: ServerFacts, limits: ServerThresholds) -> Problem | None:
    # A put under way is counted as a command and not yet as a job, so the lower of the last two looks counts.
    number = min(one.refused for one in server.past[-2:]) - server.past[0].refused
    if server.stats.draining or number < max(1, limits.refused):
        return None
    seconds = server.at - server.past[0].at
    reason = (
        f"{plural(number, 'put')} refused in the last {span(seconds)}: bodies of more than max-job-size,"
        f" {server.stats.max_job_size:,} bytes, or malformed"
    )
    return server.problem("puts-refused", reason)


def _connections(server: ServerFacts, limits: ServerThresholds) -> Problem | None:
    number, most = server.stats.current_connections, server.open_files
    if most is None:
        if number < limits.connections:
            return None
        return server.problem("connections", f"{plural(number, 'connection')}; many systems limit a process to 1,024")
    if number < _NEAR * most:
        return None
    severity: Severity = "critical" if number >= _FULL * most else "warning"
    reason = f"{plural(number, 'connection')}, and the server may open {plural(most, 'file')}"
    return server.problem("connections", reason, severity=severity)


def _busy(server: ServerFacts, limits: ServerThresholds) -> Problem | None:
    if server.cpu is None or server.cpu < limits.cpu:
        return None
    return server.problem("busy", f"the server uses {server.cpu:.0%} of a core, and cannot use more than one")


def _slow(server: ServerFacts, limits: ServerThresholds) -> Problem | None:
    if server.answered < limits.slow:
        return None
    return server.problem("slow", f"the server took {server.answered:.1f} s to answer stats")


def restarted_text(uptime: float, fewer: int | None) -> str:
    """Return in words how long ago a server was restarted, and how many jobs it has lost or got since.

    Examples
    --------
    >>> restarted_text(12, 240), restarted_text(12, -1), restarted_text(12, None)
    ('restarted 12s ago, 240 jobs fewer', 'restarted 12s ago, 1 job more', 'restarted 12s ago')
    """
    change = f", {plural(abs(fewer), 'job')} {'fewer' if fewer > 0 else 'more'}" if fewer else ""
    return f"restarted {span(uptime)} ago{change}"


def _restarted(server: ServerFacts, limits: ServerThresholds) -> Problem | None:
    stats = server.stats
    if stats.uptime >= limits.restarted:
        return None
    restored = jobs_in(stats) > stats.total_jobs  # more than were put into this process
    if not (restored or server.succeeds):
        return None
    ended = "jobs came back from the binlog" if stats.binlog_current_index else "without a binlog its jobs are gone"
    reason = f"the server was {restarted_text(stats.uptime, server.fewer)}: {ended}, pauses and counters are lost"
    return server.problem("restarted", reason, since=server.at - stats.uptime)


def _binlog(server: ServerFacts, limits: ServerThresholds) -> Problem | None:
    files, oldest = server.past[-1].files, server.stats.binlog_oldest_index
    if not files or files < limits.binlog_files:
        return None
    more = files - server.past[0].files
    growth = f", {more:,} more than {span(server.at - server.past[0].at)} ago" if more > 0 else ""
    size = f"the binlog has {plural(files, 'file')} of {server.stats.binlog_max_size:,} bytes{growth}"
    pinning = min((job for job in server.jobs() if job.file == oldest), key=lambda job: -job.age, default=None)
    if pinning is None:
        return server.problem("binlog-growing", size)
    state = f"{pinning.state} in {pinning.tube}, put {span(pinning.age)} ago"
    reason = f"{size}; job {pinning.id} ({state}) keeps the oldest, number {oldest:,}"
    return server.problem("binlog-pinned", reason, job=pinning.id)._replace(job_tube=pinning.tube)


RULES: tuple[Rule, ...] = (_draining, _puts_refused, _connections, _busy, _slow, _restarted, _binlog)


def server_problems(server: ServerFacts, limits: ServerThresholds) -> Iterator[Problem]:
    """Yield the problems of a server."""
    for rule in RULES:
        problem = rule(server, limits)
        if problem is not None:
            yield problem
