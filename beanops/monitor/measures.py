"""What a check measures of a server or of a tube, from surveys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from beanops.monitor.checks import CRITICAL, WARNING, Bounds, Finding, Value
from beanops.monitor.rates import Rates
from beanops.monitor.survey import Seen, Survey
from beanops.protocol import ServerStats, TubeStats


class Measure(NamedTuple):
    """One value that a check can limit.

    Attributes
    ----------
    help : str
        What it is.
    get : callable
        Returns it of the statistics of a server or a tube, of its rates, and of the age of its next ready job.
    unit : str
        As in `Value`.
    always : bool
        Whether it is measured also where it has no limits.
    """

    help: str
    get: Callable[[ServerStats | TubeStats, Rates, float | None], float | None]
    unit: str = ""
    always: bool = False


def _count(state: str) -> Callable[[ServerStats | TubeStats, Rates, float | None], float | None]:
    return lambda stats, rates, age: getattr(stats, f"current_jobs_{state}")


def _workers(stats: ServerStats | TubeStats, rates: Rates, age: float | None) -> float:
    return stats.current_workers if isinstance(stats, ServerStats) else stats.current_watching


def _age(stats: ServerStats | TubeStats, rates: Rates, age: float | None) -> float | None:
    return age if stats.current_jobs_ready else 0


#: All measures by name, in the order of performance data.
MEASURES: Mapping[str, Measure] = {
    "ready": Measure("ready jobs", _count("ready"), always=True),
    "reserved": Measure("reserved jobs", _count("reserved"), always=True),
    "delayed": Measure("delayed jobs", _count("delayed"), always=True),
    "buried": Measure("buried jobs", _count("buried"), always=True),
    "urgent": Measure("ready jobs with a priority below 1024", _count("urgent")),
    "workers": Measure("connections that watch the tube, or workers of the server", _workers, always=True),
    "waiting": Measure("workers that wait for a job", lambda stats, rates, age: stats.current_waiting),
    "age": Measure("age of the next ready job, 0 without one", _age, "s"),
    "rate": Measure("jobs deleted per second", lambda stats, rates, age: rates.deletes),
    "puts": Measure("jobs put per second", lambda stats, rates, age: rates.puts),
}
#: Measures that need two looks.
FLOWS = ("rate", "puts")


def measured(
    limits: Mapping[str, Bounds], stats: ServerStats | TubeStats, rates: Rates, age: float | None, tube: str = ""
) -> list[Value]:
    """Return the values of a server or a tube: those that always count, and those with limits."""
    return [
        Value(name, measure.get(stats, rates, age), tube, limits.get(name, Bounds()), measure.unit)
        for name, measure in MEASURES.items()
        if measure.always or name in limits
    ]


def of_server(limits: Mapping[str, Bounds], survey: Survey) -> list[Value]:
    """Return the values of the whole server; its age is that of the oldest next job of its tubes."""
    ages = [seen.age for seen in survey.tubes.values() if seen.stats.current_jobs_ready]
    known = [age for age in ages if age is not None]
    oldest = max(known, default=None)
    if len(known) < len(ages) and not (oldest and limits.get("age", Bounds()).state(oldest)):
        oldest = None  # one that is not known may be older
    return measured(limits, survey.server, survey.rates, oldest)


def of_tubes(limits: Mapping[str, Bounds], tubes: Iterable[Seen]) -> list[Value]:
    """Return the values of each tube."""
    return [value for seen in tubes for value in measured(limits, seen.stats, seen.rates, seen.age, seen.name)]


def no_tube(name: str) -> Seen:
    """Return what is known of a tube that does not exist: a tube without jobs and connections vanishes."""
    numbers = {field: 0 for field in TubeStats._fields if field not in ("name", "extra")}
    return Seen(TubeStats(name=name, extra={}, **numbers), 0.0, Rates(0.0, 0.0))


def findings_of(survey: Survey, tubes: Sequence[str] | None) -> list[Finding]:
    """Return the problems of a survey as findings; those of some tubes alone where their names are given."""
    problems = survey.problems if tubes is None else [one for tube in tubes for one in survey.tubes[tube].problems]
    return [
        Finding(CRITICAL if one.severity == "critical" else WARNING, f"{one.place}: {one.title}: {one.reason}")
        for one in problems
    ]
