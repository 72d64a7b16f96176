"""`Outcome`: the result of an action, as the status line shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from beanops.protocol.errors import BeanopsError
from beanops.text import plural, safe_text
from beanops.ui.runner import LastAction, Results

if TYPE_CHECKING:
    from beanops.session.reservation import Reservation


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
    last : LastAction
        Of an action on several servers: what an undo there reverts.
    """

    text: str
    done: bool
    id: int | None = None
    reservation: Reservation | None = None
    results: Results = Results()
    way_back: str = ""
    last: LastAction = LastAction()

    @property
    def only_skipped(self) -> bool:
        """Whether something was done, and all that was not done was skipped: jobs have changed since they were seen."""
        results = self.results
        if self.done or results.errors or results.left or results.cancelled:
            return False
        counts = results.counts
        stopped = any(run.stopped for run in results.runs)
        return bool(counts["done"]) and not (stopped or counts["failed"] or counts["unknown"])


def new_id_of(results: Results) -> int | None:
    """Return the new id of the only job that an action put in place of another one; None for none or several."""
    if results.counts.get("done") != 1:
        return None
    return next((row.new_id for run in results.runs for row in run.rows if row.new_id is not None), None)


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
        return Outcome(safe_text(f"{name}: {results.errors[0][1]}"), False, results=results)
    if results.runs:
        name = results.runs[0].action  # as the journal and the question of undo name it
    parts = [f"{count:,} {outcome}" for outcome, count in results.counts.items() if count or outcome == "done"]
    if results.errors:
        parts.append(f"{len(results.errors):,} not begun")
    whys = [f"{target}: {error}" for target, error in results.errors]
    whys += [why for run in results.runs for why in (run.stopped, *run.reasons) if why]
    text = f"{name} of {plural(number, noun)}: {', '.join(parts)}"
    text += f" ({whys[0]}{f'; and {len(whys) - 1:,} more' if len(whys) > 1 else ''})" if whys else ""
    if stopped := results.stopped(noun):
        text += f"; stopped: {stopped}"
    return Outcome(safe_text(text), results.complete, results=results)
