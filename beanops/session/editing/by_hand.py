"""Edits of one job by hand: the job as it is, for an editor, and the edit once somebody has changed its body."""

from __future__ import annotations

from typing import Any

from beanops.jobs.bodies.edits import EditRefused
from beanops.jobs.found import look_at
from beanops.jobs.identity import JobRef, ref_of
from beanops.jobs.read import FoundJob
from beanops.journal.records import Refused
from beanops.protocol.errors import BeanopsError
from beanops.session import job_verbs
from beanops.session.execution.executor import Executor
from beanops.session.execution.run import Run
from beanops.session.execution.targets import elsewhere
from beanops.session.execution.verbs import EDIT
from beanops.session.options import Options


class NotEditable(BeanopsError):
    """A job that is to be edited by hand does not exist, is reserved, or is another one."""


def job_to_edit(executor: Executor, ref: JobRef) -> FoundJob:
    """Return a job with its whole body.

    Raises
    ------
    Refused
        The session is read-only.
    NotEditable
        It cannot be edited, and why.
    """
    context = executor.context
    if context.read_only:
        raise Refused(f"edit was refused: this session on {context.address} is read-only")
    (reason,) = executor.lookups.reused([ref])
    (job,) = look_at(context.looking(), [ref.id], bodies=True)
    if job is None:
        raise NotEditable(f"job {ref.id} does not exist")
    why = reason or elsewhere(ref, job) or EDIT.refuses(job.stats.state, ref.id in context.held)
    if why is not None or job.body is None:
        raise NotEditable(f"job {ref.id}: {why or 'its body is not known'}")
    return job


def put_edited(executor: Executor, job: FoundJob, new: bytes, *, options: Options, **settings: Any) -> Run:
    """Put a job with a new body in its place, unless it has changed since it was seen.

    Parameters
    ----------
    executor : Executor
        Where the job is.
    job : FoundJob
        The job as `job_to_edit` returned it.
    new : bytes
        Its new body.
    options : Options
        As for any verb.
    settings
        ``priority``, ``ttr``, ``delay``, ``to``, ``kick`` and ``schema``, as for `Session.edit`.
    """

    def as_edited(body: bytes) -> bytes:
        if body != job.body:
            raise EditRefused("its body is not the one that was edited")
        return new

    unset: dict[str, Any] = dict.fromkeys(("priority", "ttr", "delay", "to", "schema"))
    options = Options(**options | {"state": job.stats.state})
    return job_verbs.edit(
        executor, [ref_of(job)], None, unset=(), **unset | {"kick": False} | settings,
        options=options, by_hand=as_edited,
    )  # fmt: skip
