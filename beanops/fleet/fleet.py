"""`Fleet`: what a user has of several servers. It describes its methods; `dispatch` carries them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, SupportsIndex, Unpack
from weakref import WeakSet

from beanops.fleet.acting import Acting
from beanops.fleet.described import as_in_session
from beanops.fleet.dispatch import Dispatch
from beanops.fleet.fleet_run import FleetRun
from beanops.fleet.looking import Looking
from beanops.html import card
from beanops.jobs.read import BodyForm
from beanops.jobs.rows import Tube
from beanops.session.arguments import Seconds
from beanops.session.bars import Report
from beanops.session.config import Profile
from beanops.session.context import Closes
from beanops.session.keywords import explain_keywords
from beanops.session.options import GroupOptions, Options, ScanOptions, VerbOptions
from beanops.session.session import Session
from beanops.session.watching.problems_now import APART

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas

    from beanops.fleet.dataset import FleetSnapshot
    from beanops.fleet.looking import FleetFacets
    from beanops.session.editing.changing import Changes
    from beanops.session.editing.schema import SchemaLike
    from beanops.session.execution.targets import Jobs
    from beanops.session.past_runs.journal_reader import JournalReader

#: Servers that a notebook names.
_MOST_NAMED = 10


@explain_keywords
class Fleet:
    """Connections to several servers: look at their tubes and jobs, act on them, undo actions. `connect` makes it.

    Each method asks all servers at the same time, and returns what they answered. A server that cannot be reached, or
    is silent for too long, holds up no other: the result names it. Frames have the name of the server in a first column
    ``server``, and ``attrs["unanswered"]`` has the servers that are missing, with the reasons; a script and a notebook
    get a ``ServersUnanswered`` warning too. Where no server answers, a method raises.

    ``fleet["prod"]`` is the `Session` on one server, which has every verb.

    Attributes
    ----------
    servers : tuple of str
        The names of the servers, or the addresses of those without a name.
    dashboard : callable
        A live view in a notebook; see `beanops.accessors`.
    """

    dashboard: Callable[..., Any]

    def __init__(self, dispatch: Dispatch, name: str) -> None:
        # Names with an underscore are for beanops' own faces.
        self._dispatch = dispatch
        self._name = name
        self._looking, self._acting = Looking(dispatch), Acting(dispatch)
        self.servers: tuple[str, ...] = tuple(dispatch.members)
        self._views: WeakSet[Closes] = WeakSet()

    def __getitem__(self, server: str) -> Session:
        """Return the session on one server, by its name or its address; Tab completes it.

        Raises
        ------
        UsageError
            There is none of that name in the fleet.
        ConnectFailed
            It cannot be reached.
        """
        return self._dispatch.member(server).open()

    def __iter__(self) -> Iterator[str]:
        return iter(self.servers)

    def __len__(self) -> int:
        return len(self.servers)

    def __contains__(self, server: object) -> bool:
        return server in self._dispatch.names

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.servers)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(Session, name):
            raise AttributeError(f"a fleet has no {name}: fleet[{self.servers[0]!r}].{name} is that of one server")
        raise AttributeError(f"a fleet has no {name}")

    @property
    def profiles(self) -> dict[str, Profile]:
        """The profile of each server by its name: address, colour, label, and the rules that protect it."""
        return {name: member.profile for name, member in self._dispatch.members.items()}

    def close(self) -> None:
        """Close the views, the sessions and the journal; jobs that are still reserved become ready."""
        with ExitStack() as ends:
            ends.callback(self._dispatch.close)
            for view in list(self._views):
                ends.callback(view.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Fleet {self._named()}>"

    def _named(self) -> str:
        more = len(self.servers) - _MOST_NAMED
        return ", ".join(self.servers[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")

    def _repr_html_(self) -> str:
        return card(f"Fleet of {len(self.servers)} servers", {"servers": self._named()})

    # -- look --------------------------------------------------------------------------------------------------------

    @as_in_session(Session.server)
    def server(self, *, patience: Seconds | None = None) -> pandas.DataFrame:
        """Return the statistics of the servers, one row per server.

        Returns
        -------
        pandas.DataFrame
            ``server``, and a column for each field of `Session.server`, under its name there; missing where a server
            does not report it.

        Examples
        --------
        >>> fleet.server()[["server", "version", "uptime", "current_jobs_buried"]]
        """
        return self._looking.server(patience)

    @as_in_session(Session.tubes)
    def tubes(self, pattern: str | None = None, *, patience: Seconds | None = None) -> pandas.DataFrame:
        """Return the statistics of the tubes of all servers.

        Returns
        -------
        pandas.DataFrame
            One row per server and tube: ``server``, and the columns of `Session.tubes`.

        Examples
        --------
        >>> fleet.tubes("mail*").groupby("tube")["ready"].sum()
        """
        return self._looking.tubes(pattern, patience)

    @as_in_session(Session.watch)
    def watch(
        self, seconds: Seconds = 1, *, pattern: str | None = None, patience: Seconds | None = None
    ) -> Iterator[pandas.DataFrame]:
        """Yield the statistics of tubes now and after every interval, with rates, until the loop ends.

        A server that does not answer is missing in a frame, and comes back with a later one.

        Yields
        ------
        pandas.DataFrame
            One row per server and tube: ``server``, and the columns of `Session.watch`.

        Examples
        --------
        >>> for tubes in fleet.watch(1):
        ...     print(tubes.nlargest(3, "puts_per_s")[["server", "tube", "puts_per_s"]])
        ...     break
        """
        return self._looking.watch(seconds, pattern, patience)

    @as_in_session(Session.trend)
    def trend(
        self, tube: Tube | None = None, *, since: Seconds = "1h", patience: Seconds | None = None
    ) -> pandas.DataFrame:
        """Return the recent past of a tube or of the servers, as far as this fleet or a recording has seen it.

        Returns
        -------
        pandas.DataFrame
            One row per server and span of time: ``server``, and the columns of `Session.trend`, indexed by ``time``.

        Examples
        --------
        >>> fleet.trend("mail").groupby("server")["ready"].plot()
        """
        return self._looking.frame("trend", {"tube": tube}, patience, since=since)

    @as_in_session(Session.rates, without="progress")
    def rates(
        self,
        tube: Tube | None = None,
        *,
        seconds: Seconds = 10,
        every: Seconds = 1,
        patience: Seconds | None = None,
    ) -> pandas.DataFrame:
        """Measure throughput and backlog for some time.

        Returns
        -------
        pandas.DataFrame
            One row per server and measurement: ``server``, and the columns of `Session.rates`, indexed by ``time``.

        Examples
        --------
        >>> fleet.rates("mail", seconds=60).groupby("server")["puts_per_s"].mean()
        """
        return self._looking.frame("rates", {"tube": tube}, patience, seconds=seconds, every=every)

    @as_in_session(Session.job_times, without="progress")
    def job_times(
        self,
        pattern: str | None = None,
        *,
        seconds: Seconds = 10,
        every: Seconds = 1,
        patience: Seconds | None = None,
    ) -> pandas.DataFrame:
        """Estimate how long jobs wait for a worker and how long it runs them.

        Returns
        -------
        pandas.DataFrame
            One row per server and tube of which something is known: ``server``, and the columns of `Session.job_times`.

        Examples
        --------
        >>> fleet.job_times("mail*", seconds="1m")[["server", "tube", "wait_p95"]]
        """
        return self._looking.frame("job_times", {}, patience, pattern, seconds=seconds, every=every)

    @as_in_session(Session.job_classes, without="progress")
    def job_classes(
        self,
        pattern: str | None = None,
        *,
        seconds: Seconds = 10,
        every: Seconds = 1,
        patience: Seconds | None = None,
    ) -> pandas.DataFrame:
        """Estimate how many jobs of each class are put, from the bodies of a sample.

        Returns
        -------
        pandas.DataFrame
            One row per server, tube and class: ``server``, and the columns of `Session.job_classes`.

        Examples
        --------
        >>> fleet.job_classes("mail*", seconds="1m").groupby("job_class")["puts_per_s"].sum()
        """
        return self._looking.frame("job_classes", {}, patience, pattern, seconds=seconds, every=every)

    @as_in_session(Session.problems)
    def problems(
        self, pattern: str | None = None, *, seconds: Seconds = APART, patience: Seconds | None = None
    ) -> pandas.DataFrame:
        """Return what is wrong with the servers and their tubes. A server that does not answer is in ``attrs`` alone.

        Returns
        -------
        pandas.DataFrame
            One row per problem, the worst first: ``server``, and the columns of `Session.problems`.

        Examples
        --------
        >>> fleet.problems()[["server", "problem", "reason"]]
        """
        return self._looking.frame("problems", {}, patience, pattern, seconds=seconds)

    @as_in_session(Session.jobs)
    def jobs(
        self,
        tube: Tube | None = None,
        *,
        bodies: BodyForm = "text",
        decoded: bool = False,
        columns: str | Iterable[str] | None = None,
        executor: Any = None,
        patience: Seconds | None = None,
        **selection: Unpack[ScanOptions],
    ) -> pandas.DataFrame:
        """Find jobs on all servers. `limit` and `order` are those of the whole result.

        Rows or a frame with a column ``server`` as `tube`, `ids` or `group` mean those of their servers alone.

        Returns
        -------
        pandas.DataFrame
            One row per job: ``server``, and the columns of `Session.jobs`. Verbs of the fleet accept it, and act on the
            jobs of each row's own server. ``attrs["verdict"]`` says whether these are all jobs that match.

        Examples
        --------
        >>> fleet.jobs("mail", state="buried", order="-age", limit=5)[["server", "id", "age"]]
        """
        how = {"bodies": bodies, "decoded": decoded, "executor": executor}
        return self._looking.jobs(tube, columns, patience, {**selection}, **how)

    @as_in_session(Session.sql)
    def sql(
        self, query: str, tube: Tube | None = None, *, patience: Seconds | None = None, **selection: Unpack[ScanOptions]
    ) -> pandas.DataFrame:
        """Query the jobs of each server with SQL; a query sees one server, and its rows get the name of that server.

        Returns
        -------
        pandas.DataFrame
            The rows of all servers: ``server``, and the columns of the query. Sums over all servers are the caller's.

        Examples
        --------
        >>> found = fleet.sql("select state, count(*) as jobs from jobs group by 1", "mail")
        >>> found.groupby("state")["jobs"].sum()
        """
        return self._looking.search("sql", {"tube": tube}, patience, {**selection}, query)

    @as_in_session(Session.groups)
    def groups(
        self,
        tube: Tube | None = None,
        *,
        by: str | None = None,
        most: SupportsIndex = 100,
        executor: Any = None,
        patience: Seconds | None = None,
        **which: Unpack[GroupOptions],
    ) -> pandas.DataFrame:
        """Group the jobs of each server by the cause that their bodies give, or by an SQL expression.

        The same cause has the same name on all servers.

        Returns
        -------
        pandas.DataFrame
            One row per server and group, the largest first: ``server``, and the columns of `Session.groups`; ``share``
            is that of the jobs of all servers. Verbs and `jobs` accept the frame and its rows.

        Examples
        --------
        >>> causes = fleet.groups("mail", state="buried")
        >>> causes.groupby("cause")["count"].sum()
        >>> fleet.kick(causes.iloc[0])
        """
        return self._looking.search("groups", {"tube": tube}, patience, {**which}, by=by, most=most, executor=executor)

    @as_in_session(Session.facets)
    def facets(
        self,
        tube: Tube | None = None,
        *,
        top: SupportsIndex = 10,
        executor: Any = None,
        patience: Seconds | None = None,
        **selection: Unpack[ScanOptions],
    ) -> FleetFacets:
        """Find out which paths the decoded bodies of jobs have on each server, how often, and with which values.

        Returns
        -------
        FleetFacets
            The frames of `Session.facets` with a first column ``server``: ``paths``, ``values`` and ``histograms``.

        Examples
        --------
        >>> fleet.facets("mail").values.query("path == '$.error'")[["server", "value", "jobs"]]
        """
        return self._looking.facets(tube, patience, {**selection}, top=top, executor=executor)

    @as_in_session(Session.snapshot)
    def snapshot(
        self,
        directory: str | PathLike[str],
        tube: Tube | None = None,
        *,
        executor: Any = None,
        patience: Seconds | None = None,
        **selection: Unpack[ScanOptions],
    ) -> FleetSnapshot:
        """Write the jobs of all servers to one dataset of Parquet files, ``server=NAME/folder=TUBE``.

        pandas, DuckDB, Spark and Dask read the directory, with ``server`` and ``folder`` as partitions. The files have
        the columns of `Session.snapshot`.

        Returns
        -------
        FleetSnapshot
            ``jobs``, the number of jobs; ``by_server``, the snapshot of each server; ``complete``, whether these are
            all jobs that match; ``unanswered``, the servers that are missing, with the reasons.

        Examples
        --------
        >>> fleet.snapshot("saved", "mail").jobs
        18
        """
        from beanops.fleet.dataset import save

        return save(self._dispatch, directory, tube, patience, {**selection, "executor": executor})

    @as_in_session(Session.to_dask)
    def to_dask(
        self,
        tube: Tube | None = None,
        *,
        bodies: BodyForm = "text",
        columns: str | Iterable[str] | None = None,
        size: SupportsIndex = 100_000,
        patience: Seconds | None = None,
        **selection: Unpack[ScanOptions],
    ) -> dd.DataFrame:
        """Return the jobs of all servers as a Dask DataFrame, whose partitions are looked up when they are computed.

        Returns
        -------
        dask.dataframe.DataFrame
            ``server``, and the columns of `Session.to_dask`.

        Examples
        --------
        >>> fleet.to_dask("mail", bodies=False).groupby("server").size().compute()
        """
        from beanops.fleet.dataset import dask_frame

        how = {"bodies": bodies, "columns": columns, "size": size, **selection}
        return dask_frame(self._dispatch, tube, patience, how)

    # -- act ---------------------------------------------------------------------------------------------------------

    @as_in_session(Session.kick)
    def kick(self, jobs: Jobs | str, *, patience: Seconds | None = None, **options: Unpack[VerbOptions]) -> FleetRun:
        """Make buried or delayed jobs ready on all servers, or those of a frame on their own.

        Returns
        -------
        FleetRun
            One run for each server.

        Examples
        --------
        >>> fleet.kick("mail", where="age < interval 1 day")
        >>> fleet.kick(fleet.jobs("mail", state="buried", limit=2))
        """
        return self._acting.on_jobs("kick", jobs, options, patience)

    @as_in_session(Session.bury)
    def bury(
        self,
        jobs: Jobs | str,
        *,
        priority: SupportsIndex | None = None,
        patience: Seconds | None = None,
        **options: Unpack[VerbOptions],
    ) -> FleetRun:
        """Bury ready and delayed jobs on all servers, or those of a frame on their own.

        Returns
        -------
        FleetRun
            One run for each server.

        Examples
        --------
        >>> fleet.bury("mail", where="age > interval 1 day", reason="INC-42")
        """
        return self._acting.on_jobs("bury", jobs, options, patience, priority=priority)

    @as_in_session(Session.release)
    def release(
        self,
        jobs: Jobs | str,
        *,
        priority: SupportsIndex | None = None,
        delay: Seconds = 0,
        patience: Seconds | None = None,
        **options: Unpack[VerbOptions],
    ) -> FleetRun:
        """Make jobs ready or delayed, or change their priority, on all servers, or those of a frame on their own.

        Returns
        -------
        FleetRun
            One run for each server.

        Examples
        --------
        >>> fleet.release("mail", state="buried", priority=10)
        """
        return self._acting.on_jobs("release", jobs, options, patience, priority=priority, delay=delay)

    @as_in_session(Session.delete)
    def delete(self, jobs: Jobs | str, *, patience: Seconds | None = None, **options: Unpack[VerbOptions]) -> FleetRun:
        """Delete jobs on all servers, or those of a frame on their own.

        Returns
        -------
        FleetRun
            One run for each server.

        Examples
        --------
        >>> run = fleet.delete("mail", state="buried")
        >>> fleet.undo(run)
        """
        return self._acting.on_jobs("delete", jobs, options, patience)

    @as_in_session(Session.drain)
    def drain(
        self, tube: Tube, *, bodies: bool = True, patience: Seconds | None = None, **options: Unpack[VerbOptions]
    ) -> FleetRun:
        """Delete all jobs of a tube that are in the given states, on all servers.

        Returns
        -------
        FleetRun
            One run for each server.

        Examples
        --------
        >>> fleet.drain("mail", state="buried")
        """
        return self._acting.on_jobs("drain", tube, options, patience, bodies=bodies)

    @as_in_session(Session.move)
    def move(
        self, jobs: Jobs | str, to: Tube, *, patience: Seconds | None = None, **options: Unpack[VerbOptions]
    ) -> FleetRun:
        """Move jobs to another tube of their own server, on all servers, or those of a frame.

        Returns
        -------
        FleetRun
            One run for each server.

        Examples
        --------
        >>> fleet.move("mail", "hospital", state="buried")
        """
        return self._acting.on_jobs("move", jobs, options, patience, to)

    @as_in_session(Session.copy)
    def copy(
        self,
        jobs: Jobs | str,
        to: Tube | None = None,
        *,
        server: Session | None = None,
        patience: Seconds | None = None,
        **options: Unpack[VerbOptions],
    ) -> FleetRun:
        """Copy jobs to another tube of their own server, or to one other server, which is none of the fleet.

        Returns
        -------
        FleetRun
            One run for each server.

        Examples
        --------
        >>> fleet.copy("mail", "trial", limit=10)
        """
        return self._acting.on_jobs("copy", jobs, options, patience, to, server=server)

    @as_in_session(Session.edit)
    def edit(
        self,
        jobs: Jobs | str,
        changes: Changes | None = None,
        *,
        unset: Iterable[str] = (),
        priority: SupportsIndex | None = None,
        ttr: Seconds | None = None,
        delay: Seconds | None = None,
        to: Tube | None = None,
        kick: bool = False,
        schema: SchemaLike | None = None,
        patience: Seconds | None = None,
        **options: Unpack[Options],
    ) -> FleetRun:
        """Change the bodies and settings of jobs on all servers, or those of a frame on their own.

        A function is called in several threads.

        Returns
        -------
        FleetRun
            One run for each server.

        Examples
        --------
        >>> fleet.edit("mail", {"$.customer": 7}, state="buried", kick=True)
        """
        return self._acting.on_jobs(
            "edit", jobs, options, patience, changes, unset=tuple(unset), priority=priority, ttr=ttr, delay=delay,
            to=to, kick=kick, schema=schema,
        )  # fmt: skip

    @as_in_session(Session.pause)
    def pause(
        self, tube: Tube, seconds: Seconds, *, reason: str | None = None, patience: Seconds | None = None
    ) -> FleetRun:
        """Pause a tube on all servers that have it: for some time workers cannot reserve its jobs.

        Returns
        -------
        FleetRun
            One run for each server.

        Examples
        --------
        >>> fleet.pause("mail", "10m")
        """
        return self._acting.on_tube("pause", tube, patience, seconds, reason=reason)

    @as_in_session(Session.unpause)
    def unpause(self, tube: Tube, *, reason: str | None = None, patience: Seconds | None = None) -> FleetRun:
        """End the pause of a tube on all servers that have it.

        Returns
        -------
        FleetRun
            One run for each server.

        Examples
        --------
        >>> fleet.unpause("mail")
        """
        return self._acting.on_tube("unpause", tube, patience, reason=reason)

    # -- undo and resume ---------------------------------------------------------------------------------------------

    @as_in_session(Session.undo)
    def undo(
        self,
        run: FleetRun | Any,
        servers: str | Iterable[str] | None = None,
        *,
        where: str | None = None,
        repeat: Literal["unknown"] | None = None,
        buried_as: Literal["parked", "ready"] | None = None,
        reason: str | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        progress: Report[FleetRun] = None,
        patience: Seconds | None = None,
    ) -> FleetRun:
        """Undo a run on all of its servers, or on some, where jobs have not changed since.

        The run is a `FleetRun`, or a run of one server; or the id of either.

        Parameters
        ----------
        servers : str, iterable of str, or None
            Only on these; None is all servers of the run.

        Returns
        -------
        FleetRun
            One run for each server.

        Examples
        --------
        >>> run = fleet.kick("mail")
        >>> fleet.undo(run, servers=fleet.servers[0])
        """
        how = {"buried_as": buried_as, "reason": reason, "rate": rate, "dry_run": dry_run, "where": where}
        return self._acting.on_past("undo", run, servers, how | {"repeat": repeat}, progress, patience)

    @as_in_session(Session.resume)
    def resume(
        self,
        run: FleetRun | Any,
        servers: str | Iterable[str] | None = None,
        *,
        reason: str | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        progress: Report[FleetRun] = None,
        patience: Seconds | None = None,
    ) -> FleetRun:
        """Resume a run that was cancelled, interrupted or left by a server: do the rest of it, as new runs.

        The run is a `FleetRun`, or a run of one server; or the id of either.

        Parameters
        ----------
        servers : str, iterable of str, or None
            Only on these; None is all servers of the run.

        Returns
        -------
        FleetRun
            One run for each server.

        Examples
        --------
        >>> run = fleet.kick("mail", rate=100)
        >>> fleet.resume(run)
        """
        how = {"reason": reason, "rate": rate, "dry_run": dry_run}
        return self._acting.on_past("resume", run, servers, how, progress, patience)

    # -- what this fleet did -----------------------------------------------------------------------------------------

    @property
    def journal(self) -> JournalReader:
        """The runs and actions on these servers by everybody who uses this journal; no server has to answer."""
        return self._acting.journal

    @property
    def actions(self) -> pandas.DataFrame:
        """The actions of this fleet's sessions, newest first: ``server``, and the columns of `Session.actions`."""
        return self._acting.own_actions()

    @property
    def runs(self) -> pandas.DataFrame:
        """The runs of this fleet's sessions, newest first: ``server``, and the columns of `Session.runs`."""
        return self._acting.own_runs()
