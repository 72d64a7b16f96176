"""What an action is for, how far it is and what came of it: `Target`, `Request`, `Doing`, `Outcome`; a form's `Field`.

Everything is captured by its key before a dialog opens. Which actions there are is in `offers`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from beanops.protocol import TubeStats
from beanops.protocol.errors import BeanopsError, ConnectFailed
from beanops.protocol.limits import U32_MAX
from beanops.session.files.samples import PutSettings
from beanops.session.reservation import Reservation
from beanops.session.run import Run
from beanops.session.session import Session
from beanops.text import plural, safe_text

if TYPE_CHECKING:
    from beanops.tui.actions.offer import Offer

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
    """What came of a request.

    Attributes
    ----------
    text : str
        One safe line.
    done : bool
        Whether all was done.
    id : int or None
        The job where the answer names one.
    runs : tuple of str
        Ids of the runs that can be taken back.
    buries_again : bool
        Whether that has to bury jobs, which the server cannot do beside workers.
    reservation : Reservation or None
        A job that is held from now on.
    """

    text: str
    done: bool
    id: int | None = None
    runs: tuple[str, ...] = ()
    reservation: Reservation | None = None
    buries_again: bool = False

    @property
    def way_back(self) -> str:
        """What undoing it does, after the key that does it."""
        return "undoes it; what buried jobs become is asked" if self.buries_again else "undoes it"


def outcome_of(runs: list[Run], errors: list[str] | None = None, *, stopped: str = "") -> Outcome:
    """Return what came of one run or of several of the same verb, of which some could not even begin."""
    back = tuple(run.id for run in runs if run.lasting is None)
    if len(runs) == 1 and errors is None:
        return Outcome(safe_text(runs[0].summary), runs[0].complete, runs=back, buries_again=runs[0].buries_again)
    counts = {name: sum(getattr(run, name) for run in runs) for name in ("done", "skipped", "failed", "unknown")}
    text = ", ".join(f"{number:,} {name}" for name, number in counts.items() if number or name == "done")
    whys = [*(errors or ()), *(why for run in runs for why in (run.stopped, *run.reasons) if why)]
    text += f", {len(errors)} not begun" if errors else ""
    text += f" ({whys[0]}{f'; and {len(whys) - 1} more' if len(whys) > 1 else ''})" if whys else ""
    text += f"; stopped: {stopped}" if stopped else ""
    complete = not whys and not stopped and all(run.complete for run in runs)
    return Outcome(safe_text(text), complete, runs=back, buries_again=any(run.buries_again for run in runs))


def fault(error: BaseException | None) -> Outcome:
    """Return what is said of a fault of beanops itself."""
    return Outcome(safe_text(f"fault in beanops: {type(error).__name__}: {error}"), False)


class Doing:
    """A request under way: shared by the thread that carries it out and the screen that shows how far it is.

    Attributes
    ----------
    over : threading.Event
        Set when it came to its end.
    cancelled : bool
        Whether it was told to end early.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.over = threading.Event()
        self.cancelled = False
        self._runs: dict[str, Run] = {}

    def carry_out(self) -> Outcome:
        """Have the session do it; what a server, a file or a wrong answer can cause ends as an outcome."""
        request = self.request
        try:
            # Ids are given out again by a server that was restarted, and a dialog may stand open meanwhile.
            if request.number and request.session.server().id != request.instance:
                return Outcome(f"{request.offer.name}: nothing was done; the server was restarted meanwhile", False)
            return request.offer.perform(self)
        except BeanopsError as error:
            return Outcome(f"{request.offer.name}: {safe_text(str(error))}", False)
        except Exception as error:  # it has to end all the same: whoever quits waits for that
            return fault(error)
        finally:
            self.over.set()

    def one_by_one(self, what: str, keys: Sequence[str], act: Callable[[str], Run]) -> Outcome:
        """Act on one tube or run after the other; what cannot be done is told, and hides nothing that was."""
        if len(keys) == 1:
            return outcome_of([act(keys[0])])
        runs, errors, stopped = [], [], ""
        for place, key in enumerate(keys):
            if self.cancelled:
                stopped = f"cancelled before {plural(len(keys) - place, what)}"
                break
            try:
                runs.append(act(key))
            except BeanopsError as error:
                errors.append(f"{what} {key}: {error}")
                if isinstance(error, ConnectFailed) and place + 1 < len(keys):
                    stopped = f"the server is lost, with {plural(len(keys) - place - 1, what)} to go"
                    break
        outcome = outcome_of(runs, errors, stopped=stopped)
        name = self.request.offer.name
        return outcome._replace(text=f"{name} of {plural(len(keys), what)}: {outcome.text}")

    def cancel(self) -> None:
        """End it after the batch under way."""
        self.cancelled = True
        for run in list(self._runs.values()):
            run.cancel()

    def progress(self, run: Run) -> None:
        """Hear of a run, now and then while it lasts."""
        self._runs[run.id] = run
        if self.cancelled:
            run.cancel()

    @property
    def counts(self) -> dict[str, int]:
        """How many jobs ended in each outcome so far."""
        runs = list(self._runs.values())
        return {name: sum(getattr(run, name) for run in runs) for name in ("done", "skipped", "failed", "unknown")}
