"""What `Fleet` does: each verb of a session is called on every server that it is about, as one run under one id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from beanops.fleet.calls import Call
from beanops.fleet.dispatch import Dispatch, Work
from beanops.fleet.fleet_run import FleetRun
from beanops.fleet.targets import parts_of, spread
from beanops.jobs.groups import is_groups
from beanops.jobs.rows import Tube, tube_or_jobs
from beanops.protocol.errors import BeanopsError, UsageError
from beanops.session.arguments import Seconds
from beanops.session.bars import Report
from beanops.session.options import Options
from beanops.session.past_runs.journal_reader import JournalReader
from beanops.session.session import Session

if TYPE_CHECKING:
    import pandas

    from beanops.session.execution.run import Run

#: Columns of jobs that verbs need.
_REF = ("id", "instance", "tube", "created")


class Acting:
    """Acts on all servers of a fleet.

    Parameters
    ----------
    dispatch : Dispatch
        Asks the servers.
    """

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch

    def on_jobs(
        self,
        verb: str,
        jobs: Any,
        options: Mapping[str, Any],
        patience: Seconds | None,
        *arguments: Any,
        errors: Mapping[str, BeanopsError] | None = None,
        **named: Any,
    ) -> FleetRun:
        """Do something to jobs.

        Parameters
        ----------
        verb : str
            Name of the session's method.
        jobs : object
            As in `parts_of`.
        options : mapping of str to object
            Those that all verbs take.
        patience : number, str, timedelta or None
            Time for which a server may owe an answer.
        errors : mapping of str to BeanopsError or None
            Servers whose jobs could not be found, and why.
        *arguments, **named
            The other arguments of the verb.
        """
        asked = {name: value for name, value in options.items() if value is not None}
        progress = asked.pop("progress", None)
        there = named.get("server")
        if isinstance(there, Session) and str(there.address) in self._dispatch.names:
            raise UsageError(f"{there.address} is one of these servers: copy to another one")
        if "limit" in asked and len(self._dispatch.members) > 1:
            return self._on_few(verb, jobs, asked, progress, patience, arguments, named)
        places = spread({"jobs": jobs, "group": asked.pop("group", None)}, self._dispatch.names)
        return self._dispatch.act(
            verb,
            {name: self._doing(verb, place, asked | named, arguments) for name, place in places.items()},
            dry=bool(asked.get("dry_run")),
            progress=progress,
            patience=patience,
            errors=errors,
            named=parts_of(jobs, self._dispatch.names) is not None,
        )

    @staticmethod
    def _doing(
        verb: str, place: Mapping[str, Any], how: Mapping[str, Any], arguments: tuple[Any, ...]
    ) -> Callable[[Session, Any], Run]:
        """Return what a verb does to the jobs of one server."""
        group = {} if place["group"] is None else {"group": place["group"]}

        def act(session: Session, report: Any) -> Run:
            do = partial(_drain, session) if verb == "drain" else getattr(session, verb)
            run: Run = do(place["jobs"], *arguments, **how, **group, progress=report)
            return run

        return act

    def _on_few(
        self,
        verb: str,
        jobs: Any,
        asked: dict[str, Any],
        progress: Report[FleetRun],
        patience: Seconds | None,
        arguments: tuple[Any, ...],
        named: dict[str, Any],
    ) -> FleetRun:
        """Do something to so many jobs of all servers together, the first by the order: find these before."""
        from beanops.fleet.merging import columns_for, in_order
        from beanops.session.execution.targets import ORDER
        from beanops.session.execution.verbs import Settings, verb_of

        by_tube = isinstance(jobs, str) or isinstance(tube_or_jobs(jobs), str) or is_groups(jobs)
        states = sorted(verb_of(verb, Settings(named.get("priority"))).states)
        which: dict[str, Any] = {"state": "buried" if verb == "kick" and by_tube else states, "order": ORDER}
        which |= {name: asked[name] for name in ("state", "where", "limit", "order") if name in asked}
        columns, wanted = columns_for(which["order"], _REF)
        places = spread({"jobs": jobs, "group": asked.pop("group", None)}, self._dispatch.names)

        def find(place: dict[str, Any]) -> Work:
            check = self._doing(verb, place, asked | named | {"limit": 0, "dry_run": True}, arguments)
            of = {"tube" if by_tube else "ids": place["jobs"], "group": place["group"]}

            def found(session: Session, call: Call) -> pandas.DataFrame:
                check(session, False)  # raises for wrong arguments and for a tube that is not there
                return session.jobs(**of, **which, columns=columns, bodies=False, progress=call.searched)

            return found

        answers = self._dispatch.read({name: find(place) for name, place in places.items()}, patience=patience)
        self._dispatch.leave_out_read_only(verb, answers)
        found = in_order(self._dispatch.frame("jobs", answers), which["order"], int(asked.pop("limit")), wanted)
        rest = {name: value for name, value in asked.items() if name not in ("where", "order")}
        return self.on_jobs(
            verb, found, rest | {"progress": progress}, patience, *arguments, errors=answers.failed, **named
        )

    def on_tube(self, verb: str, tube: Tube, patience: Seconds | None, *arguments: Any, **named: Any) -> FleetRun:
        """Do something to a tube on all servers that have it."""
        places = spread({"tube": tube}, self._dispatch.names)

        def doing(place: Mapping[str, Any]) -> Callable[[Session, Any], Run]:
            def act(session: Session, report: Any) -> Run:
                run: Run = getattr(session, verb)(place["tube"], *arguments, **named)
                return run

            return act

        works = {name: doing(place) for name, place in places.items()}
        return self._dispatch.act(verb, works, patience=patience, progress=False)

    def on_past(
        self,
        verb: str,
        run: Any,
        servers: str | Iterable[str] | None,
        how: Mapping[str, Any],
        progress: Report[FleetRun],
        patience: Seconds | None,
    ) -> FleetRun:
        """Undo or resume the runs of one call."""
        from beanops.fleet.past_runs import past_runs, rows_of

        chosen = None if servers is None else self._dispatch.chosen(servers)
        rows = rows_of(self._dispatch.record(), run)
        past = past_runs(rows, self._dispatch.names, chosen, back=verb == "undo")

        def doing(id: str) -> Callable[[Session, Any], Run]:
            def act(session: Session, report: Any) -> Run:
                again: Run = getattr(session, verb)(id, **how, progress=report)
                return again

            return act

        return self._dispatch.act(
            verb,
            {one.server: doing(one.id) for one in past.runs},
            dry=how["dry_run"],
            progress=progress,
            patience=patience,
            on={one.server: one.on for one in past.runs},
            errors=past.errors,
        )

    # -- the journal -------------------------------------------------------------------------------------------------

    @cached_property
    def journal(self) -> JournalReader:
        """The journal of all servers."""
        from beanops.journal.prune import this_actor

        dispatch = self._dispatch
        names = {member.address: member.name for member in dispatch.members.values()}
        return JournalReader(
            dispatch.record,
            names,
            actor=dispatch.actor or this_actor(),
            source=dispatch.source,
            clock=dispatch.now,
            verify=self._verify,
        )

    def _verify(self, run: str) -> Run:
        row = self._dispatch.record().run(run)
        there = row.request.get("server", row.server)
        return self._dispatch.member(there).open().journal.verify(run)

    def own_actions(self) -> pandas.DataFrame:
        """Return the actions of the sessions."""
        return self._own("actions")

    def own_runs(self) -> pandas.DataFrame:
        """Return the runs of the sessions."""
        return self._own("runs")

    def _own(self, name: str) -> pandas.DataFrame:
        from beanops.fleet.merging import MERGES, joined
        from beanops.journal.frames import actions_frame, runs_frame

        opened = {member.name: member.session for member in self._dispatch.members.values() if member.session}
        frames = {server: getattr(session, name) for server, session in opened.items()}
        if not frames:
            return joined({"": actions_frame([]) if name == "actions" else runs_frame([])})
        return MERGES[name](joined(frames), frames, None)


def _drain(session: Session, jobs: Any, *, bodies: bool = True, **asked: Any) -> Run:
    """Drain a tube, or those of its jobs that were found or confirmed, which `Session.drain` does not take."""
    from beanops.session import job_verbs

    return job_verbs.drain(session._executor, jobs, Options(**asked), bodies=bodies)  # type: ignore[typeddict-item]
