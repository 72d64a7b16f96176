"""Looks at single jobs, while workers go on between the commands that a look takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from beanops import Client
from beanops.embedded.process import Beanstalkd
from beanops.jobs.read import at_once, read_heads, read_jobs
from tests.session.conftest import fill


class Counting(Client):
    """A client that counts its pipelines."""

    pipelines = 0

    def pipeline(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        self.pipelines += 1
        return super().pipeline(*arguments, **options)


class Interrupted(Counting):
    """A client between whose first and second pipeline somebody else acts."""

    between: Callable[[], Any] | None = None

    def pipeline(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        if self.between is not None and self.pipelines == 1:
            self.between()
        return super().pipeline(*arguments, **options)


def _act(client: Client, id: int, verbs: Iterable[str]) -> None:
    for verb in verbs:
        getattr(client, verb)(id)


@pytest.mark.parametrize(
    ("state", "verbs"),
    [
        ("ready", ["reserve_job"]),
        ("ready", ["reserve_job", "bury"]),
        ("ready", ["delete"]),
        ("delayed", ["kick_job"]),
        ("delayed", ["reserve_job"]),
        ("buried", ["kick_job"]),
        ("buried", ["reserve_job"]),
    ],
)
def test_a_job_that_has_left_its_state_is_not_the_next_one(
    beanstalkd: Beanstalkd, client: Client, state: str, verbs: list[str]
) -> None:
    (id,) = fill(client, "mail", state)
    client.watch("mail")  # or the tube would vanish with its only job
    with Interrupted(beanstalkd.address) as looking:
        looking.between = lambda: _act(client, id, verbs)
        assert read_heads(looking, "mail") == dict.fromkeys(("ready", "delayed", "buried"))
        assert looking.pipelines == 2
        found = read_heads(looking, "mail")
    now = None if verbs == ["delete"] else client.stats_job(id).state
    assert [state for state, job in found.items() if job is not None] == ([now] if now in found else [])


def test_a_new_connection_reads_many_jobs_at_once(beanstalkd: Beanstalkd, client: Client) -> None:
    ids = fill(client, "mail", "ready", 50)
    with Counting(beanstalkd.address) as looking:
        found = list(read_jobs(looking, [*ids, ids[-1] + 1]))
        assert looking.pipelines <= 2
    assert [job and job.id for job in found] == [*ids, None]
    assert all(job.body for job in found[:-1] if job)


@pytest.mark.parametrize(("size", "jobs"), [(2**16, 1024), (2**25, 2), (2**26, 1), (2**30, 1)])
def test_fewer_jobs_are_read_at_once_where_they_may_be_large(size: int, jobs: int) -> None:
    assert at_once(size) == jobs
