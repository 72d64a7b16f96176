"""`JournalReader`: the journal of one server for users, as frames; verify and prune. `Session.journal` is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, SupportsIndex

from beanops.jobs.refs import refs_of
from beanops.jobs.rows import Tube, is_row, tube_of
from beanops.jobs.select import names_of
from beanops.journal.filters import Filter
from beanops.journal.prune import prune
from beanops.journal.records import Pruned
from beanops.protocol import TubeStats
from beanops.protocol.errors import ArgumentError
from beanops.protocol.limits import U64_MAX, check_choice, check_number, is_glob
from beanops.session.arguments import Moment, Seconds, run_id_of, seconds_of, time_of
from beanops.session.execution.verbs import ACTIONS
from beanops.session.keywords import explain_keywords

if TYPE_CHECKING:
    import pandas

    from beanops.journal.journal import Journal
    from beanops.session.execution.run import Run

#: Jobs or runs that one call may ask about: more conditions make a slow query.
_MOST = 1000
#: The longest span of time that may lie between now and what is pruned.
_LONGEST = timedelta(days=36_525)


@explain_keywords
class JournalReader:
    """The runs and actions on one server by everybody who uses this journal, newest first. `Session.journal` is one.

    Parameters
    ----------
    journal : callable
        Opens the journal.
    server : str, or mapping of str to str
        Address of the server; or those of several, with their names, which frames then have in a first column.
    actor, source : str
        Who prunes, and with which face.
    clock : callable
        Returns the current time, UTC.
    verify : callable
        Asks the server about a run.
    """

    def __init__(
        self,
        journal: Callable[[], Journal],
        server: str | Mapping[str, str],
        *,
        actor: str,
        source: str,
        clock: Callable[[], datetime],
        verify: Callable[[str], Run],
    ) -> None:
        self._journal = journal
        self._server: str | list[str] = server if isinstance(server, str) else list(server)
        self._names = {} if isinstance(server, str) else server
        self._actor = actor
        self._source = source
        self._clock = clock
        self._verify = verify

    def __repr__(self) -> str:
        return f"<JournalReader {self._server if isinstance(self._server, str) else ', '.join(self._server)}>"

    def actions(
        self,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        action: str | Iterable[str] | None = None,
        run: Any = None,
        job: Any = None,
        tube: Tube | Iterable[str] | None = None,
        actor: str | Iterable[str] | None = None,
        limit: SupportsIndex | None = None,
    ) -> pandas.DataFrame:
        """Return the actions on this server by everybody, newest first. The database applies the filters.

        Parameters
        ----------
        since, until : datetime, date, str, timedelta, float or None
            Period of the actions, `until` excluded. Text is a date such as ``"2026-01-31"`` or ``"2026-01-31 14:00"``
            (UTC), or a period before now such as ``"2h"`` or ``"7d"``; so are a timedelta and a number of seconds.
        action : str, iterable of str, or None
            ``"kick"``, ``"delete"`` and so on; several in a list or with commas. The actions of a drain are deletes.
        run : Run, str, row, iterable of these, DataFrame with a column ``run``, or None
            Runs or their ids, at most 1,000, also runs on other servers.
        job : id, job, Run, iterable of ids or jobs, DataFrame with a column ``id``, str, or None
            Jobs that were acted on or put, at most 1,000; text as in ``"5,7-9"``. A server that restarted may have
            reused an id: a job or a row with its ``instance`` matches only the job of that server process.
        tube, actor : str, iterable of str, or None
            Exact names, or globs such as ``"mail-*"`` and ``"alice@*"``; a tube also as a row of `Session.tubes`.
        limit : int or None
            Maximum number of actions, the newest.

        Returns
        -------
        pandas.DataFrame
            One row per action, with the columns of `Session.actions`.

        Raises
        ------
        ArgumentError
            A filter has no such value.
        JournalError
            There is no such run, or the journal cannot be read.

        Examples
        --------
        >>> run = session.kick([17])
        >>> session.journal.actions(since="1h", action="kick", tube="mail*")[["id", "actor"]]
        """
        from beanops.journal.frames import newest_frame

        journal, limit = self._journal(), _checked(limit)
        which = filter_of(
            journal, self._server, self._clock(),
            since=since, until=until, action=action, run=run, job=job, tube=tube, actor=actor,
        )  # fmt: skip
        return self._named(newest_frame(journal, which, limit))

    def runs(
        self,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        action: str | Iterable[str] | None = None,
        run: Any = None,
        job: Any = None,
        tube: Tube | Iterable[str] | None = None,
        actor: str | Iterable[str] | None = None,
        limit: SupportsIndex | None = None,
    ) -> pandas.DataFrame:
        """Return the runs on this server by everybody, newest first. The database applies the filters.

        Parameters
        ----------
        since, until : datetime, date, str, timedelta, float or None
            Period in which a run was active, `until` excluded: dates such as ``"2026-01-31"`` (UTC), or a period before
            now such as ``"2h"`` or ``"7d"``.
        action : str, iterable of str, or None
            Verbs such as ``"kick"``, ``"undo"`` or ``"import"``.
        run : Run, str, row, iterable of these, DataFrame with a column ``run``, or None
            Runs or their ids, at most 1,000, also runs on other servers.
        job : id, job, Run, iterable of ids or jobs, DataFrame with a column ``id``, str, or None
            Runs that changed or put one of these jobs, at most 1,000; text as in ``"5,7-9"``.
        tube, actor : str, iterable of str, or None
            Exact names, or globs such as ``"mail-*"`` and ``"alice@*"``; runs with an action on such a tube.
        limit : int or None
            Maximum number of runs, the newest.

        Returns
        -------
        pandas.DataFrame
            One row per run, with the columns of `Session.runs`.

        Raises
        ------
        ArgumentError
            A filter has no such value.
        JournalError
            There is no such run, or the journal cannot be read.

        Examples
        --------
        >>> session.journal.runs(since="7d", action="delete")[["run", "actor", "done"]]
        """
        from beanops.journal.frames import runs_frame

        journal, limit = self._journal(), _checked(limit)
        which = filter_of(
            journal, self._server, self._clock(),
            since=since, until=until, action=action, run=run, job=job, tube=tube, actor=actor,
        )  # fmt: skip
        return self._named(runs_frame(journal.with_counts(journal.find_runs(which, limit=limit))))

    def _named(self, found: pandas.DataFrame) -> pandas.DataFrame:
        """Return rows with the names of their servers first, where these are several."""
        if self._names:
            servers = found.pop("server")
            found.insert(0, "server", servers.map(lambda address: self._names.get(address, address)).astype("str"))
        return found

    def verify(self, run: Run | str) -> Run:
        """Ask the server about the actions of a run whose outcome is unknown, and record the answers.

        Outcomes that a worker or the end of a delay may have caused stay unknown. The ``error`` of each action says who
        asked and what the answer was.

        Parameters
        ----------
        run : Run, str or row
            The run, its id, or a row of a frame of runs or actions.

        Returns
        -------
        Run
            Its counts have the outcomes found, and the actions that remain ``unknown``.

        Raises
        ------
        JournalError
            There is no such run.

        Examples
        --------
        >>> session.journal.verify(run)
        """
        return self._verify(run_id_of(run))

    def prune(self, older_than: Seconds, *, reason: str | None = None) -> Pruned:
        """Delete old runs from the journal, those of all servers, with their actions and the bodies kept for undo.

        A pruned run cannot be undone or resumed, and lines that it imported no longer count as imported. Runs that
        are under way, or were active since, stay. The pruning is recorded as a run.

        Parameters
        ----------
        older_than : str, timedelta or float
            Time since a run was last active, such as ``"90d"``; a number is in seconds.
        reason : str or None
            Reason for the journal.

        Returns
        -------
        Pruned
            ``run``, the id of the run that records the pruning, and ``runs``, the number of runs deleted.

        Examples
        --------
        >>> session.journal.prune("90d", reason="retention").runs
        0
        """
        period = age_of("older_than", older_than)
        return prune(self._journal(), period, now=self._clock(), actor=self._actor, source=self._source, reason=reason)


def age_of(argument: str, value: Seconds) -> timedelta:
    """Return a span of time between a moment in the past and now, at most a hundred years."""
    allowed = "a span of time such as '90d', at most a hundred years"
    seconds = seconds_of(argument, value, allowed)
    if seconds > _LONGEST.total_seconds():
        raise ArgumentError(argument, value, allowed)
    return timedelta(seconds=seconds)


def filter_of(
    journal: Journal,
    server: str | Sequence[str],
    now: datetime,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    action: str | Iterable[str] | None = None,
    run: Any = None,
    job: Any = None,
    tube: Tube | Iterable[str] | None = None,
    actor: str | Iterable[str] | None = None,
) -> Filter:
    """Return the filters of `JournalReader.actions` as the journal takes them.

    Parameters
    ----------
    journal : Journal
        Knows the tubes and actors that globs match.
    server : str or sequence of str
        Address of the server, or those of several; runs that are named may be on others.
    now : datetime
        The current time, before which periods end.
    since, until, action, run, job, tube, actor
        As in `JournalReader.actions`.
    """
    runs = None if run is None else [one for id in _run_ids(run) for one in _runs_of(journal, id)]
    return Filter(
        server=server if runs is None else None,
        since=None if since is None else time_of("since", since, now),
        until=None if until is None else time_of("until", until, now),
        actions=None if action is None else _actions(action),
        runs=runs,
        jobs=None if job is None else _by_instance(job),
        tubes=None if tube is None else _names("tube", _tubes(tube), journal.tubes),
        actors=None if actor is None else _names("actor", actor, journal.actors),
    )


def _checked(limit: SupportsIndex | None) -> int | None:
    return None if limit is None else check_number("limit", limit, U64_MAX)


def _run_ids(run: Any) -> list[str]:
    if hasattr(run, "columns"):
        if "run" not in run.columns:
            raise ArgumentError("run", list(run.columns), "a frame with a column 'run'")
        run = run["run"].tolist()
    one = isinstance(run, str) or is_row(run, "run") or not isinstance(run, Iterable)
    ids = list(dict.fromkeys(map(run_id_of, [run] if one else run)))
    _check_most("run", len(ids))
    return ids


def _runs_of(journal: Journal, id: str) -> list[str]:
    """Return the runs of a call on several servers, or the run itself."""
    return [row.id for row in journal.find_runs(Filter(fleets=[id]))] or [journal.run(id).id]


def _check_most(argument: str, number: int) -> None:
    if number > _MOST:
        raise ArgumentError(argument, number, f"at most {_MOST:,} of them")


def _actions(action: str | Iterable[str]) -> list[str]:
    names = names_of("action", action)
    for name in names:
        check_choice("action", name, ACTIONS)
    return names


def _tubes(tube: Tube | Iterable[str]) -> str | Iterable[str]:
    return tube_of(tube) if isinstance(tube, TubeStats) or is_row(tube, "tube") else tube


def _names(argument: str, wanted: str | Iterable[str], known: Callable[[], list[str]]) -> list[str]:
    """Return exact names; where globs are among them, also the known names that match."""
    names = names_of(argument, wanted)
    globs = [name for name in names if is_glob(name)]
    matching = [name for name in known() if any(fnmatchcase(name, glob) for glob in globs)] if globs else []
    return [*(name for name in names if name not in globs), *matching]


def _by_instance(job: Any) -> dict[str | None, list[int]]:
    refs = refs_of(job, "job")
    _check_most("job", len(refs))
    jobs: dict[str | None, list[int]] = {}
    for ref in refs:
        jobs.setdefault(ref.instance or None, []).append(ref.id)
    return jobs
