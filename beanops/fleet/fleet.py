"""`Fleet`: what a user has of several servers. It describes its methods; `dispatch` carries them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack

from beanops.fleet.described import as_in_session
from beanops.fleet.dispatch import Dispatch
from beanops.fleet.fleet_run import FleetRun
from beanops.fleet.targets import spread
from beanops.html import card
from beanops.jobs.groups import is_groups
from beanops.jobs.read import BodyForm
from beanops.jobs.rows import Tube, tube_or_jobs
from beanops.protocol.errors import BeanopsError
from beanops.session.arguments import Seconds
from beanops.session.bars import Report
from beanops.session.config import Profile
from beanops.session.keywords import explain_keywords
from beanops.session.options import Options, ScanOptions
from beanops.session.session import Session

if TYPE_CHECKING:
    import pandas

    from beanops.fleet.calls import Call
    from beanops.session.execution.targets import Jobs

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
    """

    def __init__(self, dispatch: Dispatch, name: str) -> None:
        # Names with an underscore are for beanops' own faces.
        self._dispatch = dispatch
        self._name = name
        self.servers: tuple[str, ...] = tuple(dispatch.members)

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
        """Close the sessions and the journal; jobs that are still reserved become ready."""
        with ExitStack() as ends:
            ends.callback(self._dispatch.journal.close)
            for member in self._dispatch.members.values():
                ends.callback(member.close)

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
        answers = self._dispatch.read(lambda session, call: session.tubes(pattern), patience=patience)
        return self._dispatch.frame("tubes", answers)

    @as_in_session(Session.jobs)
    def jobs(
        self,
        tube: Tube | None = None,
        *,
        bodies: BodyForm = "text",
        decoded: bool = False,
        columns: str | Iterable[str] | None = None,
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
        from beanops.fleet.merging import columns_for, in_order

        options: dict[str, Any] = {**selection}
        order, progress = options.get("order", "newest"), options.pop("progress", None)
        asked, wanted = columns_for(order, columns)
        places = spread(
            {"tube": tube, "ids": options.pop("ids", None), "group": options.pop("group", None)}, self._names
        )

        def find(place: dict[str, Any]) -> Callable[[Session, Call], Any]:
            how = options | place | {"bodies": bodies, "decoded": decoded, "columns": asked}
            return lambda session, call: session.jobs(**how, progress=call.searched)

        works = {name: find(place) for name, place in places.items()}
        answers = self._dispatch.read(works, patience=patience, scan="jobs", progress=progress)
        limit = options.get("limit")
        found = self._dispatch.frame("jobs", answers)
        return in_order(found, order, None if limit is None else int(limit), wanted)

    @property
    def _names(self) -> Mapping[str, str]:
        return self._dispatch.names

    # -- act ---------------------------------------------------------------------------------------------------------

    @as_in_session(Session.kick)
    def kick(self, jobs: Jobs | str, *, patience: Seconds | None = None, **options: Unpack[Options]) -> FleetRun:
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
        return self._on_jobs("kick", jobs, options, patience)

    @as_in_session(Session.delete)
    def delete(self, jobs: Jobs | str, *, patience: Seconds | None = None, **options: Unpack[Options]) -> FleetRun:
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
        return self._on_jobs("delete", jobs, options, patience)

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

        A `FleetRun`, its id, a run of one server, or its id.

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
        how = {"buried_as": buried_as, "reason": reason, "rate": rate, "dry_run": dry_run}
        return self._on_past("undo", run, servers, how | {"where": where, "repeat": repeat}, progress, patience)

    # -- how ---------------------------------------------------------------------------------------------------------

    def _on_jobs(
        self,
        verb: str,
        jobs: Any,
        options: Mapping[str, Any],
        patience: Seconds | None,
        *arguments: Any,
        errors: Mapping[str, BeanopsError] | None = None,
        **named: Any,
    ) -> FleetRun:
        """Do something to jobs; `arguments` and `named` are those of the verb besides its jobs and options."""
        asked: dict[str, Any] = {**options}
        progress = asked.pop("progress", None)
        if asked.get("limit") is not None and len(self.servers) > 1:
            return self._on_few(verb, jobs, asked, progress, patience, arguments, named)
        places = spread({"jobs": jobs, "group": asked.pop("group", None)}, self._names)

        def work(place: dict[str, Any]) -> Callable[[Session, Any], Any]:
            how = asked | named | ({} if place["group"] is None else {"group": place["group"]})
            return lambda session, report: getattr(session, verb)(place["jobs"], *arguments, **how, progress=report)

        works = {name: work(place) for name, place in places.items()}
        dry = bool(asked.get("dry_run"))
        pace = _pace(asked)
        return self._dispatch.act(
            verb, works, dry=dry, progress=progress, patience=patience, longer=pace, errors=errors
        )

    def _on_few(
        self,
        verb: str,
        jobs: Any,
        asked: dict[str, Any],
        progress: Any,
        patience: Seconds | None,
        arguments: tuple[Any, ...],
        named: dict[str, Any],
    ) -> FleetRun:
        """Do something to so many jobs of all servers together: find these first."""
        from beanops.session.execution.targets import ORDER
        from beanops.session.execution.verbs import Settings, verb_of

        states = asked.get("state")
        by_tube = jobs is None or isinstance(tube_or_jobs(jobs), str) or is_groups(jobs)
        if states is None:
            known = verb_of(verb, Settings(named.get("priority"))).states
            states = "buried" if verb == "kick" and by_tube else sorted(known)
        which = {"state": states, "where": asked.pop("where", None), "group": asked.pop("group", None)}
        which |= {"limit": asked.pop("limit"), "order": asked.pop("order", None) or ORDER}
        place = {"tube" if by_tube else "ids": jobs}
        found = self.jobs(
            **place,
            **which,
            columns=["id", "instance", "tube", "created"],
            bodies=False,
            progress=False,
            patience=patience,
        )
        errors = {name: BeanopsError(why) for name, why in found.attrs["unanswered"].items()}
        asked["progress"] = progress
        return self._on_jobs(verb, found, asked, patience, *arguments, errors=errors, **named)

    def _on_past(
        self,
        verb: str,
        run: Any,
        servers: str | Iterable[str] | None,
        how: dict[str, Any],
        progress: Report[FleetRun],
        patience: Seconds | None,
    ) -> FleetRun:
        """Undo or resume the runs of one call."""
        from beanops.fleet.past_runs import past_runs, rows_of

        chosen = None if servers is None else self._dispatch.chosen(servers)
        rows = rows_of(self._dispatch.journal.opened(), run)
        past = past_runs(rows, self._names, chosen, back=verb == "undo")

        def work(id: str) -> Callable[[Session, Any], Any]:
            return lambda session, report: getattr(session, verb)(id, **how, progress=report)

        return self._dispatch.act(
            verb,
            {one.server: work(one.id) for one in past.runs},
            dry=how["dry_run"],
            progress=progress,
            patience=patience,
            on={one.server: one.on for one in past.runs},
            longer=_pace(how),
            errors=past.errors,
        )


def _pace(how: Mapping[str, Any]) -> float:
    """Return the seconds between two batches at a rate."""
    return 1 / how["rate"] if how.get("rate") else 0.0
