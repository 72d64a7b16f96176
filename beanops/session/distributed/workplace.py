"""`Workplace`: what a task needs to open a session of its own, as values that can be pickled."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from beanops.journal.heartbeat import boot_id
from beanops.journal.records import JournalError, Refused
from beanops.journal.storage.url import without_passwords
from beanops.session.config import Profile
from beanops.session.context import Context

if TYPE_CHECKING:
    from beanops.journal.journal import Journal


class JournalPlace:
    """Where the journal of a run is, and the machine that wrote the run to it.

    The URL of a database may have a password, which is pickled with it and shown nowhere.

    Parameters
    ----------
    journal : Journal
        The journal of the process that submits tasks.

    Raises
    ------
    Refused
        It is in memory, where no other process sees it.
    """

    def __init__(self, journal: Journal) -> None:
        if not journal.url:
            raise Refused("an executor needs a journal in a file or a database server: this one is in memory")
        self.url = journal.url if "://" in journal.url else str(Path(journal.url).absolute())
        self.machine = _machine()

    def __repr__(self) -> str:
        return f"<JournalPlace {without_passwords(self.url)}>"

    def open(self, run: str) -> Journal:
        """Open it for a task, and refuse a journal that does not have the run.

        Raises
        ------
        Refused
            It is a file on another machine, or the run is not in it.
        """
        from beanops.journal.journal import Journal

        shown, here = without_passwords(self.url), socket.gethostname()
        if "://" not in self.url:
            if _machine() != self.machine:
                raise Refused(f"the journal {shown} is a file of another machine than {here}: use PostgreSQL")
            if not Path(self.url).is_file():
                raise Refused(f"the journal {shown} does not exist on {here}")
        journal = Journal(self.url)
        try:
            journal.run(run)
        except JournalError as error:
            journal.close()
            raise Refused(f"the worker on {here} does not see the run: {error}") from None
        return journal


def _machine() -> str:
    return boot_id() or socket.gethostname()


class Workplace(NamedTuple):
    """What a task needs to open a session on the server of another session, under the same rules.

    Attributes
    ----------
    profile : Profile
        The server, and the rules that protect it.
    actor, source : str
        For the journal.
    timeouts : (float, float)
        Seconds to connect, and to wait for an answer.
    query_timeout : float or None
        Maximum seconds of a predicate on one batch of jobs.
    """

    profile: Profile
    actor: str
    source: str
    timeouts: tuple[float, float]
    query_timeout: float | None

    @classmethod
    def of(cls, context: Context, source: str) -> Workplace:
        """Return that of a session's context."""
        profile = context.protection.settled._replace(keep_bodies=context.keep_bodies)
        return cls(profile, context.actor, source, context.timeouts, context.query_timeout)

    @contextmanager
    def context(self, journal: Journal | None = None) -> Iterator[Context]:
        """Open connections for the time of a ``with`` block."""
        context = Context(
            self.profile,
            actor=self.actor,
            timeouts=self.timeouts,
            query_timeout=self.query_timeout,
            clock=lambda: datetime.now(UTC),
            journal=journal,
            keep_bodies=self.profile.keep_bodies,
        )
        with closing(context):
            yield context
