"""What an action is for, how far it is and what came of it: `Target`, `Request`, `Doing`, `Outcome`; a form's `Field`.

Everything is captured by its key before a dialog opens. Which actions there are is in `offers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from beanops.protocol import TubeStats
from beanops.protocol.errors import BeanopsError
from beanops.protocol.limits import U32_MAX
from beanops.session.reservation import Reservation
from beanops.session.run import Run
from beanops.session.session import Session
from beanops.text import safe_text
from beanops.tui.words import plural

if TYPE_CHECKING:
    from beanops.tui.offers import Offer

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
    """

    tubes: tuple[TubeStats, ...]
    ids: tuple[int, ...] = ()
    states: Mapping[str, int] = NOTHING
    samples: tuple[str, ...] = ()
    body: bytes | None = None

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
        ``"number"``, ``"tube"``, ``"states"``, ``"path"`` or ``"body"``.
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
    progress : callable or None
        Called with the run now and then while it lasts.
    """

    offer: Offer
    tubes: tuple[str, ...]
    ids: tuple[int, ...] = ()
    states: Mapping[str, int] = NOTHING
    samples: tuple[str, ...] = ()
    answers: Mapping[str, Any] = NOTHING
    progress: Callable[[Run], None] | None = None

    @property
    def tube(self) -> str:
        """The only tube, or the first."""
        return self.tubes[0]

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
    reservation : Reservation or None
        A job that is held from now on.
    """

    text: str
    done: bool
    id: int | None = None
    runs: tuple[str, ...] = ()
    reservation: Reservation | None = None


def outcome_of(runs: list[Run], *, undoable: bool = True) -> Outcome:
    """Return what came of one run or of several of the same verb."""
    if len(runs) == 1:
        text = runs[0].summary
    else:
        counts = {name: sum(getattr(run, name) for run in runs) for name in ("done", "skipped", "failed", "unknown")}
        text = ", ".join(f"{number:,} {name}" for name, number in counts.items() if number or name == "done")
        whys = [f"{safe_text(why)}" for run in runs for why in (run.stopped, *run.reasons) if why]
        text = f"{runs[0].action} of {len(runs)} tubes: {text}{f' ({whys[0]})' if whys else ''}"
    back = tuple(run.id for run in runs if undoable and run.done)
    return Outcome(safe_text(text), all(run.complete for run in runs), runs=back)


class Doing:
    """A request under way: shared by the thread that carries it out and the screen that shows how far it is.

    Attributes
    ----------
    over : bool
        Whether it came to its end.
    cancelled : bool
        Whether it was told to end early.
    """

    def __init__(self, request: Request) -> None:
        self.request = request._replace(progress=self._progress)
        self.over = False
        self.cancelled = False
        self._runs: dict[str, Run] = {}

    def carry_out(self, session: Session) -> Outcome:
        """Have the session do it; what a server, a file or a wrong answer can cause ends as an outcome."""
        try:
            return self.request.offer.perform(session, self.request)
        except BeanopsError as error:
            return Outcome(f"{self.request.offer.name}: {safe_text(str(error))}", False)
        finally:
            self.over = True

    def cancel(self) -> None:
        """End it after the batch under way."""
        self.cancelled = True
        for run in list(self._runs.values()):
            run.cancel()

    def _progress(self, run: Run) -> None:
        self._runs[run.id] = run
        if self.cancelled:
            run.cancel()

    @property
    def total(self) -> int:
        """How many jobs it is about, 0 when that is not known."""
        return len(self.request.ids)

    @property
    def counts(self) -> dict[str, int]:
        """How many jobs ended in each outcome so far."""
        runs = list(self._runs.values())
        return {name: sum(getattr(run, name) for run in runs) for name in ("done", "skipped", "failed", "unknown")}
