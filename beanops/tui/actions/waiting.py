"""`WAIT`: waits until a condition on the counts of a tube is true; the dashboard goes on."""

from __future__ import annotations

import time

from beanops.protocol.errors import UsageError
from beanops.text import safe_text
from beanops.tui.actions.outcome import Outcome
from beanops.tui.actions.request import Offer, Request
from beanops.ui.actions import UserAction
from beanops.ui.runner import Runner

#: Seconds after which a wait notices that it was cancelled.
NOTICED = 0.2


def _perform(request: Request, runner: Runner) -> Outcome:
    from beanops.session.investigation.wait import Waited, wait

    session, tube = request.session, request.tube

    def report(now: Waited) -> None:
        runner.note = f"{safe_text(tube)}: {now.progress}"

    def sleep(seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if runner.cancelled:
                raise UsageError("cancelled")
            time.sleep(min(NOTICED, left))

    until = request.answers["until"]
    waited = wait(session._lookups, session._context, tube, until, missing_ok=True, report=report, sleep=sleep)
    return Outcome(safe_text(f"wait: {waited.summary}"), waited.is_true)


WAIT = Offer(
    UserAction("wait", "Wait", "", "Wait until a condition on the counts of a tube is true", "", ("until",)),
    lambda target: bool(target.tubes),
    lambda request: f"Wait for {request.places}: {safe_text(request.answers['until'], limit=100)}?",
    _perform,
    scope="tube",
    changes=False,
)
