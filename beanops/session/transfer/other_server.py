"""The server at the other end of a migration: an executor for it, and whether it is another server at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from beanops.client.places import places
from beanops.journal.records import Refused
from beanops.protocol import commands
from beanops.protocol.errors import BeanopsError, NotFound, ReplyError, UsageError
from beanops.protocol.limits import DEFAULT_PRIORITY, DEFAULT_TTR, U32_MAX
from beanops.session.config import profile
from beanops.session.context import Context
from beanops.session.execution.executor import Executor
from beanops.session.job_verbs import delete
from beanops.session.lookups import Lookups
from beanops.session.options import Options
from beanops.session.tube_verbs import put


@contextmanager
def other_server(executor: Executor, address: str) -> Iterator[Executor]:
    """Open an executor for a server that a run has named, on the same journal; it is closed at the end."""
    own = executor.context
    known = profile(address)
    context = Context(
        known,
        actor=own.actor,
        timeouts=own.timeouts,
        query_timeout=own.query_timeout,
        clock=own.now,
        journal=own.journal(),
        keep_bodies=known.keep_bodies,
    )
    try:
        yield Executor(context, Lookups(context), executor.source)
    finally:
        context.close()


def check_destination(executor: Executor, there: Executor) -> None:
    """Refuse a destination that is the same server, or takes no jobs.

    Raises
    ------
    UsageError
        It is the same server.
    Refused
        It is read-only or draining.
    """
    here, other = executor.context, there.context
    if other.read_only:
        raise Refused(f"migrate was refused: the session on {other.address} is read-only")
    one, two = (frozenset().union(*map(places, context.reach.addresses)) for context in (here, other))
    if one & two or here.looking().peer & other.looking().peer:
        raise UsageError(f"{here.address} and {other.address} are the same server")
    server, destination = executor.lookups.server(), there.lookups.server()
    if server.id and server.id == destination.id:
        raise UsageError(f"{here.address} and {other.address} are the same server, by its id {server.id}")
    if destination.draining:
        raise Refused(f"migrate was refused: {other.address} is draining and takes no jobs")


def check_apart(executor: Executor, there: Executor) -> None:
    """Refuse a destination that shares its jobs with the source, such as another node of a cluster.

    It puts a delayed job for a moment, on record: what is put there must not be here.
    """
    here, other = executor.context.address, there.context.address
    body, tube = secrets.token_hex(16).encode(), f"beanops-probe-{secrets.token_hex(8)}"
    why = f"a move from {here} has to know whether this is another server"
    times = {"delay": U32_MAX, "ttr": DEFAULT_TTR}
    probe = put(there, body, tube, priority=DEFAULT_PRIORITY, **times, reason=why)
    if not probe.complete:
        raise BeanopsError(f"{other} takes no jobs; {probe.summary}")
    (found,) = executor.context.looking().pipeline([commands.peek(probe.ids[0])])
    delete(there, probe.refs, Options(reason=why))
    if isinstance(found, NotFound):
        return
    if isinstance(found, ReplyError):
        raise BeanopsError(f"{here} cannot be asked for a job: {found}")
    if found.body == body:
        raise UsageError(f"{here} and {other} are the same server: they have the same jobs")
