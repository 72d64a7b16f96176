"""Which metrics there are: their names, what they mean, and where their values come from. Nothing here polls.

``beanstalkd_*`` are the server's own statistics, under the names that servers with a metrics endpoint of their own use;
``beanops_*`` is what beanops knows besides. A new metric is one row of a table below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

import beanops
from beanops.exporter.exposition import Family, Labels, SampleGroup
from beanops.monitor.problems.problem import SEVERITIES
from beanops.monitor.survey import Seen, Survey
from beanops.monitor.times.durations import Percentiles
from beanops.monitor.times.job_times import JobTimes
from beanops.protocol import ServerStats
from beanops.protocol.states import STATES

#: The states of `beanstalkd_current_jobs`.
_STATES = ("urgent", *STATES)


class Reading(NamedTuple):
    """What is known of one server when its metrics are asked for.

    Attributes
    ----------
    labels : tuple of (str, str)
        Labels of all its metrics: none, or the server's name where several are exported.
    up : bool
        Whether it answers.
    survey : Survey or None
        The last look that it answered, None before the first.
    tubes : Mapping of str to Seen
        The exported tubes.
    left_out : bool
        Whether there are more tubes than are exported at most.
    now : float
        Seconds of the surveyor's clock.
    took : float
        Seconds that the last look took.
    looks, failures : int
        Looks so far that the server answered, and those that it did not.
    """

    labels: Labels
    up: bool
    survey: Survey | None
    tubes: Mapping[str, Seen]
    left_out: bool
    now: float
    took: float
    looks: int
    failures: int


class _Server(NamedTuple):
    """A metric with one value per server."""

    name: str
    help: str
    value: Callable[[ServerStats], float | None]


class _Tube(NamedTuple):
    """A metric with one value per tube."""

    name: str
    help: str
    value: Callable[[Seen, float], float | None]


_SERVER = (
    _Server("beanstalkd_jobs_total", "Jobs put since the server started.", lambda s: s.total_jobs),
    _Server("beanstalkd_job_timeouts_total", "Reservations that ran past their TTR.", lambda s: s.job_timeouts),
    _Server("beanstalkd_connections_total", "Connections since the server started.", lambda s: s.total_connections),
    _Server("beanstalkd_current_connections", "Open connections.", lambda s: s.current_connections),
    _Server("beanstalkd_current_producers", "Open connections that have put a job.", lambda s: s.current_producers),
    _Server("beanstalkd_current_workers", "Open connections that have reserved.", lambda s: s.current_workers),
    _Server("beanstalkd_current_waiting", "Connections that wait in a reserve.", lambda s: s.current_waiting),
    _Server("beanstalkd_current_tubes", "Tubes of the server, exported or not.", lambda s: s.current_tubes),
    _Server("beanstalkd_max_job_size_bytes", "Maximum size of a body.", lambda s: s.max_job_size),
    _Server("beanstalkd_uptime_seconds", "Seconds since the server started.", lambda s: s.uptime),
    _Server(
        "beanstalkd_draining",
        "1 if the server refuses puts, else 0; absent before beanstalkd 1.12.",
        lambda s: None if s.draining is None else int(s.draining),
    ),
    _Server("beanstalkd_binlog_oldest_index", "Oldest binlog file in use, 0 without.", lambda s: s.binlog_oldest_index),
    _Server("beanstalkd_binlog_current_index", "Binlog file being written.", lambda s: s.binlog_current_index),
    _Server("beanstalkd_binlog_max_size_bytes", "Maximum size of a binlog file.", lambda s: s.binlog_max_size),
    _Server("beanstalkd_binlog_records_written_total", "Binlog records written.", lambda s: s.binlog_records_written),
    _Server(
        "beanstalkd_binlog_records_migrated_total",
        "Binlog records rewritten by compaction.",
        lambda s: s.binlog_records_migrated,
    ),
)
_COMMANDS = tuple(field for field in ServerStats._fields if field.startswith("cmd_"))
_TUBES = (
    _Tube("beanstalkd_tube_jobs_total", "Jobs put into the tube since it exists.", lambda t, _: t.stats.total_jobs),
    _Tube("beanstalkd_tube_current_using", "Connections that use the tube.", lambda t, _: t.stats.current_using),
    _Tube(
        "beanstalkd_tube_current_watching",
        "Connections that watch the tube, at most the workers of the server.",
        lambda t, _: t.stats.current_watching,
    ),
    _Tube(
        "beanstalkd_tube_current_waiting",
        "Connections that wait in a reserve for the tube.",
        lambda t, _: t.stats.current_waiting,
    ),
    _Tube("beanstalkd_tube_pause_seconds", "Length of the pause, 0 without.", lambda t, _: t.stats.pause),
    _Tube(
        "beanstalkd_tube_pause_time_left_seconds",
        "Seconds until the pause ends.",
        lambda t, _: t.stats.pause_time_left,
    ),
    _Tube(
        "beanops_tube_row_age_seconds",
        "Seconds since the tube's statistics were read.",
        lambda t, now: round(max(0.0, now - t.at), 3),
    ),
    _Tube(
        "beanops_tube_next_job_age_seconds",
        "Seconds since the next ready job of the tube was put, where it is known.",
        lambda t, _: t.age,
    ),
    _Tube(
        "beanops_tube_buried_job_age_seconds",
        "Seconds since the first buried job of the tube was put, where it is known.",
        lambda t, _: t.buried_age,
    ),
    _Tube(
        "beanops_tube_overdue_jobs",
        "Known jobs of the tube that are reserved for longer than their TTR.",
        lambda t, _: t.overdue,
    ),
    _Tube(
        "beanops_tube_drain_seconds",
        "Estimated seconds until no job is ready, while ready jobs decrease.",
        lambda t, _: None if t.drain is None else round(t.drain, 1),
    ),
)
#: The estimates of how long jobs wait and run, by the label ``quantile``.
_QUANTILES: dict[str, Callable[[Percentiles], float | None]] = {
    "0.5": attrgetter("p50"),
    "0.95": attrgetter("p95"),
    "0.99": attrgetter("p99"),
}
_TIMES: dict[str, tuple[str, Callable[[JobTimes], Percentiles]]] = {
    "wait": ("from ready to reserved", attrgetter("wait")),
    "run": ("from reserved to deleted", attrgetter("run")),
}


def families(readings: Sequence[Reading]) -> Iterator[Family]:
    """Yield all metrics of some servers. Those of a server that does not answer are absent, but for `beanstalkd_up`."""
    answering = [(one, one.survey) for one in readings if one.up and one.survey is not None]
    yield _per_server("beanstalkd_up", "1 if the server answers, else 0.", readings, lambda one: int(one.up))
    yield Family(
        "beanstalkd_current_jobs",
        "Jobs by state; urgent jobs (priority below 1024) are counted as ready too.",
        _by("state", _STATES, answering, lambda stats, state: getattr(stats, f"current_jobs_{state}")),
    )
    commands = {field.removeprefix("cmd_").replace("_", "-"): field for field in _COMMANDS}
    yield Family(
        "beanstalkd_commands_total",
        "Commands since the server started, those of beanops included.",
        _by("cmd", commands, answering, lambda stats, command: getattr(stats, commands[command])),
    )
    for server in _SERVER:
        yield Family(
            server.name,
            server.help,
            [SampleGroup(one.labels, [server.value(survey.server)]) for one, survey in answering],
        )
    yield Family(
        "beanstalkd_cpu_seconds_total",
        "Processor time of the server.",
        _by("mode", ("user", "system"), answering, lambda stats, mode: getattr(stats, f"rusage_{mode[0]}time")),
    )
    yield Family(
        "beanstalkd_build_info",
        "Always 1; the server's version is a label.",
        [SampleGroup((*one.labels, ("version", survey.server.version)), [1]) for one, survey in answering],
    )
    yield from _of_tubes([one for one, _ in answering])
    yield from _of_times(answering)
    yield from _of_problems(answering)
    yield from _of_looks(readings)
    yield Family(
        "beanops_build_info",
        "Always 1; the version of beanops is a label.",
        [SampleGroup((("version", beanops.__version__),), [1])],
    )


def _of_tubes(answering: Sequence[Reading]) -> Iterator[Family]:
    named = [(one, [*one.tubes], [seen.stats for seen in one.tubes.values()]) for one in answering]

    def counts(label: str, fields: dict[str, str]) -> Iterator[SampleGroup]:
        for one, names, stats in named:
            for value, field in fields.items():
                yield SampleGroup((*one.labels, (label, value)), [*map(attrgetter(field), stats)], names)

    states = {state: f"current_jobs_{state}" for state in _STATES}
    yield Family(
        "beanstalkd_tube_current_jobs", "Jobs of the tube by state; urgent jobs are ready too.", counts("state", states)
    )
    yield Family(
        "beanstalkd_tube_commands_total",
        "Commands on the tube since it exists.",
        counts("cmd", {"delete": "cmd_delete", "pause-tube": "cmd_pause_tube"}),
    )
    for metric in _TUBES:
        yield Family(
            metric.name,
            metric.help,
            [
                SampleGroup(one.labels, [metric.value(seen, one.now) for seen in one.tubes.values()], names)
                for one, names, _ in named
            ],
        )
    yield _per_server(
        "beanstalkd_tube_series_truncated",
        "1 if there are more tubes than the exporter may export, else 0.",
        answering,
        lambda one: int(one.left_out),
    )


def _of_times(answering: Sequence[tuple[Reading, Survey]]) -> Iterator[Family]:
    timed = [(one, {name: seen.times for name, seen in one.tubes.items() if seen.times.jobs}) for one, _ in answering]
    for name, (span, kind) in _TIMES.items():
        yield Family(
            f"beanops_job_{name}_seconds",
            f"Estimated seconds {span} of the jobs of all tubes.",
            [
                SampleGroup((*one.labels, ("quantile", quantile)), [_rounded(value(kind(survey.times)))])
                for one, survey in answering
                for quantile, value in _QUANTILES.items()
            ],
        )
        yield Family(
            f"beanops_tube_job_{name}_seconds",
            f"Estimated seconds {span} of the jobs of the tube.",
            [
                SampleGroup(
                    (*one.labels, ("quantile", quantile)),
                    [_rounded(value(kind(times))) for times in tubes.values()],
                    [*tubes],
                )
                for one, tubes in timed
                for quantile, value in _QUANTILES.items()
            ],
        )
    yield Family(
        "beanops_tube_timed_jobs",
        "Jobs of the tube that the estimates are made from.",
        [SampleGroup(one.labels, [times.jobs for times in tubes.values()], [*tubes]) for one, tubes in timed],
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _of_problems(answering: Sequence[tuple[Reading, Survey]]) -> Iterator[Family]:
    exported = [
        (one, [problem for problem in survey.problems if _is_exported(problem.tube, problem.tubes, one)])
        for one, survey in answering
    ]
    yield Family(
        "beanops_problems",
        "Problems by severity.",
        [
            SampleGroup((*one.labels, ("severity", severity)), [sum(found.severity == severity for found in problems)])
            for one, problems in exported
            for severity in SEVERITIES
        ],
    )
    ages: dict[Labels, float] = {}
    for one, problems in exported:
        for found in problems:
            labels = (*one.labels, ("problem", found.name), ("severity", found.severity), ("tube", found.tube or ""))
            ages[labels] = max(ages.get(labels, 0.0), round(one.now - found.since, 3))
    yield Family(
        "beanops_problem_seconds",
        "Seconds since a problem began; absent without the problem. `tube` is empty for one of the server.",
        [SampleGroup(labels, [age]) for labels, age in ages.items()],
    )


def _is_exported(tube: str | None, tubes: Sequence[str], reading: Reading) -> bool:
    """Whether a problem is about the server, or about a tube that is exported."""
    names = tubes if tube is None else (tube,)
    return not names or any(name in reading.tubes for name in names)


def _of_looks(readings: Sequence[Reading]) -> Iterator[Family]:
    yield Family(
        "beanops_looks_total",
        "Looks at the server by result.",
        [
            SampleGroup((*one.labels, ("result", result)), [number])
            for one in readings
            for result, number in (("answered", one.looks), ("failed", one.failures))
        ],
    )
    yield _per_server(
        "beanops_look_seconds", "Seconds that the last look took.", readings, lambda one: round(one.took, 6)
    )
    yield _per_server(
        "beanops_survey_age_seconds",
        "Seconds since the last look that the server answered.",
        readings,
        lambda one: None if one.survey is None else round(max(0.0, one.now - one.survey.at), 3),
    )


def _per_server(name: str, help: str, readings: Iterable[Reading], value: Callable[[Reading], float | None]) -> Family:
    return Family(name, help, [SampleGroup(one.labels, [value(one)]) for one in readings])


def _by(
    label: str,
    values: Iterable[str],
    answering: Sequence[tuple[Reading, Survey]],
    count: Callable[[ServerStats, str], float],
) -> Iterator[SampleGroup]:
    for one, survey in answering:
        for value in values:
            yield SampleGroup((*one.labels, (label, value)), [count(survey.server, value)])
