"""Verbs on a cluster of Dask whose workers are killed: no job is acted on twice, and outcomes are never guessed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from beanops.client.sync import Client
from beanops.embedded.process import Beanstalkd
from beanops.session.distributed import acting, workers
from beanops.session.execution.run import Run
from beanops.session.session import Session
from tests.session.conftest import fill
from tests.session.distributed.killer import BATCH, TASK
from tests.session.distributed.test_claims import copies
from tests.waits import PATIENCE

JOBS = 600


@pytest.fixture(autouse=True)
def small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "_LEAST", TASK)
    monkeypatch.setattr(workers, "SILENCE", 3 * PATIENCE)  # a worker that was killed is started anew


@pytest.fixture
def session(open_session: Callable[..., Session], journal_url: str, beanstalkd: Beanstalkd) -> Session:
    """Open a session whose journal is in each of the databases in turn."""
    return open_session(beanstalkd.address, journal=journal_url)


def by_id(run: Run) -> dict[int, str]:
    """Return the outcome of each job of a run; each has one action."""
    rows = run.outcomes
    assert rows["id"].is_unique
    return dict(zip(rows["id"], rows["outcome"], strict=True))


@pytest.mark.parametrize("moment", ["claimed", "sent"])
def test_worker_killed_in_the_middle_copies_no_job_twice(
    session: Session, worker: Client, dask_client: Any, orders: Path, moment: str
) -> None:
    ids = fill(worker, "mail", "ready", JOBS)
    (orders / "kill-one").write_text(moment)  # the other worker does the rest
    run = session.copy("mail", "post", executor=dask_client)
    assert not list(orders.glob("kill-*")), "no worker was killed"
    outcomes, found = by_id(run), copies(worker, "post")
    assert set(outcomes) == set(ids), run.summary
    assert set(outcomes.values()) <= {"done", "unknown"}
    assert set(found.values()) == {1}
    done = {b"ready %d" % place for place, id in enumerate(ids) if outcomes[id] == "done"}
    unknown = [id for id in ids if outcomes[id] == "unknown"]
    assert done <= set(found)
    # A batch that was claimed and not sent, or whose outcomes were not recorded.
    assert 0 < len(unknown) <= 2 * BATCH
    assert len(found) == (len(done) if moment == "claimed" else JOBS)
    assert (run.done, run.unknown) == (len(done), len(unknown))
    assert not run.complete
    assert run.stopped == "a worker was lost; its outcomes are unknown"


def test_worker_killed_at_any_moment_deletes_only_what_is_on_record(
    session: Session, worker: Client, dask_client: Any
) -> None:
    ids = fill(worker, "mail", "ready", JOBS)
    killed: list[int] = []

    def kill(run: Run) -> None:
        if not killed and run.done > JOBS // 4:
            pid = next(iter(dask_client.run(os.getpid).values()))
            killed.append(pid)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    run = session.delete("mail", state="ready", executor=dask_client, progress=kill)
    outcomes = by_id(run)
    left = {int(id) for id in session.jobs("mail", bodies=False)["id"]}
    assert killed
    assert {id for id, outcome in outcomes.items() if outcome == "done"}.isdisjoint(left)
    assert {id for id in ids if id not in left} <= {id for id, one in outcomes.items() if one in ("done", "unknown")}
    assert run.done + run.unknown + run.skipped + run._counts["not sent"] == JOBS
    undone = session.undo(run)
    assert undone.done == run.done


def test_run_that_lost_its_workers_is_resumed(session: Session, worker: Client, dask_client: Any, orders: Path) -> None:
    fill(worker, "mail", "ready", JOBS)
    (orders / "kill-9").write_text("claimed")
    run = session.delete("mail", state="ready", executor=dask_client)
    assert run.unknown
    again = session.resume(run.id)
    assert (run.done + again.done, again.unknown) == (JOBS, 0)
    with suppress(Exception):
        assert not session.tube("mail").current_jobs_ready
