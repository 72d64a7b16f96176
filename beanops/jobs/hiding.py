"""Redact found jobs before people see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beanops.jobs.identity import digest_of
from beanops.jobs.read import FoundJob

if TYPE_CHECKING:
    from beanops.jobs.bodies import Reader


def hide(job: FoundJob, reader: Reader) -> FoundJob:
    """Return a job with its body redacted; the same job where nothing is redacted."""
    if job.body is None or not reader.patterns:
        return job
    shown = reader.shown(job.body)
    if shown == job.body:
        return job
    return job._replace(body=shown, original=(len(job.body), digest_of(job.body)))
