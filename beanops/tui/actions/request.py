"""What an action is for, and what came of it: `Target`, `Request`, `UnderWay`, `Outcome`; a form's `Field`.

Everything is captured by its key before a dialog opens. Which actions there are is in `offers`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from beanops.protocol import TubeStats
from beanops.protocol.errors import BeanopsError
from beanops.protocol.limits import U32_MAX
from beanops.session.files.samples import PutSettings
from beanops.session.reservation import Reservation
from beanops.session.run import Run
from beanops.session.session import Session
from beanops.text import plural, safe_text
from beanops.ui.runner import Progress, Results, Runner, Step

if TYPE_CHECKING:
    from beanops.tui.actions.offer import Offer

#: Acts on one tube by its name.
Act = Callable[[str, Progress], Run]
NOTHING: Mapping[str, Any] = MappingProxyType({})
#: Lines of a sample.
SAMPLE = 3


class Target(NamedTuple):
    """What an action would be done to, as it was last seen.

    Attributes
    ----------
    tubes : tuple of TubeStats
        The tube, or the marked ones.
    ids : tuple of int
        The job under the cursor, or the marked ones.
    states : Mapping of str to int
        How many of them are in which state; ``"held"`` are those that this session reserved, ``"gone"`` those that
        are no more.
    samples : tuple of str
        A safe line on each of the first of them.
    body : bytes or None
        The body of the job under the cursor, where it is known.
    settings : PutSettings
        What a copy of that job is put with.
    """

    tubes: tuple[TubeStats, ...]
    ids: tuple[int, ...] = ()
    states: Mapping[str, int] = NOTHING
    samples: tuple[str, ...] = ()
    body: bytes | None = None
    settings: PutSettings = PutSettings()

    def count(self, field: str) -> int:
        """Return the sum of a count of the tubes."""
        return sum(getattr(tube, field) for tube in self.tubes)


class Field(NamedTuple):
    """One thing that a form asks for.

    Attributes
    ----------
    name, label : str
        Its name among the answers, and what the form calls it.
    value : str
        What is proposed.
    kind : str
        ``"number"``, ``"tube"``, ``"states"``, ``"path"``, ``"body"`` or ``"buried"``.
    unit : str
        What stands after it.
    least, most : int
        Of a number.
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


class Request(NamedTuple):
    """An action with the keys of what it is for.

    Attributes
    ----------
    offer : Offer
        What to do.
    session : Session
        Whom it was asked of: another server may be looked at before it is confirmed.
    tubes : tuple of str
        The tubes' names.
    ids : tuple of int
        The jobs, for an action on jobs.
    states : Mapping of str to int
        Their states as they were seen.
    samples : tuple of str
        A safe line on each of the first of them.
    answers : Mapping of str
        What the form was told.
    counts : Mapping of str to Mapping of str to int
        For an action on many jobs of tubes: by tube and state, how many are meant at most.
    instance : str
        The id that the server gave itself when it was started: the jobs were seen on that one.
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

    @property
    def tube(self) -> str:
        """The only tube, or the first."""
        return self.tubes[0]

    @property
    def number(self) -> int:
        """How many jobs it is about at most, 0 when it is not about jobs."""
        return len(self.ids) or sum(self.states.values())

    def limit(self, tube: str) -> int:
        """Return how many jobs of a tube it is about at most."""
        return sum(self.counts[tube].values())

    @property
    def jobs(self) -> str:
        """The jobs in words, such as ``job 5 of tube mail``."""
        which = f"job {self.ids[0]}" if len(self.ids) == 1 else plural(len(self.ids), "job")
        return f"{which} of {self.places}"

    @property
    def places(self) -> str:
        """The tubes in words."""
        return f"tube {safe_text(self.tube)}" if len(self.tubes) == 1 else plural(len(self.tubes), "tube")


class Outcome(NamedTuple):
    """What came of a request, as the status line says it.

    Attributes
    ----------
    text : str
        One safe line.
    done : bool
        Whether all was done.
    id : int or None
        The job where the answer names one.
    reservation : Reservation or None
        A job that this session has reserved.
    results : Results
        The runs.
    way_back : str
        What the key of undo does, where it reverts this.
    """

    text: str
    done: bool
    id: int | None = None
    reservation: Reservation | None = None
    results: Results = Results()
    way_back: str = ""


def fault(error: BaseException | None) -> Outcome:
    """Return what the status line says of a fault of beanops itself."""
    return Outcome(safe_text(f"fault in beanops: {type(error).__name__}: {error}"), False)


def outcome_of(results: Results, name: str, noun: str) -> Outcome:
    """Return what the status line says of an action that did one step for each of several things.

    Parameters
    ----------
    results : Results
        What came of it.
    name : str
        The action.
    noun : str
        What each step was for, such as ``"tube"``.
    """
    faults = [error for _, error in results.errors if not isinstance(error, BeanopsError)]
    number = len(results.runs) + len(results.errors) + results.left
    if number == 1 and results.runs:
        return Outcome(safe_text(results.runs[0].summary), results.complete, results=results)
    if faults and not results.runs:
        return fault(faults[0])
    if number == 1 and results.errors:
        return Outcome(safe_text(f"{name}: {results.errors[0][1]}"), False)
    parts = [f"{count:,} {outcome}" for outcome, count in results.counts.items() if count or outcome == "done"]
    if results.errors:
        parts.append(f"{len(results.errors)} not begun")
    whys = [f"{target}: {error}" for target, error in results.errors]
    whys += [why for run in results.runs for why in (run.stopped, *run.reasons) if why]
    text = f"{name} of {plural(number, noun)}: {', '.join(parts)}"
    text += f" ({whys[0]}{f'; and {len(whys) - 1} more' if len(whys) > 1 else ''})" if whys else ""
    if stopped := results.stopped(noun):
        text += f"; stopped: {stopped}"
    return Outcome(safe_text(text), results.complete, results=results)


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

    def carry_out(self) -> Outcome:
        """Have the session do it; what a server, a file or a wrong answer can cause ends as an outcome."""
        request = self.request
        try:
            # Ids are given out again by a server that was restarted, and a dialog may stay open for long.
            if request.number and request.session.server().id != request.instance:
                return Outcome(f"{request.offer.name}: nothing was done; the server was restarted meanwhile", False)
            return request.offer.perform(request, self.runner)
        except BeanopsError as error:
            return Outcome(f"{request.offer.name}: {safe_text(str(error))}", False)
        except Exception as error:  # it has to end all the same: a user who quits waits for that
            return fault(error)
        finally:
            self.over.set()


def one_by_one(request: Request, runner: Runner, noun: str, keys: Sequence[str], act: Act) -> Outcome:
    """Act on one tube after the other, see `Runner.carry_out`."""
    steps = [Step(f"{noun} {key}", partial(act, key)) for key in keys]
    return outcome_of(runner.carry_out(steps), request.offer.name, noun)


def at_once(request: Request, runner: Runner, call: Callable[[Progress], Run]) -> Outcome:
    """Act by one call of a verb."""
    return outcome_of(runner.carry_out([Step(request.places, call)]), request.offer.name, "job")
