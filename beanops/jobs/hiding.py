"""What leaves for the eyes of people: found jobs of whose bodies only what may be shown is left."""

from __future__ import annotations

from beanops.jobs.bodies import Reader
from beanops.jobs.identity import digest_of
from beanops.jobs.read import FoundJob
from beanops.protocol import Job


class ShownJob(Job):
    """A job of whose body only what may be shown is left."""

    __slots__ = ()


def hide_body(job: Job, reader: Reader) -> Job:
    """Return a job with what may be shown of its body; the same one where all of it may."""
    shown = reader.shown(job.body)
    return job if shown == job.body else ShownJob(job.id, shown)


def hide(job: FoundJob, reader: Reader) -> FoundJob:
    """Return a job with what may be shown of its body; the same one where all of it may."""
    if job.body is None or not reader.patterns:
        return job
    shown = reader.shown(job.body)
    if shown == job.body:
        return job
    return job._replace(body=shown, original=(len(job.body), digest_of(job.body)))
