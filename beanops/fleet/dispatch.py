"""`Dispatch`: carries out what `Fleet` describes, with one call for each server, and says which did not answer."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any

from beanops.fleet.calls import Answers, Call, ServerQuestion, ask
from beanops.fleet.fleet_run import FleetRun
from beanops.fleet.members import FleetMember
from beanops.jobs.search.progress import whole_of
from beanops.jobs.tube_names import warn_of_tube
from beanops.journal.records import Refused, new_run_id
from beanops.journal.shared import SharedJournal
from beanops.protocol.errors import BeanopsError, ConnectionClosed, UsageError
from beanops.session.arguments import Seconds, timeout_of
from beanops.session.bars import Bar, Report, bar_for
from beanops.session.execution.ending import ending_gently
from beanops.session.execution.run import Run
from beanops.session.session import Session
from beanops.text import did_you_mean

if TYPE_CHECKING:
    import pandas

    from beanops.journal.journal import Journal

#: What to do on one server: given its session, and the call, which takes the progress.
Work = Callable[[Session, Call], Any]


class ServersUnanswered(UserWarning):
    """Some of several servers did not answer, so that a result is of the others alone."""


class Dispatch:
    """Asks all servers of a fleet, or some of them, at the same time.

    Parameters
    ----------
    members : sequence of FleetMember
        The servers.
    journal : SharedJournal
        The journal of all sessions.
    patience : float
        Seconds for which a server may owe an answer.
    now : callable
        Returns the time, UTC.
    source : str
        The face, for the journal. Command line and terminal show progress and warnings themselves.
    actor : str or None
        For the journal; by default user and host.
    """

    def __init__(
        self,
        members: Sequence[FleetMember],
        journal: SharedJournal,
        patience: float,
        now: Callable[[], datetime],
        source: str,
        actor: str | None,
    ) -> None:
        self.now, self.source, self.actor = now, source, actor
        self.closed = False
        self.members = {member.name: member for member in members}
        self.journal = journal
        self.patience = patience
        self.watched = source not in ("cli", "tui")
        #: The name of each server by its name and by its address.
        self.names = {member.address: member.name for member in members} | {name: name for name in self.members}

    def check_open(self) -> None:
        """Raise `ConnectionClosed` if the fleet is closed."""
        if self.closed:
            raise ConnectionClosed("this fleet was closed by close(); connect again to continue")

    def record(self) -> Journal:
        """Return the journal, which the first call opens."""
        self.check_open()
        return self.journal.opened()

    def close(self) -> None:
        """Close the sessions and the journal."""
        self.closed = True
        with ExitStack() as ends:
            ends.callback(self.journal.close)
            for member in self.members.values():
                ends.callback(member.close)

    def member(self, name: str) -> FleetMember:
        """Return a server by its name or its address.

        Raises
        ------
        UsageError
            There is none of that name.
        """
        if name not in self.names:
            known = ", ".join(self.members)
            raise UsageError(f"no server {name!r} in this fleet: it has {known}{did_you_mean(name, self.members)}")
        return self.members[self.names[name]]

    def chosen(self, servers: str | Iterable[str] | None) -> list[str]:
        """Return the names of servers that a caller chose, None for all."""
        if servers is None:
            return list(self.members)
        wanted = [servers] if isinstance(servers, str) else servers
        return list(dict.fromkeys(self.member(name).name for name in wanted))

    def ask(
        self,
        works: Mapping[str, Work],
        *,
        patience: Seconds | None = None,
        fleet: str | None = None,
        started: Callable[[dict[str, Call]], None] = lambda calls: None,
        progress: Callable[[], None] = lambda: None,
    ) -> Answers:
        """Ask servers by name, each its own; nothing is raised for one that does not answer.

        Parameters
        ----------
        works : mapping of str to callable
            What to ask each server.
        patience : number, str, timedelta or None
            Time for which a server may owe an answer; None is that of the fleet.
        fleet : str or None
            Id of the whole call, for the journal.
        started, progress
            As in `calls.ask`.
        """
        seconds = self.patience if patience is None else timeout_of("patience", patience)
        questions = [ServerQuestion(name, self.members[name], work) for name, work in works.items()]
        return self.put(questions, seconds, fleet, started, progress)

    def put(
        self,
        questions: Sequence[ServerQuestion],
        patience: float,
        fleet: str | None,
        started: Callable[[dict[str, Call]], None],
        progress: Callable[[], None] = lambda: None,
    ) -> Answers:
        """Put questions to servers; see `calls.ask`."""
        self.check_open()
        keys = [one.key for one in questions]

        def begun(calls: list[Call]) -> None:
            started(dict(zip(keys, calls, strict=True)))

        return ask(questions, patience=patience, fleet=fleet, started=begun, progress=progress)

    def put_actions(self, questions: Sequence[ServerQuestion]) -> tuple[str, Answers]:
        """Put questions whose runs are one action; return the id that the runs share, and the answers."""
        id = new_run_id(self.now())
        return id, self.put(questions, self.patience, id, lambda calls: None)

    # -- look ----------------------------------------------------------------------------------------------------

    def read(
        self,
        work: Work | Mapping[str, Work],
        *,
        patience: Seconds | None = None,
        scan: str = "",
        progress: Any = False,
        warn: bool = True,
    ) -> Answers:
        """Ask all servers, or some, for what changes nothing, and warn of those that do not answer.

        Parameters
        ----------
        work : callable, or mapping of str to callable
            What to ask all of them, or those that it names.
        patience : number, str, timedelta or None
            Time for which a server may owe an answer; None is that of the fleet.
        scan : str
            Name of a search, whose progress is shown; empty for what is none.
        progress : callable, bool or None
            As in the searches of a session.
        warn : bool
            Whether to warn of servers that do not answer.

        Raises
        ------
        BeanopsError
            No server answered.
        """
        known: dict[str, Call] = {}
        with bar_for(progress if scan else False, self.watched, "ids", scan) as bar:
            report = bar.show_scan if bar is not None else progress if callable(progress) else None

            def searched() -> None:
                made = whole_of([call.made for call in known.values() if call.made is not None])
                if report is not None and made is not None:
                    report(made)

            works = dict.fromkeys(self.members, work) if callable(work) else work
            answers = self.ask(works, patience=patience, started=known.update, progress=searched)
        answers.check()
        if warn:
            self.warn_of(answers)
        return answers

    def warn_of(self, answers: Answers) -> None:
        """Warn of servers that did not answer, and of a tube of which no server knows anything."""
        if not self.watched:
            return
        unknown = [call.unknown_tube for call in answers.calls.values()]
        if unknown and all(unknown):
            warn_of_tube(str(unknown[0]))
        if answers.failed:
            self.warn("; ".join(f"{name}: {error}" for name, error in answers.failed.items()))

    def warn(self, words: str) -> None:
        """Warn the first caller outside beanops that the result lacks servers."""
        if not self.watched:
            return
        level, frame = 1, sys._getframe()
        while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "beanops":
            level, frame = level + 1, frame.f_back
        warnings.warn(f"the result lacks {words}", ServersUnanswered, stacklevel=level)

    def frame(self, method: str, answers: Answers, most: int | None = None) -> pandas.DataFrame:
        """Return one frame of those of the servers, with what did not answer."""
        from beanops.fleet.merging import MERGES, joined

        frames = answers.values
        attrs = {name: dict(frame.attrs) for name, frame in frames.items()}
        whole = joined(frames)
        for name, frame in frames.items():
            frame.attrs = attrs[name]
        if method in MERGES:
            whole = MERGES[method](whole, frames, most)
        whole.attrs["unanswered"] = answers.unanswered
        return whole

    # -- act -----------------------------------------------------------------------------------------------------

    def leave_out_read_only(self, action: str, answers: Answers) -> list[str]:
        """Turn what was found on read-only servers into refusals, unless all servers are; return their names.

        What a plan counts, and what a limit is filled with, is then what can be done.
        """
        sessions = [member.session for member in self.members.values()]
        if all(session is None or session.read_only for session in sessions):
            return []
        refused = [name for name, call in answers.calls.items() if (one := call.member.session) and one.read_only]
        for name in refused:
            session = answers.calls.pop(name).member.session
            answers.errors[name] = Refused(f"{action} is refused: {session} is read-only")
        return refused

    def act(
        self,
        action: str,
        works: Mapping[str, Callable[[Session, Any], Run]],
        *,
        dry: bool = False,
        progress: Report[Any] = None,
        patience: Seconds | None = None,
        on: Mapping[str, str] | None = None,
        errors: Mapping[str, BeanopsError] | None = None,
        named: bool = False,
    ) -> FleetRun:
        """Do something on servers at the same time, as one run on each.

        Parameters
        ----------
        action : str
            The verb.
        works : mapping of str to callable
            By server: does it, given a session and what takes the progress of the run.
        dry : bool
            Whether nothing is changed.
        progress : callable, bool or None
            As in the verbs of a session; called with the `FleetRun`.
        patience : number, str, timedelta or None
            Time for which a server may owe an answer; None is that of the fleet.
        on : mapping of str to str or None
            The server that carries out the work of another one; None is each its own.
        errors : mapping of str to BeanopsError or None
            Other servers, on which it should have been done, and why it was not.
        named : bool
            Whether each server was named: a tube that it does not have is an error then.

        Raises
        ------
        BeanopsError
            Nothing was begun on any server.
        """
        run = FleetRun(new_run_id(self.now()), action, dry)
        seconds = self.patience if patience is None else timeout_of("patience", patience)
        questions = [
            ServerQuestion(name, self.members[(on or {}).get(name, name)], _with_progress(work))
            for name, work in works.items()
        ]
        with bar_for(progress, self.watched, "jobs", action) as bar, ending_gently(run, "fleet"):
            acted = _shown(bar, progress, run)
            answers = self.put(questions, seconds, None if dry else run.id, run.follow, acted)
        answers.errors.update(errors or {})
        if dry:
            run.leave_out(self.leave_out_read_only(action, answers))
        run.end(answers, named=named)
        if answers.errors and not run.runs:
            answers.check()
        if run.errors:
            self.warn("; ".join(f"{name}: {why}" for name, why in run.unanswered.items()))
        return run


def _with_progress(work: Callable[[Session, Any], Run]) -> Work:
    return lambda session, call: work(session, call.acted)


def _shown(bar: Bar | None, progress: Any, run: FleetRun) -> Callable[[], None]:
    if bar is not None:
        return lambda: bar.show(run.counted, run.named or None)
    return (lambda: progress(run)) if callable(progress) else lambda: None
