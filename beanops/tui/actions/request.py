"""What an action is for, and what came of it: `Target`, `Request`, `UnderWay`, `Outcome`; a form's `Field`.

Everything is captured by its key before a dialog opens. The actions are in `beanops.tui.actions.catalogue`.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from beanops.jobs.identity import JobRef
from beanops.protocol import TubeStats
from beanops.protocol.errors import BeanopsError
from beanops.protocol.limits import U32_MAX
from beanops.session.config import Profile, strictest
from beanops.session.config import profile as known_profile
from beanops.session.files.samples import PutSettings
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.tui.actions.outcome import Outcome, fault, outcome_of
from beanops.tui.actions.selected import Selected, words_of
from beanops.tui.server_states import TubeOfServer
from beanops.ui.actions import UserAction
from beanops.ui.confirmation import Confirmation, confirmation, strictest_of
from beanops.ui.runner import LastAction, Progress, Runner, Step

if TYPE_CHECKING:
    from beanops.session.execution.run import Run

#: Acts on one tube by its name.
Act = Callable[[str, Progress], "Run"]
NOTHING: Mapping[str, Any] = MappingProxyType({})
#: Lines of a sample.
SAMPLE = 3
#: The number of jobs by tube and state.
Counts = Mapping[str, Mapping[str, int]]


class Target(NamedTuple):
    """The tubes and jobs of an action, as last seen.

    Attributes
    ----------
    tubes : tuple of TubeStats
        The tube, or the selected ones.
    ids : tuple of int
        The job under the cursor, or the selected ones.
    states : Mapping of str to int
        The number of these jobs by state; ``"held"`` for those that this session has reserved, ``"gone"`` for those
        that no longer exist.
    samples : tuple of str
        A safe line for each of the first jobs.
    body : bytes or None
        The body of the job under the cursor, if known.
    settings : PutSettings
        The settings for a copy of that job.
    each : tuple of str
        The state of each of `ids`, if known: an action leaves out the jobs whose state it does not take.
    selected : tuple of Selected
        Jobs that are chosen by state, predicate or group instead of by `ids`; one for each tube.
    places : tuple of TubeOfServer
        The tubes with their servers, where they are of several; `tubes` has them by both names then.
    """

    tubes: tuple[TubeStats, ...]
    ids: tuple[int, ...] = ()
    states: Mapping[str, int] = NOTHING
    samples: tuple[str, ...] = ()
    body: bytes | None = None
    settings: PutSettings = PutSettings()
    each: tuple[str, ...] = ()
    selected: tuple[Selected, ...] = ()
    places: tuple[TubeOfServer, ...] = ()

    def may_have(self, states: Collection[str]) -> bool:
        """Whether there may be jobs in some states."""
        if self.selected:
            return any(one.may_have(states) for one in self.selected)
        return any(self.states.get(state) for state in states)

    def count(self, field: str) -> int:
        """Return the sum of a count of the tubes."""
        return sum(getattr(tube, field) for tube in self.tubes)


class Field(NamedTuple):
    """One field of a form.

    Attributes
    ----------
    name, label : str
        Its name among the answers, and its label in the form.
    value : str
        The default.
    kind : str
        ``"number"``, ``"seconds"`` (or ``10m``), ``"tube"``, ``"states"``, ``"path"``, ``"body"``, ``"text"`` or
        ``"buried"``.
    unit : str
        The text after the input.
    least, most : int
        The range of a number.
    optional : bool
        Whether a number may be left empty.
    """

    name: str
    label: str
    value: str = ""
    kind: str = "number"
    unit: str = ""
    least: int = 0
    most: int = U32_MAX
    optional: bool = False


class Offer(NamedTuple):
    """An action of the catalogue as the dashboard offers it.

    Attributes
    ----------
    action : UserAction
        Its name, key and words.
    applies : callable
        Whether it can be done to a target.
    sentence : callable
        Says in the confirmation what will be done, to what.
    perform : callable
        Has the session do it.
    ask : callable or None
        What a form asks for first.
    scope : str
        ``"jobs"`` for the jobs, ``"tube"`` for one tube, ``"list"`` where its jobs are listed, ``"tubes"`` for several,
        ``"none"`` for one that is typed only.
    lacks : str
        Why it does not apply to a target.
    counts : callable or None
        For many jobs of tubes: the number of jobs by tube and state, from the answers of the form if there is one.
    takes : frozenset of str
        The states of jobs that an action on jobs takes, ``"held"`` among them.
    changes : bool
        Whether it changes jobs or tubes. One that does not needs no confirmation, and a read-only session offers it.
    runner : callable
        Returns what carries it out.
    """

    action: UserAction
    applies: Callable[[Target], bool]
    sentence: Callable[[Request], str]
    perform: Callable[[Request, Runner], Outcome]
    ask: Callable[[Target], tuple[Field, ...]] | None = None
    scope: str = "tubes"
    lacks: str = ""
    counts: Callable[[Target, Mapping[str, Any]], Counts] | None = None
    takes: frozenset[str] = frozenset()
    changes: bool = True
    runner: Callable[[], Runner] = Runner

    @property
    def name(self) -> str:
        """The name of the action."""
        return self.action.name

    @property
    def label(self) -> str:
        """What key hints and buttons show."""
        return self.action.label

    def request(self, session: Session, target: Target, answers: Mapping[str, Any] = NOTHING) -> Request:
        """Return the request for a target, by its keys; tubes without such jobs are left out."""
        return self._request(session, target, answers)._on(target.places)

    def _request(self, session: Session, target: Target, answers: Mapping[str, Any]) -> Request:
        tubes = tuple(tube.name for tube in target.tubes)
        if self.scope == "jobs":
            return self._on_jobs(session, tubes, target, answers)
        if self.counts is None or (self.ask is not None and not answers):
            return Request(self, session, tubes, answers=answers)
        counts = {tube: states for tube, states in self.counts(target, answers).items() if states}
        states: Counter[str] = Counter()
        for one in counts.values():
            states.update(one)
        return Request(self, session, tuple(counts), states=states, answers=answers, counts=counts)

    def _on_jobs(self, session: Session, tubes: tuple[str, ...], target: Target, answers: Mapping[str, Any]) -> Request:
        """Return the request for jobs, without those in states that the action does not take."""
        if target.selected:
            chosen = (one.only(self.takes) for one in target.selected)
            selected = tuple(one for one in chosen if one.states)
            empty = Request(self, session, tuple(one.tube for one in selected), answers=answers)
            return empty._replace(samples=target.samples).counted(selected)
        ids, left_out = target.ids, {}
        if target.each:
            ids = tuple(id for id, state in zip(target.ids, target.each, strict=True) if state in self.takes)
            left_out = {state: count for state, count in target.states.items() if state not in self.takes}
        states = {state: count for state, count in target.states.items() if state not in left_out}
        return Request(self, session, tubes, ids, states, target.samples, answers, left_out=left_out)


class Request(NamedTuple):
    """An action with the tubes and jobs that it is for.

    Attributes
    ----------
    offer : Offer
        The action.
    session : Session
        The session of its server: another server may be shown before it is confirmed.
    tubes : tuple of str
        The names of the tubes.
    ids : tuple of int
        The jobs, for an action on jobs.
    states : Mapping of str to int
        The number of jobs by state, as last seen.
    samples : tuple of str
        A safe line for each of the first jobs.
    answers : Mapping of str
        The answers of the form.
    counts : Mapping of str to Mapping of str to int
        For an action on many jobs of tubes: the maximum number by tube and state.
    instance : str
        The id of the server process that has the jobs.
    selected : tuple of Selected
        Jobs that are chosen by state, predicate or group instead of by `ids`.
    left_out : Mapping of str to int
        The number of marked jobs by state that the action does not take.
    on : tuple of TubeOfServer
        The tubes with their servers, for an action on several servers.
    """

    offer: Offer
    session: Session
    tubes: tuple[str, ...]
    ids: tuple[int, ...] = ()
    states: Mapping[str, int] = NOTHING
    samples: tuple[str, ...] = ()
    answers: Mapping[str, Any] = NOTHING
    counts: Mapping[str, Mapping[str, int]] = NOTHING
    instance: str = ""
    selected: tuple[Selected, ...] = ()
    left_out: Mapping[str, int] = NOTHING
    on: tuple[TubeOfServer, ...] = ()

    def _on(self, places: tuple[TubeOfServer, ...]) -> Request:
        """Return the request with the servers of its tubes."""
        return self._replace(on=tuple(one for one in places if one.named.name in self.tubes)) if places else self

    @property
    def is_counted(self) -> bool:
        """Whether the number of jobs is known."""
        return all(one.counts is not None for one in self.selected)

    def counted(self, selected: tuple[Selected, ...]) -> Request:
        """Return the request for a selection, once its jobs are counted."""
        states: Counter[str] = Counter()
        for one in selected:
            states.update(one.counts or {})
        return self._replace(selected=selected, states=states)

    @property
    def tube(self) -> str:
        """The only tube, or the first."""
        return self.tubes[0]

    @property
    def number(self) -> int:
        """The maximum number of jobs, 0 for an action on tubes."""
        return len(self.ids) or sum(self.states.values())

    def limit(self, tube: str) -> int:
        """Return the maximum number of jobs of a tube."""
        return sum(self.counts[tube].values())

    @property
    def jobs(self) -> str:
        """The jobs in words, such as ``job 5 of tube mail``."""
        if self.selected:
            state = next(iter(self.states)) if len(self.states) == 1 else ""
            which = plural(self.number, f"{state} job".strip()) if self.is_counted else "jobs"
            return " ".join(filter(None, (f"{which} of {self.places}", words_of(self.selected))))
        marked = len(self.ids) + sum(self.left_out.values())
        which = f"job {self.ids[0]}" if marked == 1 else plural(marked, "job")
        return f"{f'{len(self.ids):,} of ' if self.left_out else ''}{which} of {self.places}"

    @property
    def places(self) -> str:
        """The tubes in words."""
        if self.on:
            servers = dict.fromkeys(one.server for one in self.on)
            on = f"server {next(iter(servers))}" if len(servers) == 1 else plural(len(servers), "server")
            tubes = f"tube {self.on[0].stats.name}" if len(self.on) == 1 else plural(len(self.on), "tube")
            return safe_text(f"{tubes} on {on}")
        return f"tube {safe_text(self.tube)}" if len(self.tubes) == 1 else plural(len(self.tubes), "tube")


def needed_for(request: Request, profile: Profile) -> Confirmation:
    """Return what has to be confirmed before a request, at least a yes: one key is enough to ask for it.

    Parameters
    ----------
    request : Request
        It.
    profile : Profile
        The server as the dashboard shows it.
    """
    if request.on:
        # By its name, so that other profiles of the same address count too.
        known = strictest_of(known_profile(name) for name in dict.fromkeys(one.server for one in request.on))
    else:
        now = request.session._context.protection.now
        known = strictest(profile, [now])._replace(keep_bodies=profile.keep_bodies and now.keep_bodies)
    undone: LastAction = request.answers.get("undone", LastAction())
    return confirmation(request.offer.name, request.number or undone.jobs, known, undoes=undone.action, at_least="yes")


class UnderWay(NamedTuple):
    """A request that is carried out: shared by the thread that does it and the screen that shows how far it is.

    Attributes
    ----------
    request : Request
        It.
    runner : Runner
        Knows how far it is, and cancels it.
    over : threading.Event
        Set at its end.
    """

    request: Request
    runner: Runner
    over: threading.Event

    def carry_out(self, on_several: Callable[[Request, Runner], Outcome]) -> Outcome:
        """Have the session do it; what a server, a file or a wrong answer can cause ends as an outcome.

        Parameters
        ----------
        on_several : callable
            Carries out a request on several servers.
        """
        request = self.request
        try:
            if request.on:
                return on_several(request, self.runner)
            # A server that was restarted uses ids again, and a dialog may stay open for long.
            if request.number and request.session.server().id != request.instance:
                return Outcome(f"{request.offer.name}: nothing done; the server was restarted", False)
            return request.offer.perform(request, self.runner)
        except BeanopsError as error:
            return Outcome(f"{request.offer.name}: {safe_text(str(error))}", False)
        except Exception as error:  # it has to end in any case: quitting waits for that
            return fault(error)
        finally:
            self.over.set()


def one_by_one(request: Request, runner: Runner, noun: str, keys: Sequence[str], act: Act) -> Outcome:
    """Act on one tube after the other, see `Runner.carry_out`."""
    steps = [Step(f"{noun} {key}", partial(act, key)) for key in keys]
    return outcome_of(runner.carry_out(steps), request.offer.name, noun)


def on_selected(request: Request, runner: Runner, verb: Callable[..., Run], **given: Any) -> Outcome:
    """Act on the selected jobs of one tube after the other, by a verb that takes a tube and the options of jobs."""
    chosen = {one.tube: one.options for one in request.selected}
    act = lambda tube, progress: verb(tube, **given, **chosen[tube], progress=progress)  # noqa: E731
    return one_by_one(request, runner, "tube", tuple(chosen), act)


def at_once(request: Request, runner: Runner, call: Callable[[Progress], Run]) -> Outcome:
    """Act by one call of a verb."""
    return outcome_of(runner.carry_out([Step(request.places, call)]), request.offer.name, "job")


def jobs_of(request: Request) -> list[JobRef]:
    """Return the marked jobs, of the server process that was shown when they were marked."""
    tube = request.tubes[0] if len(request.tubes) == 1 else None
    return [JobRef(id, request.instance or None, tube) for id in request.ids]
