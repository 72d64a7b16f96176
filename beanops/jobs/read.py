"""Read jobs whose place is known: by their ids, and at the heads of a tube."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from beanops.client.sync import Client
from beanops.html import card
from beanops.protocol import Command, Job, JobStats, commands
from beanops.protocol.errors import NotFound, ReplyError

#: The states that have a head which the server shows; reserved jobs have none.
HEAD_STATES = ("ready", "delayed", "buried")


class FoundJob(NamedTuple):
    """A job that exists, with what the server says of it.

    Attributes
    ----------
    stats : JobStats
        Its tube, state, priority and counts.
    body : bytes or None
        Its body; None when it was not asked for.
    """

    stats: JobStats
    body: bytes | None

    @property
    def id(self) -> int:
        """The job's number."""
        return self.stats.id

    def __repr__(self) -> str:
        size = "" if self.body is None else f", {len(self.body):,} bytes"
        return f"<FoundJob {self.id}, {self.stats.state} in {self.stats.tube}{size}>"

    def _repr_html_(self) -> str:
        from beanops.jobs.bodies import decode, redact

        names = ("tube", "state", "priority", "age", "reserves", "timeouts", "buries", "kicks")
        facts = {name: getattr(self.stats, name) for name in names}
        return card(f"Job {self.id}", {**facts, "body": self.body and redact(decode(self.body).summary)})


def read_stats(client: Client, ids: Iterable[int]) -> Iterator[JobStats | None]:
    """Yield the statistics of each job in turn, None for one that does not exist."""
    for result in client.pipeline(map(commands.stats_job, ids)):
        yield _found(result)


def read_jobs(client: Client, ids: Iterable[int]) -> Iterator[FoundJob | None]:
    """Yield each job in turn with its body, None for one that does not exist."""

    def both() -> Iterator[Command[Any]]:
        for id in ids:
            yield commands.stats_job(id)
            yield commands.peek(id)

    results = client.pipeline(both())
    for stats, job in zip(results, results, strict=True):
        found: JobStats | None = _found(stats)
        peeked: Job | None = _found(job)
        yield FoundJob(found, peeked.body) if found is not None and peeked is not None else None


def read_heads(client: Client, tube: str) -> dict[str, FoundJob | None]:
    """Return the job that is next in each state of a tube.

    The tube must exist: the ``use`` that a look at the heads takes would create it.

    Parameters
    ----------
    client : Client
        Uses `tube` for the look and ``default`` again after it.
    tube : str
        Its name.

    Returns
    -------
    dict
        Keys ``"ready"``, ``"delayed"`` and ``"buried"``; None where no job is in that state.

    Raises
    ------
    NotFound
        There is no such tube.
    """
    client.stats_tube(tube)
    look = [
        commands.use(tube),
        commands.peek_ready(),
        commands.peek_delayed(),
        commands.peek_buried(),
        commands.use("default"),
    ]
    using, *heads, _ = client.pipeline(look)
    if isinstance(using, ReplyError):
        raise using
    jobs: list[Job | None] = [_found(head) for head in heads]
    stats = read_stats(client, [job.id for job in jobs if job is not None])
    found: dict[str, FoundJob | None] = {}
    for state, job in zip(HEAD_STATES, jobs, strict=True):
        about = next(stats) if job is not None else None
        # Between the two looks a worker may have taken or finished it: then it heads this state no more.
        here = job is not None and about is not None and about.state == state
        found[state] = FoundJob(about, job.body) if here and job and about else None
    return found


def _found(result: Any) -> Any:
    """Return a result, None for `NotFound`; raise any other error."""
    if isinstance(result, NotFound):
        return None
    if isinstance(result, ReplyError):
        raise result
    return result
