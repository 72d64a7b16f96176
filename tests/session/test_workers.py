"""Actions while workers go on reserving and deleting: no job is lost, none is done twice, and the record is true."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.protocol.errors import TimedOut
from beanops.session.execution import targets
from beanops.session.execution.run import Run
from beanops.session.session import Session
from tests.session.conftest import fill
from tests.session.truth import jobs_by_id
from tests.session.victim import act
from tests.waits import PATIENCE, until

_JOBS = 150


class _Workers:
    """Workers of all tubes, each with a connection: they reserve a job, delete it, and remember its body."""

    def __init__(self, address: str, count: int) -> None:
        self.worked: list[bytes] = []
        self._address = address
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(count)]

    def _work(self) -> None:
        with Client(self._address) as client:
            for tube in ("mail", "post", "other"):
                client.watch(tube)
            while not self._over.is_set():
                with suppress(TimedOut):
                    job = client.reserve(0)
                    client.delete(job)
                    self.worked.append(job.body)

    def __enter__(self) -> _Workers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)


@pytest.mark.parametrize("verb", ["kick", "bury", "release", "delete", "move"])
def test_while_workers_work_no_job_is_lost_and_the_record_is_true(
    verb: str, session: Session, worker: Client, beanstalkd: Beanstalkd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "BATCH", 50)
    monkeypatch.setattr(targets, "_HELD_BATCH", 50)
    ids = [id for state in ("buried", "delayed", "ready") for id in fill(worker, "mail", state, _JOBS)]
    before = jobs_by_id(worker)
    working = _Workers(beanstalkd.address, 2)

    def meanwhile(run: Run) -> None:
        """Let the workers do something between any two batches, also where a tube is paused for the run."""
        body = b"fresh %d" % (run.done + run.skipped)
        worker.put(body, tube="other")
        until(lambda: body in working.worked)

    with working:
        run = act(session, verb, ids, progress=meanwhile)
    now = jobs_by_id(worker)
    bodies = [job[2] for job in before.values()]
    worked = [body for body in working.worked if not body.startswith(b"fresh")]
    deleted = [before[id][2] for id in run.ids] if verb == "delete" else []
    left = [job[2] for job in now.values()]
    assert sorted([*worked, *deleted, *left]) == sorted(bodies), "each job is worked off, deleted or there, and once"
    assert (run.failed, run.unknown, run.stopped) == (0, 0, None)
    assert run.done + run.skipped == 3 * _JOBS
    assert run.done >= _JOBS, "workers cannot take what is buried"
    for row in run.rows:
        old, body = row.id or 0, before[row.id or 0][2]
        if row.outcome == "skipped":
            assert now.get(old, before[old]) == before[old]
        elif verb == "bury":
            assert now[old][1] == "buried"
        elif verb == "move":
            assert old not in now
            assert body in worked or now[row.new_id or 0][0] == "post"
        else:
            assert old not in now or now[old][1] == "ready"
