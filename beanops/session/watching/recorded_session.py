"""A session without a server, for what is shown of a recording: it has the profile, and refuses everything else."""

from __future__ import annotations

from datetime import UTC, datetime

from beanops.client.sync import Client
from beanops.jobs.sql.early_end import TIMEOUT
from beanops.journal.prune import this_actor
from beanops.journal.records import Refused
from beanops.session.config import Profile, profile
from beanops.session.context import Context
from beanops.session.protection import Protection
from beanops.session.session import Session


class RecordedContext(Context):
    """The context of a server that is not there."""

    def looking(self) -> Client:
        """Raise `Refused`: there is no server to ask."""
        raise Refused("this is a recording: it has no jobs")

    def acting(self) -> Client:
        """Raise `Refused`: there is no server to act on."""
        raise Refused("this is a recording: nothing can be changed")

    def _protect(self, known: Profile) -> Protection:
        return Protection(known, (), None)


def recorded_session(address: str, source: str) -> Session:
    """Return a read-only session of a recorded server, without a connection."""
    known = profile(address)._replace(read_only=True)
    context = RecordedContext(
        known,
        actor=this_actor(),
        timeouts=(1.0, 1.0),
        query_timeout=TIMEOUT,
        clock=lambda: datetime.now(UTC),
        journal=None,
        keep_bodies=known.keep_bodies,
    )
    return Session(context, source)
