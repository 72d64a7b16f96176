"""The journal of several servers: verify the runs on all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from beanops.cli.fleets.opening import opened
from beanops.fleet.calls import Call
from beanops.protocol.errors import BeanopsError
from beanops.session.execution.run import Run
from beanops.session.session import Session

#: Runs that were verified, and why others were not.
Verified = tuple[list[Run], list[BeanopsError]]


def verified_on_all(
    asked: Mapping[str, Any],
    run: str | None,
    verify: Callable[[Session, Iterable[str]], Verified],
    unknown: Callable[[Session], list[str]],
) -> Verified:
    """Return what each server says about the actions of its runs with an unknown outcome.

    Parameters
    ----------
    asked : mapping of str to object
        The options of the command.
    run : str or None
        Only the run, or the runs of the call on several servers, with this id.
    verify : callable
        Asks one server about runs.
    unknown : callable
        Returns the runs on a server that have such actions.
    """
    from beanops.fleet.past_runs import rows_of

    with opened(asked) as fleet:
        chosen = None if run is None else {row.id for row in rows_of(fleet._dispatch.record(), run)}

        def look(session: Session, call: Call) -> Verified:
            return verify(session, [id for id in unknown(session) if chosen is None or id in chosen])

        answers = fleet._dispatch.read(look)
    found = list(answers.values.values())
    unanswered = [BeanopsError(f"{name}: {error}") for name, error in answers.failed.items()]
    return [one for runs, _ in found for one in runs], [*(one for _, errors in found for one in errors), *unanswered]
