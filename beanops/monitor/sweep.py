"""The statistics of many tubes, and of some jobs, in one pipeline."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from beanops.client.sync import Client
from beanops.monitor.times.durations import Interval
from beanops.protocol import JobStats, ServerStats, TubeStats, commands
from beanops.protocol.errors import NotFound, ReplyError
from beanops.protocol.states import STATES

#: The counts of a tube, by the names that frames and rules of alerts have for them, with their statistics.
TUBE_COUNTS = {
    **{state: f"current_jobs_{state}" for state in STATES},
    "urgent": "current_jobs_urgent",
    "watching": "current_watching",
    "waiting": "current_waiting",
    "using": "current_using",
    "jobs": "total_jobs",
    "deletes": "cmd_delete",
}


class Swept(NamedTuple):
    """The statistics of jobs and tubes that exist.

    Attributes
    ----------
    jobs : dict of int to JobStats
        By id.
    tubes : list of TubeStats
        In the order in which they were asked for.
    during : Interval
        When the jobs were asked for, and when all of their answers had come.
    server : ServerStats or None
        Statistics of the server that are newer than those of the jobs, if they were wanted.
    """

    jobs: dict[int, JobStats]
    tubes: list[TubeStats]
    during: Interval
    server: ServerStats | None


def sweep(client: Client, wanted: Callable[[str], bool] = lambda name: True) -> list[TubeStats]:
    """Return the statistics of all wanted tubes, without those that cease to exist while it asks."""
    return list(tube_stats(client, filter(wanted, client.list_tubes())))


def tube_stats(client: Client, names: Iterable[str]) -> Iterator[TubeStats]:
    """Yield the statistics of tubes by name, without those that do not exist."""
    return _existing(client.pipeline(map(commands.stats_tube, names)))


def jobs_and_tubes(
    client: Client, ids: Collection[int], names: Iterable[str], clock: Callable[[], float], *, server: bool
) -> Swept:
    """Return the statistics of jobs by id and of tubes by name, and those of the server between them if wanted."""
    between = [commands.stats()] if server else []
    asked: Iterable[Any] = chain(map(commands.stats_job, ids), between, map(commands.stats_tube, names))
    began = clock()
    answers: Iterator[Any] = client.pipeline(asked)
    jobs = {job.id: job for job in _existing(islice(answers, len(ids)))}
    during = Interval(began, clock())
    newer = [*_existing(islice(answers, len(between)))]
    return Swept(jobs, [*_existing(answers)], during, newer[0] if newer else None)


def server_and_names(client: Client) -> tuple[ServerStats, list[str]]:
    """Return the statistics of the server and the names of its tubes, in one round trip."""
    answers: list[Any] = list(client.pipeline([commands.stats(), commands.list_tubes()]))
    for answer in answers:
        if isinstance(answer, ReplyError):
            raise answer
    server, names = answers
    client.max_job_size = server.max_job_size
    return server, names


def _existing(answers: Iterable[Any]) -> Iterator[Any]:
    for result in answers:
        if not isinstance(result, ReplyError):
            yield result
        elif not isinstance(result, NotFound):
            raise result
