"""The probe: a job that is put and deleted, recorded in the journal, to learn the highest id of the server."""

from __future__ import annotations

import secrets

from beanops.protocol.errors import BeanopsError
from beanops.protocol.limits import DEFAULT_PRIORITY, DEFAULT_TTR, U32_MAX
from beanops.session.execution.executor import Executor
from beanops.session.job_verbs import delete
from beanops.session.options import Options
from beanops.session.tube_verbs import put

_WHY = "a scan asked for the highest id"


def probe_id(executor: Executor) -> int:
    """Return the newest id of the server."""
    tube = f"beanops-probe-{secrets.token_hex(8)}"
    times = {"delay": U32_MAX, "ttr": DEFAULT_TTR}
    run = put(executor, b"beanops looks for the highest id", tube, priority=DEFAULT_PRIORITY, **times, reason=_WHY)
    if not run.complete:
        raise BeanopsError(f"the probe could not be put into tube {tube}; {run.summary}")
    deleted = delete(executor, run.refs, Options(reason=_WHY))
    if not deleted.complete:
        raise BeanopsError(f"the probe could not be deleted from tube {tube}; {deleted.summary}")
    return run.ids[0]
