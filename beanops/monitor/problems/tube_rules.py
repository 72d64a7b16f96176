"""The problems of one tube: pure functions of its statistics, its past, and jobs of it that are known.

Each rule returns a problem as soon as its condition holds; `LASTING` says how long it must hold to be reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from shlex import quote
from typing import NamedTuple

from beanops.monitor.problems.problem import Problem, Severity
from beanops.monitor.problems.thresholds import Thresholds
from beanops.monitor.rates import Point
from beanops.protocol import JobStats, TubeStats
from beanops.text import plural, span

#: Seconds below which a reason does not say how long something lasts.
_SHORT = 10.0
#: Seconds within which a limit that is near is worth a word.
_SOON = 86_400.0
#: Jobs put beyond those deleted, as a share, that a tube at full load has by chance.
_CHANCE = 0.05


class TubeFacts(NamedTuple):
    """What is known of a tube.

    Attributes
    ----------
    at : float
        Seconds of the surveyor's clock at which its statistics were read.
    stats : TubeStats
        Its statistics.
    last : TubeStats or None
        Those of the look before.
    ago : callable
        Returns its counts of so many seconds ago, or the oldest known ones; None if there are none.
    jobs : tuple of JobStats
        The next jobs of it and reserved ones, as far as they are known: the server does not list jobs.
    began : mapping of str to float
        When the problems that it had at the last look began, by name.
    taken : int
        Jobs that the server's workers hold, of whichever tube.
    """

    at: float
    stats: TubeStats
    last: TubeStats | None
    ago: Callable[[float], Point | None]
    jobs: tuple[JobStats, ...] = ()
    began: Mapping[str, float] = {}
    taken: int = 0

    def problem(
        self,
        name: str,
        reason: str,
        look_at: str,
        *,
        severity: Severity = "warning",
        since: float | None = None,
        job: int | None = None,
    ) -> Problem:
        """Return a problem of this tube that began when it was first seen, or at `since`."""
        began = self.began.get(name, self.at if since is None else since)
        return Problem(
            name, severity, self.stats.name, reason, began, look_at, (), job, self.stats.name if job else None
        )

    def lasted(self, name: str) -> str:
        """Return for how long it has had a problem, such as `` for 5m00s``; empty for a short time."""
        seconds = self.at - self.began.get(name, self.at)
        return f" for {span(seconds)}" if seconds >= _SHORT else ""


Rule = Callable[[TubeFacts, Thresholds], Problem | None]


def _shown(tube: str) -> str:
    return f"beanops stats {quote(tube)}"


def _listed(tube: str, state: str) -> str:
    return f"beanops jobs {quote(tube)} --state {state}"


def no_workers(tube: TubeFacts, limits: Thresholds) -> Problem | None:
    """Report ready jobs that no worker watches; critical while more are put."""
    ready = tube.stats.current_jobs_ready
    if not ready or tube.stats.current_watching:
        return None
    before = tube.ago(limits.window)
    put, seconds = (0, 0.0) if before is None else (tube.stats.total_jobs - before.puts, tube.at - before.at)
    more = f", {put / seconds:,.1f} jobs put per second" if put > 0 and seconds > 0 else ""
    reason = f"{plural(ready, 'job')} ready and no worker watches it{tube.lasted('no-workers')}{more}"
    severity: Severity = "critical" if more else "warning"
    return tube.problem("no-workers", reason, _shown(tube.stats.name), severity=severity)


def not_consuming(tube: TubeFacts, limits: Thresholds) -> Problem | None:
    """Report ready jobs whose workers neither wait, hold nor delete one."""
    stats = tube.stats
    idle = not (stats.current_waiting or stats.current_jobs_reserved or stats.pause_time_left)
    if not (idle and stats.current_jobs_ready and stats.current_watching):
        return None
    if stats.cmd_delete is None or (tube.last is not None and stats.cmd_delete != tube.last.cmd_delete):
        return None
    watched = f"{plural(stats.current_watching, 'worker')} {'watches' if stats.current_watching == 1 else 'watch'} it"
    lasted = tube.lasted("not-consuming")
    reason = f"{plural(stats.current_jobs_ready, 'job')} ready, {watched} but took and deleted none{lasted}"
    if tube.taken:
        reason += f"; {plural(tube.taken, 'job')} of other tubes may keep them busy"
    severity: Severity = "warning" if tube.taken else "critical"
    return tube.problem("not-consuming", reason, _shown(stats.name), severity=severity)


def falling_behind(tube: TubeFacts, limits: Thresholds) -> Problem | None:
    """Report a tube with workers into which more jobs are put than deleted."""
    stats, before = tube.stats, tube.ago(limits.falling_behind)
    if before is None or before.at >= tube.at or not stats.current_watching or stats.pause_time_left:
        return None
    if stats.cmd_delete is None:
        return None
    more, put, deleted = (
        stats.current_jobs_ready - before.ready,
        stats.total_jobs - before.puts,
        stats.cmd_delete - before.deletes,
    )
    # Once it falls behind, half as much keeps it there: a slow tube does not come and go.
    least = limits.growth / 2 if "falling-behind" in tube.began else limits.growth
    if more < max(1, least) or put - deleted < max(least, put * _CHANCE):
        return None
    seconds = tube.at - before.at
    left = limits.ready_critical - stats.current_jobs_ready
    then = left * seconds / more
    until = f", {limits.ready_critical:,} in {span(then)}" if 0 < then < _SOON else ""
    reason = (
        f"{put / seconds:,.1f} jobs put and {deleted / seconds:,.1f} deleted per second over {span(seconds)}:"
        f" {plural(stats.current_jobs_ready, 'job')} ready, {more / seconds:,.1f} more per second{until}"
    )
    severity: Severity = "warning" if left > 0 else "critical"
    return tube.problem("falling-behind", reason, _shown(stats.name), severity=severity, since=before.at)


def burying(tube: TubeFacts, limits: Thresholds) -> Problem | None:
    """Report that more jobs are buried than a while ago."""
    buried, before = tube.stats.current_jobs_buried, tube.ago(limits.window)
    if before is None or buried - before.buried < limits.burying or buried <= before.buried:
        return None
    recent = f"{plural(buried - before.buried, 'job')} buried in the last {span(tube.at - before.at)}"
    severity: Severity = "critical" if buried >= limits.buried_critical else "warning"
    return tube.problem(
        "burying", f"{recent}, {buried:,} in all", _listed(tube.stats.name, "buried"), severity=severity
    )


def buried(tube: TubeFacts, limits: Thresholds) -> Problem | None:
    """Report buried jobs that nobody kicks or deletes."""
    number = tube.stats.current_jobs_buried
    if not number or number < limits.buried:
        return None
    before = tube.ago(limits.window)
    if before is not None and before.buried > number:
        return None  # somebody does
    oldest = max((job.age for job in tube.jobs if job.state == "buried"), default=None)
    put = "" if oldest is None else f", the next one put {span(oldest)} ago"
    lasted = tube.lasted("buried")
    reason = f"{plural(number, 'job')} buried{lasted and f', none kicked{lasted}'}{put}"
    severity: Severity = "critical" if number >= limits.buried_critical else "warning"
    return tube.problem("buried", reason, _listed(tube.stats.name, "buried"), severity=severity)


def poison(tube: TubeFacts, limits: Thresholds) -> Problem | None:
    """Report a job that times out or is released again and again."""
    for job in tube.jobs:
        if job.state != "buried" and (job.timeouts >= limits.timeouts or job.releases >= limits.releases):
            often = " and ".join(
                f"{word} {'once' if number == 1 else f'{number:,} times'}"
                for word, number in (("timed out", job.timeouts), ("was released", job.releases))
                if number
            )
            return tube.problem("poison", f"job {job.id} {often}", f"beanops job {job.id}", job=job.id)
    return None


def overdue(tube: TubeFacts, limits: Thresholds) -> Problem | None:
    """Report a job that is reserved for longer than its TTR."""
    late = [job for job in tube.jobs if job.state == "reserved" and -job.time_left >= max(1.0, limits.overdue)]
    if not late:
        return None
    job = min(late, key=lambda job: job.time_left)
    reason = f"job {job.id} is reserved {span(-job.time_left)} longer than its TTR of {span(job.ttr)}"
    return tube.problem("overdue", reason, f"beanops job {job.id}", since=tube.at + job.time_left, job=job.id)


def paused(tube: TubeFacts, limits: Thresholds) -> Problem | None:
    """Report ready jobs that a pause holds back."""
    stats = tube.stats
    if not stats.pause_time_left or not stats.current_jobs_ready or stats.current_jobs_ready < limits.paused:
        return None
    reason = f"{plural(stats.current_jobs_ready, 'job')} ready, held back for {span(stats.pause_time_left)} more"
    since = tube.at - max(0, stats.pause - stats.pause_time_left)
    return tube.problem("paused", reason, _shown(stats.name), since=since)


def oldest(tube: TubeFacts, limits: Thresholds) -> Problem | None:
    """Report a next job that was put long ago, where a worker may take it."""
    if tube.stats.pause_time_left or not tube.stats.current_watching:
        return None
    for job in tube.jobs:
        waited = job.age - job.delay
        if job.state == "ready" and waited >= limits.oldest:
            severity: Severity = "critical" if waited >= limits.oldest_critical else "warning"
            return tube.problem(
                "oldest",
                f"job {job.id} is the next one and was put {span(job.age)} ago",
                f"beanops job {job.id}",
                severity=severity,
                since=tube.at - (waited - limits.oldest),
                job=job.id,
            )
    return None


def delayed(tube: TubeFacts, limits: Thresholds) -> Problem | None:
    """Report very many delayed jobs."""
    number, before = tube.stats.current_jobs_delayed, tube.ago(limits.window)
    if not number or number < limits.delayed:
        return None
    more = 0 if before is None else number - before.delayed
    recent = f", {more:,} more than {span(tube.at - before.at)} ago" if before is not None and more > 0 else ""
    due = min((job.time_left for job in tube.jobs if job.state == "delayed"), default=None)
    first = "" if due is None else f", the next one due in {span(max(0, due))}"
    return tube.problem(
        "delayed", f"{plural(number, 'job')} delayed{recent}{first}", _listed(tube.stats.name, "delayed")
    )


RULES: tuple[Rule, ...] = (
    no_workers,
    not_consuming,
    falling_behind,
    burying,
    buried,
    poison,
    overdue,
    paused,
    oldest,
    delayed,
)

#: The thresholds that say how long the condition of a problem must hold.
LASTING: dict[str, Callable[[Thresholds], float]] = {
    "no-workers": lambda limits: limits.no_workers,
    "not-consuming": lambda limits: limits.not_consuming,
    # The window reaches that far back.
    "falling-behind": lambda limits: limits.falling_behind,
}


def at_rest(stats: TubeStats) -> bool:
    """Whether a tube has no job that could be a problem; most tubes of a large server are like that."""
    return not (
        stats.current_jobs_ready
        or stats.current_jobs_buried
        or stats.current_jobs_reserved
        or stats.current_jobs_delayed
    )


def tube_problems(tube: TubeFacts, limits: Thresholds) -> Iterator[Problem]:
    """Yield the problems of a tube whose conditions hold now, however short."""
    if at_rest(tube.stats):
        return
    for rule in RULES:
        problem = rule(tube, limits)
        if problem is not None:
            yield problem
