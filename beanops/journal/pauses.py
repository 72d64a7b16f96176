"""Which runs need a tube to stay paused. The last run that needs a pause ends it.

The need of a run that died expires together with the pause itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from beanops.client.instances import spellings
from beanops.journal.records import Need
from beanops.journal.storage.tables import PAUSES, microseconds, moment


def _own(need: Need) -> tuple[sa.ColumnElement[bool], ...]:
    return PAUSES.c.run == need.run, PAUSES.c.tube == need.tube


def _others(need: Need) -> tuple[sa.ColumnElement[bool], ...]:
    return PAUSES.c.instance.in_(spellings(need.instance)), PAUSES.c.tube == need.tube, PAUSES.c.run != need.run


class Pauses:
    """The recorded needs.

    Parameters
    ----------
    alone : callable
        Returns a transaction beside which nobody else writes.
    """

    def __init__(self, alone: Callable[[], AbstractContextManager[sa.Connection]]) -> None:
        self._alone = alone

    def need(self, need: Need, now: datetime, until: datetime) -> None:
        """Record a need until a time, with what other runs know about the pause before theirs."""
        with self._alone() as connection:
            over = PAUSES.c.needed_until <= microseconds(now)
            connection.execute(PAUSES.delete().where(*_others(need), over))
            own = sa.and_(*_own(need), PAUSES.c.instance.in_(spellings(need.instance)))
            known = connection.execute(sa.select(PAUSES).where(sa.or_(own, sa.and_(*_others(need))))).all()
            row: dict[str, Any] = {
                **need._asdict(),
                "needed_until": microseconds(until),
                "ours": any(one.ours for one in known),
                "before_until": max((one.before_until for one in known), default=0),
                "lifting": False,
            }
            connection.execute(PAUSES.delete().where(*_own(need)))
            connection.execute(PAUSES.insert(), row)

    def is_being_lifted(self, need: Need, now: datetime) -> bool:
        """Whether another run is ending the pause."""
        lifting = (*_others(need), PAUSES.c.lifting, PAUSES.c.needed_until > microseconds(now))
        with self._alone() as connection:
            return connection.execute(sa.select(PAUSES.c.run).where(*lifting)).first() is not None

    def take(self, need: Need, before: datetime, *, by_a_run: bool) -> None:
        """Record that a run is about to pause a tube, and until when it was paused before.

        Parameters
        ----------
        need : Need
            The need of the run.
        before : datetime
            End of the pause that the tube has.
        by_a_run : bool
            Whether a run paused it: a run of this journal, unless the journal does not know the pause.
        """
        with self._alone() as connection:
            own = connection.execute(sa.select(PAUSES).where(*_own(need))).one()
            until = own.before_until if by_a_run and own.ours else max(own.before_until, microseconds(before))
            connection.execute(PAUSES.update().where(*_own(need)).values(ours=True, before_until=until))

    def begin_to_lift(self, need: Need, now: datetime) -> datetime | None:
        """Return until when the tube was paused before, if this run has to end the pause; else None.

        Where other runs need the pause, the last of them ends it. Call `forget` when the pause has ended.
        """
        others = (*_others(need), PAUSES.c.needed_until > microseconds(now))
        with self._alone() as connection:
            own = connection.execute(sa.select(PAUSES).where(*_own(need))).one_or_none()
            needed = connection.execute(sa.select(PAUSES.c.run).where(*others)).first() is not None
            if own is not None and own.ours and not needed:
                connection.execute(PAUSES.update().where(*_own(need)).values(lifting=True))
                return moment(own.before_until)
            if own is not None and own.ours:
                later = PAUSES.update().where(*others, PAUSES.c.before_until < own.before_until)
                connection.execute(later.values(before_until=own.before_until))
                connection.execute(PAUSES.update().where(*others).values(ours=True))
            connection.execute(PAUSES.delete().where(*_own(need)))
            return None

    def forget(self, need: Need) -> None:
        """Delete a need."""
        with self._alone() as connection:
            connection.execute(PAUSES.delete().where(*_own(need)))
