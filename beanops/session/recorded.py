"""What a session reads of its record: what it did, what everybody did, and the runs. `journal` keeps them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, SupportsIndex

from beanops.client.address import Address
from beanops.journal.filters import Filter
from beanops.journal.records import Action, JournalError, action_of
from beanops.protocol.limits import U64_MAX, check_number
from beanops.session.arguments import run_id_of
from beanops.session.config import default_journal
from beanops.session.executor import Actor
from beanops.session.find import Finding
from beanops.session.run import Run

if TYPE_CHECKING:
    import pandas

    from beanops.journal.journal import Journal
    from beanops.session.session import Session


class Recorded(Finding):
    """The part of a session that reads the record.

    Attributes
    ----------
    origin : Session
        The session that this one was made of by `through`, else itself: what is open on both is kept there.
    now : callable
        Tells the time, UTC.
    """

    origin: Session
    now: Callable[[], datetime]
    _actor: Actor

    def __init__(
        self,
        address: str | Address,
        timeouts: tuple[float, float],
        redact: tuple[str, ...],
        journal: str | Journal | None,
    ) -> None:
        super().__init__(address, timeouts, redact)
        self._journal_at = journal
        self._own_journal: Journal | None = None

    def journal(self) -> Journal:
        """Return the journal, opened when it is first needed: SQLAlchemy costs a third of a second."""
        from beanops.journal.journal import Journal

        at = self.origin
        with self._lock:
            self.check_open()
            if not isinstance(at._journal_at, Journal):
                at._journal_at = at._own_journal = Journal(at._journal_at or default_journal())
            return at._journal_at

    def _known_id(self, instance: str) -> int:
        try:
            return self.journal().highest_id(instance)
        except JournalError:  # looking must not depend on the record
            return 0

    @property
    def actions(self) -> pandas.DataFrame:
        """What this session did, one row an action; `history` has what everybody did.

        Returns
        -------
        pandas.DataFrame
            ``time`` (datetime64[us, UTC]), ``run``, ``server``, ``actor``, ``source``, ``action``, ``tube``
            (text), ``id`` (UInt64, missing for actions on a tube), ``state_before`` (categorical),
            ``priority`` (Int64), ``delay`` (timedelta64[us]), ``outcome`` (``done``, ``skipped``, ``failed``
            or ``unknown``), ``error``, ``reason``, ``instance`` (text, the server's process), ``new_id``
            (UInt64, of a job that was put for it) and ``jobs`` (int64, how many: 1 but for a kick of a tube).

        Examples
        --------
        >>> session.actions.query("outcome != 'done'")[["id", "error"]]          # doctest: +SKIP
        """
        from beanops.journal.frames import actions_frame

        return actions_frame(self.action_rows(limit=None))

    def action_rows(self, limit: int | None = 1000) -> list[Action]:
        """Return the newest actions of this session as records, oldest first, without pandas."""
        self.check_open()
        runs = self._actor.runs
        return list(islice(self.journal().actions(Filter(runs=[run.id for run in runs])), limit))[::-1] if runs else []

    def history(self, limit: int | None = None) -> pandas.DataFrame:
        """Return what was done on this server by anybody whom the journal knows, with the columns of `actions`.

        The server may have been restarted in between: ``id`` names the same job only where ``instance`` is the
        same.

        Parameters
        ----------
        limit : int or None
            Most actions, the newest; None for all.

        Examples
        --------
        >>> session.history(limit=1000).groupby("actor").size()          # doctest: +SKIP
        """
        journal = self.journal()
        from beanops.journal.frames import actions_frame

        return actions_frame(list(islice(journal.actions(Filter(str(self.address))), limit))[::-1])

    def job_actions(self, id: SupportsIndex) -> list[Action]:
        """Return what the journal knows of one job of the server process that answers, oldest first."""
        return self.journal().of_job(self.server().id, check_number("id", id, U64_MAX))

    @property
    def runs(self) -> pandas.DataFrame:
        """The runs on this server by anybody whom the journal knows, one row each.

        Returns
        -------
        pandas.DataFrame
            ``time`` (datetime64[us, UTC]), ``run``, ``server``, ``instance``, ``actor``, ``source``, ``action``,
            ``reason``, ``undoes`` (text), ``done``, ``skipped``, ``failed``, ``unknown`` (int64).

        Examples
        --------
        >>> session.runs.query("action == 'delete'").tail()          # doctest: +SKIP
        """
        from beanops.journal.frames import runs_frame

        journal = self.journal()
        return runs_frame(journal.with_counts(journal.runs(str(self.address))[::-1]))

    def run_actions(self, run: Run | str) -> pandas.DataFrame:
        """Return the actions of one run, with the columns of `actions`.

        Raises
        ------
        JournalError
            There is no such run.

        Examples
        --------
        >>> session.run_actions(run)["outcome"].value_counts()          # doctest: +SKIP
        """
        id = run_id_of(run)
        row = self.journal().run(id)
        from beanops.journal.frames import actions_frame

        return actions_frame(action_of(row, entry) for entry in self.journal().entries(id))
